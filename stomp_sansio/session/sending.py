"""What was said and is not settled: which message may be written when, and what becomes of its ticket.

This file must not know links or streams, nor why a connection comes or goes.
"""

from __future__ import annotations

from ..errors import LocalProtocolError
from ..protocol.events import Error
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.versions import ALL_VERSIONS, Version
from .epoch import Epoch
from .errors import BrokerError, ConnectionClosedError, NotConnected, OutboxFull
from .options import SessionOptions
from .outbox import Entry, Outbox, WaitingRoom, size_of
from .saying import check_send
from .tickets import OpenTickets, Outcome, Ticket

__all__ = ["Sending"]


class Sending:
    """The messages of one session on their way out, and every receipt that is awaited."""

    __slots__ = (
        "_blocked",
        "_max_backlog",
        "_most_able",
        "_outbox",
        "_receipts",
        "_suspect",
        "_tickets",
        "_waiting",
        "held",
    )

    def __init__(self, options: SessionOptions, tickets: OpenTickets) -> None:
        size = options.max_outbox_messages, options.max_outbox_octets
        self._outbox = Outbox(*size, options.max_unconfirmed)
        # What waits behind everything else. A message without a receipt asked for no confirmation.
        self._waiting = WaitingRoom(*size)
        self._tickets = tickets
        # Receipts of frames that are not messages.
        self._receipts: dict[str, Ticket] = {}
        # Those who wait until the peer reads again.
        self._blocked: list[Ticket] = []
        # A message that is out alone, to find out whether the server answers it with ERROR.
        self._suspect: Entry | None = None
        self.held = False
        """Whether nothing is written for now: subscriptions go first."""
        self._max_backlog = options.max_backlog
        self._most_able = [version for version in ALL_VERSIONS if version in options.versions][-1]

    # Asking

    def send(
        self,
        epoch: Epoch | None,
        destination: str,
        body: bytes,
        headers: HeaderPairs,
        now: float,
        *,
        receipt: str | None,
        content_length: bool,
        wait: bool,
        clear: bool = False,
    ) -> Ticket | None:
        """Send a message, now or when there is room; return its ticket, or None when it was written and
        nothing more will be heard of it. `clear`: there is a connection, and nothing in the way.

        Raises:
            LocalProtocolError: the message cannot be represented.
            NotConnected: there is no connection, and neither a confirmation nor waiting is wanted.
            OutboxFull: there is no room, and no room to wait for it either.
        """
        at_once = clear or (epoch is not None and self._may_write(epoch) and not self._in_line)
        if receipt is None and at_once:
            assert epoch is not None, "only then at once"
            epoch.connection.send(destination, body, headers=headers, content_length=content_length)
            return None
        if receipt is None and epoch is None and not wait:
            raise NotConnected(
                f"SEND to {destination!r}: no connection now: ask for a receipt, or pass wait=True"
            )
        # They may be written again: what can be gone through once alone is kept as a whole.
        headers, size = Headers(headers) if headers else (), size_of(body)
        direct = receipt is not None and not self._waiting.entries and self._outbox.has_room(size)
        at_once = at_once and direct and self._outbox.may_write
        if at_once:
            assert epoch is not None, "only then at once"
            epoch.connection.send(
                destination, body, receipt=receipt, headers=headers, content_length=content_length
            )
        else:
            check_send(self.version_for(epoch), destination, body, headers, content_length=content_length)
            if not direct and not self._waiting.has_room(size):
                raise OutboxFull(f"SEND to {destination!r}: too many messages wait for room already")
        ticket = self._tickets.new(f"SEND to {destination!r}", now, receipt)
        entry = Entry(
            ticket,
            destination,
            body,
            headers,
            content_length=content_length,
            stays=receipt is not None or wait,
        )
        if at_once:
            assert epoch is not None, "only then at once"
            self._outbox.add_written(entry, epoch.number)
        elif direct:
            self._outbox.add(entry)
        else:
            self._waiting.add(entry)
        return ticket

    def version_for(self, epoch: Epoch | None) -> Version:
        """Return the version to judge by what can be said: the connection's, or the most able one."""
        version = None if epoch is None else epoch.connection.version
        return self._most_able if version is None else version

    def await_receipt(self, what: str, receipt: str, now: float) -> Ticket:
        """Return a ticket for a frame that is not a message and was written with this receipt id."""
        ticket = self._receipts[receipt] = self._tickets.new(what, now, receipt)
        return ticket

    def await_room(self, what: str, epoch: Epoch, now: float) -> Ticket | None:
        """Return a ticket that settles when the peer reads again; None when it does."""
        if epoch.backlog < self._max_backlog:
            return None
        ticket = self._tickets.new(what, now)
        self._blocked.append(ticket)
        return ticket

    # Going on

    @property
    def _in_line(self) -> bool:
        return bool(self._outbox.unwritten or self._waiting.entries)

    @property
    def waits(self) -> bool:
        """Whether `go_on` has something to look at."""
        return bool(self._outbox.unwritten or self._waiting.entries or self._blocked)

    @property
    def clear(self) -> bool:
        """Whether nothing stands before a message, and nothing waits: then only room may be missing."""
        return not (self.held or self._suspect or self.waits)

    def room(self, epoch: Epoch) -> int:
        """Return how many octets may be written before `send` waits."""
        return self._max_backlog - epoch.backlog

    @property
    def suspected(self) -> bool:
        """Whether a message that may have ended a connection waits to be sent again."""
        return any(entry.strikes for entry in self._outbox.unwritten.values())

    def _may_write(self, epoch: Epoch) -> bool:
        """Tell whether a message that is under no suspicion may be written, if none is before it."""
        if self.held or epoch.backlog >= self._max_backlog:
            return False
        if self._suspect is not None:
            if self._suspect.ticket.outcome is None:
                return False
            self._suspect = None
        return True

    def go_on(self, epoch: Epoch | None) -> None:
        """Write what can be written now, in order, and let in what waits for room."""
        if self._in_line:
            self._write_outbox(epoch)
            while (entry := self._waiting.first()) is not None and self._let_in(entry, epoch):
                self._write_outbox(epoch)
        if self._blocked and epoch is not None and epoch.backlog < self._max_backlog:
            blocked, self._blocked = self._blocked, []
            for ticket in blocked:
                self._tickets.settle(ticket, Outcome.SENT)

    def _write_outbox(self, epoch: Epoch | None) -> None:
        outbox = self._outbox
        while epoch is not None and outbox.unwritten and outbox.may_write and self._may_write(epoch):
            entry = next(iter(self._outbox.unwritten.values()))
            if entry.strikes:
                # What may have ended a connection goes alone, so that the next ERROR says which it was.
                # Suspects are the oldest: nothing is out when their turn comes.
                self._suspect = entry
            if self._write(entry, epoch):
                self._outbox.wrote(entry, epoch.number)
            else:
                self._outbox.remove(entry.receipt or "")

    def _let_in(self, entry: Entry, epoch: Epoch | None) -> bool:
        """Let the first of those who wait go on, if it can; return whether it could."""
        if entry.receipt is not None:
            if not self._outbox.has_room(entry.size):
                return False
            self._outbox.add(self._waiting.let_in())
            return True
        if epoch is None or self._outbox.unwritten or not self._may_write(epoch):
            return False
        if self._write(self._waiting.let_in(), epoch):
            self._tickets.settle(entry.ticket, Outcome.SENT)
        return True

    def _write(self, entry: Entry, epoch: Epoch) -> bool:
        """Write a message; return whether this connection's version could say it."""
        try:
            epoch.connection.send(
                entry.destination,
                entry.body,
                receipt=entry.receipt,
                headers=entry.headers,
                content_length=entry.content_length,
            )
        except LocalProtocolError as error:
            self._tickets.settle(entry.ticket, Outcome.REJECTED, error)
            return False
        return True

    # Hearing

    def confirmed(self, receipt: str) -> bool:
        """Settle what a RECEIPT confirms; return whether it is something of ours that had not settled."""
        ticket = self._forget(receipt)
        if ticket is None:
            return False
        self._tickets.settle(ticket, Outcome.CONFIRMED)
        return True

    def rejected(self, error: Error, why: BrokerError) -> bool:
        """Settle what an ERROR names; return whether it is something of ours that had not settled."""
        ticket = self._forget(error.receipt_id or "")
        if ticket is None:
            return False
        self._tickets.settle(ticket, Outcome.REJECTED, why)
        return True

    def _forget(self, receipt: str) -> Ticket | None:
        entry = self._outbox.remove(receipt)
        return self._receipts.pop(receipt, None) if entry is None else entry.ticket

    def suspects(self) -> list[Entry]:
        """Return the messages that were written on this connection and are not confirmed."""
        return list(self._outbox.written)

    def condemn(self, entry: Entry, why: BrokerError) -> None:
        """Give a message up that ended connections: it is not tried again."""
        self._outbox.remove(entry.receipt or "")
        self._tickets.settle(entry.ticket, Outcome.UNKNOWN, why)

    def expired(self, ticket: Ticket) -> None:
        """Forget what a ticket stood for whose time is up."""
        self._forget(ticket.receipt or "")

    def connection_lost(self, why: Exception) -> None:
        """Settle what only the lost connection could have answered; the outbox is for the next one."""
        self._outbox.begin_again()
        self._suspect = None
        for ticket in (*self._receipts.values(), *self._blocked):
            error = ConnectionClosedError(
                f"{ticket.what}: the connection was lost before the server confirmed it"
            )
            error.__cause__ = why
            self._tickets.settle(ticket, Outcome.UNKNOWN, error)
        self._receipts.clear()
        self._blocked.clear()
        for entry in self._waiting.leave():
            unsent = NotConnected(f"{entry.ticket.what}: the connection was lost before it was sent")
            self._tickets.settle(entry.ticket, Outcome.ABANDONED, unsent)

    def give_up_unsent(self, why: Exception) -> None:
        """Settle what was not given to this connection: it will not be given to any."""
        for entry in list(self._outbox.unwritten.values()):
            self._outbox.remove(entry.receipt or "")
            self._tickets.settle(entry.ticket, Outcome.UNKNOWN if entry.epoch else Outcome.ABANDONED, why)
        for entry in self._waiting.leave_all():
            self._tickets.settle(entry.ticket, Outcome.ABANDONED, why)

    def session_over(self, why: Exception) -> None:
        """Settle everything: nothing will be sent any more, and no answer heard."""
        self._outbox.begin_again()
        self.give_up_unsent(why)
        self._receipts.clear()
        self._blocked.clear()
        self._tickets.settle_all(Outcome.UNKNOWN, why)
