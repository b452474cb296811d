"""A capture as a sequence diagram in plain text, for terminals and mails.

What lives here draws lines of characters. It must not know what the steps mean.
"""

from __future__ import annotations

from collections.abc import Iterable

from .records import Record
from .steps import Arrow, Step, steps_of
from .visible import shortened, width_of

__all__ = ["render_text"]

_NARROWEST = 40


def render_text(records: Iterable[Record], *, width: int = 100, numbered: bool = False) -> str:
    """Return the diagram of a capture: a client at the left, a server at the right, time downward in seconds.

    Lines have at most `width` columns; what has no room ends in an ellipsis. `numbered` shows the numbers of
    the frames, by which `explain` knows them. Nothing in it controls a terminal.

    Raises:
        CaptureError: as `read`, whose records these are.
    """
    steps = list(steps_of(records))
    width = max(width, _NARROWEST)
    streams = {step.stream for step in steps if step.stream is not None}
    columns = [_column("seconds", [f"{step.time:.3f}" for step in steps])]
    if numbered:
        columns.append(_column("frame", [str(step.number or "") for step in steps]))
    if len(streams) > 1:
        names = ["" if step.stream is None else f"#{step.stream}" for step in steps]
        columns.append(_column("", names, left=True))
    margins = [" ".join(cells) for cells in zip(*columns, strict=True)]
    inner = width - len(margins[0]) - 3
    gap = max(inner - len("client") - len("server") + 2, 1)
    lines = [f"{margins[0]} client{' ' * gap}server"]
    for margin, step in zip(margins[1:], steps, strict=True):
        lines.append(f"{margin} |{_drawn(step, inner)}|")
    return "\n".join(lines) + "\n"


def _column(head: str, cells: list[str], *, left: bool = False) -> list[str]:
    """Return cells, and before them a head, all as wide as the widest."""
    cells = [head, *cells]
    width = max(map(len, cells))
    return [cell.ljust(width) if left else cell.rjust(width) for cell in cells]


def _drawn(step: Step, inner: int) -> str:
    line = "." if step.weak else "-"
    text = f"! {step.text}" if step.fault else step.text
    if step.arrow is Arrow.BOTH:
        text = shortened(text, inner - 4)
        return f"  {text}{' ' * (inner - 2 - width_of(text))}"
    text = shortened(text, inner - 8)
    rest = line * (inner - 5 - width_of(text))
    if step.arrow is Arrow.TO_SERVER:
        return f"{line}{line} {text} {rest}>"
    return f"<{line} {text} {rest}{line}"
