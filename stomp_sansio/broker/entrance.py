"""What a broker stands on: what turns accepted streams into peers, and `StreamEntrance`, the simple one.

Here a peer is a link on one stream, made by a function that is handed in. This file must not know STOMP, nor
any particular transport.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from ..errors import LocalProtocolError, Misuse
from ..links.link import Link, LinkClosed, LinkData, LinkOpened
from ..links.peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened, StreamRefused
from ..links.schedule import Schedule
from ..machine import Machine, StreamAction, StreamId, StreamLoss, TLSInfo

__all__ = ["Accept", "Entrance", "StreamEntrance"]


class Entrance(Machine[PeerEvent], Protocol):
    """A machine of streams whose events speak of peers, with commands by peer. `links.server.LinkServer` is
    one.
    """

    def send(self, peer: PeerId, chunk: bytes, now: float) -> None:
        """Queue octets of a peer's STOMP stream.

        Raises:
            LocalProtocolError: the peer is gone or going, or cannot be sent these octets. Nothing was queued.
        """
        ...

    def carries(self, peer: PeerId, chunk: bytes) -> bool:
        """Tell whether a peer can be sent these octets. Changes nothing."""
        ...

    def unsent(self, peer: PeerId) -> int:
        """Return how many octets wait to be handed to the driver."""
        ...

    def pause_reading(self, peer: PeerId, now: float) -> None:
        """Ask for no more data of a peer for now."""
        ...

    def resume_reading(self, peer: PeerId, now: float) -> None:
        """Ask for data of a peer again."""
        ...

    def close(self, peer: PeerId, now: float) -> None:
        """Close a peer in order. `PeerClosed` follows. Harmless when it is gone."""
        ...

    def abort(self, peer: PeerId, now: float) -> None:
        """End a peer at once. `PeerClosed` follows. Harmless when it is gone."""
        ...

    def shut_down(self, now: float) -> None:
        """Close every peer and every stream in order, and accept no more."""
        ...

    def peer_on(self, stream: StreamId) -> PeerId | None:
        """Return the peer that a stream is, if it is one alone. Changes nothing."""
        ...

    def passage(self, peer: PeerId) -> StreamId | None:
        """Return the stream that a peer's octets pass as they are, while that is so, or None. Changes
        nothing.

        They may be read and written there, in place of `PeerData` and `send`. What is sent all the same goes
        behind them, and is the last.
        """
        ...


class Accept(Protocol):
    """Puts a link on a stream that was accepted, as `PlainLink.accepted` and `WebSocketLink.accepted` do."""

    def __call__(self, stream: StreamId, now: float, *, peer: str) -> Link:
        """Return the link; it is open, or on its way."""
        ...


class _Guest:
    """One stream and its link."""

    __slots__ = ("address", "link", "listener", "opened")

    def __init__(self, link: Link, address: str, listener: int) -> None:
        self.link = link
        self.address = address
        self.listener = listener
        self.opened = False


class StreamEntrance:
    """Makes each accepted stream a peer, by the link of its listener."""

    __slots__ = ("_accepts", "_actions", "_changed", "_closing", "_events", "_guests", "_schedule")

    def __init__(self, accepts: Sequence[Accept]) -> None:
        """Take one function for each listening socket, in their order."""
        if not accepts:
            raise ValueError("accepts is empty: pass a function for each listener, as PlainLink.accepted")
        self._accepts = accepts
        self._guests: dict[StreamId, _Guest] = {}
        self._schedule: Schedule[StreamId] = Schedule()
        self._actions: deque[StreamAction] = deque()
        self._events: deque[PeerEvent] = deque()
        self._changed: dict[StreamId, None] = {}
        self._closing = False

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Refuse: nothing is opened here.

        Raises:
            LocalProtocolError: always; the driver answers the wish of another machine.
        """
        raise LocalProtocolError(Misuse.NOT_CONNECTED, "A server opens no stream: whose wish was this?")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Refuse: TLS begins with the stream, or not at all.

        Raises:
            LocalProtocolError: always; the driver answers the wish of another machine.
        """
        raise LocalProtocolError(Misuse.NOT_CONNECTED, "A server starts no TLS: whose wish was this?")

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Put a link on the stream."""
        link = self._accepts[listener](stream, now, peer=peer)
        guest = self._guests[stream] = _Guest(link, peer, listener)
        if self._closing:
            link.abort(now)
        self._settle(stream, guest)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Tell the stream's link, and forget it."""
        guest = self._guests[stream]
        guest.link.stream_lost(stream, why, now, detail)
        self._settle(stream, guest)
        del self._guests[stream]
        self._schedule.set(stream, None)
        self._changed.pop(stream, None)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Pass octets to the stream's link."""
        guest = self._guests[stream]
        guest.link.receive_data(stream, data, now)
        self._settle(stream, guest)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Tell the stream's link."""
        guest = self._guests[stream]
        guest.link.receive_eof(stream, now)
        self._settle(stream, guest)

    def handle_timeout(self, now: float) -> None:
        """Let every link do what is due."""
        while (stream := self._schedule.pop_due(now)) is not None:
            guest = self._guests[stream]
            guest.link.handle_timeout(now)
            self._settle(stream, guest)

    def run(self, now: float) -> None:
        """Do nothing: links leave no work over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish about streams, or None."""
        return self._actions.popleft() if self._actions else None

    def next_event(self) -> PeerEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over what the stream's link has."""
        return self._guests[stream].link.data_to_send(stream, now, max_bytes)

    def wants_read(self, stream: StreamId) -> bool:
        """Read as the stream's link wants."""
        return self._guests[stream].link.wants_read(stream)

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams whose writer or reader has to look again."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def next_deadline(self) -> float | None:
        """Return the earliest instant at which a link has something to do."""
        return self._schedule.earliest()

    def wants_run(self) -> bool:
        """Return False: links leave no work over."""
        return False

    @property
    def finished(self) -> bool:
        """Whether it was shut down and every stream is gone."""
        return self._closing and not self._guests

    def peer_on(self, stream: StreamId) -> PeerId | None:
        """Return the peer that the stream is."""
        return PeerId(stream)

    def passage(self, peer: PeerId) -> StreamId | None:
        """Return the stream, if its link adds nothing."""
        guest = self._guests.get(StreamId(peer))
        return None if guest is None else guest.link.passage

    # Commands

    def send(self, peer: PeerId, chunk: bytes, now: float) -> None:
        """Queue octets of a peer's STOMP stream.

        Raises:
            LocalProtocolError: the peer is gone or going, or cannot be sent these octets. Nothing was queued.
        """
        stream = StreamId(peer)
        guest = self._guests.get(stream)
        if guest is None:
            raise LocalProtocolError(Misuse.CLOSED, f"Peer {peer} is gone: nothing was queued")
        guest.link.send(chunk, now)
        self._settle(stream, guest)

    def carries(self, peer: PeerId, chunk: bytes) -> bool:
        """Tell whether a peer's link can carry these octets. Changes nothing."""
        guest = self._guests.get(StreamId(peer))
        return guest is not None and guest.link.carries(chunk)

    def unsent(self, peer: PeerId) -> int:
        """Return how many octets wait to be handed to the driver."""
        guest = self._guests.get(StreamId(peer))
        return 0 if guest is None else guest.link.unsent

    def pause_reading(self, peer: PeerId, now: float) -> None:
        """Ask for no more data of a peer for now. Harmless when it is gone."""
        self._tell(peer, lambda link: link.pause_reading(now))

    def resume_reading(self, peer: PeerId, now: float) -> None:
        """Ask for data of a peer again. Harmless when it is gone."""
        self._tell(peer, lambda link: link.resume_reading(now))

    def close(self, peer: PeerId, now: float) -> None:
        """Close a peer in order. Harmless when it is gone."""
        self._tell(peer, lambda link: link.close(now))

    def abort(self, peer: PeerId, now: float) -> None:
        """End a peer at once. Harmless when it is gone."""
        self._tell(peer, lambda link: link.abort(now))

    def shut_down(self, now: float) -> None:
        """Close every stream in order, and accept no more."""
        self._closing = True
        for stream, guest in self._guests.items():
            guest.link.close(now)
            self._settle(stream, guest)

    # Inside

    def _tell(self, peer: PeerId, command: Callable[[Link], None]) -> None:
        stream = StreamId(peer)
        guest = self._guests.get(stream)
        if guest is not None:
            command(guest.link)
            self._settle(stream, guest)

    def _settle(self, stream: StreamId, guest: _Guest) -> None:
        """Take what a link has to say after a call."""
        link, peer = guest.link, PeerId(stream)
        while (event := link.next_event()) is not None:
            match event:
                case LinkData():
                    self._events.append(PeerData(peer, event.data))
                case LinkOpened():
                    guest.opened = True
                    self._events.append(
                        PeerOpened(peer, event.transport, guest.address, guest.listener, event.subprotocol)
                    )
                case LinkClosed() if guest.opened:
                    self._events.append(PeerClosed(peer, event))
                case _:
                    self._events.append(
                        StreamRefused(guest.address, guest.listener, event.reason, event.status)
                    )
        while (action := link.next_action()) is not None:
            self._actions.append(action)
        if link.changed_streams():
            self._changed[stream] = None
        self._schedule.set(stream, link.next_deadline())
