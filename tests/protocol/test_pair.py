"""A client and a server, driven against each other through a pipe that loses nothing and cuts anywhere.

What one side says is what the other hears, whole and in order, and both know of each other's end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stomp_sansio import (
    AckMode,
    CloseReason,
    Connected,
    Connection,
    ConnectRequest,
    Message,
    Misuse,
    ServerConnection,
    State,
    Version,
)
from tests.protocol.helpers import refused

bodies = st.sampled_from([b"", b"x", b"a\0b\n", bytes(500)])
amounts = st.one_of(st.none(), st.integers(1, 300))
numbers = st.integers(0, 50)
flags = st.booleans()

Side = Connection | ServerConnection
Facts = tuple[object, ...]


def facts(event: Any) -> Facts:
    """Return what an event says, its headers aside."""
    names = [name for name in type(event).__dataclass_fields__ if name != "headers"]
    return (type(event).__name__, *(getattr(event, name) for name in names))


class Pair(RuleBasedStateMachine):
    """Two connections, the octets between them, and what each side must hear next."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.version = Version.V1_2
        self.client = Connection()
        self.server = ServerConnection()
        self.to_server = self.to_client = b""
        self.server_hears: deque[Facts] = deque()
        """What was said by the client, or follows from it, and was not heard."""
        self.client_hears: deque[Facts] = deque()
        self.subscribed: dict[str, AckMode] = {}
        """As the client sees it."""
        self.served: dict[str, AckMode] = {}
        """As the server sees it, to which news come later."""
        self.transactions: list[str] = []
        self.begun: list[str] = []
        """Transactions that the server has heard of."""
        self.asked: list[str] = []
        """Receipts that the server has heard of and not sent."""
        self.waiting: dict[str, list[Message]] = {}
        """Messages that the client got and has not acknowledged, by subscription."""
        self.modes: dict[str, AckMode] = {}
        """Of all subscriptions that ever were."""
        self.count = 0

    @initialize(
        version=st.sampled_from(Version),
        alone=flags,
        beats=st.sampled_from([(0.0, 0.0), (1.0, 2.0), (10.0, 10.0)]),
    )
    def shake_hands(self, version: Version, alone: bool, beats: tuple[float, float]) -> None:
        older = [other for other in Version if other.value <= version.value]
        self.version = version
        self.client = Connection(versions=[version] if alone else older, heartbeat=beats)
        self.server = ServerConnection(heartbeat=beats)
        self.client.connect(login="l")
        self.server.receive_data(self.client.data_to_send(self.now), self.now)
        request = self.server.next_event()
        assert isinstance(request, ConnectRequest)
        assert (request.version, request.login) == (version, "l")
        self.server.accept(session="s")
        self.client.receive_data(self.server.data_to_send(self.now), self.now)
        connected = self.client.next_event()
        assert isinstance(connected, Connected)
        assert (connected.version, connected.session) == (version, "s")
        assert self.client.negotiated_heartbeat == self.server.negotiated_heartbeat[::-1]

    # The pipe

    @rule(amount=amounts, frame=flags)
    def write_client(self, amount: int | None, frame: bool) -> None:
        side = self.client
        self.to_server += side.frame_to_send(self.now) if frame else side.data_to_send(self.now, amount)

    @rule(amount=amounts, frame=flags)
    def write_server(self, amount: int | None, frame: bool) -> None:
        side = self.server
        self.to_client += side.frame_to_send(self.now) if frame else side.data_to_send(self.now, amount)

    @rule(amount=amounts)
    def read_server(self, amount: int | None) -> None:
        taken = self.to_server if amount is None else self.to_server[:amount]
        self.to_server = self.to_server[len(taken) :]
        self.server.receive_data(taken, self.now)

    @rule(amount=amounts)
    def read_client(self, amount: int | None) -> None:
        taken = self.to_client if amount is None else self.to_client[:amount]
        self.to_client = self.to_client[len(taken) :]
        self.client.receive_data(taken, self.now)

    @rule()
    def hear_at_server(self) -> None:
        while (event := self.server.next_event()) is not None:
            heard = facts(event)
            assert heard == self.server_hears.popleft()
            match heard:
                case ("Subscribe", str(id), _, AckMode() as mode, _):
                    self.served[id] = mode
                case ("Unsubscribe", str(id), *_):
                    del self.served[id]
                case ("Begin", str(name), _):
                    self.begun.append(name)
                case ("Commit" | "Abort", str(name), *_):
                    self.begun.remove(name)
            receipt = getattr(event, "receipt", None)
            if receipt is not None:
                self.asked.append(receipt)

    @rule()
    def hear_at_client(self) -> None:
        while (event := self.client.next_event()) is not None:
            if isinstance(event, Message):
                id = event.subscription
                assert id is not None
                assert event.known == (id in self.subscribed)
                assert (*facts(event)[:5], event.body) == self.client_hears.popleft()
                if self.subscribed.get(id, AckMode.AUTO) is not AckMode.AUTO:
                    self.waiting[id].append(event)
            else:
                assert facts(event) == self.client_hears.popleft()

    def settle(self) -> None:
        """Move and hear everything."""
        for _ in range(2):
            self.write_client(None, frame=False)
            self.read_server(None)
            self.hear_at_server()
            self.write_server(None, frame=False)
            self.read_client(None)
            self.hear_at_client()
        assert (self.to_server, self.to_client) == (b"", b"")
        assert [*self.server_hears, *self.client_hears] == []
        assert self.client.state is self.server.state
        if self.talking:
            assert self.subscribed == self.served
            assert self.transactions == self.begun

    # What the client says

    @property
    def talking(self) -> bool:
        return self.client.state is State.CONNECTED

    def ask(self, *events: Facts) -> None:
        if self.server.state is not State.CLOSED:
            self.server_hears += events

    def name(self, wanted: bool = True) -> str | None:
        self.count += wanted
        return f"n:{self.count}" if wanted else None

    @precondition(lambda self: self.talking)
    @rule(mode=st.sampled_from(AckMode), receipt=flags)
    def subscribe(self, mode: AckMode, receipt: bool) -> None:
        id, asked = str(self.name()), self.name(receipt)
        self.client.subscribe("/q", id=id, ack=mode, receipt=asked)
        self.ask(("Subscribe", id, "/q", mode, asked))
        self.subscribed[id] = self.modes[id] = mode
        self.waiting[id] = []

    @precondition(lambda self: self.talking and self.subscribed)
    @rule(number=numbers, receipt=flags)
    def unsubscribe(self, number: int, receipt: bool) -> None:
        id, asked = list(self.subscribed)[number % len(self.subscribed)], self.name(receipt)
        self.client.unsubscribe(id, receipt=asked)
        self.ask(("Unsubscribe", id, None, asked))
        del self.subscribed[id]

    @precondition(lambda self: self.talking)
    @rule(body=bodies, inside=flags, receipt=flags)
    def send(self, body: bytes, inside: bool, receipt: bool) -> None:
        transaction = self.transactions[-1] if inside and self.transactions else None
        asked = self.name(receipt)
        self.client.send("/q", body, transaction=transaction, receipt=asked)
        self.ask(("Send", "/q", transaction, asked, body))

    @precondition(lambda self: self.talking)
    @rule(receipt=flags)
    def begin(self, receipt: bool) -> None:
        name, asked = str(self.name()), self.name(receipt)
        self.client.begin(name, receipt=asked)
        self.ask(("Begin", name, asked))
        self.transactions.append(name)

    @precondition(lambda self: self.talking and self.transactions)
    @rule(number=numbers, commit=flags)
    def end_transaction(self, number: int, commit: bool) -> None:
        name = self.transactions.pop(number % len(self.transactions))
        if commit:
            self.client.commit(name)
            self.ask(("Commit", name, None))
        else:
            self.client.abort(name)
            self.ask(("Abort", name, False, None))

    @precondition(lambda self: self.talking and any(self.waiting.values()))
    @rule(number=numbers, nack=flags, inside=flags)
    def acknowledge(self, number: int, nack: bool, inside: bool) -> None:
        every = [message for messages in self.waiting.values() for message in messages]
        message = every[number % len(every)]
        id = str(message.subscription)
        transaction = self.transactions[0] if inside and self.transactions else None
        nack = nack and self.version is not Version.V1_0
        say = self.client.nack if nack else self.client.ack
        say(message, transaction=transaction)
        waiting = self.waiting[id]
        covered = waiting[: waiting.index(message) + 1] if self.cumulative(id) else [message]
        for other in covered:
            waiting.remove(other)
            refused(self.client, Misuse.UNKNOWN_MESSAGE, say, other)
        ids = tuple(other.message_id for other in covered)
        self.ask(("Nack" if nack else "Ack", id, ids, transaction, None))

    def cumulative(self, id: str) -> bool:
        return self.modes[id] is AckMode.CLIENT and self.version is not Version.V1_0

    @precondition(lambda self: self.talking)
    @rule(receipt=flags)
    def disconnect(self, receipt: bool) -> None:
        asked = self.name(receipt)
        self.client.disconnect(receipt=asked)
        self.ask(*(("Abort", name, True, None) for name in self.transactions))
        self.ask(("Disconnect", asked))
        if not receipt:
            self.ask(("Closed", True, CloseReason.DISCONNECT, None))
            self.client_hears.clear()
            self.client_hears.append(("Closed", True, CloseReason.DISCONNECT, None))

    @precondition(lambda self: self.client.state is not State.IDLE)
    @rule(method=st.sampled_from(["connect", "unsubscribe", "commit", "abort", "send", "subscribe"]))
    def misuse(self, method: str) -> None:
        call: Callable[..., None] = getattr(self.client, method)
        arguments: dict[str, tuple[str, ...]] = {"connect": (), "send": ("\0",)}
        known: dict[str, Misuse] = {
            "connect": Misuse.ALREADY_CONNECTED,
            "unsubscribe": Misuse.UNKNOWN_SUBSCRIPTION,
            "send": Misuse.BAD_HEADER,
            "subscribe": Misuse.BAD_HEADER,
        }
        expected = known.get(method, Misuse.UNKNOWN_TRANSACTION) if self.talking else Misuse.CLOSED
        if method == "subscribe":
            refused(self.client, expected, call, "/q", id="x", ack="individual")
        else:
            refused(self.client, expected, call, *arguments.get(method, ("nobody",)))

    # What the server says

    @property
    def serving(self) -> bool:
        return self.server.state in (State.CONNECTED, State.DISCONNECTING)

    def tell(self, *events: Facts) -> None:
        if self.client.state is not State.CLOSED:
            self.client_hears += events

    @precondition(lambda self: self.serving and self.served)
    @rule(number=numbers, body=bodies)
    def message(self, number: int, body: bytes) -> None:
        id = list(self.served)[number % len(self.served)]
        name, ack = str(self.name()), str(self.name())
        self.server.message(id, name, "/q", body, ack=ack)
        wants = self.served[id] is not AckMode.AUTO and self.version is Version.V1_2
        self.tell(("Message", "/q", name, id, ack if wants else None, body))

    @precondition(lambda self: self.serving and self.asked)
    @rule(number=numbers)
    def receipt(self, number: int) -> None:
        name = self.asked.pop(number % len(self.asked))
        self.server.receipt(name)
        self.tell(("Receipt", name, True))
        if self.server.state is State.CLOSED:
            self.server_hears.append(("Closed", True, CloseReason.DISCONNECT, None))
            self.tell(("Closed", True, CloseReason.DISCONNECT, None))

    @precondition(lambda self: self.serving)
    @rule(wanted=st.integers(0, 9))
    def error(self, wanted: int) -> None:
        if wanted:  # else most conversations would be short
            return
        self.server.error("m", body=b"because")
        self.server_hears.clear()
        self.server_hears += [("Abort", name, True, None) for name in self.begun]
        self.server_hears.append(("Closed", False, CloseReason.ERROR, None))
        self.tell(("Error", "m", None, b"because"), ("Closed", False, CloseReason.ERROR, None))

    # Time

    @rule()
    def wait(self) -> None:
        """Let time pass to the next deadline: while octets flow, nobody is given up."""
        self.settle()
        deadlines = [side.next_deadline() for side in (self.client, self.server)]
        known = [deadline for deadline in deadlines if deadline is not None]
        if known:
            self.now = max(self.now, min(known))
            for side in (self.client, self.server):
                side.handle_timeout(self.now)
                after = side.next_deadline()
                assert after is None or after > self.now
            self.settle()

    @invariant()
    def a_closed_connection_wants_to_close_and_nothing_else(self) -> None:
        for side in (self.client, self.server):
            over = side.state is State.CLOSED
            assert side.wants_close == over
            assert not (over and (side.wants_read or side.next_deadline() is not None))

    def teardown(self) -> None:
        if self.client.state is not State.IDLE:
            self.settle()


TestPair = Pair.TestCase
TestPair.settings = settings(max_examples=60, stateful_step_count=50)
