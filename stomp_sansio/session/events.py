"""What a session reports: the life of its connections, and that something may be worth another look.

This file must not know who waits for what.
"""

from __future__ import annotations

from typing import TypeAlias

from ..protocol.events import Connected
from ..records import hot_record, record
from .subscription import Subscription
from .tickets import Ticket

__all__ = ["Changed", "CredentialsWanted", "Ended", "Interrupted", "Ready", "SessionEvent"]


@record
class Ready:
    """A connection is established and every subscription was asked for on it. The first one, or a new one."""

    epoch: int
    """The number of the connection, from 1."""
    endpoint: str
    """Where to, without credentials."""
    transport: str
    """How: "tcp", "websocket", "xhr-streaming" or "xhr-polling"."""
    connected: Connected


@record
class Interrupted:
    """A connection was lost, or could not be established, and another one will be tried."""

    epoch: int
    error: Exception
    """Why."""
    retry_in: float
    """Seconds until the next attempt."""


@record
class Ended:
    """The session is over. Comes last and exactly once."""

    error: Exception | None
    """Why; None when it was closed in order."""


@record
class CredentialsWanted:
    """An attempt waits for credentials: answer with `provide_credentials`, or `credentials_failed`."""

    attempt: int
    """The number of the attempt, from 1."""


@hot_record
class Changed:
    """Something that somebody may wait for has changed: a ticket has settled, or a subscription has messages
    or has ended.
    """

    subject: Ticket | Subscription


SessionEvent: TypeAlias = Ready | Interrupted | Ended | CredentialsWanted | Changed
