"""Named instants, and the earliest of them: the only place where instants are compared.

This file must not know what a deadline is for.
"""

from __future__ import annotations

from enum import Enum
from typing import Generic, TypeVar

__all__ = ["Deadlines", "earlier"]

_NameT = TypeVar("_NameT", bound=Enum)


def earlier(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two instants; None is never."""
    if one is None or (other is not None and other < one):
        return other
    return one


class Deadlines(Generic[_NameT]):
    """At most one instant for each name: when to do something.

    Instants are seconds of one clock of any origin.
    """

    __slots__ = ("_instants", "soonest")

    def __init__(self) -> None:
        self._instants: dict[_NameT, float] = {}
        self.soonest: float | None = None
        """The earliest instant, or None when there is none."""

    def set(self, name: _NameT, instant: float | None) -> None:
        """Set the instant of a name, in place of an earlier one; None removes it."""
        if instant is not None:
            self._instants[name] = instant
        elif name in self._instants:
            del self._instants[name]
        else:
            return
        self._look()

    def get(self, name: _NameT) -> float | None:
        """Return the instant of a name, or None."""
        return self._instants.get(name)

    def clear(self) -> None:
        """Remove every instant."""
        self._instants.clear()
        self.soonest = None

    def pop_due(self, now: float) -> _NameT | None:
        """Remove and return the name whose instant has come, the earliest first; None when none has."""
        name = min(self._instants, key=self._instants.__getitem__, default=None)
        if name is None or self._instants[name] > now:
            return None
        del self._instants[name]
        self._look()
        return name

    def _look(self) -> None:
        self.soonest = min(self._instants.values()) if self._instants else None
