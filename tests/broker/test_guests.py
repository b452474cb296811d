"""Whoever is there is come back to in time, and not when it is gone."""

from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import StreamId, StreamLoss
from tests.broker.world import World, upgraded


def test_each_is_come_back_to_in_its_time() -> None:
    world = World(BrokerOptions(open_timeout=7.0, heartbeat=(2.0, 2.0)))
    assert world.broker.next_deadline() is None
    early = world.open()
    assert world.broker.next_deadline() == 7.0
    world.advance(1.0)
    late = world.connect(heartbeat=(2.0, 2.0))
    beat = world.broker.next_deadline()
    assert beat is not None
    assert 1.0 < beat <= 3.0
    world.advance(10.0)
    assert early.stream not in world.clients
    assert late.stream in world.clients
    assert world.broker.statistics().connections == 1
    late.leave()
    assert world.broker.statistics().connections == 0
    assert world.broker.next_deadline() is None
    world.broker.accept(early.peer, world.now)


def test_whose_stream_it_is_is_known_while_nothing_stands_between() -> None:
    world = World()
    client = world.connect()
    client.connection.send("/topic/a", receipt="r")
    assert client.receipts() == ["r"]
    client.leave()
    assert world.broker.statistics().connections == 0


def test_a_stream_that_carries_messages_is_its_transport_s() -> None:
    world = World(entrance=StreamEntrance([WebSocketLink.accepted, WebSocketLink.accepted]))
    stream: StreamId = upgraded(world)
    assert world.broker.next_deadline() is not None
    world.broker.stream_lost(stream, StreamLoss.RESET, world.now)
    assert world.broker.next_deadline() is None


def test_who_was_turned_away_takes_nobody_s_place() -> None:
    world = World(BrokerOptions(max_connections=1))
    first = world.connect()
    turned_away = world.open()
    turned_away.reads = False
    first.leave()
    second = world.connect()
    assert turned_away.stream in world.clients
    turned_away.leave()
    second.leave()
    world.connect()
