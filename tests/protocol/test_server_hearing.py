"""What a server makes of a client's frames, and what it tells a client that broke a rule."""

from __future__ import annotations

import pytest

from stomp_sansio import (
    Abort,
    Ack,
    AckMode,
    Begin,
    Closed,
    CloseReason,
    Commit,
    ConnectRequest,
    Disconnect,
    Fault,
    Frame,
    Limits,
    Nack,
    Send,
    ServerConnection,
    State,
    Subscribe,
    Unsubscribe,
    Version,
)
from tests.protocol.helpers import ask, fault, frames, one, sent, server, server_events, wire

A1_0, A1_1, A1_2 = Version


# CONNECT


@pytest.mark.parametrize("command", ["CONNECT", "STOMP"])
def test_a_request_says_all_that_its_frame_says(command: str):
    connection = ServerConnection()
    lines = ("accept-version:1.1,1.2", "host:h", "login:l", "passcode:p", "heart-beat:1000,2000", "x:a\\nb")
    event = one(ask(connection, wire(command, *lines)))
    assert isinstance(event, ConnectRequest)
    assert (event.version, event.host, event.login, event.passcode) == (A1_2, "h", "l", "p")
    assert event.heartbeat == (1.0, 2.0)
    assert event.headers["x"] == "a\\nb"
    assert (connection.state, connection.version) == (State.CONNECTING, None)
    assert connection.unsent == 0


def test_a_request_of_1_0_may_say_nothing():
    event = one(ask(ServerConnection(), wire("CONNECT")))
    assert isinstance(event, ConnectRequest)
    assert (event.version, event.host, event.login, event.passcode) == (A1_0, None, None, None)
    assert event.heartbeat == (0.0, 0.0)


@pytest.mark.parametrize(
    ("lines", "asked"),
    [(["accept-version:2.0"], "2.0"), ([f"accept-version:{'9' * 99}"], "9" * 80), ([], "1.0")],
)
def test_without_a_common_version_the_client_is_told_which_there_are(lines: list[str], asked: str):
    connection = ServerConnection(versions=[A1_1, A1_2])
    error = fault(one(ask(connection, wire("CONNECT", "receipt:r", *lines))))
    assert (error.fault, error.receipt) == (Fault.NO_COMMON_VERSION, "r")
    why = f"the client speaks STOMP {asked!r}, this server 1.1,1.2"
    assert str(error) == why
    (frame,) = frames(connection.data_to_send(0.0), None)
    assert frame.command == "ERROR"
    assert (frame.headers["message"], frame.headers["receipt-id"]) == ("no-common-version", "r")
    assert frame.headers["version"] == "1.1,1.2"
    assert frame.body == why.encode()


# Frames of a session


def test_send():
    connection = server()
    ask(connection, wire("BEGIN", "transaction:t"))
    lines = ("destination:/q", "transaction:t", "receipt:r", "content-type:application/json", "x:1", "x:2")
    event = one(ask(connection, wire("SEND", *lines, body=b"[1]")))
    assert isinstance(event, Send)
    assert (event.destination, event.transaction, event.receipt, event.body) == ("/q", "t", "r", b"[1]")
    assert (event.json(), event.headers.get_all("x")) == ([1], ["1", "2"])


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ([], AckMode.AUTO),
        (["ack:auto"], AckMode.AUTO),
        (["ack:client"], AckMode.CLIENT),
        (["ack:client-individual"], AckMode.CLIENT_INDIVIDUAL),
    ],
)
@pytest.mark.parametrize("version", list(Version))
def test_subscribe(version: Version, line: list[str], mode: AckMode):
    event = one(ask(server(version), wire("SUBSCRIBE", "id:s", "destination:/q", "receipt:r", *line)))
    assert isinstance(event, Subscribe)
    assert (event.id, event.destination, event.ack, event.receipt) == ("s", "/q", mode, "r")


def test_subscribe_of_1_0_may_have_no_id():
    event = one(ask(server(A1_0), wire("SUBSCRIBE", "destination:/q")))
    assert isinstance(event, Subscribe)
    assert (event.id, event.receipt) == (None, None)


@pytest.mark.parametrize(
    ("version", "subscribed", "line", "id", "destination"),
    [
        (A1_2, ["id:s", "destination:/q"], "id:s", "s", None),
        (A1_1, ["id:s", "destination:/q"], "id:s", "s", None),
        (A1_0, ["id:s", "destination:/q"], "id:s", "s", None),
        (A1_0, ["destination:/q"], "destination:/q", None, "/q"),
    ],
)
def test_unsubscribe(
    version: Version, subscribed: list[str], line: str, id: str | None, destination: str | None
):
    connection = server(version)
    ask(connection, wire("SUBSCRIBE", *subscribed))
    event = one(ask(connection, wire("UNSUBSCRIBE", line, "receipt:r")))
    assert isinstance(event, Unsubscribe)
    assert (event.id, event.destination, event.receipt) == (id, destination, "r")
    assert fault(one(ask(connection, wire("UNSUBSCRIBE", line)))).fault is Fault.UNKNOWN_SUBSCRIPTION


@pytest.mark.parametrize(
    ("version", "names"),
    [(A1_0, ["message-id:1"]), (A1_1, ["subscription:s", "message-id:1"]), (A1_2, ["id:a"])],
)
@pytest.mark.parametrize(("command", "kind"), [("ACK", Ack), ("NACK", Nack)])
def test_ack_and_nack(version: Version, names: list[str], command: str, kind: type[Ack | Nack]):
    if (version, command) == (A1_0, "NACK"):
        return
    connection = server(version)
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"), wire("BEGIN", "transaction:t"))
    connection.message("s", "1", "/q", ack="a")
    event = one(ask(connection, wire(command, *names, "transaction:t", "receipt:r", "x:1")))
    assert isinstance(event, kind)
    assert (event.subscription, event.message_ids) == ("s", ("1",))
    assert (event.transaction, event.receipt, event.headers["x"]) == ("t", "r", "1")


def test_begin_commit_and_abort():
    connection = server()
    events = ask(
        connection,
        wire("BEGIN", "transaction:1", "receipt:r"),
        wire("COMMIT", "transaction:1", "receipt:s"),
        wire("BEGIN", "transaction:2"),
        wire("ABORT", "transaction:2"),
    )
    first, second, third, fourth = events
    assert isinstance(first, Begin)
    assert isinstance(second, Commit)
    assert isinstance(third, Begin)
    assert isinstance(fourth, Abort)
    assert (first.transaction, first.receipt) == ("1", "r")
    assert (second.transaction, second.receipt) == ("1", "s")
    assert (fourth.transaction, fourth.implicit, fourth.receipt) == ("2", False, None)


def test_disconnect_aborts_what_is_open_first():
    connection = server()
    ask(connection, wire("BEGIN", "transaction:b"), wire("BEGIN", "transaction:a"))
    first, second, last = ask(connection, wire("DISCONNECT", "receipt:r", "x:1"))
    for event, name in ((first, "b"), (second, "a")):
        assert isinstance(event, Abort)
        assert (event.transaction, event.implicit, event.receipt) == (name, True, None)
        assert event.headers.pairs == ()
    assert isinstance(last, Disconnect)
    assert (last.receipt, last.headers["x"]) == ("r", "1")


@pytest.mark.parametrize("how", ["receipt", "eof", "error"])
def test_what_disconnect_has_aborted_is_not_aborted_again_at_the_end(how: str):
    connection = server()
    ask(connection, wire("BEGIN", "transaction:t"), wire("DISCONNECT", "receipt:r"))
    if how == "receipt":
        connection.receipt("r")
    elif how == "eof":
        connection.receive_eof(0.0)
    else:
        connection.error("enough")
    assert isinstance(one(server_events(connection)), Closed)


def test_disconnect_without_a_receipt_is_the_end():
    connection = server()
    first, last = ask(connection, wire("DISCONNECT") + b"nonsense\n")
    assert isinstance(first, Disconnect)
    assert last == Closed(clean=True, reason=CloseReason.DISCONNECT)
    assert connection.unsent == 0


@pytest.mark.parametrize("how", ["eof", "fault"])
def test_whatever_ends_the_connection_aborts_what_is_open_first(how: str):
    connection = server()
    ask(connection, wire("BEGIN", "transaction:t"))
    if how == "eof":
        connection.receive_eof(0.0)
    else:
        connection.receive_data(b"nonsense\n", 0.0)
    abort, last = server_events(connection)
    assert isinstance(abort, Abort)
    assert abort.implicit
    assert isinstance(last, Closed)


# What a client gets wrong, and what it is told

OPEN = (
    wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"),
    wire("BEGIN", "transaction:t"),
)


@pytest.mark.parametrize(
    ("frame", "kind", "why"),
    [
        (
            wire("SUBSCRIBE", "id:s", "destination:/p", "receipt:r"),
            Fault.DUPLICATE_SUBSCRIPTION,
            "'s' is subscribed already",
        ),
        (
            wire("SUBSCRIBE", "id:n", "destination:/p", "ack:individual", "receipt:r"),
            Fault.BAD_HEADER,
            "ack is 'individual': it must be one of auto, client, client-individual",
        ),
        (wire("UNSUBSCRIBE", "id:n", "receipt:r"), Fault.UNKNOWN_SUBSCRIPTION, "'n' is not subscribed"),
        (
            wire("BEGIN", "transaction:t", "receipt:r"),
            Fault.DUPLICATE_TRANSACTION,
            "transaction 't' is open already",
        ),
        (
            wire("COMMIT", "transaction:n", "receipt:r"),
            Fault.UNKNOWN_TRANSACTION,
            "transaction 'n' is not open",
        ),
        (
            wire("ABORT", "transaction:n", "receipt:r"),
            Fault.UNKNOWN_TRANSACTION,
            "transaction 'n' is not open",
        ),
        (
            wire("SEND", "destination:/q", "transaction:n", "receipt:r"),
            Fault.UNKNOWN_TRANSACTION,
            "transaction 'n' is not open",
        ),
        (
            wire("ACK", "id:m", "transaction:n", "receipt:r"),
            Fault.UNKNOWN_TRANSACTION,
            "transaction 'n' is not open",
        ),
        (wire("ACK", "id:n", "receipt:r"), Fault.UNKNOWN_MESSAGE, "no message awaits ACK for id:'n'"),
        (wire("NACK", "id:n", "receipt:r"), Fault.UNKNOWN_MESSAGE, "no message awaits NACK for id:'n'"),
        (
            wire("SEND", "receipt:r"),
            Fault.MISSING_HEADER,
            "SEND without the header 'destination', which STOMP 1.2 requires",
        ),
        (wire("CONNECT", "receipt:r"), Fault.UNEXPECTED_COMMAND, "CONNECT while the connection is connected"),
        (wire("MESSAGE", "receipt:r"), Fault.UNEXPECTED_COMMAND, "a client never sends MESSAGE"),
        (
            wire("SEND", "destination:/q", "receipt:r", "content-length:+1"),
            Fault.BAD_CONTENT_LENGTH,
            "content-length is b'+1': it must be ASCII digits and nothing else",
        ),
    ],
)
def test_a_client_that_breaks_a_rule_is_told_which_and_for_which_receipt(frame: bytes, kind: Fault, why: str):
    connection = server()
    ask(connection, *OPEN)
    connection.message("s", "1", "/q", ack="m")
    connection.data_to_send(0.0)
    *_, last = ask(connection, frame)
    error = fault(last)
    assert (error.fault, str(error), error.receipt) == (kind, why, "r")
    pairs = [("message", kind.value), ("receipt-id", "r"), ("content-type", "text/plain")]
    pairs.append(("content-length", str(len(why))))
    assert one(sent(connection)) == Frame("ERROR", pairs, why.encode())
    assert connection.wants_close


@pytest.mark.parametrize(
    ("version", "frame", "why"),
    [
        (A1_1, wire("ACK", "subscription:s", "message-id:n"), "subscription:'s', message-id:'n'"),
        (A1_0, wire("ACK", "message-id:n"), "message-id:'n'"),
    ],
)
def test_an_acknowledgement_of_nothing_is_named_as_its_version_does(version: Version, frame: bytes, why: str):
    error = fault(one(ask(server(version), frame)))
    assert str(error) == f"no message awaits ACK for {why}"


@pytest.mark.parametrize(
    ("lines", "shown"), [(["id:n"], "'n'"), (["destination:/q"], "'/q'"), (["id:n", "destination:/q"], "'n'")]
)
def test_what_is_not_subscribed_is_named_as_the_client_did(lines: list[str], shown: str):
    error = fault(one(ask(server(A1_0), wire("UNSUBSCRIBE", *lines))))
    assert (error.fault, str(error)) == (Fault.UNKNOWN_SUBSCRIPTION, f"{shown} is not subscribed")


def test_each_half_of_a_name_is_shown_in_part():
    error = fault(one(ask(server(), wire("UNSUBSCRIBE", f"id:{'x' * 99}"))))
    assert str(error) == f"{'x' * 80!r} is not subscribed"


def test_in_1_0_a_destination_is_subscribed_once_without_an_id():
    connection = server(A1_0)
    ask(connection, wire("SUBSCRIBE", "destination:/q"))
    error = fault(one(ask(connection, wire("SUBSCRIBE", "destination:/q"))))
    assert (error.fault, str(error)) == (Fault.DUPLICATE_SUBSCRIPTION, "'/q' is subscribed already")


def test_a_client_without_a_receipt_is_told_all_the_same():
    connection = server()
    ask(connection, b"nonsense\n")
    frame = one(sent(connection))
    assert "receipt-id" not in frame.headers
    assert frame.body == b"not a STOMP command: b'nonsense'"


@pytest.mark.parametrize("receipt", ["a\rb", "a\\nb"])
def test_a_receipt_that_cannot_be_written_back_is_left_out(receipt: str):
    connection = server(A1_1)
    error = fault(one(ask(connection, wire("SEND", f"receipt:{receipt}"))))
    frame = one(sent(connection))
    assert frame.headers.get("receipt-id") == (error.receipt if "\r" not in receipt else None)
    assert frame.headers["message"] == "missing-header"


def test_an_answer_before_a_version_is_known_is_written_raw():
    connection = ServerConnection()
    octets = wire("CONNECT", "accept-version:1.2", "receipt:a:b\\", "heart-beat:x")
    assert fault(one(ask(connection, octets))).receipt == "a:b\\"
    assert b"\nreceipt-id:a:b\\\n" in connection.data_to_send(0.0)


# Limits


def test_subscriptions_are_limited():
    connection = server(limits=Limits(max_subscriptions=2))
    for id in ("1", "2"):
        assert isinstance(one(ask(connection, wire("SUBSCRIBE", f"id:{id}", "destination:/q"))), Subscribe)
    ask(connection, wire("UNSUBSCRIBE", "id:1"))
    assert isinstance(one(ask(connection, wire("SUBSCRIBE", "id:3", "destination:/q"))), Subscribe)
    error = fault(one(ask(connection, wire("SUBSCRIBE", "id:4", "destination:/q", "receipt:r"))))
    assert (error.fault, str(error), error.receipt) == (Fault.LIMIT_PENDING, "more than 2 subscriptions", "r")


def test_transactions_are_limited():
    connection = server(limits=Limits(max_transactions=2))
    for name in ("1", "2"):
        assert isinstance(one(ask(connection, wire("BEGIN", f"transaction:{name}"))), Begin)
    ask(connection, wire("COMMIT", "transaction:1"))
    assert isinstance(one(ask(connection, wire("BEGIN", "transaction:3"))), Begin)
    first, second, last = ask(connection, wire("BEGIN", "transaction:4", "receipt:r"))
    assert isinstance(first, Abort)
    assert isinstance(second, Abort)
    error = fault(last)
    assert (error.fault, str(error), error.receipt) == (
        Fault.LIMIT_PENDING,
        "more than 2 open transactions",
        "r",
    )


def test_closed_says_that_the_client_left():
    connection = server()
    connection.receive_eof(0.0)
    assert server_events(connection) == [Closed(clean=False, reason=CloseReason.EOF)]
