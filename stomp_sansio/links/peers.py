"""What a server says upward and hears from above: peers, whatever streams, requests or sessions carry them.

What lives here is names and events; it must not know any transport.
"""

from __future__ import annotations

from typing import NewType, TypeAlias

from ..records import field, hot_record, record
from ..redaction import redacted
from .link import LinkClosed

__all__ = ["PeerClosed", "PeerData", "PeerEvent", "PeerId", "PeerOpened", "StreamRefused"]

PeerId = NewType("PeerId", int)
"""The name of one client, chosen by the server, never used twice."""


@record
class PeerOpened:
    """A client is there: octets flow both ways. Comes once for a peer, first."""

    peer: PeerId
    transport: str
    """How: "tcp", "websocket", "xhr-streaming" or "xhr-polling"."""
    address: str
    """Where its first stream came from, for people: as the driver told."""
    listener: int
    """The index of the listening socket."""
    subprotocol: str | None = None
    """The WebSocket subprotocol that was agreed on, if any."""
    target: str | None = field(default=None, hidden=True)
    """Path and query of its first HTTP request; None for plain STOMP. The query may hold a token."""
    headers: tuple[tuple[str, str], ...] = field(default=(), hidden=True)
    """The fields of that request, names in lower case: Cookie and Authorization among them."""

    def shown_headers(self) -> tuple[tuple[str, str], ...]:
        """Return the header fields as they may be shown: without credentials."""
        return tuple((name, redacted(name, value)) for name, value in self.headers)


@hot_record
class PeerData:
    """Octets of the STOMP stream of a peer, in order. Where one ends and the next begins means nothing to
    STOMP."""

    peer: PeerId
    data: bytes


@record
class PeerClosed:
    """A client is gone. Comes last and exactly once for each peer that was opened."""

    peer: PeerId
    how: LinkClosed


@record
class StreamRefused:
    """A stream, or a request on one, that became no peer: for logs."""

    address: str
    listener: int
    reason: str
    """A sentence for people. Never a credential."""
    status: int | None = None
    """The HTTP status that was answered, if it came to that."""


PeerEvent: TypeAlias = PeerOpened | PeerData | PeerClosed | StreamRefused
