"""Everybody has a turn, and nobody makes the broker hold more than it reads."""

from __future__ import annotations

from stomp_sansio import Receipt
from tests.broker.world import World


def test_a_client_that_says_much_does_not_keep_others_waiting() -> None:
    world = World()
    busy, other = world.connect(), world.connect()
    for number in range(2_000):
        busy.connection.send("/topic/a", receipt=str(number))
    other.connection.send("/topic/a", receipt="other")
    broker = world.broker
    broker.receive_data(busy.stream, busy.connection.data_to_send(0.0, 60_000), 0.0)
    assert broker.wants_run()
    broker.receive_data(other.stream, other.connection.data_to_send(0.0), 0.0)
    broker.run(0.0)
    while broker.wants_run():
        broker.run(0.0)
    world.read(other)
    assert [event.receipt_id for event in other.heard if isinstance(event, Receipt)] == ["other"]
    assert len(busy.receipts()) == 2_000


def test_what_cannot_be_read_yet_is_not_taken_in() -> None:
    world = World()
    takers = [world.connect() for _ in range(40)]
    for taker in takers:
        taker.connection.subscribe("/topic/a", id="0")
    sender = world.connect()
    for _ in range(600):
        sender.connection.send("/topic/a", bytes(200))
    broker, taken = world.broker, 0
    while broker.wants_read(sender.stream) and (octets := sender.connection.data_to_send(0.0, 16_384)):
        taken += len(octets)
        broker.receive_data(sender.stream, octets, 0.0)
    assert 64 * 1024 < taken < 96 * 1024
    assert sender.stream in broker.changed_streams()
    while broker.wants_run():
        assert not broker.wants_read(sender.stream)
        broker.run(0.0)
        for taker in takers:
            world.read(taker)
    assert broker.wants_read(sender.stream)


def test_who_does_not_take_its_answers_gets_no_more_of_them() -> None:
    world = World()
    client = world.connect()
    client.reads = False
    for number in range(8_000):
        client.connection.send("/topic/a", receipt=str(number))
    world.settle()
    backlog = world.broker.statistics().backlog
    assert 64 * 1024 <= backlog < 128 * 1024
    assert not world.broker.wants_read(client.stream)
    client.reads = True
    assert len(client.receipts()) == 8_000


def test_what_was_said_before_the_end_is_heard() -> None:
    world = World()
    client = world.connect()
    client.reads = False
    for number in range(9_000):
        client.connection.send("/topic/a", receipt=str(number))
    world.settle()
    heard = world.broker.statistics().sent
    assert heard < 9_000
    client.leave()
    assert heard < world.broker.statistics().sent <= 9_000
    assert world.broker.statistics().connections == 0


def test_silence_is_not_counted_while_nothing_is_read() -> None:
    world = World()
    client = world.connect(heartbeat=(1.0, 0.0))
    client.reads = False
    for number in range(9_000):
        client.connection.send("/topic/a", receipt=str(number))
    world.settle()
    world.advance(5.0)
    assert world.broker.statistics().connections == 1


def test_at_the_end_nothing_more_is_read() -> None:
    world = World()
    client = world.connect()
    for number in range(3_000):
        client.connection.send("/topic/a", receipt=str(number))
    broker = world.broker
    broker.receive_data(client.stream, client.connection.data_to_send(0.0, 100_000), 0.0)
    broker.close(0.0)
    assert not broker.wants_read(client.stream)
    world.settle()
    assert broker.finished
    receipts = [event for event in client.heard if isinstance(event, Receipt)]
    assert 1_000 < len(receipts) == broker.statistics().sent
