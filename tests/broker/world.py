"""A broker and clients without sockets or a clock: octets are carried by hand until all is quiet.

This file must not know any test.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from stomp_sansio import (
    ClientEvent,
    Closed,
    Connected,
    Connection,
    Error,
    Message,
    Receipt,
    Version,
)
from stomp_sansio.broker.broker import Broker
from stomp_sansio.broker.entrance import Entrance, StreamEntrance
from stomp_sansio.broker.events import BrokerEvent, ClientGone, LoginAsked
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.peers import PeerId
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss


def accept_all(broker: Broker, asked: LoginAsked, now: float) -> None:
    broker.accept(asked.peer, now)


class Client:
    """One client, on one stream. Say something with `connection`, then `world.settle()`."""

    def __init__(self, world: World, stream: StreamId, connection: Connection) -> None:
        self.world = world
        self.stream = stream
        self.connection = connection
        self.heard: list[ClientEvent] = []
        self.reads = True
        self.connected_to_broker = True

    @property
    def peer(self) -> PeerId:
        return PeerId(self.stream)

    def take(self) -> list[ClientEvent]:
        self.world.settle()
        taken, self.heard = self.heard, []
        return taken

    def messages(self) -> list[Message]:
        taken = self.take()
        assert all(isinstance(event, Message) for event in taken), taken
        return [event for event in taken if isinstance(event, Message)]

    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages()]

    def receipts(self) -> list[str]:
        return [event.receipt_id for event in self.take() if isinstance(event, Receipt)]

    def error(self) -> Error:
        """Return the ERROR that has ended the connection, as the last thing that was heard but for Closed."""
        taken = self.take()
        assert isinstance(taken[-1], Closed), taken
        error = taken[-2]
        assert isinstance(error, Error), taken
        return error

    def say(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.world.settle()
        self.world.broker.receive_data(self.stream, octets, self.world.now)
        self.world.settle()

    def leave(self, why: StreamLoss = StreamLoss.RESET) -> None:
        """Go without a word."""
        self.world.settle()
        self.world.lose(self.stream, why)
        self.world.settle()


class World:
    """Carries octets until everybody is quiet."""

    def __init__(
        self,
        options: BrokerOptions | None = None,
        *,
        entrance: Entrance | None = None,
        login: Callable[[Broker, LoginAsked, float], None] | None = accept_all,
        chunk: int = 65536,
    ) -> None:
        tokens = count(1)
        self.broker = Broker(
            StreamEntrance([PlainLink.accepted]) if entrance is None else entrance,
            lambda: f"token-{next(tokens)}",
            options,
        )
        self.now = 0.0
        self.events: list[BrokerEvent] = []
        self.clients: dict[StreamId, Client] = {}
        self._login = login
        self._chunk = chunk
        self._streams = count(1)
        self._ending: set[StreamId] = set()

    def connect(
        self,
        *,
        version: Version = Version.V1_2,
        heartbeat: tuple[float, float] = (0.0, 0.0),
        settle: bool = True,
        headers: dict[str, str] | None = None,
        **connect: str,
    ) -> Client:
        client = self.open(version=version, heartbeat=heartbeat)
        client.connection.connect(headers=headers or {}, **connect)
        if settle:
            self.settle()
            if self._login is accept_all:
                (connected,) = client.take()
                assert isinstance(connected, Connected)
        return client

    def open(self, *, version: Version = Version.V1_2, heartbeat: tuple[float, float] = (0.0, 0.0)) -> Client:
        """Return a client that has said nothing yet."""
        stream = StreamId(next(self._streams))
        connection = Connection(versions=[version], heartbeat=heartbeat)
        client = self.clients[stream] = Client(self, stream, connection)
        self.broker.stream_accepted(stream, 0, f"client {stream}", self.now)
        return client

    def settle(self) -> None:
        """Carry everything there is to carry."""
        while self._step():
            pass
        if not self.clients:
            assert self.broker.next_deadline() is None, "nobody is there, and something is to be done"

    def _step(self) -> bool:
        broker = self.broker
        moved = self.drain()
        for client in list(self.clients.values()):
            # What the broker does not want to read yet waits with the client.
            if broker.wants_read(client.stream) and client.stream not in self._ending:
                octets = client.connection.data_to_send(self.now, self._chunk)
                if octets:
                    broker.receive_data(client.stream, octets, self.now)
                    moved = True
            moved = self.drain() or moved
        for client in list(self.clients.values()):
            moved = self.read(client) or moved
        if broker.wants_run():
            broker.run(self.now)
            moved = True
        return moved

    def read(self, client: Client, max_bytes: int = 65536) -> bool:
        """Let a client read what is there for it, if it reads at all."""
        if not client.reads or client.stream not in self.clients:
            return False
        octets = self.broker.data_to_send(client.stream, self.now, max_bytes)
        client.connection.receive_data(octets, self.now)
        self.hear(client)
        self.drain()
        if not octets and client.stream in self._ending:
            self.lose(client.stream, StreamLoss.CLOSED)
            return True
        return bool(octets)

    def hear(self, client: Client) -> None:
        while (event := client.connection.next_event()) is not None:
            client.heard.append(event)

    def drain(self) -> bool:
        moved = False
        while True:
            if (action := self.broker.next_action()) is not None:
                assert isinstance(action, CloseStream)
                if action.abort:
                    self.lose(action.stream, StreamLoss.CLOSED)
                else:
                    # What waits is written first, however long that takes.
                    self._ending.add(action.stream)
            elif (event := self.broker.next_event()) is not None:
                self.events.append(event)
                if isinstance(event, LoginAsked) and self._login is not None:
                    self._login(self.broker, event, self.now)
            else:
                break
            moved = True
        for stream in self.broker.changed_streams():
            assert stream in self.clients, "a stream that is gone is reported as changed"
        return moved

    def lose(self, stream: StreamId, why: StreamLoss) -> None:
        client = self.clients.pop(stream)
        self._ending.discard(stream)
        client.connected_to_broker = False
        self.broker.stream_lost(stream, why, self.now)
        client.connection.receive_eof(self.now)
        self.hear(client)

    def advance(self, seconds: float) -> None:
        """Let time pass, visiting every deadline on the way, those of the clients too."""
        self.settle()
        until = self.now + seconds
        while True:
            instants = [self.broker.next_deadline()]
            instants += [client.connection.next_deadline() for client in self.clients.values()]
            instant = min((each for each in instants if each is not None), default=None)
            if instant is None or instant > until:
                break
            self.now = max(self.now, instant)
            self.broker.handle_timeout(self.now)
            for client in list(self.clients.values()):
                client.connection.handle_timeout(self.now)
                self.hear(client)
            self.settle()
            after = self.broker.next_deadline()
            assert after is None or after > self.now, "a deadline was handled and is still due"
        self.now = until

    def take_events(self) -> list[BrokerEvent]:
        self.settle()
        taken, self.events = self.events, []
        return taken


def asking(world: World, *, login: str | None = None, passcode: str | None = None) -> Client:
    """Let a client say CONNECT."""
    client = world.open()
    client.connection.connect(login=login, passcode=passcode)
    world.settle()
    return client


def gone(world: World) -> list[ClientGone]:
    """Take the events; return those of clients that are gone."""
    return [event for event in world.take_events() if isinstance(event, ClientGone)]


def upgraded(world: World) -> StreamId:
    """Let a client ask for a WebSocket, and return its stream."""
    stream = StreamId(500)
    request = [
        b"GET / HTTP/1.1",
        b"Host: localhost",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ]
    world.broker.stream_accepted(stream, 1, "somewhere", world.now)
    world.broker.receive_data(stream, b"\r\n".join([*request, b"", b""]), world.now)
    assert world.broker.data_to_send(stream, world.now).startswith(b"HTTP/1.1 101 ")
    return stream
