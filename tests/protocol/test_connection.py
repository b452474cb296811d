"""The client side: what each method writes, and what it refuses without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    AckMode,
    Closed,
    CloseReason,
    Connection,
    Frame,
    Headers,
    LocalProtocolError,
    Message,
    Misuse,
    State,
    Version,
)
from tests.protocol.helpers import client, client_events, message, one, refused, sent, snapshot, tell, wire
from tests.protocol.strategies import texts

A1_0, A1_1, A1_2 = Version


def open_client(version: Version = A1_2) -> tuple[Connection, Message]:
    """Return a client with subscription s, transaction t, receipt r on its way, and a message to settle."""
    connection = client(version)
    connection.subscribe("/q", id="s", ack="client", receipt="r")
    connection.begin("t")
    event = message(connection, "subscription:s", "message-id:1", "destination:/q", "ack:m")
    connection.data_to_send(0.0)
    return connection, event


def written(version: Version, call: Callable[[Connection, Message], None]) -> tuple[tuple[str, str], ...]:
    """Return the header pairs of the one frame that a call writes."""
    connection, event = open_client(version)
    call(connection, event)
    return one(sent(connection)).headers.pairs


# What is written, in canonical order


def test_connect_writes_what_it_is_given_in_the_canonical_order():
    connection = Connection(heartbeat=(1, 2))
    connection.connect(headers={"x": "1"}, passcode="p", login="l", host="h")
    assert connection.state is State.CONNECTING
    frame = one(sent(connection))
    assert frame.command == "CONNECT"
    assert frame.headers.pairs == (
        ("accept-version", "1.0,1.1,1.2"),
        ("host", "h"),
        ("login", "l"),
        ("passcode", "p"),
        ("heart-beat", "1000,2000"),
        ("x", "1"),
    )


def test_connect_of_1_0_has_only_what_1_0_knows():
    connection = Connection(versions=[A1_0])
    connection.connect(host="h", login="l")
    assert one(sent(connection)).headers.pairs == (("login", "l"),)


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("call", "pairs"),
    [
        (lambda c, m: c.send("/q"), [("destination", "/q")]),
        (
            lambda c, m: c.send("/q", headers={"x": "1"}, content_type="a/b", receipt="n", transaction="t"),
            [
                ("destination", "/q"),
                ("transaction", "t"),
                ("receipt", "n"),
                ("content-type", "a/b"),
                ("x", "1"),
            ],
        ),
        (lambda c, m: c.send("/q", b"abc"), [("destination", "/q"), ("content-length", "3")]),
        (lambda c, m: c.send("/q", b"abc", content_length=False), [("destination", "/q")]),
        (
            lambda c, m: c.send("/q", headers=[("x", "1"), ("x", "2")]),
            [("destination", "/q"), ("x", "1"), ("x", "2")],
        ),
        (lambda c, m: c.send("/q", headers=iter([("x", "1")])), [("destination", "/q"), ("x", "1")]),
        (lambda c, m: c.send("/q", headers=Headers({"x": "1"})), [("destination", "/q"), ("x", "1")]),
        (lambda c, m: c.subscribe("/p", id="n"), [("id", "n"), ("destination", "/p")]),
        (
            lambda c, m: c.subscribe("/p", id="n", ack=AckMode.AUTO, receipt="n", headers={"x": "1"}),
            [("id", "n"), ("destination", "/p"), ("ack", "auto"), ("receipt", "n"), ("x", "1")],
        ),
        (
            lambda c, m: c.subscribe("/p", id="n", ack="client"),
            [("id", "n"), ("destination", "/p"), ("ack", "client")],
        ),
        (lambda c, m: c.unsubscribe("s"), [("id", "s")]),
        (
            lambda c, m: c.unsubscribe("s", receipt="n", headers={"x": "1"}),
            [("id", "s"), ("receipt", "n"), ("x", "1")],
        ),
        (lambda c, m: c.begin("n", receipt="n"), [("transaction", "n"), ("receipt", "n")]),
        (lambda c, m: c.commit("t", headers={"x": "1"}), [("transaction", "t"), ("x", "1")]),
        (lambda c, m: c.abort("t", receipt="n"), [("transaction", "t"), ("receipt", "n")]),
        (lambda c, m: c.disconnect(), []),
        (lambda c, m: c.disconnect(receipt="n", headers={"x": "1"}), [("receipt", "n"), ("x", "1")]),
    ],
)
def test_a_frame_is_written_in_the_canonical_order(
    version: Version, call: Callable[[Connection, Message], None], pairs: list[tuple[str, str]]
):
    assert list(written(version, call)) == pairs


@pytest.mark.parametrize(
    ("version", "names"),
    [
        (A1_0, [("message-id", "1")]),
        (A1_1, [("subscription", "s"), ("message-id", "1")]),
        (A1_2, [("id", "m")]),
    ],
)
def test_an_acknowledgement_names_the_message_as_its_version_does(
    version: Version, names: list[tuple[str, str]]
):
    rest = [("transaction", "t"), ("receipt", "n"), ("x", "1")]
    assert list(written(version, lambda c, m: c.ack(m))) == names
    pairs = written(version, lambda c, m: c.ack(m, transaction="t", receipt="n", headers={"x": "1"}))
    assert list(pairs) == names + rest
    if version is not A1_0:
        pairs = written(version, lambda c, m: c.nack(m, transaction="t", receipt="n", headers={"x": "1"}))
        assert list(pairs) == names + rest


def test_an_acknowledgement_of_1_2_may_say_more_than_it_must():
    pairs = written(A1_2, lambda c, m: c.ack(m, headers={"subscription": "s", "message-id": "1"}))
    assert pairs == (("id", "m"), ("subscription", "s"), ("message-id", "1"))


def test_in_1_0_a_subscription_without_an_id_is_named_by_its_destination():
    connection = client(A1_0)
    connection.subscribe("/q")
    connection.unsubscribe(destination="/q")
    assert [frame.headers.pairs for frame in sent(connection)] == 2 * [(("destination", "/q"),)]


@pytest.mark.parametrize("body", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_a_body_may_be_any_octets_and_is_taken_as_it_is_now(body: Any):
    connection = client()
    connection.send("/q", body)
    if isinstance(body, bytearray):
        body[:] = b"xyz"
    assert one(sent(connection)).body == b"abc"


# What is refused, with nothing written and nothing changed


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("misuse", "call"),
    [
        (Misuse.DUPLICATE_SUBSCRIPTION, lambda c, m: c.subscribe("/other", id="s")),
        (Misuse.UNKNOWN_SUBSCRIPTION, lambda c, m: c.unsubscribe("n")),
        (Misuse.UNKNOWN_SUBSCRIPTION, lambda c, m: c.unsubscribe(destination="/q")),
        (Misuse.UNKNOWN_SUBSCRIPTION, lambda c, m: c.unsubscribe()),
        (Misuse.DUPLICATE_TRANSACTION, lambda c, m: c.begin("t")),
        (Misuse.UNKNOWN_TRANSACTION, lambda c, m: c.commit("n")),
        (Misuse.UNKNOWN_TRANSACTION, lambda c, m: c.abort("n")),
        (Misuse.UNKNOWN_TRANSACTION, lambda c, m: c.send("/q", transaction="n")),
        (Misuse.UNKNOWN_TRANSACTION, lambda c, m: c.ack(m, transaction="n")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.send("/q", receipt="r")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.subscribe("/q", id="n", receipt="r")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.unsubscribe("s", receipt="r")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.ack(m, receipt="r")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.begin("n", receipt="r")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.commit("t", receipt="r")),
        (Misuse.DUPLICATE_RECEIPT, lambda c, m: c.disconnect(receipt="r")),
        (Misuse.ALREADY_CONNECTED, lambda c, m: c.connect()),
        (Misuse.BAD_HEADER, lambda c, m: c.subscribe("/q", id="n", ack="individual")),
        (Misuse.BAD_HEADER, lambda c, m: c.send("/q", headers={"receipt": "n"})),
        (Misuse.BAD_HEADER, lambda c, m: c.send("/q", headers={"transaction": "t"})),
        (Misuse.BAD_HEADER, lambda c, m: c.send("/q", headers={"destination": "/p"})),
        (Misuse.BAD_HEADER, lambda c, m: c.send("/q", headers={"content-type": "a/b"}, content_type="c/d")),
        (Misuse.BAD_HEADER, lambda c, m: c.subscribe("/q", id="n", headers={"ack": "client"})),
        (Misuse.BAD_HEADER, lambda c, m: c.subscribe("/q", id="n", headers={"id": "o"})),
        (Misuse.BAD_HEADER, lambda c, m: c.subscribe("/q", id="n", headers={"destination": "/p"})),
        (Misuse.BAD_HEADER, lambda c, m: c.unsubscribe("s", headers={"id": "o"})),
        (Misuse.BAD_HEADER, lambda c, m: c.unsubscribe("s", headers={"destination": "/p"})),
        (Misuse.BAD_HEADER, lambda c, m: c.begin("n", headers={"transaction": "o"})),
        (Misuse.BAD_HEADER, lambda c, m: c.disconnect(headers={"receipt": "o"})),
        (Misuse.BAD_HEADER, lambda c, m: c.send("/q", headers={"": "x"})),
        (Misuse.BAD_HEADER, lambda c, m: c.send("/q\0")),
        (Misuse.BAD_HEADER, lambda c, m: c.subscribe("/q", id="n\0")),
        (Misuse.BAD_HEADER, lambda c, m: c.begin("n\0")),
        (Misuse.BAD_HEADER, lambda c, m: c.disconnect(receipt="\0")),
        (Misuse.NOT_UTF8, lambda c, m: c.unsubscribe("s", headers={"x": "\ud800"})),
        (Misuse.BAD_CONTENT_LENGTH, lambda c, m: c.send("/q", b"abc", headers={"content-length": "4"})),
        (Misuse.BAD_CONTENT_LENGTH, lambda c, m: c.send("/q", b"a\0c", content_length=False)),
        (Misuse.BAD_CONTENT_LENGTH, lambda c, m: c.subscribe("/q", id="n", headers={"content-length": "4"})),
    ],
)
def test_misuse_writes_nothing_changes_nothing_and_does_not_matter_later(
    version: Version, misuse: Misuse, call: Callable[[Connection, Message], None]
):
    connection, event = open_client(version)
    twin, same = open_client(version)
    refused(connection, misuse, call, connection, event)
    for side, its in ((connection, event), (twin, same)):
        side.subscribe("/p", id="n", receipt="n")
        side.begin("n")
        side.send("/q", b"body", transaction="t")
        side.ack(its)
        side.commit("t")
        side.unsubscribe("s")
        side.disconnect(receipt="o")
    assert snapshot(connection) == snapshot(twin)
    assert connection.data_to_send(0.0) == twin.data_to_send(0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda c, m: c.send("/q", headers={"receipt": "n"}),
            "'receipt' in headers: pass it as the argument that this method has for it",
        ),
        (
            lambda c, m: c.subscribe("/q", id="n", ack="individual"),
            "ack is 'individual': it must be one of 'auto', 'client', 'client-individual'",
        ),
        (lambda c, m: c.subscribe("/q"), "STOMP 1.2 requires an id for a subscription"),
        (
            lambda c, m: c.subscribe("/q", id="s"),
            "'s' is subscribed: unsubscribe it first, or use another id",
        ),
        (lambda c, m: c.send("/q", transaction="n"), "transaction 'n' is not open: begin it first"),
        (lambda c, m: c.send("/q", receipt="r"), "receipt 'r' is awaited already: use another id"),
        (lambda c, m: c.connect(), "CONNECT was sent already"),
    ],
)
def test_a_refusal_says_what_to_do(call: Callable[[Connection, Message], None], message: str):
    connection, event = open_client()
    with pytest.raises(LocalProtocolError) as caught:
        call(connection, event)
    assert str(caught.value) == message


@pytest.mark.parametrize("version", [A1_1, A1_2])
def test_since_1_1_a_subscription_needs_an_id(version: Version):
    connection = client(version)
    refused(connection, Misuse.BAD_HEADER, connection.subscribe, "/q")


def test_1_0_has_no_nack():
    connection, event = open_client(A1_0)
    said = refused(connection, Misuse.UNSUPPORTED_IN_VERSION, connection.nack, event)
    assert said == "STOMP 1.0 has no NACK: let the connection end instead"


def test_a_message_without_an_ack_header_cannot_be_acknowledged_in_1_2():
    connection = client()
    connection.subscribe("/q", id="s", ack="client")
    event = message(connection, "subscription:s", "message-id:1", "destination:/q")
    said = refused(connection, Misuse.NOT_ACKABLE, connection.ack, event)
    assert said == "message '1' has no ack header: its server wants no acknowledgement"


@pytest.mark.parametrize("version", list(Version))
def test_a_message_of_an_auto_subscription_cannot_be_acknowledged(version: Version):
    connection = client(version)
    connection.subscribe("/q", id="s")
    event = message(connection, "subscription:s", "message-id:1", "destination:/q", "ack:1")
    said = refused(connection, Misuse.NOT_ACKABLE, connection.ack, event)
    assert said.startswith("message '1': its subscription is 'auto', which wants no ACK: subscribe with ack=")


@pytest.mark.parametrize("version", list(Version))
def test_a_message_is_acknowledged_once_and_on_the_connection_that_brought_it(version: Version):
    connection, event = open_client(version)
    other = client(version)
    said = refused(other, Misuse.UNKNOWN_MESSAGE, other.ack, event)
    assert said == "message '1' awaits no ACK: it never did, or has had one"
    connection.ack(event)
    refused(connection, Misuse.UNKNOWN_MESSAGE, connection.ack, event)


@pytest.mark.parametrize(
    "headers", [{"host": "h"}, {"login": "l"}, {"passcode": "p"}, {"accept-version": "1.2"}]
)
def test_connect_refuses_headers_that_it_has_arguments_for(headers: dict[str, str]):
    connection = Connection()
    refused(connection, Misuse.BAD_HEADER, connection.connect, headers=headers)
    assert connection.state is State.IDLE


@pytest.mark.parametrize("argument", ["host", "login", "passcode"])
@pytest.mark.parametrize("value", ["a\nb:c", "a\r", "a\0", "\ud800"])
def test_connect_refuses_what_it_cannot_escape(argument: str, value: str):
    connection = Connection()
    twin = Connection()
    with pytest.raises(LocalProtocolError):
        connection.connect(**{argument: value})  # type: ignore[arg-type]
    assert snapshot(connection) == snapshot(twin)
    connection.connect(host="h")
    twin.connect(host="h")
    assert connection.data_to_send(0.0) == twin.data_to_send(0.0)


@pytest.mark.parametrize("body", ["text", None, 5, ["a"]])
def test_a_body_that_is_no_octets_is_a_type_error_that_says_so(body: Any):
    connection = client()
    before = snapshot(connection)
    with pytest.raises(TypeError, match=f"the body is {type(body).__name__}, not bytes: encode text first"):
        connection.send("/q", body)
    assert snapshot(connection) == before


def test_no_version_at_all_is_refused():
    with pytest.raises(ValueError, match="versions is empty: name at least one Version"):
        Connection(versions=[])


@given(st.sampled_from(Version), texts, texts, texts)
def test_whatever_is_asked_is_written_as_it_is_meant_or_not_at_all(
    version: Version, name: str, value: str, id: str
):
    connection = client(version)
    before = snapshot(connection)
    try:
        connection.subscribe(id, id=id, headers=[(name, value)])
    except LocalProtocolError:
        assert snapshot(connection) == before
        return
    pairs = (("id", id), ("destination", id), (name, value))
    assert one(sent(connection)) == Frame("SUBSCRIBE", pairs)


@pytest.mark.parametrize("version", list(Version))
def test_a_message_like_the_one_before_is_written_alike(version: Version):
    connection = client(version)
    for receipt in (None, None, "r", "s", None):
        connection.send("/q", b"abc", receipt=receipt)
    refused(connection, Misuse.DUPLICATE_RECEIPT, connection.send, "/q", b"abc", receipt="s")
    assert [frame.headers.get("receipt") for frame in sent(connection)] == [None, None, "r", "s", None]
    tell(connection, wire("RECEIPT", "receipt-id:s"))
    connection.send("/q", b"abc", receipt="s")


# Good-bye


def test_disconnect_without_a_receipt_ends_at_once():
    connection = client()
    connection.disconnect()
    assert connection.wants_close
    assert client_events(connection) == [Closed(clean=True, reason=CloseReason.DISCONNECT)]
    assert [frame.command for frame in sent(connection)] == ["DISCONNECT"]
    assert tell(connection, wire("MESSAGE", "destination:/q")) == []


def test_disconnect_with_a_receipt_ends_with_the_receipt():
    connection = client()
    connection.disconnect(receipt="bye")
    assert connection.state is State.DISCONNECTING
    assert not connection.wants_close
    *_, last = tell(connection, wire("RECEIPT", "receipt-id:bye"))
    assert last == Closed(clean=True, reason=CloseReason.DISCONNECT)
    assert connection.wants_close


def test_the_end_of_the_stream_before_the_receipt_is_not_clean():
    connection = client()
    connection.disconnect(receipt="bye")
    connection.receive_eof(0.0)
    assert client_events(connection) == [Closed(clean=False, reason=CloseReason.EOF)]


@pytest.mark.parametrize(
    "method", ["send", "subscribe", "unsubscribe", "begin", "commit", "abort", "disconnect"]
)
def test_nothing_may_be_said_after_disconnect(method: str):
    connection, _ = open_client()
    connection.disconnect(receipt="bye")
    call = getattr(connection, method)
    said = refused(connection, Misuse.CLOSED, call, *(["s"] if method != "disconnect" else []))
    assert said == f"{method.upper()} after DISCONNECT: nothing may follow it"


def test_a_receipt_may_be_given_up():
    connection = client()
    connection.send("/q", receipt="r")
    connection.forget_receipt("r")
    connection.send("/q", receipt="r")


def test_an_acknowledgement_wants_the_message_and_not_its_id():
    connection = client()
    number: Any = "m-1"
    for say in (connection.ack, connection.nack):
        with pytest.raises(TypeError, match="wants the Message itself, and this is str"):
            say(number)
    assert connection.unsent == 0
