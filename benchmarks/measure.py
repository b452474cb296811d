"""The stop-watch: CPU time of the process, runners interleaved round by round, medians.

A shared machine drifts from second to second, so whatever is compared runs within one round, and only
ratios of one run mean anything. This file must not know what is being measured.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["InProcess", "Runner", "Timing", "interleave"]


class Runner(Protocol):
    """Something that can be timed."""

    name: str

    def run(self, passes: int) -> float:
        """Do the work `passes` times and return the mean CPU seconds of one."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """CPU seconds of one pass, as several rounds saw it."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return statistics.median(self.samples)

    @property
    def best(self) -> float:
        """The fastest round."""
        return min(self.samples)


class InProcess:
    """Times a call in this process. `fresh` builds what one pass uses up (a parser), outside the timed
    part.
    """

    def __init__(self, name: str, fresh: Callable[[], Callable[[], object]]) -> None:
        self.name = name
        self._fresh = fresh

    def run(self, passes: int) -> float:
        """Return the mean CPU seconds of one pass. The collector runs before, not within."""
        work = [self._fresh() for _ in range(passes)]
        gc.collect()
        gc.disable()
        try:
            started = time.process_time()
            for one_pass in work:
                one_pass()
            return (time.process_time() - started) / passes
        finally:
            gc.enable()


def interleave(
    runners: Sequence[Runner], *, rounds: int, seconds: float = 0.04, slow: float = 1.0
) -> dict[str, Timing]:
    """Return what each runner took, all of them sampled once in every round, in alternating order.

    A sample lasts about `seconds`. What takes longer than `slow` seconds a pass is sampled twice only: it
    is so far from the rest that its noise does not matter.
    """
    first = {runner.name: runner.run(1) for runner in runners}
    passes = {name: max(1, round(seconds / max(took, 1e-6))) for name, took in first.items()}
    samples: dict[str, list[float]] = {runner.name: [] for runner in runners}
    for number in range(rounds):
        for runner in runners if number % 2 == 0 else reversed(runners):
            if first[runner.name] < slow or number < 2:
                samples[runner.name].append(runner.run(passes[runner.name]))
    return {name: Timing(tuple(taken)) for name, taken in samples.items()}
