"""What every link says upward and hears from above: octets of a STOMP stream, carried by something.

A link is a `Machine` whose events are these three, with two commands more. This file must not know STOMP
frames, nor any particular transport.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol, TypeAlias

from ..errors import RemoteProtocolError
from ..machine import Machine, StreamId, StreamLoss
from ..records import hot_record, record

__all__ = ["WAITS", "Link", "LinkClosed", "LinkData", "LinkEvent", "LinkOpened", "Phase"]


class Phase(Enum):
    """How far a link had come: what an error message names."""

    DNS = "dns"
    TCP = "tcp"
    PROXY = "proxy"
    TLS = "tls"
    INFO = "info"
    UPGRADE = "upgrade"
    OPEN = "open"
    """The link had opened: STOMP could flow."""
    CONNECT = "connect"
    """The link is open, and CONNECT awaits its answer: what a link itself never says."""


WAITS: Mapping[Phase, str] = {
    Phase.DNS: "the host name was not resolved: check its spelling, and the network",
    Phase.TCP: "nobody answered there, or the host name was not resolved: check host, port and firewalls",
    Phase.PROXY: "the proxy did not answer: check its URL, and whether it can reach the server",
    Phase.TLS: "the TLS hand-shake was not answered: check that this port speaks TLS",
    Phase.INFO: "the service did not answer /info: check the URL",
    Phase.UPGRADE: "the server did not answer the request for a WebSocket or a SockJS session: check the URL",
    Phase.OPEN: "the server says nothing",
    Phase.CONNECT: "the server did not answer CONNECT",
}
"""What it means when nothing happens any more, for people."""


@record
class LinkOpened:
    """The link carries octets now. Comes once, before any `LinkData`."""

    transport: str
    """How: "tcp", "websocket", "xhr-streaming" or "xhr-polling"."""
    subprotocol: str | None = None
    """The WebSocket subprotocol that the server chose, if any."""


@hot_record
class LinkData:
    """Octets of the STOMP stream, in order. Where one ends and the next begins means nothing to STOMP."""

    data: bytes


@record
class LinkClosed:
    """The link is over and its streams are gone. Comes last and exactly once."""

    clean: bool
    """Whether the transport's own closing hand-shake was done.

    Plain TCP has none: its end of file counts as clean.
    """
    phase: Phase
    """How far it had come."""
    reason: str
    """A sentence for people: what happened and, where that is known, what to do. Never a credential."""
    loss: StreamLoss | None = None
    """Why the stream was lost, if that is what ended the link."""
    code: int | None = None
    """The WebSocket or SockJS close code, if there was one."""
    status: int | None = None
    """The HTTP status that refused the link, if one did."""
    error: RemoteProtocolError | None = None
    """The rule that the peer broke, if one was broken (its fault is a `LinkFault`)."""


LinkEvent: TypeAlias = LinkOpened | LinkData | LinkClosed


class Link(Machine[LinkEvent], Protocol):
    """A way to carry a STOMP byte stream. A new object for each attempt; nothing is ever reset."""

    def start(self, now: float) -> None:
        """Begin to open the link (client side). The wishes follow in `next_action`."""
        ...

    def send(self, chunk: bytes, now: float) -> None:
        """Queue octets of the STOMP stream, after `LinkOpened` and before `LinkClosed`.

        A chunk boundary means nothing to STOMP.

        Raises:
            LocalProtocolError: the link is not open, or cannot carry these octets (see `carries`). Nothing
            was queued.
        """
        ...

    def carries(self, chunk: bytes) -> bool:
        """Tell whether this kind of link can carry these octets: SockJS carries UTF-8 text only.

        Changes nothing.
        """
        ...

    @property
    def phase(self) -> Phase:
        """How far the link has come. Changes nothing."""
        ...

    @property
    def unsent(self) -> int:
        """How many octets are queued and not yet handed to the driver: a sender waits while it is large."""
        ...

    @property
    def passage(self) -> StreamId | None:
        """The stream on which the octets of STOMP go as they are, while that is so; else None.

        Whoever has the link may then read and write on that stream itself, instead of taking `LinkData` and
        calling `send`. What is sent all the same goes behind it, and is the last: `close` follows.
        """
        ...

    def pause_reading(self, now: float) -> None:
        """Ask for no more data for now: back-pressure, passed on to the peer through `wants_read`.

        What is on its way may still come as `LinkData`. Silence is not counted until `resume_reading`.
        Harmless when paused or closed.
        """
        ...

    def resume_reading(self, now: float) -> None:
        """Ask for data again. Harmless when not paused."""
        ...

    def close(self, now: float) -> None:
        """Close in order: what was queued goes first, then the transport's good-bye, with a deadline.

        `LinkClosed` follows when the streams are gone. Harmless when closed.
        """
        ...

    def abort(self, now: float) -> None:
        """End at once, writing nothing more: for a peer that is known to be gone.

        `LinkClosed` follows all the same.
        """
        ...
