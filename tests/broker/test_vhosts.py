"""What a virtual host has room for."""

from __future__ import annotations

import pytest

from stomp_sansio import Limits
from stomp_sansio.broker.options import BrokerOptions
from tests.broker.world import World


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (BrokerOptions(max_queue_octets=5_000), "'/queue/a' is full: "),
        (BrokerOptions(max_waiting_octets=5_000), "the queues are full: "),
        (BrokerOptions(max_queue_messages=1), "'/queue/a' is full: 1 messages wait there"),
    ],
)
def test_what_waits_has_a_size(options: BrokerOptions, says: str) -> None:
    world = World(options)
    client = world.connect()
    client.connection.send("/queue/a", bytes(3_000), receipt="1")
    client.connection.send("/queue/a", bytes(3_000), receipt="2")
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "2")
    assert says in error.text
    assert world.broker.statistics().queues["/", "/queue/a"].waiting == 1


def test_the_queues_of_a_host_are_counted_together() -> None:
    world = World(BrokerOptions(max_waiting_octets=5_000))
    client, taker = world.connect(), world.connect()
    client.connection.send("/queue/a", bytes(3_000))
    world.settle()
    taker.connection.subscribe("/queue/a", id="0")
    assert len(taker.messages()) == 1
    client.connection.send("/queue/b", bytes(3_000), receipt="there is room again")
    assert client.receipts() == ["there is room again"]
    client.connection.send("/queue/c", bytes(3_000))
    assert "the queues are full" in client.error().text


def test_what_awaits_its_ack_is_counted_with_it() -> None:
    world = World(BrokerOptions(max_waiting_octets=5_000))
    taker = world.connect()
    taker.connection.subscribe("/queue/a", id="0", ack="client-individual")
    for end in ("ack", "nack"):
        sender = world.connect()
        sender.connection.send("/queue/a", bytes(3_000))
        (message,) = taker.messages()
        sender.connection.send("/queue/b", bytes(3_000))
        assert "the queues are full" in sender.error().text
        getattr(taker.connection, end)(message)
        world.settle()
    # What was refused is there again.
    assert len(taker.messages()) == 1
    taker.leave()
    assert world.broker.statistics().queues["/", "/queue/a"].waiting == 1
    sender = world.connect()
    sender.connection.subscribe("/queue/a", id="0")
    assert len(sender.messages()) == 1
    sender.connection.send("/queue/b", bytes(3_000), receipt="room")
    assert sender.receipts() == ["room"]


def test_a_transaction_finds_room_for_all_its_queues_together() -> None:
    world = World(BrokerOptions(max_waiting_octets=8_000))
    client = world.connect()
    client.connection.begin("t")
    for name in "abc":
        client.connection.send(f"/queue/{name}", bytes(3_000), transaction="t")
    client.connection.commit("t")
    assert "the queues are full" in client.error().text
    assert world.broker.statistics().queues == {}


def test_queues_are_counted() -> None:
    world = World(BrokerOptions(max_queues=2))
    client = world.connect()
    for name in "ab":
        client.connection.send(f"/queue/{name}")
    client.connection.send("/queue/a", receipt="known")
    client.connection.subscribe("/queue/c", id="0", receipt="new")
    taken = client.error()
    assert (taken.message, taken.receipt_id) == ("limit reached", "new")
    assert "there are 2 queues" in taken.text


def test_temp_queues_are_counted_and_end_with_their_owner() -> None:
    world = World(BrokerOptions(limits=Limits(max_subscriptions=2)))
    client = world.connect()
    for name in "abc":
        client.connection.send(f"/temp-queue/{name}", receipt=name)
    error = client.error()
    assert (error.message, error.receipt_id) == ("limit reached", "c")
    assert world.broker.statistics().dropped == 2
    assert world.broker.statistics().queues == {}


def test_a_reply_address_is_known_while_its_owner_is_there() -> None:
    world = World()
    client, service = world.connect(), world.connect()
    service.connection.subscribe("/queue/rpc", id="0")
    world.settle()
    client.connection.send("/queue/rpc", headers={"reply-to": "/temp-queue/r"})
    (request,) = service.messages()
    service.connection.send(request.headers["reply-to"], b"reply")
    assert client.bodies() == [b"reply"]
    client.leave()
    service.connection.send(request.headers["reply-to"], b"reply", receipt="late")
    assert service.receipts() == ["late"]
    assert world.broker.statistics().dropped == 1
