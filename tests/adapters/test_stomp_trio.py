"""What is trio's own: virtual time, streams in memory, nurseries, and errors that come out as they are."""

from __future__ import annotations

import importlib
import math
import select
import sys
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import stomp_trio
from stomp_sansio.machine import StreamAction, StreamId, StreamLoss, TLSInfo
from stomp_trio._driver import Driver
from tests.adapters.memory import MemoryServer


def run(scenario: Callable[[MemoryServer], Any]) -> float:
    """Run a scenario beside a server in virtual time; return how many seconds passed."""

    async def main() -> float:
        server = MemoryServer()
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve)
            await scenario(server)
        return trio.current_time() - start

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def test_an_idle_connection_costs_no_real_time_and_beats():
    async def scenario(server: MemoryServer) -> None:
        async with stomp_trio.connect("stomp://memory", stream=server.stream, heartbeat=(10, 10)) as client:
            await trio.sleep(3600)
            assert client.connected
        assert bytes(server.heard).count(b"\n\n\n") > 0 or bytes(server.heard).count(b"\0\n") > 0

    assert run(scenario) >= 3600


def test_a_server_that_falls_silent_is_given_up():
    async def scenario(server: MemoryServer) -> None:
        async with (
            stomp_trio.connect("stomp://memory", stream=server.stream, heartbeat=(10, 10)) as client,
            client.subscribe("/queue/a") as messages,
        ):
            await client.send("/queue/b", receipt=True)
            server.silent = True
            with pytest.raises(stomp_trio.HeartbeatTimeout, match="silent"):
                await messages.receive()

    # Two intervals and a second: the server is known to live at the start.
    assert run(scenario) == pytest.approx(21, abs=0.5)


def test_a_loop_that_stood_still_is_no_silence_of_the_server(server):
    clock, url = MockClock(rate=1.0), f"stomp://127.0.0.1:{server.port}"

    async def main() -> None:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with (
            stomp_trio.connect(url, stream=stream, heartbeat=(0, 10)) as client,
            client.subscribe("/topic/a") as messages,
        ):
            # Which of two tasks that are woken together runs first is left to chance.
            for _ in range(16):
                await client.send("/topic/a", "waits in the socket")
                assert select.select([stream.socket.fileno()], [], [], 20)[0]
                clock.jump(30)
                assert (await messages.receive()).text == "waits in the socket"

    trio.run(main, clock=clock)


def test_start_returns_when_it_is_subscribed():
    async def scenario(server: MemoryServer) -> None:
        seen: list[str] = []

        async def handler(message: stomp_trio.Message) -> None:
            seen.append(message.text)
            if len(seen) == 2:
                done.set()

        done = trio.Event()
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            async with trio.open_nursery() as nursery:
                await nursery.start(client.consume, "/topic/a", handler)
                await client.send("/topic/a", "one")
                await client.send("/topic/a", "two")
                await done.wait()
                nursery.cancel_scope.cancel()
            await client.send("/topic/a", receipt=True)
        assert seen == ["one", "two"]
        assert b"UNSUBSCRIBE\n" in server.heard

    run(scenario)


def test_several_handlers_at_once_overlap():
    async def scenario(server: MemoryServer) -> None:
        finished: list[str] = []

        async def handler(message: stomp_trio.Message) -> None:
            await trio.sleep(10)
            finished.append(message.text)

        start = trio.current_time()
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            for _ in range(6):
                await client.send("/queue/a", receipt=True)
            with trio.move_on_after(25):
                await client.consume("/queue/a", handler, concurrency=3)
        assert len(finished) == 6
        assert trio.current_time() - start == pytest.approx(25)

    run(scenario)


def test_a_message_whose_handler_is_cancelled_stays_unsettled():
    async def scenario(server: MemoryServer) -> None:
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            await client.send("/queue/a", "x", receipt=True)
            async with client.subscribe("/queue/a", ack="client-individual") as messages:
                message = await messages.receive()
                with trio.move_on_after(1):
                    async with message.process():
                        await trio.sleep_forever()
                with trio.move_on_after(1):
                    async with message.process(on_cancel="nack"):
                        await trio.sleep_forever()
                again = await messages.receive()
                assert again.redelivered
                await again.ack(receipt=True)
        assert bytes(server.heard).count(b"NACK\n") == 1

    run(scenario)


def test_cancelling_a_send_stops_the_waiting_and_not_the_sending():
    async def scenario(server: MemoryServer) -> None:
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            server.silent = True
            with trio.move_on_after(1) as scope:
                await client.send("/queue/a", "wanted", receipt=True)
            assert scope.cancelled_caught
            assert b"wanted" in server.heard

    run(scenario)


def test_a_sender_that_never_waits_gives_way():
    async def scenario(server: MemoryServer) -> None:
        async def send() -> None:
            for number in range(2000):
                await client.send("/topic/a", str(number))
            order.append("sent")

        async with (
            stomp_trio.connect("stomp://memory", stream=server.stream) as client,
            client.subscribe("/topic/a") as messages,
        ):
            order: list[str] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                await messages.receive()
                order.append("received")
            assert order == ["received", "sent"]

    run(scenario)


def test_an_exception_of_ours_comes_out_of_the_block(monkeypatch):
    """What must never happen is not hidden: the nursery brings it up, and the block ends."""

    async def scenario(server: MemoryServer) -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await meet_a_bug(server)
        assert caught.group_contains(ZeroDivisionError)

    async def meet_a_bug(server: MemoryServer) -> None:
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            monkeypatch.setattr("stomp_sansio.session.session.Session.receive_data", broken)
            await client.send("/queue/a", receipt=True)

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    run(scenario)


def test_an_injected_stream_that_is_closed_under_our_feet():
    async def scenario(server: MemoryServer) -> None:
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            await server.stream.aclose()
            with pytest.raises(stomp_trio.ConnectionClosed):
                await client.send("/queue/a", receipt=True)

    run(scenario)


def test_several_may_follow_the_same_life():
    async def scenario(server: MemoryServer) -> None:
        async with stomp_trio.connect("stomp://memory", stream=server.stream) as client:
            lives = [client.lifecycle(), client.lifecycle()]
        late = client.lifecycle()
        for life in [*lives, late]:
            assert [type(event) async for event in life] == [stomp_trio.Ended]

    run(scenario)


class Counter:
    """A machine that always has some work left over, until it has counted far enough."""

    finished = False

    def __init__(self, until: int) -> None:
        self.until = until
        self.count = 0

    def wants_run(self) -> bool:
        return self.count < self.until

    def run(self, now: float) -> None:
        self.count += 1

    def handle_timeout(self, now: float) -> None:
        pass

    def next_deadline(self) -> float | None:
        return None

    def next_action(self) -> StreamAction | None:
        return None

    def next_event(self) -> None:
        return None

    def changed_streams(self) -> list[StreamId]:
        return []

    def stream_opened(self, stream: StreamId, now: float) -> None: ...

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None: ...

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None: ...

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None: ...

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None: ...

    def receive_eof(self, stream: StreamId, now: float) -> None: ...

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        return b""

    def wants_read(self, stream: StreamId) -> bool:
        return True


def test_work_that_is_left_over_is_done_between_other_things():
    async def main() -> None:
        machine = Counter(100)
        driver: Driver[None] = Driver(machine, lambda event: None)
        steps = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(driver.run)
            driver.kick()
            while machine.wants_run():
                steps += 1
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert steps > 50

    trio.run(main)


def test_a_client_can_be_prepared_before_trio_runs(server):
    prepared = stomp_trio.connect(f"stomp://127.0.0.1:{server.port}")

    async def main() -> None:
        async with prepared as client:
            await client.send("/queue/a", receipt=True)

    trio.run(main)


def test_time_that_never_comes() -> None:
    assert math.isinf(Driver(Counter(0), lambda event: None).next_instant())


@pytest.mark.parametrize("size", [200, 1_000_000])
def test_what_a_socket_takes_at_once_is_written_at_once_and_the_rest_by_its_writer(server, size):
    async def main() -> None:
        body = "x" * size
        async with (
            stomp_trio.connect(f"stomp://127.0.0.1:{server.port}") as client,
            client.subscribe("/queue/a") as messages,
        ):
            for _ in range(3):
                await client.send("/queue/a", "first")
                assert (await messages.receive()).text == "first"
                # Freshly woken: this one goes out in our own step, as far as it can.
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await client.send("/queue/a", body, receipt=True)
                await client.send("/queue/a", "last", receipt=True)
                assert (await messages.receive()).text == body
                assert (await messages.receive()).text == "last"

    trio.run(main)


def test_without_trio_one_is_told_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "stomp_trio"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "trio", None)
    with pytest.raises(ImportError, match=r"needs trio: pip install 'stomp-sansio\[trio\]'"):
        importlib.import_module("stomp_trio")
