"""How our clients are used against a server, as their documentation says, in three colours.

Connecting and leaving are part of what is timed, for all alike. This file must not know how time is taken,
nor who else is measured.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

import trio

import stomp_blocking
from stomp_sansio.profiles import rabbitmq

__all__ = ["BODY", "HOST", "PREFETCH", "VHOST", "WAIT", "Asyncio", "Blocking", "Contestant", "Trio", "fill"]

HOST = "127.0.0.1"
VHOST = HOST
BODY = b'{"order":4711,"items":[{"sku":"tea","count":2}],"note":"' + b"x" * 140 + b'"}'
WAIT = 60.0
"""Seconds after which a client that waits has failed."""
PREFETCH = rabbitmq.subscribe(prefetch=100)


class Contestant(ABC):
    """One client. Each method connects, does its work, leaves, and returns the seconds of single trips, if it
    takes any.
    """

    name: str
    ours = False

    @abstractmethod
    def publish_confirmed(self, port: int, queue: str, messages: int) -> list[float]:
        """Send, and return when each is confirmed."""

    @abstractmethod
    def publish(self, port: int, queue: str, messages: int) -> list[float]:
        """Send without receipts, the last one excepted."""

    @abstractmethod
    def consume(self, port: int, queue: str, messages: int) -> list[float]:
        """Take so many messages."""

    @abstractmethod
    def consume_and_ack(self, port: int, queue: str, messages: int) -> list[float]:
        """Take and acknowledge so many messages."""

    @abstractmethod
    def round_trips(self, port: int, queue: str, messages: int) -> list[float]:
        """Send a message and take it, again and again."""


def fill(port: int, queue: str, messages: int) -> None:
    """Put messages into a queue."""
    Trio().publish_confirmed(port, queue, messages)


def _keywords() -> dict[str, Any]:
    return {"login": "guest", "passcode": "guest", "vhost": VHOST, "heartbeat": (0, 0), "reconnect": None}


def _url(port: int) -> str:
    return f"stomp://{HOST}:{port}"


class Awaiting(Contestant):
    """Ours, for programs that await: the same words under both loops."""

    ours = True

    def __init__(self) -> None:
        # Here, so that importing it is in nobody's time.
        self._package: Any = importlib.import_module(self.name)

    @abstractmethod
    def run(self, work: Callable[[], Coroutine[Any, Any, list[float]]]) -> list[float]:
        """Run a program to its end."""

    def connect(self, port: int) -> Any:
        """Return what `connect` of the adapter gives."""
        return self._package.connect(_url(port), **_keywords())

    def publish_confirmed(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            async with self.connect(port) as client:
                tickets = [client.send_soon(queue, BODY) for _ in range(messages)]
                for ticket in tickets:
                    await client.settled(ticket)
            return []

        return self.run(work)

    def publish(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            async with self.connect(port) as client:
                for _ in range(messages - 1):
                    await client.send(queue, BODY)
                await client.send(queue, BODY, receipt=True)
            return []

        return self.run(work)

    def consume(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            async with (
                self.connect(port) as client,
                client.subscribe(queue) as subscription,
            ):
                for _ in range(messages):
                    await subscription.receive()
            return []

        return self.run(work)

    def consume_and_ack(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            async with (
                self.connect(port) as client,
                client.subscribe(queue, ack="client-individual", headers=PREFETCH) as subscription,
            ):
                for _ in range(messages):
                    message = await subscription.receive()
                    await message.ack()
            return []

        return self.run(work)

    def round_trips(self, port: int, queue: str, messages: int) -> list[float]:
        async def work() -> list[float]:
            trips: list[float] = []
            async with (
                self.connect(port) as client,
                client.subscribe(queue) as subscription,
            ):
                for _ in range(messages):
                    started = time.perf_counter()
                    await client.send(queue, BODY)
                    await subscription.receive()
                    trips.append(time.perf_counter() - started)
            return trips

        return self.run(work)


class Trio(Awaiting):
    """Ours, for trio."""

    name = "stomp_trio"

    def run(self, work: Callable[[], Coroutine[Any, Any, list[float]]]) -> list[float]:
        """Run it under trio."""
        return trio.run(work)


class Asyncio(Awaiting):
    """Ours, for asyncio."""

    name = "stomp_asyncio"

    def run(self, work: Callable[[], Coroutine[Any, Any, list[float]]]) -> list[float]:
        """Run it under asyncio."""
        return asyncio.run(work())


class Blocking(Contestant):
    """Ours, for threads."""

    name = "stomp_blocking"
    ours = True

    def publish_confirmed(self, port: int, queue: str, messages: int) -> list[float]:
        with stomp_blocking.connect(_url(port), **_keywords()) as client:
            tickets = [client.send_soon(queue, BODY) for _ in range(messages)]
            for ticket in tickets:
                client.settled(ticket)
        return []

    def publish(self, port: int, queue: str, messages: int) -> list[float]:
        with stomp_blocking.connect(_url(port), **_keywords()) as client:
            for _ in range(messages - 1):
                client.send(queue, BODY)
            client.send(queue, BODY, receipt=True)
        return []

    def consume(self, port: int, queue: str, messages: int) -> list[float]:
        with (
            stomp_blocking.connect(_url(port), **_keywords()) as client,
            client.subscribe(queue) as subscription,
        ):
            for _ in range(messages):
                subscription.receive(timeout=WAIT)
        return []

    def consume_and_ack(self, port: int, queue: str, messages: int) -> list[float]:
        with (
            stomp_blocking.connect(_url(port), **_keywords()) as client,
            client.subscribe(queue, ack="client-individual", headers=PREFETCH) as subscription,
        ):
            for _ in range(messages):
                subscription.receive(timeout=WAIT).ack()
        return []

    def round_trips(self, port: int, queue: str, messages: int) -> list[float]:
        trips: list[float] = []
        with (
            stomp_blocking.connect(_url(port), **_keywords()) as client,
            client.subscribe(queue) as subscription,
        ):
            for _ in range(messages):
                started = time.perf_counter()
                client.send(queue, BODY)
                subscription.receive(timeout=WAIT)
                trips.append(time.perf_counter() - started)
        return trips
