"""One subscription: what it counts, and what it forgets."""

import pytest

from stomp_sansio import AckMode, Headers, Message
from stomp_sansio.session.subscription import OVERHEAD, Delivery, OnExit, OverflowPolicy, Subscription


def make(ack=AckMode.AUTO, **more):
    given = {
        "headers": (),
        "max_queue": 2,
        "overflow": OverflowPolicy.PAUSE,
        "on_exit": OnExit.UNSUBSCRIBE,
        **more,
    }
    return Subscription("0", "/a", ack=ack, **given)


def put(subscription, body):
    message = Message(
        destination="/a",
        message_id="1",
        subscription="0",
        ack=None,
        known=True,
        headers=Headers(),
        body=body,
    )
    subscription.queue.append(Delivery(message, 1, subscription))
    subscription.octets += len(body) + OVERHEAD


def test_it_is_full_with_as_many_messages_as_may_wait():
    subscription = make()
    put(subscription, b"1")
    assert not subscription.full
    put(subscription, b"2")
    assert subscription.full


def test_the_oldest_is_dropped_and_counted():
    subscription = make()
    put(subscription, b"old")
    put(subscription, b"newer")
    subscription.drop_oldest()
    assert subscription.dropped == 1
    assert subscription.octets == 5 + OVERHEAD
    assert [delivery.message.body for delivery in subscription.queue] == [b"newer"]


@pytest.mark.parametrize("ack", list(AckMode))
def test_what_will_be_delivered_again_is_forgotten(ack):
    subscription = make(ack)
    put(subscription, b"1")
    subscription.forget_deliveries()
    kept = ack is AckMode.AUTO
    assert (len(subscription.queue), subscription.octets) == ((1, 1 + OVERHEAD) if kept else (0, 0))


def test_who_is_accepted_is_under_no_suspicion():
    subscription = make()
    subscription.strikes = 1
    subscription.prove()
    assert subscription.proven
    assert subscription.strikes == 0


def test_headers_are_its_own():
    headers = {"selector": "a = 1"}
    subscription = make(headers=headers)
    headers.clear()
    assert subscription.headers["selector"] == "a = 1"


@pytest.mark.parametrize("kind", [OverflowPolicy, OnExit])
def test_a_choice_that_there_is_not_is_told_with_those_that_there_are(kind):
    with pytest.raises(ValueError, match="is 'maybe': write") as caught:
        kind("maybe")
    assert all(repr(choice.value) in str(caught.value) for choice in kind)
    assert [kind(choice.value) for choice in kind] == list(kind)
