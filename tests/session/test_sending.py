"""Messages on their way out: tickets and their outcomes, limits, order, and what a lost connection does."""

import pytest

from stomp_sansio import AckMode, LocalProtocolError, Version
from stomp_sansio.session.errors import (
    BrokerError,
    ConnectionClosedError,
    ConnectionClosedOK,
    MessageExpired,
    NotConnected,
    OutboxFull,
    ReceiptTimeout,
)
from stomp_sansio.session.events import Interrupted, Ready
from stomp_sansio.session.tickets import Outcome
from stomp_sansio.testing import Conditions, Cut, Path

from .world import Hand, World, address, settled


def silent(said):
    """Confirm everything but messages."""
    return None if said.command == "SEND" else 0.0


def write_all(hand):
    """Let the driver take everything."""
    while hand.session.data_to_send(hand.link.stream, hand.now):
        pass
    hand.drain()


# Outcomes


def test_a_ticket_is_confirmed_by_the_receipt():
    world = World().start()
    ticket = world.confirm("/queue/a", "hello")
    assert ticket.outcome is None
    world.run()
    assert settled(ticket) == (Outcome.CONFIRMED, None)
    assert world.changed == [ticket]
    assert world.broker.accepted["/queue/a"] == [b"hello"]


def test_a_message_without_confirmation_has_no_ticket():
    world = World().start()
    assert world.send("/queue/a", "hello") is None
    world.run()
    assert world.broker.accepted["/queue/a"] == [b"hello"]
    assert "receipt" not in world.broker.heard("SEND")[0].headers


def test_a_ticket_is_rejected_by_an_error_that_names_it():
    world = World().start()
    world.broker.objects = lambda said: "no such queue" if said.command == "SEND" else None
    ticket = world.confirm("/queue/a")
    world.run()
    assert settled(ticket) == (Outcome.REJECTED, BrokerError)
    world.run(10.0)
    assert len(world.broker.heard("SEND")) == 1


def test_a_receipt_that_does_not_come_leaves_a_ticket_unknown_and_the_outbox_empty():
    world = World().start()
    world.broker.confirms = silent
    ticket = world.confirm("/queue/a")
    world.run(29.0)
    assert ticket.outcome is None
    world.run(2.0)
    assert settled(ticket) == (Outcome.UNKNOWN, ReceiptTimeout)
    world.lose()
    world.run(10.0)
    assert len(world.broker.heard("SEND")) == 1


def test_what_was_never_written_is_abandoned_at_the_end():
    world = World(reconnect=None)
    world.do(world.session.start)
    written = world.confirm("/queue/a")
    world.do(world.session.close)
    assert settled(written) == (Outcome.ABANDONED, ConnectionClosedOK)


def test_what_was_written_is_unknown_at_the_end():
    world = World(reconnect=None).start()
    world.broker.confirms = silent
    ticket = world.confirm("/queue/a")
    world.run(0.1)
    world.lose()
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedError)


def test_what_was_written_on_an_earlier_connection_is_unknown_when_the_session_is_closed():
    world = World().start()
    world.broker.confirms = silent
    ticket = world.confirm("/queue/a")
    world.run(0.1)
    world.lose()
    world.do(world.session.close)
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedOK)


def test_what_was_not_given_to_the_connection_is_abandoned_when_the_session_is_closed():
    hand = Hand(max_backlog=100).start().connect()
    hand.link.slow = True
    first = hand.session.send("/a", bytes(1000), confirm=True, now=0.0)
    second = hand.session.send("/a", b"", confirm=True, now=0.0)
    third = hand.session.send("/a", b"", now=0.0)
    hand.session.close(0.0)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.outcome is None
    assert settled(second) == settled(third) == (Outcome.ABANDONED, ConnectionClosedOK)
    hand.lose(clean=True)
    assert settled(first) == (Outcome.UNKNOWN, ConnectionClosedOK)


def test_what_an_earlier_connection_was_given_is_unknown_though_this_one_was_not_given_it():
    hand = Hand(max_backlog=100).start().connect()
    tickets = [hand.session.send("/a", bytes(200), confirm=True, now=0.0) for _ in range(3)]
    write_all(hand)
    hand.lose()
    hand.advance(1.0)
    hand.connect()
    hand.link.slow = True
    hand.session.send("/a", bytes(1000), now=hand.now)
    hand.lose()
    hand.advance(2.0)
    hand.link.slow = True
    hand.connect()
    hand.session.close(hand.now)
    for ticket in tickets[1:]:
        assert ticket is not None
        assert ticket.outcome is Outcome.UNKNOWN


# Acks and other frames with receipts


def test_an_ack_can_be_confirmed():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL)
    world.publish("/queue/a", b"1", b"2")
    world.run()
    for negative in (False, True):
        delivery = world.take(subscription)
        ticket = world.do(world.session.ack, delivery, confirm=True, negative=negative)
        assert ticket is not None
        world.run()
        assert settled(ticket) == (Outcome.CONFIRMED, None)
    assert [said.command for said in world.broker.said[2:]] == ["ACK", "NACK"]


def test_an_ack_whose_receipt_was_lost_is_unknown():
    world = World().start()
    world.broker.confirms = lambda said: None
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run()
    ticket = world.do(world.session.ack, world.take(subscription), confirm=True)
    assert ticket is not None
    world.run(0.1)
    world.lose()
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedError)


def test_an_ack_can_be_rejected():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run()
    world.broker.objects = lambda said: "double ack" if said.command == "ACK" else None
    ticket = world.do(world.session.ack, world.take(subscription), confirm=True)
    assert ticket is not None
    world.run(0.1)
    assert settled(ticket) == (Outcome.REJECTED, BrokerError)


# Receipts as servers send them


def test_receipts_may_come_out_of_order():
    world = World().start()
    world.broker.confirms = lambda said: 3.0 if said.body == b"slow" else 1.0
    slow, fast = world.confirm("/queue/a", "slow"), world.confirm("/queue/a", "fast")
    world.run(2.0)
    assert (slow.outcome, fast.outcome) == (None, Outcome.CONFIRMED)
    world.run(2.0)
    assert slow.outcome is Outcome.CONFIRMED


def test_of_an_error_and_a_receipt_for_one_frame_the_first_settles():
    hand = Hand().start().connect()
    hand.said()
    ticket = hand.session.send("/a", confirm=True, now=0.0)
    assert ticket is not None
    (send,) = hand.said()
    hand.link.hear(b"ERROR\nmessage:no\nreceipt-id:" + send.headers["receipt"].encode() + b"\n\n\0")
    hand.hear("RECEIPT", {"receipt-id": send.headers["receipt"]})
    assert settled(ticket) == (Outcome.REJECTED, BrokerError)


def test_of_a_receipt_and_an_error_for_one_frame_the_first_settles():
    hand = Hand().start().connect()
    hand.said()
    ticket = hand.session.send("/a", confirm=True, now=0.0)
    other = hand.session.send("/a", confirm=True, now=0.0)
    assert ticket is not None
    assert other is not None
    receipt = hand.said()[0].headers["receipt"]
    hand.hear("RECEIPT", {"receipt-id": receipt})
    hand.hear("ERROR", {"message": "no", "receipt-id": receipt})
    assert settled(ticket) == (Outcome.CONFIRMED, None)
    assert len(hand.of(Interrupted)) == 1


def test_a_receipt_for_nothing_changes_nothing():
    world = World().start()
    ticket = world.confirm("/queue/a")
    world.tell("RECEIPT", {"receipt-id": "who-knows"})
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED
    assert world.of(Interrupted) == []


def test_a_message_in_a_transaction_cannot_be_waited_for():
    """Servers confirm it only behind COMMIT: who waits for it before that would wait for ever."""
    world = World().start()
    transaction = world.do(world.session.begin)
    assert world.do(world.session.send_in, transaction, "/queue/a", b"x") is None
    ticket = world.do(world.session.commit, transaction)
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED
    assert "receipt" not in world.broker.heard("SEND")[0].headers


# Limits


def test_the_outbox_holds_so_many_messages_and_one_more_waits_and_ends_with_the_timeout():
    world = World(max_outbox_messages=3).start()
    world.broker.confirms = silent
    held = [world.confirm("/queue/a", str(number)) for number in range(3)]
    waits = world.confirm("/queue/a", "3")
    world.run(10.0)
    assert [said.body for said in world.broker.heard("SEND")] == [b"0", b"1", b"2"]
    assert waits.deferred
    world.run(25.0)
    assert settled(waits) == (Outcome.ABANDONED, OutboxFull)
    assert {settled(ticket) for ticket in held} == {(Outcome.UNKNOWN, ReceiptTimeout)}
    assert len(world.broker.heard("SEND")) == 3


def test_the_outbox_holds_so_many_octets_and_one_more_message_waits():
    world = World(max_outbox_octets=3000).start()
    world.broker.confirms = lambda said: 5.0
    for _ in range(2):
        world.confirm("/queue/a", bytes(1000))
    waits = world.confirm("/queue/a", bytes(1000))
    world.run(2.0)
    assert waits.deferred
    world.run(10.0)
    assert waits.outcome is Outcome.CONFIRMED


def test_so_many_are_on_their_way_and_the_others_follow_as_receipts_come():
    world = World(max_unconfirmed=2).start()
    world.broker.confirms = lambda said: 1.0
    tickets = [world.confirm("/queue/a", str(number)) for number in range(5)]
    assert not any(ticket.deferred for ticket in tickets)
    world.run(0.5)
    assert [said.body for said in world.broker.heard("SEND")] == [b"0", b"1"]
    world.run(1.0)
    assert [said.body for said in world.broker.heard("SEND")] == [b"0", b"1", b"2", b"3"]
    world.run(10.0)
    assert [said.body for said in world.broker.heard("SEND")] == [b"0", b"1", b"2", b"3", b"4"]
    assert {ticket.outcome for ticket in tickets} == {Outcome.CONFIRMED}


def test_no_more_than_were_on_their_way_come_twice():
    world = World(max_unconfirmed=2).start()
    world.broker.confirms = silent
    for number in range(5):
        world.confirm("/queue/a", str(number))
    world.run(1.0)
    world.broker.confirms = lambda said: 0.0
    world.lose()
    world.run(20.0)
    assert [said.body for said in world.broker.heard("SEND")] == [b"0", b"1", b"0", b"1", b"2", b"3", b"4"]


def test_a_message_that_is_larger_than_the_outbox_goes_alone():
    world = World(max_outbox_octets=100).start()
    first, second = world.confirm("/queue/a", bytes(1000)), world.confirm("/queue/a", "small")
    assert not first.deferred
    assert second.deferred
    world.run()
    assert first.outcome is second.outcome is Outcome.CONFIRMED


def test_who_waits_for_room_comes_in_in_order_and_before_who_came_later():
    world = World(max_outbox_messages=3).start()
    world.broker.confirms = lambda said: 0.5
    for number in range(6):
        world.confirm("/queue/a", str(number))
    world.run(0.75)
    world.confirm("/queue/a", "6")
    world.run(10.0)
    assert world.broker.accepted["/queue/a"] == [str(number).encode() for number in range(7)]


def test_as_many_as_the_outbox_holds_may_wait_and_one_more_is_refused_at_once():
    world = World(max_outbox_messages=2).start()
    world.broker.confirms = silent
    for _ in range(4):
        world.confirm("/queue/a")
    with pytest.raises(OutboxFull, match="too many messages wait for room already"):
        world.confirm("/queue/a")
    with pytest.raises(OutboxFull):
        world.send("/queue/a")


def test_a_disconnected_session_does_not_keep_what_has_timed_out():
    world = World(receipt_timeout=5.0).start()
    world.network.unlisten(world.network.attempts[0].address)
    world.lose()
    for _ in range(20):
        world.confirm("/queue/a", bytes(1000))
        world.run(10.0)
    outbox = world.session._sending._outbox  # noqa: SLF001  # memory has no other witness
    assert len(outbox) == 0
    assert outbox._octets == 0  # noqa: SLF001


def test_when_the_peer_stops_reading_sending_waits_and_then_fails():
    world = World(max_backlog=10_000, reconnect=None)
    world.network.conditions = lambda address, number: Conditions(there=Path(window=1000))
    world.start()
    world.broker.reading = False
    tickets = [world.send("/queue/a", bytes(1000)) for _ in range(100)]
    waiting = [ticket for ticket in tickets if ticket is not None]
    assert 80 < len(waiting) < 95
    world.run(31.0)
    assert settled(waiting[-1]) == (Outcome.ABANDONED, OutboxFull)
    assert None not in {ticket.outcome for ticket in waiting}


def test_when_the_peer_reads_again_sending_goes_on_in_order():
    world = World(max_backlog=10_000)
    world.network.conditions = lambda address, number: Conditions(there=Path(window=1000))
    world.start()
    world.broker.reading = False
    bodies = [bytes([number]) * 1000 for number in range(100)]
    tickets = [world.send("/queue/a", body, confirm=number % 3 == 0) for number, body in enumerate(bodies)]
    world.run(5.0)
    world.broker.reading = True
    for stream in world.broker.peers:
        world.server.ends[stream].wake()
    world.run(10.0)
    assert world.broker.accepted["/queue/a"] == bodies
    outcomes = {ticket.outcome for ticket in tickets if ticket is not None}
    assert outcomes == {Outcome.CONFIRMED, Outcome.SENT}


def test_a_transaction_waits_as_well_when_the_peer_stops_reading():
    hand = Hand(max_backlog=1000).start().connect()
    hand.link.slow = True
    transaction = hand.session.begin(now=0.0)
    assert hand.session.send_in(transaction, "/a", b"x", now=0.0) is None
    ticket = hand.session.send_in(transaction, "/a", bytes(2000), now=0.0)
    assert ticket is not None
    assert ticket.outcome is None
    write_all(hand)
    assert settled(ticket) == (Outcome.SENT, None)
    late = hand.session.send_in(transaction, "/a", bytes(2000), now=0.0)
    assert late is not None
    hand.advance(30.0)
    assert settled(late) == (Outcome.UNKNOWN, ReceiptTimeout)
    lost = hand.session.send_in(transaction, "/a", bytes(2000), now=hand.now)
    assert lost is not None
    hand.lose()
    assert settled(lost) == (Outcome.UNKNOWN, ConnectionClosedError)


# Order


@pytest.mark.parametrize("pattern", ["ccc", "uuu", "cuc", "ucu", "ccuucu"])
def test_the_order_is_that_of_sending_with_and_without_confirmation(pattern):
    world = World(max_outbox_messages=2, max_backlog=600)
    world.network.conditions = lambda address, number: Conditions(there=Path(window=300))
    world.start()
    world.broker.confirms = lambda said: 0.1 if said.command == "SEND" else 0.0
    bodies = [f"{number}".encode() * 50 for number in range(10, 40)]
    for number, body in enumerate(bodies):
        kind = pattern[number % len(pattern)]
        try:
            world.send("/queue/a", body, confirm=kind == "c")
        except OutboxFull:
            world.run(1.0)
            world.send("/queue/a", body, confirm=kind == "c")
    world.run(20.0)
    assert world.broker.accepted["/queue/a"] == bodies


# Without a connection


def test_a_message_that_is_to_be_confirmed_waits_for_a_connection():
    world = World()
    world.do(world.session.start)
    ticket = world.confirm("/queue/a", "early")
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED


def test_a_message_without_confirmation_needs_a_connection():
    world = World()
    world.do(world.session.start)
    with pytest.raises(NotConnected, match="ask for a receipt, or pass wait=True"):
        world.send("/queue/a")


def test_a_message_without_confirmation_may_wait_for_a_connection():
    world = World()
    world.do(world.session.start)
    ticket = world.send("/queue/a", "early", wait=True)
    assert ticket is not None
    world.run()
    assert settled(ticket) == (Outcome.SENT, None)
    assert world.broker.accepted["/queue/a"] == [b"early"]


def test_waiting_for_a_connection_ends_with_the_timeout():
    world = World(retry_first=True)
    world.network.unlisten(address("broker"))
    world.do(world.session.start)
    ticket = world.send("/queue/a", wait=True)
    assert ticket is not None
    world.run(31.0)
    assert settled(ticket) == (Outcome.ABANDONED, OutboxFull)


def test_waiting_with_a_connection_is_not_needed():
    world = World().start()
    assert world.send("/queue/a", wait=True) is None


@pytest.mark.parametrize("confirm", [True, False])
def test_what_cannot_be_said_is_refused_before_there_is_a_connection(confirm):
    world = World(versions=(Version.V1_0,))
    world.do(world.session.start)
    with pytest.raises(LocalProtocolError):
        world.send("/queue/a\n", confirm=confirm, wait=True)
    with pytest.raises(LocalProtocolError):
        world.send("/queue/a", headers={"receipt": "mine"}, confirm=confirm, wait=True)


@pytest.mark.parametrize("confirm", [True, False])
def test_what_cannot_be_said_is_refused_and_leaves_no_trace(confirm):
    world = World().start()
    with pytest.raises(LocalProtocolError):
        world.send("/queue/a\0", confirm=confirm)
    with pytest.raises(LocalProtocolError):
        world.send("/queue/a", headers={"destination": "mine"}, confirm=confirm)
    assert world.session.next_deadline() is None
    assert world.confirm("/queue/a").outcome is None


def test_what_the_version_of_the_next_connection_cannot_say_is_rejected():
    hand = Hand().start()
    ticket = hand.session.send("/a\n", confirm=True, now=0.0)
    plain = hand.session.send("/a\n", wait=True, now=0.0)
    fine = hand.session.send("/a", b"fine", confirm=True, now=0.0)
    assert ticket is not None
    assert plain is not None
    assert fine is not None
    hand.link.opened()
    hand.link.hear(b"CONNECTED\nversion:1.0\n\n\0")
    hand.look()
    assert settled(ticket) == settled(plain) == (Outcome.REJECTED, LocalProtocolError)
    assert hand.said()[-1].body == b"fine"
    assert fine.outcome is None


# After a loss


def test_what_is_not_confirmed_is_sent_again_in_order_and_before_what_is_new():
    world = World().start()
    world.broker.confirms = lambda said: None if said.connection == 1 and said.body != b"1" else 0.0
    tickets = [world.confirm("/queue/a", str(number)) for number in range(4)]
    world.run(0.1)
    world.lose()
    tickets.append(world.confirm("/queue/a", "new"))
    world.run(5.0)
    second = [said.body for said in world.broker.heard("SEND") if said.connection == 2]
    assert second == [b"0", b"2", b"3", b"new"]
    assert {ticket.outcome for ticket in tickets} == {Outcome.CONFIRMED}


def test_what_is_sent_again_is_the_same():
    world = World().start()
    world.broker.confirms = lambda said: None if said.connection == 1 else 0.0
    headers = {"x": "y"}
    world.confirm("/queue/a", "body", headers=(pair for pair in [("a", "b")]), content_type="text/plain")
    world.confirm("/queue/a", "body", headers=headers, content_length=False)
    headers["x"] = "changed"
    world.run(0.1)
    world.lose()
    world.run(5.0)
    first, second, *again = world.broker.heard("SEND")
    assert first.headers["a"] == "b"
    assert second.headers["x"] == "y"
    assert "content-length" not in second.headers
    assert [(said.headers, said.body) for said in again] == [
        (said.headers, said.body) for said in (first, second)
    ]


def test_what_waited_for_room_without_staying_is_abandoned_by_a_loss():
    world = World(max_backlog=100).start()
    world.broker.reading = False
    world.network.wires[-1].stall(1000.0)
    world.send("/queue/a", bytes(200_000))
    gone, stays = world.send("/queue/a", "gone"), world.send("/queue/a", "stays", wait=True)
    assert gone is not None
    assert stays is not None
    world.lose()
    assert settled(gone) == (Outcome.ABANDONED, NotConnected)
    world.broker.reading = True
    world.run(5.0)
    assert settled(stays) == (Outcome.SENT, None)
    assert world.broker.accepted["/queue/a"] == [b"stays"]


def test_nothing_is_lost_when_the_stream_ends_while_something_is_sent():
    """Between the end of the stream and its loss a link takes nothing any more."""
    hand = Hand().start().connect()
    hand.link.deaf = True
    ticket = hand.session.send("/a", b"again", confirm=True, now=0.0)
    with pytest.raises(NotConnected):
        hand.session.send("/a", now=0.0)
    hand.lose(clean=True, reason="The peer closed the connection")
    hand.advance(1.0)
    hand.connect()
    assert hand.said()[-1].body == b"again"
    assert ticket is not None
    assert ticket.outcome is None


@pytest.mark.parametrize("cut", list(Cut))
def test_a_loss_between_acceptance_and_receipt_sends_a_message_twice_and_confirms_it(cut):
    world = World(heartbeat=(1.0, 1.0))
    world.broker.beat = 1.0
    # CONNECTED comes, a RECEIPT never does, on the first connection.
    first = Conditions(
        back=Path(cut_after=len("CONNECTED\nversion:1.2\nheart-beat:1000,1000\n\n\0\n"), cut=cut)
    )
    world.network.conditions = lambda address, number: first if number == 1 else Conditions()
    world.do(world.session.start)
    ticket = world.confirm("/queue/a", "once")
    world.run(20.0)
    assert ticket.outcome is Outcome.CONFIRMED
    assert set(world.broker.accepted["/queue/a"]) == {b"once"}
    assert len(world.of(Ready)) in (1, 2)


def test_a_stale_ack_is_refused():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run()
    delivery = world.take(subscription)
    world.lose()
    with pytest.raises(MessageExpired):
        world.do(world.session.ack, delivery)
    world.run(5.0)
    with pytest.raises(MessageExpired, match="the server delivers it again"):
        world.do(world.session.ack, delivery)
    assert world.broker.heard("ACK") == []


# What may have ended a connection


def suspicious(*bodies):
    """Return a hand on a new connection, and the tickets of messages that were out when an ERROR came."""
    hand = Hand().start().connect()
    tickets = [hand.session.send("/a", body, confirm=True, now=0.0) for body in bodies]
    assert None not in tickets
    hand.hear("ERROR", {"message": "no"})
    hand.advance(1.0)
    hand.connect()
    return hand, tickets


def sent(hand):
    return [
        (frame.body, frame.headers.get("receipt", "")) for frame in hand.said() if frame.command == "SEND"
    ]


def test_what_may_have_ended_a_connection_goes_alone():
    hand, tickets = suspicious(b"1", b"2")
    hand.session.send("/a", b"3", confirm=True, now=hand.now)
    plain = hand.session.send("/a", b"4", now=hand.now)
    ((body, receipt),) = sent(hand)
    assert body == b"1"
    hand.hear("RECEIPT", {"receipt-id": receipt})
    ((body, receipt),) = sent(hand)
    assert body == b"2"
    hand.hear("RECEIPT", {"receipt-id": receipt})
    assert [body for body, _ in sent(hand)] == [b"3", b"4"]
    assert {settled(ticket) for ticket in tickets} == {(Outcome.CONFIRMED, None)}
    assert settled(plain) == (Outcome.SENT, None)


def test_what_is_under_no_suspicion_is_settled_before_a_suspect_goes():
    hand, _ = suspicious(b"1")
    ((_, receipt),) = sent(hand)
    hand.lose()
    hand.advance(2.0)
    hand.connect()
    hand.hear("RECEIPT", {"receipt-id": receipt})
    assert hand.session.send("/a", b"2", now=hand.now) is None


def test_a_suspect_is_not_sent_a_third_time():
    hand, (ticket,) = suspicious(b"poison")
    hand.hear("ERROR", {"message": "still no"})
    assert settled(ticket) == (Outcome.UNKNOWN, BrokerError)
    hand.advance(2.0)
    hand.connect()
    assert sent(hand) == []


def test_there_is_room_until_as_much_waits_as_may():
    hand = Hand(max_backlog=1000).start().connect()
    hand.link.slow = True
    count = 0
    while hand.session.send_at_once(hand.now, "/queue/a", bytes(100)):
        count += 1
    assert 3 <= count <= 10
    assert hand.session.send("/queue/a", b"", now=hand.now) is not None
