"""Messages on their way out, in the order in which they were sent: the outbox, and what waits in front of it.

This file must not know connections, nor when anything is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from ..protocol.headers import HeaderPairs
from .tickets import Ticket

__all__ = ["Entry", "Outbox", "WaitingRoom", "size_of"]


class Entry:
    """One message and its ticket."""

    __slots__ = (
        "body",
        "content_length",
        "destination",
        "epoch",
        "headers",
        "receipt",
        "size",
        "stays",
        "strikes",
        "ticket",
    )

    def __init__(
        self,
        ticket: Ticket,
        destination: str,
        body: bytes,
        headers: HeaderPairs,
        *,
        content_length: bool,
        stays: bool,
    ) -> None:
        self.ticket = ticket
        self.destination = destination
        self.body = body
        self.headers = headers
        self.content_length = content_length
        self.stays = stays
        """Whether it waits for the next connection when this one is lost."""
        self.receipt = ticket.receipt
        """The id of the receipt that confirms it, if it asks for one."""
        self.size = size_of(body)
        """Octets that it counts for."""
        self.epoch = 0
        """The last connection it was written to; 0 for none."""
        self.strikes = 0
        """How many connections ended with an ERROR right after it."""


def size_of(body: bytes) -> int:
    """Return how many octets a message with this body counts for: the body, and a guess for the rest."""
    return len(body) + 256


class Outbox:
    """A bounded queue of messages that ask for a receipt: first those that were written on this connection
    and are not confirmed, then those that it has not been given.
    """

    __slots__ = ("_max_messages", "_max_octets", "_max_written", "_octets", "_written", "unwritten")

    def __init__(self, max_messages: int, max_octets: int, max_written: int) -> None:
        # By receipt, and in order: what is written is always the oldest of the unwritten.
        self._written: dict[str | None, Entry] = {}
        self.unwritten: dict[str | None, Entry] = {}
        """Those that this connection has not been given, by receipt and in order."""
        self._max_messages = max_messages
        self._max_octets = max_octets
        self._max_written = max_written
        self._octets = 0

    def __len__(self) -> int:
        return len(self._written) + len(self.unwritten)

    @property
    def may_write(self) -> bool:
        """Whether one more may be written before one of those that were is confirmed."""
        return len(self._written) < self._max_written

    @property
    def written(self) -> Collection[Entry]:
        """Those that were written on this connection, in order."""
        return self._written.values()

    def has_room(self, size: int) -> bool:
        """Tell whether a message of this size fits; the first one always does, whatever its size."""
        count = len(self._written) + len(self.unwritten)
        return not count or (count < self._max_messages and self._octets + size <= self._max_octets)

    def add(self, entry: Entry) -> None:
        """Put a message at the end."""
        self.unwritten[entry.receipt] = entry
        self._octets += entry.size

    def wrote(self, entry: Entry, epoch: int) -> None:
        """Note that the first of the unwritten was written on a connection."""
        self._written[entry.receipt] = self.unwritten.pop(entry.receipt)
        entry.epoch = epoch

    def add_written(self, entry: Entry, epoch: int) -> None:
        """Put a message at the end that was written on a connection already: nothing is unwritten."""
        self._written[entry.receipt] = entry
        self._octets += entry.size
        entry.epoch = epoch

    def remove(self, receipt: str) -> Entry | None:
        """Remove and return a message, if it is there."""
        entry = self._written.pop(receipt, None) or self.unwritten.pop(receipt, None)
        if entry is not None:
            self._octets -= entry.size
        return entry

    def begin_again(self) -> None:
        """Count all of them as unwritten, in the order in which they were sent: the connection is gone."""
        self.unwritten = {**self._written, **self.unwritten}
        self._written = {}


class WaitingRoom:
    """A bounded queue of messages that wait behind everything else, in order: for room, or a connection."""

    __slots__ = ("_max_messages", "_max_octets", "_octets", "entries")

    def __init__(self, max_messages: int, max_octets: int) -> None:
        self.entries: deque[Entry] = deque()
        """Those that wait, in order, and some whose tickets have settled."""
        self._max_messages = max_messages
        self._max_octets = max_octets
        self._octets = 0

    def __len__(self) -> int:
        return len(self.entries)

    def has_room(self, size: int) -> bool:
        """Tell whether a message of this size fits; the first one always does, whatever its size."""
        count = len(self.entries)
        return not count or (count < self._max_messages and self._octets + size <= self._max_octets)

    def add(self, entry: Entry) -> None:
        """Put a message at the end."""
        entry.ticket.deferred = True
        self.entries.append(entry)
        self._octets += entry.size

    def first(self) -> Entry | None:
        """Return the one that waits longest, or None. Those whose tickets have settled are forgotten."""
        while self.entries and self.entries[0].ticket.outcome is not None:
            self.let_in()
        return self.entries[0] if self.entries else None

    def let_in(self) -> Entry:
        """Remove and return the first one."""
        entry = self.entries.popleft()
        entry.ticket.deferred = False
        self._octets -= entry.size
        return entry

    def leave(self) -> list[Entry]:
        """Remove and return, in order, those that do not stay for the next connection."""
        leaving = [entry for entry in self.entries if not entry.stays]
        self.entries = deque(entry for entry in self.entries if entry.stays)
        self._octets = sum(entry.size for entry in self.entries)
        return leaving

    def leave_all(self) -> list[Entry]:
        """Remove and return all of them, in order."""
        leaving = list(self.entries)
        self.entries.clear()
        self._octets = 0
        return leaving
