"""A promise that settles once: what became of something that was asked of the server.

This file must not know what was asked.
"""

from __future__ import annotations

from enum import Enum

from ..protocol.events import Message
from .errors import ReceiptTimeout

__all__ = ["Outcome", "Ticket"]


class Outcome(Enum):
    """How a ticket settled."""

    SENT = "sent"
    """Handed to the transport; no confirmation was asked for."""
    CONFIRMED = "confirmed"
    """The server has processed it."""
    REJECTED = "rejected"
    """The server refused it with an ERROR."""
    UNKNOWN = "unknown"
    """It was sent, but whether the server has processed it cannot be known."""
    ABANDONED = "abandoned"
    """It was never sent."""


class Ticket:
    """What became of one thing asked of the server. It settles exactly once."""

    __slots__ = ("deadline", "deferred", "error", "late", "outcome", "receipt", "reply", "what")

    what: str
    """What was asked, for messages to people."""
    outcome: Outcome | None
    """None until it settles."""
    error: Exception | None
    """Why it did not succeed, if it did not."""
    reply: Message | None
    """The answer to a request."""
    deadline: float | None
    """When it settles at the latest: every wait ends."""

    def __init__(
        self,
        what: str,
        deadline: float | None = None,
        *,
        receipt: str | None = None,
        late: type[Exception] = ReceiptTimeout,
    ) -> None:
        self.what = what
        self.deadline = deadline
        self.receipt = receipt
        """The id of the RECEIPT that confirms it, if one does."""
        self.late = late
        """What a settlement at the deadline is told as."""
        self.deferred = False
        """Whether it waits for room, and was not even queued for the server."""
        self.outcome = None
        self.error = None
        self.reply = None

    def settle(self, outcome: Outcome, error: Exception | None = None) -> bool:
        """Settle; return False, and change nothing, when it was settled before."""
        if self.outcome is not None:
            return False
        self.outcome, self.error = outcome, error
        return True

    def result(self) -> None:
        """Return when it succeeded.

        Raises:
            Exception: why it did not.
        """
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        return f"<Ticket {self.what}: {self.outcome.value if self.outcome else 'open'}>"
