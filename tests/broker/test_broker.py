"""The broker as a machine: who comes in, who goes, and that every wait ends."""

from __future__ import annotations

import pytest

from stomp_sansio import Closed, Connected, Error, LocalProtocolError
from stomp_sansio.broker.broker import Broker
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.events import ClientConnected, ClientGone, LoginAsked
from stomp_sansio.broker.logins import Logins
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.peers import PeerId
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import StreamId, TLSInfo
from tests.broker.world import World, asking, gone, upgraded

NOBODY = PeerId(99)


# Logins


def test_who_is_let_in_and_who_is_not() -> None:
    logins = Logins({"ada": "secret"})

    def login(broker: Broker, asked: LoginAsked, now: float) -> None:
        if logins.allows(asked.request):
            broker.accept(asked.peer, now, headers={"user-name": "ada"})
        else:
            broker.reject(asked.peer, now, details="ask for an account")

    world = World(login=login)
    (connected,) = asking(world, login="ada", passcode="secret").take()
    assert isinstance(connected, Connected)
    assert connected.headers["user-name"] == "ada"
    error, closed = asking(world, login="ada", passcode="guess").take()
    assert isinstance(error, Error)
    assert (error.message, error.text) == ("access refused", "ask for an account")
    assert isinstance(closed, Closed)
    (event,) = gone(world)
    assert event.reason == "access refused: ask for an account"


def test_the_answer_may_come_later_and_only_once() -> None:
    world = World(login=None)
    client = asking(world)
    client.connection.data_to_send(0.0)
    world.advance(5.0)
    assert client.take() == []
    (asked,) = world.take_events()
    assert isinstance(asked, LoginAsked)
    with pytest.raises(LocalProtocolError):
        world.broker.accept(asked.peer, world.now, headers={"version": "1.3"})
    world.broker.accept(asked.peer, world.now)
    world.broker.accept(asked.peer, world.now)
    world.broker.reject(asked.peer, world.now)
    (connected,) = client.take()
    assert isinstance(connected, Connected)
    world.advance(100.0)
    assert client.take() == []


def test_an_answer_for_somebody_who_is_gone_is_no_trouble() -> None:
    world = World(login=None)
    client = asking(world)
    client.leave()
    for peer in (client.peer, NOBODY):
        world.broker.accept(peer, world.now)
        world.broker.reject(peer, world.now)
        world.broker.expel(peer, world.now, "message")
        world.broker.drop(peer, world.now)
    assert [type(event) for event in world.take_events()] == [LoginAsked, ClientGone]


# Streams


def test_streams_that_are_no_clients_yet_are_written_beside_those_that_wait() -> None:
    world = World(entrance=StreamEntrance([PlainLink.accepted, WebSocketLink.accepted]))
    client = world.connect()
    client.reads = False
    client.connection.send("/topic/a", receipt="r")
    world.settle()
    upgraded(world)


def test_a_writer_is_told_that_it_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # for what all these tests are held to, it is asked once more
    world = World()
    client = world.connect()
    client.reads = False
    client.connection.send("/topic/a", receipt="r")
    world.settle()
    broker, stream = world.broker, client.stream
    assert broker.data_to_send(stream, world.now, 3)
    assert not broker.gives_all(stream), "there is more"
    assert broker.data_to_send(stream, world.now)
    assert broker.gives_all(stream)
    assert not broker.gives_all(StreamId(99))
    assert broker.data_to_send(stream, world.now) == b""
    assert not broker.gives_all(stream), "it had nothing"


def test_a_stream_that_carries_messages_has_octets_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    world = World(entrance=StreamEntrance([PlainLink.accepted, WebSocketLink.accepted]))
    stream = upgraded(world)
    # A frame of text, masked with zeros, that breaks a rule: ERROR is the answer.
    world.broker.receive_data(stream, b"\x81\x86\0\0\0\0SEND\n\n", world.now)
    world.broker.receive_data(stream, b"\x81\x81\0\0\0\0\0", world.now)
    assert b"ERROR" in world.broker.data_to_send(stream, world.now)
    assert not world.broker.gives_all(stream)


def test_nothing_is_opened() -> None:
    broker = World().broker
    for answer in (
        lambda: broker.stream_opened(StreamId(1), 0.0),
        lambda: broker.tls_started(StreamId(1), TLSInfo(), 0.0),
    ):
        with pytest.raises(LocalProtocolError, match="whose wish was this"):
            answer()


def test_a_client_that_is_let_in_is_told_of() -> None:
    world = World()
    client = world.connect()
    assert [type(event) for event in world.take_events()] == [LoginAsked, ClientConnected]
    assert world.broker.statistics().connections == 1
    client.leave()
    assert world.broker.statistics().connections == 0


def test_who_runs_the_broker_sends_expels_drops_and_closes() -> None:
    world = World()
    expelled, dropped, left = (world.connect() for _ in range(3))
    left.connection.subscribe("/topic/a", id="0")
    world.settle()
    world.broker.publish("/topic/a", b"body", world.now)
    assert left.bodies() == [b"body"]
    world.broker.expel(expelled.peer, world.now, "maintenance", details="come back")
    assert expelled.error().text == "come back"
    world.broker.drop(dropped.peer, world.now)
    assert [type(event) for event in dropped.take()] == [Closed]
    world.broker.close(world.now)
    assert [type(event) for event in left.take()] == [Closed]
    assert world.broker.finished
    assert [event.reason for event in gone(world)][:2] == ["maintenance: come back", "the broker ended it"]


def test_work_that_is_left_over_is_gone_on_with() -> None:
    world = World()
    client = world.connect()
    for id in range(600):
        client.connection.subscribe("/topic/a", id=str(id))
    world.settle()
    world.broker.publish("/topic/a", b"body", world.now)
    assert world.broker.wants_run()
    world.broker.run(world.now)
    assert len(client.bodies()) == 600


def test_an_end_of_a_stream_is_passed_on() -> None:
    world = World()
    client = world.connect()
    world.broker.receive_eof(client.stream, world.now)
    assert [type(event) for event in client.take()] == [Closed]


def test_hearts_beat_from_the_first_octets_on() -> None:
    world = World(BrokerOptions(heartbeat=(2.0, 0.0)))
    client = world.connect(heartbeat=(0.0, 2.0))
    assert world.broker.next_deadline() == 1.5
    world.advance(1.0)
    client.reads = False
    world.advance(1.0)
    assert world.broker.data_to_send(client.stream, world.now) == b"\n"


def test_a_writer_that_comes_bit_by_bit_gets_it_all() -> None:
    world = World()
    client = world.connect()
    client.connection.subscribe("/topic/a", id="0")
    world.settle()
    client.reads = False
    world.broker.publish("/topic/a", bytes(100), world.now)
    client.reads = True
    while world.read(client, 7):
        pass
    assert client.bodies() == [bytes(100)]


def test_a_message_that_cannot_be_told_refuses_nobody() -> None:
    world = World(login=None)
    client = asking(world)
    client.connection.data_to_send(world.now)
    with pytest.raises(LocalProtocolError):
        world.broker.reject(client.peer, world.now, "two\nlines")
    world.broker.accept(client.peer, world.now)
    assert [type(event) for event in client.take()] == [Connected]
    with pytest.raises(LocalProtocolError):
        world.broker.expel(client.peer, world.now, "no\0 end")
    world.broker.expel(client.peer, world.now, "two\nlines")
    assert client.error().message == "two\nlines"
    assert [event.reason for event in gone(world)] == ["two\nlines: "]
