"""What a broker in the background saw, and how a test waits for it: never by sleeping.

What lives here is a record that one thread writes and others read. It must not know how the broker runs.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from stomp_sansio.broker.events import (
    BrokerEvent,
    ClientConnected,
    ClientGone,
    MessageSent,
    Subscribed,
    Unsubscribed,
)
from stomp_sansio.links.peers import PeerId

__all__ = ["PATIENCE", "Sightings"]

PATIENCE = 10.0
"""Seconds that waiting takes at most, unless told otherwise: more than a busy machine needs, less than a
person."""


class _Goal(NamedTuple):
    """What somebody waits for."""

    reached: Callable[[], bool]
    missing: Callable[[], str]
    """Says what is there instead."""


def _no_idea() -> str:
    return "the condition does not hold"


class Sightings:
    """Everything that happened at a broker since it began.

    Whatever waits lets its thread wait, and has a twin for tests that await, with trio or asyncio.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: list[BrokerEvent] = []

    def note(self, event: BrokerEvent) -> None:
        """Take note of an event, and let those who wait look again."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def forget(self) -> None:
        """Begin anew."""
        with self._changed:
            self._events.clear()

    # What it saw

    @property
    def events(self) -> list[BrokerEvent]:
        """Everything that happened since this broker began: a copy."""
        with self._changed:
            return list(self._events)

    @property
    def clients(self) -> list[ClientConnected]:
        """The clients that are connected now, in the order in which they came."""
        found: dict[PeerId, ClientConnected] = {}
        for event in self.events:
            if isinstance(event, ClientConnected):
                found[event.peer] = event
            elif isinstance(event, ClientGone):
                found.pop(event.peer, None)
        return list(found.values())

    @property
    def subscriptions(self) -> list[Subscribed]:
        """The subscriptions that there are now."""
        found: dict[tuple[PeerId, str | None, str], Subscribed] = {}
        for event in self.events:
            if isinstance(event, Subscribed):
                found[event.peer, event.id, event.destination] = event
            elif isinstance(event, Unsubscribed):
                found.pop((event.peer, event.id, event.destination), None)
            elif isinstance(event, ClientGone):
                found = {key: value for key, value in found.items() if key[0] != event.peer}
        return list(found.values())

    def sent(self, destination: str | None = None) -> list[MessageSent]:
        """Return what was sent to a destination, or to all of them, by whomever; oldest first. What belongs
        to a transaction counts once it is committed.
        """
        return [
            event
            for event in self.events
            if isinstance(event, MessageSent) and destination in (None, event.destination)
        ]

    # Waiting

    def wait_for(self, destination: str, count: int = 1, *, timeout: float = PATIENCE) -> list[MessageSent]:
        """Wait until so many messages were sent to a destination since the broker began; return them, and
        those that came after.

        Raises:
            TimeoutError: they were not, within so many seconds; the message says what was sent.
        """
        self._wait(self._messages(destination, count), timeout)
        return self.sent(destination)

    def wait_for_client(self, count: int = 1, *, timeout: float = PATIENCE) -> list[ClientConnected]:
        """Wait until so many clients are connected; return them.

        Raises:
            TimeoutError: they are not, within so many seconds.
        """
        self._wait(self._clients(count), timeout)
        return self.clients

    def wait_for_subscription(self, destination: str, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait until there are so many subscriptions of a destination, written as they write it: what `send`
        says from then on reaches them.

        Raises:
            TimeoutError: there are not, within so many seconds.
        """
        self._wait(self._subscriptions(destination, count), timeout)

    def wait_until(self, condition: Callable[[], bool], *, timeout: float = PATIENCE) -> None:
        """Wait until something holds; it is looked at whenever something happens at the broker.

        Raises:
            TimeoutError: it does not, within so many seconds.
        """
        self._wait(_Goal(condition, _no_idea), timeout)

    async def wait_for_async(
        self,
        destination: str,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # noqa: ASYNC109  # real seconds, whatever clock the test's loop has
    ) -> list[MessageSent]:
        """Wait as `wait_for` does, and let others run meanwhile."""
        await self._wait_in_thread(self._messages(destination, count), timeout)
        return self.sent(destination)

    async def wait_for_client_async(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # noqa: ASYNC109  # as above
    ) -> list[ClientConnected]:
        """Wait as `wait_for_client` does, and let others run meanwhile."""
        await self._wait_in_thread(self._clients(count), timeout)
        return self.clients

    async def wait_for_subscription_async(
        self,
        destination: str,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # noqa: ASYNC109  # as above
    ) -> None:
        """Wait as `wait_for_subscription` does, and let others run meanwhile."""
        await self._wait_in_thread(self._subscriptions(destination, count), timeout)

    async def wait_until_async(
        self,
        condition: Callable[[], bool],
        *,
        timeout: float = PATIENCE,  # noqa: ASYNC109  # as above
    ) -> None:
        """Wait as `wait_until` does, and let others run meanwhile. The condition is looked at in another
        thread.
        """
        await self._wait_in_thread(_Goal(condition, _no_idea), timeout)

    def _messages(self, destination: str, count: int) -> _Goal:
        def missing() -> str:
            others = sorted({event.destination for event in self.sent()} - {destination})
            told = f"; others went to {', '.join(others)}" if others else ""
            return f"{len(self.sent(destination))} of {count} messages were sent to {destination}{told}"

        return _Goal(lambda: len(self.sent(destination)) >= count, missing)

    def _clients(self, count: int) -> _Goal:
        return _Goal(
            lambda: len(self.clients) >= count,
            lambda: f"{len(self.clients)} of {count} clients are connected",
        )

    def _subscriptions(self, destination: str, count: int) -> _Goal:
        def found() -> int:
            return sum(each.destination == destination for each in self.subscriptions)

        return _Goal(
            lambda: found() >= count,
            lambda: f"there are {found()} of {count} subscriptions of {destination}",
        )

    def _wait(self, goal: _Goal, timeout: float) -> None:
        if _a_loop_runs_here() and not goal.reached():
            raise RuntimeError(
                "an event loop runs in this thread and would stand still: await the method of the same name "
                "with _async behind it"
            )
        self._wait_here(goal, timeout, lambda: False)

    def _wait_here(self, goal: _Goal, timeout: float, given_up: Callable[[], bool]) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: goal.reached() or given_up(), timeout):
                raise TimeoutError(f"{goal.missing()}, after {timeout:g} s")

    async def _wait_in_thread(self, goal: _Goal, seconds: float) -> None:
        """Let a thread wait, and let it go when the task is cancelled."""
        given_up = threading.Event()
        wait = partial(self._wait_here, goal, seconds, given_up.is_set)
        try:
            if _in_trio():
                import trio

                await trio.to_thread.run_sync(wait, abandon_on_cancel=True)
            else:
                await asyncio.to_thread(wait)
        finally:
            given_up.set()
            with self._changed:
                self._changed.notify_all()


def _in_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


def _a_loop_runs_here() -> bool:
    if _in_trio():
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
