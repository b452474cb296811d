"""How long to wait before trying again.

This file must not know what is tried, nor where randomness comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..records import record

__all__ = ["DEFAULT_BACKOFF", "Backoff"]


@record(kw_only=True)
class Backoff:
    """Exponential back-off with full jitter: clients that lost their server do not all come back at once."""

    initial: float = 0.5
    """Seconds: the most that the first wait takes."""
    factor: float = 2.0
    """By how much the most grows with each failure."""
    cap: float = 60.0
    """Seconds: the most that any wait takes."""
    stable: float = 30.0
    """Seconds that a connection must last before failures are forgotten."""

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in (self.initial, self.factor, self.cap, self.stable))
        if not finite or self.initial <= 0 or self.factor < 1 or self.cap < self.initial or self.stable < 0:
            raise ValueError(f"{self!r}: initial > 0, factor >= 1, cap >= initial and stable >= 0 are needed")

    def delay(self, failures: int, jitter: Callable[[], float]) -> float:
        """Return how many seconds to wait after so many failures in a row, the first being 1.

        `jitter` returns a number from 0 to 1, as `random.random` does.
        """
        try:
            most = min(self.cap, self.initial * self.factor ** (failures - 1))
        except OverflowError:
            most = self.cap
        return jitter() * most


DEFAULT_BACKOFF = Backoff()
