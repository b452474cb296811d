"""Tables for people and figures for machines: what a benchmark found, each beside its target.

This file must not know how a figure was measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from .targets import verdict

__all__ = ["Figure", "Report"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit, and its target where it has one."""

    name: str
    value: float
    unit: str
    target: str
    reached: bool


@dataclass(slots=True)
class Report:
    """Collects figures while tables are printed."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    figures: list[Figure] = field(default_factory=list[Figure])

    def figure(self, name: str, value: float, unit: str) -> str:
        """Record a figure and return what stands beside it: its target and whether it is reached, or
        nothing.
        """
        text, reached = verdict(name, value)
        self.figures.append(Figure(name, value, unit, text, reached))
        return text

    def say(self, line: str) -> None:
        """Print a line at once, so that a long run shows where it is."""
        print(line, file=self.out, flush=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table that is readable as it is and valid Markdown: first column left, others right."""
        self.say(f"\n### {title}\n")
        cells = [list(columns), *(list(row) for row in rows)]
        widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        for row in (cells[0], rule, *cells[1:]):
            texts = [
                row[0].ljust(widths[0]),
                *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)),
            ]
            self.say("| " + " | ".join(texts) + " |")

    def summary(self) -> bool:
        """Print how many targets were reached, naming those that were missed, and return whether all were."""
        with_target = [figure for figure in self.figures if figure.target]
        missed = [figure for figure in with_target if not figure.reached]
        if with_target:
            self.say(f"\ntargets: {len(with_target) - len(missed)} reached, {len(missed)} missed")
        for figure in missed:
            self.say(f"  missed: {figure.name} is {figure.value:.2f} {figure.unit} ({figure.target})")
        return not missed

    def write_json(self, path: Path, about: dict[str, str]) -> None:
        """Write every figure, and what the run was made with."""
        path.write_text(
            json.dumps({"about": about, "figures": [asdict(figure) for figure in self.figures]}, indent=1)
            + "\n"
        )
