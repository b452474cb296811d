"""What becomes of a connection, told to whoever follows it, and in a sentence for logs.

This file must not know how anybody waits for the next event.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias
from weakref import WeakSet

from ..session.events import Ended, Interrupted, Ready

__all__ = ["Audience", "Follower", "LifeEvent", "sentence"]

LifeEvent: TypeAlias = Ready | Interrupted | Ended


class Follower:
    """One look at what becomes of a connection: events wait here until they are taken."""

    def __init__(self) -> None:
        self._queue: deque[LifeEvent] = deque()
        self.over = False
        """Whether `Ended` was taken: nothing comes behind it."""

    @property
    def waiting(self) -> bool:
        """Whether an event waits to be taken."""
        return bool(self._queue)

    def put(self, event: LifeEvent) -> None:
        """Queue an event."""
        self._queue.append(event)

    def take(self) -> LifeEvent | None:
        """Remove and return the oldest event, or return None."""
        if not self._queue:
            return None
        event = self._queue.popleft()
        self.over = isinstance(event, Ended)
        return event


class Audience:
    """All who follow one session. Who lets go of a follower is forgotten."""

    def __init__(self) -> None:
        self._followers: WeakSet[Follower] = WeakSet()
        self._ended: Ended | None = None

    def join(self, follower: Follower) -> None:
        """Tell a follower what happens from now on; that the session has ended, if it has."""
        if self._ended is not None:
            follower.put(self._ended)
        self._followers.add(follower)

    def tell(self, event: LifeEvent) -> list[Follower]:
        """Tell all of them; return whom to wake."""
        if isinstance(event, Ended):
            self._ended = event
        followers = list(self._followers)
        for follower in followers:
            follower.put(event)
        return followers


def sentence(event: LifeEvent) -> str:
    """Return one line about an event, for people."""
    match event:
        case Ready():
            version = event.connected.version.value
            return f"connected to {event.endpoint} by {event.transport}, STOMP {version}"
        case Interrupted():
            return f"{event.error}; next attempt in {event.retry_in:.1f} s"
        case Ended():
            return "closed" if event.error is None else f"ended: {event.error}"
