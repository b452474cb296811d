"""Where messages go, and what becomes of those that nobody takes."""

from __future__ import annotations

from typing import TypeVar

import pytest

from stomp_sansio import Limits, Message, Version
from stomp_sansio.broker.events import MessageDropped, MessageSent
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.broker.peers import Peer
from tests.broker.world import Client, World

EventT = TypeVar("EventT")


def subscribed(world: World, destination: str, ack: str = "auto", prefetch: int = 0, **connect) -> Client:
    client = world.connect(**connect)
    client.connection.subscribe(destination, id="0", ack=ack, headers={"prefetch-count": str(prefetch)})
    world.settle()
    return client


def crowd(world: World, number: int) -> Client:
    """Return a client that is subscribed so many times."""
    client = world.connect()
    for id in range(number):
        client.connection.subscribe("/topic/a", id=str(id))
    world.settle()
    return client


def events(world: World, kind: type[EventT]) -> list[EventT]:
    return [event for event in world.take_events() if isinstance(event, kind)]


def test_a_message_of_a_topic_goes_to_all_who_are_subscribed_now() -> None:
    world = World()
    before, sender = subscribed(world, "/topic/a"), world.connect()
    sender.connection.send("/topic/nobody")
    sender.connection.send("/topic/a", b"1", headers={"x": "y"}, content_type="text/plain")
    after = subscribed(world, "/topic/a")
    (message,) = before.messages()
    assert (message.headers["x"], message.content_type, message.body) == ("y", "text/plain", b"1")
    assert after.bodies() == []
    first, second = events(world, MessageSent)
    assert (first.receivers, second.receivers) == (0, 1)
    assert (second.peer, second.vhost, second.destination, second.body) == (
        sender.peer,
        "/",
        "/topic/a",
        b"1",
    )


def test_a_queue_gives_each_message_to_one_in_turn() -> None:
    world = World()
    takers = [subscribed(world, "/queue/a") for _ in range(3)]
    sender = world.connect()
    for number in range(7):
        sender.connection.send("/queue/a", b"%d" % number)
    assert [taker.bodies() for taker in takers] == [[b"0", b"3", b"6"], [b"1", b"4"], [b"2", b"5"]]


def test_what_was_not_acknowledged_comes_again_in_order() -> None:
    world = World()
    sender = world.connect()
    first, second = (subscribed(world, "/queue/a", "client-individual", 2) for _ in range(2))
    for number in range(6):
        sender.connection.send("/queue/a", b"%d" % number)
    world.settle()
    assert first.bodies() == [b"0", b"2"]
    (one, three) = second.messages()
    second.connection.ack(one)
    assert second.bodies() == [b"4"]
    first.leave()
    second.connection.ack(three)
    (again,) = second.messages()
    assert (again.body, again.headers["redelivered"]) == (b"0", "true")
    second.leave()
    last = subscribed(world, "/queue/a")
    found = last.messages()
    assert [(each.body, each.headers.get("redelivered")) for each in found] == [
        (b"0", "true"),
        (b"2", "true"),
        (b"4", "true"),
        (b"5", None),
    ]


def test_a_cumulative_acknowledgement_settles_all_before_it() -> None:
    world = World()
    client = subscribed(world, "/queue/a", "client")
    for number in range(4):
        client.connection.send("/queue/a", b"%d" % number)
    found = client.messages()
    client.connection.ack(found[2])
    client.leave()
    assert subscribed(world, "/queue/a").bodies() == [b"3"]


def test_a_refused_message_goes_to_the_end_and_then_to_the_dead_letters() -> None:
    world = World(BrokerOptions(max_nacks=2))
    client = subscribed(world, "/queue/a", "client-individual", 1)
    for body in (b"bad", b"good"):
        client.connection.send("/queue/a", body, headers={"x": "y"})
    world.settle()
    seen: list[tuple[bytes, str | None]] = []
    while found := client.messages():
        (message,) = found
        seen.append((message.body, message.headers.get("redelivered")))
        (client.connection.nack if message.body == b"bad" else client.connection.ack)(message)
    assert seen == [(b"bad", None), (b"good", None), (b"bad", "true")]
    (dropped,) = events(world, MessageDropped)
    assert (dropped.reason, dropped.moved_to) == ("it was refused 2 times", "/queue/dead-letter.a")
    dead = subscribed(world, "/queue/dead-letter.a", "client-individual")
    for redelivered in (None, "true"):
        (letter,) = dead.messages()
        assert (letter.body, letter.message_id, letter.destination) == (
            b"bad",
            dropped.message_id,
            "/queue/dead-letter.a",
        )
        assert (letter.headers["original-destination"], letter.headers["x"]) == ("/queue/a", "y")
        assert letter.headers.get("redelivered") == redelivered
        dead.connection.nack(letter)
    assert dead.messages() == []
    (dropped,) = events(world, MessageDropped)
    assert dropped.moved_to is None
    assert world.broker.statistics().dropped == 2


def test_dead_letters_need_room_too() -> None:
    world = World(BrokerOptions(max_nacks=1, max_queues=1))
    client = subscribed(world, "/queue/a", "client-individual")
    client.connection.send("/queue/a")
    (message,) = client.messages()
    client.connection.nack(message)
    (dropped,) = events(world, MessageDropped)
    assert dropped.moved_to is None
    assert "and for dead letters there are 1 queues" in dropped.reason
    assert set(world.broker.statistics().queues) == {("/", "/queue/a")}


def test_a_refused_reply_has_no_dead_letters() -> None:
    world = World(BrokerOptions(max_nacks=1))
    client = subscribed(world, "/temp-queue/a", "client-individual")
    client.connection.send("/temp-queue/a")
    (message,) = client.messages()
    client.connection.nack(message)
    (dropped,) = events(world, MessageDropped)
    assert (dropped.moved_to, dropped.reason) == (None, "it was refused 1 times")


def test_what_topics_deliver_can_be_acknowledged_and_comes_once() -> None:
    world = World()
    client = subscribed(world, "/topic/a", "client-individual")
    for body in (b"1", b"2"):
        client.connection.send("/topic/a", body)
    one, two = client.messages()
    client.connection.ack(one, receipt="1")
    client.connection.nack(two, receipt="2")
    assert client.receipts() == ["1", "2"]
    client.leave()
    assert subscribed(world, "/topic/a").bodies() == []


def test_after_unsubscribing_what_one_has_can_still_be_acknowledged() -> None:
    world = World()
    client = subscribed(world, "/queue/a", "client-individual")
    for body in (b"1", b"2"):
        client.connection.send("/queue/a", body)
    one, two = client.messages()
    client.connection.unsubscribe("0")
    client.connection.ack(one, receipt="1")
    assert client.receipts() == ["1"]
    other = subscribed(world, "/queue/a")
    assert other.bodies() == []
    client.connection.nack(two)
    world.settle()
    assert other.bodies() == [b"2"]


def test_whoever_was_at_the_limit_of_all_its_subscriptions_goes_on_in_each() -> None:
    world = World(BrokerOptions(limits=Limits(max_unacknowledged=1)))
    client = world.connect()
    for name in ("a", "b"):
        client.connection.subscribe(f"/queue/{name}", id=name, ack="client-individual")
        client.connection.send(f"/queue/{name}", name.encode())
    client.connection.subscribe("/topic/c", id="c")
    (message,) = client.messages()
    assert message.body == b"a"
    client.connection.ack(message)
    assert client.bodies() == [b"b"]


def test_so_it_does_when_what_it_acknowledges_is_of_a_topic() -> None:
    world = World(BrokerOptions(limits=Limits(max_unacknowledged=1)))
    client = world.connect()
    client.connection.subscribe("/topic/a", id="a", ack="client-individual")
    client.connection.subscribe("/queue/b", id="b", ack="client-individual")
    client.connection.send("/topic/a", b"a")
    client.connection.send("/queue/b", b"b")
    (message,) = client.messages()
    assert message.body == b"a"
    client.connection.ack(message)
    assert client.bodies() == [b"b"]


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_so_it_does_when_it_acknowledges_in_a_transaction(end: str) -> None:
    world = World(BrokerOptions(limits=Limits(max_unacknowledged=1)))
    client = world.connect()
    for name in ("a", "b"):
        client.connection.subscribe(f"/queue/{name}", id=name, ack="client-individual")
        client.connection.send(f"/queue/{name}", name.encode())
    (message,) = client.messages()
    client.connection.begin("t")
    client.connection.ack(message, transaction="t")
    (second,) = client.messages()
    assert (message.body, second.body) == (b"a", b"b")
    getattr(client.connection, end)("t")
    client.connection.ack(second)
    assert client.bodies() == ([] if end == "commit" else [b"a"])


def test_a_reply_for_which_there_is_no_room_is_dropped_and_who_replies_goes_on() -> None:
    world = World(BrokerOptions(max_queue_messages=2))
    client, service = world.connect(), subscribed(world, "/queue/rpc")
    client.connection.send("/queue/rpc", headers={"reply-to": "/temp-queue/r"})
    (request,) = service.messages()
    client.say(b"UNSUBSCRIBE\nid:/temp-queue/r\n\n\0")
    service.connection.begin("t")
    for number in range(3):
        service.connection.send(request.headers["reply-to"], receipt=str(number))
    service.connection.send(request.headers["reply-to"], transaction="t")
    service.connection.commit("t", receipt="committed")
    assert service.receipts() == ["0", "1", "2", "committed"]
    reasons = [event.reason for event in events(world, MessageDropped)]
    assert reasons == ["'/temp-queue/r' is full: 2 messages wait there"] * 2


def test_a_dead_letter_says_where_it_comes_from_whatever_its_sender_said() -> None:
    world = World(BrokerOptions(max_nacks=1))
    client = subscribed(world, "/queue/a", "client-individual")
    client.connection.send("/queue/a", b"body", headers={"original-destination": "/queue/b", "x": "y"})
    (message,) = client.messages()
    client.connection.nack(message)
    (letter,) = subscribed(world, "/queue/dead-letter.a").messages()
    assert letter.headers.get_all("original-destination") == ["/queue/a"]
    assert letter.headers["x"] == "y"


def test_what_the_broker_says_of_a_message_its_program_cannot_say() -> None:
    world = World()
    client = subscribed(world, "/topic/a", "client")
    headers = {"ack": "no", "subscription": "no", "message-id": "no", "redelivered": "true", "x": "y"}
    world.broker.publish("/topic/a", b"body", world.now, headers=headers)
    (message,) = client.messages()
    assert [message.headers.get_all(name) for name in headers] == [["1"], ["0"], ["1"], [], ["y"]]


def test_in_1_0_two_subscriptions_of_a_topic_can_each_acknowledge() -> None:
    world = World()
    client = world.connect(version=Version.V1_0)
    client.connection.subscribe("/topic/a", id="0", ack="client")
    client.connection.subscribe("/topic/a", id="1", ack="client")
    client.connection.send("/topic/a")
    first, second = client.messages()
    assert first.message_id != second.message_id
    client.connection.ack(first, receipt="1")
    client.connection.ack(second, receipt="2")
    assert client.receipts() == ["1", "2"]


def test_a_queue_that_nobody_would_miss_ends() -> None:
    world = World()
    client = subscribed(world, "/queue/a", "client-individual")
    client.connection.send("/queue/b")
    world.settle()
    assert set(world.broker.statistics().queues) == {("/", "/queue/a"), ("/", "/queue/b")}
    client.connection.unsubscribe("0")
    client.connection.subscribe("/queue/b", id="1", ack="client-individual")
    (message,) = client.messages()
    client.connection.unsubscribe("1")
    world.settle()
    assert world.broker.statistics().queues["/", "/queue/b"].unacknowledged == 1
    client.connection.ack(message)
    world.settle()
    assert world.broker.statistics().queues == {}


def test_a_reply_for_somebody_who_is_gone_is_dropped() -> None:
    world = World()
    client, other = world.connect(), subscribed(world, "/queue/rpc")
    client.connection.subscribe("/temp-queue/r", id="0", headers={"prefetch-count": "1"}, ack="client")
    client.connection.send("/queue/rpc", headers={"reply-to": "/temp-queue/r"})
    (request,) = other.messages()
    address = request.headers["reply-to"]
    for body in (b"1", b"2"):
        other.connection.send(address, body)
    world.settle()
    client.leave()
    other.connection.send(address, b"3", receipt="it does no harm")
    assert other.receipts() == ["it does no harm"]
    dropped = events(world, MessageDropped)
    assert [each.reason for each in dropped] == ["who asked for this reply is gone"] * 3


def test_a_full_queue_refuses_and_the_others_go_on() -> None:
    world = World(BrokerOptions(max_queue_messages=2))
    client, other = world.connect(), world.connect()
    for number in range(3):
        client.connection.send("/queue/a", receipt=str(number))
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "2")
    assert "'/queue/a' is full: 2 messages wait there" in error.text
    other.connection.send("/queue/b", receipt="r")
    assert other.receipts() == ["r"]
    assert world.broker.statistics().queues["/", "/queue/a"].waiting == 2


def test_the_program_itself_sends_as_clients_do() -> None:
    world = World(BrokerOptions(vhosts=["red", "blue"]))
    client = subscribed(world, "/topic/a", host="blue")
    world.broker.publish("/topic/a", b"body", world.now, headers={"x": "y"}, vhost="blue")
    world.broker.publish("/topic/a", b"for red", world.now)
    (message,) = client.messages()
    assert (message.body, message.headers["x"]) == (b"body", "y")
    assert events(world, MessageSent)[0].peer is None


@pytest.mark.parametrize(
    ("destination", "vhost", "message"),
    [
        ("/foo", None, "there is no destination"),
        ("/temp-queue/a", None, "belongs to a client"),
        ("/topic/a", "green", "there is no virtual host 'green'"),
        ("/queue/a", None, "there are 1 queues"),
    ],
)
def test_the_program_is_told_what_cannot_be_sent(destination: str, vhost: str | None, message: str) -> None:
    world = World(BrokerOptions(vhosts=["red"], max_queues=1))
    world.broker.publish("/queue/b", b"", world.now)
    with pytest.raises(ValueError, match=message):
        world.broker.publish(destination, b"", world.now, vhost=vhost)


def test_many_deliveries_are_made_in_pieces_and_in_order() -> None:
    world = World()
    many = crowd(world, 300)
    taker = subscribed(world, "/queue/a")
    broker, sender = world.broker, world.connect()
    for number in range(20):
        sender.connection.send("/topic/a", b"%d" % number)
    for number in range(2_000):
        sender.connection.send("/queue/a", b"%d" % number, receipt=None if number else "r")
    pieces = 0
    broker.receive_data(sender.stream, sender.connection.data_to_send(0.0, 65536), 0.0)
    while broker.wants_run():
        before = broker.statistics().delivered
        broker.run(0.0)
        assert broker.statistics().delivered - before <= 1_024
        pieces += 1
    assert pieces >= 4
    assert many.bodies() == [b"%d" % number for number in range(20) for _ in range(300)]
    assert taker.bodies() == [b"%d" % number for number in range(2_000)]
    assert sender.receipts() == ["r"]


def test_who_ends_while_a_message_is_on_its_way_gets_nothing() -> None:
    world = World()
    crowd(world, 600)
    last, sender = subscribed(world, "/topic/a"), world.connect()
    sender.connection.send("/topic/a")
    world.broker.receive_data(sender.stream, sender.connection.data_to_send(0.0), 0.0)
    assert world.broker.wants_run()
    world.broker.drop(last.peer, 0.0)
    world.settle()
    assert world.broker.statistics().delivered == 600


def test_who_is_too_far_behind_gets_nothing_more_and_nobody_waits() -> None:
    world = World(BrokerOptions(slow_octets=70_000))
    slow, good, sender = subscribed(world, "/topic/a"), subscribed(world, "/topic/a"), world.connect()
    slow.connection.subscribe("/topic/a", id="1")
    world.settle()
    slow.reads = False
    for _ in range(10):
        sender.connection.send("/topic/a", bytes(10_000))
        world.settle()
    assert len(good.bodies()) == 10
    dropped = events(world, MessageDropped)
    assert [each.reason for each in dropped] == ["the subscriber is too far behind"]


def test_what_a_consumer_cannot_be_told_becomes_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    client = subscribed(world, "/queue/a", "client")
    monkeypatch.setattr(Peer, "deliver", lambda *arguments: "it is a riddle")
    client.connection.send("/queue/a", b"body")
    world.settle()
    monkeypatch.undo()
    (dropped,) = events(world, MessageDropped)
    assert (dropped.reason, dropped.moved_to) == ("it is a riddle", "/queue/dead-letter.a")
    assert subscribed(world, "/queue/dead-letter.a").bodies() == [b"body"]


def test_who_never_came_in_leaves_nothing() -> None:
    world = World()
    world.open().leave()
    assert world.broker.statistics().connections == 0


def test_a_queue_is_delivered_in_pieces_as_well() -> None:
    world = World()
    sender = world.connect()
    for number in range(3_000):
        sender.connection.send("/queue/a", b"%d" % number)
    world.settle()
    taker = subscribed(world, "/queue/a")
    assert taker.bodies() == [b"%d" % number for number in range(3_000)]


def test_what_a_receiver_cannot_be_told_is_dropped_and_said_so() -> None:
    world = World()
    sender = world.connect()
    client = subscribed(world, "/topic/*", version=Version.V1_0)
    sender.connection.send("/topic/a\nb")
    sender.connection.send("/topic/a", headers={"x": "a\nb"})
    (message,) = client.messages()
    assert "x" not in message.headers
    (dropped,) = events(world, MessageDropped)
    assert dropped.reason.startswith("STOMP 1.0 cannot represent it")
    assert isinstance(message, Message)


def test_who_is_told_to_go_gets_nothing_of_what_is_still_being_given_out() -> None:
    world = World()
    crowd(world, 600)
    late = subscribed(world, "/topic/a")
    world.broker.publish("/topic/a", b"body", world.now)
    assert world.broker.wants_run()
    world.broker.expel(late.peer, world.now, "enough")
    assert late.error().message == "enough"
    numbers = world.broker.statistics()
    assert (numbers.delivered, numbers.dropped) == (600, 0)
