"""Subscriptions go on over connections; their queues are bounded; what a loss does to what waits in them."""

import pytest

from stomp_sansio import AckMode, LocalProtocolError, Misuse, Version
from stomp_sansio.session.errors import BrokerError, ConnectionClosedError, MessageExpired, Overflow
from stomp_sansio.session.events import Ended, Interrupted, Ready
from stomp_sansio.session.subscription import OVERHEAD, OnExit, OverflowPolicy
from stomp_sansio.session.tickets import Outcome

from .world import Hand, World


def deliver(hand, subscription, body=b"", **more):
    headers = {"subscription": subscription.id, "message-id": "m", "destination": "/a", **more}
    hand.hear("MESSAGE", headers, body)


# Over connections


def test_messages_come_on_every_connection():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    for body in (b"1", b"2"):
        world.publish("/queue/a", body)
        world.run()
        assert world.bodies(subscription) == [body]
        world.lose()
        world.run(5.0)
    assert len({said["id"] for said in world.broker.heard("SUBSCRIBE")}) == 1


def test_subscriptions_are_made_again_in_order_and_before_anything_else():
    world = World().start()
    world.broker.confirms = lambda said: None if said.connection == 1 else 0.0
    for name in "cab":
        world.subscribe(f"/queue/{name}", headers={"x": name})
    world.confirm("/queue/z")
    world.run(0.1)
    world.lose()
    world.run(5.0)
    again = [said for said in world.broker.said if said.connection == 2]
    assert [said.command for said in again] == ["CONNECT", "SUBSCRIBE", "SUBSCRIBE", "SUBSCRIBE", "SEND"]
    assert [said["destination"][-1] for said in again[1:4]] == ["c", "a", "b"]
    assert [said["x"] for said in again[1:4]] == ["c", "a", "b"]


def test_a_subscription_can_be_made_before_there_is_a_connection():
    world = World()
    subscription = world.subscribe("/queue/a")
    world.start()
    world.publish("/queue/a", b"1")
    world.run()
    assert world.bodies(subscription) == [b"1"]


def test_a_subscription_that_was_ended_is_not_made_again():
    world = World().start()
    kept, ended = world.subscribe("/queue/a"), world.subscribe("/queue/b")
    world.do(world.session.unsubscribe, ended, headers={"x": "y"})
    world.run(0.1)
    (said,) = world.broker.heard("UNSUBSCRIBE")
    assert (said["id"], said["x"]) == (ended.id, "y")
    world.lose()
    world.run(5.0)
    assert [said["id"] for said in world.broker.heard("SUBSCRIBE")] == [kept.id, ended.id, kept.id]


def test_a_subscription_that_is_ended_while_disconnected_is_not_made_again():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.run(0.1)
    world.lose()
    world.do(world.session.unsubscribe, subscription)
    assert subscription.ended
    world.run(5.0)
    assert len(world.broker.heard("SUBSCRIBE")) == 1
    assert world.broker.heard("UNSUBSCRIBE") == []


def test_ending_a_subscription_twice_is_harmless_though_another_has_its_id():
    world = World().start()
    first = world.subscribe("/queue/a", id="mine")
    world.do(world.session.unsubscribe, first)
    second = world.subscribe("/queue/a", id="mine")
    world.do(world.session.unsubscribe, first)
    assert not second.ended
    world.publish("/queue/a", b"1")
    world.run()
    assert world.bodies(second) == [b"1"]
    assert len(world.broker.heard("UNSUBSCRIBE")) == 1


def test_an_id_is_used_once():
    world = World().start()
    world.subscribe("/queue/a", id="mine")
    with pytest.raises(LocalProtocolError) as caught:
        world.subscribe("/queue/b", id="mine")
    assert caught.value.misuse is Misuse.DUPLICATE_SUBSCRIPTION


def test_a_durable_subscription_can_be_left():
    world = World().start()
    subscription = world.subscribe("/queue/a", on_exit=OnExit.LEAVE)
    world.do(world.session.unsubscribe, subscription)
    world.run()
    assert subscription.ended
    assert world.broker.heard("UNSUBSCRIBE") == []


def test_headers_that_cannot_be_said_leave_the_subscription_as_it_was():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    with pytest.raises(LocalProtocolError):
        world.do(world.session.unsubscribe, subscription, headers={"id": "other"})
    assert not subscription.ended
    world.publish("/queue/a", b"1")
    world.run()
    assert world.bodies(subscription) == [b"1"]


@pytest.mark.parametrize("connected", [True, False])
def test_what_cannot_be_said_is_refused_and_not_taken_in(connected):
    world = World()
    if connected:
        world.start()
    for wrong in ({"destination": "/a\0"}, {"destination": "/a", "headers": {"ack": "x"}}):
        with pytest.raises(LocalProtocolError):
            world.subscribe(**wrong)
    world.start() if not connected else world.run()
    assert world.broker.heard("SUBSCRIBE") == []


def test_what_the_version_of_the_next_connection_cannot_say_ends_the_subscription():
    hand = Hand().start()
    odd, fine = hand.session.subscribe("/a\n", now=0.0), hand.session.subscribe("/b", now=0.0)
    hand.link.opened()
    hand.link.hear(b"CONNECTED\nversion:1.0\n\n\0")
    hand.look()
    assert isinstance(odd.error, LocalProtocolError)
    assert odd.ended
    assert not fine.ended
    assert [frame.headers["id"] for frame in hand.said()[1:]] == [fine.id]


def test_what_unsubscribe_has_crossed_is_ignored():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", now=0.0)
    hand.session.unsubscribe(subscription, now=0.0)
    deliver(hand, subscription, b"late")
    assert hand.session.take(subscription, 0.0) is None


# Draining


def test_what_is_drained_is_kept_at_the_server_until_it_is_left():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", ack=AckMode.CLIENT_INDIVIDUAL, max_queue=2, now=0.0)
    deliver(hand, subscription, b"waits")
    hand.session.drain(0.0)
    hand.session.drain(0.0)
    deliver(hand, subscription, b"comes")
    assert subscription.ended
    assert hand.session.take(subscription, 0.0) is None
    assert hand.link.calls[-1] == "pause"
    assert [frame.command for frame in hand.said()] == ["CONNECT", "SUBSCRIBE"]
    hand.session.unsubscribe(subscription, now=0.0)
    hand.session.unsubscribe(subscription, now=0.0)
    assert [frame.command for frame in hand.said()] == ["UNSUBSCRIBE"]
    assert hand.session.take(subscription, 0.0) is None
    assert hand.link.calls[-1] == "resume"


def test_what_needs_no_acknowledgement_is_left_at_once_by_a_drain():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", now=0.0)
    deliver(hand, subscription, b"waits")
    hand.session.drain(0.0)
    assert [frame.command for frame in hand.said()] == ["CONNECT", "SUBSCRIBE", "UNSUBSCRIBE"]
    assert hand.session.take(subscription, 0.0) is not None


def test_what_is_drained_and_not_left_is_ended_by_the_good_bye():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", ack=AckMode.CLIENT_INDIVIDUAL, now=0.0)
    hand.session.drain(0.0)
    hand.session.close(0.0)
    hand.session.unsubscribe(subscription, now=0.0)
    commands = [frame.command for frame in hand.said()]
    assert commands == ["CONNECT", "SUBSCRIBE", "UNSUBSCRIBE", "DISCONNECT"]


def test_what_is_drained_is_not_made_again():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1")
    world.run(0.1)
    world.do(world.session.drain)
    world.lose()
    world.run(5.0)
    world.do(world.session.unsubscribe, subscription)
    world.run()
    assert len(world.broker.heard("SUBSCRIBE")) == 1
    assert world.broker.heard("UNSUBSCRIBE") == []
    assert world.bodies(subscription) == []


@pytest.mark.parametrize("overflow", [OverflowPolicy.END, OverflowPolicy.PAUSE])
def test_what_is_drained_overflows_no_more(overflow):
    hand = Hand().start().connect()
    subscription = hand.session.subscribe(
        "/a", ack=AckMode.CLIENT_INDIVIDUAL, max_queue=1, overflow=overflow, now=0.0
    )
    hand.session.drain(0.0)
    deliver(hand, subscription, b"1")
    deliver(hand, subscription, b"2")
    assert subscription.error is None
    assert hand.link.calls[-1] == "pause"


def test_in_1_0_a_message_may_name_its_destination_alone():
    hand = Hand(versions=(Version.V1_0,)).start()
    subscription = hand.session.subscribe("/a", now=0.0)
    hand.link.opened()
    hand.link.hear(b"CONNECTED\n\n\0")
    hand.link.hear(b"MESSAGE\ndestination:/a\nmessage-id:1\n\nhere\0")
    hand.link.hear(b"MESSAGE\ndestination:/b\nmessage-id:2\n\nnowhere\0")
    hand.look()
    delivery = hand.session.take(subscription, 0.0)
    assert delivery is not None
    assert delivery.message.body == b"here"
    assert hand.session.take(subscription, 0.0) is None


# What a loss does


@pytest.mark.parametrize("ack", [AckMode.CLIENT, AckMode.CLIENT_INDIVIDUAL])
def test_messages_that_will_be_delivered_again_are_dropped_by_a_loss(ack):
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=ack)
    world.publish("/queue/a", b"1", b"2")
    world.run()
    taken = world.take(subscription)
    assert taken is not None
    assert taken.message.body == b"1"
    world.lose()
    assert world.take(subscription) is None
    world.run(5.0)
    again = [world.take(subscription), world.take(subscription)]
    assert [delivery.message.body for delivery in again if delivery] == [b"1", b"2"]
    with pytest.raises(MessageExpired):
        world.do(world.session.ack, taken)
    for delivery in again:
        world.do(world.session.ack, delivery)
    world.run()
    assert len(world.broker.heard("ACK")) == 2


def test_messages_that_count_as_delivered_are_kept_over_a_loss():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.publish("/queue/a", b"1", b"2")
    world.run()
    world.lose()
    world.run(5.0)
    world.publish("/queue/a", b"3")
    world.run()
    assert world.bodies(subscription) == [b"1", b"2", b"3"]


@pytest.mark.parametrize(("ack", "left"), [(AckMode.AUTO, [b"1", b"2"]), (AckMode.CLIENT, [])])
def test_what_waits_in_an_ended_subscription_can_be_taken_unless_it_is_delivered_again(ack, left):
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=ack)
    world.publish("/queue/a", b"1", b"2", b"3")
    world.run()
    world.do(world.session.unsubscribe, subscription)
    first = world.take(subscription)
    assert first is not None
    world.do(world.session.unsubscribe, subscription)
    world.lose()
    assert world.bodies(subscription) == [b"2", b"3"][: len(left)]


def test_what_waits_in_an_ended_subscription_can_be_acknowledged_while_its_connection_lives():
    world = World().start()
    subscription = world.subscribe("/queue/a", ack=AckMode.CLIENT_INDIVIDUAL)
    world.publish("/queue/a", b"1")
    world.run()
    world.do(world.session.unsubscribe, subscription)
    world.do(world.session.ack, world.take(subscription))
    world.run()
    assert len(world.broker.heard("ACK")) == 1


@pytest.mark.parametrize("ack", [AckMode.AUTO, AckMode.CLIENT])
def test_at_the_end_of_the_session_what_counts_as_delivered_can_still_be_taken(ack):
    world = World(reconnect=None).start()
    subscription = world.subscribe("/queue/a", ack=ack)
    world.publish("/queue/a", b"1")
    world.run()
    world.lose()
    assert subscription.ended
    assert isinstance(subscription.error, ConnectionClosedError)
    assert world.bodies(subscription) == ([b"1"] if ack is AckMode.AUTO else [])


def test_a_session_that_was_closed_ends_its_subscriptions_without_an_error():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.do(world.session.close)
    world.run()
    assert subscription.ended
    assert subscription.error is None


def test_who_takes_from_a_subscription_is_told_that_the_session_is_over_whatever_ended_it():
    world = World(reconnect=None).start()
    subscription = world.subscribe("/queue/a")
    world.tell("ERROR", {"message": "enough"})
    world.run()
    assert isinstance(world.ended.error, BrokerError)
    assert isinstance(subscription.error, ConnectionClosedError)
    assert subscription.error.__cause__ is world.ended.error


# Overflow


def test_a_full_subscription_stops_the_reading():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=3)
    world.run(0.1)
    assert not world.session.wants_look()
    stream = next(iter(world.client.ends))
    for number, reads in [(1, True), (2, True), (3, False)]:
        world.publish("/queue/a", str(number).encode())
        world.run(0.1)
        assert world.session.wants_read(stream) is reads
    world.publish("/queue/a", b"4")
    world.run(10.0)
    assert len(subscription.queue) == 3


def test_reading_goes_on_when_half_of_the_room_is_free():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=4)
    world.publish("/queue/a", *(str(number).encode() for number in range(4)))
    world.run()
    stream = next(iter(world.client.ends))
    assert not world.session.wants_read(stream)
    world.take(subscription)
    assert not world.session.wants_read(stream)
    world.take(subscription)
    assert world.session.wants_read(stream)


def test_nothing_is_lost_however_slowly_messages_are_taken():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=2)
    bodies = [str(number).encode() for number in range(100)]
    world.publish("/queue/a", *bodies)
    taken: list[bytes] = []
    while len(taken) < 100:
        world.run(0.1)
        delivery = world.take(subscription)
        if delivery is not None:
            taken.append(delivery.message.body)
    assert taken == bodies


def test_the_oldest_message_can_be_dropped_instead():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=2, overflow=OverflowPolicy.DROP_OLDEST)
    world.publish("/queue/a", b"1", b"2", b"3", b"4")
    world.run()
    assert subscription.dropped == 2
    octets = 2 * (1 + OVERHEAD)
    assert world.session._subscriptions.octets == subscription.octets == octets  # noqa: SLF001
    assert world.bodies(subscription) == [b"3", b"4"]


@pytest.mark.parametrize("ack", [AckMode.CLIENT, AckMode.CLIENT_INDIVIDUAL])
def test_what_is_to_be_acknowledged_cannot_be_dropped(ack):
    world = World().start()
    with pytest.raises(ValueError, match="use ack='auto'"):
        world.subscribe("/queue/a", ack=ack, overflow=OverflowPolicy.DROP_OLDEST)


def test_the_subscription_can_end_instead_and_the_server_is_told():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=2, overflow=OverflowPolicy.END)
    other = world.subscribe("/queue/b")
    world.publish("/queue/a", b"1", b"2", b"3", b"4")
    world.publish("/queue/b", b"b")
    world.run()
    assert subscription.ended
    assert isinstance(subscription.error, Overflow)
    assert "max_queue is 2" in str(subscription.error)
    assert [said["id"] for said in world.broker.heard("UNSUBSCRIBE")] == [subscription.id]
    assert world.bodies(subscription) == [b"1", b"2"]
    assert world.bodies(other) == [b"b"]
    world.lose()
    world.run(5.0)
    assert [said["id"] for said in world.broker.heard("SUBSCRIBE")][2:] == [other.id]


def test_a_subscription_has_room_for_one_message_at_least():
    world = World().start()
    with pytest.raises(ValueError, match="at least one message"):
        world.subscribe("/queue/a", max_queue=0)


def test_who_waits_is_told_of_the_first_message_alone():
    world = World().start()
    subscription = world.subscribe("/queue/a")
    world.publish("/queue/a", b"1", b"2", b"3")
    world.run()
    assert world.changed == [subscription]
    world.bodies(subscription)
    world.publish("/queue/a", b"4")
    world.run()
    assert world.changed == [subscription, subscription]


def test_ended_subscriptions_do_not_count_for_the_octets_that_wait():
    world = World(max_queue_octets=3000).start()
    stream = next(iter(world.client.ends))
    for _ in range(5):
        subscription = world.subscribe("/queue/a")
        world.publish("/queue/a", bytes(1900))
        world.run()
        world.do(world.session.unsubscribe, subscription)
    assert world.session.wants_read(stream)
    assert world.session._subscriptions.octets == 0  # noqa: SLF001


def test_a_full_subscription_that_is_ended_stops_nothing_any_more():
    world = World().start()
    stream = next(iter(world.client.ends))
    subscription = world.subscribe("/queue/a", max_queue=1)
    world.publish("/queue/a", b"1")
    world.run()
    assert not world.session.wants_read(stream)
    world.do(world.session.unsubscribe, subscription)
    assert world.session.wants_read(stream)


def test_a_full_subscription_whose_messages_come_again_stops_nothing_any_more():
    world = World().start()
    subscription = world.subscribe("/queue/a", max_queue=2, ack=AckMode.CLIENT)
    world.publish("/queue/a", b"1", b"2")
    world.run()
    world.lose()
    assert not world.session._subscriptions.full  # noqa: SLF001
    world.run(5.0)
    assert world.bodies(subscription) == [b"1", b"2"]


def test_a_full_subscription_stops_the_next_connection_as_well():
    world = World().start()
    subscription = world.subscribe("/topic/a", max_queue=2)
    world.run(0.1)
    world.publish("/topic/a", b"1", b"2")
    world.run(0.1)
    world.lose()
    world.run(5.0)
    stream = list(world.client.ends)[-1]
    assert not world.session.wants_read(stream)
    world.bodies(subscription)
    assert world.session.wants_read(stream)


# What ends connections


def refuse(*destinations, command="SUBSCRIBE"):
    return lambda said: (
        "access refused" if said.command == command and said["destination"] in destinations else None
    )


def test_a_subscription_that_ended_two_connections_is_not_made_a_third_time():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = refuse("/queue/secret")
    world.run(5.0)
    subscription = world.subscribe("/queue/secret")
    world.run(60.0)
    assert subscription.ended
    assert isinstance(subscription.error, BrokerError)
    assert len(world.broker.heard("SUBSCRIBE")) == 2
    assert len(world.of(Ready)) == 3
    assert world.of(Ended) == []


def test_the_one_that_ends_connections_is_found_among_many():
    world = World().start()
    world.broker.names_receipts = False
    fine = [world.subscribe(f"/queue/{number}") for number in range(5)]
    bad = world.subscribe("/queue/bad")
    later = [world.subscribe(f"/queue/{number}") for number in range(5, 8)]
    world.broker.objects = refuse("/queue/bad")
    world.run(60.0)
    assert bad.ended
    assert isinstance(bad.error, BrokerError)
    assert not any(subscription.ended for subscription in (*fine, *later))
    made = [said["id"] for said in world.broker.heard("SUBSCRIBE") if said.connection == 3]
    assert made == [subscription.id for subscription in (*fine, *later)]
    assert len(world.of(Interrupted)) == 2


def test_the_one_that_ends_connections_is_found_though_the_server_confirms_nothing():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.confirms = lambda said: None
    fine = [world.subscribe(f"/queue/{number}") for number in range(3)]
    bad = world.subscribe("/queue/bad")
    world.broker.objects = refuse("/queue/bad")
    world.run(120.0)
    assert bad.ended
    assert not any(subscription.ended for subscription in fine)
    assert len(world.of(Interrupted)) == 2


def test_an_error_that_names_the_subscription_ends_it_at_once():
    world = World().start()
    world.broker.names_receipts = False
    world.broker.objects = refuse("/queue/bad")
    fine, bad = world.subscribe("/queue/fine"), world.subscribe("/queue/bad")
    world.run(0.1)
    world.broker.names_receipts = True
    world.run(60.0)
    assert isinstance(bad.error, BrokerError)
    assert not fine.ended
    assert len(world.of(Interrupted)) == 2


def test_who_has_shown_to_be_accepted_is_under_no_suspicion():
    world = World().start()
    quiet, loud = world.subscribe("/queue/quiet"), world.subscribe("/queue/loud")
    world.publish("/queue/loud", b"1")
    world.run(5.0)
    for _ in range(4):
        world.tell("ERROR", {"message": "out of memory"})
        world.run(70.0)
    assert not quiet.ended
    assert not loud.ended
    assert quiet.strikes == loud.strikes == 0


def test_a_subscription_that_is_made_during_the_search_waits_for_its_end():
    world = World().start()
    world.broker.names_receipts = False
    bad, fine = world.subscribe("/queue/bad"), world.subscribe("/queue/fine")
    world.broker.objects = refuse("/queue/bad")
    world.run(0.1)
    world.broker.ignores = lambda said: bad.id in said.headers.values()
    world.run(1.0)
    new = world.subscribe("/queue/new")
    gone = world.subscribe("/queue/gone")
    world.do(world.session.unsubscribe, gone)
    ticket = world.confirm("/queue/z")
    world.run(0.5)
    assert [said["id"] for said in world.broker.heard("SUBSCRIBE") if said.connection == 2] == [bad.id]
    assert ticket.outcome is None
    world.run(5.0)
    assert [said["id"] for said in world.broker.heard("SUBSCRIBE") if said.connection == 2] == [
        bad.id,
        fine.id,
        new.id,
    ]
    assert ticket.outcome is Outcome.CONFIRMED


def test_a_subscription_that_ends_under_suspicion_holds_nobody_up():
    world = World().start()
    world.broker.names_receipts = False
    bad, fine = world.subscribe("/queue/bad"), world.subscribe("/queue/fine")
    world.broker.objects = refuse("/queue/bad")
    world.run(0.1)
    world.broker.ignores = lambda said: bad.id in said.headers.values()
    world.run(1.0)
    world.do(world.session.unsubscribe, bad)
    world.run(0.1)
    assert [said["id"] for said in world.broker.heard("SUBSCRIBE") if said.connection == 2] == [
        bad.id,
        fine.id,
    ]


def test_making_many_subscriptions_again_is_not_quadratic():
    world = World().start()
    subscriptions = [world.subscribe(f"/queue/{number}") for number in range(1000)]
    world.run(5.0)
    world.lose()
    world.run(5.0)
    assert len(world.broker.heard("SUBSCRIBE")) == 2000
    assert not any(subscription.ended for subscription in subscriptions)


def test_subscriptions_that_come_and_go_are_not_kept():
    world = World().start()
    for _ in range(100):
        world.do(world.session.unsubscribe, world.subscribe("/queue/a"))
        world.run(1.0)
    assert len(world.session._subscriptions._fresh) < 5  # noqa: SLF001  # memory has no other witness


def test_an_error_that_names_a_subscription_that_has_ended_changes_nothing():
    hand = Hand().start().connect()
    subscription = hand.session.subscribe("/a", now=0.0)
    hand.hear("ERROR", {"message": "no"})
    hand.advance(1.0)
    hand.connect()
    (made,) = [frame for frame in hand.said() if frame.command == "SUBSCRIBE"]
    hand.session.unsubscribe(subscription, now=hand.now)
    hand.hear("RECEIPT", {"receipt-id": "nobody's"})
    hand.hear("ERROR", {"message": "no", "receipt-id": made.headers["receipt"]})
    hand.advance(2.0)
    hand.connect()
    hand.hear("ERROR", {"message": "no", "receipt-id": "nobody's"})
    assert subscription.ended
    assert subscription.error is None


@pytest.mark.parametrize(("ack", "count"), [(AckMode.AUTO, 0), (AckMode.CLIENT, 3)])
def test_what_waits_in_full_ones_and_will_have_to_be_acknowledged_is_counted(ack, count):
    world = World().start()
    world.broker.confirms = lambda said: None
    world.subscribe("/queue/a", ack=ack, max_queue=2)
    world.run(0.1)
    world.confirm("/queue/b")
    world.publish("/queue/a", b"1", b"2", b"3")
    world.run(0.1)
    assert world.session._subscriptions.unacknowledged == count  # noqa: SLF001
