"""A broker for tests: queues, topics, acknowledgements, transactions and logins, as a machine over all links.

It keeps what it saw, and can be told to misbehave. It must not know which driver runs it.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from stomp_sansio import (
    Abort,
    Ack,
    AckMode,
    Begin,
    Closed,
    Commit,
    ConnectRequest,
    Nack,
    Send,
    ServerConnection,
    ServerEvent,
    Subscribe,
    Unsubscribe,
)
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.server_options import ServerOptions
from stomp_sansio.machine import StreamAction, StreamId, StreamLoss, TLSInfo

# Headers of SEND that are not the message's own.
_NOT_RELAYED = {"destination", "receipt", "transaction", "content-length"}


@dataclass
class Stored:
    """A message that waits, or that awaits its acknowledgement."""

    destination: str
    body: bytes
    headers: list[tuple[str, str]]
    redelivered: bool = False


@dataclass
class Subscriber:
    """One subscription of one client."""

    id: str
    destination: str
    ack: AckMode


@dataclass
class Client:
    """A client that is connected."""

    id: PeerId
    transport: str
    connection: ServerConnection = field(default_factory=ServerConnection)
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    unacked: dict[str, Stored] = field(default_factory=dict)
    transactions: dict[str, list[ServerEvent]] = field(default_factory=dict)


class Broker:
    """A machine that accepts streams and speaks STOMP on every transport."""

    finished = False

    def __init__(self, on_event: Callable[[ServerEvent], object] = lambda event: None) -> None:
        self.links = LinkServer(secrets.token_bytes, ServerOptions())
        self.clients: dict[PeerId, Client] = {}
        self.queues: dict[str, deque[Stored]] = {}
        self.acked: list[bytes] = []
        self.users: dict[str, str] | None = None
        """Who may log in, if not everybody."""
        self.vhost: str | None = None
        """The only virtual host, if there are not all of them."""
        self.refused: set[str] = set()
        """Destinations that are answered with ERROR."""
        self.unconfirmed: set[str] = set()
        """Destinations whose receipts never come."""
        self.deaf = False
        """Whether it answers nothing any more."""
        self.delivered = 0
        self._on_event = on_event

    # What tests do to it

    def drop_all(self, now: float) -> None:
        """Cut every client off."""
        for client in list(self.clients.values()):
            self.links.abort(client.id, now)
        self._settle(now)

    def shut_out(self, message: str, now: float) -> None:
        """Send ERROR to every client."""
        for client in self.clients.values():
            client.connection.error(message)
        self._settle(now)

    # STOMP

    def _settle(self, now: float) -> None:
        while (event := self.links.next_event()) is not None:
            self._hear(event, now)
        for queue in self.queues.values():
            self._serve(queue)
        for client in list(self.clients.values()) * (not self.deaf):
            while octets := client.connection.frame_to_send(now):
                self.links.send(client.id, octets, now)
            if client.connection.wants_close:
                self.links.close(client.id, now)

    def _hear(self, event: PeerEvent, now: float) -> None:
        match event:
            case PeerOpened():
                self.clients[event.peer] = Client(event.peer, event.transport)
            case PeerData() if event.peer in self.clients:
                client = self.clients[event.peer]
                client.connection.receive_data(event.data, now)
                self._listen(client)
            case PeerClosed():
                client = self.clients.pop(event.peer)
                client.connection.receive_eof(now)
                self._listen(client)
                for stored in reversed(client.unacked.values()):
                    self._give_back(stored)
            case _:
                pass

    def _listen(self, client: Client) -> None:
        while (event := client.connection.next_event()) is not None:
            self._on_event(event)
            self._answer(client, event)

    def _answer(self, client: Client, event: ServerEvent) -> None:
        transaction = getattr(event, "transaction", None)
        receipt = getattr(event, "receipt", None)
        match event:
            case ConnectRequest():
                self._admit(client, event)
            case Begin():
                client.transactions[event.transaction] = []
            case Commit():
                for held in client.transactions.pop(event.transaction):
                    self._carry_out(client, held)
            case Abort():
                client.transactions.pop(event.transaction, None)
            case Closed():
                return
            case _ if transaction is not None:
                client.transactions[transaction].append(event)
            case _:
                destination = getattr(event, "destination", None)
                if destination in self.refused:
                    client.connection.error(f"no access to {destination}", receipt_id=receipt)
                    return
                if destination in self.unconfirmed:
                    receipt = None
                self._carry_out(client, event)
        if receipt is not None:
            client.connection.receipt(receipt)

    def _admit(self, client: Client, event: ConnectRequest) -> None:
        if self.vhost is not None and event.host != self.vhost:
            client.connection.reject(
                "Bad CONNECT", body=b"Virtual host '" + str(event.host).encode() + b"' access denied"
            )
        elif self.users is not None and (
            event.login is None or self.users.get(event.login) != event.passcode
        ):
            # As some servers do, it says all that it was told.
            echo = "".join(f"{name}:{value}\n" for name, value in event.headers.pairs)
            client.connection.reject("Bad CONNECT", body=b"Access refused for user\n" + echo.encode())
        else:
            client.connection.accept(server="test-broker/1.0", session="1")

    def _carry_out(self, client: Client, event: ServerEvent) -> None:
        match event:
            case Subscribe(id=str(id)):
                client.subscribers[id] = Subscriber(id, event.destination, event.ack)
            case Unsubscribe(id=str(id)):
                client.subscribers.pop(id)
            case Send():
                headers = [pair for pair in event.headers.pairs if pair[0] not in _NOT_RELAYED]
                self._take_in(Stored(event.destination, event.body, headers))
            case Ack():
                for message_id in event.message_ids:
                    self.acked.append(client.unacked.pop(message_id).body)
            case Nack():
                for message_id in reversed(event.message_ids):
                    self._give_back(client.unacked.pop(message_id))
            case _:
                pass

    def _take_in(self, stored: Stored) -> None:
        if stored.destination.startswith("/topic/"):
            for client, subscriber in self._subscribers(stored.destination):
                self._deliver(client, subscriber, stored)
        else:
            self.queues.setdefault(stored.destination, deque()).append(stored)

    def _give_back(self, stored: Stored) -> None:
        stored.redelivered = True
        if not stored.destination.startswith("/topic/"):
            self.queues.setdefault(stored.destination, deque()).appendleft(stored)

    def _serve(self, queue: deque[Stored]) -> None:
        while queue:
            found = self._subscribers(queue[0].destination)
            if not found:
                return
            self._deliver(*found[self.delivered % len(found)], queue.popleft())

    def _subscribers(self, destination: str) -> list[tuple[Client, Subscriber]]:
        return [
            (client, subscriber)
            for client in self.clients.values()
            for subscriber in client.subscribers.values()
            if subscriber.destination == destination and client.connection.version is not None
        ]

    def _deliver(self, client: Client, subscriber: Subscriber, stored: Stored) -> None:
        self.delivered += 1
        message_id = f"m-{self.delivered}"
        headers = [*stored.headers, *([("redelivered", "true")] if stored.redelivered else [])]
        client.connection.message(subscriber.id, message_id, stored.destination, stored.body, headers=headers)
        if subscriber.ack is not AckMode.AUTO:
            client.unacked[message_id] = stored

    # A machine

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self.links.stream_accepted(stream, listener, peer, now)
        self._settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self.links.receive_data(stream, data, now)
        self._settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self.links.receive_eof(stream, now)
        self._settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self.links.stream_lost(stream, why, now, detail)
        self._settle(now)

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        return self.links.data_to_send(stream, now, max_bytes)

    def wants_read(self, stream: StreamId) -> bool:
        return self.links.wants_read(stream)

    def next_deadline(self) -> float | None:
        instants = [self.links.next_deadline()]
        instants += [client.connection.next_deadline() for client in self.clients.values()]
        return min((instant for instant in instants if instant is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        for client in self.clients.values():
            client.connection.handle_timeout(now)
        self.links.handle_timeout(now)
        self._settle(now)

    def changed_streams(self) -> list[StreamId]:
        return self.links.changed_streams()

    def next_action(self) -> StreamAction | None:
        return self.links.next_action()

    def next_event(self) -> None:
        return None

    def wants_run(self) -> bool:
        return False

    def run(self, now: float) -> None:
        pass

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self.links.stream_opened(stream, now)

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self.links.tls_started(stream, info, now)
