"""Text as it may be shown on a terminal or in a page: nothing in it controls what shows it.

What lives here must not know where the text comes from.
"""

from __future__ import annotations

from itertools import accumulate
from unicodedata import east_asian_width

__all__ = ["shortened", "visible", "width_of"]


def visible(text: str) -> str:
    """Return text in one line, with whatever is not printable escaped: control characters, separators, marks
    that change direction, lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def width_of(text: str) -> int:
    """Return how many columns of a terminal text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def shortened(text: str, width: int) -> str:
    """Return text that takes at most so many columns, with an ellipsis where something was left out."""
    if width_of(text) <= width:
        return text
    ends = accumulate(width_of(character) for character in text)
    return text[: sum(end <= width - 3 for end in ends)] + "..."
