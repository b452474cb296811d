"""Interruptions: what is done to a machine is done whole, or it is known that it was not.

What lives here tells an interruption (Ctrl-C, which may come between any two steps) from an error, which
comes where it is meant to. This file must not know what is done, nor what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TypeVar

__all__ = ["INTERRUPTED", "Sleeper", "Sleepers", "Whole"]

INTERRUPTED = (
    "a call was interrupted (Ctrl-C) while it wrote, and nobody knows how far it came: the connection was cut"
)
"""What to say of a connection that nobody can go on with."""


class Whole:
    """A block that is left by no interruption without this being known. Enter it inside of the lock."""

    __slots__ = ("_look", "broken")

    def __init__(self, look: Callable[[], object]) -> None:
        """`look` has whoever is in charge look again: a block was not gone through. It never waits."""
        self._look = look
        self.broken = False
        """Whether a block was interrupted: nothing more may be written on the streams that there are."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            # Set first: a second interruption finds it set.
            if Exception not in kind.__mro__:
                self.broken = True
            self._look()


class Sleeper(Protocol):
    """What a thread sleeps on: a lock, which it takes twice."""

    def acquire(self) -> bool:
        """Take it, or sleep until it is released."""
        ...

    def release(self) -> None:
        """Wake who sleeps."""
        ...

    def locked(self) -> bool:
        """Tell whether it is taken."""
        ...


SleeperT = TypeVar("SleeperT", bound=Sleeper)


class Sleepers:
    """Threads that sleep, each on a lock of its own. No interruption leaves one asleep."""

    __slots__ = ("_sleepers",)

    def __init__(self) -> None:
        self._sleepers: list[Sleeper] = []

    def add(self, sleeper: SleeperT) -> SleeperT:
        """Take a fresh lock, and return it: taking it once more sleeps until `wake`."""
        sleeper.acquire()
        self._sleepers.append(sleeper)
        return sleeper

    def wake(self) -> None:
        """Wake everybody. Harmless where an interrupted one is left."""
        for sleeper in self._sleepers:
            if sleeper.locked():
                sleeper.release()
        self._sleepers.clear()
