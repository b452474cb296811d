"""One listening socket for plain STOMP, WebSocket and SockJS: `LinkServer`, a machine whose events speak of
peers.

What lives here gives streams to their occupants and peers to their owners; it must not know STOMP frames, nor
what is said on any transport.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count

from ..errors import LocalProtocolError, Misuse
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from .arrival import Arrival
from .chunks import is_utf8
from .occupants import Occupant
from .peers import PeerClosed, PeerEvent, PeerId, PeerOpened
from .schedule import Schedule
from .server_options import ServerOptions
from .sockjs_sessions import SockJSSessions
from .standing import Standing

__all__ = ["LinkServer"]


class LinkServer:
    """Accepts streams and says who came, what they sent, and that they went. Drive it as any `Machine`.

    Answer with `send`, `close`, `abort`, `pause_reading` and `resume_reading`, by peer. A SockJS session over
    xhr is one peer, whatever streams its requests come on; every other peer is a stream.
    """

    __slots__ = (
        "_actions",
        "_changed",
        "_closing",
        "_events",
        "_ids",
        "_options",
        "_schedule",
        "_sessions",
        "_standing",
        "_streams",
        "_unread",
    )

    def __init__(self, token_bytes: Callable[[int], bytes], options: ServerOptions | None = None) -> None:
        """Make a server that has accepted nothing yet.

        `token_bytes(n)` returns n octets that nobody can foresee, for SockJS clients that lack randomness.
        """
        self._options = options or ServerOptions()
        self._ids = (PeerId(number) for number in count(1))
        self._sessions = SockJSSessions(self._options, self._ids, token_bytes)
        self._streams: dict[StreamId, Occupant] = {}
        self._standing: dict[PeerId, tuple[StreamId, Standing]] = {}
        self._schedule: Schedule[StreamId] = Schedule()
        self._changed: dict[StreamId, None] = {}
        self._unread: set[StreamId] = set()
        self._actions: deque[StreamAction] = deque()
        self._events: deque[PeerEvent] = deque()
        self._closing = False

    # Commands

    def send(self, peer: PeerId, chunk: bytes, now: float) -> None:
        """Queue octets of the STOMP stream for a peer. Over SockJS a chunk is a message: one frame of STOMP
        is best.

        Raises:
            LocalProtocolError: the peer is gone or going, or cannot be sent these octets (see `carries`).
            Nothing was
                queued.
        """
        if peer in self._standing:
            stream, standing = self._standing[peer]
            standing.link.send(chunk, now)
            # Nothing else can have changed: sending ends nothing, and makes no deadline earlier.
            self._changed[stream] = None
        elif self._sessions.knows(peer):
            self._sessions.send(peer, chunk, now)
            self._collect(now)
        else:
            raise LocalProtocolError(Misuse.CLOSED, f"Peer {peer} is gone: nothing was queued")

    def carries(self, peer: PeerId, chunk: bytes) -> bool:
        """Tell whether a peer can be sent these octets: SockJS carries UTF-8 text only. Changes nothing."""
        if peer in self._standing:
            return self._standing[peer][1].link.carries(chunk)
        return is_utf8(chunk)

    def unsent(self, peer: PeerId) -> int:
        """Return how many octets wait to be handed to the driver, or for a receiver: a slow peer has many."""
        found = self._standing.get(peer)
        if found is not None:
            return found[1].unsent
        return self._sessions.unsent(peer) if self._sessions.knows(peer) else 0

    def passage(self, peer: PeerId) -> StreamId | None:
        """Return the stream that a peer's octets pass as they are, while that is so, or None. Changes
        nothing.
        """
        found = self._standing.get(peer)
        return None if found is None else found[1].link.passage

    def peer_on(self, stream: StreamId) -> PeerId | None:
        """Return the peer whose octets a stream takes now, or None. Changes nothing.

        Over xhr it is the one that received there last.
        """
        occupant = self._streams.get(stream)
        if isinstance(occupant, Standing):
            return occupant.peer
        return self._sessions.peer_on(stream)

    def pause_reading(self, peer: PeerId, now: float) -> None:
        """Ask for no more data of a peer for now. What is on its way may still come. Harmless when it is
        gone."""
        if peer in self._standing:
            stream, standing = self._standing[peer]
            standing.link.pause_reading(now)
            self._settle(stream, standing, now)
        elif self._sessions.knows(peer):
            self._sessions.pause_reading(peer)

    def resume_reading(self, peer: PeerId, now: float) -> None:
        """Ask for data of a peer again. Harmless when it is gone or was not paused."""
        if peer in self._standing:
            stream, standing = self._standing[peer]
            standing.link.resume_reading(now)
            self._settle(stream, standing, now)
        elif self._sessions.knows(peer):
            self._sessions.resume_reading(peer, now)
            self._collect(now)

    def close(self, peer: PeerId, now: float) -> None:
        """Close a peer in order: what was queued goes first. `PeerClosed` follows. Harmless when it is
        gone."""
        if peer in self._standing:
            stream, standing = self._standing[peer]
            standing.link.close(now)
            self._settle(stream, standing, now)
        elif self._sessions.knows(peer):
            self._sessions.close(peer, now)
            self._collect(now)

    def abort(self, peer: PeerId, now: float) -> None:
        """End a peer at once, writing nothing more. `PeerClosed` follows. Harmless when it is gone."""
        if peer in self._standing:
            stream, standing = self._standing[peer]
            standing.link.abort(now)
            self._settle(stream, standing, now)
        elif self._sessions.knows(peer):
            self._sessions.abort(peer, now)
            self._collect(now)

    def shut_down(self, now: float) -> None:
        """Close every peer and every stream in order, and accept no more. `finished` says when all are
        gone."""
        self._closing = True
        self._sessions.shut_down(now)
        self._collect(now)
        for stream, occupant in list(self._streams.items()):
            occupant.shut_down(now)
            self._settle(stream, occupant, now)

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Refuse: a server opens no stream.

        Raises:
            LocalProtocolError: always; the driver answers the wish of another machine.
        """
        raise LocalProtocolError(Misuse.NOT_CONNECTED, "A server opens no stream: whose wish was this?")

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Take in a stream. What it is, its first octets tell."""
        arrival = Arrival(
            stream,
            address=peer,
            listener=listener,
            ids=self._ids,
            options=self._options,
            sessions=self._sessions,
            now=now,
        )
        self._streams[stream] = arrival
        if self._closing:
            arrival.refuse("The server shuts down", now)
        elif len(self._streams) > self._options.max_streams:
            arrival.refuse(f"There are more than {self._options.max_streams} streams", now)
        self._settle(stream, arrival, now)

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Refuse: a server starts no TLS on a stream that has begun without.

        Raises:
            LocalProtocolError: always.
        """
        raise LocalProtocolError(Misuse.NOT_CONNECTED, "A server starts no TLS: whose wish was this?")

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that a stream is gone."""
        occupant = self._streams[stream]
        occupant.lost(why, now, detail)
        self._settle(stream, occupant, now)
        del self._streams[stream]
        self._schedule.set(stream, None)
        self._changed.pop(stream, None)
        self._unread.discard(stream)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        occupant = self._streams[stream]
        occupant.receive_data(data, now)
        self._settle(stream, occupant, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that the peer ended its side of the stream."""
        occupant = self._streams[stream]
        occupant.receive_eof(now)
        self._settle(stream, occupant, now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        # Each once: whoever is due again at once waits for the next call, and nothing loops here.
        for _ in range(len(self._schedule)):
            stream = self._schedule.pop_due(now)
            if stream is None:
                break
            occupant = self._streams[stream]
            occupant.handle_timeout(now)
            self._settle(stream, occupant, now)
        self._sessions.handle_timeout(now)
        self._collect(now)

    def run(self, now: float) -> None:
        """Do nothing: this machine leaves no work over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish about streams, or None."""
        return self._actions.popleft() if self._actions else None

    def next_event(self) -> PeerEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        occupant = self._streams[stream]
        octets = occupant.data_to_send(now, max_bytes)
        if octets or not occupant.waits_for_writer:
            return octets
        occupant.go_on(now)
        self._settle(stream, occupant, now)
        return self._streams[stream].data_to_send(now, max_bytes)

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether a stream should be read."""
        # Whoever holds it was asked after every call that can change that.
        return stream not in self._unread

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams whose writer or reader has to look again."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        stream, session = self._schedule.earliest(), self._sessions.next_deadline()
        if stream is None or session is None:
            return session if stream is None else stream
        return min(stream, session)

    def wants_run(self) -> bool:
        """Return False: this machine leaves no work over."""
        return False

    @property
    def finished(self) -> bool:
        """Whether the server was shut down and every stream is gone."""
        return self._closing and not self._streams

    # Inside

    def _settle(self, stream: StreamId, occupant: Occupant, now: float) -> None:
        """Take what was said in a call: of sessions first, since a stream that becomes a peer makes no more
        requests."""
        self._events.extend(iter(self._sessions.next_event, None))
        self._drain(stream, occupant)
        self._collect(now)

    def _collect(self, now: float) -> None:
        """Take what the service has to say, and look after the streams that it moved, until all is quiet."""
        while True:
            self._events.extend(iter(self._sessions.next_event, None))
            touched = self._sessions.take_touched()
            if not touched:
                return
            for stream in touched:
                occupant = self._streams[stream]
                occupant.go_on(now)
                self._drain(stream, occupant)

    def _drain(self, stream: StreamId, occupant: Occupant) -> None:
        self._take(stream, occupant)
        while occupant.successor is not None:
            occupant = self._streams[stream] = occupant.successor
            self._take(stream, occupant)
        self._schedule.set(stream, occupant.next_deadline())
        reads = occupant.wants_read
        if occupant.unsent or reads is (stream in self._unread):
            self._changed[stream] = None
        if reads:
            self._unread.discard(stream)
        else:
            self._unread.add(stream)

    def _take(self, stream: StreamId, occupant: Occupant) -> None:
        self._actions.extend(iter(occupant.next_action, None))
        while (event := occupant.next_event()) is not None:
            self._events.append(event)
            if isinstance(event, PeerOpened) and isinstance(occupant, Standing):
                self._standing[event.peer] = stream, occupant
            elif isinstance(event, PeerClosed):
                del self._standing[event.peer]
