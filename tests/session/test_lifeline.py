"""The way to a server: attempts, back-off, failover, credentials, time limits, and how links are let go."""

import itertools
import math

import pytest

from stomp_sansio import Fault, FrameParser, LinkFault, LocalProtocolError, RemoteProtocolError, Version
from stomp_sansio.links.link import WAITS, Phase
from stomp_sansio.machine import CloseStream, OpenStream, StreamLoss, TLSInfo
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionClosedError,
    HeartbeatTimeout,
)
from stomp_sansio.session.events import CredentialsWanted, Ended, Interrupted, Ready
from stomp_sansio.session.lifeline import SessionState
from stomp_sansio.session.options import Credentials, SessionOptions, Target
from stomp_sansio.session.session import Session
from stomp_sansio.session.tickets import Outcome
from stomp_sansio.testing import Conditions, Path

from .world import Hand, World, address, target

NEVER = Conditions(opening=math.inf)
REFUSED = Conditions(refusal=StreamLoss.REFUSED)
FINE = Conditions()


# The first attempt


def test_a_session_needs_a_server():
    with pytest.raises(ValueError, match="name at least one server"):
        Session(SessionOptions(targets=()), prefix="p", jitter=lambda: 0.0)


def test_an_attempt_opens_a_link_greets_and_is_ready():
    hand = Hand()
    states = [hand.session.state, hand.start().session.state]
    assert states == [SessionState.IDLE, SessionState.OPENING]
    assert hand.actions == [OpenStream(hand.link.stream, address("hand"))]
    hand.link.opened("websocket")
    hand.look()
    states.append(hand.session.state)
    assert hand.commands() == ["CONNECT"]
    hand.hear("CONNECTED", {"version": "1.2"})
    states.append(hand.session.state)
    assert states[2:] == [SessionState.GREETING, SessionState.READY]
    (ready,) = hand.of(Ready)
    assert (ready.epoch, ready.endpoint, ready.transport) == (1, "hand", "websocket")
    assert ready.connected.version is Version.V1_2


def test_a_session_starts_once():
    hand = Hand().start()
    with pytest.raises(LocalProtocolError, match="make a new one"):
        hand.session.start(0.0)


def test_the_failure_of_the_very_first_connection_is_told_at_once():
    world = World()
    world.network.conditions = lambda address, number: REFUSED
    world.do(world.session.start)
    world.run()
    assert isinstance(world.ended.error, ConnectError)
    assert world.ended.error.phase is Phase.TCP
    assert len(world.network.attempts) == 1
    assert world.session.finished


def test_the_very_first_connection_can_be_tried_again_too():
    world = World(retry_first=True)
    world.network.conditions = lambda address, number: REFUSED if number < 4 else FINE
    world.start()
    assert world.delays == [0.5, 1.0, 2.0]


def test_without_back_off_the_very_first_connection_is_not_tried_again():
    world = World(retry_first=True, reconnect=None)
    world.network.conditions = lambda address, number: REFUSED
    world.do(world.session.start)
    world.run()
    assert isinstance(world.ended.error, ConnectError)


# Back-off


def test_attempts_wait_ever_longer_up_to_the_cap():
    world = World(reconnect=Backoff(initial=1.0, cap=8.0)).start()
    world.network.conditions = lambda address, number: REFUSED
    world.lose()
    world.run(60.0)
    assert world.delays[:6] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    instants = [attempt.instant for attempt in world.network.attempts[1:]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
    assert all(gap >= delay for gap, delay in zip(gaps, world.delays[1:], strict=False))


def test_the_wait_is_a_random_part_of_the_most():
    parts = iter([0.25, 0.5, 0.75])
    world = World(jitter=lambda: next(parts)).start()
    world.network.conditions = lambda address, number: REFUSED if number < 4 else FINE
    world.lose()
    world.run(10.0)
    assert world.delays == [0.125, 0.5, 1.5]


def test_failures_are_forgotten_after_a_stable_period_and_not_before():
    world = World(reconnect=Backoff(stable=30.0)).start()
    for seconds in (5.0, 5.0, 31.0, 5.0):
        world.run(seconds)
        world.lose()
        world.run(5.0)
    assert world.delays == [0.5, 1.0, 0.5, 1.0]


def test_a_clock_that_stalled_counts_as_time_that_has_passed():
    world = World(reconnect=Backoff(stable=30.0)).start()
    for _ in range(2):
        world.lose()
        world.run(5.0)
    world.client.freeze(100.0)
    world.lose()
    world.run(105.0)
    assert world.delays[-1] == 0.5


def test_without_reconnect_the_session_ends_with_its_first_connection():
    world = World(reconnect=None).start()
    world.lose()
    world.run()
    assert isinstance(world.ended.error, ConnectionClosedError)
    assert len(world.network.attempts) == 1


def test_a_lost_connection_is_made_again():
    world = World().start()
    for number in range(2, 5):
        world.lose()
        world.run(60.0)
        assert world.of(Ready)[-1].epoch == number
    assert [event.epoch for event in world.of(Interrupted)] == [1, 2, 3]
    assert world.of(Ended) == []


def test_reconnecting_leaves_nothing_behind():
    world = World().start()
    for end in ("lose", "restart", "hang_up") * 10:
        if end == "hang_up":
            world.broker.hang_up()
            world.server.kick()
        else:
            getattr(world, end)()
        world.run(100.0)
    lifeline = world.session._lifeline  # noqa: SLF001  # memory has no other witness
    assert len(lifeline._links) == len(lifeline.streams) == 1  # noqa: SLF001
    assert len(world.of(Ready)) == 31


# Which failures stop


def stops(world, error):
    world.run(300.0)
    assert isinstance(world.ended.error, error)
    assert world.of(Interrupted) == []
    return world.ended.error


def test_a_refused_login_stops():
    world = World(credentials=Credentials("ada", "wrong"))
    world.broker.accepts = lambda connect: f"Access refused for user {connect['login']!r}"
    world.do(world.session.start)
    error = stops(world, AuthenticationError)
    assert "check login= and passcode=" in str(error)


def test_a_login_that_is_refused_on_reconnect_only_stops_as_well():
    world = World().start()
    world.broker.accepts = lambda connect: "Access refused"
    world.lose()
    world.run(300.0)
    assert isinstance(world.ended.error, AuthenticationError)
    assert len(world.network.attempts) == 2


def test_a_wrong_vhost_stops():
    world = World()
    world.broker.accepts = lambda connect: f"Virtual host {connect['host']!r} access denied"
    world.do(world.session.start)
    assert "vhost=" in str(stops(world, ConnectError))


def test_a_bad_certificate_stops():
    world = World()
    world.network.conditions = lambda address, number: Conditions(refusal=StreamLoss.CERTIFICATE_REFUSED)
    world.do(world.session.start)
    assert "certificate" in str(stops(world, ConnectError))


def test_a_server_that_speaks_another_protocol_stops():
    world = World()
    world.do(world.session.start)
    world.broker.ignores = lambda said: True
    world.run(0.1)
    world.broker.write(world.peer, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "does not speak STOMP" in str(stops(world, ConnectError))


def test_a_version_that_was_not_offered_stops():
    world = World(versions=(Version.V1_1,))
    world.do(world.session.start)
    assert "chose STOMP '1.2'" in str(stops(world, ConnectError))


def test_a_protocol_error_of_an_established_connection_stops():
    world = World().start()
    world.tell("RECEIPT", {})
    assert "receipt-id" in str(stops(world, ConnectionClosedError))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407])
def test_a_client_error_of_http_stops(status):
    hand = Hand().start()
    error = RemoteProtocolError(LinkFault.HTTP_STATUS, "refused")
    hand.lose(phase=Phase.UPGRADE, status=status, error=error)
    (ended,) = hand.of(Ended)
    assert isinstance(ended.error, ConnectError)
    assert ended.error.phase is Phase.UPGRADE


# Which failures are tried again


@pytest.mark.parametrize(
    "conditions",
    [REFUSED, Conditions(refusal=StreamLoss.UNRESOLVED), Conditions(refusal=StreamLoss.RESET), NEVER],
    ids=["refused", "dns", "reset", "silence"],
)
def test_network_failures_are_tried_again(conditions):
    world = World().start()
    world.network.conditions = lambda address, number: conditions if number < 4 else FINE
    world.lose()
    world.run(60.0)
    assert [event.epoch for event in world.of(Ready)] == [1, 4]


def test_a_server_error_of_http_is_tried_again():
    hand = Hand().start().connect()
    hand.lose()
    hand.advance(1.0)
    hand.lose(phase=Phase.UPGRADE, status=503, error=RemoteProtocolError(LinkFault.HTTP_STATUS, "later"))
    assert len(hand.of(Interrupted)) == 2
    assert hand.of(Ended) == []


@pytest.mark.parametrize("how", ["hang_up", "restart"])
def test_a_broker_that_just_closes_is_tried_again(how):
    world = World().start()
    getattr(world.broker, how)()
    world.server.kick()
    world.run(5.0)
    assert [event.epoch for event in world.of(Ready)] == [1, 2]


def test_a_broker_that_is_killed_under_a_websocket_is_tried_again():
    hand = Hand().start().connect("websocket")
    error = RemoteProtocolError(LinkFault.CLOSED_ABNORMALLY, "The stream ended without a WebSocket close")
    hand.lose(error=error, code=1006)
    assert hand.of(Ended) == []
    hand.advance(1.0)
    hand.connect("websocket")
    assert len(hand.of(Ready)) == 2


def test_silence_is_noticed_and_tried_again():
    world = World(heartbeat=(5.0, 5.0))
    world.broker.beat = 5.0
    world.start()
    world.run(300.0)
    assert len(world.of(Ready)) == 1
    world.network.wires[-1].silence()
    world.run(12.0)
    (interrupted,) = world.of(Interrupted)
    assert isinstance(interrupted.error, HeartbeatTimeout)
    assert len(world.of(Ready)) == 2


def test_a_frame_that_was_cut_off_is_a_lost_connection():
    hand = Hand().start().connect()
    hand.link.hear(b"MESSAGE\nsubscr")
    hand.lose(clean=True)
    (interrupted,) = hand.of(Interrupted)
    cause = interrupted.error.__cause__
    assert isinstance(cause, RemoteProtocolError)
    assert cause.fault is Fault.INCOMPLETE_FRAME


# The hook


def test_a_hook_may_decide_otherwise():
    asked = []

    def should_retry(error, retry):
        asked.append((type(error), retry))
        return not retry

    world = World(should_retry=should_retry).start()
    world.broker.accepts = lambda connect: "Access refused"
    world.lose()
    world.run(5.0)
    assert asked == [(ConnectionClosedError, True)]
    assert isinstance(world.ended.error, ConnectionClosedError)


def test_a_hook_may_try_again_what_would_stop():
    world = World(should_retry=lambda error, retry: True).start()
    world.broker.accepts = lambda connect: "Access refused" if connect.connection < 4 else None
    world.lose()
    world.run(20.0)
    assert [event.epoch for event in world.of(Ready)] == [1, 4]


def test_a_hook_does_not_make_a_back_off_that_there_is_not():
    world = World(reconnect=None, should_retry=lambda error, retry: True).start()
    world.lose()
    assert isinstance(world.ended.error, ConnectionClosedError)


def test_a_hook_that_raises_ends_the_session_with_what_it_raised():
    def should_retry(error, retry):
        raise KeyError("oops")

    world = World(should_retry=should_retry).start()
    world.lose()
    assert isinstance(world.ended.error, KeyError)


# Several servers


def two(**options):
    world = World(targets=(target("one"), target("broker")), **options)
    world.network.listen(world.server, address("one"))
    return world


def where(world):
    return [attempt.address.host for attempt in world.network.attempts]


def test_the_next_server_is_tried_at_once():
    world = two()
    world.network.unlisten(address("one"))
    world.start()
    assert where(world) == ["one", "broker"]
    assert world.delays == [0.0]
    assert world.of(Ready)[0].endpoint == "broker"
    assert world.network.now < 0.1


def test_when_all_servers_have_failed_the_first_failure_is_told():
    world = two()
    world.network.conditions = lambda address, number: REFUSED
    world.do(world.session.start)
    world.run()
    assert where(world) == ["one", "broker"]
    assert isinstance(world.ended.error, ConnectError)


def test_a_lost_connection_is_made_again_where_it_was_first():
    world = two().start()
    world.lose()
    world.run(5.0)
    assert where(world) == ["one", "one"]


def test_servers_are_tried_in_turn_with_one_wait_for_all():
    world = two().start()
    world.network.conditions = lambda address, number: REFUSED if number < 7 else FINE
    world.lose()
    world.run(20.0)
    assert where(world) == ["one", "one", "broker", "one", "broker", "one", "broker"]
    assert world.delays == [0.5, 0.0, 1.0, 0.0, 2.0, 0.0]
    assert world.of(Ready)[-1].endpoint == "broker"


def test_who_we_are_at_one_server_is_told_to_no_other():
    world = World(targets=(target("one", login="ada", passcode="s3cr3t"), target("broker")))
    world.network.listen(world.server, address("one"))
    world.broker.accepts = lambda connect: None
    world.network.unlisten(address("one"))
    world.start()
    (connect,) = world.broker.heard("CONNECT")
    assert "login" not in connect.headers
    assert "passcode" not in connect.headers
    world.network.listen(world.server, address("one"))
    world.network.conditions = lambda there, number: REFUSED if there == address("broker") else FINE
    world.lose()
    world.run(5.0)
    assert world.broker.heard("CONNECT")[-1]["passcode"] == "s3cr3t"


def test_a_body_must_suit_every_server_that_may_come():
    world = World(targets=(target("broker"), target("text", carries=bytes.isascii))).start()
    assert world.send("/queue/a", b"ascii") is None
    for call in (
        lambda: world.send("/queue/a", b"\xff"),
        lambda: world.confirm("/queue/a", b"\xff"),
        lambda: world.do(world.session.request, "/queue/a", b"\xff"),
        lambda: world.do(world.session.send_in, world.do(world.session.begin), "/queue/a", b"\xff"),
    ):
        with pytest.raises(LocalProtocolError, match="SockJS carries text"):
            call()


# Credentials


def test_connect_says_who_we_are():
    world = World(credentials=Credentials("ada", "s3cr3t", {"x-token": "t"})).start()
    (connect,) = world.broker.heard("CONNECT")
    assert connect.headers == {
        "accept-version": "1.0,1.1,1.2",
        "host": "/",
        "login": "ada",
        "passcode": "s3cr3t",
        "x-token": "t",
    }


def test_credentials_are_asked_for_before_every_attempt():
    world = World(ask_credentials=True)
    world.do(world.session.start)
    for number in (1, 2):
        world.run(5.0)
        assert world.of(CredentialsWanted)[-1].attempt == number
        assert len(world.network.attempts) == number - 1
        world.do(world.session.provide_credentials, Credentials("ada", f"token-{number}"))
        world.run()
        world.lose()
    assert [said["passcode"] for said in world.broker.heard("CONNECT")] == ["token-1", "token-2"]


def test_links_are_made_with_the_credentials_of_their_attempt():
    hand = Hand(ask_credentials=True).start()
    credentials = Credentials(http_headers={"authorization": "Bearer t"})
    hand.session.provide_credentials(credentials, 0.0)
    assert hand.link.credentials is credentials


def test_credentials_that_cannot_be_got_are_a_failed_attempt():
    world = World(ask_credentials=True)
    world.do(world.session.start)
    world.do(world.session.credentials_failed, OSError("no token server"))
    assert isinstance(world.ended.error, OSError)


def test_credentials_that_cannot_be_got_are_asked_for_again():
    world = World(ask_credentials=True, retry_first=True)
    world.do(world.session.start)
    for _ in range(3):
        world.do(world.session.credentials_failed, OSError("no token server"))
        world.run(10.0)
    assert world.delays == [0.5, 1.0, 2.0]
    assert [event.attempt for event in world.of(CredentialsWanted)] == [1, 2, 3, 4]
    world.do(world.session.provide_credentials, Credentials("ada"))
    world.run()
    assert len(world.of(Ready)) == 1


def test_credentials_that_do_not_come_are_an_attempt_that_took_too_long():
    world = World(ask_credentials=True)
    world.do(world.session.start)
    world.run(11.0)
    assert "the credentials did not come" in str(world.ended.error)


def test_credentials_that_nobody_waits_for_any_more_change_nothing():
    world = World(ask_credentials=True, retry_first=True)
    world.do(world.session.start)
    world.run(10.2)
    assert world.session.state is SessionState.WAITING
    world.do(world.session.provide_credentials, Credentials("late"))
    world.do(world.session.credentials_failed, OSError("late"))
    assert world.session.state is SessionState.WAITING
    world.run(1.0)
    world.do(world.session.provide_credentials, Credentials("fresh"))
    world.run()
    assert [said["login"] for said in world.broker.heard("CONNECT")] == ["fresh"]


def test_credentials_that_cannot_be_said_are_refused():
    with pytest.raises(LocalProtocolError):
        World(credentials=Credentials("a\nb"))
    world = World(ask_credentials=True)
    world.do(world.session.start)
    with pytest.raises(LocalProtocolError):
        world.do(world.session.provide_credentials, Credentials("a\nb"))
    world.do(world.session.provide_credentials, Credentials("ab"))
    world.run()
    assert len(world.of(Ready)) == 1


def test_credentials_are_judged_by_the_versions_that_are_offered():
    with pytest.raises(LocalProtocolError):
        World(credentials=Credentials(" ada"), versions=(Version.V1_0,))
    World(credentials=Credentials(" ada"))


# Time limits


def test_one_attempt_has_the_open_timeout_for_everything_together():
    world = World(open_timeout=5.0)
    world.network.conditions = lambda address, number: Conditions(opening=3.0)
    world.broker.ignores = lambda said: True
    world.do(world.session.start)
    world.run(4.9)
    assert world.of(Ended) == []
    world.run(0.2)
    assert isinstance(world.ended.error, ConnectError)
    assert world.ended.error.phase is Phase.CONNECT
    assert "within 5 s (open_timeout): the server did not answer CONNECT" in str(world.ended.error)
    world.run()
    assert world.session.finished


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in (Phase.OPEN, Phase.CONNECT)])
def test_an_attempt_that_took_too_long_says_how_far_it_came(phase):
    hand = Hand(open_timeout=5.0).start()
    hand.link.phase = phase
    hand.advance(5.0)
    (ended,) = hand.of(Ended)
    assert isinstance(ended.error, ConnectError)
    assert ended.error.phase is phase
    assert WAITS[phase] in str(ended.error)


def test_a_server_that_never_answers_is_given_up():
    world = World(open_timeout=5.0)
    world.network.conditions = lambda address, number: NEVER
    world.do(world.session.start)
    world.run(6.0)
    assert isinstance(world.ended.error, ConnectError)
    assert world.ended.error.phase is Phase.TCP
    assert world.session.finished


def test_each_attempt_has_its_own_time():
    world = World(retry_first=True, open_timeout=5.0)
    world.network.conditions = lambda address, number: NEVER if number < 3 else Conditions(opening=4.0)
    world.start()
    assert [event.epoch for event in world.of(Ready)] == [3]


def test_the_good_bye_has_its_time_too():
    world = World(close_timeout=3.0).start()
    world.broker.ignores = lambda said: True
    ticket = world.do(world.session.close)
    world.run(2.9)
    assert world.session.state is SessionState.CLOSING
    world.run(1.0)
    assert world.ended.error is None
    assert ticket.outcome is Outcome.UNKNOWN
    assert world.session.finished


# What cannot even be tried


def unmakeable(error):
    def make_link(ids, credentials):
        raise error

    return make_link


def test_a_link_that_cannot_be_made_ends_the_session_with_the_reason():
    world = World(targets=(Target("odd", "/", unmakeable(ValueError("bad header"))),))
    world.do(world.session.start)
    assert isinstance(world.ended.error, ValueError)
    assert world.session.finished


def test_a_link_that_cannot_be_made_again_ends_the_session():
    made: list[bool] = []

    def make_link(ids, credentials):
        if made:
            raise ImportError("gone")
        made.append(True)
        return target().make_link(ids, credentials)

    world = World(targets=(Target("odd", "/", make_link),)).start()
    world.lose()
    world.run(5.0)
    assert isinstance(world.ended.error, ImportError)


def test_a_link_that_cannot_be_made_of_new_credentials_ends_the_session():
    world = World(targets=(Target("odd", "/", unmakeable(ValueError("bad header"))),), ask_credentials=True)
    world.do(world.session.start)
    world.do(world.session.provide_credentials, Credentials())
    assert isinstance(world.ended.error, ValueError)


def test_the_next_server_is_tried_though_a_link_cannot_be_made_if_the_hook_wants_it():
    odd = Target("odd", "/", unmakeable(ValueError("bad")))
    world = World(targets=(odd, odd, target("broker")), should_retry=lambda error, retry: True)
    world.start()
    assert world.of(Ready)[0].endpoint == "broker"
    assert world.delays == [0.0, 0.0]


# Links


def test_a_link_that_may_still_hear_us_is_closed_in_order():
    hand = Hand().start().connect()
    hand.hear("ERROR", {"message": "no"})
    assert hand.link.calls[-1] == "close"


@pytest.mark.parametrize("opened", [True, False])
def test_a_link_that_hears_nothing_is_thrown_away(opened):
    hand = Hand(open_timeout=5.0).start()
    if opened:
        hand.link.opened()
        hand.look()
    hand.advance(5.0)
    assert "abort" in hand.link.calls
    assert CloseStream(hand.link.stream, abort=True) in hand.actions


@pytest.mark.parametrize("written", range(80))
def test_an_attempt_that_is_given_up_leaves_no_half_frame(written):
    session = Session(SessionOptions(targets=(target(),)), prefix="p", jitter=lambda: 0.0)
    session.start(0.0)
    wish = session.next_action()
    assert isinstance(wish, OpenStream)
    session.stream_opened(wish.stream, 0.0)
    octets = session.data_to_send(wish.stream, 0.0, written) if written else b""
    session.close(0.0)
    assert session.next_action() == CloseStream(wish.stream)
    while more := session.data_to_send(wish.stream, 0.0, 7):
        octets += more
    parser = FrameParser()
    parser.receive_data(octets)
    frame = parser.next_frame()
    assert frame is not None
    assert frame.command == "CONNECT"
    assert not parser.pending
    session.stream_lost(wish.stream, StreamLoss.CLOSED, 0.0)
    assert session.finished


def test_an_attempt_that_is_given_up_does_not_wait_for_a_peer_that_reads_nothing():
    world = World()
    stuck = Conditions(there=Path(window=10, octets_per_second=0.001))
    world.network.conditions = lambda address, number: stuck
    world.do(world.session.start)
    world.run(1.0)
    assert world.session.state is SessionState.GREETING
    world.do(world.session.close)
    # The link has a time of its own for what is still to be written.
    world.run(9.9)
    assert not world.session.finished
    world.run(0.2)
    assert world.session.finished


def test_a_silent_link_is_thrown_away():
    hand = Hand(heartbeat=(0, 1.0)).start().connect(**{"heart-beat": "1000,0"})
    link = hand.link
    hand.session.data_to_send(link.stream, 0.0)
    hand.advance(3.5)
    assert "abort" in link.calls


def test_a_link_that_was_let_go_ends_by_itself_and_nobody_listens():
    hand = Hand().start().connect()
    first = hand.link
    hand.hear("ERROR", {"message": "no"})
    hand.advance(1.0)
    assert hand.link is not first
    first.hear(b"RECEIPT\nreceipt-id:x\n\n\0")
    first.deadline = hand.now + 1.0
    hand.session.receive_data(first.stream, b"", hand.now)
    assert hand.session.next_deadline() == hand.now + 1.0
    hand.session.handle_timeout(hand.now + 1.0)
    assert first.calls[-1] == "time"
    hand.session.stream_lost(first.stream, StreamLoss.CLOSED, hand.now)
    hand.drain()
    assert len(hand.of(Interrupted)) == 1
    first.deadline = None
    hand.connect()
    assert len(hand.of(Ready)) == 2


def test_a_session_is_finished_when_every_stream_is_gone():
    hand = Hand(reconnect=None).start().connect()
    hand.hear("ERROR", {"message": "no"})
    assert hand.session.state is SessionState.ENDED
    assert not hand.session.finished
    hand.session.stream_lost(hand.link.stream, StreamLoss.CLOSED, 0.0)
    assert hand.session.finished


def test_links_are_told_what_happens_to_their_streams():
    hand = Hand().start()
    session, stream = hand.session, hand.link.stream
    session.stream_opened(stream, 0.0)
    session.tls_started(stream, TLSInfo(), 0.0)
    session.receive_eof(stream, 0.0)
    assert session.wants_read(stream)
    assert hand.link.calls == ["start", "stream_opened", "tls_started", "eof"]


def test_links_may_leave_work_over():
    hand = Hand().start()
    assert not hand.session.wants_run()
    hand.link.work = 2
    while hand.session.wants_run():
        hand.session.run(0.0)
    assert hand.link.work == 0


def test_what_is_written_is_asked_of_the_link_of_the_stream():
    hand = Hand().start().connect()
    first = hand.link
    first.slow = True
    hand.session.send("/a", b"x", now=0.0)
    assert hand.session.wants_look()
    hand.hear("ERROR", {"message": "no"})
    hand.advance(1.0)
    assert first.unsent
    assert hand.session.data_to_send(first.stream, hand.now).startswith(b"SEND")


def test_streams_to_look_at_are_told_once_and_not_after_they_are_gone():
    world = World().start()
    session = world.session
    session.send("/queue/a", now=world.client.now)
    stream = next(iter(world.client.ends))
    assert session.changed_streams() == [stream]
    assert session.changed_streams() == []
    session.send("/queue/a", bytes(10), now=world.client.now)
    session.data_to_send(stream, world.client.now)
    session.send("/queue/a", bytes(10), now=world.client.now)
    session.stream_lost(stream, StreamLoss.RESET, world.client.now)
    assert session.changed_streams() == []


def test_a_writer_that_was_called_is_not_called_again():
    world = World().start()
    for _ in range(3):
        world.session.send("/queue/a", b"x", now=world.client.now)
    assert len(world.session.changed_streams()) == 1
    assert world.session.changed_streams() == []


def test_a_link_that_has_no_writer_is_given_everything_at_once():
    hand = Hand().start().connect()
    hand.said()
    for _ in range(3):
        hand.session.send("/queue/a", b"x", now=hand.now)
        assert hand.commands() == ["SEND"]


def test_what_waits_for_a_plain_stream_is_written_without_its_link():
    hand = Hand(heartbeat=(1.0, 0.0)).start()
    hand.link.passage = hand.link.stream
    hand.connect("tcp", **{"heart-beat": "0,1000"})
    session, stream = hand.session, hand.link.stream
    hand.said()
    session.data_to_send(stream, hand.now)
    hand.advance(2.0)
    assert stream in session._lifeline.touched or session.data_to_send(stream, hand.now) == b"\n"  # noqa: SLF001
    session.send("/queue/a", b"x", now=hand.now)
    assert session.changed_streams() == [stream]
    assert session.data_to_send(stream, hand.now).endswith(b"x\0")
    session.receive_data(stream, b"MESSAGE\nsubscription:1\nmessage-id:1\ndestination:/q\n\n\0", hand.now)
    assert hand.commands() == []


def test_where_something_is_between_the_link_takes_and_gives_the_octets():
    hand = Hand().start().connect("websocket")
    hand.said()
    hand.link.slow = True
    for _ in range(2):
        hand.session.send("/queue/a", b"x", now=hand.now)
        hand.drain()
    assert hand.commands() == ["SEND"]
    while hand.session.data_to_send(hand.link.stream, hand.now):
        pass
    assert hand.commands() == ["SEND"]
    hand.session.receive_data(hand.link.stream, b"no frame\n\n\0", hand.now)
    hand.drain()
    assert hand.of(Ended)[0].error is not None
