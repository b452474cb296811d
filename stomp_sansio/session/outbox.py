"""Messages whose confirmation is awaited, in the order in which they were sent: what a new connection sends
again.

This file must not know connections, nor when anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..protocol.headers import HeaderPairs
from .tickets import Ticket

__all__ = ["Entry", "Outbox"]


class Entry:
    """One message and its ticket."""

    __slots__ = ("body", "content_length", "destination", "epoch", "headers", "receipt", "strikes", "ticket")

    def __init__(
        self,
        ticket: Ticket,
        receipt: str,
        destination: str,
        body: bytes,
        headers: HeaderPairs,
        *,
        content_length: bool,
    ) -> None:
        self.ticket = ticket
        self.receipt = receipt
        self.destination = destination
        self.body = body
        self.headers = headers
        self.content_length = content_length
        self.epoch = 0
        """The last connection it was written to; 0 for none."""
        self.strikes = 0
        """How many connections ended with an ERROR right after it."""

    @property
    def size(self) -> int:
        """Octets of the body, and a guess for the rest."""
        return len(self.body) + 256


class Outbox:
    """A bounded queue of entries, by receipt id."""

    __slots__ = ("_entries", "_max_messages", "_max_octets", "_octets")

    def __init__(self, max_messages: int, max_octets: int) -> None:
        self._entries: dict[str, Entry] = {}
        self._max_messages = max_messages
        self._max_octets = max_octets
        self._octets = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def has_room(self, entry: Entry) -> bool:
        """Tell whether an entry fits; the first one always does, whatever its size."""
        if not self._entries:
            return True
        return len(self._entries) < self._max_messages and self._octets + entry.size <= self._max_octets

    def add(self, entry: Entry) -> None:
        """Put an entry at the end."""
        self._entries[entry.receipt] = entry
        self._octets += entry.size

    def get(self, receipt: str) -> Entry | None:
        """Return the entry whose confirmation has this id."""
        return self._entries.get(receipt)

    def remove(self, receipt: str) -> Entry | None:
        """Remove and return an entry, if it is there."""
        entry = self._entries.pop(receipt, None)
        if entry is not None:
            self._octets -= entry.size
        return entry
