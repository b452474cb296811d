"""`growth` and `gate`: no input may cost more than in proportion to its size.

An attacker would choose the one that does. `growth` prints a ladder of doublings for heads; `gate` tries
every shape up to 1 MiB and says whether all were fine. This file must not know what a shape does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .growth import BOUND, DOUBLINGS, Cost, Prepare, cpu_cost, growths
from .report import Report
from .shapes import SHAPES, Shape

__all__ = ["gate", "run"]

KIB = 1024

GATE_SIZES = (256 * KIB, 1024 * KIB)
"""A small size first, so that something hopeless is stopped at once, then the largest that is promised.
"""

LADDER = tuple(KIB << power for power in range(3, 7))
"""8 KiB to 64 KiB: the size of head that the default limits allow."""


def gate(
    report: Report,
    shapes: Iterable[Shape] = SHAPES,
    *,
    sizes: Sequence[int] = GATE_SIZES,
    cost_of: Callable[[Prepare], Cost] = cpu_cost,
) -> bool:
    """Return whether twice the size costs less than 2.5 times as much, for every shape; name each where it
    does not.
    """
    failed = 0
    tried = 0
    for shape in shapes:
        tried += 1
        for found in growths(cost_of(shape.prepare), sizes):
            report.figure(f"growth {shape.name} {found.size}", found.ratio, "times")
            if not found.fine:
                failed += 1
                report.say(
                    f"too steep: {shape.name}: {found.size >> DOUBLINGS:,} octets cost {found.smaller:.4g}, "
                    f"{found.size:,} cost {found.larger:.4g}: each doubling {found.ratio:.2f} times ({BOUND})"
                )
    report.say(f"growth: {tried - failed} shapes passed, {failed} failed, to {max(sizes):,} octets")
    return failed == 0 and tried > 0


def run(report: Report, shapes: Iterable[Shape] = SHAPES) -> None:
    """Print how the time of every head grows with its size."""
    rows: list[list[str]] = []
    for shape in shapes:
        if not shape.name.startswith(("a head", "a value")):
            continue
        found = list(growths(cpu_cost(shape.prepare), LADDER, rounds=5))
        for one in found:
            report.figure(f"growth {shape.name} {one.size}", one.ratio, "times")
        ratios = [f"{one.ratio:.2f}" for one in found]
        nanoseconds = found[-1].larger / found[-1].size * 1e9
        rows.append([shape.name, *ratios, *["-"] * (len(LADDER) - len(ratios)), f"{nanoseconds:,.1f}"])
    report.table(
        "by how much a doubling of a head multiplies its time, on the way to a size",
        ["head", *(f"{size // KIB} KiB" for size in LADDER), "ns/octet"],
        rows,
    )
