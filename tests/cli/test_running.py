"""Ctrl-C and SIGTERM: once in order, twice at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from stomp_cli import running
from stomp_cli.exits import Exit
from stomp_cli.main import main
from stomp_cli.running import Stage, Stopping, awaited, run, until
from tests.cli.programs import PATIENCE, MuteServer, Piped


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


def tell(number: signal.Signals) -> None:
    """Send this process a signal, and have it heard in the loop's next turns."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_the_second_signal_cuts_off_everything_that_is_left_in_order(number, code, capsys, monkeypatch):
    monkeypatch.setattr(running, "SILENCE", 0.0)
    left: list[str] = []

    async def leave_slowly(name: str) -> None:
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            left.append(name)

    async def scenario(stopping: Stopping) -> int:
        try:
            tell(number)
            await asyncio.sleep(PATIENCE)
        finally:
            stopping.enter(Stage.LEAVING, "one thing and another")
            await asyncio.sleep(0.05)
            tell(number)
            try:
                await leave_slowly("one")
            finally:
                await leave_slowly("another")
        return Exit.OK

    async def gently(stopping: Stopping) -> int:
        stopping.enter(Stage.BEGINNING, "nothing")
        return await scenario(stopping)

    assert run(gently) == code
    assert left == ["one", "another"]
    assert awaited("one thing and another") in capsys.readouterr().err


def test_before_anything_has_begun_sigterm_ends_at_once():
    async def scenario(stopping: Stopping) -> int:
        stopping.enter(Stage.BEGINNING, "a connection")
        tell(signal.SIGTERM)
        await asyncio.sleep(PATIENCE)
        return Exit.FAILED

    assert run(scenario) == Exit.TERMINATED


def test_a_server_has_its_time_and_no_more(capsys, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.05)

    async def scenario(stopping: Stopping) -> int:
        tell(signal.SIGTERM)
        await stopping.asked.wait()
        await asyncio.sleep(PATIENCE)
        return Exit.FAILED

    assert run(scenario) == Exit.TERMINATED
    assert "the server does not answer: cut off\n" in capsys.readouterr().err


@pytest.mark.parametrize("stage", [Stage.BUSY, Stage.LEAVING])
def test_what_has_its_own_time_is_not_cut_off_by_the_clock(stage, capsys, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.01)
    monkeypatch.setattr(running, "SILENCE", 0.0)

    async def scenario(stopping: Stopping) -> int:
        stopping.enter(stage, "it") if stage is Stage.BUSY else None
        tell(signal.SIGTERM)
        await stopping.asked.wait()
        stopping.enter(stage, "it")
        await asyncio.sleep(0.2)
        stopping.enter(stage, "it")
        await asyncio.sleep(0.02)
        return 7

    assert run(scenario) == 7
    # Once, whatever is entered again.
    assert capsys.readouterr().err == awaited("it", bounded=stage is Stage.LEAVING)


def test_who_ends_soon_says_nothing(capsys, monkeypatch):
    monkeypatch.setattr(running, "SILENCE", PATIENCE)

    async def scenario(stopping: Stopping) -> int:
        tell(signal.SIGTERM)
        await stopping.asked.wait()
        stopping.enter(Stage.LEAVING, "it")
        return 7

    assert run(scenario) == 7
    assert capsys.readouterr().err == ""


GOOD_BYE = "the server to confirm DISCONNECT"


CODES = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


def test_ctrl_c_during_a_good_bye_cuts_it_off():
    with MuteServer() as server, Piped("doctor", server.url) as program:
        server.wait_for(b"DISCONNECT")
        program.signal(signal.SIGINT)
        ended = program.end()
    assert ended.code == Exit.INTERRUPTED
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("number", "command", "heard", "what"),
    [
        (signal.SIGINT, "listen URL /queue/a", b"SUBSCRIBE", GOOD_BYE),
        (signal.SIGTERM, "listen URL /queue/a", b"SUBSCRIBE", GOOD_BYE),
        (signal.SIGINT, "send URL /queue/a x --receipt", b"SEND", GOOD_BYE),
        (signal.SIGTERM, "send URL /queue/a x --receipt", b"SEND", "the server to confirm what was sent"),
        (signal.SIGTERM, "request URL /queue/a x", b"SEND", GOOD_BYE),
        (signal.SIGTERM, "bench URL", b"SEND", "what is in work"),
        (signal.SIGTERM, "demo URL", b"SEND", GOOD_BYE),
    ],
)
def test_what_a_mute_server_keeps_waiting_is_told_and_cut_off(number, command, heard, what):
    with MuteServer() as server, Piped(*command.replace("URL", server.url).split()) as program:
        server.wait_for(heard)
        program.signal(number)
        # On a slow machine it may have waited for something else before.
        while (told := program.remark()) != awaited(what):
            assert told.startswith("waiting for ")
        program.signal(number)
        ended = program.end()
    assert ended.code == CODES[number]
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("number", "command"),
    [
        (signal.SIGTERM, "send URL /queue/a x"),
        (signal.SIGINT, "shell URL"),
        (signal.SIGTERM, "shell URL"),
    ],
)
def test_an_end_that_takes_long_is_told_unasked(number, command):
    with MuteServer() as server, Piped(*command.replace("URL", server.url).split()) as program:
        assert program.remark() == awaited(GOOD_BYE)
        program.signal(number)
        ended = program.end()
    assert ended.code == CODES[number]
    assert "Traceback" not in ended.err


def test_a_message_that_was_never_confirmed_is_no_success(call, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.1)
    with MuteServer() as server:
        said = call("send", server.url, "/queue/a", "x")
    assert said.code == Exit.TIMEOUT
    assert "the server did not confirm DISCONNECT: whether it has all that was sent is unknown" in said.err


def test_an_exchange_with_a_server_that_does_nothing_is_wrong(call, monkeypatch):
    from stomp_cli import demo_exchange

    monkeypatch.setattr(running, "PATIENCE", 0.1)
    monkeypatch.setattr(demo_exchange, "_WAIT", 0.1)
    with MuteServer() as server:
        said = call("demo", server.url)
    assert said.code == Exit.FAILED
    for words in (
        "(this broker confirms no SEND)",
        "WRONG: text did not come",
        "WRONG: 4 messages in, 0 out",
    ):
        assert words in said.out


def test_a_server_that_hangs_up_instead_has_confirmed(call):
    # RabbitMQ's Web STOMP does.
    with MuteServer(hangs_up_at=b"DISCONNECT") as server:
        said = call("send", server.url, "/queue/a", "x")
    assert (said.code, said.err) == (Exit.OK, "")
