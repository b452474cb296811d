"""What a client can be told, and what is said when it cannot."""

from __future__ import annotations

from itertools import count

from stomp_sansio import Closed, Error, Limits, Version
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.events import ClientGone, MessageDropped
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.plain import PlainLayer, PlainLink
from stomp_sansio.links.stream_link import StreamLink
from stomp_sansio.machine import StreamId, StreamLoss
from tests.broker.world import Client, World


class TextLayer(PlainLayer):
    """A transport that carries text alone."""

    __slots__ = ()

    def carries(self, chunk: bytes) -> bool:
        try:
            chunk.decode()
        except UnicodeDecodeError:
            return False
        return True


def accept_text(stream: StreamId, now: float, *, peer: str) -> StreamLink:
    return StreamLink.adopt(TextLayer(), stream, now, peer=peer)


def subscribed(world: World, destination: str, ack: str = "auto", **connect) -> Client:
    client = world.connect(**connect)
    client.connection.subscribe(destination, id="0", ack=ack)
    world.settle()
    return client


def dropped(world: World) -> list[MessageDropped]:
    return [event for event in world.take_events() if isinstance(event, MessageDropped)]


def test_where_only_text_goes_no_other_body_is_sent() -> None:
    world = World(entrance=StreamEntrance([accept_text]))
    client = subscribed(world, "/topic/a")
    client.connection.send("/topic/a", b"\xff")
    client.connection.send("/topic/a", b"text")
    assert client.bodies() == [b"text"]
    (event,) = dropped(world)
    assert event.reason == "the body is no text, and tcp carries nothing else here"


def test_a_message_of_a_queue_that_its_consumer_cannot_get_becomes_a_dead_letter() -> None:
    world = World(entrance=StreamEntrance([accept_text]))
    client = subscribed(world, "/queue/a", "client")
    client.connection.send("/queue/a", b"\xff")
    client.connection.send("/queue/a", b"text")
    assert client.bodies() == [b"text"]
    (event,) = dropped(world)
    assert event.moved_to == "/queue/dead-letter.a"


def test_in_1_0_a_message_of_a_topic_has_a_name_of_its_own_for_each_who_acknowledges() -> None:
    world = World()
    client = subscribed(world, "/topic/a", "client", version=Version.V1_0)
    client.connection.subscribe("/topic/a", id="1", ack="client")
    client.connection.send("/topic/a")
    assert len({message.message_id for message in client.messages()}) == 2


def test_what_comes_again_says_so() -> None:
    world = World()
    client = subscribed(world, "/queue/a", "client")
    client.connection.send("/queue/a")
    (message,) = client.messages()
    client.connection.nack(message)
    (again,) = client.messages()
    assert again.headers["redelivered"] == "true"


def test_a_reply_address_is_ones_own() -> None:
    world = World()
    client = subscribed(world, "/queue/a")
    client.connection.send("/queue/a", headers={"reply-to": "/temp-queue/x"})
    (message,) = client.messages()
    assert message.headers["reply-to"] == "/reply-queue/token-2"


def test_headers_that_a_version_cannot_say_are_left_out() -> None:
    world = World()
    client = subscribed(world, "/topic/a", version=Version.V1_1)
    world.connect().connection.send("/topic/a", b"body", headers={"x": "a\rb", "y": "z"})
    (message,) = client.messages()
    assert ("x" in message.headers, message.headers["y"], message.body) == (False, "z", b"body")


def test_a_message_that_a_version_cannot_say_at_all_is_dropped() -> None:
    world = World()
    client = subscribed(world, "/topic/*", version=Version.V1_1)
    world.connect().connection.send("/topic/a\rb")
    assert client.bodies() == []
    (event,) = dropped(world)
    assert event.reason.startswith("STOMP 1.1 cannot represent it: ")


def test_a_receipt_that_cannot_be_written_is_an_error_that_says_so() -> None:
    client = World().connect(version=Version.V1_1)
    client.say(b"SEND\ndestination:/topic/a\nreceipt:a\rb\n\n\0")
    error = client.error()
    assert error.message == "the receipt id cannot be written back"


def test_an_error_for_such_a_receipt_goes_without_it() -> None:
    world = World()
    client = world.connect(version=Version.V1_1)
    client.say(b"SEND\ndestination:/nowhere\nreceipt:a\rb\n\n\0")
    error = client.error()
    assert (error.message, error.receipt_id) == ("unknown destination", None)
    gone = [event for event in world.take_events() if isinstance(event, ClientGone)]
    assert gone[0].reason.startswith("unknown destination: there is no destination '/nowhere'")


def test_who_is_gone_is_sent_neither_receipt_nor_error() -> None:
    world = World()
    client = world.connect()
    for _ in range(300):
        client.connection.send("/topic/a", receipt=str(_))
    client.connection.send("/nowhere", receipt="last")
    world.broker.receive_data(client.stream, client.connection.data_to_send(0.0), 0.0)
    assert world.broker.wants_run()
    world.lose(client.stream, StreamLoss.RESET)
    world.settle()
    assert world.broker.statistics().sent == 300
    assert world.broker.statistics().connections == 0


def test_an_error_comes_once() -> None:
    world = World()
    client = world.connect()
    client.connection.disconnect(receipt="r")
    client.reads = False
    world.broker.receive_data(client.stream, client.connection.data_to_send(0.0), 0.0)
    world.broker.expel(client.peer, 0.0, "too late")
    client.reads = True
    assert client.receipts() == ["r"]


def test_messages_that_await_nothing_have_no_limit_but_the_transport() -> None:
    world = World(BrokerOptions(prefetch=1))
    client = subscribed(world, "/queue/a")
    numbers = count()
    for _ in range(20):
        client.connection.send("/queue/a", b"%d" % next(numbers))
    assert len(client.bodies()) == 20


def test_a_queue_keeps_what_a_full_consumer_cannot_take() -> None:
    world = World()
    client, sender = subscribed(world, "/queue/a", "client-individual"), world.connect()
    client.reads = False
    for number in range(100):
        sender.connection.send("/queue/a", b"%04d" % number + bytes(4_000))
    world.settle()
    waiting = world.broker.statistics().queues["/", "/queue/a"].waiting
    assert 70 < waiting < 90
    other = subscribed(world, "/queue/a")
    assert [int(body[:4]) for body in other.bodies()] == list(range(100 - waiting, 100))
    client.reads = True
    assert [int(body[:4]) for body in client.bodies()] == list(range(100 - waiting))


def test_large_messages_in_a_row_are_no_sign_of_slowness() -> None:
    world = World()
    client, sender = subscribed(world, "/topic/a"), world.connect()
    for _ in range(3):
        sender.connection.send("/topic/a", bytes(200_000))
    assert len(client.bodies()) == 3


def test_streams_are_accepted_by_the_listener_they_came_to() -> None:
    world = World(entrance=StreamEntrance([PlainLink.accepted]))
    client = subscribed(world, "/topic/a")
    client.connection.send("/topic/a", b"\xff")
    assert client.bodies() == [b"\xff"]


def test_the_limit_of_what_may_wait_is_reached_to_the_octet() -> None:
    world = World(BrokerOptions(slow_octets=100_000))
    client, sender = subscribed(world, "/topic/a"), world.connect()
    client.reads = False
    largest = 0
    for _ in range(40):
        sender.connection.send("/topic/a", bytes(5_000))
        world.settle()
        if client.stream not in world.clients:
            break
        assert world.broker.statistics().backlog <= 100_000
        largest = world.broker.statistics().backlog
    assert largest > 100_000 - 6_000
    assert [event.reason for event in dropped(world)] == ["the subscriber is too far behind"]


def test_of_a_topic_only_so_many_messages_may_await_their_ack_where_that_was_asked_for() -> None:
    world = World(BrokerOptions(limits=Limits(max_unacknowledged=3)))
    client = subscribed(world, "/topic/a", "client")
    for _ in range(5):
        world.broker.publish("/topic/a", b"body", world.now)
    *messages, error, closed = client.take()
    assert (len(messages), type(error), type(closed)) == (3, Error, Closed)
    assert world.broker.statistics().delivered == 3
    (event,) = (event for event in world.take_events() if isinstance(event, ClientGone))
    assert event.reason == "more than 3 messages without an acknowledgement"
