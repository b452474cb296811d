"""What the broker does for each thing that a client says, and what it says to those who ask for what is not
there.
"""

from __future__ import annotations

import pytest

from stomp_sansio import Connected, Limits, Message, Receipt, Version
from stomp_sansio.broker.answering import answer
from stomp_sansio.broker.events import ClientConnected, LoginAsked, Subscribed, Unsubscribed
from stomp_sansio.broker.options import BrokerOptions
from tests.broker.world import Client, World

# Coming in


def test_whoever_comes_in_is_told_its_session_and_who_answers() -> None:
    world = World(BrokerOptions(server="some/1.0"))
    client = world.open()
    client.connection.connect(login="ada", passcode="secret", host="somewhere")
    (connected,) = client.take()
    assert isinstance(connected, Connected)
    assert (connected.session, connected.server) == ("token-1", "some/1.0")
    asked, let_in = world.take_events()
    assert isinstance(asked, LoginAsked)
    assert (asked.request.login, asked.request.passcode) == ("ada", "secret")
    assert (asked.transport, asked.address, asked.http_headers) == ("tcp", "client 1", ())
    assert let_in == ClientConnected(
        peer=client.peer,
        session="token-1",
        login="ada",
        vhost="/",
        version=Version.V1_2,
        transport="tcp",
        address="client 1",
    )


def test_virtual_hosts_do_not_see_each_other() -> None:
    world = World(BrokerOptions(vhosts=["red", "blue"]))
    red, blue, default = world.connect(host="red"), world.connect(host="blue"), world.connect()
    for client in (red, blue, default):
        client.connection.subscribe("/topic/a", id="0")
        world.settle()
    red.connection.send("/topic/a", b"red")
    blue.connection.send("/topic/a", b"blue")
    assert red.bodies() == [b"red"]
    assert blue.bodies() == [b"blue"]
    assert default.bodies() == [b"red"]


def test_a_virtual_host_that_is_not_there() -> None:
    world = World(BrokerOptions(vhosts=["red"]))
    client = world.open()
    client.connection.connect(host="green")
    error = client.error()
    assert (error.message, error.text) == ("unknown virtual host", "there is no virtual host 'green' here")


# Receipts


def test_every_frame_has_its_receipt() -> None:
    world = World()
    client = world.connect()
    say = client.connection
    say.subscribe("/queue/a", id="0", ack="client-individual", receipt="subscribe")
    say.send("/queue/a", b"1", receipt="send")
    say.send("/queue/a", b"2")
    subscribed, first, sent, second = client.take()
    assert [event.receipt_id for event in (subscribed, sent) if isinstance(event, Receipt)] == [
        "subscribe",
        "send",
    ]
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    say.begin("t", receipt="begin")
    say.commit("t", receipt="commit")
    say.begin("u")
    say.abort("u", receipt="abort")
    say.ack(first, receipt="ack")
    say.nack(second, receipt="nack")
    say.unsubscribe("0", receipt="unsubscribe")
    assert client.receipts() == ["begin", "commit", "abort", "ack", "nack", "unsubscribe"]
    say.disconnect(receipt="disconnect")
    assert client.receipts() == ["disconnect"]


# Subscribing


def test_tools_are_told_of_subscriptions() -> None:
    world = World()
    client = world.connect(version=Version.V1_0)
    world.take_events()
    client.connection.subscribe("/queue/a")
    client.connection.subscribe("/topic/a.*", id="0")
    client.connection.unsubscribe("0")
    client.connection.unsubscribe(destination="/queue/a")
    found = world.take_events()
    assert [(type(event), event.id, event.destination) for event in found] == [  # type: ignore[union-attr]
        (Subscribed, None, "/queue/a"),
        (Subscribed, "0", "/topic/a.*"),
        (Unsubscribed, "0", "/topic/a.*"),
        (Unsubscribed, None, "/queue/a"),
    ]
    assert world.broker.statistics().subscriptions == 0


@pytest.mark.parametrize("destination", ["/queue/a", "/topic/a"])
def test_in_1_0_a_subscription_needs_no_id(destination: str) -> None:
    world = World()
    client = world.connect(version=Version.V1_0)
    client.connection.subscribe(destination)
    client.connection.send(destination, b"body")
    (message,) = client.messages()
    assert message.subscription is None


@pytest.mark.parametrize("destination", ["/topic/*", "/topic/a.>", "/temp-queue/a"])
def test_in_1_0_a_subscription_needs_an_id_where_messages_have_another_destination(destination: str) -> None:
    client = World().connect(version=Version.V1_0)
    client.connection.subscribe(destination)
    error = client.error()
    assert error.message == "bad request"
    assert "needs an id" in error.text


def test_an_id_that_cannot_be_written_back_is_refused() -> None:
    client = World().connect(version=Version.V1_1)
    client.say(b"SUBSCRIBE\nid:a\rb\ndestination:/topic/a\n\n\0")
    error = client.error()
    assert error.message == "bad request"
    assert "could not be told to be its own" in error.text


@pytest.mark.parametrize("value", ["", "-1", "many", "1" * 10, "\u0661"])
def test_prefetch_count_is_a_number(value: str) -> None:
    client = World().connect()
    client.connection.subscribe("/queue/a", id="0", headers={"prefetch-count": value}, receipt="r")
    error = client.error()
    assert (error.message, error.receipt_id) == ("bad request", "r")
    assert "prefetch-count" in error.text


@pytest.mark.parametrize(("value", "messages"), [("1", 1), ("2", 2), ("0", 3)])
def test_prefetch_count_is_how_many_may_await_their_ack(value: str, messages: int) -> None:
    client = World(BrokerOptions(prefetch=3)).connect()
    client.connection.subscribe(
        "/queue/a", id="0", ack="client-individual", headers={"prefetch-count": value}
    )
    for _ in range(5):
        client.connection.send("/queue/a")
    found = client.messages()
    assert len(found) == messages
    client.connection.ack(found[0])
    assert len(client.messages()) == 1


@pytest.mark.parametrize(
    ("say", "message", "text"),
    [
        (lambda c: c.send("/foo", receipt="r"), "unknown destination", "there is no destination '/foo'"),
        (lambda c: c.send("/topic/*", receipt="r"), "unknown destination", "is a pattern"),
        (lambda c: c.subscribe("/x", id="0", receipt="r"), "unknown destination", "/queue/NAME"),
        (
            lambda c: c.send("/queue/a", headers={"reply-to": "/temp-queue/"}, receipt="r"),
            "unknown destination",
            "no name behind",
        ),
    ],
)
def test_what_is_not_there_is_said_to_be_so(say, message: str, text: str) -> None:
    world = World()
    client, other = world.connect(), world.connect()
    say(client.connection)
    error = client.error()
    assert (error.message, error.receipt_id) == (message, "r")
    assert text in error.text
    other.connection.send("/topic/a", receipt="others notice nothing")
    assert other.receipts() == ["others notice nothing"]


# Replies


def asked(world: World, client: Client, name: str = "/temp-queue/r") -> str:
    """Send something that wants a reply; return the address that others see."""
    watcher = world.connect()
    watcher.connection.subscribe("/queue/rpc", id="0")
    client.connection.send("/queue/rpc", headers={"reply-to": name, "x": "y"})
    (request,) = watcher.messages()
    assert request.headers["x"] == "y"
    watcher.connection.disconnect()
    watcher.take()
    return request.headers["reply-to"]


def test_a_reply_reaches_who_asked_without_a_subscription() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    address = asked(world, client)
    assert address.startswith("/reply-queue/token-")
    assert asked(world, client) == address
    other.connection.send(address, b"reply")
    (message,) = client.messages()
    assert (message.subscription, message.body) == ("/temp-queue/r", b"reply")


def test_a_reply_reaches_who_asked_by_its_own_subscription() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    client.connection.subscribe("/temp-queue/r", id="mine", ack="client")
    other.connection.send(asked(world, client), b"reply")
    (message,) = client.messages()
    assert (message.subscription, message.body) == ("mine", b"reply")


def test_a_temp_queue_is_ones_own() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    for each in (client, other):
        each.connection.subscribe("/temp-queue/r", id="0")
    client.connection.send("/temp-queue/r", b"to myself")
    assert client.bodies() == [b"to myself"]
    assert other.bodies() == []


def test_any_other_reply_address_stays_as_it_is() -> None:
    world = World()
    assert asked(world, world.connect(), "/queue/answers") == "/queue/answers"


def test_a_reply_address_that_is_a_subscription_of_something_else_is_refused() -> None:
    client = World().connect()
    client.connection.subscribe("/topic/a", id="/temp-queue/r")
    client.connection.send("/queue/rpc", headers={"reply-to": "/temp-queue/r"})
    error = client.error()
    assert error.message == "bad request"
    assert "reply-to '/temp-queue/r'" in error.text


def test_reply_addresses_are_subscriptions_too_and_counted() -> None:
    client = World(BrokerOptions(limits=Limits(max_subscriptions=2))).connect()
    client.connection.subscribe("/topic/a", id="0")
    for number in range(2):
        headers = {"reply-to": f"/temp-queue/{number}"}
        client.connection.send("/queue/rpc", headers=headers, receipt=str(number))
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "1")
    assert "there are 2 subscriptions" in error.text


# Transactions


def test_what_is_sent_in_a_transaction_comes_with_its_commit_or_never() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    other.connection.subscribe("/topic/a", id="0")
    for name in ("t", "u"):
        client.connection.begin(name)
        client.connection.send("/topic/a", name.encode(), transaction=name)
    assert other.bodies() == []
    client.connection.commit("u")
    assert other.bodies() == [b"u"]
    client.connection.abort("t")
    assert other.bodies() == []


def test_what_is_acknowledged_in_a_transaction_waits_for_its_commit() -> None:
    world = World()
    client = world.connect()
    client.connection.subscribe("/queue/a", id="0", ack="client-individual", headers={"prefetch-count": "1"})
    for number in range(3):
        client.connection.send("/queue/a", b"%d" % number)
    (first,) = client.messages()
    client.connection.begin("t")
    client.connection.ack(first, transaction="t")
    assert client.bodies() == [], "it has not settled the one that it has"
    client.connection.abort("t")
    (again,) = client.messages()
    assert (again.body, again.headers["redelivered"]) == (b"0", "true")
    client.connection.begin("t")
    client.connection.ack(again, transaction="t")
    client.connection.commit("t")
    assert client.bodies() == [b"1"]


@pytest.mark.parametrize("orderly", [False, True])
def test_at_the_end_all_that_one_has_goes_back_in_order(orderly: bool) -> None:
    world = World()
    client, other = world.connect(), world.connect()
    client.connection.subscribe("/queue/a", id="0", ack="client-individual", headers={"prefetch-count": "3"})
    for number in range(4):
        client.connection.send("/queue/a", b"%d" % number)
    found = client.messages()
    other.connection.subscribe("/queue/a", id="0", ack="client", headers={"prefetch-count": "4"})
    assert other.bodies() == [b"3"]
    client.connection.begin("t")
    client.connection.ack(found[2], transaction="t")
    client.connection.begin("u")
    client.connection.nack(found[1], transaction="u")
    if orderly:
        client.connection.disconnect(receipt="r")
        assert client.receipts() == ["r"]
    else:
        client.leave()
    assert other.bodies() == [b"0", b"1", b"2"]


def test_a_transaction_has_a_size() -> None:
    client = World(BrokerOptions(max_transaction_octets=10_000)).connect()
    for name in ("t", "u"):
        client.connection.begin(name)
        client.connection.send("/queue/a", bytes(6_000), transaction=name, receipt=name)
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "u")
    assert "more than 10000 octets" in error.text


def test_a_transaction_has_a_length() -> None:
    client = World(BrokerOptions(max_transaction_frames=3)).connect()
    client.connection.subscribe("/topic/a", id="0", ack="client-individual")
    client.connection.send("/topic/a")
    (message,) = client.messages()
    client.connection.begin("t")
    for number in range(3):
        client.connection.send("/queue/a", transaction="t", receipt=str(number))
    client.connection.ack(message, transaction="t", receipt="3")
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "3")
    assert "more than 3 frames" in error.text


def test_a_commit_that_has_no_room_does_nothing() -> None:
    world = World(BrokerOptions(max_queue_messages=2))
    client, other = world.connect(), world.connect()
    client.connection.send("/queue/a", b"1")
    client.connection.subscribe("/queue/a", id="0", ack="client", headers={"prefetch-count": "1"})
    (message,) = client.messages()
    client.connection.begin("t")
    client.connection.ack(message, transaction="t")
    client.connection.send("/queue/b", b"not alone", transaction="t")
    for _ in range(3):
        client.connection.send("/queue/c", transaction="t")
    client.connection.commit("t", receipt="r")
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "r")
    other.connection.subscribe("/queue/a", id="0")
    other.connection.subscribe("/queue/b", id="1")
    assert other.bodies() == [b"1"]
    assert set(world.broker.statistics().queues) == {("/", "/queue/a"), ("/", "/queue/b")}


def test_who_was_at_the_limit_of_all_its_subscriptions_takes_turns_again() -> None:
    world = World(BrokerOptions(limits=Limits(max_unacknowledged=1)))
    client = world.connect()
    client.connection.subscribe("/topic/a", id="a", ack="client")
    client.connection.subscribe("/queue/b", id="b")
    client.connection.subscribe("/queue/c", id="c", ack="client")
    client.connection.send("/topic/a", b"a")
    for name in "bc":
        client.connection.send(f"/queue/{name}", name.encode())
    first, second = client.messages()
    assert (first.body, second.body) == (b"a", b"b")
    client.connection.ack(first)
    assert client.bodies() == [b"c"]


def test_only_what_a_client_says_is_answered() -> None:
    with pytest.raises(AssertionError, match="is not said"):
        answer(None, BrokerOptions(), None, ClientConnected)  # type: ignore[arg-type]
