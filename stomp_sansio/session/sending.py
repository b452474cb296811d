"""What was said and is not settled: the outbox, what waits for room in it, and every ticket with its
deadline.

This file must not know links or streams, nor why a connection comes or goes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..errors import LocalProtocolError
from ..protocol.encoder import encode
from ..protocol.events import Error
from ..protocol.frames import Frame
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.versions import Version
from .epoch import Epoch
from .errors import BrokerError, ConnectionClosedError, NotConnected, OutboxFull, ReceiptTimeout
from .options import SessionOptions
from .outbox import Entry, Outbox
from .tickets import Outcome, Ticket

__all__ = ["Sending"]


class Sending:
    """The messages of one session on their way out."""

    __slots__ = (
        "_changed",
        "_deferred",
        "_hurried",
        "_options",
        "_receipts",
        "_unwritten",
        "_waiting",
        "careful",
        "outbox",
    )

    def __init__(self, options: SessionOptions, changed: Callable[[Ticket], None]) -> None:
        """`changed` is told every ticket that settles."""
        self._options = options
        self._changed = changed
        self.outbox = Outbox(options.max_outbox_messages, options.max_outbox_octets)
        self.careful = False
        """Whether one message is sent at a time, to find out which one the server answers with ERROR."""
        # Entries of the outbox that this connection has not been given, in order.
        self._unwritten: deque[Entry] = deque()
        # What waits behind everything else, in order. A message without a receipt id asked for no
        # confirmation.
        self._deferred: deque[tuple[Entry, bool]] = deque()
        # Receipts of frames that are not messages.
        self._receipts: dict[str, Ticket] = {}
        # Open tickets by when they were made; they all have the same time, so the first one is due first.
        self._waiting: dict[Ticket, None] = {}
        # Open tickets with a time of their own.
        self._hurried: dict[Ticket, None] = {}

    # Asking

    def send(
        self,
        epoch: Epoch | None,
        receipt: str | None,
        destination: str,
        body: bytes,
        headers: HeaderPairs,
        now: float,
        *,
        content_length: bool,
        wait: bool,
    ) -> Ticket | None:
        """Send a message, now or when there is room; return its ticket, or None when it was written and
        nothing more will be heard of it.

        Raises:
            LocalProtocolError: the message cannot be represented.
            NotConnected: there is no connection, and neither a confirmation nor waiting is wanted.
        """
        if (
            receipt is None
            and epoch is not None
            and not self._unwritten
            and not self._deferred
            and epoch.backlog < self._options.max_backlog
        ):
            epoch.connection.send(destination, body, headers=headers, content_length=content_length)
            return None
        if epoch is None:
            if receipt is None and not wait:
                raise NotConnected(
                    f"SEND to {destination!r}: no connection now: ask for a receipt, or pass wait=True"
                )
            # No version is agreed, so whether it can be said is judged by the most able one.
            encode(
                Frame("SEND", Headers([("destination", destination), *Headers(headers).pairs]), body),
                Version.V1_2,
            )
        ticket = self.wait_for(f"SEND to {destination!r}", now, receipt)
        entry = Entry(ticket, receipt or "", destination, body, headers, content_length=content_length)
        if self._deferred or receipt is None or not self.outbox.has_room(entry):
            ticket.deferred = True
            self._deferred.append((entry, wait))
        else:
            self.outbox.add(entry)
            if epoch is not None and not self._unwritten and self._may_write(epoch):
                try:
                    self._write(entry, epoch)
                except LocalProtocolError:
                    self.outbox.remove(entry.receipt)
                    del self._waiting[ticket]
                    raise
            else:
                self._unwritten.append(entry)
        return ticket

    def wait_for(
        self,
        what: str,
        now: float,
        receipt: str | None = None,
        *,
        timeout: float | None = None,
        late: type[Exception] = ReceiptTimeout,
    ) -> Ticket:
        """Return a new ticket that settles within `timeout` seconds, or else the receipt timeout."""
        seconds = self._options.receipt_timeout if timeout is None else timeout
        ticket = Ticket(what, now + seconds, receipt=receipt, late=late)
        (self._waiting if timeout is None else self._hurried)[ticket] = None
        return ticket

    def confirm_by_receipt(self, ticket: Ticket) -> Ticket:
        """Settle a ticket that is not a message's when its receipt comes; return it."""
        if ticket.receipt is not None:
            self._receipts[ticket.receipt] = ticket
        return ticket

    def settle(self, ticket: Ticket, outcome: Outcome, error: Exception | None = None) -> None:
        """Settle a ticket and tell of it."""
        self._waiting.pop(ticket, None)
        self._hurried.pop(ticket, None)
        if ticket.settle(outcome, error):
            self._changed(ticket)

    # Going on

    @property
    def awaits(self) -> bool:
        """Whether an answer of the server is awaited."""
        return bool(self._waiting or self._hurried)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be sent or confirmed."""
        return not (self.outbox or self._deferred or self._receipts)

    def new_connection(self) -> None:
        """Begin again with everything that is not confirmed, in order."""
        self._unwritten = deque(self.outbox)

    def go_on(self, epoch: Epoch) -> None:
        """Write what can be written now."""
        while self._unwritten and self._may_write(epoch):
            entry = self._unwritten.popleft()
            if entry.ticket.outcome is not None:
                continue
            try:
                self._write(entry, epoch)
            except LocalProtocolError as error:
                # What the last server's version could say, this one's cannot.
                self.outbox.remove(entry.receipt)
                self.settle(entry.ticket, Outcome.REJECTED, error)

    def make_room(self, epoch: Epoch | None) -> None:
        """Take what waits for room, as far as there is some, in order."""
        while self._deferred:
            entry, _ = self._deferred[0]
            if entry.ticket.outcome is not None:
                self._deferred.popleft()
            elif entry.receipt:
                if not self.outbox.has_room(entry):
                    return
                self._deferred.popleft()
                entry.ticket.deferred = False
                self.outbox.add(entry)
                self._unwritten.append(entry)
                if epoch is not None:
                    self.go_on(epoch)
            else:
                if epoch is None or self._unwritten or epoch.backlog >= self._options.max_backlog:
                    return
                self._deferred.popleft()
                try:
                    epoch.connection.send(
                        entry.destination,
                        entry.body,
                        headers=entry.headers,
                        content_length=entry.content_length,
                    )
                    self.settle(entry.ticket, Outcome.SENT)
                except LocalProtocolError as error:
                    self.settle(entry.ticket, Outcome.REJECTED, error)

    def _may_write(self, epoch: Epoch) -> bool:
        if self.careful and any(entry.epoch == epoch.number for entry in self.outbox):
            return False
        return epoch.backlog < self._options.max_backlog

    def _write(self, entry: Entry, epoch: Epoch) -> None:
        epoch.connection.send(
            entry.destination,
            entry.body,
            receipt=entry.receipt,
            headers=entry.headers,
            content_length=entry.content_length,
        )
        entry.epoch = epoch.number

    # Hearing

    def confirmed(self, receipt: str) -> None:
        """Settle what a RECEIPT confirms. One for something that is settled or unknown changes nothing."""
        entry = self.outbox.remove(receipt)
        ticket = self._receipts.pop(receipt, None) if entry is None else entry.ticket
        if ticket is not None:
            self.settle(ticket, Outcome.CONFIRMED)

    def rejected(self, error: Error, why: BrokerError) -> bool:
        """Settle what an ERROR names; return whether it names anything of ours."""
        if error.receipt_id is None:
            return False
        entry = self.outbox.remove(error.receipt_id)
        ticket = self._receipts.pop(error.receipt_id, None) if entry is None else entry.ticket
        if ticket is None:
            return False
        self.settle(ticket, Outcome.REJECTED, why)
        return True

    def suspects(self, epoch: Epoch) -> list[Entry]:
        """Return the messages given to this connection that it has not confirmed."""
        return [entry for entry in self.outbox if entry.epoch == epoch.number]

    def condemn(self, entry: Entry, why: Exception) -> None:
        """Give a message up that ended connections: it is not tried again."""
        self.outbox.remove(entry.receipt)
        self.settle(entry.ticket, Outcome.UNKNOWN, why)

    def connection_lost(self, why: Exception) -> None:
        """Settle what only the lost connection could have answered; the outbox is for the next one."""
        self._unwritten.clear()
        for ticket in self._receipts.values():
            error = ConnectionClosedError(
                f"{ticket.what}: the connection was lost before the server confirmed it"
            )
            error.__cause__ = why
            self.settle(ticket, Outcome.UNKNOWN, error)
        self._receipts.clear()
        kept: deque[tuple[Entry, bool]] = deque()
        for entry, wait in self._deferred:
            if entry.receipt or wait:
                kept.append((entry, wait))
            else:
                unsent = NotConnected(f"{entry.ticket.what}: the connection was lost before it was sent")
                self.settle(entry.ticket, Outcome.ABANDONED, unsent)
        self._deferred = kept

    def give_up_unsent(self, why: Exception) -> None:
        """Settle what was not given to this connection: it will not be."""
        for entry in self._unwritten:
            self.outbox.remove(entry.receipt)
            self.settle(entry.ticket, Outcome.ABANDONED, why)
        self._unwritten.clear()
        for entry, _ in self._deferred:
            self.settle(entry.ticket, Outcome.ABANDONED, why)
        self._deferred.clear()

    def session_over(self, why: Exception) -> None:
        """Settle everything: nothing will be sent any more."""
        for entry in list(self.outbox):
            self.outbox.remove(entry.receipt)
            self.settle(entry.ticket, Outcome.UNKNOWN if entry.epoch else Outcome.ABANDONED, why)
        self._unwritten.clear()
        self._receipts.clear()
        for entry, _ in self._deferred:
            self.settle(entry.ticket, Outcome.ABANDONED, why)
        self._deferred.clear()
        for ticket in [*self._waiting, *self._hurried]:
            self.settle(ticket, Outcome.UNKNOWN, why)

    # Time

    def next_deadline(self) -> float | None:
        """Return when the next open ticket is due."""
        oldest = next((ticket.deadline for ticket in self._waiting), None)
        if not self._hurried:
            return oldest
        instants = [ticket.deadline for ticket in self._hurried]
        return min(instant for instant in (*instants, oldest) if instant is not None)

    def handle_timeout(self, now: float) -> None:
        """Settle what has waited for long enough: nobody waits for ever."""
        while self._waiting and self._expired(next(iter(self._waiting)), now):
            pass
        for ticket in list(self._hurried):
            self._expired(ticket, now)

    def _expired(self, ticket: Ticket, now: float) -> bool:
        if ticket.deadline is None or ticket.deadline > now:
            return False
        if ticket.receipt is not None:
            self.outbox.remove(ticket.receipt)
            self._receipts.pop(ticket.receipt, None)
        if ticket.deferred:
            error: Exception = OutboxFull(
                f"{ticket.what}: there was no room for it in time, and it was not sent"
            )
            self.settle(ticket, Outcome.ABANDONED, error)
        else:
            error = ticket.late(f"{ticket.what}: no answer in time; whether the server has it is unknown")
            self.settle(ticket, Outcome.UNKNOWN, error)
        return True
