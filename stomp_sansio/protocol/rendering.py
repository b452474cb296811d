"""A frame in one line, for logs: who may read a log must not learn a secret from it.

This file must not know where the line goes.
"""

from __future__ import annotations

from ..redaction import redacted
from .events import Error, Message, Send

__all__ = ["one_line"]


def one_line(said: object) -> str:
    """Return one line for the octets of one frame, or for an event: its command, its headers, the size of its
    body.
    """
    if isinstance(said, bytes):
        if said in (b"\n", b"\r\n"):
            return "heart-beat"
        head, _, body = said.partition(b"\n\n")
        command, *lines = head.decode("utf-8", "replace").split("\n")
        pairs = [line.partition(":")[::2] for line in lines]
        shown = " ".join(f"{name}={redacted(name, value)!r}" for name, value in pairs)
        return f"{command} {shown} ({max(len(body) - 1, 0)} octets)"
    if isinstance(said, Message | Send | Error):
        shown = " ".join(f"{name}={redacted(name, value)!r}" for name, value in said.headers.pairs)
        return f"{type(said).__name__.upper()} {shown} ({len(said.body)} octets)"
    return repr(said)
