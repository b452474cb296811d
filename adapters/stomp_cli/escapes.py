"""Text from elsewhere, made harmless: what a terminal would obey is shown as what it is.

A function of its arguments. This file must not know terminals, nor where the text comes from.
"""

from __future__ import annotations

import unicodedata

__all__ = ["escaped"]

# Control characters, formatting characters (those that turn the direction of text among them), lone
# surrogates, and separators of lines and paragraphs.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Format characters without which words and emoji come out wrong, and which move nothing.
_JOINERS = frozenset("\u200c\u200d")


def escaped(text: str, *, lines: bool = False) -> str:
    r"""Return text in which nothing can move a cursor, set a title, or turn the direction of writing.

    What could is written as in Python, as `\x1b`. With `lines`, line feeds and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        character if character in kept or not _is_obeyed(character) else _written(character)
        for character in text
    )


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in _OBEYED and character not in _JOINERS


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
