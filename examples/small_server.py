"""A small STOMP server: everything sent to a destination goes to everybody who subscribed to it.

It shows how `ServerConnection` and links make a `Machine` that any driver can run. It is no broker: it keeps
nothing, and knows no limits beyond those of its connections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from stomp_sansio import (
    Ack,
    ConnectRequest,
    Nack,
    Send,
    ServerConnection,
    ServerEvent,
    Subscribe,
    Unsubscribe,
)
from stomp_sansio.links.link import LinkClosed, LinkData, LinkOpened
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.stream_link import StreamLink
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import StreamAction, StreamId, StreamLoss, TLSInfo

TCP, WEBSOCKET = 0, 1
"""Which listener means which transport."""

# Headers of SEND that are not the message's own.
_NOT_RELAYED = {"destination", "receipt", "transaction", "content-length"}


class Subscriber(NamedTuple):
    """One subscription of one client."""

    peer: Peer
    id: str


class Peer:
    """A client that is connected."""

    def __init__(self, link: StreamLink) -> None:
        self.link = link
        self.connection = ServerConnection()
        self.destinations: dict[str, str] = {}

    def flush(self, now: float) -> None:
        """Give the link what the connection has to say, one frame in each message."""
        while octets := self.connection.frame_to_send(now):
            self.link.send(octets, now)
        if self.connection.wants_close:
            self.link.close(now)


class SmallServer:
    """A machine that accepts streams: listener 0 speaks plain STOMP, listener 1 WebSocket."""

    finished = False

    def __init__(self, observe: Callable[[ServerEvent], None] = lambda event: None) -> None:
        """`observe` is told every event of every client."""
        self.acknowledged = 0
        self._observe = observe
        self._peers: dict[StreamId, Peer] = {}
        self._subscribers: dict[str, list[Subscriber]] = {}
        self._messages = 0
        self._actions: deque[StreamAction] = deque()
        self._touched: list[StreamId] = []

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Put a link on the stream, and a connection on the link."""
        accept = PlainLink.accepted if listener == TCP else WebSocketLink.accepted
        self._peers[stream] = Peer(accept(stream, now, peer=peer))
        self._settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Pass the octets to the stream's link."""
        self._peers[stream].link.receive_data(stream, data, now)
        self._settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Tell the stream's link."""
        self._peers[stream].link.receive_eof(stream, now)
        self._settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Forget the client."""
        peer = self._peers.pop(stream)
        peer.link.stream_lost(stream, why, now, detail)
        for subscribers in self._subscribers.values():
            subscribers[:] = [subscriber for subscriber in subscribers if subscriber.peer is not peer]

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over what the stream's link has."""
        return self._peers[stream].link.data_to_send(stream, now, max_bytes)

    def wants_read(self, stream: StreamId) -> bool:
        """Read as the stream's link wants."""
        return self._peers[stream].link.wants_read(stream)

    def next_deadline(self) -> float | None:
        """Return the earliest deadline of all clients."""
        instants = [peer.connection.next_deadline() for peer in self._peers.values()]
        instants += [peer.link.next_deadline() for peer in self._peers.values()]
        return min((instant for instant in instants if instant is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Let every client do what is due."""
        for peer in self._peers.values():
            peer.connection.handle_timeout(now)
            peer.link.handle_timeout(now)
        self._settle(now)

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams to look at."""
        touched, self._touched = self._touched, []
        return [stream for stream in touched if stream in self._peers]

    def next_action(self) -> StreamAction | None:
        """Return the next wish."""
        return self._actions.popleft() if self._actions else None

    def next_event(self) -> None:
        """Return None: this server has nothing to tell."""

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Never asked: this machine opens no streams."""

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Never asked: this machine starts no TLS."""

    def wants_run(self) -> bool:
        """Return False: nothing is left over."""
        return False

    def run(self, now: float) -> None:
        """Do nothing."""

    def _settle(self, now: float) -> None:
        """Go through what has come, answer it, and pass it on."""
        for peer in list(self._peers.values()):
            while (link_event := peer.link.next_event()) is not None:
                match link_event:
                    case LinkData(data=data):
                        peer.connection.receive_data(data, now)
                    case LinkClosed():
                        peer.connection.receive_eof(now)
                    case LinkOpened():
                        pass
                while (event := peer.connection.next_event()) is not None:
                    self._observe(event)
                    self._answer(peer, event)
        for stream, peer in self._peers.items():
            peer.flush(now)
            while (action := peer.link.next_action()) is not None:
                self._actions.append(action)
            if peer.link.changed_streams():
                self._touched.append(stream)

    def _answer(self, peer: Peer, event: ServerEvent) -> None:
        match event:
            case ConnectRequest():
                peer.connection.accept(server="small-server/1.0")
            case Subscribe(id=str(id), destination=destination):
                peer.destinations[id] = destination
                self._subscribers.setdefault(destination, []).append(Subscriber(peer, id))
            case Unsubscribe(id=str(id)):
                self._subscribers[peer.destinations.pop(id)].remove(Subscriber(peer, id))
            case Send():
                headers = [pair for pair in event.headers.pairs if pair[0] not in _NOT_RELAYED]
                for subscriber in self._subscribers.get(event.destination, []):
                    self._messages += 1
                    subscriber.peer.connection.message(
                        subscriber.id, f"m-{self._messages}", event.destination, event.body, headers=headers
                    )
            case Ack() | Nack():
                self.acknowledged += len(event.message_ids)
            case _:
                pass
        receipt = getattr(event, "receipt", None)
        if receipt is not None:
            peer.connection.receipt(receipt)
