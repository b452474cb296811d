"""Nobody waits for a slow client: it gets what it can take, and is parted with when that is too little."""

from __future__ import annotations

import tracemalloc
from typing import ClassVar

import pytest

from stomp_sansio import LocalProtocolError, Misuse
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.events import ClientGone, MessageDropped
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.link import LinkOpened
from stomp_sansio.links.peers import PeerId
from stomp_sansio.links.plain import PlainLayer, PlainLink
from stomp_sansio.links.stream_link import StreamLink
from stomp_sansio.machine import StreamId
from tests.broker.world import Client, World
from tests.protocol.helpers import frames


def subscribed(world: World, destination: str = "/topic/a", **keywords) -> Client:
    client = world.connect()
    client.connection.subscribe(destination, id="0", **keywords)
    world.settle()
    return client


def gone(world: World) -> list[tuple[PeerId, str]]:
    return [(event.peer, event.reason) for event in world.take_events() if isinstance(event, ClientGone)]


def test_who_falls_too_far_behind_is_dropped_and_the_others_notice_nothing() -> None:
    world = World(BrokerOptions(slow_octets=200_000))
    slow, good, sender = subscribed(world), subscribed(world), world.connect()
    slow.reads = False
    largest = 0
    for number in range(1_000):
        sender.connection.send("/topic/a", b"%04d" % number + bytes(1_000), receipt=str(number))
        world.settle()
        largest = max(largest, world.broker.statistics().backlog)
    assert len(sender.receipts()) == 1_000
    assert [int(body[:4]) for body in good.bodies()] == list(range(1_000))
    assert 180_000 < largest <= 200_000
    dropped = [event for event in world.events if isinstance(event, MessageDropped)]
    assert [event.reason for event in dropped] == ["the subscriber is too far behind"]
    assert gone(world) == [(slow.peer, "it was too far behind")]
    assert slow.stream not in world.clients


def test_who_is_behind_for_too_long_is_dropped() -> None:
    world = World(BrokerOptions(slow_seconds=10.0))
    slow, good, sender = subscribed(world), subscribed(world), world.connect()
    slow.reads = False
    sender.connection.send("/topic/a", b"1")
    world.settle()
    world.advance(9.0)
    assert gone(world) == []
    world.advance(6.0)
    assert gone(world) == [(slow.peer, "it was 10 seconds behind")]
    assert good.bodies() == [b"1"]


def test_who_takes_a_little_all_the_time_stays() -> None:
    world = World(BrokerOptions(slow_seconds=10.0))
    slow, sender = subscribed(world), world.connect()
    slow.reads = False
    for _ in range(60):
        sender.connection.send("/topic/a", bytes(3_000))
        world.settle()
        slow.reads = True
        world.read(slow, 8_000)
        slow.reads = False
        world.advance(1.0)
    assert gone(world) == []
    slow.reads = True
    assert len(slow.bodies()) == 60


def test_the_end_waits_for_what_its_transport_has_not_got() -> None:
    world = World()
    client, other = subscribed(world), subscribed(world)
    client.reads = False
    for _ in range(30):
        world.broker.publish("/topic/a", bytes(10_000), world.now)
    world.settle()
    world.broker.handle_timeout(world.now)
    world.broker.close(world.now)
    world.settle()
    assert not world.broker.finished
    client.reads = True
    world.settle()
    assert world.broker.finished
    assert len(client.heard) == len(other.heard) == 31


def test_a_client_that_is_idle_and_has_taken_all_is_left_alone() -> None:
    world = World()
    client = subscribed(world)
    client.connection.send("/topic/a")
    world.settle()
    world.advance(1_000.0)
    assert world.broker.next_deadline() is None
    assert gone(world) == []


def test_a_queue_goes_on_as_soon_as_its_consumer_has_caught_up() -> None:
    world = World()
    client, sender = subscribed(world, "/queue/a"), world.connect()
    client.reads = False
    for _ in range(100):
        sender.connection.send("/queue/a", bytes(10_000))
    world.settle()
    assert world.broker.statistics().delivered < 20
    client.reads = True
    assert len(client.bodies()) == 100


def test_large_bodies_are_shared_not_copied() -> None:
    world = World()
    takers = [subscribed(world) for _ in range(100)]
    sender = world.connect()
    for taker in takers:
        taker.reads = False
    sender.connection.send("/topic/a", bytes(1_000_000))
    octets = sender.connection.data_to_send(0.0)
    tracemalloc.start()
    world.broker.receive_data(sender.stream, octets, 0.0)
    world.settle()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert world.broker.statistics().backlog > 100_000_000
    assert peak < 15_000_000
    for taker in takers:
        taker.reads = True
    assert all(len(taker.bodies()[0]) == 1_000_000 for taker in takers)


class XhrLayer(PlainLayer):
    """A plain stream that says it is something else."""

    __slots__ = ()
    chunks: ClassVar[list[bytes]] = []

    def start(self, now: float) -> None:
        self._events.append(LinkOpened("xhr-streaming"))

    def send(self, chunk: bytes, now: float) -> None:
        XhrLayer.chunks.append(chunk)
        super().send(chunk, now)


class Wandering(StreamEntrance):
    """An entrance that does not know which peer a stream is."""

    __slots__ = ()

    def peer_on(self, stream: StreamId) -> PeerId | None:
        return None


def accept(stream: StreamId, now: float, *, peer: str) -> StreamLink:
    return StreamLink.adopt(XhrLayer(), stream, now, peer=peer)


def test_where_streams_change_it_is_looked_often_whether_a_client_has_caught_up() -> None:
    world = World(entrance=Wandering([accept]))
    client, sender = subscribed(world, "/queue/a"), world.connect()
    for _ in range(100):
        sender.connection.send("/queue/a", bytes(10_000))
    bodies = client.bodies()
    assert len(bodies) < 50
    for _ in range(20):
        world.advance(0.25)
        bodies += client.bodies()
    assert len(bodies) == 100


def test_messages_carry_one_frame_each() -> None:
    world = World(entrance=StreamEntrance([accept]))
    subscribed(world)
    sender = world.connect()
    XhrLayer.chunks.clear()
    for size in (4, 10_000, 4):
        sender.connection.send("/topic/a", bytes(size))
    world.settle()
    assert [len(frames(chunk)) for chunk in XhrLayer.chunks] == [1, 1, 1]


class ClosingLayer(PlainLayer):
    """A transport that is on its way down, and has not said so."""

    __slots__ = ()
    closing = False

    def send(self, chunk: bytes, now: float) -> None:
        if ClosingLayer.closing:
            raise LocalProtocolError(Misuse.CLOSED, "closing")
        super().send(chunk, now)


def test_a_transport_that_takes_nothing_more_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def accept_closing(stream: StreamId, now: float, *, peer: str) -> StreamLink:
        return StreamLink.adopt(ClosingLayer(), stream, now, peer=peer)

    world = World(entrance=StreamEntrance([accept_closing]))
    client, sender = subscribed(world), world.connect()
    monkeypatch.setattr(ClosingLayer, "closing", True)
    sender.connection.send("/topic/a")
    world.settle()
    monkeypatch.setattr(ClosingLayer, "closing", False)
    client.leave()
    assert [peer for peer, _ in gone(world)] == [client.peer]


def test_an_ending_is_written_before_it_comes() -> None:
    world = World()
    client, sender = subscribed(world), world.connect()
    client.reads = False
    for _ in range(30):
        sender.connection.send("/topic/a", bytes(10_000))
    world.settle()
    client.connection.send("/nowhere")
    world.settle()
    client.reads = True
    taken = client.take()
    assert [type(event).__name__ for event in taken[-2:]] == ["Error", "Closed"]
    assert len(taken) == 32


@pytest.mark.parametrize("plain", [True, False])
def test_a_queue_goes_on_with_one_that_became_full_and_empty_between_two_looks(plain: bool) -> None:
    world = World(entrance=StreamEntrance([PlainLink.accepted if plain else accept]))
    taker = subscribed(world, "/queue/a")
    for client in [world.connect() for _ in range(80)]:
        for id in range(10):
            client.connection.subscribe("/topic/a", id=str(id))
    world.settle()
    taker.reads = False
    broker = world.broker
    # It is looked at while little waits for it.
    broker.publish("/queue/a", bytes(30_000), world.now)
    # So much work comes first that it is not looked at when queues give it more than it may have, ...
    broker.publish("/topic/a", b"", world.now)
    assert broker.wants_run()
    for _ in range(4):
        broker.publish("/queue/a", bytes(30_000), world.now)
    broker.run(world.now)
    assert 1 < broker.statistics().queues["/", "/queue/a"].waiting < 4
    # ... nor before its writer has taken what it has.
    while octets := broker.data_to_send(taker.stream, world.now):
        taker.connection.receive_data(octets, world.now)
    world.hear(taker)
    taker.reads = True
    world.settle()
    assert len(taker.bodies()) == 5


def test_a_transport_that_waits_for_its_writer_holds_the_end_up() -> None:
    world = World(entrance=StreamEntrance([accept]))
    client = subscribed(world)
    client.reads = False
    for _ in range(30):
        world.broker.publish("/topic/a", bytes(10_000), world.now)
    world.broker.close(world.now)
    world.settle()
    assert not world.broker.finished
    client.reads = True
    world.settle()
    assert world.broker.finished
    assert len(client.heard) == 31
