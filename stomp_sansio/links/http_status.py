"""What an HTTP answer that refuses a link means for the person who has to do something about it.

What lives here is sentences; it must not know how the answer was read, and shows no credential: of a
redirect's target it keeps neither userinfo nor query.
"""

from __future__ import annotations

from ..redaction import excerpt
from .session_names import hidden_session

__all__ = ["explain_refused_upgrade", "shown_location"]


def shown_location(location: str | None) -> str:
    """Return where a redirect points as it may be shown: without userinfo, query and fragment, and without
    the name of a SockJS session, which whoever knows it can take over; at most 200 characters."""
    if not location:
        return "an address it does not name"
    shown = location.partition("?")[0].partition("#")[0].partition(";")[0]
    scheme, separator, rest = shown.partition("//")
    if separator:
        authority, slash, path = rest.partition("/")
        shown = f"{scheme}//{authority.rpartition('@')[2]}{slash}{path}"
    return excerpt(hidden_session(shown).encode("utf-8", "replace"), 200)[1:]


def explain_refused_upgrade(status: int, location: str | None = None) -> str:
    """Return a sentence for a WebSocket upgrade that was answered with `status` instead of 101, saying what
    to do."""
    return f"The server answered the WebSocket upgrade with HTTP status {status}: {_advice(status, location)}"


def _advice(status: int, location: str | None) -> str:
    if 200 <= status < 300:
        return (
            "this address speaks plain HTTP. If this is a SockJS endpoint, use http(s):// instead of "
            "ws(s)://; if it is a login page of the network, log in first"
        )
    if 300 <= status < 400:
        return (
            f"it redirects to {shown_location(location)}. Redirects are not followed, since credentials "
            "would go along: connect to that address yourself if you trust it"
        )
    advice = _ADVICE.get(status)
    if advice is not None:
        return advice
    if status >= 500:
        return "the server or a proxy before it failed; trying again later may help"
    return "the request was refused"


_ADVICE = {
    400: (
        "the request was refused as malformed. A proxy before the server may not pass the Upgrade header on; "
        "if this is a SockJS endpoint, use http(s):// instead of ws(s)://"
    ),
    401: "credentials are missing or wrong: pass an Authorization or Cookie header with additional_headers",
    403: (
        "the request is forbidden: the server may want another Origin, or credentials; pass them as headers "
        "with additional_headers"
    ),
    404: (
        "there is nothing at this path. If this is a SockJS endpoint, use http(s):// and its base URL, "
        "or add /websocket to the path"
    ),
    405: "this path takes no WebSocket. If this is a SockJS endpoint, use http(s):// instead of ws(s)://",
    407: "a proxy wants credentials: put them into the proxy's URL",
    421: "the server does not take that name for its own: use its address, or have the name allowed there",
    426: "the server wants another protocol version than WebSocket 13 over HTTP/1.1, or TLS: try wss://",
    429: "too many requests: wait before the next attempt",
    503: "the server is not ready, or overloaded; trying again later may help",
}
