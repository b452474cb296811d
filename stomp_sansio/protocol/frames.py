"""The frame: what a parser gives and an encoder takes.

This file must not know octets on the wire, roles, states or time.
"""

from __future__ import annotations

from ..redaction import excerpt
from .headers import HeaderPairs, Headers

__all__ = ["Frame"]


class Frame:
    """One STOMP frame: a command, its headers and a body. Treat it as immutable.

    Frames are equal when command, all header pairs in their order, and body are. Secrets are hidden in
    `repr`.
    """

    __slots__ = ("body", "command", "headers")

    command: str
    """The command, in capitals."""
    headers: Headers
    """The headers, unescaped; the first of repeated names wins."""
    body: bytes
    """The octets of the body."""

    def __init__(self, command: str, headers: HeaderPairs = (), body: bytes = b"") -> None:
        self.command = command
        self.headers = headers if type(headers) is Headers else Headers(headers)
        self.body = body

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return (self.command, self.headers.pairs, self.body) == (
            other.command,
            other.headers.pairs,
            other.body,
        )

    def __repr__(self) -> str:
        return f"Frame({self.command!r}, {self.headers!r}, {excerpt(self.body)})"
