"""The HTTP header fields that an application adds to every request of a link.

What lives here says which of them can go, before anything is written. It must not know which request they go
with.
"""

from __future__ import annotations

from collections.abc import Iterable

import h11

from ..errors import LocalProtocolError, Misuse
from .origin import normalized_origin

__all__ = ["checked_headers"]

_OURS = frozenset({"host", "connection", "upgrade", "content-length", "transfer-encoding", "expect"})


def checked_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return extra HTTP header fields as octets.

    Raises:
        LocalProtocolError: a field cannot be sent, or is one that the library itself has to set.
    """
    checked: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered in _OURS or lowered.startswith("sec-websocket-"):
            raise _bad_header(name, "is set by the library itself: leave it out")
        if lowered == "origin" and normalized_origin(value) is None:
            raise _bad_header(
                name, f"has the value {value!r}: an origin is scheme://host[:port], with no path"
            )
        try:
            field = (name.encode("ascii"), value.encode("latin-1"))
            h11.Request(method="GET", target="/", headers=[(b"Host", b"x"), field])
        except (UnicodeError, h11.LocalProtocolError):
            raise _bad_header(name, "has a name or a value that HTTP cannot carry") from None
        checked.append(field)
    return checked


def _bad_header(name: str, what: str) -> LocalProtocolError:
    return LocalProtocolError(Misuse.BAD_HEADER, f"The HTTP header {name!r} {what}")
