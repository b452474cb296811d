"""Frames in one line each, for logs: who may read a log must not learn a secret, nor be shown a forged line.

This file must not know where the lines go.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..redaction import REDACTED, is_secret, redacted
from .events import Error, Message, Send

__all__ = ["FrameLines"]


class FrameLines:
    """Makes lines of one conversation.

    A server's ERROR may quote what it was told: the secrets of CONNECT are remembered, and hidden there.
    """

    __slots__ = ("_secrets",)

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def line(self, said: object) -> str:
        """Return one line for the octets of one frame, or for an event: command, headers, the body's size."""
        if isinstance(said, bytes):
            return self._sent(said)
        if isinstance(said, Message | Send | Error):
            line = f"{type(said).__name__.upper()}{_shown(said.headers.pairs)} ({len(said.body)} octets)"
            return self._hidden(line) if isinstance(said, Error) else line
        return repr(said)

    def _sent(self, octets: bytes) -> str:
        if octets in (b"\n", b"\r\n"):
            return "heart-beat"
        head, _, body = octets.partition(b"\n\n")
        command, *lines = head.decode("utf-8", "replace").split("\n")
        pairs = [(name, value) for name, _, value in (line.partition(":") for line in lines)]
        if command in ("CONNECT", "STOMP"):
            login = dict(pairs).get("login")
            # Some servers have users whose passcode is their name: that is no secret any more.
            self._secrets |= {value for name, value in pairs if value and value != login and is_secret(name)}
        # The NUL at its end is no part of the body.
        return f"{command}{_shown(pairs)} ({max(len(body) - 1, 0)} octets)"

    def _hidden(self, line: str) -> str:
        # The longest first: one may be a part of another.
        for secret in sorted(self._secrets, key=len, reverse=True):
            line = line.replace(secret, REDACTED).replace(repr(secret)[1:-1], REDACTED)
        return line


def _shown(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f" {_name(name)}={redacted(name, value)!r}" for name, value in pairs)


def _name(name: str) -> str:
    return name if name.isprintable() and " " not in name else repr(name)
