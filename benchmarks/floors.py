"""The least work that looks like parsing or encoding: no parser of this language can be much faster.

A floor joins all its input first, ignores content-length and escapes, and checks nothing; so it is no
parser. This file must not know the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["copy_only", "floor_a", "floor_b", "floor_c", "floor_encode", "floor_join"]


class _Parts:
    __slots__ = ("body", "command", "headers")

    def __init__(self, command: str, headers: dict[str, str], body: bytes) -> None:
        self.command = command
        self.headers = headers
        self.body = body


def copy_only(chunks: Sequence[bytes]) -> int:
    """For large bodies: everything is copied once, nothing is looked at."""
    return len(b"".join(chunks))


def floor_a(chunks: Sequence[bytes]) -> int:
    """(a) One split at the NULs."""
    return len(b"".join(chunks).split(b"\0")) - 1


def floor_b(chunks: Sequence[bytes]) -> int:
    """(b) As (a), then one decode of each header block, one split, and a dict by partition."""
    found = 0
    for piece in b"".join(chunks).split(b"\0"):
        head, blank_line, _ = piece.partition(b"\n\n")
        if blank_line:
            headers: dict[str, str] = {}
            for line in head.decode().split("\n"):
                name, _, value = line.partition(":")
                headers[name] = value
            found += 1
    return found


def floor_c(chunks: Sequence[bytes]) -> int:
    """(c) As (b), and an object with slots for each frame. The yardstick of the ratios."""
    found = 0
    for piece in b"".join(chunks).split(b"\0"):
        head, blank_line, body = piece.partition(b"\n\n")
        if blank_line:
            lines = head.decode().split("\n")
            headers: dict[str, str] = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name] = value
            _Parts(lines[0], headers, body)
            found += 1
    return found


def floor_join(pieces: Sequence[bytes], body: bytes) -> bytes:
    """(a) of encoding: header lines that are octets already are joined."""
    return b"".join([b"SEND\n", *pieces, b"\n", body, b"\0"])


def floor_encode(headers: Mapping[str, str], body: bytes) -> bytes:
    """(b) of encoding: f-strings and one encode, without an escape and without a check."""
    return (
        ("SEND\n" + "".join([f"{name}:{value}\n" for name, value in headers.items()]) + "\n").encode()
        + body
        + b"\0"
    )
