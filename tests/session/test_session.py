"""The commands of a session: what each writes, what it promises, and what it refuses."""

import pytest

from stomp_sansio import AckMode, LocalProtocolError, Misuse
from stomp_sansio.session.errors import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    MessageExpired,
    NotConnected,
    TransactionLost,
)
from stomp_sansio.session.events import Ended, Interrupted, Ready
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.subscription import Delivery, OverflowPolicy
from stomp_sansio.session.tickets import Outcome

from .world import Hand, World, settled, target

# Beginning


def test_a_session_starts_once():
    world = World().start()
    with pytest.raises(LocalProtocolError, match="make a new one"):
        world.do(world.session.start)


def test_credentials_answer_the_event_that_asks_for_them():
    world = World(ask_credentials=True, retry_first=True)
    world.do(world.session.start)
    world.do(world.session.credentials_failed, OSError("no token server"))
    world.do(world.session.credentials_failed, OSError("said twice"))
    assert len(world.of(Interrupted)) == 1
    world.run(1.0)
    world.do(world.session.provide_credentials, Credentials("ada"))
    world.run()
    assert len(world.of(Ready)) == 1


# Waiting for a connection


def test_who_waits_for_a_connection_is_told_when_it_is_there():
    world = World()
    ticket = world.session.wait_ready()
    assert ticket.outcome is None
    world.start()
    assert settled(ticket) == (Outcome.CONFIRMED, None)
    assert world.changed == [ticket]
    assert world.session.wait_ready().outcome is Outcome.CONFIRMED


def test_who_waits_for_a_connection_is_told_when_there_will_be_none():
    world = World()
    world.network.unlisten(world.network.attempts[0].address) if world.network.attempts else None
    world.broker.accepts = lambda connect: "Access refused"
    before = world.session.wait_ready()
    world.do(world.session.start)
    world.run()
    after = world.session.wait_ready()
    assert settled(before) == settled(after) == (Outcome.ABANDONED, ConnectionClosedError)


def test_between_connections_there_is_none():
    world = World().start()
    assert world.session.connected is not None
    assert world.session.connected.server is None
    world.lose()
    assert world.session.connected is None
    ticket = world.session.wait_ready()
    world.run(5.0)
    assert ticket.outcome is Outcome.CONFIRMED
    assert world.session.connected is not None


# Sending


def test_a_content_type_is_a_header_of_the_message():
    world = World().start()
    world.send("/queue/a", "{}", content_type="application/json", headers={"x": "y"})
    world.run()
    (said,) = world.broker.heard("SEND")
    assert (said["content-type"], said["x"]) == ("application/json", "y")
    with pytest.raises(LocalProtocolError, match="content-type"):
        world.send("/queue/a", "{}", content_type="text/plain", headers={"content-type": "text/html"})


def test_the_length_can_be_left_out():
    world = World().start()
    world.send("/queue/a", "x", content_length=False)
    world.run()
    assert "content-length" not in world.broker.heard("SEND")[0].headers


@pytest.mark.parametrize("confirm", [True, False])
def test_a_body_is_octets(confirm):
    world = World().start()
    with pytest.raises(TypeError):
        world.do(world.session.send, "/queue/a", 5, confirm=confirm)
    assert world.session.next_deadline() is None


def test_a_body_must_suit_the_transport():
    world = World(targets=(target(carries=bytes.isascii),)).start()
    with pytest.raises(LocalProtocolError) as caught:
        world.send("/queue/a", b"\xff")
    assert caught.value.misuse is Misuse.NOT_UTF8


def test_a_confirmation_that_is_awaited_lets_reading_go_on():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=1)
    world.run(0.1)
    world.publish("/queue/a", b"1")
    world.run(0.1)
    ticket = world.confirm("/queue/b")
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED
    assert world.bodies(subscription) == [b"1"]


# Subscribing


def test_what_makes_no_sense_is_refused():
    world = World().start()
    with pytest.raises(ValueError, match="at least one message"):
        world.subscribe("/queue/a", max_queue=0)
    with pytest.raises(ValueError, match="could not be acknowledged"):
        world.subscribe("/queue/a", ack=AckMode.CLIENT, overflow=OverflowPolicy.DROP_OLDEST)
    world.subscribe("/queue/a", id="mine")
    with pytest.raises(LocalProtocolError, match="use another id"):
        world.subscribe("/queue/a", id="mine")
    world.run()
    assert len(world.broker.heard("SUBSCRIBE")) == 1


def test_messages_can_be_taken_while_there_is_no_connection():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.publish("/queue/a", b"1")
    world.run()
    world.lose()
    assert world.session.connected is None
    assert world.bodies(subscription) == [b"1"]


def test_taking_lets_reading_go_on_as_soon_as_it_may():
    """Also where one subscription is still full, and octets were what stopped it."""
    world = World(max_queue_octets=3000).start()
    small, large = world.subscribe("/queue/s", max_queue=1), world.subscribe("/queue/l")
    world.run(0.1)
    world.publish("/queue/s", b"1")
    world.publish("/queue/l", bytes(2500))
    world.run(0.1)
    world.broker.confirms = lambda said: None
    world.confirm("/queue/b")
    stream = next(iter(world.client.ends))
    assert not world.session.wants_read(stream)
    assert len(world.bodies(large)) == 1
    assert world.session.wants_read(stream)
    assert world.bodies(small) == [b"1"]


# Acknowledging


def test_ack_and_nack_say_what_they_are_told():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL)
    world.publish("/queue/a", b"1", b"2")
    world.run()
    first, second = world.take(subscription), world.take(subscription)
    assert first is not None
    assert second is not None
    assert world.do(world.session.ack, first, headers={"x": "y"}) is None
    world.do(world.session.ack, second, negative=True)
    world.run()
    ack, nack = world.broker.said[2:]
    assert (ack.command, ack["id"], ack["x"]) == ("ACK", first.message.ack, "y")
    assert (nack.command, nack["id"]) == ("NACK", second.message.ack)


def test_a_message_is_acknowledged_once():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run()
    delivery = world.take(subscription)
    world.do(world.session.ack, delivery)
    with pytest.raises(LocalProtocolError) as caught:
        world.do(world.session.ack, delivery)
    assert caught.value.misuse is Misuse.UNKNOWN_MESSAGE


def test_a_message_that_wants_no_acknowledgement_gets_none():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.publish("/queue/a", b"1")
    world.run()
    with pytest.raises(LocalProtocolError):
        world.do(world.session.ack, world.take(subscription))


def test_a_reply_wants_no_acknowledgement():
    hand = Hand().start().connect()
    ticket = hand.session.request("/queue/rpc", now=0.0)
    hand.hear("MESSAGE", {"subscription": "/temp-queue/p", "message-id": "1", "destination": "/x"})
    assert ticket.reply is not None
    with pytest.raises(LocalProtocolError) as caught:
        hand.session.ack(Delivery(ticket.reply, 0, None), now=0.0)
    assert caught.value.misuse is Misuse.NOT_ACKABLE


def test_a_message_of_an_earlier_connection_has_expired():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run()
    delivery = world.take(subscription)
    world.lose()
    for _ in range(2):
        with pytest.raises(MessageExpired):
            world.do(world.session.ack, delivery)
        world.run(5.0)
    assert len(world.of(Ready)) == 2
    assert world.broker.heard("ACK") == []


def test_a_message_has_expired_once_the_good_bye_is_said():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run()
    delivery = world.take(subscription)
    world.do(world.session.close)
    with pytest.raises(MessageExpired):
        world.do(world.session.ack, delivery)


# Transactions


def test_what_is_done_in_a_transaction_takes_effect_with_its_commit():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL)
    world.publish("/queue/a", b"order")
    world.run()
    transaction = world.do(world.session.begin, headers={"x": "y"})
    delivery = world.take(subscription)
    world.do(world.session.send_in, transaction, "/queue/b", b"invoice", content_type="text/plain")
    world.do(world.session.ack, delivery, transaction=transaction)
    world.run()
    assert "/queue/b" not in world.broker.accepted
    ticket = world.do(world.session.commit, transaction, headers={"x": "z"})
    assert ticket.outcome is None
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED
    assert world.broker.accepted["/queue/b"] == [b"invoice"]
    assert [said.command for said in world.broker.said[2:]] == ["BEGIN", "SEND", "ACK", "COMMIT"]
    assert (world.broker.said[2]["x"], world.broker.said[-1]["x"]) == ("y", "z")


def test_a_transaction_can_be_rolled_back():
    world = World().start()
    transaction = world.do(world.session.begin)
    world.do(world.session.send_in, transaction, "/queue/b", b"invoice")
    world.do(world.session.abort, transaction, headers={"x": "y"})
    world.run()
    assert "/queue/b" not in world.broker.accepted
    assert world.broker.heard("ABORT")[0]["x"] == "y"
    with pytest.raises(LocalProtocolError):
        world.do(world.session.commit, transaction)


def test_a_transaction_dies_with_its_connection():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    transaction = world.do(world.session.begin)
    world.lose()
    for _ in range(2):
        with pytest.raises(TransactionLost):
            world.do(world.session.send_in, transaction, "/queue/b")
        with pytest.raises(TransactionLost):
            world.do(world.session.commit, transaction)
        world.do(world.session.abort, transaction)
        world.run(5.0)
    world.publish("/queue/a", b"1")
    world.run()
    delivery = world.take(subscription)
    with pytest.raises(TransactionLost):
        world.do(world.session.ack, delivery, transaction=transaction)
    world.do(world.session.ack, delivery)
    assert world.broker.heard("ABORT") == []


def test_a_commit_whose_receipt_was_lost_is_unknown():
    world = World().start()
    world.broker.confirms = lambda said: None
    transaction = world.do(world.session.begin)
    ticket = world.do(world.session.commit, transaction)
    world.run(0.1)
    world.lose()
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedError)
    assert "COMMIT: the connection was lost before the server confirmed it" in str(ticket.error)


@pytest.mark.parametrize("command", ["begin", "request"])
def test_what_needs_a_connection_says_so(command):
    world = World()
    world.do(world.session.start)
    with pytest.raises(NotConnected):
        world.do(world.session.begin) if command == "begin" else world.do(world.session.request, "/a")


# After the end


def commands(world):
    return [
        lambda: world.send("/queue/a"),
        lambda: world.confirm("/queue/a"),
        lambda: world.subscribe("/queue/a"),
        lambda: world.do(world.session.begin),
        lambda: world.do(world.session.request, "/queue/a"),
    ]


def test_nothing_can_be_asked_of_a_session_that_is_closed_or_being_closed():
    world = World().start()
    world.do(world.session.close)
    for _ in range(2):
        for command in commands(world):
            with pytest.raises(ConnectionClosedOK):
                command()
        world.run()
    assert world.session.finished


def test_nothing_can_be_asked_of_a_session_that_has_failed_and_it_says_why():
    world = World(reconnect=None).start()
    world.lose()
    for command in commands(world):
        with pytest.raises(ConnectionClosed, match="broke"):
            command()


def test_the_reason_of_a_refused_login_is_the_cause():
    world = World()
    world.broker.accepts = lambda connect: "Access refused"
    world.do(world.session.start)
    world.run()
    with pytest.raises(ConnectionClosedError, match="the session is over") as caught:
        world.send("/queue/a")
    assert caught.value.__cause__ is world.session.error is world.ended.error


def test_ending_a_subscription_of_a_session_that_is_over_is_harmless():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.do(world.session.close)
    world.do(world.session.unsubscribe, subscription)
    world.run()
    world.do(world.session.unsubscribe, subscription)
    assert world.broker.heard("UNSUBSCRIBE") == []


def test_closing_is_for_every_time():
    fresh = World()
    assert fresh.do(fresh.session.close).outcome is Outcome.CONFIRMED
    world = World(reconnect=None).start()
    world.lose()
    assert world.do(world.session.close).outcome is Outcome.CONFIRMED
    assert world.do(world.session.close).outcome is Outcome.CONFIRMED
    assert len(world.of(Ended)) == 1


def test_closing_a_session_that_is_being_closed_waits_for_the_same_good_bye():
    world = World().start()
    ticket = world.do(world.session.close)
    assert world.do(world.session.close) is ticket
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED
    assert len(world.broker.heard("DISCONNECT")) == 1


# Draining


def test_a_drain_ends_the_subscriptions_and_waits_for_what_was_sent():
    world = World().start()
    world.broker.confirms = lambda said: 2.0 if said.command == "SEND" else 0.0
    subscriptions = [world.subscribe("/queue/a"), world.subscribe("/queue/b")]
    ticket = world.confirm("/queue/c")
    drained = world.do(world.session.drain)
    assert all(subscription.ended for subscription in subscriptions)
    with pytest.raises(ConnectionClosedOK, match="drained"):
        world.subscribe("/queue/c")
    world.run(1.0)
    assert len(world.broker.heard("UNSUBSCRIBE")) == 2
    assert drained.outcome is None
    world.run(2.0)
    assert ticket.outcome is drained.outcome is Outcome.CONFIRMED
    assert drained in world.changed
    assert world.of(Ended) == []


def test_who_works_on_a_message_may_send_and_acknowledge_during_a_drain():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL)
    world.publish("/queue/a", b"1")
    world.run()
    message = world.take(subscription)
    drained = world.do(world.session.drain)
    world.run()
    transaction = world.do(world.session.begin)
    world.do(world.session.send_in, transaction, "/queue/b", b"in a transaction")
    tickets = [
        world.confirm("/queue/b", b"done"),
        world.do(world.session.commit, transaction),
        world.do(world.session.ack, message, confirm=True),
    ]
    assert world.do(world.session.drain) is not drained
    world.run()
    assert [ticket and ticket.outcome for ticket in tickets] == [Outcome.CONFIRMED] * 3
    assert world.broker.heard("UNSUBSCRIBE") == []
    world.do(world.session.unsubscribe, subscription)
    world.run()
    assert [said["id"] for said in world.broker.heard("UNSUBSCRIBE")] == [subscription.id]


def test_what_the_server_counts_as_delivered_can_be_taken_during_a_drain_and_the_rest_is_its_own():
    world = World().start()
    own, kept = world.subscribe("/queue/a"), world.subscribe("/queue/b", ack=AckMode.CLIENT)
    for queue in ("/queue/a", "/queue/b"):
        world.publish(queue, b"1")
    world.run()
    world.do(world.session.drain)
    assert world.bodies(own) == [b"1"]
    assert world.bodies(kept) == []


def test_closing_ends_what_was_drained_and_not_left():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.do(world.session.drain)
    world.do(world.session.close)
    world.run()
    assert [said["id"] for said in world.broker.heard("UNSUBSCRIBE")] == [subscription.id]
    assert len(world.broker.heard("DISCONNECT")) == 1


def test_a_drain_that_has_ended_can_be_asked_for_again():
    world = World().start()
    world.broker.confirms = lambda said: 2.0 if said.command == "SEND" else 0.0
    assert world.do(world.session.drain).outcome is Outcome.CONFIRMED
    ticket = world.confirm("/queue/a")
    again = world.do(world.session.drain)
    assert again.outcome is None
    assert world.do(world.session.drain) is again
    world.run(3.0)
    assert ticket.outcome is again.outcome is Outcome.CONFIRMED


def test_a_drain_waits_for_a_reply():
    world = World().start()
    reply = world.do(world.session.request, "/queue/rpc", timeout=5.0)
    drained = world.do(world.session.drain)
    world.run(4.0)
    assert drained.outcome is None
    world.run(2.0)
    assert reply.outcome is Outcome.UNKNOWN
    assert drained.outcome is Outcome.CONFIRMED


def test_a_drain_goes_on_over_connections():
    world = World().start()
    world.broker.confirms = lambda said: None if said.connection == 1 else 0.0
    subscription = world.subscribe("/queue/a")
    ticket = world.confirm("/queue/c")
    drained = world.do(world.session.drain)
    world.run(0.1)
    world.lose()
    world.run(5.0)
    assert ticket.outcome is drained.outcome is Outcome.CONFIRMED
    assert [said.connection for said in world.broker.heard("SUBSCRIBE")] == [1]
    assert subscription.ended


def test_a_drain_without_a_connection_ends_in_time():
    world = World().start()
    world.network.unlisten(world.network.attempts[0].address)
    world.lose()
    ticket = world.confirm("/queue/c")
    drained = world.do(world.session.drain)
    world.run(29.0)
    assert drained.outcome is None
    world.run(2.0)
    assert ticket.outcome is Outcome.UNKNOWN
    assert world.session.drain(world.client.now).outcome is Outcome.CONFIRMED


def test_a_drain_with_nothing_to_wait_for_is_done_at_once_and_twice_is_harmless():
    world = World().start()
    drained = world.do(world.session.drain)
    assert drained.outcome is world.do(world.session.drain).outcome is Outcome.CONFIRMED
    closed = World().start()
    closed.do(closed.session.close)
    closed.run()
    assert closed.do(closed.session.drain).outcome is Outcome.CONFIRMED


def test_a_drain_ends_with_the_session():
    world = World(reconnect=None).start()
    world.broker.confirms = lambda said: None
    world.confirm("/queue/a")
    drained = world.do(world.session.drain)
    world.lose()
    assert drained.outcome is Outcome.CONFIRMED


def test_a_drain_goes_through_though_a_subscription_was_not_made_on_this_connection():
    world = World().start()
    world.broker.names_receipts = False
    bad, fine = world.subscribe("/queue/bad"), world.subscribe("/queue/fine")
    world.broker.objects = lambda said: "no" if said.headers.get("destination") == "/queue/bad" else None
    world.run(0.1)
    world.broker.objects = lambda said: None
    world.broker.ignores = lambda said: bad.id in said.headers.values()
    world.run(1.0)
    drained = world.do(world.session.drain)
    assert bad.ended
    assert fine.ended
    assert drained.outcome is Outcome.CONFIRMED
    world.run()
    assert [said["id"] for said in world.broker.heard("UNSUBSCRIBE")] == [bad.id]
