"""How cost grows with size: the one law that twice the input may cost twice the time, not four times.

A ratio of minima is robust where a duration is not: noise only ever adds, so more rounds can only make the
verdict truer. This file must not know what is measured, nor in which unit.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["BOUND", "DOUBLINGS", "Cost", "Growth", "Prepare", "cpu_cost", "growth", "growths"]

BOUND = 2.5
"""What doubling the size may multiply the cost by. Linear work has 2, quadratic work 4."""

Cost = Callable[[int], float]
"""What one run of a size costs: CPU seconds, or steps that a toy counted."""

Prepare = Callable[[int], Callable[[], object]]
"""Builds the run of a size; what it does is not part of the cost."""


DOUBLINGS = 4
"""Over how many doublings the growth of one is measured, as their mean. Caches have sizes too: where one is
outgrown, the very next doubling costs more, and no more than that.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """What happened to the cost while the size doubled four times."""

    size: int
    """The largest size."""
    smaller: float
    larger: float
    """What a sixteenth of the size costs, and the size."""

    @property
    def ratio(self) -> float:
        """By how much one doubling multiplies the cost: 2 is linear, 4 is quadratic."""
        return math.pow(self.larger / self.smaller, 1 / DOUBLINGS)

    @property
    def fine(self) -> bool:
        """Whether the growth is below the bound."""
        return self.ratio < BOUND


def growth(cost: Cost, size: int, *, rounds: int = 2, patience: int = 12) -> Growth:
    """Return how the cost grows from a sixteenth of `size` to `size`, by the cheapest run of each.

    Both sizes run in turns, at least `rounds` times. A verdict that is not fine is not believed at once: up
    to `patience` rounds are run before it stands, since whatever else the machine does can only have added.
    """
    smaller = larger = float("inf")
    for number in range(patience):
        smaller, larger = min(smaller, cost(size >> DOUBLINGS)), min(larger, cost(size))
        if number + 1 >= rounds and Growth(size, smaller, larger).fine:
            break
    return Growth(size, smaller, larger)


def growths(cost: Cost, sizes: Sequence[int], *, rounds: int = 2, patience: int = 12) -> Iterator[Growth]:
    """Yield the growth towards each size, ascending, and stop behind the first that is not fine.

    Larger sizes could take hours.
    """
    for size in sorted(sizes):
        found = growth(cost, size, rounds=rounds, patience=patience)
        yield found
        if not found.fine:
            return


def cpu_cost(prepare: Prepare, *, seconds: float = 0.02) -> Cost:
    """Return a cost in CPU seconds. A run shorter than `seconds` is repeated until the clock can see it."""

    def once(size: int, passes: int) -> float:
        runs = [prepare(size) for _ in range(passes)]
        gc.collect()
        gc.disable()
        try:
            started = time.process_time()
            for run in runs:
                run()
            return (time.process_time() - started) / passes
        finally:
            gc.enable()

    def cost(size: int) -> float:
        took = once(size, 1)
        if took >= seconds:
            return took
        return once(size, min(64, max(2, round(seconds / max(took, 1e-6)))))

    return cost
