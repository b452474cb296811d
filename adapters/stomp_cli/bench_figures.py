"""The figures of a measurement: counts, rates and percentiles, in rows, text and JSON.

Functions of what was measured. This file must not know how it was, nor where it is shown.
"""

from __future__ import annotations

from typing import Any

__all__ = ["HEADINGS", "PERCENTILES", "Figures", "Samples", "lines", "percentile"]

PERCENTILES = (50, 90, 99)

_RECENT = 1_000
"""Latencies that count while it is measured."""

HEADINGS = ("", "messages", "per second", *(f"p{percent} ms" for percent in PERCENTILES), "max ms")


class Samples:
    """The latencies of one part, in seconds, and when it began and ended."""

    def __init__(self) -> None:
        self.start = 0.0
        self.end = 0.0
        self.latencies: list[float] = []

    def add(self, latency: float, now: float) -> None:
        """Take in one message that has come."""
        self.latencies.append(latency)
        self.end = now

    @property
    def rate(self) -> float:
        """Messages a second, from the first one sent to the last one received."""
        lasted = self.end - self.start
        return len(self.latencies) / lasted if lasted > 0 else 0.0

    def percentile(self, percent: float) -> float:
        """Return the latency that so many per cent of the messages did not exceed (nearest rank)."""
        return percentile(sorted(self.latencies), percent)


def percentile(ordered: list[float], percent: float) -> float:
    """Return the nearest-rank percentile of values in order; 0 of none."""
    if not ordered:
        return 0.0
    rank = max(1, -int(-len(ordered) * percent // 100))
    return ordered[rank - 1]


class Figures:
    """Both parts: one message at a time, and a window of them."""

    def __init__(self, size: int, window: int) -> None:
        self.size = size
        self.window = window
        self.alone = Samples()
        self.together = Samples()

    def rows(self) -> list[tuple[str, ...]]:
        """Return a table: headings, then a row for each part that has begun."""
        return self._table(None)

    def recent_rows(self) -> list[tuple[str, ...]]:
        """Return a table whose latencies are the last ones: made quickly, so that it disturbs nothing."""
        return self._table(_RECENT)

    def _table(self, most: int | None) -> list[tuple[str, ...]]:
        parts = (("one at a time", self.alone), (f"{self.window:,} at once", self.together))
        return [HEADINGS, *(_row(name, samples, most) for name, samples in parts if samples.latencies)]

    def as_text(self) -> str:
        """Return the table as text."""
        return "".join(f"{line}\n" for line in lines(self.rows()))

    def as_json(self) -> dict[str, Any]:
        """Return all figures; latencies are milliseconds."""
        return {
            "size": self.size,
            "alone": _json(self.alone, 1),
            "together": _json(self.together, self.window),
        }


def _row(name: str, samples: Samples, most: int | None) -> tuple[str, ...]:
    ordered = sorted(samples.latencies if most is None else samples.latencies[-most:])
    latencies = [*(percentile(ordered, percent) for percent in PERCENTILES), ordered[-1]]
    return (
        name,
        f"{len(samples.latencies):,}",
        f"{samples.rate:,.0f}",
        *(f"{latency * 1_000:.2f}" for latency in latencies),
    )


def lines(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows as lines with columns: the first one to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _json(samples: Samples, window: int) -> dict[str, Any]:
    ordered = sorted(samples.latencies)
    found: dict[str, Any] = {
        "window": window,
        "messages": len(ordered),
        "per_second": round(samples.rate, 1),
    }
    for percent in PERCENTILES:
        found[f"p{percent}_ms"] = round(percentile(ordered, percent) * 1_000, 3)
    return found | {"max_ms": round(ordered[-1] * 1_000, 3) if ordered else 0.0}
