"""The server side: what each answer writes, and what is refused without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    Closed,
    CloseReason,
    ConnectRequest,
    Disconnect,
    Fault,
    Frame,
    Limits,
    LocalProtocolError,
    Misuse,
    Send,
    ServerConnection,
    State,
    Version,
)
from stomp_sansio.protocol.shared_message import SharedMessage
from tests.protocol.helpers import (
    ask,
    fault,
    frames,
    one,
    refused,
    sent,
    server,
    server_events,
    snapshot,
    wire,
)
from tests.protocol.strategies import texts

A1_0, A1_1, A1_2 = Version


def asked(version: Version | None = A1_2, **options) -> ServerConnection:
    """Return a server whose client waits for an answer; None: its client names no version."""
    connection = ServerConnection(**options)
    lines = [] if version is None else [f"accept-version:{version.value}"]
    assert isinstance(one(ask(connection, wire("CONNECT", *lines))), ConnectRequest)
    return connection


def open_server(version: Version = A1_2) -> ServerConnection:
    """Return a server with subscriptions s (client) and a (auto), and an unacknowledged message m."""
    connection = server(version)
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"))
    ask(connection, wire("SUBSCRIBE", "id:a", "destination:/a"))
    connection.message("s", "m", "/q")
    connection.data_to_send(0.0)
    return connection


# Accept and reject


def test_accept_writes_what_it_is_given_in_the_canonical_order():
    connection = asked(heartbeat=(1, 2))
    connection.accept(headers={"x": "1"}, server="s/1", session="id")
    assert (connection.state, connection.version) == (State.CONNECTED, A1_2)
    frame = one(sent(connection))
    assert frame.command == "CONNECTED"
    assert frame.headers.pairs == (
        ("version", "1.2"),
        ("session", "id"),
        ("server", "s/1"),
        ("heart-beat", "1000,2000"),
        ("x", "1"),
    )


def test_a_client_that_named_no_version_is_told_none():
    connection = asked(None)
    connection.accept(session="id")
    assert connection.version is A1_0
    assert one(sent(connection)).headers.pairs == (("session", "id"),)


def test_a_client_that_named_1_0_is_told_so_and_gets_no_heart_beats():
    connection = asked(A1_0)
    connection.accept()
    assert one(sent(connection)).headers.pairs == (("version", "1.0"),)


def test_reject_says_why_and_ends():
    connection = asked()
    connection.reject("no", body=b"Wrong passcode.", headers={"x": "1"})
    assert connection.wants_close
    assert server_events(connection) == [Closed(clean=False, reason=CloseReason.ERROR)]
    pairs = (("message", "no"), ("x", "1"), ("content-length", "15"))
    assert frames(connection.data_to_send(0.0), None) == [Frame("ERROR", pairs, b"Wrong passcode.")]


@pytest.mark.parametrize(
    ("state", "misuse", "said"),
    [
        (State.IDLE, Misuse.NOT_CONNECTED, "{} before a ConnectRequest has come"),
        (State.CONNECTED, Misuse.ALREADY_CONNECTED, "{}: the ConnectRequest was answered already"),
        (State.DISCONNECTING, Misuse.ALREADY_CONNECTED, "{}: the ConnectRequest was answered already"),
        (State.CLOSED, Misuse.CLOSED, "{}: this connection is closed"),
    ],
)
@pytest.mark.parametrize("method", ["accept", "reject"])
def test_only_a_request_can_be_answered(method: str, state: State, misuse: Misuse, said: str):
    connection = ServerConnection() if state is State.IDLE else open_server()
    if state is State.DISCONNECTING:
        ask(connection, wire("DISCONNECT", "receipt:r"))
    if state is State.CLOSED:
        connection.error("enough")
    arguments = ["no"] if method == "reject" else []
    assert refused(connection, misuse, getattr(connection, method), *arguments) == said.format(method)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("accept", {"session": "a\nb"}),
        ("accept", {"server": "\0"}),
        ("accept", {"headers": {"version": "1.1"}}),
        ("accept", {"headers": {"heart-beat": "0,0"}}),
        ("reject", {"message": "a\nb"}),
        ("reject", {"message": "no", "headers": {"message": "o"}}),
    ],
)
def test_an_answer_that_cannot_be_written_is_refused_and_the_request_waits_on(
    method: str, arguments: dict[str, Any]
):
    connection = asked()
    refused(connection, Misuse.BAD_HEADER, getattr(connection, method), **arguments)
    connection.accept()
    assert connection.state is State.CONNECTED


# Messages


@pytest.mark.parametrize(
    ("version", "ack"), [(A1_0, []), (A1_1, []), (A1_2, [("ack", "1")])], ids=lambda value: str(value)
)
def test_a_message_of_a_subscription_that_acknowledges(version: Version, ack: list[tuple[str, str]]):
    connection = open_server(version)
    connection.message("s", "1", "/q", b"abc", headers={"x": "1"})
    start = [("subscription", "s"), ("message-id", "1"), ("destination", "/q")]
    assert one(sent(connection)) == Frame(
        "MESSAGE", [*start, *ack, ("x", "1"), ("content-length", "3")], b"abc"
    )


def test_there_are_no_messages_before_the_connection_is_accepted():
    for connection in (ServerConnection(), asked()):
        refused(connection, Misuse.NOT_CONNECTED, connection.message, "s", "1", "/q")
        refused(connection, Misuse.NOT_CONNECTED, connection.deliver, "s", SharedMessage("/q", "1"))


def test_the_id_to_acknowledge_by_can_be_chosen_in_1_2():
    connection = open_server()
    connection.message("s", "1", "/q", ack="chosen")
    assert one(sent(connection)).headers["ack"] == "chosen"


@pytest.mark.parametrize("version", list(Version))
def test_a_message_of_an_auto_subscription_asks_for_no_acknowledgement(version: Version):
    connection = open_server(version)
    connection.message("a", "1", "/a", b"abc", ack="x", content_length=False)
    start = (("subscription", "a"), ("message-id", "1"), ("destination", "/a"))
    assert one(sent(connection)) == Frame("MESSAGE", start, b"abc")


def test_a_subscription_of_1_0_without_an_id_gets_messages_by_its_destination():
    connection = server(A1_0)
    ask(connection, wire("SUBSCRIBE", "destination:/q"))
    connection.message(None, "1", "/q")
    assert one(sent(connection)).headers.pairs == (("message-id", "1"), ("destination", "/q"))


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("misuse", "call"),
    [
        (Misuse.UNKNOWN_SUBSCRIPTION, lambda c: c.message("n", "1", "/q")),
        (Misuse.UNKNOWN_SUBSCRIPTION, lambda c: c.message(None, "1", "/q")),
        (Misuse.BAD_HEADER, lambda c: c.message("s", "1\0", "/q")),
        (Misuse.BAD_HEADER, lambda c: c.message("s", "1", "/q", headers={"destination": "/p"})),
        (Misuse.BAD_HEADER, lambda c: c.message("s", "1", "/q", headers={"ack": "a"})),
        (Misuse.BAD_HEADER, lambda c: c.message("s", "1", "/q", headers={"subscription": "a"})),
        (Misuse.NOT_UTF8, lambda c: c.message("s", "1", "/q", headers={"x": "\ud800"})),
        (Misuse.BAD_CONTENT_LENGTH, lambda c: c.message("s", "1", "/q", b"\0", content_length=False)),
        (Misuse.BAD_HEADER, lambda c: c.receipt("\0")),
        (Misuse.BAD_HEADER, lambda c: c.error("\0")),
        (Misuse.BAD_HEADER, lambda c: c.error("m", receipt_id="\0")),
        (Misuse.BAD_HEADER, lambda c: c.error("m", headers={"receipt-id": "r"})),
        (Misuse.ALREADY_CONNECTED, lambda c: c.accept()),
        (Misuse.ALREADY_CONNECTED, lambda c: c.reject("no")),
    ],
)
def test_misuse_writes_nothing_changes_nothing_and_does_not_matter_later(
    version: Version, misuse: Misuse, call: Callable[[ServerConnection], None]
):
    connection, twin = open_server(version), open_server(version)
    refused(connection, misuse, call, connection)
    for side in (connection, twin):
        side.message("s", "1", "/q", b"body")
        side.receipt("r")
        names = ("subscription:s", "message-id:1", "id:1")
        assert len(ask(side, wire("ACK", *names))) == 1
        side.error("enough")
    assert snapshot(connection) == snapshot(twin)
    assert connection.data_to_send(0.0) == twin.data_to_send(0.0)


def test_two_unacknowledged_messages_of_1_2_need_two_ids():
    connection = open_server()
    said = refused(connection, Misuse.BAD_HEADER, connection.message, "s", "m", "/q")
    assert said == "ack 'm' names another unacknowledged message: use another id"
    ask(connection, wire("ACK", "id:m"))
    connection.message("s", "m", "/q")


@pytest.mark.parametrize("version", [A1_0, A1_1])
def test_a_message_that_is_sent_again_before_1_2_is_a_redelivery(version: Version):
    connection = open_server(version)
    connection.message("s", "m", "/q")
    assert len(ask(connection, wire("ACK", "subscription:s", "message-id:m"))) == 1
    assert (
        fault(one(ask(connection, wire("ACK", "subscription:s", "message-id:m")))).fault
        is Fault.UNKNOWN_MESSAGE
    )


@pytest.mark.parametrize("version", list(Version))
def test_a_client_that_acknowledges_nothing_is_cut_off_at_the_limit(version: Version):
    connection = server(version, limits=Limits(max_unacknowledged=2))
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"))
    ask(connection, wire("SUBSCRIBE", "id:a", "destination:/q"))
    for number in range(2):
        connection.message("s", f"m{number}", "/q")
    connection.message("a", "x", "/q")
    assert connection.state is State.CONNECTED
    connection.message("s", "m2", "/q")
    assert connection.wants_close
    error = fault(one(server_events(connection)))
    assert error.fault is Fault.LIMIT_PENDING
    assert str(error) == "more than 2 messages without an acknowledgement"
    assert [frame.command for frame in sent(connection)] == ["MESSAGE"] * 3 + ["ERROR"]


@pytest.mark.parametrize("version", [A1_0, A1_1])
def test_a_redelivery_at_the_limit_is_none_too_many(version: Version):
    connection = server(version, limits=Limits(max_unacknowledged=1))
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"))
    connection.message("s", "m", "/q")
    connection.message("s", "m", "/q")
    assert connection.state is State.CONNECTED


@given(st.sampled_from(Version), texts, texts, texts)
def test_whatever_is_told_is_written_as_it_is_meant_or_not_at_all(
    version: Version, message_id: str, name: str, value: str
):
    connection = open_server(version)
    before = snapshot(connection)
    try:
        connection.message("a", message_id, "/a", headers=[(name, value)])
    except LocalProtocolError:
        assert snapshot(connection) == before
        return
    pairs = (("subscription", "a"), ("message-id", message_id), ("destination", "/a"), (name, value))
    assert one(sent(connection)) == Frame("MESSAGE", pairs)


# One message for many

SHARED = SharedMessage("/q", "1", b"abc", headers={"x": "1"})


@pytest.mark.parametrize(
    ("version", "ack"), [(A1_0, []), (A1_1, []), (A1_2, [("ack", "1")])], ids=lambda value: str(value)
)
def test_a_shared_message_says_to_each_what_a_message_says(version: Version, ack: list[tuple[str, str]]):
    connection = open_server(version)
    ask(connection, wire("SUBSCRIBE", "id:b", "destination:/q"))
    start, rest = [("message-id", "1"), ("destination", "/q"), ("x", "1")], [("content-length", "3")]
    connection.deliver("s", SHARED, headers={"y": "2"})
    connection.deliver("b", SHARED)
    connection.deliver("b", SHARED, ack="not asked for", headers={"y": "2"})
    assert connection.unacknowledged == 2
    first, second, third = sent(connection)
    assert first == Frame("MESSAGE", [("subscription", "s"), *ack, ("y", "2"), *start, *rest], b"abc")
    assert second == Frame("MESSAGE", [("subscription", "b"), *start, *rest], b"abc")
    assert third == Frame("MESSAGE", [("subscription", "b"), ("y", "2"), *start, *rest], b"abc")


def test_a_shared_message_goes_to_a_subscription_of_1_0_without_an_id():
    connection = server(A1_0)
    ask(connection, wire("SUBSCRIBE", "destination:/q"))
    connection.deliver(None, SHARED)
    assert one(sent(connection)).headers.pairs[0] == ("message-id", "1")


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("misuse", "subscription", "shared", "headers"),
    [
        (Misuse.UNKNOWN_SUBSCRIPTION, "n", SHARED, {}),
        (Misuse.BAD_HEADER, "s", SHARED, {"ack": "1"}),
        (Misuse.BAD_HEADER, "s", SHARED, {"x": "\0"}),
        (Misuse.BAD_HEADER, "s", SHARED, {"content-length": "0"}),
        (Misuse.BAD_HEADER, "s", SharedMessage("/q", "\0"), {}),
    ],
)
def test_a_shared_message_is_refused_as_a_message_is(
    version: Version, misuse: Misuse, subscription: str, shared: SharedMessage, headers: dict[str, str]
):
    connection = open_server(version)
    refused(connection, misuse, connection.deliver, subscription, shared, headers=headers)
    assert connection.unacknowledged == 1


def test_a_shared_message_is_one_too_many_as_a_message_is():
    connection = server(limits=Limits(max_unacknowledged=1))
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"))
    connection.deliver("s", SHARED, ack="1")
    connection.deliver("s", SHARED, ack="2")
    assert fault(one(server_events(connection))).fault is Fault.LIMIT_PENDING
    assert [frame.command for frame in sent(connection)] == ["MESSAGE", "ERROR"]


def test_a_subscription_can_be_granted_that_nobody_asked_for():
    connection = ServerConnection()
    refused(connection, Misuse.NOT_CONNECTED, connection.grant_subscription, "g", "/q")
    connection = server()
    connection.grant_subscription("g", "/q")
    refused(connection, Misuse.DUPLICATE_SUBSCRIPTION, connection.grant_subscription, "g", "/q")
    connection.deliver("g", SHARED)
    assert one(sent(connection)).headers["subscription"] == "g"


# Receipts and errors


def test_a_receipt_is_sent_when_it_is_asked_for_and_only_then():
    connection = server()
    event = one(ask(connection, wire("SEND", "destination:/q", "receipt:r")))
    assert isinstance(event, Send)
    assert connection.unsent == 0
    assert event.receipt == "r"
    connection.receipt("r")
    assert one(sent(connection)) == Frame("RECEIPT", {"receipt-id": "r"})


def test_an_error_says_why_to_whom_and_ends():
    connection = server()
    connection.error("no", receipt_id="r", body=b"because", headers={"x": "1"})
    assert connection.wants_close
    assert server_events(connection) == [Closed(clean=False, reason=CloseReason.ERROR)]
    pairs = (("message", "no"), ("receipt-id", "r"), ("x", "1"), ("content-length", "7"))
    assert one(sent(connection)) == Frame("ERROR", pairs, b"because")
    refused(connection, Misuse.CLOSED, connection.error, "again")
    refused(connection, Misuse.CLOSED, connection.receipt, "r")


# Good-bye


def test_disconnect_without_a_receipt_ends_at_once():
    connection = server()
    assert [type(event) for event in ask(connection, wire("DISCONNECT"))] == [Disconnect, Closed]
    assert connection.wants_close
    assert connection.unsent == 0


def test_disconnect_with_a_receipt_ends_with_that_receipt():
    connection = open_server()
    assert [type(event) for event in ask(connection, wire("DISCONNECT", "receipt:r"))] == [Disconnect]
    connection.receipt("other")
    connection.message("s", "1", "/q")
    assert server_events(connection) == []
    connection.receipt("r")
    assert server_events(connection) == [Closed(clean=True, reason=CloseReason.DISCONNECT)]
    assert [frame.command for frame in sent(connection)] == ["RECEIPT", "MESSAGE", "RECEIPT"]


def test_what_comes_behind_disconnect_is_not_looked_at():
    connection = server()
    ask(connection, wire("DISCONNECT", "receipt:r") + b"nonsense\0")
    assert ask(connection, b"nonsense\n", bytes(10_000_000)) == []
    assert connection.state is State.DISCONNECTING


@pytest.mark.parametrize("eof", ["with it", "before the answer", "after the answer", "never"])
@pytest.mark.parametrize("answered", [True, False])
def test_a_client_may_leave_before_its_last_receipt(eof: str, answered: bool):
    connection = server()
    connection.receive_data(wire("DISCONNECT", "receipt:r"), 0.0)
    if eof == "with it":
        connection.receive_eof(0.0)
    event = connection.next_event()
    assert isinstance(event, Disconnect)
    if eof == "before the answer":
        connection.receive_eof(0.0)
    if answered:
        connection.receipt("r")
    if eof == "after the answer":
        connection.receive_eof(0.0)
    over = answered or eof != "never"
    expected = [Closed(clean=True, reason=CloseReason.DISCONNECT)] if over else []
    assert server_events(connection) == expected
    assert [frame.command for frame in sent(connection)] == ["RECEIPT"] * answered
    if over:
        refused(connection, Misuse.CLOSED, connection.receipt, "r")


def test_the_end_of_the_stream_without_a_good_bye_is_not_clean():
    connection = server()
    connection.receive_eof(0.0)
    assert server_events(connection) == [Closed(clean=False, reason=CloseReason.EOF)]
