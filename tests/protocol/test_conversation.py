"""What both roles have in common: octets and instants in, events and octets out, and queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stomp_sansio import Closed, CloseReason, Connection, ServerConnection, State, Version
from tests.protocol.helpers import client, server, snapshot, wire

Make = Callable[..., Any]
BOTH = pytest.mark.parametrize("make", [client, server])


@pytest.mark.parametrize("kind", [Connection, ServerConnection])
def test_a_new_connection_wants_to_read_and_nothing_else(kind: Make):
    assert snapshot(kind()) == (
        State.IDLE, None, True, False, (0.0, 0.0), None, 0, f"<{kind.__name__} idle>",
    )  # fmt: skip


@BOTH
def test_a_connection_goes_through_its_day(make: Make):
    connection = make(beats="1000,1000", heartbeat=(1, 1))
    assert (connection.negotiated_heartbeat, connection.next_deadline()) == ((1.0, 1.0), 0.75)
    connection.handle_timeout(0.75)
    assert connection.unsent == 1
    assert connection.frame_to_send(0.75) == b"\n"
    assert connection.data_to_send(0.75) == b""
    connection.suspend_reading()
    assert not connection.wants_read
    connection.handle_timeout(100.0)
    assert connection.data_to_send(100.0, 1) == b"\n"
    connection.resume_reading(100.0)
    assert connection.wants_read
    assert connection.next_event() is None
    assert not connection.wants_close
    connection.receive_eof(100.0)
    assert connection.next_event() == Closed(clean=False, reason=CloseReason.EOF)
    assert connection.wants_close
    assert connection.state is State.CLOSED
    assert connection.next_deadline() is None


@BOTH
@pytest.mark.parametrize("version", list(Version))
def test_its_repr_says_role_state_and_version(make: Make, version: Version):
    connection = make(version)
    kind = type(connection).__name__
    assert connection.version is version
    assert repr(connection) == f"<{kind} connected STOMP {version.value}>"
    connection.receive_eof(0.0)
    connection.next_event()
    assert repr(connection) == f"<{kind} closed STOMP {version.value}>"


@pytest.mark.parametrize(
    ("make", "octets"), [(client, wire("RECEIPT", "receipt-id:r")), (server, wire("BEGIN"))]
)
def test_octets_become_events_one_at_a_time(make: Make, octets: bytes):
    connection = make()
    connection.receive_data(octets[:5], 0.0)
    assert connection.next_event() is None
    connection.receive_data(octets[5:], 0.0)
    assert connection.next_event() is not None


@BOTH
def test_it_takes_no_new_attributes(make: Make):
    with pytest.raises(AttributeError):
        make().sate = State.CLOSED
