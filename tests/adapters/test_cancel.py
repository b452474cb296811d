"""Whatever is cancelled, and whenever: what was begun to be written is written to its end, and the good-bye
is said.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Generator
from typing import Any

import pytest
import trio

import stomp_asyncio
import stomp_blocking
import stomp_trio
from stomp_blocking._runner import Runner
from stomp_sansio import Closed, CloseReason, ConnectRequest, FrameParser, Version
from tests.adapters.colours import Dressed, finish
from tests.adapters.loopback import LoopbackBroker
from tests.adapters.memory import Dribble, MemoryServer

LARGE = b"x" * 300_000


async def conversation(client: Any, body: bytes = LARGE) -> None:
    """Wait in every way that there is."""
    async with client.subscribe("/queue/a", ack="client-individual") as messages:
        await client.send("/queue/a", body, receipt=True)
        await client.send("/queue/a", body)
        message = await messages.receive()
        async with message.process():
            await client.settled(client.send_soon("/queue/b", body))
        async with client.transaction() as transaction:
            await transaction.send("/queue/c", body)
            await transaction.ack(await messages.receive())
    async with client.subscribe("/queue/q") as questions:
        await client.send("/queue/q", "?", receipt=True)
        await questions.receive()
    await client.drain()


def judge(server: LoopbackBroker) -> None:
    """Every client that was let in said good-bye, and no frame was cut off."""
    server.wait_for(lambda: len(server.saw(Closed)) == len(server.saw(ConnectRequest)))
    for end in server.saw(Closed):
        assert end.error is None
        assert end.reason in (CloseReason.DISCONNECT, CloseReason.EOF)


def farewells(server: LoopbackBroker) -> list[bool]:
    return [end.reason is CloseReason.DISCONNECT for end in server.saw(Closed)]


# trio


class CancelStep(trio.abc.Instrument):
    """Cancels a scope when the main task has made so many steps."""

    def __init__(self, step: int, scope: trio.CancelScope) -> None:
        self.left = step
        self.scope = scope
        self.task = trio.lowlevel.current_task()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            self.left -= 1
            if self.left == 0:
                self.scope.cancel()


def test_trio_at_every_checkpoint(server):
    async def once(step: int) -> tuple[bool, bool]:
        before = trio.lowlevel.current_statistics().tasks_living
        ready = False
        scope = trio.CancelScope()
        instrument = CancelStep(step, scope)
        trio.lowlevel.add_instrument(instrument)
        with scope:
            async with stomp_trio.connect(f"stomp://127.0.0.1:{server.port}") as client:
                ready = True
                await conversation(client)
            ready = True
        trio.lowlevel.remove_instrument(instrument)
        assert trio.lowlevel.current_statistics().tasks_living == before
        return instrument.left <= 0, ready

    for step in itertools.count(1):
        cancelled, ready = trio.run(once, step)
        judge(server)
        if ready:
            assert farewells(server)[-1:] == [True]
        if not cancelled:
            assert step > 10, "it never waited"
            return


@pytest.mark.parametrize("step", [*range(1, 60), *range(60, 400, 7)])
def test_trio_over_a_stream_that_dribbles(step):
    """Here a writer that could be interrupted would leave half a frame behind."""
    server = MemoryServer()
    ready = False

    async def main() -> None:
        nonlocal ready
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve)
            scope = trio.CancelScope()
            instrument = CountAll(step, scope)
            trio.lowlevel.add_instrument(instrument)
            with scope:
                async with stomp_trio.connect("stomp://memory", stream=Dribble(server.stream)) as client:
                    ready = True
                    await conversation(client, b"y" * 50)
            trio.lowlevel.remove_instrument(instrument)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    commands = whole_frames(bytes(server.heard))
    # Until the server has answered there is nobody to take leave of.
    if ready:
        assert commands[0] == "CONNECT"
        assert commands.index("DISCONNECT") == len(commands) - 1
    else:
        assert commands in ([], ["CONNECT"], ["CONNECT", "DISCONNECT"])


class CountAll(trio.abc.Instrument):
    """Cancels a scope when all tasks together have made so many steps."""

    def __init__(self, step: int, scope: trio.CancelScope) -> None:
        self.left = step
        self.scope = scope

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.scope.cancel()


def whole_frames(octets: bytes) -> list[str]:
    parser = FrameParser(version=Version.V1_2)
    parser.receive_data(octets)
    commands = []
    while (frame := parser.next_frame()) is not None:
        commands.append(frame.command)
    assert not parser.pending, f"half a frame is on the wire: {octets[-100:]!r}"
    return commands


@pytest.mark.parametrize("when", ["connecting", "waiting", "closing"])
def test_trio_when_the_user_presses_ctrl_c(server, when):
    """Ctrl-C comes out where the program waits, and never in the middle of what we do."""
    import os
    import signal

    interrupted = False

    async def main() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        if when == "connecting":
            os.kill(os.getpid(), signal.SIGINT)
        async with stomp_trio.connect(url) as client, client.subscribe("/queue/a") as messages:
            if when == "waiting":
                os.kill(os.getpid(), signal.SIGINT)
                await messages.receive()
            else:
                os.kill(os.getpid(), signal.SIGINT)

    try:
        trio.run(main)
    except KeyboardInterrupt:
        interrupted = True
    assert interrupted
    judge(server)
    assert farewells(server) in ([], [True])


def test_trio_an_error_of_the_block_comes_out_as_it_is(server):
    async def main() -> None:
        with pytest.raises(LookupError, match="mine") as caught:
            async with stomp_trio.connect(f"stomp://127.0.0.1:{server.port}"):
                raise LookupError("mine")
        assert caught.value.__cause__ is None

    trio.run(main)
    judge(server)
    assert farewells(server) == [True]


def test_trio_a_good_bye_that_nobody_answers_ends_in_time():
    server = MemoryServer()

    async def main() -> float:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve)
            async with stomp_trio.connect("stomp://memory", stream=server.stream, close_timeout=3) as client:
                await client.send("/queue/a", "x", receipt=True)
                server.silent = True
                start = trio.current_time()
            return trio.current_time() - start

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == pytest.approx(3.0)


# asyncio


class CancelAwait:
    """Runs a coroutine, and cancels its task the n-th time that it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], step: int) -> None:
        self.coroutine = coroutine
        self.left = step

    def __await__(self) -> Generator[Any, Any, Any]:
        error: BaseException | None = None
        while True:
            try:
                future = self.coroutine.send(None) if error is None else self.coroutine.throw(error)
            except StopIteration as end:
                return end.value
            error = None
            self.left -= 1
            if self.left == 0:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield future
            except BaseException as thrown:
                error = thrown


def test_asyncio_at_every_wait(server):
    inside = False

    async def talk() -> None:
        nonlocal inside
        async with stomp_asyncio.connect(f"stomp://127.0.0.1:{server.port}") as client:
            inside = True
            await conversation(client)
            inside = False

    async def once(step: int) -> bool:
        async def bounded() -> None:
            await CancelAwait(talk(), step)

        task = asyncio.create_task(bounded())
        await asyncio.wait([task])
        # What a client leaves to the loop is done in its next turns.
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if task.cancelled():
            return True
        task.result()
        return False

    for step in itertools.count(1):
        inside = False
        cut_short = asyncio.run(once(step), debug=True)
        judge(server)
        # Whoever cancels the good-bye itself may get none.
        if inside:
            assert farewells(server)[-1:] == [True]
        if not cut_short:
            assert step > 10, "it never waited"
            return


def test_asyncio_a_timeout_round_receive_loses_nothing(server):
    async def main() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        seen: list[str] = []
        async with stomp_asyncio.connect(url) as client, client.subscribe("/queue/a") as messages:

            async def send() -> None:
                for number in range(300):
                    await client.send("/queue/a", str(number), receipt=number % 3 == 0)

            sender = asyncio.create_task(send())
            while len(seen) < 300:
                try:
                    async with asyncio.timeout(0.0005):
                        while True:
                            message = await messages.receive()
                            seen.append(message.text)
                except TimeoutError:
                    pass
            await sender
        assert seen == [str(number) for number in range(300)]

    asyncio.run(main(), debug=False)


def test_asyncio_in_a_task_group_that_fails(server):
    async def main() -> None:
        async def listen() -> None:
            url = f"stomp://127.0.0.1:{server.port}"
            async with stomp_asyncio.connect(url) as client, client.subscribe("/queue/a") as messages:
                started.set()
                await messages.receive()

        async def fail() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(listen())
                await started.wait()
                raise LookupError("mine")

        started = asyncio.Event()
        with pytest.raises(ExceptionGroup) as caught:
            await fail()
        assert [type(error) for error in caught.value.exceptions] == [LookupError]

    asyncio.run(main(), debug=True)
    judge(server)
    assert farewells(server) == [True]


# blocking


@pytest.mark.parametrize("thread", [True, False])
def test_blocking_at_every_wait(server, monkeypatch, thread):
    original = Runner.wait
    left = 0

    def wait(self: Runner, ready: Any, timeout: float | None) -> bool:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return original(self, ready, timeout)

    monkeypatch.setattr(Runner, "wait", wait)
    for step in itertools.count(1):
        left = step
        ready = False
        try:
            with stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}", thread=thread) as client:
                ready = True
                finish(conversation(Dressed(client)))
                ready = False
        except KeyboardInterrupt:
            judge(server)
            if ready:
                assert farewells(server)[-1:] == [True]
        else:
            assert step > 6, "it never waited"
            return
