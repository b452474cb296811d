"""STOMP for trio, a thin adapter over stomp_sansio: `async with stomp_trio.connect(URL) as client`."""

from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.errors import (
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
from stomp_sansio.session.events import Ended, Interrupted, Ready
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.tickets import Outcome, Ticket

from .client import Client, Message, Subscription, Transaction, connect

__all__ = [
    "AuthenticationError",
    "Backoff",
    "BrokerError",
    "Client",
    "ConnectError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Credentials",
    "Ended",
    "HeartbeatTimeout",
    "Interrupted",
    "Message",
    "MessageExpired",
    "NotConnected",
    "OutboxFull",
    "Outcome",
    "Overflow",
    "Ready",
    "ReceiptTimeout",
    "ReplyTimeout",
    "Subscription",
    "Ticket",
    "Transaction",
    "TransactionLost",
    "connect",
]
