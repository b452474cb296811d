"""What a client makes of a server's frames."""

from __future__ import annotations

import pytest

from stomp_sansio import (
    Closed,
    CloseReason,
    Connected,
    Connection,
    Error,
    Fault,
    Limits,
    Message,
    Misuse,
    Receipt,
    State,
    Version,
)
from tests.protocol.helpers import client, fault, message, one, refused, tell, wire

A1_0, A1_1, A1_2 = Version


def asking(**options) -> Connection:
    """Return a client that waits for the server's answer."""
    connection = Connection(**options)
    connection.connect()
    connection.data_to_send(0.0)
    return connection


# CONNECTED


def test_connected_says_what_was_agreed():
    connection = asking(heartbeat=(1, 2))
    lines = ("version:1.1", "session:id", "server:s/1 x", "heart-beat:3000,4000", "x:a\\nb", "x:2")
    event = one(tell(connection, wire("CONNECTED", *lines)))
    assert isinstance(event, Connected)
    assert (event.version, event.session, event.server, event.heartbeat) == (A1_1, "id", "s/1 x", (4.0, 3.0))
    assert event.headers.get_all("x") == ["a\\nb", "2"]
    assert (connection.state, connection.version) == (State.CONNECTED, A1_1)


def test_connected_of_1_0_says_no_version_and_perhaps_nothing_at_all():
    event = one(tell(asking(), wire("CONNECTED")))
    assert isinstance(event, Connected)
    assert (event.version, event.session, event.server, event.heartbeat) == (A1_0, None, None, (0.0, 0.0))


@pytest.mark.parametrize("version", list(Version))
def test_the_version_counts_from_the_very_next_octet(version: Version):
    connection = asking()
    frame = wire("MESSAGE", "destination:a\\nb", "message-id:1", "subscription:s")
    _, event = tell(connection, wire("CONNECTED", f"version:{version.value}") + frame)
    assert isinstance(event, Message)
    assert event.destination == ("a\\nb" if version is A1_0 else "a\nb")


@pytest.mark.parametrize(
    ("versions", "lines", "shown"),
    [
        ([A1_1, A1_2], [], "the server chose STOMP '1.0', and 1.1,1.2 was offered"),
        ([A1_2], ["version:1.1"], "the server chose STOMP '1.1', and 1.2 was offered"),
        (list(Version), ["version:2.0"], "the server chose STOMP '2.0', and 1.0,1.1,1.2 was offered"),
        (list(Version), ["version:"], "the server chose STOMP '', and 1.0,1.1,1.2 was offered"),
        (list(Version), ["version: 1.2"], "the server chose STOMP ' 1.2', and 1.0,1.1,1.2 was offered"),
        (
            list(Version),
            [f"version:{'9' * 99}"],
            f"the server chose STOMP {'9' * 20!r}, and 1.0,1.1,1.2 was offered",
        ),
    ],
)
def test_a_version_that_was_not_offered_is_refused(versions: list[Version], lines: list[str], shown: str):
    connection = asking(versions=versions)
    error = fault(one(tell(connection, wire("CONNECTED", *lines))))
    assert (error.fault, str(error)) == (Fault.UNSUPPORTED_VERSION, shown)
    assert connection.version is None
    assert connection.unsent == 0


# MESSAGE


def test_a_message_says_all_that_its_frame_says():
    connection = client()
    connection.subscribe("/q", id="s", ack="client")
    lines = (
        "subscription:s",
        "message-id:1",
        "destination:/q",
        "ack:a",
        "content-type:text/plain",
        "x:1",
        "x:2",
    )
    event = message(connection, *lines, body=b"abc")
    assert event == Message(
        destination="/q",
        message_id="1",
        subscription="s",
        ack="a",
        known=True,
        headers=event.headers,
        body=b"abc",
    )
    assert (event.content_type, event.text) == ("text/plain", "abc")
    assert event.headers.get_all("x") == ["1", "2"]


@pytest.mark.parametrize("version", list(Version))
def test_a_message_for_no_subscription_of_ours_is_reported_as_unknown(version: Version):
    connection = client(version)
    connection.subscribe("/q", id="s", ack="client")
    assert message(connection, "subscription:s", "message-id:1", "destination:/q").known
    assert not message(connection, "subscription:t", "message-id:2", "destination:/q").known
    connection.unsubscribe("s")
    event = message(connection, "subscription:s", "message-id:3", "destination:/q", "ack:3")
    assert not event.known
    refused(connection, Misuse.UNKNOWN_MESSAGE, connection.ack, event)


def test_a_message_of_1_0_belongs_to_the_subscription_of_its_destination():
    connection = client(A1_0)
    connection.subscribe("/q")
    event = message(connection, "message-id:1", "destination:/q")
    assert (event.subscription, event.known) == (None, True)
    assert not message(connection, "message-id:2", "destination:/p").known


def test_what_brokers_relay_is_kept():
    connection = client()
    connection.receive_data(b"MESSAGE\nsubscription:s\nmessage-id:1\ndestination:\xff\0\n:x\n\n\0", 0.0)
    event = connection.next_event()
    assert isinstance(event, Message)
    assert event.destination == "\ufffd\0"
    assert event.headers[""] == "x"


@pytest.mark.parametrize("version", list(Version))
def test_messages_without_an_acknowledgement_are_limited(version: Version):
    connection = client(version, limits=Limits(max_unacknowledged=2))
    connection.subscribe("/q", id="s", ack="client-individual")
    connection.subscribe("/q", id="a")

    def frame(number: int, id: str = "s") -> bytes:
        return wire(
            "MESSAGE", f"subscription:{id}", f"message-id:{number}", "destination:/q", f"ack:{number}"
        )

    assert len(tell(connection, *(frame(number) for number in (1, 2, 2, 1)))) == 4
    assert len(tell(connection, *(frame(number, "a") for number in range(10, 20)))) == 10
    error = fault(one(tell(connection, frame(3))))
    assert error.fault is Fault.LIMIT_PENDING
    assert str(error) == (
        "more than 2 messages without an acknowledgement (Limits.max_unacknowledged): "
        "acknowledge them, or ask the server for a prefetch limit"
    )


def test_an_acknowledged_message_makes_room():
    connection = client(limits=Limits(max_unacknowledged=1))
    connection.subscribe("/q", id="s", ack="client-individual")
    for number in range(5):
        lines = ("subscription:s", f"message-id:{number}", "destination:/q", f"ack:{number}")
        connection.ack(message(connection, *lines))


def test_messages_that_want_no_acknowledgement_are_not_limited():
    connection = client(limits=Limits(max_unacknowledged=1))
    connection.subscribe("/q", id="s", ack="client")
    for number in range(5):
        assert message(connection, "subscription:s", f"message-id:{number}", "destination:/q").ack is None


# RECEIPT


def test_a_receipt_nobody_asked_for_is_reported_as_unknown():
    event = one(tell(client(), wire("RECEIPT", "receipt-id:r", "x:1")))
    assert isinstance(event, Receipt)
    assert (event.receipt_id, event.known, event.headers["x"]) == ("r", False, "1")


def test_the_receipt_of_disconnect_is_the_last_that_is_heard():
    connection = client()
    connection.send("/q", receipt="r")
    connection.disconnect(receipt="bye")
    octets = wire("RECEIPT", "receipt-id:r") + wire("RECEIPT", "receipt-id:bye") + b"nonsense\n"
    first, second, last = tell(connection, octets)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert (first.known, second.known) == (True, True)
    assert last == Closed(clean=True, reason=CloseReason.DISCONNECT)


# ERROR


@pytest.mark.parametrize("connection", [Connection(), asking(), client()])
def test_an_error_ends_the_session_and_nothing_is_heard_after_it(connection: Connection):
    frame = wire("ERROR", "message:m", "receipt-id:r", "content-type:text/plain", body=b"because")
    error, last = tell(connection, frame + wire("RECEIPT", "receipt-id:r") + b"nonsense\n")
    assert isinstance(error, Error)
    assert (error.message, error.receipt_id, error.text) == ("m", "r", "because")
    assert last == Closed(clean=False, reason=CloseReason.ERROR)
    assert tell(connection, wire("RECEIPT", "receipt-id:r")) == []
    assert connection.unsent == 0


def test_an_error_may_say_nothing():
    error, _ = tell(client(), wire("ERROR"))
    assert isinstance(error, Error)
    assert (error.message, error.receipt_id, error.body, error.content_type) == (None, None, b"", None)


def test_an_error_before_a_version_is_known_keeps_its_reason_whatever_it_is():
    error, _ = tell(asking(), b"ERROR\r\nmessage:C:\\temp\\\r\n\r\nbecause\0")
    assert isinstance(error, Error)
    assert error.message == "C:\\temp\\"


# Faults of a server


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (wire("MESSAGE", "message-id:1", "destination:/q"), Fault.MISSING_HEADER),
        (wire("MESSAGE", "subscription:s", "destination:/q"), Fault.MISSING_HEADER),
        (wire("RECEIPT"), Fault.MISSING_HEADER),
        (wire("RECEIPT", "receipt-id:r", body=b"\n"), Fault.BODY_NOT_ALLOWED),
        (wire("RECEIPT", "receipt-id:\\t"), Fault.BAD_ESCAPE),
        (wire("CONNECTED"), Fault.UNEXPECTED_COMMAND),
        (wire("SEND", "destination:/q"), Fault.UNEXPECTED_COMMAND),
        (b"nonsense\n", Fault.MALFORMED_COMMAND),
    ],
)
def test_a_fault_of_the_server_ends_the_connection_without_a_word(frame: bytes, kind: Fault):
    connection = client()
    good, last = tell(connection, wire("RECEIPT", "receipt-id:r") + frame)
    assert isinstance(good, Receipt)
    assert fault(last).fault is kind
    assert connection.wants_close
    assert connection.unsent == 0
