"""The name of a SockJS session is a secret: whoever knows it can read and write the session.

What lives here finds it in a URL and hides it; it must not know who shows the URL.
"""

from __future__ import annotations

from ..redaction import REDACTED

__all__ = ["hidden_session"]

_ENDS = ("websocket", "xhr", "xhr_streaming", "xhr_send")


def hidden_session(url: str) -> str:
    """Return a URL without query, or a path, with the name of the session replaced, if there is one.

    SockJS 0.3.3, "Session URLs": the path ends with /<server>/<session>/<transport>.
    """
    path_start = url.find("/", url.find("//") + 2) if "//" in url else 0
    segments = url[path_start:].split("/")
    if path_start == -1 or len(segments) < 4 or segments[-1] not in _ENDS:
        return url
    return url[:path_start] + "/".join([*segments[:-2], REDACTED, segments[-1]])
