"""What a hostile peer, or hostile data in an application's hands, must not achieve.

Each test is named for the attack; the rules that defeat them are tested one by one where they live.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    Closed,
    Connection,
    Error,
    Fault,
    Frame,
    FrameParser,
    Limits,
    LocalProtocolError,
    NotText,
    RemoteProtocolError,
    ServerConnection,
    Version,
    encode,
)
from stomp_sansio.protocol.commands import COMMANDS
from tests.protocol.helpers import (
    ask,
    client,
    client_events,
    fault,
    frames,
    one,
    sent,
    server,
    server_events,
    snapshot,
    tell,
    wire,
)
from tests.protocol.strategies import cut, sizes, texts

A1_0, A1_1, A1_2 = Version

# Header injection: what an application puts into a header never becomes another header, or another frame

INJECTIONS = (
    *(
        "a\nadmin:true",
        "a\n\n\0SEND\ndestination:/admin\n\nx",
        "a\r\nadmin:true",
        "a\0",
        "\0",
        "a\r",
        "\n",
        "\r\n",
    ),
    *(
        "a:b",
        ":",
        "\\n",
        "\\",
        "a\\cb",
        " a",
        "\ta",
        "a ",
        "\u2028",
        "\u0085",
        "\ud800",
        "\ufeffa",
        "content-length:0",
    ),
)
ARGUMENTS: list[tuple[str, Callable[[Connection, str], None]]] = [
    ("destination", lambda connection, text: connection.send(text, b"x")),
    ("receipt", lambda connection, text: connection.send("/q", b"x", receipt=text)),
    ("content-type", lambda connection, text: connection.send("/q", b"x", content_type=text)),
    ("x", lambda connection, text: connection.send("/q", b"x", headers={"x": text})),
    ("id", lambda connection, text: connection.subscribe("/q", id=text)),
    ("transaction", lambda connection, text: connection.begin(text)),
]


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(("name", "say"), ARGUMENTS, ids=[name for name, _ in ARGUMENTS])
def test_header_injection_by_a_client(version: Version, name: str, say: Callable[[Connection, str], None]):
    for text in INJECTIONS:
        connection = client(version)
        before = snapshot(connection)
        try:
            say(connection, text)
        except LocalProtocolError:
            assert snapshot(connection) == before, text
            assert connection.data_to_send(0.0) == b"", text
            continue
        frame = one(sent(connection))
        assert frame.headers[name] == text
        others = {other for other in frame.headers if other != name}
        assert others <= {"destination", "content-length"}, text


@pytest.mark.parametrize("argument", ["host", "login", "passcode"])
def test_header_injection_into_connect(argument: str):
    for text in INJECTIONS:
        connection = Connection(heartbeat=(0, 0))
        try:
            connection.connect(**{argument: text})  # type: ignore[arg-type]
        except LocalProtocolError:
            assert connection.data_to_send(0.0) == b"", text
            continue
        frame = one(frames(connection.data_to_send(0.0), None))
        assert frame.headers.pairs == (("accept-version", "1.0,1.1,1.2"), (argument, text))


@pytest.mark.parametrize("version", list(Version))
def test_header_injection_by_a_server(version: Version):
    for text in INJECTIONS:
        connection = server(version)
        ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q"))
        before = snapshot(connection)
        try:
            connection.message("s", text, "/q", b"x", headers={text: text})
        except LocalProtocolError:
            assert snapshot(connection) == before, text
            continue
        pairs = (("subscription", "s"), ("message-id", text), ("destination", "/q"), (text, text))
        frame = one(sent(connection))
        assert frame.headers.pairs[:4] == pairs
        assert frame.body == b"x"


@given(
    st.sampled_from(Version), st.sampled_from(list(COMMANDS)), st.lists(st.tuples(texts, texts), max_size=4)
)
def test_header_injection_into_any_frame(version: Version, command: str, pairs: list[tuple[str, str]]):
    frame = Frame(command, pairs)
    try:
        octets = encode(frame, version)
    except LocalProtocolError:
        return
    assert frames(octets, version) == [frame]


# Length desync: nothing that two readers could measure differently is read at all

BAD_LENGTHS = (
    *(
        "",
        " ",
        "+5",
        "-5",
        "+0",
        "-0",
        "5 ",
        " 5",
        "\t5",
        "5\t",
        "5.0",
        "5e0",
        "5,5",
        "5;5",
        "0x5",
        "0b101",
        "0o5",
        "5_0",
    ),
    *(
        "_5",
        "5L",
        "5l",
        "5\u00a0",
        "\u0665",
        "\uff15",
        "\u00b2",
        "\u2075",
        "\u0b6b",
        "five",
        "NaN",
        "inf",
        "null",
        "5:5",
    ),
    *("5\\n", "--5", "5-", "5+5", "(5)", "'5'", "#5", "5\u200b", "9" * 20, "1" + "0" * 7_000),
)
BAD_BODIES = (
    *(
        b"content-length:4\n\nhello\0",
        b"content-length:6\n\nhello\0SEND\n\n\0",
        b"content-length:0\n\nhello\0",
    ),
    *(b"content-length:4\ncontent-length:5\n\nhello\0", b"content-length:6\ncontent-length:5\n\nhello\0\n"),
)


def test_there_are_forty_bad_lengths():
    assert len(set(BAD_LENGTHS)) >= 40


@pytest.mark.parametrize("value", BAD_LENGTHS, ids=range(len(BAD_LENGTHS)))
def test_length_desync_by_what_is_no_number(value: str):
    octets = b"SEND\ndestination:/q\n" + f"content-length:{value}\n".encode()
    for version in Version:
        if version is A1_0 and value.lstrip(" \t") == "5":
            continue  # 1.0 pads its values: this is a good length there
        for tolerant in (False, True):
            never_again(octets + b"\nhello\0SEND\ndestination:/q\n\n\0", version, tolerant)


@pytest.mark.parametrize("rest", BAD_BODIES)
@pytest.mark.parametrize("version", list(Version))
def test_length_desync_by_a_wrong_number(version: Version, rest: bytes):
    octets = b"SEND\ndestination:/q\n" + rest + b"SEND\ndestination:/q\n\n\0"
    for tolerant in (False, True):
        never_again(octets, version, tolerant)


def never_again(octets: bytes, version: Version, tolerant: bool) -> None:
    """Read octets whose first frame has a fault: no frame comes, now or later, however they are cut."""
    for size in (len(octets), 1, 3):
        parser = FrameParser(version, tolerant=tolerant)
        refused = False
        for piece in (*cut(octets, [size]), *[b"SEND\ndestination:/q\n\n\0"] * 3, b"\0", b"\n\n\0"):
            parser.receive_data(piece)
            try:
                frame = parser.next_frame()
            except RemoteProtocolError as error:
                refused = True
                kind = error.fault
                if kind not in (
                    Fault.BAD_CONTENT_LENGTH,
                    Fault.LIMIT_BODY,
                    Fault.MISSING_NUL,
                    Fault.BAD_ESCAPE,
                ):
                    raise
            else:
                assert frame is None
        assert refused


# Frames before CONNECT: nothing is reported to the application before it has accepted


@pytest.mark.parametrize("command", list(COMMANDS))
@pytest.mark.parametrize("first", [b"", b"\n\n", wire("CONNECT", "accept-version:1.2")])
def test_nothing_but_a_request_is_reported_before_accept(command: str, first: bytes):
    lines = ("destination:/q", "id:1", "transaction:t", "message-id:1", "subscription:s", "receipt-id:r")
    connection = ServerConnection()
    events = ask(connection, first + wire(command, *lines), wire(command, *lines), b"\n")
    assert {type(event).__name__ for event in events} <= {"ConnectRequest", "Closed"}
    connection.receive_eof(0.0)
    assert {type(event).__name__ for event in server_events(connection)} <= {"Closed"}


@given(st.binary(max_size=60), st.sampled_from(list(COMMANDS)), sizes)
def test_nothing_but_a_request_is_reported_before_accept_whatever_comes(
    rest: bytes, command: str, sizes: list[int]
):
    connection = ServerConnection()
    events = ask(connection, *cut(command.encode() + b"\n" + rest, sizes))
    assert {type(event).__name__ for event in events} <= {"ConnectRequest", "Closed"}


# Unbounded memory: see the tests of Limits. Here, all of it together


def test_a_client_that_asks_for_everything_and_takes_nothing_is_cut_off():
    connection = server(limits=Limits(max_subscriptions=5, max_transactions=5, max_unacknowledged=5))
    for number in range(100):
        ask(connection, wire("SUBSCRIBE", f"id:{number}", "destination:/q", "ack:client"))
        ask(connection, wire("BEGIN", f"transaction:{number}"))
    assert connection.wants_close
    assert connection.unsent < 1_000


# Bad input, each kind in one place: a clear word, and nothing lost


def test_the_end_of_the_stream_inside_a_frame():
    connection = server()
    connection.receive_data(wire("SEND", "destination:/q", "receipt:r")[:-1], 0.0)
    connection.receive_eof(0.0)
    error = fault(one(server_events(connection)))
    assert (error.fault, error.receipt) == (Fault.INCOMPLETE_FRAME, "r")
    assert str(error) == "the stream ended inside the body of SEND, after 0 octets of it"


def test_ten_to_the_nineteenth_octets_announced():
    error = fault(one(tell(client(), wire("MESSAGE", "content-length:10000000000000000000"))))
    assert error.fault is Fault.LIMIT_BODY
    assert str(error) == "content-length announces 10000000000000000000 octets: Limits.max_body is 16777216"


def test_a_header_line_that_never_ends():
    connection = server()
    ask(connection, b"SEND\ndestination:/")
    count = 0
    while not connection.wants_close:
        ask(connection, b"q" * 100)
        count += 100
    assert count <= 8 * 1024 + 100


def test_a_nul_in_a_header_sent_to_a_server_and_to_a_client():
    error = fault(one(ask(server(), b"SEND\ndestination:/q\0\n\n\0")))
    assert str(error) == "a NUL octet in header line 1: no header can have one"
    event: Any = one(tell(client(), b"MESSAGE\nmessage-id:1\nsubscription:s\ndestination:/q\0\n\n\0"))
    assert event.destination == "/q\0"


def test_an_error_before_connected():
    connection = Connection()
    connection.connect()
    error, last = tell(connection, wire("ERROR", "message:go away", body=b"Wrong vhost: \\t"))
    assert isinstance(error, Error)
    assert (error.message, error.body) == ("go away", b"Wrong vhost: \\t")
    assert isinstance(last, Closed)
    assert client_events(connection) == []


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_an_error_shows_of_a_peer_is_short_and_printable(junk: bytes, text: str):
    """At most eighty octets of what came, as a literal: nothing that a terminal or a log would obey."""
    for octets in (
        junk,
        b"SEND\n" + junk,
        b"SEND\n%b\n\n\0" % junk,
        f"SUBSCRIBE\nid:{text}\nack:{text}\n\n\0".encode(),
    ):
        connection = server()
        events = ask(connection, octets)
        if events and isinstance(events[-1], Closed):
            said = str(fault(events[-1]))
            assert said.isprintable()
            assert len(said) < 80 * 4 + 150


@pytest.mark.parametrize("fault_kind", list(Fault))
def test_every_kind_of_fault_can_be_met(fault_kind: Fault):
    """The closed list has nothing that this engine never says."""
    octets = {
        Fault.MALFORMED_COMMAND: b"nonsense\n",
        Fault.UNEXPECTED_COMMAND: wire("MESSAGE"),
        Fault.BAD_HEADER: wire("SEND", "nocolon"),
        Fault.BAD_ESCAPE: wire("SEND", "a:\\t"),
        Fault.NOT_UTF8: b"SEND\na:\xff\n\n\0",
        Fault.BAD_CONTENT_LENGTH: wire("SEND", "content-length:x"),
        Fault.MISSING_NUL: wire("SEND", "content-length:1", body=b"ab"),
        Fault.MISSING_HEADER: wire("SEND"),
        Fault.BODY_NOT_ALLOWED: wire("DISCONNECT", body=b"x"),
        Fault.LIMIT_HEADERS: b"SEND\n" + b"a:b\n" * 200,
        Fault.LIMIT_LINE: b"SEND\n" + b"a" * 9_000,
        Fault.LIMIT_BODY: wire("SEND", "content-length:9999999"),
        Fault.LIMIT_PENDING: b"".join(wire("BEGIN", f"transaction:{number}") for number in range(101)),
        Fault.DUPLICATE_SUBSCRIPTION: 2 * wire("SUBSCRIBE", "id:s", "destination:/q"),
        Fault.DUPLICATE_TRANSACTION: 2 * wire("BEGIN", "transaction:t"),
        Fault.UNKNOWN_SUBSCRIPTION: wire("UNSUBSCRIBE", "id:s"),
        Fault.UNKNOWN_TRANSACTION: wire("COMMIT", "transaction:t"),
        Fault.UNKNOWN_MESSAGE: wire("ACK", "id:m"),
    }
    hand_shakes = {
        Fault.BAD_HEART_BEAT: wire("CONNECT", "accept-version:1.2", "heart-beat:x"),
        Fault.NO_COMMON_VERSION: wire("CONNECT", "accept-version:9"),
    }
    if fault_kind in octets:
        event: Any = ask(server(), octets[fault_kind])[-1]
    elif fault_kind in hand_shakes:
        event = ask(ServerConnection(), hand_shakes[fault_kind])[-1]
    elif fault_kind is Fault.UNSUPPORTED_VERSION:
        connection = Connection()
        connection.connect()
        event = tell(connection, wire("CONNECTED", "version:9"))[-1]
    else:
        assert fault_kind is Fault.INCOMPLETE_FRAME
        ended = server()
        ended.receive_data(b"SEND", 0.0)
        ended.receive_eof(0.0)
        event = ended.next_event()
    assert fault(event).fault is fault_kind


def test_a_body_that_is_no_text():
    event: Any = one(ask(server(), wire("SEND", "destination:/q", body=b"\xff")))
    with pytest.raises(NotText, match=r"octet 1 of 1 is not utf-8; read \.body, which is b'\\xff'"):
        _ = event.text
    assert event.body == b"\xff"
