"""A promise that settles once: what became of something that was asked of the server.

Every open one has an instant at which it settles at the latest. This file must not know what was asked.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from enum import Enum

from ..protocol.events import Message
from .errors import OutboxFull, ReceiptTimeout

__all__ = ["OpenTickets", "Outcome", "Ticket"]


_ADVICE: dict[type[Exception], str] = {
    ReceiptTimeout: ": wait longer with receipt_timeout=, or ask for no receipt, if this server gives none"
}


_UNREAD = (
    ": it may stand behind messages, of which no more are read while so many wait to be taken and "
    "acknowledged; have the server send fewer at a time, by the header that it has for a prefetch"
)


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
    """When it settles at the latest: every wait for the server ends."""

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
        """The id by which the answer names it: of a RECEIPT, or of a reply. None: no answer is awaited."""
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
            # It may be raised to many who wait, and each of them wants to see how it came to him alone.
            raise self.error.with_traceback(None)

    def __repr__(self) -> str:
        return f"<Ticket {self.what}: {self.outcome.value if self.outcome else 'open'}>"


class OpenTickets:
    """The tickets of a session that have not settled, in the order in which they will have to.

    False when there are none.
    """

    __slots__ = ("_changed", "_hurried", "_numbers", "_open_hurried", "_timeout", "_usual")

    def __init__(self, timeout: float, changed: Callable[[Ticket], None]) -> None:
        """`timeout` is how many seconds a ticket has, unless it says otherwise; `changed` is told every one
        that settles.
        """
        self._timeout = timeout
        self._changed = changed
        # By when they were made; they all have the same time, so the first one is due first.
        self._usual: dict[Ticket, None] = {}
        # Those with a time of their own, also some that have settled.
        self._hurried: list[tuple[float, int, Ticket]] = []
        self._open_hurried = 0
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._usual) or self._open_hurried > 0

    def new(
        self,
        what: str,
        now: float,
        receipt: str | None = None,
        *,
        timeout: float | None = None,
        late: type[Exception] = ReceiptTimeout,
    ) -> Ticket:
        """Return a new ticket that settles within `timeout` seconds, or else within the usual time."""
        if timeout is None:
            ticket = Ticket(what, now + self._timeout, receipt=receipt, late=late)
            self._usual[ticket] = None
        else:
            ticket = Ticket(what, now + timeout, receipt=receipt, late=late)
            heapq.heappush(self._hurried, (now + timeout, next(self._numbers), ticket))
            self._open_hurried += 1
        return ticket

    def settle(self, ticket: Ticket, outcome: Outcome, error: Exception | None = None) -> None:
        """Settle a ticket and tell of it; nothing is changed when it was settled before."""
        if not ticket.settle(outcome, error):
            return
        if ticket in self._usual:
            del self._usual[ticket]
        else:
            self._open_hurried -= 1
            # What has settled must not stay until the time that it might have taken.
            if len(self._hurried) > 2 * self._open_hurried + 16:
                self._hurried = [item for item in self._hurried if item[2].outcome is None]
                heapq.heapify(self._hurried)
        self._changed(ticket)

    def settle_all(self, outcome: Outcome, error: Exception) -> None:
        """Settle every one that is open."""
        for ticket in [*self._usual, *(item[2] for item in self._hurried)]:
            self.settle(ticket, outcome, error)

    def next_deadline(self) -> float | None:
        """Return when the next one must settle."""
        while self._hurried and self._hurried[0][2].outcome is not None:
            heapq.heappop(self._hurried)
        usual = next((ticket.deadline for ticket in self._usual), None)
        if not self._hurried:
            return usual
        return self._hurried[0][0] if usual is None else min(usual, self._hurried[0][0])

    def settle_late(self, now: float, *, reading: bool = True) -> Iterator[Ticket]:
        """Settle those whose time is up, and yield each: nobody waits for ever. `reading` is whether an
        answer would have been read.
        """
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            ticket = next(iter(self._usual), None)
            if ticket is None or ticket.deadline != deadline:
                ticket = self._hurried[0][2]
            if ticket.deferred:
                error: Exception = OutboxFull(
                    f"{ticket.what}: there was no room or no connection for it in time, and it was not sent"
                )
                self.settle(ticket, Outcome.ABANDONED, error)
            else:
                advice = _ADVICE.get(ticket.late, "") if reading else _UNREAD
                error = ticket.late(
                    f"{ticket.what}: no answer in time; whether the server has it is unknown{advice}"
                )
                self.settle(ticket, Outcome.UNKNOWN, error)
            yield ticket
