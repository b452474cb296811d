"""The paths of a SockJS service, and the header fields of its answers (SockJS 0.3.3).

What lives here is pure functions over requests; it must not know sessions or streams.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from ..records import record
from .http_server import HttpRequest

__all__ = [
    "Route",
    "RouteKind",
    "allowed_methods",
    "cors_fields",
    "find_route",
    "not_cached",
    "preflight_fields",
    "sticky",
]

_YEAR = 31_536_000
"""Seconds that the answer to OPTIONS may be kept: the protocol's tests want more than a million."""


_LONGEST_ID = 255
"""Characters of a session's id: clients take 8 to 36, and whoever has no stream would have us keep them."""


class RouteKind(Enum):
    """What a path leads to."""

    GREETING = "the base URL itself"
    INFO = "info"
    RAW_WEBSOCKET = "a WebSocket without SockJS"
    WEBSOCKET = "websocket"
    XHR = "xhr"
    XHR_STREAMING = "xhr_streaming"
    XHR_SEND = "xhr_send"


_TRANSPORTS = {
    kind.value: kind
    for kind in (RouteKind.WEBSOCKET, RouteKind.XHR, RouteKind.XHR_STREAMING, RouteKind.XHR_SEND)
}
_METHODS = {
    RouteKind.GREETING: ("GET", "HEAD"),
    RouteKind.INFO: ("OPTIONS", "GET"),
    RouteKind.RAW_WEBSOCKET: ("GET",),
    RouteKind.WEBSOCKET: ("GET",),
    RouteKind.XHR: ("OPTIONS", "POST"),
    RouteKind.XHR_STREAMING: ("OPTIONS", "POST"),
    RouteKind.XHR_SEND: ("OPTIONS", "POST"),
}


@record
class Route:
    """Where a request leads."""

    kind: RouteKind
    session: str = ""
    """The id of the session, if the path has one."""


def find_route(bases: Iterable[str], path: str) -> Route | None:
    """Return where `path` leads in the service at any of `bases`, or None for nowhere.

    A base has no slash at its end. Of a session's path the first segment is for load balancers and says
    nothing here. jsonp, iframe, eventsource and htmlfile are left out on purpose: they are ways round the
    same-origin policy.
    """
    for base in bases:
        if (route := _route(base, path)) is not None:
            return route
    return None


def _route(base: str, path: str) -> Route | None:
    if not path.startswith(base):
        return None
    rest = path[len(base) :]
    if rest in ("", "/"):
        return Route(RouteKind.GREETING)
    if rest == "/info":
        return Route(RouteKind.INFO)
    if rest == "/websocket":
        return Route(RouteKind.RAW_WEBSOCKET)
    segments = rest.split("/")
    if len(segments) != 4 or segments[0]:
        return None
    _, server, session, transport = segments
    # SockJS 0.3.3, "Session URLs": not empty, no dots.
    if not server or not session or "." in server or "." in session or transport not in _TRANSPORTS:
        return None
    if len(session) > _LONGEST_ID:
        return None
    return Route(_TRANSPORTS[transport], session)


def allowed_methods(route: Route) -> tuple[str, ...]:
    """Return the methods that a route takes."""
    return _METHODS[route.kind]


def not_cached() -> list[tuple[str, str]]:
    """Return what keeps an answer out of caches; some browsers cache even POST."""
    return [("Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0")]


def cors_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what lets a page of the request's own, accepted, origin read the answer.

    The origin is repeated, never "*": cookies go along, so each origin must have been accepted by name.
    """
    origin = request.header("origin")
    fields = [("Vary", "Origin")]
    if origin is not None:
        fields += [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true")]
        wanted = request.header("access-control-request-headers")
        if wanted:
            fields.append(("Access-Control-Allow-Headers", wanted))
    return fields


def preflight_fields(route: Route) -> list[tuple[str, str]]:
    """Return what the answer to OPTIONS says besides `cors_fields`."""
    return [
        ("Access-Control-Allow-Methods", ", ".join(allowed_methods(route))),
        ("Access-Control-Max-Age", str(_YEAR)),
        ("Cache-Control", f"public, max-age={_YEAR}"),
        # There is no clock here. Caches that know Cache-Control pass over this (RFC 9111, section 5.3).
        ("Expires", "Thu, 31 Dec 2099 23:59:59 GMT"),
    ]


def sticky(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the cookie by which load balancers keep a session on one server (SockJS 0.3.3, "JSESSIONID
    cookie").

    What the client has is said again, so that a balancer can put its mark on it.
    """
    for pair in (request.header("cookie") or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if (
            name == "JSESSIONID"
            and value
            and value.isascii()
            and value.isprintable()
            and not set(value) & set(' ",;\\\\')
        ):
            return [("Set-Cookie", f"JSESSIONID={value}; path=/")]
    return [("Set-Cookie", "JSESSIONID=dummy; path=/")]
