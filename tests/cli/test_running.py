"""Ctrl-C and SIGTERM: once in order, twice at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from stomp_cli.exits import Exit
from stomp_cli.main import main
from stomp_cli.running import Stopping, run, until
from tests.cli.programs import PATIENCE


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_who_is_told_twice_cuts_off_whoever_is_left(number, code):
    async def scenario(stopping: Stopping) -> int:
        os.kill(os.getpid(), number)
        await stopping.asked.wait()
        os.kill(os.getpid(), number)
        await asyncio.sleep(PATIENCE)
        return Exit.FAILED

    assert run(scenario, endless=True) == code


def test_ctrl_c_is_not_for_what_ends_by_itself():
    async def scenario(stopping: Stopping) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(PATIENCE)
        return Exit.FAILED

    assert run(scenario) == Exit.INTERRUPTED


def test_outside_the_main_thread_it_works_too(broker):
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["send", broker.url, "/queue/a", "x"])))
    thread.start()
    thread.join(PATIENCE)
    assert codes == [Exit.OK]


def test_until_gives_what_has_come_even_if_it_is_time_to_end():
    async def scenario(stopping: Stopping) -> int:
        stopping.asked.set()
        assert bool(stopping)
        assert await until(stopping, asyncio.sleep(0, "came")) in ("came", None)
        assert await until(stopping, asyncio.sleep(600, "never")) is None
        return 7

    assert run(scenario) == 7


def test_a_cancellation_of_the_commands_own_is_no_signal():
    async def scenario(stopping: Stopping) -> int:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(scenario)
