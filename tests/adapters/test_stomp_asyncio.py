"""What is asyncio's own: other loops, task groups, timeouts, and nothing left to the loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import socket
from typing import Any

import pytest

import stomp_asyncio
from stomp_asyncio._driver import Driver
from stomp_sansio import Disconnect
from tests.adapters.loopback import PATIENCE
from tests.adapters.test_stomp_trio import Counter


def run(scenario: Any) -> None:
    asyncio.run(scenario, debug=True)


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
@pytest.mark.parametrize("scheme", ["stomp", "ws"])
def test_under_uvloop(server, scheme):
    import uvloop

    async def main() -> None:
        url = f"{scheme}://127.0.0.1:{server.port}/stomp"
        async with (
            stomp_asyncio.connect(url, proxy=None) as client,
            client.subscribe("/queue/a", ack="client-individual") as messages,
        ):
            await client.send("/queue/a", "x" * 1_000_000, receipt=True)
            async with (await messages.receive()).process():
                pass
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await messages.receive()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert len(server.saw(Disconnect)) == 1


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
def test_tls_under_uvloop(secure_server, client_context):
    import uvloop

    async def main() -> None:
        url = f"stomps://localhost:{secure_server.port}"
        async with stomp_asyncio.connect(url, ssl=client_context) as client:
            await client.send("/queue/a", "x" * 1_000_000, receipt=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert len(secure_server.saw(Disconnect)) == 1


def test_a_task_group_gives_each_message_to_one_of_many(server):
    async def main() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        async with stomp_asyncio.connect(url) as client, client.subscribe("/queue/a") as messages:

            async def take() -> list[str]:
                return [(await messages.receive()).text for _ in range(20)]

            async with asyncio.TaskGroup() as group:
                takers = [group.create_task(take()) for _ in range(5)]
                for number in range(100):
                    await client.send("/queue/a", str(number))
            seen = [text for taker in takers for text in taker.result()]
            assert sorted(seen, key=int) == [str(number) for number in range(100)]

    run(main())


def test_who_gives_up_waiting_leaves_nothing_behind(server):
    async def main() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        async with stomp_asyncio.connect(url) as client, client.subscribe("/queue/a") as messages:
            for _ in range(10):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.001):
                        await messages.receive()
            gc.collect()
            loop = asyncio.get_running_loop()
            futures = [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Future)]
            ours = [future for future in futures if future.get_loop() is loop and future.cancelled()]
            # The last one is in the traceback of the last exception.
            assert len(ours) <= 1

    run(main())


def test_a_consumer_in_a_task_is_cancelled(server):
    async def main() -> None:
        async def handler(message: stomp_asyncio.Message) -> None:
            started.set()
            await asyncio.Event().wait()

        started = asyncio.Event()
        async with stomp_asyncio.connect(f"stomp://127.0.0.1:{server.port}") as client:
            await client.send("/queue/a", receipt=True)
            for concurrency in (1, 2):
                started.clear()
                task = asyncio.create_task(client.consume("/queue/a", handler, concurrency=concurrency))
                await started.wait()
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                await client.send("/queue/a", receipt=True)

    run(main())


def test_a_socket_that_cannot_be_used(server):
    async def main() -> None:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
            pytest.raises(stomp_asyncio.ConnectError),
        ):
            await stomp_asyncio.connect("stomp://example.org", sock=sock).__aenter__()

    run(main())


def test_cancelling_the_credentials_hook_with_its_client(server):
    async def hook() -> stomp_asyncio.Credentials:
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await stomp_asyncio.connect(f"stomp://127.0.0.1:{server.port}", credentials=hook).__aenter__()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_good_bye_that_nobody_answers_ends_in_time():
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"stomp://127.0.0.1:{listening.getsockname()[1]}"
            connecting = stomp_asyncio.connect(url, close_timeout=0.1)
            entering = asyncio.create_task(connecting.__aenter__())
            listening.setblocking(False)
            peer, _ = await loop.sock_accept(listening)
            await loop.sock_sendall(peer, b"CONNECTED\nversion:1.2\n\n\0")
            client = await entering
            # It reads nothing any more, and so much does not fit into any buffer.
            for _ in range(20):
                client.send_soon("/queue/a", b"x" * 1_000_000)
            await asyncio.sleep(0)
            start = loop.time()
            await connecting.__aexit__(None, None, None)
            assert loop.time() - start < 5
            peer.close()

    run(main())


def test_an_attempt_that_is_cut_before_its_first_step_is_over(server, monkeypatch):
    """Who closes a client in the very turn in which it begins to reconnect must not wait for ever."""
    opened: list[Any] = []
    open_stream = Driver.open

    def open_and_cut_the_first(driver: Driver[Any], wish: Any) -> Any:
        stream = open_stream(driver, wish)
        opened.append(stream)
        if len(opened) == 1:
            stream.cut()
        return stream

    async def main() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        again = stomp_asyncio.Backoff(initial=0.001)
        async with (
            asyncio.timeout(PATIENCE),
            stomp_asyncio.connect(url, retry_first=True, reconnect=again) as client,
        ):
            await client.send("/queue/a", receipt=True)

    monkeypatch.setattr(Driver, "open", open_and_cut_the_first)
    run(main())
    assert len(opened) == 2


def test_work_that_is_left_over_is_done_between_other_things():
    async def main() -> None:
        machine = Counter(50)
        driver: Driver[None] = Driver(machine, lambda event: None)
        driver.kick()
        steps = 0
        while machine.wants_run():
            steps += 1
            await asyncio.sleep(0)
        assert steps > 20

    run(main())


def test_nothing_is_left_for_the_garbage_collector(server):
    async def main() -> None:
        for _ in range(3):
            async with stomp_asyncio.connect(f"stomp://127.0.0.1:{server.port}") as client:
                await client.send("/queue/a", receipt=True)

    run(main())
    # Unclosed transports and sockets would warn here, and warnings are errors.
    gc.collect()


# A bug of ours: as loud as an exception in a nursery is, and nobody waits for what will not come.


def a_bug(*arguments: object) -> None:
    raise ZeroDivisionError("a bug")


def run_with_handler(scenario: Any) -> list[dict[str, Any]]:
    """Run a scenario, and return what the loop's exception handler was told."""
    told: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        await scenario()
        # What a client leaves to the loop is done in its next turns.
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main(), debug=True)
    return told


@pytest.mark.parametrize("where", ["receive_data", "data_to_send", "handle_timeout", "stream_lost"])
def test_a_bug_of_ours_ends_every_wait_and_is_told_once(server, monkeypatch, where):
    async def meet_a_bug() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        # Only where it is about time may time be over before the bug is met.
        soon = 0.1 if where == "handle_timeout" else PATIENCE
        async with (
            stomp_asyncio.connect(url, receipt_timeout=soon) as client,
            client.subscribe("/queue/a") as messages,
        ):
            waiting = asyncio.create_task(messages.receive())
            await asyncio.sleep(0)
            monkeypatch.setattr(f"stomp_sansio.session.session.Session.{where}", a_bug)
            server.command(lambda broker, now: setattr(broker, "deaf", where == "handle_timeout"))
            if where == "stream_lost":
                server.drop_all()
            sending = asyncio.create_task(client.send("/queue/b", "x", receipt=True))
            ends = await asyncio.wait_for(asyncio.gather(waiting, sending, return_exceptions=True), PATIENCE)
            assert [str(end) for end in ends] == ["the driver has failed: nothing goes on"] * 2
            await client.send("/queue/b", "y", receipt=True)

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="the driver has failed: nothing goes on") as caught:
            await meet_a_bug()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    (context,) = run_with_handler(scenario)
    assert isinstance(context["exception"], ZeroDivisionError)
    assert "the driver has failed" in context["message"]


def test_a_bug_of_ours_before_there_is_a_connection(server, monkeypatch):
    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="nothing goes on"):
            await stomp_asyncio.connect(f"stomp://127.0.0.1:{server.port}").__aenter__()

    monkeypatch.setattr("stomp_sansio.session.session.Session.stream_opened", a_bug)
    assert len(run_with_handler(scenario)) == 1


def test_a_bug_of_ours_in_a_broker_is_told_when_the_block_is_left(monkeypatch):
    async def meet_a_bug() -> None:
        async with stomp_asyncio.serve(port=0) as broker:
            monkeypatch.setattr(type(broker.broker), "receive_data", a_bug)
            reader, writer = await asyncio.open_connection(*broker.addresses[0])
            writer.write(b"CONNECT\n\n\0")
            # Every stream is cut.
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.transport.abort()

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="nothing goes on") as caught:
            await meet_a_bug()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    assert len(run_with_handler(scenario)) == 1
