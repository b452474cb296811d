"""`Talk`: one conversation is replayed to its end, and what comes behind its end counts no more."""

from __future__ import annotations

from stomp_sansio import Closed, CloseReason, Connected, Fault, Frame, RemoteProtocolError
from stomp_sansio.capture.mirror import ClientMirror
from stomp_sansio.capture.talks import Ending, ReplayedConnection, Talk
from stomp_sansio.links.link import LinkClosed, Phase

GREETING = Frame("CONNECT", [("accept-version", "1.2"), ("heart-beat", "0,1000")])
BEATING = b"CONNECTED\nversion:1.2\nheart-beat:1000,0\n\n\0"


def begun() -> Talk:
    talk = Talk("#1", "client", "tcp", ClientMirror(GREETING, None, None))
    talk.say(GREETING, 0.0)
    return talk


def kinds(talk: Talk) -> list[str]:
    return [type(event).__name__ for _, event in talk.events]


def test_what_is_received_becomes_events_at_their_instants():
    talk = begun()
    talk.receive(BEATING, 1.5)
    assert [(now, type(event)) for now, event in talk.events] == [(1.5, Connected)]
    assert not talk.closed
    talk.end(Ending("gone"), 2.0)
    assert kinds(talk) == ["Connected", "Closed", "Ending"]
    result = talk.result()
    assert (result.name, result.role, result.transport, result.error) == ("#1", "client", "tcp", None)


def test_silence_ends_a_conversation_unless_our_side_does_not_read():
    talk = begun()
    talk.receive(BEATING, 0.0)
    deadline = talk.next_deadline()
    assert deadline is not None
    assert 2 < deadline < 4
    talk.pause(True, 1.0)
    talk.handle_timeout(deadline)
    assert not talk.closed
    talk.pause(False, 10.0)
    while (deadline := talk.next_deadline()) is not None:
        talk.handle_timeout(deadline)
    assert talk.events[-1][0] > 12
    closed = talk.events[-1][1]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.HEARTBEAT_TIMEOUT


def test_behind_the_end_nothing_counts():
    told: list[float] = []
    talk = begun()
    talk.on_closed = told.append
    talk.receive(b"NONSENSE\n", 1.0)
    assert told == [1.0]
    before = list(talk.events)
    talk.receive(BEATING, 2.0)
    talk.say(Frame("SEND", [("destination", "/a")]), 2.0)
    talk.pause(True, 2.0)
    assert talk.events == before
    talk.end(Ending("first"), 3.0)
    talk.end(Ending("second"), 4.0)
    assert [event.reason for _, event in talk.events if isinstance(event, Ending)] == ["first"]
    assert told == [1.0]
    error = talk.result().error
    assert error is not None
    assert error.fault is Fault.MALFORMED_COMMAND


def test_what_cannot_be_said_any_more_is_passed_over():
    talk = begun()
    talk.say(Frame("SEND", [("destination", "/a")]), 1.0)
    assert talk.events == []


def test_what_never_was_has_an_ending_alone():
    talk = Talk("#1", "client", "none", None)
    talk.receive(b"x", 0.0)
    talk.say(GREETING, 0.0)
    talk.drain(0.0)
    talk.pause(True, 0.0)
    talk.handle_timeout(0.0)
    assert talk.next_deadline() is None
    talk.end(Ending("refused", None, 403), 1.0)
    assert talk.events == [(1.0, Ending("refused", None, 403))]


def test_an_ending_is_what_a_link_tells():
    error = RemoteProtocolError(Fault.BAD_HEADER, "no")
    closed = LinkClosed(False, Phase.UPGRADE, "why", status=401, error=error)
    ending = Ending.of(closed)
    assert ending == Ending("why", error, 401)
    assert ReplayedConnection("", "", "", ((0.0, ending),)).error is error
