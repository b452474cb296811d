"""The names that every adapter offers beside its own.

Nothing is defined here.
"""

from __future__ import annotations

from ..errors import InvalidURI
from ..session.backoff import Backoff
from ..session.errors import (
    AuthenticationError,
    BrokerError,
    ConnectError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    HeartbeatTimeout,
    MessageExpired,
    NotConnected,
    OutboxFull,
    Overflow,
    ReceiptTimeout,
    ReplyTimeout,
    TransactionLost,
)
from ..session.events import Ended, Interrupted, Ready
from ..session.options import Credentials
from ..session.tickets import Outcome, Ticket
from .keywords import AckKeywords, ConnectKeywords, ContentKeywords, SubscribeKeywords

__all__ = [
    "AckKeywords",
    "AuthenticationError",
    "Backoff",
    "BrokerError",
    "ConnectError",
    "ConnectKeywords",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "ContentKeywords",
    "Credentials",
    "Ended",
    "HeartbeatTimeout",
    "Interrupted",
    "InvalidURI",
    "MessageExpired",
    "NotConnected",
    "OutboxFull",
    "Outcome",
    "Overflow",
    "Ready",
    "ReceiptTimeout",
    "ReplyTimeout",
    "SubscribeKeywords",
    "Ticket",
    "TransactionLost",
]
