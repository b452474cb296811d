"""What clients get wrong, or do on purpose: each has its own answer, and the other clients notice nothing.

In virtual time, through the broker alone; tests/adapters/test_serve_bad_input.py has the same over sockets.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from stomp_sansio import Error, Limits, LocalProtocolError, Message, Receipt
from stomp_sansio.broker.broker import Broker
from stomp_sansio.broker.events import ClientGone, LoginAsked
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.sockjs_payload import encode_array
from stomp_sansio.machine import StreamId, StreamLoss
from tests.broker.world import Client, World
from tests.protocol.helpers import frames


class Witnesses:
    """Two clients that go on: what one sends, the other gets, at once and in order."""

    def __init__(self, world: World) -> None:
        self.sender, self.listener = world.connect(), world.connect()
        self.listener.connection.subscribe("/topic/witness", id="0")
        self.world = world
        self.sent = 0
        world.settle()

    def go_on(self) -> None:
        self.sent += 1
        self.sender.connection.send("/topic/witness", b"%d" % self.sent, receipt=str(self.sent))
        sender, listener = self.sender.take(), self.listener.take()
        assert [type(event) for event in (*sender, *listener)] == [Receipt, Message]
        assert [event.body for event in listener if isinstance(event, Message)] == [b"%d" % self.sent]


def refusal(client: Client) -> tuple[str, str]:
    error = client.error()
    assert client.stream not in client.world.clients
    return error.message or "", error.text


def flood() -> Iterator[bytes]:
    """10 GiB of header, 64 KiB at a time."""
    yield b"SEND\n"
    line = b"x" * 99 + b":" + b"y" * 899 + b"\n"
    for _ in range(10 * 2**30 // (65 * len(line))):
        yield line * 65


def one_line() -> Iterator[bytes]:
    yield b"SEND\n"
    for _ in range(10 * 2**30 // 65_536):
        yield b"x" * 65_536


@pytest.mark.parametrize(("header", "message"), [(flood, "limit-headers"), (one_line, "limit-line")])
def test_ten_gibibytes_of_header(header, message: str) -> None:
    world = World()
    witnesses, client = Witnesses(world), world.connect()
    taken = 0
    tracemalloc.start()
    for octets in header():
        if client.stream not in world.clients or not world.broker.wants_read(client.stream):
            break
        taken += len(octets)
        world.broker.receive_data(client.stream, octets, world.now)
        world.settle()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 300_000
    assert peak < 2_000_000
    assert refusal(client)[0] == message
    witnesses.go_on()


def test_one_that_never_reads() -> None:
    world = World(BrokerOptions(slow_octets=100_000))
    witnesses, client = Witnesses(world), world.connect()
    client.connection.subscribe("/topic/witness", id="0")
    world.settle()
    client.reads = False
    largest = 0
    for _ in range(20):
        world.broker.publish("/topic/witness", bytes(10_000), world.now)
        assert [len(body) for body in witnesses.listener.bodies()] == [10_000]
        witnesses.go_on()
        largest = max(largest, world.broker.statistics().backlog)
    assert client.stream not in world.clients
    assert largest <= 100_000
    gone = [event.reason for event in world.take_events() if isinstance(event, ClientGone)]
    assert gone == ["it was too far behind"]


CONVERSATION = [
    b"CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0",
    b"\n\nSUBSCRIBE\nid:q\ndestination:/queue/work\nack:client-individual\n\n\0",
    b"SUBSCRIBE\nid:t\ndestination:/topic/>\n\n\0SUBSCRIBE\nid:temp\ndestination:/temp-queue/a\n\n\0",
    b"SEND\ndestination:/queue/work\nreply-to:/temp-queue/b\ncontent-length:4\n\nwork\0",
    b"BEGIN\ntransaction:1\n\n\0",
    b"SEND\ndestination:/queue/undone\ntransaction:1\n\nundone\0",
    b"UNSUBSCRIBE\nid:t\n\n\0",
    b"DISCONNECT\nreceipt:bye\n\n\0",
]


@pytest.mark.parametrize("why", [StreamLoss.RESET, StreamLoss.CLOSED, StreamLoss.TRUNCATED])
def test_one_that_disconnects_in_every_state(why: StreamLoss) -> None:
    """After every octet of a conversation, and whatever it left is as if it had never been there."""
    world = World()
    witnesses = Witnesses(world)
    said = b"".join(CONVERSATION)
    for length in range(len(said) + 1):
        client = world.open()
        client.say(said[:length])
        if client.stream in world.clients:
            client.leave(why)
        witnesses.go_on()
        statistics = world.broker.statistics()
        assert (statistics.connections, statistics.subscriptions, statistics.backlog) == (2, 1, 0)
        assert all(queue.unacknowledged == queue.consumers == 0 for queue in statistics.queues.values())
        assert {name for _, name in statistics.queues} <= {"/queue/work"}
    # The message that nobody acknowledged waits once for each client that got so far as to send it.
    complete = said.index(b"work\0") + len(b"work\0")
    assert world.broker.statistics().queues["/", "/queue/work"].waiting == len(said) + 1 - complete


def test_one_that_ends_only_its_own_side_in_every_state() -> None:
    world = World()
    witnesses = Witnesses(world)
    said = b"".join(CONVERSATION)
    for length in range(len(said) + 1):
        client = world.open()
        client.say(said[:length])
        if client.stream in world.clients:
            world.broker.receive_eof(client.stream, world.now)
            world.settle()
        assert client.stream not in world.clients
        witnesses.go_on()


def test_ten_thousand_subscriptions_of_one_client() -> None:
    world = World()
    witnesses, client = Witnesses(world), world.connect()
    number = 0
    for number in range(10_000):
        client.say(b"SUBSCRIBE\nid:%d\ndestination:/topic/%d\n\n\0" % (number, number))
        if client.stream not in world.clients:
            break
    assert number == Limits.server().max_subscriptions == 1_000
    message, text = refusal(client)
    assert "1000 subscriptions" in message + text
    witnesses.go_on()
    assert world.broker.statistics().subscriptions == 1


def test_ten_thousand_subscriptions_of_ten_clients_are_fine() -> None:
    world = World()
    witnesses = Witnesses(world)
    clients = [world.connect() for _ in range(10)]
    for client in clients:
        for number in range(1_000):
            client.connection.subscribe(f"/topic/{number}", id=str(number))
    world.settle()
    assert world.broker.statistics().subscriptions == 10_001
    witnesses.go_on()
    witnesses.sender.connection.send("/topic/999")
    assert [len(client.messages()) for client in clients] == [1] * 10


def test_an_unknown_destination_prefix() -> None:
    world = World()
    witnesses, client = Witnesses(world), world.connect()
    client.connection.send("/exchange/amq.topic/a", receipt="r")
    message, text = refusal(client)
    assert message == "unknown destination"
    assert text == (
        "there is no destination '/exchange/amq.topic/a' here: "
        "write /topic/NAME, /queue/NAME, /temp-queue/NAME"
    )
    witnesses.go_on()


@pytest.mark.parametrize("command", [b"ACK", b"NACK"])
def test_an_acknowledgement_of_someone_elses_message(command: bytes) -> None:
    world = World()
    witnesses, owner, client = Witnesses(world), world.connect(), world.connect()
    for each in (owner, client):
        each.connection.subscribe("/queue/a", id="0", ack="client-individual")
        world.settle()
    witnesses.sender.connection.send("/queue/a", b"the owner's")
    (message,) = owner.messages()
    client.say(command + b"\nid:%s\n\n\0" % message.headers["ack"].encode())
    assert "no message awaits" in "".join(refusal(client))
    witnesses.go_on()
    assert world.broker.statistics().queues["/", "/queue/a"].unacknowledged == 1
    owner.connection.ack(message)
    owner.take()
    with pytest.raises(LocalProtocolError):
        owner.connection.ack(message)
    assert world.broker.statistics().queues["/", "/queue/a"].unacknowledged == 0


@pytest.mark.parametrize(
    "octets",
    [
        b"\0",
        b"GARBAGE\n\n\0",
        b"MESSAGE\ndestination:/topic/a\nmessage-id:1\nsubscription:0\n\n\0",
        b"SEND\ndestination:/topic/a\ncontent-length:-1\n\n\0",
        b"SEND\ndestination:/topic/a\ncontent-length:99999999999999999999\n\n",
        b"SEND\ndestination:/topic/\\x\n\n\0",
        b"SEND\ndestination:/topic/\xff\n\n\0",
        b"SUBSCRIBE\nid:0\ndestination:/topic/a\nack:maybe\n\n\0",
        b"UNSUBSCRIBE\nid:nobody's\n\n\0",
        b"COMMIT\ntransaction:never begun\n\n\0",
        b"CONNECT\naccept-version:1.2\n\n\0",
        b"SUBSCRIBE\nid:0\ndestination:/queue/a\nprefetch-count:many\n\n\0",
    ],
)
def test_whatever_else_is_wrong_has_an_answer_of_its_own(octets: bytes) -> None:
    world = World()
    witnesses, client = Witnesses(world), world.connect()
    client.say(octets)
    assert isinstance(client.error(), Error)
    witnesses.go_on()


def test_one_that_says_nothing_at_all() -> None:
    world = World()
    witnesses, client = Witnesses(world), world.open()
    client.say(b"CONN")
    world.advance(10.0)
    assert client.stream not in world.clients
    gone = [event for event in world.take_events() if isinstance(event, ClientGone)]
    assert [event.reason for event in gone] == ["too late: no connection in 10 seconds"]
    witnesses.go_on()


def test_threat_4_what_came_with_a_request_is_not_kept_once_somebody_is_in() -> None:
    """A session over xhr has no stream: a long Cookie header would be all that it costs to have it held."""
    broker = Broker(LinkServer(bytes), lambda: "token")
    stream = StreamId(1)
    broker.stream_accepted(stream, 0, "client:1", 0.0)
    said = encode_array([b"CONNECT\naccept-version:1.2\n\n\0"])

    def ask(path: str, body: bytes = b"") -> None:
        fields = b"Host: h\r\nContent-Length: %d\r\nCookie: %s" % (len(body), b"x" * 50_000)
        head = b"POST /sockjs/0/%s HTTP/1.1\r\n%s\r\n\r\n" % (path.encode(), fields)
        broker.receive_data(stream, head + body, 0.0)
        while (event := broker.next_event()) is not None:
            if isinstance(event, LoginAsked):
                assert dict(event.http_headers)["cookie"] == "x" * 50_000
                broker.accept(event.peer, 0.0)
        while broker.data_to_send(stream, 0.0):
            pass

    ask("warm/xhr")
    tracemalloc.start()
    try:
        for number in range(20):
            ask(f"{number}/xhr")
            ask(f"{number}/xhr_send", said)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert broker.statistics().connections == 20
    # A connection itself takes some kilobytes; two requests of the stream may be held.
    assert held < 20 * 20_000


def test_frames_are_read() -> None:
    """The helper of these tests is no deception: the conversation has nine frames."""
    assert len(frames(b"".join(CONVERSATION))) == 9
