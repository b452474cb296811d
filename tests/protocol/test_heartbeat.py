"""Heart-beats: what two offers agree on, when we speak, and when a silent peer is given up."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    Closed,
    CloseReason,
    Connected,
    Connection,
    ConnectRequest,
    Fault,
    ServerConnection,
    Version,
)
from tests.protocol.helpers import ask, client, fault, frames, one, sent, server, tell, wire

Make = Callable[..., Any]
BOTH = pytest.mark.parametrize("make", [client, server])

offers = st.one_of(st.just(0), st.integers(1, 100_000))


def handle_all(connection: Connection | ServerConnection, until: float) -> list[float]:
    """Handle every deadline up to an instant, take what is to be written; return when that was something."""
    spoken: list[float] = []
    while (deadline := connection.next_deadline()) is not None and deadline <= until:
        connection.handle_timeout(deadline)
        if connection.data_to_send(deadline):
            spoken.append(deadline)
    return spoken


def closed(connection: Connection | ServerConnection) -> Closed | None:
    event = connection.next_event()
    assert event is None or isinstance(event, Closed)
    return event


# What is agreed


@given(offers, offers, offers, offers)
def test_each_direction_has_the_larger_wish_or_nothing(
    send: int, want: int, their_send: int, their_want: int
):
    expected = (
        max(send, their_want) / 1000 if send and their_want else 0.0,
        max(want, their_send) / 1000 if want and their_send else 0.0,
    )
    ours = (send / 1000, want / 1000)
    for make in (client, server):
        connection = make(beats=f"{their_send},{their_want}", heartbeat=ours)
        assert connection.negotiated_heartbeat == expected


def test_the_offer_is_written_in_milliseconds():
    connection = Connection(heartbeat=(0.25, 10))
    connection.connect()
    assert sent(connection)[0].headers["heart-beat"] == "250,10000"


def test_an_offer_of_nothing_is_not_written():
    connection = Connection(heartbeat=(0, 0))
    connection.connect()
    assert "heart-beat" not in sent(connection)[0].headers
    answer = ServerConnection(heartbeat=(0, 0))
    ask(answer, wire("CONNECT", "accept-version:1.2"))
    answer.accept()
    assert "heart-beat" not in sent(answer)[0].headers


def test_an_offer_of_one_direction_is_written():
    connection = Connection(heartbeat=(0, 5))
    connection.connect()
    assert sent(connection)[0].headers["heart-beat"] == "0,5000"


def test_what_is_agreed_is_reported():
    connection = Connection(heartbeat=(1, 2))
    connection.connect()
    event = one(tell(connection, wire("CONNECTED", "version:1.2", "heart-beat:5000,6000")))
    assert isinstance(event, Connected)
    assert event.heartbeat == connection.negotiated_heartbeat == (6.0, 5.0)


def test_a_request_says_what_the_client_offers():
    connection = ServerConnection()
    event = one(ask(connection, wire("CONNECT", "accept-version:1.2", "heart-beat:250,0")))
    assert isinstance(event, ConnectRequest)
    assert event.heartbeat == (0.25, 0.0)
    assert connection.negotiated_heartbeat == (0.0, 0.0)


@BOTH
def test_1_0_has_no_heart_beats(make: Make):
    connection = make(Version.V1_0, "1000,1000", heartbeat=(1, 1))
    assert connection.negotiated_heartbeat == (0.0, 0.0)
    assert connection.next_deadline() is None


def test_a_server_of_1_0_does_not_even_look_at_the_header():
    connection = ServerConnection()
    assert isinstance(one(ask(connection, wire("CONNECT", "heart-beat:nonsense"))), ConnectRequest)
    connection.accept()
    assert sent(connection)[0].headers.pairs == ()


@pytest.mark.parametrize("value", ["0000000000250,0", "250,00"])
def test_leading_zeros_do_not_matter(value: str):
    connection = client(beats=value, heartbeat=(10, 10))
    assert connection.negotiated_heartbeat == (0.0, 10.0)


@pytest.mark.parametrize("digits", [15, 16, 4_000])
def test_huge_numbers_are_as_good_as_never(digits: int):
    connection = client(beats=f"{'9' * digits},{'9' * digits}", heartbeat=(10, 10))
    assert min(connection.negotiated_heartbeat) >= 10**11
    assert connection.next_deadline() is not None


@pytest.mark.parametrize(
    "value",
    ["", "1", "1,", ",1", "1,2,3", "-1,0", "+1,0", "1.5,0", "a,b", "\u0661,\u0661", "1_0,0", "x" * 200],
)
def test_what_is_not_two_numbers_is_a_fault(value: str):
    connection = Connection()
    connection.connect()
    error = fault(one(tell(connection, wire("CONNECTED", "version:1.2", f"heart-beat:{value}"))))
    assert error.fault is Fault.BAD_HEART_BEAT
    assert str(error) == f"heart-beat is {value[:80]!r}: it must be two numbers with a comma between"


def test_what_is_not_two_numbers_is_a_fault_of_a_client_too():
    connection = ServerConnection()
    octets = wire("CONNECT", "accept-version:1.2", "heart-beat:1", "receipt:r")
    error = fault(one(ask(connection, octets)))
    assert (error.fault, error.receipt) == (Fault.BAD_HEART_BEAT, "r")


@pytest.mark.parametrize("kind", [Connection, ServerConnection])
@pytest.mark.parametrize(
    "offer",
    [
        *[(-1, 0), (0, -1), (math.nan, 0), (0, math.inf), (0.0005, 0), (), (1,), (1, 2, 3), (1, math.nan, 3)],
        *[10, None, ("1", "2"), "12"],
    ],
)
def test_an_offer_that_cannot_be_is_refused(kind: Make, offer: Any):
    with pytest.raises(
        ValueError, match=r"pass two numbers of seconds, 0 for never and else at least 0\.001"
    ):
        kind(heartbeat=offer)


@pytest.mark.parametrize("kind", [Connection, ServerConnection])
@pytest.mark.parametrize("tolerance", [0.999, 0, -1, math.inf, math.nan])
def test_a_tolerance_that_cannot_be_is_refused(kind: Make, tolerance: float):
    with pytest.raises(ValueError, match="pass a factor of at least 1"):
        kind(heartbeat_tolerance=tolerance)


# Speaking


@BOTH
@pytest.mark.parametrize("origin", [0.0, 1e6, -1e6])
def test_an_idle_connection_speaks_within_the_agreed_interval_whatever_the_clock_s_origin(
    make: Make, origin: float
):
    connection = make(beats="0,1000", heartbeat=(1, 0), now=origin)
    spoken = handle_all(connection, origin + 10)
    instants = [origin, *spoken]
    gaps = [later - earlier for earlier, later in pairwise(instants)]
    assert len(gaps) >= 9
    assert all(0.5 <= gap <= 1 for gap in gaps)


@BOTH
def test_a_beat_is_one_line_feed(make: Make):
    connection = make(beats="0,1000", heartbeat=(1, 0))
    connection.handle_timeout(connection.next_deadline())
    assert connection.data_to_send(1.0) == b"\n"


def test_whatever_is_written_counts_as_a_beat():
    connection = client(beats="0,1000", heartbeat=(1, 0))
    for tenth in range(1, 40):
        connection.send("/q")
        assert frames(connection.data_to_send(tenth / 10))
        assert handle_all(connection, tenth / 10) == []


def test_taking_nothing_does_not_count_as_a_beat():
    connection = client(beats="0,1000", heartbeat=(1, 0))
    for tenth in range(8):
        assert connection.data_to_send(tenth / 10) == b""
        assert connection.data_to_send(tenth / 10, 0) == b""
        assert connection.frame_to_send(tenth / 10) == b""
    connection.handle_timeout(0.75)
    assert connection.unsent == 1
    assert connection.data_to_send(0.75, 0) == b""
    connection.handle_timeout(1.6)
    assert connection.unsent == 1


def test_beats_do_not_pile_up_while_nothing_is_taken():
    connection = client(beats="0,1000", heartbeat=(1, 0))
    for second in range(1, 60):
        connection.handle_timeout(float(second))
    assert connection.data_to_send(60.0) == b"\n"


def test_there_are_no_beats_before_the_hand_shake_is_handed_over():
    connection = ServerConnection(heartbeat=(1, 1))
    ask(connection, wire("CONNECT", "accept-version:1.2", "heart-beat:1000,1000"), now=5.0)
    assert connection.next_deadline() is None
    connection.accept()
    assert connection.next_deadline() is None
    connection.data_to_send(7.0)
    assert connection.next_deadline() == 7.75


def test_a_client_that_has_not_handed_over_its_connect_counts_from_when_it_does():
    connection = Connection(heartbeat=(1, 1))
    connection.connect()
    tell(connection, wire("CONNECTED", "version:1.2", "heart-beat:1000,1000"), now=-100.0)
    assert connection.next_deadline() is None
    connection.data_to_send(-99.0)
    assert connection.next_deadline() == -98.25


# Silence


@BOTH
@pytest.mark.parametrize("tolerance", [1.0, 2.0, 3.5])
def test_a_silent_peer_is_given_up_after_the_tolerance_and_a_second(make: Make, tolerance: float):
    connection = make(beats="4000,0", heartbeat=(0, 4), heartbeat_tolerance=tolerance)
    limit = 4 * tolerance + 1
    connection.handle_timeout(limit - 0.001)
    assert closed(connection) is None
    connection.handle_timeout(limit)
    event = closed(connection)
    assert event == Closed(clean=False, reason=CloseReason.HEARTBEAT_TIMEOUT)
    assert connection.wants_close
    assert connection.next_deadline() is None


@BOTH
@pytest.mark.parametrize("octets", [b"\n", b"\r", b"S", b"SEND\ndestination:/q\n\n"])
def test_any_octet_is_a_sign_of_life(make: Make, octets: bytes):
    connection = make(beats="1000,0", heartbeat=(0, 1))
    for index in range(len(octets)):
        connection.receive_data(octets[index : index + 1], 2.9 * (index + 1))
        connection.handle_timeout(2.9 * (index + 1))
        assert connection.next_event() is None
        assert not connection.wants_close


@BOTH
def test_nothing_is_no_sign_of_life(make: Make):
    connection = make(beats="1000,0", heartbeat=(0, 1))
    connection.receive_data(b"", 2.9)
    connection.handle_timeout(3.0)
    assert closed(connection) is not None


@BOTH
def test_a_late_call_still_sees_that_the_peer_has_spoken(make: Make):
    connection = make(beats="1000,0", heartbeat=(0, 1))
    connection.receive_data(b"\n", 10.0)
    connection.handle_timeout(10.0)
    assert closed(connection) is None
    assert connection.next_deadline() == 13.0


def test_a_server_counts_silence_only_from_its_own_answer():
    connection = ServerConnection(heartbeat=(0, 1))
    ask(connection, wire("CONNECT", "accept-version:1.2", "heart-beat:1000,0"))
    connection.accept()
    connection.handle_timeout(100.0)
    assert connection.next_event() is None
    connection.data_to_send(100.0)
    assert connection.next_deadline() == 103.0


@BOTH
def test_silence_is_not_counted_while_the_caller_does_not_read(make: Make):
    connection = make(beats="1000,0", heartbeat=(0, 1))
    connection.suspend_reading()
    assert not connection.wants_read
    handle_all(connection, 1_000.0)
    assert closed(connection) is None
    connection.resume_reading(1_000.0)
    assert connection.wants_read
    handle_all(connection, 1_002.9)
    assert closed(connection) is None
    handle_all(connection, 1_003.0)
    assert closed(connection) is not None


def test_reading_again_without_having_stopped_is_no_sign_of_life():
    connection = client(beats="1000,0", heartbeat=(0, 1))
    connection.resume_reading(2.9)
    connection.handle_timeout(3.0)
    assert closed(connection) is not None


def test_a_client_that_said_good_bye_is_not_given_up_for_its_silence():
    connection = server(beats="1000,0", heartbeat=(0, 1))
    ask(connection, wire("DISCONNECT", "receipt:r"))
    connection.resume_reading(1.0)
    handle_all(connection, 1_000.0)
    assert connection.next_event() is None
    assert connection.next_deadline() is None


def test_not_even_if_it_said_so_before_it_was_accepted():
    connection = ServerConnection(heartbeat=(0, 1))
    ask(
        connection,
        wire("CONNECT", "accept-version:1.2", "heart-beat:1000,0") + wire("DISCONNECT", "receipt:r"),
    )
    connection.accept()
    ask(connection)
    connection.data_to_send(0.0)
    assert connection.next_deadline() is None


def test_a_server_that_was_told_good_bye_speaks_on_while_it_finishes():
    connection = server(beats="0,1000", heartbeat=(1, 0))
    ask(connection, wire("DISCONNECT", "receipt:r"))
    assert handle_all(connection, 3.0)


def test_a_client_that_said_good_bye_gives_up_a_silent_server():
    connection = client(beats="1000,0", heartbeat=(0, 1))
    connection.disconnect(receipt="r")
    handle_all(connection, 3.0)
    assert closed(connection) == Closed(clean=False, reason=CloseReason.HEARTBEAT_TIMEOUT)


# Our own slowness is not the peer's silence


def test_silence_is_excused_while_whole_frames_wait_to_be_taken():
    connection = client(beats="1000,0", heartbeat=(0, 1))
    connection.receive_data(wire("MESSAGE", "destination:/q", "message-id:1", "subscription:s") * 2_000, 0.0)
    assert connection.next_event() is not None
    assert not connection.wants_read
    connection.receive_data(b"\n", 0.5)
    connection.handle_timeout(3.5)
    connection.handle_timeout(6.5)
    assert not connection.wants_close
    while connection.next_event() is not None:
        pass
    assert connection.wants_read
    connection.handle_timeout(9.5)
    assert not connection.wants_close
    connection.handle_timeout(12.5)
    assert connection.wants_close


@BOTH
@pytest.mark.parametrize("now", [-1e9, 1e15, 1e17, 1.7e18, 1e300, math.inf, math.nan])
def test_time_is_handled_once_and_goes_on_whatever_the_clock_says(make: Make, now: float):
    # Where numbers are so large, or none, an interval vanishes in them: no silence can be measured then.
    connection = make(beats="10000,10000", now=now)
    for _ in range(5):
        deadline = connection.next_deadline()
        if deadline is None:
            break
        connection.handle_timeout(deadline)
        later = connection.next_deadline()
        assert later is None or later > deadline or not math.isfinite(deadline)
