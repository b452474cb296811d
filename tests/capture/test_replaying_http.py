"""SockJS over xhr: answers are read as they were, and judged as they were."""

from __future__ import annotations

from typing import Any

import pytest

from stomp_sansio import LinkFault
from stomp_sansio.capture import Ending, Kind, Record, read, replay, replaying_http
from stomp_sansio.capture.records import line_of
from stomp_sansio.links.sockjs_payload import encode_array
from stomp_sansio.machine import StreamId, StreamLoss

from .scenes import CONNECT, CONNECTED, SESSION, request, response

BASE = f"/stomp/000/{SESSION}"
LISTEN, TALK = StreamId(1), StreamId(2)


def listen(kind: str = "xhr_streaming") -> Record:
    return Record(Kind.OUT, 0.0, LISTEN, request("POST", f"{BASE}/{kind}"))


def heard(octets: bytes) -> Record:
    return Record(Kind.IN, 0.0, LISTEN, octets)


def talk(octets: bytes = CONNECT) -> Record:
    return Record(Kind.OUT, 0.0, TALK, request("POST", f"{BASE}/xhr_send", body=encode_array([octets])))


def answered(status: str = "204 No Content") -> Record:
    return Record(Kind.IN, 0.0, TALK, response(status, body=None if status[:3] == "204" else b""))


def opened(stream: StreamId) -> list[Record]:
    return [Record(Kind.OPEN, 0.0, stream, about="example.org:80"), Record(Kind.OPENED, 0.0, stream)]


def lost(stream: StreamId, why: StreamLoss = StreamLoss.CLOSED) -> Record:
    return Record(Kind.LOST, 0.0, stream, why=why)


def of(*records: Record) -> list[Any]:
    """Return the connections that records come to."""
    first = [Record(Kind.BEGIN), *opened(LISTEN)]
    if any(record.stream == TALK for record in records):
        first += opened(TALK)
    return list(replay(read([line_of(record) for record in (*first, *records)])).connections)


def kinds(connection: Any) -> list[str]:
    return [type(event).__name__ for _, event in connection.events]


def ending(connection: Any) -> Ending:
    (found,) = [event for _, event in connection.events if isinstance(event, Ending)]
    return found


def streamed(*frames: bytes) -> bytes:
    return response("200 OK", chunks=[b"h" * 2048 + b"\n", *(frame + b"\n" for frame in frames)])


def test_it_is_there_before_anything_is_replayed():
    """Its lines are measured here, and not in whichever test needs it first."""
    assert replaying_http.__all__ == ["HttpReaders"]


def test_a_streamed_session():
    body = streamed(b"o", b"a" + encode_array([CONNECTED]), b"a[]", b"h", b'c[3000,"Go away!"]')
    (connection,) = of(listen(), talk(), answered(), heard(body), lost(LISTEN), lost(TALK))
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert connection.transport == "xhr-streaming"
    assert "Go away!" in ending(connection).reason
    assert connection.name == f"{BASE.replace(SESSION, SESSION)}"


def test_a_polled_session_that_our_side_ends():
    polled = [listen("xhr"), heard(response("200 OK", body=b"o\n")), talk(), answered(), listen("xhr")]
    (connection,) = of(
        *polled,
        heard(response("200 OK", body=b"a" + encode_array([CONNECTED]) + b"\n")),
        listen("xhr"),
        Record(Kind.ABORT, 0.0, LISTEN),
        Record(Kind.CLOSE, 0.0, TALK),
        lost(LISTEN),
        lost(TALK),
    )
    assert kinds(connection) == ["Connected", "Closed", "Ending"]
    assert connection.transport == "xhr-polling"
    assert ending(connection).reason == "This side closed the SockJS session"


@pytest.mark.parametrize(
    ("records", "fault", "status"),
    [
        ([listen(), heard(response("404 Not Found", body=b""))], LinkFault.HTTP_STATUS, 404),
        ([listen(), heard(streamed(b"o", b"a["))], LinkFault.BAD_JSON, 200),
        ([listen(), heard(streamed(b"x"))], LinkFault.BAD_FRAME, 200),
        ([listen(), heard(b"nonsense\r\n\r\n")], LinkFault.PROTOCOL_ERROR, None),
        ([listen("xhr"), heard(response("200 OK", body=b"o"))], LinkFault.TRUNCATED, 200),
        ([listen(), heard(streamed(b"o")[:-5]), Record(Kind.EOF, 0.0, LISTEN)], LinkFault.TRUNCATED, 200),
        (
            [listen("xhr"), heard(response("200 OK", body=b"o\n")), talk(), answered("500 Broken")],
            LinkFault.HTTP_STATUS,
            500,
        ),
    ],
)
def test_answers_that_break_a_rule(records: list[Record], fault: LinkFault, status: int | None):
    (connection,) = of(*records)
    assert connection.error.fault is fault
    assert ending(connection).status == status


@pytest.mark.parametrize("session_is_open", [True, False])
def test_a_stream_that_breaks_while_it_is_needed(session_is_open: bool):
    records = [heard(streamed(b"o")[:-5])] if session_is_open else []
    (connection,) = of(listen(), *records, lost(LISTEN, StreamLoss.RESET))
    assert kinds(connection) == (["Closed", "Ending"] if session_is_open else ["Ending"])
    assert ending(connection).reason


def test_streams_without_a_session():
    info = request("GET", "/stomp/info")
    good = response("200 OK", body=b'{"websocket":false}')
    assert of(Record(Kind.OUT, 0.0, LISTEN, info), heard(good), lost(LISTEN)) == []
    (connection,) = of(
        Record(Kind.OUT, 0.0, LISTEN, info), heard(response("200 OK", body=b"[]")), lost(LISTEN)
    )
    assert connection.error.fault is LinkFault.BAD_INFO
    assert connection.name == "#1"
    (connection,) = of(Record(Kind.OUT, 0.0, LISTEN, info), lost(LISTEN, StreamLoss.RESET))
    assert kinds(connection) == ["Ending"]
    asked = Record(Kind.OUT, 0.0, LISTEN, request("GET", "/page"))
    assert (
        of(
            asked,
            heard(response("200 OK", body=b"page")),
            Record(Kind.CLOSE, 0.0, LISTEN),
            lost(LISTEN, StreamLoss.RESET),
        )
        == []
    )


def test_other_methods_ask_for_something_else():
    asked = Record(Kind.OUT, 0.0, LISTEN, request("OPTIONS", "/stomp/info"))
    assert of(asked, heard(response("204 No Content")), lost(LISTEN)) == []


def test_what_is_asked_out_of_turn_is_passed_over():
    twice = Record(Kind.OUT, 0.0, LISTEN, request("POST", f"{BASE}/xhr") * 2)
    (connection,) = of(
        twice, heard(response("200 OK", body=b"o\n")), Record(Kind.ABORT, 0.0, LISTEN), lost(LISTEN)
    )
    assert kinds(connection) == ["Closed", "Ending"]
    odd = Record(Kind.OUT, 0.0, LISTEN, b"GET /x HTTP/1.1\r\n\r\nPOST /a/b/c HTTP/1.1\r\n\r\n")
    assert of(odd) == []


def test_a_response_that_goes_on_after_the_end():
    body = streamed(b"o", b'c[3000,"x"]')
    (connection,) = of(
        listen(), heard(body[:-5]), Record(Kind.ABORT, 0.0, LISTEN), heard(b"0\r\n\r\n"), lost(LISTEN)
    )
    assert kinds(connection) == ["Closed", "Ending"]
