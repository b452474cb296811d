"""Who comes and who goes, whose turn it is, and that every wait ends."""

from __future__ import annotations

import json
from itertools import count

import pytest

from stomp_sansio import Closed, CloseReason, Error, LocalProtocolError, Message, Misuse, Version
from stomp_sansio.broker.broker import Broker
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.events import LoginAsked, StreamRefused
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.peers import PeerId
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss
from tests.broker.world import World, asking, gone, upgraded


@pytest.mark.parametrize("asks", [False, True])
def test_no_connection_in_time_is_an_end(asks: bool) -> None:
    world = World(BrokerOptions(open_timeout=10.0), login=None)
    client = asking(world) if asks else world.open()
    world.advance(9.9)
    assert client.take() == []
    world.advance(0.2)
    error, closed = client.take() if asks else (None, None)
    if asks:
        assert isinstance(error, Error)
        assert (error.message, error.text) == ("too late", "no connection in 10 seconds")
        assert isinstance(closed, Closed)
    assert len(gone(world)) == 1
    assert world.clients == {}
    assert world.broker.next_deadline() is None


def test_there_is_a_limit_to_who_comes_in() -> None:
    world = World(BrokerOptions(max_connections=2))
    first, second = world.connect(), world.connect()
    third = world.open()
    third.connection.connect()
    third.take()
    assert third.stream not in world.clients
    assert gone(world)[0].reason.startswith("too many connections: ")
    second.leave()
    first.connection.send("/topic/a", receipt="r")
    assert first.receipts() == ["r"]
    world.connect()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"SEND\n\n\0", "'destination'"),
        (b"NOPE\n\n\0", "NOPE"),
        (b"ACK\nid:someone else's\n\n\0", "no message awaits ACK"),
        (b"SEND\nx" * 2_000, "longer"),
    ],
)
def test_who_breaks_a_rule_is_told_which_and_the_others_notice_nothing(octets: bytes, reason: str) -> None:
    world = World()
    client, other = world.connect(), world.connect()
    client.say(octets)
    assert isinstance(client.error(), Error)
    (event,) = gone(world)
    assert (event.peer, event.clean) == (client.peer, False)
    assert reason in event.reason or reason == "longer"
    other.connection.send("/topic/a", receipt="r")
    assert other.receipts() == ["r"]


def test_why_somebody_is_gone_is_told() -> None:
    world = World()
    polite, rude, expelled, dropped = (world.connect() for _ in range(4))
    world.take_events()
    polite.connection.disconnect(receipt="r")
    world.settle()
    rude.leave()
    world.broker.expel(expelled.peer, world.now, "maintenance", details="come back")
    world.settle()
    world.broker.drop(dropped.peer, world.now)
    world.broker.drop(dropped.peer, world.now)
    assert [(event.peer, event.clean, event.reason) for event in gone(world)] == [
        (polite.peer, True, "its connection ended: disconnect"),
        (rude.peer, False, f"the connection to client {rude.stream} broke"),
        (expelled.peer, False, "maintenance: come back"),
        (dropped.peer, False, "the broker ended it"),
    ]
    error = expelled.error()
    assert (error.message, error.text) == ("maintenance", "come back")
    (closed,) = dropped.take()
    assert isinstance(closed, Closed)
    assert world.broker.statistics().connections == 0


def test_hearts_beat_and_silence_is_an_end() -> None:
    world = World(BrokerOptions(heartbeat=(1.0, 1.0)))
    client = world.connect(heartbeat=(1.0, 1.0))
    world.advance(100.0)
    assert client.take() == []
    silent = world.connect(heartbeat=(1.0, 0.0))
    silent.connection = world.open().connection
    world.advance(5.0)
    assert [event.reason for event in gone(world)][:1] == [
        f"its connection ended: {CloseReason.HEARTBEAT_TIMEOUT.value}"
    ]


def test_a_stream_that_becomes_no_client_is_told_of() -> None:
    world = World(entrance=StreamEntrance([WebSocketLink.accepted]))
    client = world.open(version=Version.V1_2)
    client.say(b"GET / HTTP/1.0\r\n\r\n")
    (refused,) = world.take_events()
    assert isinstance(refused, StreamRefused)


def test_what_comes_behind_an_end_is_not_heard() -> None:
    world = World()
    client = world.connect()
    world.broker.drop(client.peer, world.now)
    world.broker.receive_data(client.stream, b"SEND\ndestination:/topic/a\n\n\0", world.now)
    world.settle()
    assert world.broker.statistics().sent == 0


def test_at_the_end_what_is_queued_is_written_and_nobody_comes_in() -> None:
    world = World()
    clients = [world.connect() for _ in range(3)]
    for client in clients:
        client.connection.subscribe("/topic/a", id="0")
    world.settle()
    clients[0].reads = False
    for _ in range(40):
        world.broker.publish("/topic/a", bytes(10_000), world.now)
    assert not world.broker.finished
    world.broker.close(world.now)
    world.broker.close(world.now)
    late = world.open()
    world.settle()
    assert late.stream not in world.clients
    # Those that have it all are told to go at once.
    assert [len(client.heard) for client in clients] == [0, 41, 41]
    assert not world.broker.finished
    clients[0].reads = True
    world.settle()
    assert [len(client.heard) for client in clients] == [41, 41, 41]
    assert world.broker.finished
    later = StreamId(1_000)
    world.broker.stream_accepted(later, 0, "later", world.now)
    assert world.broker.next_action() is not None
    world.broker.stream_lost(later, StreamLoss.CLOSED, world.now)
    assert world.broker.finished


def test_the_end_does_not_wait_for_ever() -> None:
    world = World(BrokerOptions(slow_seconds=10.0))
    client = world.connect()
    client.connection.subscribe("/topic/a", id="0")
    world.settle()
    client.reads = False
    for _ in range(40):
        world.broker.publish("/topic/a", bytes(10_000), world.now)
    world.broker.close(world.now)
    world.settle()
    assert not world.broker.finished
    world.advance(15.0)
    assert world.broker.finished


def test_work_in_progress_is_done_before_the_end() -> None:
    world = World()
    taker = world.connect()
    for id in range(600):
        taker.connection.subscribe("/topic/a", id=str(id))
    world.settle()
    world.broker.publish("/topic/a", b"body", world.now)
    assert world.broker.wants_run()
    world.broker.close(world.now)
    assert not world.broker.finished
    world.settle()
    assert world.broker.finished
    assert world.broker.statistics().delivered == 600


def test_the_other_side_may_end_its_stream() -> None:
    world = World()
    client = world.connect()
    world.broker.receive_eof(client.stream, world.now)
    world.settle()
    assert [event.clean for event in gone(world)] == [False]
    assert world.clients == {}


def test_while_much_waits_writers_are_woken_now_and_then() -> None:
    world = World()
    taker = world.connect()
    for id in range(1_000):
        taker.connection.subscribe("/topic/a", id=str(id))
    world.settle()
    sender = world.connect()
    for _ in range(12):
        sender.connection.send("/topic/a")
    world.broker.receive_data(sender.stream, sender.connection.data_to_send(0.0), 0.0)
    woken = []
    while world.broker.wants_run():
        world.broker.run(0.0)
        woken.append(taker.stream in world.broker.changed_streams())
        while world.read(taker):
            pass
    assert woken[:8] == [False, False, False, True, False, False, False, True]


def test_only_so_many_writers_are_woken_at_a_time() -> None:
    world = World()
    takers = [world.connect() for _ in range(150)]
    for taker in takers:
        taker.connection.subscribe("/topic/a", id="0")
    world.settle()
    world.broker.publish("/topic/a", b"body", world.now)
    woken = [len(world.broker.changed_streams())]
    while world.broker.wants_run():
        assert world.broker.statistics().delivered == 150
        world.broker.run(world.now)
        woken.append(len(world.broker.changed_streams()))
    assert woken == [64, 64, 22]
    assert all(taker.bodies() == [b"body"] for taker in takers)


def test_slow_clients_are_parted_with_and_the_work_goes_on() -> None:
    world = World(BrokerOptions(slow_octets=70_000))
    slow, good, sender = world.connect(), world.connect(), world.connect()
    for client in (slow, good):
        client.connection.subscribe("/topic/a", id="0")
    slow.connection.subscribe("/queue/a", id="1", ack="client")
    sender.connection.send("/queue/a", b"comes back")
    world.settle()
    slow.reads = False
    for _ in range(10):
        sender.connection.send("/topic/a", bytes(10_000))
        world.settle()
    assert [event.reason for event in gone(world)] == ["it was too far behind"]
    assert len(good.bodies()) == 10
    assert world.broker.statistics().queues["/", "/queue/a"].waiting == 1


def test_who_takes_too_little_is_parted_with_in_every_state() -> None:
    world = World(BrokerOptions(slow_seconds=10.0))
    clients = [world.connect() for _ in range(2)]
    for client in clients:
        client.connection.subscribe("/topic/a", id="0")
    world.settle()
    for client in clients:
        client.reads = False
    for _ in range(30):
        world.broker.publish("/topic/a", bytes(10_000), world.now)
    world.broker.expel(clients[1].peer, world.now, "and it does not even read this")
    world.settle()
    world.advance(15.0)
    assert [event.reason for event in gone(world)] == [
        "and it does not even read this: ",
        "it was 10 seconds behind",
    ]
    assert world.clients == {}


def test_a_queue_goes_on_when_its_consumer_has_caught_up() -> None:
    world = World()
    client = world.connect()
    client.connection.subscribe("/queue/a", id="0")
    world.settle()
    client.reads = False
    for _ in range(30):
        world.broker.publish("/queue/a", bytes(10_000), world.now)
    world.settle()
    client.reads = True
    assert len(client.bodies()) == 30


class Closing(StreamEntrance):
    """An entrance that adds something to what its peers are sent, and may be on its way down."""

    __slots__ = ()
    closing = False

    def passage(self, peer: PeerId) -> StreamId | None:
        return None

    def send(self, peer: PeerId, chunk: bytes, now: float) -> None:
        if Closing.closing:
            raise LocalProtocolError(Misuse.CLOSED, "on its way down")
        super().send(peer, chunk, now)


def test_who_cannot_be_answered_any_more_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(entrance=Closing([PlainLink.accepted]))
    client = world.connect()
    monkeypatch.setattr(Closing, "closing", True)
    client.connection.send("/topic/a", receipt="r")
    world.settle()
    client.connection.send("/topic/a")
    world.settle()
    assert world.broker.statistics().sent == 1


def test_who_ends_its_side_gets_what_it_was_told_and_no_more() -> None:
    world = World()
    leaver, other = world.connect(), world.connect()
    for client in (leaver, other):
        client.connection.subscribe("/queue/a", id="0")
    world.settle()
    leaver.reads = False
    world.broker.publish("/queue/a", b"first", world.now)
    world.broker.receive_eof(leaver.stream, world.now)
    for body in (b"second", b"third"):
        world.broker.publish("/queue/a", body, world.now)
    assert other.bodies() == [b"second", b"third"]
    leaver.reads = True
    message, closed = leaver.take()
    assert isinstance(message, Message)
    assert (message.body, type(closed)) == (b"first", Closed)
    assert [event.peer for event in gone(world)] == [leaver.peer]


def test_what_was_said_before_the_end_of_a_stream_is_heard() -> None:
    world = World()
    client = world.connect()
    client.connection.send("/queue/a", b"last")
    octets = client.connection.data_to_send(world.now)
    taker = world.connect()
    for id in range(600):
        taker.connection.subscribe("/topic/a", id=str(id))
    world.settle()
    world.broker.publish("/topic/a", b"much to do", world.now)
    assert world.broker.wants_run()
    world.broker.receive_data(client.stream, octets, world.now)
    world.broker.receive_eof(client.stream, world.now)
    world.settle()
    assert client.stream not in world.clients
    assert world.broker.statistics().queues["/", "/queue/a"].waiting == 1


def test_one_that_takes_nothing_does_not_keep_the_others_from_going() -> None:
    world = World(BrokerOptions(slow_seconds=10.0))
    stuck, good = world.connect(), world.connect()
    for client in (stuck, good):
        client.connection.subscribe("/topic/a", id="0")
    world.settle()
    stuck.reads = False
    world.broker.publish("/topic/a", b"body", world.now)
    world.broker.close(world.now)
    message, closed = good.take()
    assert (type(message), type(closed)) == (Message, Closed)
    assert list(world.clients) == [stuck.stream]
    # What it says now is too late.
    world.broker.receive_data(stuck.stream, b"SEND\ndestination:/queue/a\n\n\0", world.now)
    world.settle()
    assert world.broker.statistics().sent == 1
    world.advance(15.0)
    assert world.broker.finished


def test_a_client_that_is_not_let_in_yet_may_go() -> None:
    world = World(login=None)
    client = asking(world)
    client.leave()
    assert [event.peer for event in gone(world)] == [client.peer]


def test_a_websocket_may_end_as_well() -> None:
    world = World(entrance=StreamEntrance([PlainLink.accepted, WebSocketLink.accepted]))
    world.broker.receive_eof(upgraded(world), world.now)
    assert isinstance(world.broker.next_action(), CloseStream)


def test_who_polls_gets_what_waits_in_a_queue_without_waiting_itself() -> None:
    names = count(1)
    broker = Broker(LinkServer(bytes), lambda: f"token-{next(names)}")
    stream = StreamId(1)
    broker.stream_accepted(stream, 0, "somewhere", 0.0)

    def asked(path: str, *frames: str) -> bytes:
        """Return what a request is answered with; whoever wants to come in may."""
        body = json.dumps(frames).encode() if frames else b""
        head = f"POST /stomp/0/s/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        broker.receive_data(stream, head.encode() + body, 0.0)
        while (event := broker.next_event()) is not None:
            if isinstance(event, LoginAsked):
                broker.accept(event.peer, 0.0)
        answer = b""
        while octets := broker.data_to_send(stream, 0.0):
            answer += octets
            while broker.wants_run():
                broker.run(0.0)
        return answer

    assert asked("xhr").endswith(b"o\n")
    asked("xhr_send", "CONNECT\naccept-version:1.2\n\n\0", "SUBSCRIBE\nid:0\ndestination:/queue/a\n\n\0")
    assert b"CONNECTED" in asked("xhr")
    for _ in range(100):
        broker.publish("/queue/a", bytes(5_000), 0.0)
    polls = 0
    missing = 100
    while missing and polls < 20:
        missing -= asked("xhr").count(b"MESSAGE\\n")
        polls += 1
    assert missing == 0
