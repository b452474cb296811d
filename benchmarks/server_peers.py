"""How other clients are used against a server, as their documentation says, beside ours.

What is timed is the same as for ours. This file must not know how time is taken.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import Callable
from typing import Any

from .peers import install
from .server_clients import BODY, HOST, PREFETCH, VHOST, WAIT, Asyncio, Blocking, Contestant, Trio

__all__ = ["contestants"]


def contestants(say: Callable[[str], None]) -> list[Contestant]:
    """Return ours, and those of the others that can be installed."""
    peers = install(say)
    found: list[Contestant] = [Trio(), Asyncio(), Blocking()]
    names = " ".join(peers.versions)
    if "stomp.py" in names:
        found.append(StompPy())
    if "stompman" in names:
        found.append(Stompman())
    return found


class StompPy(Contestant):
    """stomp.py: a thread reads and calls a listener."""

    name = "stomp.py"

    def _run(self, port: int, expected: int, work: Callable[[Any, Any], None]) -> Any:
        """Connect, let `work` do its part, wait until the listener has heard enough, and leave."""
        stomp: Any = importlib.import_module("stomp")

        class Listener(stomp.ConnectionListener):  # type: ignore[misc]
            def __init__(self) -> None:
                self.count = 0
                self.done = threading.Event()
                self.one = threading.Semaphore(0)
                self.acknowledge = False

            def on_receipt(self, frame: Any) -> None:
                if frame.headers["receipt-id"].startswith("b"):
                    self._heard()

            def on_message(self, frame: Any) -> None:
                if self.acknowledge:
                    connection.ack(frame.headers["ack"])
                self._heard()

            def _heard(self) -> None:
                self.count += 1
                self.one.release()
                if self.count >= expected:
                    self.done.set()

        connection: Any = stomp.Connection12([(HOST, port)], heartbeats=(0, 0), vhost=VHOST)
        listener = Listener()
        connection.set_listener("", listener)
        connection.connect("guest", "guest", wait=True)
        work(connection, listener)
        if not listener.done.wait(WAIT):
            raise TimeoutError(f"{listener.count} of {expected} came")
        connection.disconnect()
        return listener

    def publish_confirmed(self, port: int, queue: str, messages: int) -> list[float]:
        def work(connection: Any, listener: Any) -> None:
            for number in range(messages):
                connection.send(queue, BODY, receipt=f"b{number}")

        self._run(port, messages, work)
        return []

    def publish(self, port: int, queue: str, messages: int) -> list[float]:
        def work(connection: Any, listener: Any) -> None:
            for _ in range(messages - 1):
                connection.send(queue, BODY)
            connection.send(queue, BODY, receipt="b")

        self._run(port, 1, work)
        return []

    def consume(self, port: int, queue: str, messages: int) -> list[float]:
        self._run(port, messages, lambda connection, listener: connection.subscribe(queue, "s"))
        return []

    def consume_and_ack(self, port: int, queue: str, messages: int) -> list[float]:
        def work(connection: Any, listener: Any) -> None:
            listener.acknowledge = True
            connection.subscribe(queue, "s", ack="client-individual", headers=PREFETCH)

        self._run(port, messages, work)
        return []

    def round_trips(self, port: int, queue: str, messages: int) -> list[float]:
        trips: list[float] = []

        def work(connection: Any, listener: Any) -> None:
            connection.subscribe(queue, "s")
            for _ in range(messages):
                started = time.perf_counter()
                connection.send(queue, BODY)
                if not listener.one.acquire(timeout=WAIT):
                    raise TimeoutError("a message did not come back")
                trips.append(time.perf_counter() - started)

        self._run(port, messages, work)
        return trips


class Stompman(Contestant):
    """stompman: asyncio, and a task for each message."""

    name = "stompman"

    def _client(self, port: int) -> Any:
        stompman: Any = importlib.import_module("stompman")
        server = stompman.ConnectionParameters(host=HOST, port=port, login="guest", passcode="guest")
        return stompman.Client([server])

    def publish_confirmed(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            async with self._client(port) as client:
                await asyncio.gather(
                    *(client.send(BODY, queue, receipt_timeout=WAIT) for _ in range(messages))
                )
            return []

        return asyncio.run(work())

    def publish(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            async with self._client(port) as client:
                for _ in range(messages - 1):
                    await client.send(BODY, queue)
                await client.send(BODY, queue, receipt_timeout=WAIT)
            return []

        return asyncio.run(work())

    def consume(self, port: int, queue: str, messages: int) -> list[float]:
        return asyncio.run(self._consume(port, queue, messages, acknowledge=False))

    def consume_and_ack(self, port: int, queue: str, messages: int) -> list[float]:
        return asyncio.run(self._consume(port, queue, messages, acknowledge=True))

    async def _consume(self, port: int, queue: str, messages: int, *, acknowledge: bool) -> list[float]:
        done = asyncio.Event()
        count = 0

        async def handle(message: Any) -> None:
            nonlocal count
            if acknowledge:
                await message.ack()
            count += 1
            if count >= messages:
                done.set()

        async with self._client(port) as client:
            subscription = await client.subscribe_with_manual_ack(
                queue,
                handle,
                ack="client-individual" if acknowledge else "auto",
                headers=PREFETCH if acknowledge else None,
            )
            await asyncio.wait_for(done.wait(), WAIT)
            await subscription.unsubscribe()
        return []

    def round_trips(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            trips: list[float] = []
            came: asyncio.Queue[None] = asyncio.Queue()

            async def handle(message: Any) -> None:
                came.put_nowait(None)

            async with self._client(port) as client:
                subscription = await client.subscribe_with_manual_ack(queue, handle, ack="auto")
                for _ in range(messages):
                    started = time.perf_counter()
                    await client.send(BODY, queue)
                    await asyncio.wait_for(came.get(), WAIT)
                    trips.append(time.perf_counter() - started)
                await subscription.unsubscribe()
            return trips

        return asyncio.run(work())
