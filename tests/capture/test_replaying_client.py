"""What a client recorded: each stream is read by the link that it was, down to the sentence of its end."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from stomp_sansio import CloseReason, Fault, LinkFault
from stomp_sansio.capture import Ending, Kind, Record, read, replay
from stomp_sansio.capture.records import line_of
from stomp_sansio.links.sockjs_payload import encode_array
from stomp_sansio.links.websocket_frames import TEXT, data_frame
from stomp_sansio.machine import StreamId, StreamLoss

from .scenes import ACCEPT, CONNECT, CONNECTED, KEY, MASK, SESSION, SWITCHING, UPGRADE, request, response

ONE = StreamId(1)
OFFER = "Sec-WebSocket-Protocol: v12.stomp"
ASK = request("GET", "/ws", *UPGRADE, OFFER)
ASK_SOCKJS = request("GET", f"/stomp/000/{SESSION}/websocket", *UPGRADE)


def out(octets: bytes, time: float = 0.0) -> Record:
    return Record(Kind.OUT, time, ONE, octets)


def come(octets: bytes, time: float = 0.0) -> Record:
    return Record(Kind.IN, time, ONE, octets)


def lost(why: StreamLoss = StreamLoss.CLOSED, time: float = 0.0) -> Record:
    return Record(Kind.LOST, time, ONE, about="detail", why=why)


OPEN = (Record(Kind.OPEN, 0.0, ONE, about="example.org:80"), Record(Kind.OPENED, 0.0, ONE))


def of(*records: Record, opening: tuple[Record, ...] = OPEN) -> Any:
    """Return the one connection that records come to."""
    lines = [line_of(record) for record in (Record(Kind.BEGIN), *opening, *records)]
    (connection,) = replay(read(lines)).connections
    return connection


def kinds(connection: Any) -> list[str]:
    return [type(event).__name__ for _, event in connection.events]


def ending(connection: Any) -> Ending:
    (found,) = [event for _, event in connection.events if isinstance(event, Ending)]
    return found


def text(octets: bytes) -> bytes:
    return data_frame(TEXT, octets, MASK)


def test_plain_stomp_and_its_faults():
    connection = of(
        out(CONNECT), come(CONNECTED), come(b"MESSAGE\nx\n\n\0"), Record(Kind.CLOSE, 1.0, ONE), lost(time=1.0)
    )
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert connection.transport == "tcp"
    assert connection.error.fault is Fault.BAD_HEADER


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ([lost(StreamLoss.RESET)], "detail"),
        ([Record(Kind.EOF, 0.0, ONE), Record(Kind.CLOSE, 0.0, ONE), lost()], ""),
        ([Record(Kind.ABORT, 0.0, ONE), lost()], "gave the link up"),
        ([Record(Kind.CLOSE, 0.0, ONE), lost()], "closed"),
    ],
)
def test_how_a_stream_ends_is_told_as_it_was(tail: list[Record], reason: str):
    connection = of(out(CONNECT), come(CONNECTED), *tail)
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert reason in ending(connection).reason


def test_a_stream_that_never_opened():
    connection = of(lost(StreamLoss.REFUSED), opening=OPEN[:1])
    assert kinds(connection) == ["Ending"]
    assert "example.org:80" in ending(connection).reason
    assert connection.transport == "none"


def test_a_unix_socket_and_an_address_that_is_none():
    unix = Record(Kind.OPEN, 0.0, ONE, about="/run/stomp.sock")
    assert kinds(of(out(CONNECT), come(CONNECTED), lost(), opening=(unix, OPEN[1]))) == [
        "Connected",
        "Closed",
        "Ending",
    ]
    odd = Record(Kind.OPEN, 0.0, ONE, about="?")
    connection = of(out(CONNECT), come(CONNECTED), lost(StreamLoss.RESET), opening=(odd, OPEN[1]))
    assert kinds(connection) == ["Connected", "Closed", "Ending"]


@pytest.mark.parametrize("first", [True, False])
def test_tls_is_no_different(first: bool):
    """There are drivers that shake hands before a stream counts as open."""
    name = "example.org" if first else None
    later = (Record(Kind.START_TLS, 0.0, ONE, about="example.org"), Record(Kind.TLS, 0.0, ONE))
    opening = (
        Record(Kind.OPEN, 0.0, ONE, about="example.org:1", tls=name),
        OPEN[1],
        *(() if first else later),
    )
    connection = of(out(CONNECT), come(CONNECTED), lost(StreamLoss.TRUNCATED), opening=opening)
    assert kinds(connection) == ["Connected", "Closed", "Ending"]


def test_a_websocket_is_read_with_the_recorded_key():
    connection = of(
        out(ASK),
        come(SWITCHING[:30]),
        come(SWITCHING[30:] + data_frame(TEXT, b"\n")),
        out(text(CONNECT)),
        come(data_frame(TEXT, CONNECTED)),
        out(data_frame(0x8, b"\x03\xe8", MASK)),
        come(data_frame(0x8, b"\x03\xe8")),
        Record(Kind.CLOSE, 0.0, ONE),
        lost(),
    )
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert connection.transport == "websocket"
    assert ending(connection) == Ending("Both sides closed the WebSocket, code 1000")


@pytest.mark.parametrize(
    ("answer", "fault", "status"),
    [
        (SWITCHING.replace(ACCEPT.encode(), b"AAAA"), LinkFault.BAD_HANDSHAKE, None),
        (response("403 No", body=b""), LinkFault.HTTP_STATUS, 403),
        (b"HTTP/1.1 404 No\nContent-Length: 0\n\n", LinkFault.HTTP_STATUS, 404),
        (SWITCHING + data_frame(TEXT, b"x", MASK), LinkFault.PROTOCOL_ERROR, None),
        (b"nonsense" * 10_000, LinkFault.BAD_HANDSHAKE, None),
        (b"nonsense\r\n\r\n", LinkFault.BAD_HANDSHAKE, None),
    ],
)
def test_a_websocket_that_breaks_its_rules(answer: bytes, fault: LinkFault, status: int | None):
    connection = of(out(ASK), come(answer), Record(Kind.CLOSE, 0.0, ONE), lost())
    assert connection.error.fault is fault
    assert ending(connection).status == status


@pytest.mark.parametrize(
    "end", [[lost(StreamLoss.RESET)], [Record(Kind.EOF, 0.0, ONE), Record(Kind.CLOSE, 0.0, ONE), lost()]]
)
def test_a_websocket_whose_head_breaks_off(end: list[Record]):
    connection = of(out(ASK), come(SWITCHING[:30]), *end)
    assert kinds(connection) == ["Ending"]
    assert connection.transport == "none"


def test_a_close_that_is_not_answered_in_time():
    closing = [out(data_frame(0x8, b"\x03\xe8", MASK)), lost(time=100.0)]
    connection = of(
        out(ASK), come(SWITCHING), out(text(CONNECT)), come(data_frame(TEXT, CONNECTED)), *closing
    )
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert connection.events[-1][0] == 100.0


def test_sockjs_over_a_websocket():
    connection = of(
        out(ASK_SOCKJS),
        come(SWITCHING + data_frame(TEXT, b"o")),
        out(text(encode_array([CONNECT]))),
        come(data_frame(TEXT, b"a" + encode_array([CONNECTED]))),
        come(data_frame(TEXT, b"a[")),
        lost(),
    )
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert connection.error.fault is LinkFault.BAD_JSON


def test_a_target_that_no_link_can_have_is_read_as_http():
    connection = of(
        out(request("GET", f"/stomp/0.0/{SESSION}/websocket", *UPGRADE)),
        come(SWITCHING),
        lost(StreamLoss.RESET),
    )
    assert kinds(connection) == ["Ending"]


@pytest.mark.parametrize(("answer", "fault"), [("407 No", LinkFault.HTTP_STATUS), ("200 Fine", None)])
@pytest.mark.parametrize("tls", [True, False])
def test_a_proxy(answer: str, fault: LinkFault | None, tls: bool):
    proxy = Record(Kind.OPEN, 0.0, ONE, about="proxy:3128")
    connect = request("CONNECT", "example.org:61613", "Proxy-Authorization: Basic xxxx")
    records = [out(connect), come(f"HTTP/1.1 {answer}\r\n\r\n".encode())]
    if fault is None and tls:
        records += [
            Record(Kind.START_TLS, 0.0, ONE, about="example.org"),
            Record(Kind.TLS, 0.0, ONE, about="TLSv1.3"),
        ]
    records += [out(CONNECT), come(CONNECTED)] if fault is None else []
    connection = of(*records, lost(), opening=(proxy, OPEN[1]))
    if fault is None:
        assert kinds(connection) == ["Connected", "Closed", "Ending"]
    else:
        assert connection.error.fault is fault
        assert ending(connection).status == 407


@pytest.mark.parametrize("greets", [True, False])
def test_silence_is_not_counted_while_our_side_does_not_read(greets: bool):
    greeting = CONNECT.replace(b"login", b"heart-beat:0,1000\nlogin")
    beating = CONNECTED.replace(b"server", b"heart-beat:1000,0\nserver")
    first = (
        [out(ASK), come(SWITCHING), out(text(greeting)), come(data_frame(TEXT, beating))] if greets else []
    )
    pause, resume = Record(Kind.PAUSE, 0.0, ONE), Record(Kind.RESUME, 8.0, ONE)
    connection = of(*first, pause, resume, lost(StreamLoss.RESET, 9.0), opening=OPEN if greets else OPEN[:1])
    assert kinds(connection) == (["Connected", "Closed", "Ending"] if greets else ["Ending"])
    if greets:
        assert connection.events[1][1].reason is CloseReason.EOF


def test_several_links_have_their_own_time():
    two = StreamId(2)
    closing = data_frame(0x8, b"\x03\xe8", MASK)
    records = [
        Record(Kind.OPEN, 0.0, two, about="example.org:80"),
        Record(Kind.OPENED, 0.0, two),
        Record(Kind.OUT, 0.0, two, ASK),
        Record(Kind.IN, 0.0, two, SWITCHING),
        Record(Kind.OUT, 0.0, two, text(CONNECT)),
        out(ASK),
        come(SWITCHING),
        out(text(CONNECT)),
        out(closing, 1.0),
        Record(Kind.OUT, 5.0, two, closing),
        lost(time=99.0),
        Record(Kind.LOST, 99.0, two, why=StreamLoss.CLOSED),
    ]
    lines = [line_of(record) for record in (Record(Kind.BEGIN), *OPEN, *records)]
    assert [kinds(connection) for connection in replay(read(lines)).connections] == [["Closed", "Ending"]] * 2


def test_other_requests_on_a_stream_of_their_own_are_read_as_http():
    asked = out(request("GET", "/page", "Upgrade: h2c"))
    assert kinds(of(asked, come(b"nonsense\r\n\r\n"), lost())) == ["Ending"]


def test_requests_on_several_streams():
    two = StreamId(2)
    records = [
        out(request("GET", "/stomp/info")),
        Record(Kind.OPEN, 0.0, two, about="example.org:80"),
        Record(Kind.OPENED, 0.0, two),
        Record(Kind.OUT, 0.0, two, request("GET", "/stomp/info")),
        lost(StreamLoss.RESET),
        Record(Kind.LOST, 0.0, two, why=StreamLoss.RESET),
    ]
    lines = [line_of(record) for record in (Record(Kind.BEGIN), *OPEN, *records)]
    assert [connection.name for connection in replay(read(lines)).connections] == ["#1", "#2"]


def test_long_answers_are_not_kept():
    """Of what our side writes only the beginning is of interest."""
    big = out(text(b"SEND\ndestination:/a\n\n" + b"a" * 60_000 + b"\0"))
    first = [out(ASK), come(SWITCHING), out(text(CONNECT)), come(data_frame(TEXT, CONNECTED))]
    assert kinds(of(*first, big, big, big, lost())) == ["Connected", "Closed", "Ending"]


@pytest.mark.parametrize("name", ["stomp_sansio.links.sockjs", "stomp_sansio.capture.replaying_http"])
def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setitem(sys.modules, name, None)
    asked = ASK if name.endswith("sockjs") else request("GET", "/stomp/info")
    with pytest.raises(ImportError, match=r"pip install 'stomp-sansio\[ws\]'"):
        of(out(asked), lost())


def test_what_our_side_says_before_it_greets_is_passed_over():
    connection = of(out(b"SEND\ndestination:/a\n\n\0\n"), come(CONNECTED), lost())
    assert kinds(connection)[-1] == "Ending"


def test_the_key_is_answered_as_the_protocol_says():
    assert ACCEPT == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert KEY == b"dGhlIHNhbXBsZSBub25jZQ=="
