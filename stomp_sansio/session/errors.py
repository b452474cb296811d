"""What an application is told when something fails: one exception for each thing it could do about it.

Builtins are inherited from where they apply, so that `except ConnectionError` and `except TimeoutError` work.
This file must not know how failures are found.
"""

from __future__ import annotations

from ..errors import StompError
from ..links.link import Phase
from ..protocol.events import Error

__all__ = [
    "AuthenticationError",
    "BrokerError",
    "ConnectError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "HeartbeatTimeout",
    "MessageExpired",
    "NotConnected",
    "OutboxFull",
    "Overflow",
    "ReceiptTimeout",
    "ReplyTimeout",
    "TransactionLost",
]


class ConnectError(StompError, ConnectionError):
    """A connection could not be established. `phase` says how far it came, the message what to do."""

    phase: Phase

    def __init__(self, phase: Phase, message: str) -> None:
        super().__init__(message)
        self.phase = phase


class AuthenticationError(ConnectError):
    """The server refused the login, or what it may do here."""


class BrokerError(StompError):
    """The server sent an ERROR frame."""

    error: Error | None
    """The ERROR as the server sent it."""

    def __init__(self, message: str, error: Error | None = None) -> None:
        super().__init__(message)
        self.error = error


class ConnectionClosed(StompError, ConnectionError):
    """The session is over."""


class ConnectionClosedOK(ConnectionClosed):
    """The session is over because it was closed."""


class ConnectionClosedError(ConnectionClosed):
    """The session is over because something failed and trying again was not wanted, or would not help."""


class HeartbeatTimeout(ConnectionClosedError, TimeoutError):
    """Nothing was heard from the server for too long."""


class NotConnected(StompError, ConnectionError):
    """There is no connection at this moment, and the call was not told to wait for one."""


class ReceiptTimeout(StompError, TimeoutError):
    """The server did not confirm in time: whether it has processed the frame is unknown."""


class ReplyTimeout(StompError, TimeoutError):
    """Nobody answered a request in time."""


class OutboxFull(StompError, TimeoutError):
    """There was no room for a message within the time a confirmation may take: it was not sent."""


class MessageExpired(StompError):
    """The connection that delivered the message is gone: the server delivers it again, and no ack can reach
    it.
    """


class TransactionLost(StompError):
    """The connection that the transaction lived on is gone, and the transaction with it: do it again."""


class Overflow(StompError):
    """The subscription was ended since its messages were not taken fast enough, as it was told to."""
