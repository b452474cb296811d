"""What comes, and what it changes: when reading pauses, what an ERROR is blamed on, how a session ends."""

import pytest

from stomp_sansio import (
    AckMode,
    Closed,
    Connected,
    Error,
    Limits,
    LocalProtocolError,
    Message,
    Receipt,
)
from stomp_sansio.links.link import Phase
from stomp_sansio.machine import StreamId, TLSInfo
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.errors import BrokerError, ConnectionClosedError, ConnectionClosedOK, ReplyTimeout
from stomp_sansio.session.events import Ended, Interrupted, Ready
from stomp_sansio.session.lifeline import SessionState
from stomp_sansio.session.options import Credentials, SessionOptions
from stomp_sansio.session.session import Session
from stomp_sansio.session.subscription import OVERHEAD, OnExit, OverflowPolicy
from stomp_sansio.session.tickets import Outcome
from stomp_sansio.testing import Conditions, Path

from .world import Hand, World, settled


def reads(world):
    """Whether the present connection is read."""
    return world.session.wants_read(list(world.client.ends)[-1])


def full(**options):
    """Return a world in which a full subscription has stopped the reading, and the subscription."""
    world = World(**options).start()
    subscription = world.subscribe("/queue/a", max_queue=2)
    world.run(0.1)
    world.publish("/queue/a", b"1", b"2")
    world.run(0.1)
    assert not reads(world)
    return world, subscription


# When reading pauses


def test_reading_never_pauses_while_a_receipt_is_awaited():
    """Else a handler that confirms a send behind its own full subscription would wait for ever."""
    world, _ = full()
    ticket = world.confirm("/queue/b")
    assert reads(world)
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED
    assert not reads(world)


def test_reading_never_pauses_while_a_reply_is_awaited():
    world, _ = full()
    ticket = world.do(world.session.request, "/queue/rpc", timeout=5.0)
    world.run()
    assert reads(world)
    world.publish("/queue/a", b"3")
    world.run(5.0)
    assert settled(ticket) == (Outcome.UNKNOWN, ReplyTimeout)
    assert not reads(world)


def test_reading_never_pauses_while_the_close_is_awaited():
    world, _ = full()
    ticket = world.do(world.session.close)
    assert reads(world)
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED


def test_reading_never_pauses_while_a_commit_is_awaited():
    world, _ = full()
    transaction = world.do(world.session.begin)
    ticket = world.do(world.session.commit, transaction)
    assert reads(world)
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED


def test_messages_that_come_meanwhile_wait_all_the_same():
    world, subscription = full()
    world.broker.confirms = lambda said: 5.0
    world.confirm("/queue/b")
    world.publish("/queue/a", *(bytes([number]) for number in range(50)))
    world.run()
    assert len(world.bodies(subscription)) == 52


def test_the_limit_in_octets_is_hard():
    world, subscription = full(max_queue_octets=5000)
    world.network.conditions = lambda address, number: Conditions()
    world.broker.confirms = lambda said: None
    world.confirm("/queue/b")
    for _ in range(10):
        world.publish("/queue/a", bytes(1000))
        world.run(0.1)
    assert not reads(world)
    assert subscription.octets <= 5000 + 1000 + OVERHEAD
    while world.take(subscription) is not None:
        world.run(0.1)
    assert reads(world)


def test_the_limit_in_octets_holds_for_subscriptions_that_do_not_pause():
    world = World(max_queue_octets=5000).start()
    subscription = world.subscribe("/queue/a", max_queue=1000, overflow=OverflowPolicy.DROP_OLDEST)
    for _ in range(10):
        world.publish("/queue/a", bytes(1000))
        world.run(0.1)
    assert not reads(world)
    assert len(world.bodies(subscription)) == 3
    for _ in range(10):
        world.run()
        world.bodies(subscription)
    assert reads(world)
    assert subscription.dropped == 0


def test_the_limit_in_octets_holds_while_the_close_is_awaited():
    world = World(max_queue_octets=5000, close_timeout=3.0).start()
    subscription = world.subscribe("/topic/a", max_queue=1000)
    world.run(0.1)
    world.broker.ignores = lambda said: True
    world.do(world.session.close)
    for _ in range(10):
        world.publish("/topic/a", bytes(1000))
        world.run(0.1)
    assert subscription.octets <= 6000 + OVERHEAD
    world.run(3.0)
    assert world.ended.error is None


def test_hearts_beat_while_reading_is_paused():
    world = World(heartbeat=(2.0, 2.0))
    world.broker.beat = 2.0
    world.start()
    subscription = world.subscribe("/queue/a", max_queue=1)
    world.run(0.1)
    world.publish("/queue/a", b"1", b"2")
    world.run(0.1)
    passed = world.network.wires[-1].caller.lane.passed
    world.run(60.0)
    assert not reads(world)
    assert 30 <= world.network.wires[-1].caller.lane.passed - passed <= 45
    assert world.of(Interrupted) == []
    world.take(subscription)
    world.run(1.0)
    assert len(world.bodies(subscription)) == 1
    world.run(60.0)
    assert world.of(Interrupted) == []


def test_silence_counts_again_when_reading_goes_on():
    world = World(heartbeat=(2.0, 2.0))
    world.broker.beat = 2.0
    world.start()
    subscription = world.subscribe("/queue/a", max_queue=1)
    world.run(0.1)
    world.publish("/queue/a", b"1")
    world.run(0.1)
    world.network.wires[-1].silence()
    world.run(60.0)
    assert world.of(Interrupted) == []
    world.take(subscription)
    world.run(6.0)
    assert len(world.of(Interrupted)) == 1


def test_messages_without_a_body_count_as_well():
    world = World(max_queue_octets=20 * OVERHEAD).start()
    subscription = world.subscribe("/queue/a", max_queue=1000)
    for _ in range(50):
        world.publish("/queue/a", b"")
        world.run(0.1)
    assert len(subscription.queue) == 21


def test_a_consumer_that_confirms_what_it_sends_is_not_buried_under_what_it_has_to_acknowledge():
    """More unacknowledged messages than the limit are a fault, and would end the session."""
    world = World(limits=Limits(max_unacknowledged=100), receipt_timeout=5.0).start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL, max_queue=10)
    world.run(0.1)
    world.broker.confirms = lambda said: None if said.command == "SEND" else 0.0
    world.confirm("/queue/b")
    for _ in range(150):
        world.publish("/queue/a", b"x")
        world.run(0.01)
    assert not reads(world)
    taken = 0
    while taken < 150:
        delivery = world.take(subscription)
        if delivery is None:
            world.run(0.1)
        else:
            taken += 1
            world.do(world.session.ack, delivery)
    assert world.of(Interrupted) == []
    assert world.of(Ended) == []


def test_a_confirmation_behind_messages_that_are_not_read_says_what_to_do():
    world = World(limits=Limits(max_unacknowledged=100), receipt_timeout=5.0).start()
    world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL, max_queue=10)
    world.run(0.1)
    world.broker.confirms = lambda said: None
    ticket = world.confirm("/queue/b")
    for _ in range(60):
        world.publish("/queue/a", b"x")
    world.run(1.0)
    assert not reads(world)
    world.run(5.0)
    assert ticket.outcome is Outcome.UNKNOWN
    assert "prefetch" in str(ticket.error)


# What an ERROR is blamed on


def refuse(*bodies):
    return lambda said: "resource alarm" if said.command == "SEND" and said.body in bodies else None


def test_a_message_that_ended_two_connections_is_not_sent_a_third_time():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = refuse(b"poison")
    ticket = world.confirm("/queue/a", "poison")
    world.run(20.0)
    assert settled(ticket) == (Outcome.UNKNOWN, BrokerError)
    assert len(world.broker.heard("SEND")) == 2
    assert len(world.of(Ready)) == 3
    assert world.of(Ended) == []


@pytest.mark.parametrize("place", [0, 1, 5, 9])
def test_the_message_that_ends_connections_is_found_among_many(place):
    world = World().start()
    world.broker.names_receipts = False
    bodies = [str(number).encode() for number in range(10)]
    bodies[place] = b"poison"
    world.broker.objects = refuse(b"poison")
    tickets = [world.confirm("/queue/a", body) for body in bodies]
    world.run(20.0)
    assert settled(tickets[place]) == (Outcome.UNKNOWN, BrokerError)
    rest = [ticket for ticket in tickets if ticket is not tickets[place]]
    assert {ticket.outcome for ticket in rest} == {Outcome.CONFIRMED}
    assert len([said for said in world.broker.heard("SEND") if said.body == b"poison"]) == 2
    assert len(world.of(Interrupted)) == 2
    in_order = [body for body in bodies if body != b"poison"]
    assert list(dict.fromkeys(world.broker.accepted["/queue/a"])) == in_order


def test_a_search_among_many_messages_is_not_quadratic():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = refuse(b"poison")
    tickets = [world.confirm("/queue/a", body) for body in [b"x"] * 2999 + [b"poison"]]
    world.run(20.0)
    assert tickets[-1].outcome is Outcome.UNKNOWN
    assert {ticket.outcome for ticket in tickets[:-1]} == {Outcome.CONFIRMED}


def test_what_is_sent_during_the_search_waits_for_its_end():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = refuse(b"poison")
    first = world.confirm("/queue/a", "poison")
    world.run(0.1)
    world.broker.objects = lambda said: None
    world.broker.ignores = lambda said: said.body == b"poison"
    world.run(1.0)
    later, plain = world.confirm("/queue/a", "later"), world.send("/queue/a", "plain")
    assert plain is not None
    world.run(5.0)
    assert [said.body for said in world.broker.heard("SEND")] == [b"poison", b"poison"]
    world.run(30.0)
    assert first.outcome is Outcome.UNKNOWN
    assert (later.outcome, plain.outcome) == (Outcome.CONFIRMED, Outcome.SENT)
    assert world.broker.accepted["/queue/a"] == [b"later", b"plain"]


def test_the_search_ends_when_the_suspect_is_confirmed():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = refuse(b"poison")
    first = world.confirm("/queue/a", "poison")
    world.run(0.1)
    world.broker.objects = lambda said: None
    world.run(0.5)
    later, plain = world.confirm("/queue/a", "later"), world.send("/queue/a", "plain")
    world.run(5.0)
    assert first.outcome is later.outcome is Outcome.CONFIRMED
    assert plain is None
    assert world.broker.accepted["/queue/a"] == [b"poison", b"later", b"plain"]


def test_a_subscription_and_a_message_are_told_apart():
    world = World().start()
    world.broker.names_receipts = False
    subscription = world.subscribe("/queue/fine")
    ticket = world.confirm("/queue/a", "poison")
    world.broker.objects = refuse(b"poison")
    world.run(30.0)
    assert not subscription.ended
    assert ticket.outcome is Outcome.UNKNOWN
    assert len(world.broker.heard("SEND")) == 2


def test_an_error_that_names_a_receipt_of_nobody_makes_everybody_suspect():
    world = World().start()
    ticket = world.confirm("/queue/a")
    world.network.wires[-1].silence(there=True, back=False)
    world.tell("ERROR", {"message": "no", "receipt-id": "somebody-else"})
    world.run(20.0)
    assert ticket.outcome is Outcome.CONFIRMED
    assert len(world.of(Interrupted)) == 1


def test_an_error_before_connected_blames_nobody():
    world = World(should_retry=lambda error, retry: True).start()
    world.broker.confirms = lambda said: None if said.connection == 1 else 0.0
    ticket = world.confirm("/queue/a")
    world.run(0.1)
    world.broker.accepts = lambda connect: "overloaded" if connect.connection < 5 else None
    world.lose()
    world.run(60.0)
    assert ticket.outcome is Outcome.CONFIRMED


def test_an_error_is_told_without_our_secrets():
    world = World(credentials=Credentials("ada", "s3cr3t-canary")).start()
    world.tell("ERROR", {"message": "bad frame: passcode:s3cr3t-canary"})
    world.run()
    (interrupted,) = world.of(Interrupted)
    assert "s3cr3t-canary" not in str(interrupted.error)


# How it ends


def test_the_good_bye_is_answered_by_its_receipt():
    world = World().start()
    ticket = world.do(world.session.close)
    world.run()
    assert [said.command for said in world.broker.said] == ["CONNECT", "DISCONNECT"]
    assert world.ended.error is None
    assert settled(ticket) == (Outcome.CONFIRMED, None)
    assert world.session.finished


def test_a_websocket_that_closes_without_a_receipt_is_a_clean_end():
    hand = Hand().start().connect("websocket")
    ticket = hand.session.close(0.0)
    hand.lose(clean=True, code=1000, reason="The peer closed the WebSocket, code 1000: STOMP died")
    assert hand.of(Ended) == [Ended(None)]
    assert settled(ticket) == (Outcome.CONFIRMED, None)


def test_a_stream_that_breaks_during_the_good_bye_is_the_end_and_says_nothing_of_the_rest():
    hand = Hand().start().connect()
    sent = hand.session.send("/a", confirm=True, now=0.0)
    assert sent is not None
    ticket = hand.session.close(0.0)
    hand.lose()
    assert hand.of(Ended) == [Ended(None)]
    assert settled(ticket) == (Outcome.UNKNOWN, None)
    assert settled(sent) == (Outcome.UNKNOWN, ConnectionClosedOK)


def test_what_was_sent_before_the_good_bye_may_be_confirmed_meanwhile():
    world = World().start()
    ticket = world.confirm("/queue/a")
    world.do(world.session.close)
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED


def test_an_error_during_the_good_bye_is_the_end():
    world = World().start()
    ticket = world.confirm("/queue/a")
    world.broker.objects = lambda said: "no" if said.command == "SEND" else None
    world.do(world.session.close)
    world.run()
    assert ticket.outcome is Outcome.REJECTED
    assert world.ended.error is None


@pytest.mark.parametrize("seconds", [0.0, 0.0015, 0.5])
def test_a_session_that_is_closed_before_it_is_ready_ends_at_once(seconds):
    world = World()
    world.broker.ignores = lambda said: True
    ready = world.session.wait_ready()
    world.do(world.session.start)
    world.run(seconds)
    ticket = world.do(world.session.close)
    assert world.ended.error is None
    assert ticket.outcome is Outcome.CONFIRMED
    assert settled(ready) == (Outcome.ABANDONED, ConnectionClosedOK)
    world.run()
    assert world.session.finished


def test_a_session_that_never_started_can_be_closed():
    world = World()
    assert world.do(world.session.close).outcome is Outcome.CONFIRMED
    assert world.session.finished
    with pytest.raises(LocalProtocolError):
        world.do(world.session.start)


def test_a_session_can_be_closed_while_it_waits():
    world = World().start()
    world.network.unlisten(world.network.attempts[0].address)
    world.lose()
    world.run(0.1)
    assert world.session.state is SessionState.WAITING
    world.do(world.session.close)
    assert world.ended.error is None
    world.run(100.0)
    assert len(world.network.attempts) == 1


def test_closing_twice_is_harmless_and_after_the_end_it_succeeds():
    world = World().start()
    ticket = world.do(world.session.close)
    assert world.do(world.session.close) is ticket
    world.run()
    assert world.do(world.session.close) is ticket
    over = World(reconnect=None).start()
    over.lose()
    assert over.do(over.session.close).outcome is Outcome.CONFIRMED
    assert len(over.of(Ended)) == 1


def test_no_octet_follows_the_end():
    world = World().start()
    world.do(world.session.close)
    world.run()
    passed = world.network.wires[-1].caller.lane.passed
    world.run(1000.0)
    assert world.network.wires[-1].caller.lane.passed == passed
    assert world.session.next_deadline() is None
    assert isinstance(world.events[-1], Ended)


def test_who_drained_and_then_closes_is_told_each_once():
    world = World().start()
    drained = world.do(world.session.drain)
    closed = world.do(world.session.close)
    world.run()
    assert world.changed == [drained, closed]


def test_a_drain_ends_with_the_session():
    world = World(reconnect=None).start()
    world.broker.confirms = lambda said: None
    world.confirm("/queue/a")
    drained = world.do(world.session.drain)
    assert drained.outcome is None
    world.lose()
    assert drained.outcome is Outcome.CONFIRMED


def test_a_request_ends_with_its_connection():
    world = World().start()
    ticket = world.do(world.session.request, "/queue/rpc")
    world.lose()
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedError)


# Messages


def test_a_subscription_that_overflows_is_ended_at_the_server_too():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=1, overflow=OverflowPolicy.END)
    world.publish("/queue/a", b"1", b"2")
    world.run()
    assert [said["id"] for said in world.broker.heard("UNSUBSCRIBE")] == [subscription.id]


def test_a_durable_subscription_that_overflows_is_left():
    world = World().start()
    world.subscribe("/queue/a", max_queue=1, overflow=OverflowPolicy.END, on_exit=OnExit.LEAVE)
    world.publish("/queue/a", b"1", b"2")
    world.run()
    assert world.broker.heard("UNSUBSCRIBE") == []


def test_an_overflow_during_the_good_bye_says_nothing_more():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", max_queue=1, overflow=OverflowPolicy.END, now=0.0)
    hand.session.close(0.0)
    hand.said()
    for _ in range(2):
        hand.hear("MESSAGE", {"subscription": subscription.id, "message-id": "1", "destination": "/a"})
    assert subscription.ended
    assert hand.said() == []


def test_a_reply_settles_its_request():
    hand = Hand().start().connect()
    ticket = hand.session.request("/queue/rpc", now=0.0)
    hand.hear("MESSAGE", {"subscription": "/temp-queue/p", "message-id": "1", "destination": "/x"}, b"pong")
    assert ticket.reply is not None
    assert ticket.outcome is Outcome.CONFIRMED
    hand.hear("MESSAGE", {"subscription": "/temp-queue/p", "message-id": "1", "destination": "/x"}, b"again")
    assert ticket.reply.body == b"pong"


def test_who_waits_for_a_connection_is_told():
    world = World()
    ticket = world.session.wait_ready()
    world.start()
    assert world.changed == [ticket]


def test_a_subscription_that_ended_two_connections_is_given_up():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = lambda said: "no" if said.command == "SUBSCRIBE" else None
    subscription = world.subscribe("/queue/a")
    world.run(10.0)
    assert isinstance(subscription.error, BrokerError)


# A driver's view


def test_a_session_needs_a_server():
    with pytest.raises(ValueError, match="name at least one server"):
        Session(SessionOptions(targets=()), prefix="p", jitter=lambda: 0.0)


def test_links_are_told_what_happens_to_their_streams():
    hand = Hand().start()
    assert hand.session.wants_look() is False
    hand.session.tls_started(hand.link.stream, TLSInfo(), 0.0)
    hand.session.receive_eof(hand.link.stream, 0.0)
    assert hand.link.calls == ["start", "tls_started", "eof"]


def test_a_session_accepts_no_streams():
    with pytest.raises(LocalProtocolError, match="accepts no streams"):
        World().session.stream_accepted(StreamId(1), 0, "", 0.0)


def test_observers_see_each_frame_and_each_event():
    seen: list[object] = []
    world = World(observe=seen.append).start()
    subscription = world.subscribe("/queue/a")
    world.run(0.1)
    world.confirm("/queue/a", "x")
    world.run()
    world.do(world.session.close)
    world.run()
    sent = [item.split(b"\n")[0] for item in seen if isinstance(item, bytes)]
    assert sent == [b"CONNECT", b"SUBSCRIBE", b"SEND", b"DISCONNECT"]
    heard = [type(item) for item in seen if not isinstance(item, bytes)]
    assert heard == [Connected, Message, Receipt, Receipt, Closed]
    assert subscription.ended


def test_who_observes_may_give_commands():
    tickets = []

    def observe(said):
        if isinstance(said, Connected):
            tickets.append(world.session.send("/queue/a", b"1", confirm=True, now=world.client.now))
        elif isinstance(said, Message):
            tickets.append(world.session.close(world.client.now))

    world = World(observe=observe)
    subscription = world.subscribe("/queue/a")
    world.start()
    world.run()
    assert [settled(ticket) for ticket in tickets] == [(Outcome.CONFIRMED, None)] * 2
    assert world.bodies(subscription) == [b"1"]
    assert world.ended.error is None


def test_an_idle_session_hardly_wakes_up():
    world = World(heartbeat=(10.0, 10.0))
    world.broker.beat = 10.0
    world.start()
    before = world.client.wakeups
    world.run(1000.0)
    assert world.client.wakeups - before <= 300
    quiet = World().start()
    before = quiet.client.wakeups
    quiet.run(1000.0)
    assert quiet.client.wakeups == before


def test_deadlines_are_those_of_everything_that_waits():
    world = World(heartbeat=(10.0, 10.0), reconnect=Backoff(stable=0.0))
    world.start()
    assert world.session.next_deadline() is None
    now = world.client.now
    world.broker.confirms = lambda said: None
    world.confirm("/queue/a")
    assert world.session.next_deadline() == now + 30.0
    world.do(world.session.request, "/queue/a", timeout=5.0)
    assert world.session.next_deadline() == now + 5.0


def test_a_search_for_suspects_does_not_go_on_during_the_good_bye():
    """Nothing can be done at its deadlines any more: they would come at once, again and again."""
    world = World(close_timeout=5.0).start()
    world.broker.names_receipts = False
    world.broker.objects = lambda said: "no" if said.command == "SUBSCRIBE" else None
    world.subscribe("/queue/a")
    world.run(0.1)
    world.broker.ignores = lambda said: said.command in ("SUBSCRIBE", "DISCONNECT")
    world.run(1.0)
    assert len(world.of(Ready)) == 2
    before = world.client.wakeups
    world.do(world.session.close)
    world.run(10.0)
    assert world.ended.error is None
    assert world.client.wakeups - before < 5


def test_a_search_for_suspects_does_not_go_on_while_the_stream_ends():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", now=0.0)
    hand.hear("ERROR", {"message": "no"})
    hand.advance(1.0)
    hand.connect()
    assert hand.session.next_deadline() == hand.now + 2.0
    hand.link.deaf = True
    hand.session.begin(now=hand.now)
    assert hand.session.next_deadline() is None
    assert not subscription.ended


def test_too_early_is_harmless():
    world = World().start()
    ticket = world.confirm("/queue/a")
    world.do(lambda now: world.session.handle_timeout(now))
    world.run()
    assert ticket.outcome is Outcome.CONFIRMED


def test_an_error_of_a_server_that_talks_on_ends_the_connection():
    hand = Hand().start().connect()
    first = hand.link
    hand.hear("ERROR", {"message": "no"})
    first.hear(b"MESSAGE\nsubscription:0\nmessage-id:1\ndestination:/a\n\n\0")
    hand.look()
    assert [type(event) for event in hand.seen] == [Ready, Interrupted]
    assert isinstance(hand.of(Interrupted)[0].error, BrokerError)


def test_the_first_failure_carries_its_phase():
    hand = Hand().start()
    hand.lose(phase=Phase.DNS, reason="unknown host")
    (ended,) = hand.of(Ended)
    assert getattr(ended.error, "phase", None) is Phase.DNS


def test_acks_go_out_while_reading_is_paused():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=1, ack=AckMode.CLIENT_INDIVIDUAL)
    world.run(0.1)
    world.publish("/queue/a", b"1", b"2")
    world.run(0.1)
    assert not reads(world)
    world.do(world.session.ack, world.take(subscription))
    world.run()
    assert len(world.broker.heard("ACK")) == 1


def test_a_slow_path_makes_nothing_be_sent_twice():
    world = World(seed=3)
    slow = Path(latency=1.0, jitter=2.0, piece=3)
    world.network.conditions = lambda address, number: Conditions(there=slow, back=slow)
    world.start()
    tickets = [world.confirm("/queue/a", str(number)) for number in range(20)]
    world.run(60.0)
    assert {ticket.outcome for ticket in tickets} == {Outcome.CONFIRMED}
    assert world.broker.accepted["/queue/a"] == [str(number).encode() for number in range(20)]


def test_a_receipt_that_comes_too_late_is_awaited_no_more():
    seen: list[object] = []
    hand = Hand(receipt_timeout=5.0, observe=seen.append).start().connect()
    ticket = hand.session.send("/queue/a", confirm=True, now=hand.now)
    hand.advance(5.0)
    assert ticket is not None
    assert ticket.outcome is Outcome.UNKNOWN
    hand.look()
    (frame,) = [frame for frame in hand.said() if frame.command == "SEND"]
    hand.hear("RECEIPT", {"receipt-id": frame.headers["receipt"]})
    (receipt,) = [event for event in seen if isinstance(event, Receipt)]
    assert not receipt.known


def test_a_receipt_that_no_connection_awaits_is_just_over():
    hand = Hand(receipt_timeout=5.0, reconnect=Backoff(initial=60.0)).start().connect()
    hand.lose()
    ticket = hand.session.send("/queue/a", confirm=True, now=hand.now)
    hand.advance(5.0)
    assert ticket is not None
    assert ticket.outcome is Outcome.UNKNOWN


def test_an_error_event_is_observed():
    seen: list[object] = []
    world = World(observe=seen.append).start()
    world.tell("ERROR", {"message": "no"})
    world.run(0.1)
    assert any(isinstance(item, Error) for item in seen)


def test_what_cannot_have_changed_is_not_announced():
    world = World().start()
    session, now = world.session, world.client.now
    stream = next(iter(world.client.ends))
    session.next_deadline()
    assert not session.wants_rearm()
    assert session.send_at_once(now, "/queue/a", b"x")
    assert not session.wants_rearm()
    assert session.data_to_send(stream, now)
    assert session.gives_all(stream)
    assert not session.wants_rearm()
    subscription = world.subscribe("/queue/a")
    world.run(0.1)
    session.next_deadline()
    session.receive_data(stream, f"MESSAGE\nsubscription:{subscription.id}\nmessage-id:1\n".encode(), now)
    session.receive_data(stream, b"destination:/queue/a\n\n\0", now)
    assert session.take(subscription, now) is not None
    assert not session.wants_rearm()
    session.send("/queue/a", confirm=True, now=now)
    assert session.wants_rearm(), "a ticket has its time"


def test_a_link_that_adds_something_is_asked_again():
    hand = Hand().start().connect()
    assert not hand.session.gives_all(hand.link.stream)


def test_a_session_says_where_it_is():
    world = World()
    assert repr(world.session).endswith(": idle>")
    world.start()
    assert repr(world.session) == f"<Session {world.of(Ready)[0].endpoint}: ready>"
    world.lose()
    assert repr(world.session).endswith(": waiting>")
