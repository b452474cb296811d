"""A capture as a sequence diagram of Mermaid, for pages that draw such.

What lives here writes Mermaid's text (https://mermaid.js.org/syntax/sequenceDiagram.html). It must not know
what the steps mean.
"""

from __future__ import annotations

from collections.abc import Iterable

from .records import Record
from .steps import Arrow, steps_of

__all__ = ["render_mermaid"]

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:/_-()[]+*=!?'@$~^|")


def render_mermaid(records: Iterable[Record]) -> str:
    """Return the diagram of a capture, to stand between three backquotes with `mermaid`, and their end.

    Raises:
        CaptureError: as `read`, whose records these are.
    """
    lines = ["sequenceDiagram", "    participant client", "    participant server"]
    for step in steps_of(records):
        text = f"{step.time:.3f} s {'! ' if step.fault else ''}{step.text}"
        text = "".join(letter if letter in _PLAIN else f"#{ord(letter)};" for letter in text)
        if step.arrow is Arrow.BOTH:
            lines.append(f"    note over client,server: {text}")
            continue
        line = "--" if step.weak else "-"
        ends = ("client", "server") if step.arrow is Arrow.TO_SERVER else ("server", "client")
        lines.append(f"    {ends[0]}{line}>>{ends[1]}: {text}")
    return "\n".join(lines) + "\n"
