"""What both roles do alike: any cut goes alike, nothing of a peer raises, and the one end comes last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    Closed,
    CloseReason,
    Connection,
    ConnectRequest,
    Fault,
    Headers,
    LocalProtocolError,
    Message,
    Misuse,
    Receipt,
    RemoteProtocolError,
    Send,
    ServerConnection,
    State,
    Version,
)
from tests.protocol.helpers import (
    ask,
    client,
    client_events,
    fault,
    frames,
    one,
    refused,
    sent,
    server,
    server_events,
    tell,
    wire,
)
from tests.protocol.strategies import SMALL, cut, faulty_streams, sizes

BOTH = pytest.mark.parametrize("make", [client, server])
Make = Callable[..., Any]

MESSAGE = wire("MESSAGE", "destination:/q", "message-id:1", "subscription:s")


def facts(event: Any) -> list[object]:
    """Return what an event says, repeated headers and the words of an error included."""
    said: list[object] = [type(event).__name__]
    for name in type(event).__dataclass_fields__:
        value = getattr(event, name)
        if isinstance(value, Headers):
            value = value.pairs
        elif isinstance(value, RemoteProtocolError):
            value = value.fault, str(value), value.receipt
        said.append(value)
    return said


def go(
    connection: Connection | ServerConnection, chunks: Iterable[bytes], *, eof: bool, lazily: bool
) -> tuple[list[list[object]], tuple[object, ...]]:
    """Hand chunks to a connection, accept what asks; return all events, all octets and how it ended."""
    events: list[list[object]] = []

    def take() -> None:
        while (event := connection.next_event()) is not None:
            events.append(facts(event))
            if isinstance(event, ConnectRequest):
                assert isinstance(connection, ServerConnection)
                try:
                    connection.accept()
                except LocalProtocolError:
                    events.append(["too late"])

    for chunk in chunks:
        connection.receive_data(chunk, 0.0)
        if not lazily:
            take()
    if eof:
        connection.receive_eof(0.0)
    take()
    written = connection.data_to_send(0.0)
    return events, (written, connection.state, connection.version, connection.next_deadline())


def starting(kind: int) -> Connection | ServerConnection:
    """Return one of the connections that properties begin with."""
    if kind < 3:
        return server(list(Version)[kind], limits=SMALL)
    if kind < 6:
        connection = client(list(Version)[kind - 3], limits=SMALL)
        connection.subscribe("/q", id="a", ack="client")
        connection.send("/q", receipt="r")
        return connection
    if kind == 6:
        return ServerConnection()
    connection = Connection()
    connection.connect()
    return connection


def test_an_end_behind_the_good_bye_is_in_order_whenever_it_is_noticed():
    octets = wire("DISCONNECT", "receipt:r")
    eager, lazy = (go(server(), [octets], eof=True, lazily=lazily) for lazily in (False, True))
    assert eager == lazy
    assert [event[0] for event in eager[0]] == ["Disconnect", "Closed"]
    assert go(server(), [octets], eof=False, lazily=False)[1][1] is State.DISCONNECTING


HAND_SHAKES = (b"", b"", wire("CONNECT", "accept-version:1.1,1.2"), wire("CONNECTED", "version:1.2"))


# Properties


@given(
    st.data(), st.integers(0, 7), st.sampled_from(HAND_SHAKES), st.sampled_from(Version), sizes, st.booleans()
)
def test_any_cut_gives_the_same_events_octets_and_end(
    data: st.DataObject, kind: int, hand_shake: bytes, version: Version, sizes: list[int], eof: bool
):
    octets = hand_shake + data.draw(faulty_streams(version))
    whole = go(starting(kind), [octets], eof=eof, lazily=False)
    assert go(starting(kind), cut(octets, sizes), eof=eof, lazily=False) == whole
    assert go(starting(kind), cut(octets, sizes), eof=eof, lazily=True) == whole
    assert go(starting(kind), cut(octets, [1]), eof=eof, lazily=False) == whole


@given(st.data(), st.integers(0, 7), st.sampled_from(HAND_SHAKES), sizes)
def test_the_peer_raises_nothing_and_the_end_comes_once_and_last(
    data: st.DataObject, kind: int, hand_shake: bytes, sizes: list[int]
):
    octets = hand_shake + data.draw(st.one_of(st.binary(max_size=80), faulty_streams(Version.V1_2)))
    connection = starting(kind)
    go(connection, cut(octets, sizes), eof=False, lazily=False)
    ended = connection.state is State.CLOSED
    events = go(connection, [octets], eof=True, lazily=False)[0]
    names = [event[0] for event in events if event != ["too late"]]
    assert names.count("Closed") == (0 if ended else 1)
    assert ended or names[-1] == "Closed"
    for now in (0.0, 1e9):
        connection.handle_timeout(now)
        connection.receive_data(octets, now)
        connection.receive_eof(now)
        assert connection.next_event() is None
        assert connection.data_to_send(now) == b""
        assert connection.next_deadline() is None
    assert connection.wants_close
    assert not connection.wants_read


@given(st.data(), st.integers(0, 7), st.sampled_from(HAND_SHAKES))
def test_queries_change_nothing(data: st.DataObject, kind: int, hand_shake: bytes):
    octets = hand_shake + data.draw(faulty_streams(Version.V1_2))
    asked, unasked = starting(kind), starting(kind)

    def chunks() -> Iterable[bytes]:
        for index in range(len(octets)):
            for name in ("state", "version", "wants_read", "wants_close", "negotiated_heartbeat", "unsent"):
                getattr(asked, name)
            asked.next_deadline()
            repr(asked)
            yield octets[index : index + 1]

    assert go(asked, chunks(), eof=True, lazily=False) == go(unasked, [octets], eof=True, lazily=False)


# Events are pulled


def test_one_event_takes_one_frame():
    connection = client()
    connection.receive_data(MESSAGE + MESSAGE + b"nonsense\n", 0.0)
    assert isinstance(connection.next_event(), Message)
    assert connection.state is State.CONNECTED
    assert isinstance(connection.next_event(), Message)
    assert connection.state is State.CONNECTED
    assert fault(connection.next_event()).fault is Fault.MALFORMED_COMMAND


def test_a_caller_may_act_between_two_frames_of_one_chunk():
    connection = client()
    connection.receive_data(MESSAGE + MESSAGE, 0.0)
    first = connection.next_event()
    assert isinstance(first, Message)
    assert not first.known
    connection.subscribe("/q", id="s")
    second = connection.next_event()
    assert isinstance(second, Message)
    assert second.known


def test_reading_is_wanted_until_whole_frames_wait():
    connection = client()
    frame = wire("MESSAGE", "destination:/q", "message-id:1", "subscription:s", body=b"x" * 1_000)
    connection.receive_data(frame * 200, 0.0)
    assert connection.wants_read
    read_again = [connection.next_event() is not None and connection.wants_read for _ in range(200)]
    wait = len(read_again) - sum(read_again)
    assert read_again == [False] * wait + [True] * (200 - wait)
    assert 50 < 200 - wait < 65
    assert connection.next_event() is None
    assert connection.wants_read


def test_a_frame_larger_than_what_may_wait_is_read_on():
    connection = client()
    connection.receive_data(b"MESSAGE\ndestination:/q\nmessage-id:1\nsubscription:s\n\n", 0.0)
    for _ in range(100):
        assert connection.next_event() is None
        assert connection.wants_read
        connection.receive_data(b"x" * 10_000, 0.0)
    connection.receive_data(b"\0", 0.0)
    event = connection.next_event()
    assert isinstance(event, Message)
    assert len(event.body) == 1_000_000


def test_while_a_request_waits_for_its_answer_reading_is_wanted_only_a_little():
    connection = ServerConnection()
    ask(connection, wire("CONNECT", "accept-version:1.2"))
    assert connection.wants_read
    connection.receive_data(b"\n" * 64 * 1024, 0.0)
    assert not connection.wants_read
    connection.accept()
    assert server_events(connection) == []
    assert connection.wants_read


def test_too_much_may_not_wait_for_an_answer():
    connection = ServerConnection(limits=SMALL)
    first, last = ask(connection, wire("CONNECT") + b"\n" * (SMALL.max_unread + 1))
    assert isinstance(first, ConnectRequest)
    assert fault(last).fault is Fault.LIMIT_PENDING
    refused(connection, Misuse.CLOSED, connection.accept)


# The good frames before a fault, the good-bye, the end


def test_good_frames_before_a_fault_are_reported_first():
    connection = server()
    first, second, last = ask(connection, 2 * wire("SEND", "destination:/q") + wire("SEND"))
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    assert fault(last).fault is Fault.MISSING_HEADER


def test_the_good_bye_is_queued_before_the_fault_is_reported():
    connection = server()
    connection.receive_data(b"nonsense\n", 0.0)
    assert connection.unsent == 0
    event = connection.next_event()
    assert one(sent(connection)).command == "ERROR"
    assert fault(event).fault is Fault.MALFORMED_COMMAND


def test_what_was_queued_before_the_end_is_still_written():
    connection = client()
    connection.send("/q", b"1")
    connection.receive_eof(0.0)
    assert client_events(connection) == [Closed(clean=False, reason=CloseReason.EOF)]
    assert [frame.body for frame in sent(connection)] == [b"1"]


@BOTH
def test_what_came_before_the_end_of_the_stream_is_reported_first(make: Make):
    connection = make()
    frame = MESSAGE if make is client else wire("SEND", "destination:/q")
    connection.receive_data(frame + frame, 0.0)
    connection.receive_eof(0.0)
    assert not connection.wants_read
    connection.receive_data(frame, 0.0)
    names = []
    while (event := connection.next_event()) is not None:
        names.append(type(event).__name__)
    assert names[1:] in (["Message", "Closed"], ["Send", "Closed"])


@BOTH
def test_the_end_of_the_stream_inside_a_frame_is_a_fault(make: Make):
    connection = make()
    connection.receive_data(b"MESSAGE\ndest" if make is client else b"SEND\ndest", 0.0)
    connection.receive_eof(0.0)
    assert fault(connection.next_event()).fault is Fault.INCOMPLETE_FRAME
    assert connection.next_event() is None


def test_the_stream_may_end_while_a_request_waits_for_its_answer():
    connection = ServerConnection()
    ask(connection, wire("CONNECT", "accept-version:1.2") + wire("SEND", "destination:/q"))
    connection.receive_eof(0.0)
    assert connection.next_event() is None
    assert not connection.wants_read
    connection.accept()
    first, last = server_events(connection)
    assert isinstance(first, Send)
    assert last == Closed(clean=False, reason=CloseReason.EOF)


@BOTH
def test_the_end_of_the_stream_is_told_once(make: Make):
    connection = make()
    connection.receive_eof(0.0)
    connection.receive_eof(0.0)
    assert connection.next_event() == Closed(clean=False, reason=CloseReason.EOF)
    connection.receive_eof(0.0)
    assert connection.next_event() is None


# Judging a frame


@pytest.mark.parametrize("version", list(Version))
def test_a_body_where_none_may_be_is_tolerated_in_1_0_alone(version: Version):
    event = one(tell(client(version), wire("RECEIPT", "receipt-id:r", body=b"abc")))
    if version is Version.V1_0:
        assert isinstance(event, Receipt)
    else:
        assert fault(event).fault is Fault.BODY_NOT_ALLOWED


def test_a_frame_that_the_state_does_not_allow_is_named_with_it():
    error = fault(one(ask(ServerConnection(), wire("SEND", "destination:/q", "receipt:r"))))
    assert (str(error), error.receipt) == ("SEND while the connection is idle", "r")


# Refusals


@pytest.mark.parametrize(
    ("say", "misuse", "said"),
    [
        (lambda: Connection().send, Misuse.NOT_CONNECTED, "SEND before the connection is established"),
        (lambda: client().connect, Misuse.ALREADY_CONNECTED, "CONNECT was sent already"),
    ],
)
def test_a_frame_that_our_state_does_not_allow_is_refused(say: Make, misuse: Misuse, said: str):
    call = say()
    arguments = ["/q"] if misuse is Misuse.NOT_CONNECTED else []
    assert refused(call.__self__, misuse, call, *arguments) == said


@pytest.mark.parametrize("version", list(Version))
def test_the_agreed_version_decides_what_may_be_said(version: Version):
    connection = client(version)
    if version is Version.V1_0:
        connection.subscribe("/q")
    else:
        refused(connection, Misuse.BAD_HEADER, connection.subscribe, "/q")


def test_a_closed_connection_says_that_a_new_one_is_needed():
    connection = client()
    connection.receive_eof(0.0)
    client_events(connection)
    said = refused(connection, Misuse.CLOSED, connection.send, "/q")
    assert said == "SEND: this connection is closed; make a new one"


def test_a_closing_connection_says_that_nothing_may_follow():
    connection = client()
    connection.disconnect(receipt="r")
    said = refused(connection, Misuse.CLOSED, connection.send, "/q")
    assert said == "SEND after DISCONNECT: nothing may follow it"


@BOTH
def test_a_body_that_is_no_octets_is_a_type_error(make: Make):
    connection = make()
    say: Any = connection.send if make is client else connection.error
    with pytest.raises(TypeError, match="the body is str, not bytes: encode text first"):
        say("/q", body="text")
    assert connection.unsent == 0
    assert connection.state is State.CONNECTED


@pytest.mark.parametrize("kind", [Connection, ServerConnection])
def test_versions_may_come_in_any_order_and_more_than_once(kind: Make):
    connection = kind(versions=iter([Version.V1_2, Version.V1_1, Version.V1_2]))
    assert connection.version is None
    with pytest.raises(ValueError, match="versions is empty: name at least one Version"):
        kind(versions=iter([]))


def test_a_header_that_has_an_argument_is_refused_among_the_others():
    connection = client()
    said = refused(connection, Misuse.BAD_HEADER, connection.send, "/q", headers=Headers({"receipt": "r"}))
    assert said == "'receipt' in headers: pass it as the argument that this method has for it"
    connection.subscribe("/q", id="s", headers=Headers({"x": "1"}))
    assert one(sent(connection)).headers["x"] == "1"


# Time


@pytest.mark.parametrize("take", ["data_to_send", "frame_to_send"])
def test_taking_nothing_is_not_speaking(take: str):
    connection = client(beats="0,1000", heartbeat=(1, 0))
    assert getattr(connection, take)(0.7) == b""
    connection.handle_timeout(0.75)
    assert getattr(connection, take)(0.75) == b"\n"
    assert getattr(connection, take)(0.75) == b""


def test_a_silent_peer_and_one_that_we_did_not_read_are_told_apart():
    connection = client(beats="1000,0", heartbeat=(0, 1))
    many = MESSAGE * 2_000
    connection.receive_data(many, 0.0)
    connection.next_event()
    assert not connection.wants_read
    connection.receive_data(MESSAGE, 0.1)
    connection.handle_timeout(3.1)
    assert connection.state is State.CONNECTED
    assert len(client_events(connection)) == 2_000
    connection.handle_timeout(6.1)
    connection.handle_timeout(9.1)
    assert client_events(connection) == [Closed(clean=False, reason=CloseReason.HEARTBEAT_TIMEOUT)]


def test_what_waits_to_be_written_is_beat_enough():
    connection = client(beats="0,1000", heartbeat=(1, 0))
    connection.send("/q")
    connection.handle_timeout(0.75)
    assert len(frames(connection.data_to_send(0.75))) == 1
    connection.handle_timeout(1.5)
    assert connection.frame_to_send(1.5) == b"\n"


@BOTH
def test_a_late_call_does_all_that_is_due(make: Make):
    connection = make(beats="1000,1000", heartbeat=(1, 1))
    connection.handle_timeout(1_000.0)
    assert connection.data_to_send(1_000.0) == b"\n"
    assert connection.next_event() == Closed(clean=False, reason=CloseReason.HEARTBEAT_TIMEOUT)
    assert connection.next_deadline() is None


@BOTH
def test_reading_can_be_suspended_and_resumed(make: Make):
    connection = make(beats="1000,0", heartbeat=(0, 1))
    connection.suspend_reading()
    assert not connection.wants_read
    connection.handle_timeout(3.0)
    connection.resume_reading(3.0)
    assert connection.wants_read
    assert connection.state is State.CONNECTED


@BOTH
def test_what_was_received_is_octets_of_any_holder_and_nothing_else(make: Make):
    connection = make(beats="1000,1000", heartbeat=(1, 1))
    before = connection.next_deadline()
    for thing in (5, "text", None, [10]):
        with pytest.raises(TypeError, match=f"what was received is {type(thing).__name__}, not bytes"):
            connection.receive_data(thing, 9.0)
    assert connection.next_deadline() == before
    holder = bytearray(b"ERROR\n\n\0" if make is client else b"DISCONNECT\n\n\0")
    connection.receive_data(memoryview(holder), 0.0)
    holder[:] = bytes(len(holder))
    assert connection.next_event() is not None
    event = connection.next_event()
    assert isinstance(event, Closed)
    assert event.reason is not CloseReason.FAULT


@BOTH
def test_no_octets_hang_on_a_reported_fault(make: Make):
    connection = make()
    connection.receive_data(b"SEND\npasscode:CANARY\nno colon\n\n\0", 0.0)
    error = fault(connection.next_event())
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)


@pytest.mark.parametrize("kind", [Connection, ServerConnection])
def test_versions_are_members_and_not_their_names(kind: Make):
    with pytest.raises(TypeError, match=r"versions has '1.2': pass members of Version, such as Version.V1_2"):
        kind(versions=["1.2"])


@BOTH
@pytest.mark.parametrize("now", [1e6, float("inf")])
def test_a_late_call_does_all_that_is_due_once(make: Make, now: float):
    connection = make(beats="1000,1000", heartbeat=(1, 1))
    connection.handle_timeout(now)
    assert connection.data_to_send(now) == b"\n"
    assert connection.next_event() == Closed(clean=False, reason=CloseReason.HEARTBEAT_TIMEOUT)
    assert connection.next_deadline() is None
