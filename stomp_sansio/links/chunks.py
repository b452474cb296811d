"""Chunks of a STOMP stream as messages of something else: which are text, and where they may be cut.

What lives here must not know what carries the messages, nor what STOMP says in them.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["check_split", "is_utf8", "split_chunk"]


def is_utf8(octets: bytes) -> bool:
    """Tell whether octets are UTF-8 text."""
    if octets.isascii():
        return True
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_split(split_above: int | None) -> None:
    """Make sure that messages can hold any character.

    Raises:
        ValueError: they could not; the caller's mistake.
    """
    if split_above is not None and split_above < 4:
        raise ValueError(
            f"split_above is {split_above}: pass at least 4, since a character may take 4 octets"
        )


def split_chunk(chunk: bytes, split_above: int, *, text: bool) -> Iterator[bytes]:
    """Cut a chunk into pieces of at most `split_above` octets.

    A text message is UTF-8 by itself (RFC 6455, section 5.6): text is cut before a character, never inside.
    """
    start = 0
    while start < len(chunk):
        end = start + split_above
        while text and end < len(chunk) and chunk[end] & 0xC0 == 0x80:
            end -= 1
        yield chunk[start:end]
        start = end
