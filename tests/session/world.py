"""What tests of sessions share: a session and the model broker in the virtual network, and a link worked by
hand.

This file must not know any test.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from stomp_sansio import Frame, FrameParser, Version, encode
from stomp_sansio.errors import LocalProtocolError, Misuse
from stomp_sansio.links.link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
)
from stomp_sansio.session.events import Changed, Ended, Interrupted, Ready, SessionEvent
from stomp_sansio.session.options import Credentials, SessionOptions, Target
from stomp_sansio.session.session import Session
from stomp_sansio.session.subscription import Delivery, Subscription
from stomp_sansio.session.tickets import Outcome, Ticket
from stomp_sansio.testing import Host, Network

from .model_broker import ModelBroker, Peer

_EventT = TypeVar("_EventT")


def address(name: str) -> TCPAddress:
    """Return where the server of this name listens."""
    return TCPAddress(name, 61613)


def target(name: str = "broker", **more: Any) -> Target:
    """Return a server of the virtual network."""
    endpoint = parse_url(f"stomp://{name}")
    return Target(name, "/", lambda ids, credentials: PlainLink(endpoint, stream_ids=ids), **more)


class World:
    """A session, the broker that it talks to, and the time in which both live."""

    def __init__(
        self,
        *,
        seed: int = 0,
        targets: tuple[Target, ...] | None = None,
        jitter: Callable[[], float] = lambda: 1.0,
        observe: Callable[[object], None] | None = None,
        **options: Any,
    ) -> None:
        self.network = Network(random.Random(seed).random)
        self.broker = ModelBroker()
        self.server: Host[None] = self.network.add(self.broker)
        self.network.listen(self.server, address("broker"))
        options.setdefault("heartbeat", (0.0, 0.0))
        self.session = Session(
            SessionOptions(targets=targets or (target(),), **options),
            prefix="p",
            jitter=jitter,
            observe=observe,
        )
        self.client: Host[SessionEvent] = self.network.add(self.session, self._hear, offset=1000.0)
        self.events: list[SessionEvent] = []
        """All but `Changed`."""
        self.instants: list[float] = []
        """When they came."""
        self.changed: list[Ticket | Subscription] = []

    def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, Changed):
            self.changed.append(event.subject)
        else:
            self.events.append(event)
            self.instants.append(self.network.now)

    def do(self, command: Callable[..., _EventT], *args: Any, **keywords: Any) -> _EventT:
        """Give the session a command, now, and carry out what it wishes."""
        try:
            return command(*args, now=self.client.now, **keywords)
        finally:
            self.client.kick()

    def do_at_once(self, destination: str, body: bytes) -> bool:
        """Send a message that asks for nothing, if nothing is in the way; return whether it was sent."""
        try:
            return self.session.send_at_once(self.client.now, destination, body)
        finally:
            self.client.kick()

    def run(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.server.kick()
        self.network.run(seconds)

    def start(self) -> World:
        """Start the session, and wait until it is ready."""
        self.do(self.session.start)
        self.network.run_until(lambda: bool(self.of(Ready)), 60.0)
        return self

    def of(self, kind: type[_EventT]) -> list[_EventT]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ended(self) -> Ended:
        """The end, which has come, last and once."""
        (ended,) = self.of(Ended)
        assert self.events[-1] is ended
        return ended

    @property
    def delays(self) -> list[float]:
        """How long the session waited before each further attempt."""
        return [event.retry_in for event in self.of(Interrupted)]

    def send(self, destination: str, body: bytes | str = b"", **keywords: Any) -> Ticket | None:
        octets = body.encode() if isinstance(body, str) else body
        return self.do(self.session.send, destination, octets, **keywords)

    def confirm(self, destination: str, body: bytes | str = b"", **keywords: Any) -> Ticket:
        """Send a message that asks for a confirmation."""
        ticket = self.send(destination, body, confirm=True, **keywords)
        assert ticket is not None
        return ticket

    def subscribe(self, destination: str, **keywords: Any) -> Subscription:
        return self.do(self.session.subscribe, destination, **keywords)

    def take(self, subscription: Subscription) -> Delivery | None:
        return self.do(self.session.take, subscription)

    def bodies(self, subscription: Subscription) -> list[bytes]:
        """Take everything that waits."""
        found: list[bytes] = []
        while (delivery := self.take(subscription)) is not None:
            found.append(delivery.message.body)
        return found

    def publish(self, destination: str, *bodies: bytes) -> None:
        """Let the broker accept messages from somebody else."""
        for body in bodies:
            self.broker.publish(destination, body)
        self.server.kick()

    @property
    def peer(self) -> Peer:
        """The broker's side of the present connection."""
        (peer,) = self.broker.peers.values()
        return peer

    def tell(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Let the broker say something of which the model knows nothing."""
        self.broker.say(self.peer, command, headers, body)
        self.server.kick()

    def lose(self) -> None:
        """Break the present connection."""
        self.network.wires[-1].reset()

    def restart(self, *, keep: bool = True) -> None:
        """Let the broker crash and come back."""
        self.broker.restart(keep=keep)
        self.server.kick()


def settled(ticket: Ticket | None) -> tuple[Outcome | None, type[Exception] | None]:
    """Return how a ticket settled, and the kind of its error."""
    assert ticket is not None
    return ticket.outcome, None if ticket.error is None else type(ticket.error)


class HandLink:
    """A link on one stream that does what a test says, and notes what it is given."""

    def __init__(self, stream_ids: Iterator[StreamId], credentials: Credentials) -> None:
        self.stream = next(stream_ids)
        self.credentials = credentials
        self.phase = Phase.TCP
        self.sent = bytearray()
        self.chunks: list[bytes] = []
        self.calls: list[str] = []
        self.deaf = False
        self.slow = False
        """Whether the driver takes nothing."""
        self.deadline: float | None = None
        self.passage: StreamId | None = None
        self.work = 0
        self._queued = bytearray()
        self._events: deque[LinkEvent] = deque()
        self._actions: deque[StreamAction] = deque()
        self._over = False

    # What a test does

    def opened(self, transport: str = "tcp") -> None:
        self._events.append(LinkOpened(transport))

    def hear(self, octets: bytes) -> None:
        self._events.append(LinkData(octets))

    def lost(self, closed: LinkClosed) -> None:
        self._over = True
        self._events.append(closed)

    # What a session does

    def start(self, now: float) -> None:
        self.calls.append("start")
        self._actions.append(OpenStream(self.stream, address("hand")))

    def send(self, chunk: bytes, now: float) -> None:
        if self.deaf:
            raise LocalProtocolError(Misuse.CLOSED, "the link is closed")
        self.sent += chunk
        self.chunks.append(chunk)
        if self.slow:
            self._queued += chunk

    def carries(self, chunk: bytes) -> bool:
        return True

    @property
    def unsent(self) -> int:
        return len(self._queued)

    def pause_reading(self, now: float) -> None:
        self.calls.append("pause")

    def resume_reading(self, now: float) -> None:
        self.calls.append("resume")

    def close(self, now: float) -> None:
        self._end("close")

    def abort(self, now: float) -> None:
        self._end("abort")

    def _end(self, how: str) -> None:
        self.calls.append(how)
        if not self._over:
            self._over = True
            self._actions.append(CloseStream(self.stream, abort=how == "abort"))

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self.calls.append("stream_opened")

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None: ...

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self.calls.append("tls_started")

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self.calls.append("stream_lost")
        self._events.append(LinkClosed(False, Phase.OPEN, f"the stream is gone: {why.value}", loss=why))

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self.hear(data)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self.calls.append("eof")

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        octets = bytes(self._queued[:max_bytes])
        del self._queued[:max_bytes]
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        return "pause" not in self.calls

    def changed_streams(self) -> list[StreamId]:
        return [self.stream] if self._queued else []

    def next_action(self) -> StreamAction | None:
        return self._actions.popleft() if self._actions else None

    def next_event(self) -> LinkEvent | None:
        return self._events.popleft() if self._events else None

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.calls.append("time")

    def wants_run(self) -> bool:
        return self.work > 0

    def run(self, now: float) -> None:
        self.work = max(0, self.work - 1)

    @property
    def finished(self) -> bool:
        return self._over


class Hand:
    """A session whose links are worked by hand."""

    def __init__(
        self,
        *,
        jitter: Callable[[], float] = lambda: 1.0,
        observe: Callable[[object], None] | None = None,
        names: tuple[str, ...] = ("hand",),
        carries: Callable[[bytes], bool] = lambda body: True,
        login: str | None = None,
        passcode: str | None = None,
        **options: Any,
    ) -> None:
        self.now = 0.0
        self.links: list[HandLink] = []
        options.setdefault("heartbeat", (0.0, 0.0))
        targets = tuple(
            Target(name, "/", self._make, carries=carries, login=login, passcode=passcode) for name in names
        )
        self.session = Session(
            SessionOptions(targets=targets, **options), prefix="p", jitter=jitter, observe=observe
        )
        self.actions: list[StreamAction] = []
        self.seen: list[SessionEvent] = []

    def _make(self, ids: Iterator[StreamId], credentials: Credentials) -> HandLink:
        self.links.append(HandLink(ids, credentials))
        return self.links[-1]

    @property
    def link(self) -> HandLink:
        """The latest link."""
        return self.links[-1]

    def start(self) -> Hand:
        self.session.start(self.now)
        self.drain()
        return self

    def drain(self) -> None:
        """Do as a driver does after every input."""
        while (action := self.session.next_action()) is not None:
            self.actions.append(action)
        while (event := self.session.next_event()) is not None:
            self.seen.append(event)
        self.session.changed_streams()

    def look(self) -> None:
        """Let the session take what its link has to say."""
        self.session.run(self.now)
        self.drain()

    def connect(self, transport: str = "tcp", **headers: str) -> Hand:
        """Open the latest link, and answer CONNECT."""
        self.link.opened(transport)
        self.hear("CONNECTED", {"version": "1.2", **headers})
        return self

    def hear(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Let the server say something."""
        self.link.hear(encode(Frame(command, headers, body), Version.V1_2))
        self.look()

    def lose(self, **why: Any) -> None:
        """Let the latest link end, by default as a stream that broke."""
        given = {"clean": False, "phase": Phase.OPEN, "reason": "it broke", **why}
        self.link.lost(LinkClosed(**given))
        self.look()

    def advance(self, seconds: float) -> None:
        """Let time pass, visiting every deadline on the way."""
        until = self.now + seconds
        while (deadline := self.session.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.session.handle_timeout(self.now)
            self.drain()
        self.now = until

    def said(self, link: HandLink | None = None) -> list[Frame]:
        """Return, and forget, the frames that a link was given."""
        link = link or self.link
        parser = FrameParser(Version.V1_2)
        parser.receive_data(bytes(link.sent))
        link.sent.clear()
        found: list[Frame] = []
        while (frame := parser.next_frame()) is not None:
            found.append(frame)
        assert not parser.pending
        return found

    def commands(self) -> list[str]:
        """Return, and forget, the commands that the latest link was given."""
        return [frame.command for frame in self.said()]

    def of(self, kind: type[_EventT]) -> list[_EventT]:
        """Return the events of a kind."""
        return [event for event in self.seen if isinstance(event, kind)]
