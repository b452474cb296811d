"""Instants of very many things, and the earliest of them, without looking at each.

What lives here is a heap; it must not know what is due.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Schedule"]

_KeyT = TypeVar("_KeyT", bound=Hashable)


class Schedule(Generic[_KeyT]):
    """At most one instant for each key. Where there are few, `Deadlines` is simpler."""

    __slots__ = ("_heap", "_instants", "_numbers")

    def __init__(self) -> None:
        self._instants: dict[_KeyT, float] = {}
        self._heap: list[tuple[float, int, _KeyT]] = []
        self._numbers = count()

    def __len__(self) -> int:
        """Return how many keys have an instant."""
        return len(self._instants)

    def set(self, key: _KeyT, instant: float | None) -> None:
        """Set the instant of a key, in place of an earlier one; None removes it."""
        if instant is None:
            self._instants.pop(key, None)
        elif self._instants.get(key) != instant:
            self._instants[key] = instant
            # The number keeps keys from being compared. What is in the heap already is passed over later.
            heappush(self._heap, (instant, next(self._numbers), key))
            if len(self._heap) > 2 * len(self._instants) + 64:
                self._rebuild()

    def earliest(self) -> float | None:
        """Return the earliest instant, or None when there is none."""
        heap = self._heap
        while heap and self._instants.get(heap[0][2]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> _KeyT | None:
        """Remove and return a key whose instant has come, the earliest first; None when none has."""
        instant = self.earliest()
        if instant is None or instant > now:
            return None
        key = heappop(self._heap)[2]
        del self._instants[key]
        return key

    def _rebuild(self) -> None:
        self._heap = [(instant, next(self._numbers), key) for key, instant in self._instants.items()]
        self._heap.sort()
