"""Which failures are worth another try, and what an application is told of each: one table.

This file must not know when the next try is.
"""

from __future__ import annotations

from ..errors import Fault, RemoteProtocolError
from ..links.link import LinkClosed, Phase
from ..machine import StreamLoss
from ..protocol.events import Closed, CloseReason, Error
from .errors import (
    AuthenticationError,
    BrokerError,
    ConnectError,
    ConnectionClosedError,
    HeartbeatTimeout,
)

__all__ = ["Failure", "connection_failure", "greeting_failure", "link_failure", "refusal", "timed_out"]

# The loss of a stream that another attempt cannot mend.
_FINAL_LOSSES = frozenset({StreamLoss.CERTIFICATE_REFUSED, StreamLoss.TLS_FAILED})

# HTTP: the request is wrong, and would be wrong again; but these say "later".
_LATER = frozenset({408, 425, 429})

_LOGIN_WORDS = ("access", "auth", "credential", "denied", "login", "password", "passcode", "refused", "user")
_HOST_WORDS = ("virtual host", "vhost", "not_allowed")


class Failure:
    """What ended an attempt or a connection."""

    __slots__ = ("error", "retry")

    def __init__(self, error: Exception, *, retry: bool) -> None:
        self.error = error
        """What the application is told."""
        self.retry = retry
        """Whether another try may help."""


def link_failure(closed: LinkClosed, endpoint: str) -> Failure:
    """Return what the end of a link before CONNECTED means."""
    message = f"{endpoint}: {closed.reason}"
    if closed.status is not None:
        retry = closed.status >= 500 or closed.status in _LATER
        refused = closed.status in (401, 403, 407)
        return Failure((AuthenticationError if refused else ConnectError)(closed.phase, message), retry=retry)
    final = closed.loss in _FINAL_LOSSES or closed.error is not None
    return Failure(ConnectError(closed.phase, message), retry=not final)


def timed_out(phase: Phase, endpoint: str, seconds: float) -> Failure:
    """Return what an attempt that took too long means."""
    message = (
        f"{endpoint}: no connection within {seconds:g} s (open_timeout); it came as far as {phase.value}"
    )
    return Failure(ConnectError(phase, message), retry=True)


def refusal(error: Error, endpoint: str) -> Failure:
    """Return what an ERROR before CONNECTED means: the server refuses who we are, or how we ask."""
    said = _said(error)
    lowered = said.lower()
    if any(word in lowered for word in _HOST_WORDS):
        message = f"{endpoint}: the server refused the virtual host ({said}): pass vhost=, as in vhost='/'"
        return Failure(ConnectError(Phase.OPEN, message), retry=False)
    if any(word in lowered for word in _LOGIN_WORDS):
        message = f"{endpoint}: the server refused the login ({said}): check login= and passcode="
        return Failure(AuthenticationError(Phase.OPEN, message), retry=False)
    return Failure(
        ConnectError(Phase.OPEN, f"{endpoint}: the server refused the connection ({said})"), retry=False
    )


def greeting_failure(closed: Closed, link: LinkClosed | None, endpoint: str) -> Failure:
    """Return what the end of a connection means whose CONNECT was not answered."""
    if closed.error is not None:
        message = f"{endpoint}: what answers there does not speak STOMP as it was asked to: {closed.error}"
        failure = ConnectError(Phase.OPEN, message)
        failure.__cause__ = closed.error
        return Failure(failure, retry=closed.error.fault is Fault.INCOMPLETE_FRAME)
    why = "the connection ended" if link is None else link.reason
    hint = "if the server wants TLS, use stomps://, wss:// or https://"
    return Failure(
        ConnectError(Phase.OPEN, f"{endpoint}: CONNECT was not answered: {why}; {hint}"), retry=True
    )


def connection_failure(
    closed: Closed, error: Error | None, link: LinkClosed | None, endpoint: str
) -> Failure:
    """Return what the end of an established connection means."""
    if closed.reason is CloseReason.HEARTBEAT_TIMEOUT:
        message = f"{endpoint}: the server was silent for longer than its heart-beats allow"
        return Failure(HeartbeatTimeout(message), retry=True)
    if error is not None:
        return Failure(BrokerError(f"{endpoint}: the server sent ERROR: {_said(error)}", error), retry=True)
    fault = closed.error if closed.error is not None else None if link is None else link.error
    if isinstance(fault, RemoteProtocolError):
        # A stream that was cut off mid-frame is a lost connection, not a server that does not know STOMP.
        lost = fault.fault is Fault.INCOMPLETE_FRAME
        failure = ConnectionClosedError(f"{endpoint}: {fault}")
        failure.__cause__ = fault
        return Failure(failure, retry=lost)
    why = "the server closed the connection" if link is None else link.reason
    return Failure(ConnectionClosedError(f"{endpoint}: {why}"), retry=True)


def _said(error: Error) -> str:
    """Return what an ERROR says, for people: its message and the beginning of its body."""
    # Some servers put the kind of error into the message and the reason into the body, some a stack trace.
    parts = (error.message or "", error.body[:200].decode("utf-8", "replace"))
    return " ".join(": ".join(filter(None, parts)).split())[:200] or "no reason given"
