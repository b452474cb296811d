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


def render_text(records: Iterable[Record], *, width: int = 100) -> str:
    """Return the diagram of a capture: a client at the left, a server at the right, time downward in seconds.

    Lines have at most `width` columns; what has no room ends in an ellipsis. Nothing in it controls a
    terminal.

    Raises:
        CaptureError: as `read`, whose records these are.
    """
    steps = list(steps_of(records))
    width = max(width, _NARROWEST)
    several = len({step.stream for step in steps if step.stream is not None}) > 1
    times = [f"{step.time:.3f}" for step in steps]
    column = max([len("seconds"), *map(len, times)])
    names = max((len(f"#{step.stream}") for step in steps if step.stream is not None), default=0) + 1
    margin = column + 1 + (names if several else 0)
    inner = width - margin - 2
    gap = max(inner - len("client") - len("server") + 4, 1)
    lines = [f"{'seconds':>{column}}{' ' * (margin - column - 2)} client{' ' * (gap - 2)}server"]
    for time, step in zip(times, steps, strict=True):
        stream = "" if step.stream is None else f"#{step.stream}"
        name = f"{stream:<{names}}" if several else ""
        lines.append(f"{time:>{column}} {name}|{_drawn(step, inner)}|")
    return "\n".join(lines) + "\n"


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
