"""Spring's STOMP over WebSocket: destinations of the application and of single users.

Source: https://docs.spring.io/spring-framework/reference/web/websocket/stomp.html . The simple broker knows
no receipts, acks or transactions, so there is little to say. This file must not know any other server.
"""

from __future__ import annotations

from .said import said

__all__ = ["application", "subscribe", "user"]


def application(destination: str, *, prefix: str = "/app") -> str:
    """Return the destination that reaches a method with `@MessageMapping(destination)`.

    `prefix` is what the application set with `setApplicationDestinationPrefixes`.
    """
    return _joined(prefix, destination)


def user(destination: str, *, name: str | None = None, prefix: str = "/user") -> str:
    """Return the destination of what the application sends to us alone, with `@SendToUser(destination)`.

    With a `name`, return the one that sends to that user.

    Raises:
        ValueError: the name has a slash; Spring writes it as "%2F".
    """
    if name is None:
        return _joined(prefix, destination)
    if "/" in name:
        raise ValueError(f"the user {name!r} has a slash: write it as %2F")
    return _joined(_joined(prefix, f"/{name}"), destination)


def subscribe(*, selector: str | None = None) -> dict[str, str]:
    """Return what SUBSCRIBE can say. `selector` is a condition in Spring's expression language, as
    "headers.colour == 'red'"; the application allows it with `setSelectorHeaderName("selector")`.
    """
    return said({"selector": selector})


def _joined(prefix: str, destination: str) -> str:
    return f"{prefix.rstrip('/')}/{destination.lstrip('/')}"
