"""What the HTTP statuses of a SockJS service mean, and what a person can do about them.

What lives here judges a number; it must not know how the answer was read.
"""

from __future__ import annotations

from enum import Enum

from ..errors import LinkFault, RemoteProtocolError
from .http_status import shown_location

__all__ = ["Outcome", "judge_status", "refused_request"]


class Outcome(Enum):
    """What an answer says about the session."""

    OK = "ok"
    SESSION_LOST = "session-lost"
    """The server does not know the session any more."""
    SERVER_ERROR = "server-error"
    HTTP_ERROR = "http-error"
    """Anything else: what answered may be no SockJS service."""


_GOOD = {"info": (200,), "websocket": (101,), "xhr_streaming": (200,), "xhr": (200,), "xhr_send": (204, 200)}


def judge_status(request: str, status: int) -> Outcome:
    """Return what `status` means in answer to a request, named by the last segment of its path.

    SockJS 0.3.3: xhr and xhr_streaming answer 200, xhr_send answers 204 (some servers 200); 404 says that
    there is no such session.
    """
    if status in _GOOD[request]:
        return Outcome.OK
    if status == 404 and request.startswith("xhr"):
        return Outcome.SESSION_LOST
    return Outcome.SERVER_ERROR if 500 <= status < 600 else Outcome.HTTP_ERROR


def refused_request(
    request: str, status: int, location: str | None = None, *, opened: bool = True
) -> RemoteProtocolError:
    """Return the error for an answer that is not the good one.

    `location` is where a redirect points; `opened` says whether the session had been open.
    """
    return RemoteProtocolError(
        LinkFault.HTTP_STATUS,
        f"The server answered {request} with HTTP status {status}: "
        f"{_advice(request, status, location, opened)}",
    )


def _advice(request: str, status: int, location: str | None, opened: bool) -> str:
    if 300 <= status < 400:
        return (
            f"it redirects to {shown_location(location)}. Redirects are not followed, since credentials "
            "would go "
            "along: use that address if you trust it"
        )
    if status == 404:
        if judge_status(request, status) is Outcome.SESSION_LOST:
            if not opened:
                return "there is no SockJS service at this URL, or this transport is switched off"
            return (
                "it does not know the session; behind a load balancer, the requests of a session must all "
                "reach "
                "the same server"
            )
        return "there is no SockJS service at this URL. For a plain WebSocket, write ws(s):// not http(s)://"
    advice = _ADVICE.get(status)
    if advice is not None:
        return advice
    if status >= 500:
        return "the server, or a proxy before it, failed; trying again later may help"
    return "that is no answer of a SockJS service; check the URL"


_ADVICE = {
    401: "credentials are missing or wrong: pass an Authorization or Cookie header with additional_headers",
    403: "the request is forbidden: the server may want a CSRF token, another Origin, or credentials",
    405: "it does not take this method: the URL may not be the base URL of a SockJS service",
    407: "a proxy wants credentials: write them into the proxy's URL",
    413: "the request was too large: send smaller messages",
    429: "too many requests: wait before the next attempt",
}
