"""A stream of a server that a link stands on, and the peer that it is.

What lives here turns what a link says into what a server says; it must not know how the stream was told from
others.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..machine import StreamAction, StreamId, StreamLoss
from .link import LinkData, LinkOpened
from .octet_queue import OctetQueue
from .peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened, StreamRefused
from .stream_link import StreamLink
from .websocket_layer import WebSocketLayer

__all__ = ["Standing"]


class Standing:
    """One link in a server. It stays until the stream is gone."""

    __slots__ = ("_address", "_before", "_ids", "_listener", "_stream", "_web", "link", "peer")

    link: StreamLink
    peer: PeerId | None
    """Who it is; None before the link has opened, and when it has closed."""

    def __init__(
        self,
        stream: StreamId,
        link: StreamLink,
        octets: bytes,
        *,
        address: str,
        listener: int,
        ids: Iterator[PeerId],
        now: float,
        web: WebSocketLayer | None = None,
        before: OctetQueue | None = None,
    ) -> None:
        """Let a link stand on its stream, of which `octets` have come already.

        `web` is the WebSocket among its layers, if there is one; `before` has to be written before the link's
        octets. `ids` names who comes.
        """
        self._stream = stream
        self._address = address
        self._listener = listener
        self._ids = ids
        self._web = web
        self._before = before
        self.peer = None
        self.link = link
        link.receive_data(stream, octets, now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Pass octets on."""
        self.link.receive_data(self._stream, data, now)

    def receive_eof(self, now: float) -> None:
        """Pass the end on."""
        self.link.receive_eof(self._stream, now)

    def lost(self, why: StreamLoss, now: float, detail: str) -> None:
        """Pass the loss on."""
        self.link.stream_lost(self._stream, why, now, detail)

    def handle_timeout(self, now: float) -> None:
        """Pass the time on."""
        self.link.handle_timeout(now)

    def go_on(self, now: float) -> None:
        """Do nothing: nobody else moves this stream."""

    def shut_down(self, now: float) -> None:
        """Close the link in order."""
        self.link.close(now)

    def next_action(self) -> StreamAction | None:
        """Return the next wish about the stream, or None."""
        return self.link.next_action()

    def next_event(self) -> PeerEvent | None:
        """Return what the link has to say, or None."""
        event = self.link.next_event()
        if event is None:
            return None
        if isinstance(event, LinkOpened):
            return self._opened(event)
        peer = self.peer
        if isinstance(event, LinkData):
            assert peer is not None, "a link opens before it has data"
            return PeerData(peer, event.data)
        if peer is None:
            return StreamRefused(self._address, self._listener, event.reason, event.status)
        self.peer = None
        return PeerClosed(peer, event)

    @property
    def successor(self) -> None:
        """None: a link is the last to hold a stream."""
        return None

    @property
    def wants_read(self) -> bool:
        """Whether the link wants the stream to be read."""
        return self.link.wants_read(self._stream)

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return self.link.unsent + (0 if self._before is None else len(self._before))

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        octets = b"" if self._before is None else self._before.take(max_bytes)
        return octets or self.link.data_to_send(self._stream, now, max_bytes)

    @property
    def waits_for_writer(self) -> bool:
        """Return False: nothing here waits for that."""
        return False

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self.link.next_deadline()

    def _opened(self, event: LinkOpened) -> PeerOpened:
        self.peer = next(self._ids)
        request = None if self._web is None else self._web.request
        return PeerOpened(
            self.peer,
            event.transport,
            self._address,
            self._listener,
            event.subprotocol,
            None if request is None else request.target,
            () if request is None else request.headers,
        )
