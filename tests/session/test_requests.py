"""Requests find their answers, and never another one's."""

import pytest

from stomp_sansio.links.link import Phase
from stomp_sansio.session.errors import ConnectionClosedError, ConnectionClosedOK, NotConnected, ReplyTimeout
from stomp_sansio.session.tickets import Outcome

from .world import Hand, settled

RABBIT = {"server": "RabbitMQ/3.10.8"}


def request(hand, **keywords):
    """Ask something; return the ticket, the reply address and the correlation id."""
    ticket = hand.session.request("/queue/rpc", b"ping", now=hand.now, **keywords)
    hand.drain()
    frames = hand.said()
    (send,) = [frame for frame in frames if frame.command == "SEND"]
    return ticket, send.headers["reply-to"], send.headers["correlation-id"]


def reply(hand, address, correlation=None, body=b"pong"):
    headers = {"destination": "/queue/amq.gen-1", "message-id": "m", "subscription": address}
    if correlation is not None:
        headers["correlation-id"] = correlation
    hand.hear("MESSAGE", headers, body)


def test_an_answer_is_found_by_its_correlation_id():
    hand = Hand().start().connect()
    first, address, one = request(hand)
    second, same, two = request(hand)
    assert address == same
    reply(hand, address, two, b"2")
    reply(hand, address, one, b"1")
    assert [ticket.reply and ticket.reply.body for ticket in (first, second)] == [b"1", b"2"]
    assert {first.outcome, second.outcome} == {Outcome.CONFIRMED}


def test_the_address_is_subscribed_to_once_on_each_connection():
    hand = Hand().start().connect()
    hand.said()
    for expected in (["SUBSCRIBE", "SEND"], ["SEND"]):
        hand.session.request("/queue/rpc", now=hand.now)
        assert hand.commands() == expected
    hand.lose()
    hand.advance(10.0)
    hand.connect()
    hand.said()
    hand.session.request("/queue/rpc", now=hand.now)
    assert hand.commands() == ["SUBSCRIBE", "SEND"]


def test_replies_to_a_subscription_that_the_broker_made_itself_are_taken():
    hand = Hand().start().connect(**RABBIT)
    hand.said()
    ticket, address, _ = request(hand)
    assert hand.commands() == []
    reply(hand, address)
    assert ticket.reply is not None


def test_a_request_goes_with_its_content_type_and_headers_of_the_caller():
    hand = Hand().start().connect()
    hand.session.request(
        "/queue/rpc", b"{}", content_type="application/json", headers={"x": "y", "reply-to": "no"}, now=0.0
    )
    send = hand.said()[-1]
    assert send.headers["content-type"] == "application/json"
    assert send.headers["x"] == "y"
    assert send.headers.get_all("reply-to") == ["/temp-queue/p"]


def test_an_answer_without_correlation_id_is_that_of_the_only_request():
    hand = Hand().start().connect(**RABBIT)
    ticket, address, _ = request(hand)
    reply(hand, address)
    assert ticket.outcome is Outcome.CONFIRMED


def test_an_answer_without_correlation_id_to_one_of_several_requests_is_nobodys():
    hand = Hand().start().connect(**RABBIT)
    first, address, _ = request(hand)
    second, _, _ = request(hand)
    reply(hand, address)
    assert first.outcome is second.outcome is None


def test_a_late_answer_without_correlation_id_does_not_pass_for_the_next_one():
    hand = Hand().start().connect()
    late, address, _ = request(hand, timeout=5.0)
    hand.advance(5.0)
    assert settled(late) == (Outcome.UNKNOWN, ReplyTimeout)
    ticket, same, _ = request(hand)
    assert same == address
    reply(hand, address, body=b"late")
    assert ticket.outcome is None
    # The other side gives no correlation ids back: from now on an address is used up by a lost answer.
    hand.advance(30.0)
    hand.said()
    fresh, other, _ = request(hand)
    assert other != address
    reply(hand, address, body=b"late again")
    assert fresh.outcome is None
    reply(hand, other, body=b"pong")
    assert fresh.reply is not None
    assert fresh.reply.body == b"pong"


def test_an_address_that_is_used_up_is_unsubscribed_from():
    hand = Hand().start().connect()
    _, address, _ = request(hand, timeout=5.0)
    hand.advance(5.0)
    reply(hand, address)
    hand.session.request("/queue/rpc", now=hand.now)
    frames = hand.said()
    assert [frame.command for frame in frames] == ["UNSUBSCRIBE", "SUBSCRIBE", "SEND"]
    assert frames[0].headers["id"] == address


def test_an_address_at_which_somebody_waits_is_kept():
    hand = Hand().start().connect()
    _, address, _ = request(hand, timeout=5.0)
    waiting, _, correlation = request(hand, timeout=50.0)
    hand.advance(5.0)
    reply(hand, address)
    hand.session.request("/queue/rpc", now=hand.now)
    assert hand.commands() == ["SUBSCRIBE", "SEND"]
    reply(hand, address, correlation)
    assert waiting.outcome is Outcome.CONFIRMED


def test_with_rabbitmq_there_is_nothing_to_unsubscribe_from():
    hand = Hand().start().connect(**RABBIT)
    _, address, _ = request(hand, timeout=5.0)
    hand.advance(5.0)
    reply(hand, address)
    hand.session.request("/queue/rpc", now=hand.now)
    assert hand.commands() == ["SEND"]


def test_an_answer_that_nobody_waits_for_changes_nothing():
    hand = Hand().start().connect()
    ticket, address, correlation = request(hand, timeout=5.0)
    hand.session.send("/a", confirm=True, now=0.0)
    hand.advance(31.0)
    reply(hand, address, correlation)
    reply(hand, "/temp-queue/somebody-else", correlation)
    assert ticket.reply is None


def test_a_request_that_has_timed_out_is_not_kept():
    hand = Hand().start().connect()
    for _ in range(20):
        request(hand, timeout=1.0)
    hand.advance(1.0)
    assert hand.session._requests.take_all() == []  # noqa: SLF001  # memory has no other witness


def test_an_answer_in_1_0_may_name_the_destination_alone():
    hand = Hand().start()
    hand.link.opened()
    hand.link.hear(b"CONNECTED\n\n\0")
    hand.look()
    ticket, address, _ = request(hand)
    hand.link.hear(f"MESSAGE\ndestination:{address}\nmessage-id:1\n\npong\0".encode())
    hand.look()
    assert ticket.outcome is Outcome.CONFIRMED


def test_a_lost_connection_leaves_a_request_unanswered():
    hand = Hand().start().connect()
    ticket, _, _ = request(hand)
    hand.lose()
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedError)
    assert "before the reply came" in str(ticket.error)


def test_a_request_needs_a_connection():
    hand = Hand().start()
    with pytest.raises(NotConnected):
        hand.session.request("/queue/rpc", now=0.0)
    hand.lose(phase=Phase.TCP)
    with pytest.raises(Exception, match="the session is over"):
        hand.session.request("/queue/rpc", now=0.0)


def test_a_request_that_is_open_when_the_session_is_closed_is_unknown():
    hand = Hand().start().connect()
    ticket, _, _ = request(hand)
    hand.session.close(hand.now)
    hand.lose(clean=True)
    assert settled(ticket) == (Outcome.UNKNOWN, ConnectionClosedOK)


def test_a_request_does_not_overtake_what_was_sent_before():
    hand = Hand(max_backlog=100).start().connect()
    hand.link.slow = True
    hand.session.send("/queue/rpc", bytes(200_000), now=0.0)
    ticket = hand.session.send("/queue/rpc", b"second", now=0.0)
    assert ticket is not None
    hand.session.request("/queue/rpc", b"third", now=0.0)
    while hand.session.data_to_send(hand.link.stream, 0.0):
        pass
    bodies = [frame.body for frame in hand.said() if frame.command == "SEND"]
    assert bodies[-2:] == [b"second", b"third"]
