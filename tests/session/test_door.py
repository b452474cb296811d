"""Messages that ask for nothing: written at once if nothing is in the way, and else left to `send`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stomp_sansio import LocalProtocolError, Version
from stomp_sansio.protocol.events import AckMode, Error
from stomp_sansio.session.subscription import Subscription

from .world import Hand, World


def at_once(hand: Hand, body: bytes = b"x") -> bool:
    """Send a message if that is certain to be possible; it is written, or nothing is."""
    before = written(hand)
    sent = hand.session.send_at_once(hand.now, "/queue/a", body)
    assert (written(hand) > before) is sent
    return sent


def written(hand: Hand) -> int:
    """Return how many octets the present connection was given."""
    epoch = hand.session._lifeline.epoch  # noqa: SLF001
    return 0 if epoch is None else len(hand.link.sent) + epoch.connection.unsent


def ready(**options: Any) -> Hand:
    hand = Hand(**options).start().connect()
    hand.said()
    return hand


def subscribed(hand: Hand, **how: Any) -> Subscription:
    subscription = hand.session.subscribe("/queue/s", id="s", now=hand.now, **how)
    hand.said()
    return subscription


def message(hand: Hand, number: int) -> None:
    hand.hear("MESSAGE", {"subscription": "s", "message-id": str(number), "destination": "/queue/s"})


def test_a_message_goes_through_as_send_would_write_it():
    hand = ready()
    assert at_once(hand, b"hello")
    assert hand.session.send_at_once(hand.now, "/queue/a", b"", "text/plain")
    hand.session.send("/queue/a", b"hello", now=hand.now)
    hand.session.send("/queue/a", b"", content_type="text/plain", now=hand.now)
    first, second, third, fourth = hand.said()
    assert (first, second) == (third, fourth)
    assert first.body == b"hello"


def test_what_cannot_be_represented_is_refused_and_not_left_to_send():
    hand = ready(versions=(Version.V1_0, Version.V1_1, Version.V1_2))
    with pytest.raises(LocalProtocolError, match="has a NUL"):
        hand.session.send_at_once(0.0, "/queue/\0", b"")
    assert at_once(hand)


def no_connection(hand: Hand) -> None:
    hand.lose()


def drain(hand: Hand) -> None:
    hand.session.drain(hand.now)


def close(hand: Hand) -> None:
    hand.session.close(hand.now)
    hand.said()


def paused(hand: Hand) -> None:
    subscribed(hand, max_queue=1)
    message(hand, 1)
    assert hand.link.calls[-1] == "pause"


def deaf(hand: Hand) -> None:
    """The link takes nothing any more, and that was found out by a message."""
    hand.link.deaf = True
    hand.session.send("/queue/b", b"", now=hand.now)


def slow(hand: Hand) -> None:
    """The peer reads nothing, and as much waits as may."""
    hand.link.slow = True
    hand.session.send("/queue/b", bytes(2_000_000), now=hand.now)


def in_line(hand: Hand) -> None:
    slow(hand)
    assert hand.session.send("/queue/b", b"", now=hand.now) is not None


@pytest.mark.parametrize("what", [no_connection, drain, close, paused, deaf, slow, in_line])
def test_whatever_is_in_the_way_leaves_it_to_send(what: Callable[[Hand], None]):
    hand = ready()
    assert at_once(hand)
    what(hand)
    assert not at_once(hand)


def test_there_is_no_way_before_the_first_connection():
    hand = Hand()
    assert not at_once(hand)
    hand.start()
    assert not at_once(hand)
    hand.link.opened()
    hand.look()
    assert not at_once(hand)


def test_what_was_in_the_way_may_go_away():
    hand = ready()
    paused(hand)
    subscription = next(iter(hand.session._subscriptions))  # noqa: SLF001
    hand.session.take(subscription, hand.now)
    assert at_once(hand)
    slow(hand)
    assert not at_once(hand)
    while hand.session.data_to_send(hand.link.stream, hand.now):
        pass
    assert at_once(hand)
    hand.lose()
    hand.advance(10.0)
    hand.connect()
    assert at_once(hand)


def test_a_body_that_a_transport_cannot_carry_is_left_to_send():
    hand = ready(carries=lambda body: body != b"\xff")
    assert at_once(hand, b"x")
    assert not at_once(hand, b"\xff")


def test_messages_that_wait_for_room_are_never_overtaken():
    hand = ready(max_backlog=1000)
    hand.link.slow = True
    while at_once(hand, bytes(100)):
        pass
    assert 1000 <= written(hand) < 2000
    assert hand.session.send("/queue/a", b"waits", now=hand.now) is not None
    for _ in range(50):
        hand.session.data_to_send(hand.link.stream, hand.now, 300)
        at_once(hand, b"later")
    assert hand.link.sent.count(b"waits") == 1
    assert b"later" not in hand.link.sent.partition(b"waits")[0]


def test_the_writer_is_called_once_for_many_messages():
    world = World().start()
    for _ in range(2):
        for _ in range(3):
            assert world.session.send_at_once(world.client.now, "/queue/a", b"x")
        assert len(world.session._lifeline.touched) == 1  # noqa: SLF001
        world.client.kick()
        world.run()
    assert world.broker.accepted["/queue/a"] == [b"x"] * 6


def test_subscriptions_that_are_made_with_care_go_first():
    hand = ready()
    for destination in ("s", "t"):
        hand.session.subscribe(f"/queue/{destination}", id=destination, ack=AckMode.AUTO, now=hand.now)
    hand.hear("ERROR", {"message": "no"})
    hand.lose()
    hand.advance(10.0)
    hand.connect()
    assert not at_once(hand)
    hand.advance(10.0)
    assert at_once(hand)


def test_a_message_under_suspicion_goes_alone():
    hand = ready()
    hand.session.send("/queue/a", b"suspect", confirm=True, now=hand.now)
    hand.hear("ERROR", {"message": "no"})
    hand.lose()
    hand.advance(10.0)
    hand.connect()
    (suspect,) = hand.said()[1:]
    assert not at_once(hand)
    hand.hear("RECEIPT", {"receipt-id": suspect.headers["receipt"]})
    hand.session.send("/queue/a", b"", now=hand.now)
    assert at_once(hand)


def test_who_observes_the_end_finds_the_way_closed():
    found: list[bool] = []

    def observe(said: object) -> None:
        if isinstance(said, Error):
            found.append(hand.session.send_at_once(hand.now, "/queue/a", b"x"))

    hand = Hand(observe=observe).start().connect()
    assert at_once(hand)
    hand.hear("ERROR", {"message": "no"})
    assert found == [False]


def test_a_transaction_that_goes_on_during_a_drain_opens_no_way():
    hand = ready()
    transaction = hand.session.begin(now=hand.now)
    hand.session.drain(hand.now)
    hand.session.send_in(transaction, "/queue/a", b"x", now=hand.now)
    assert not at_once(hand)


def test_what_else_is_written_takes_room_as_well():
    hand = ready(max_backlog=10_000)
    assert at_once(hand)
    hand.link.slow = True
    hand.session.send("/queue/a", bytes(20_000), confirm=True, now=hand.now)
    assert not at_once(hand)
