"""What a server recorded: its streams are read by a server's links, and who was let in is let in."""

from __future__ import annotations

from typing import Any

import pytest

from stomp_sansio import Fault, LinkFault
from stomp_sansio.capture import Ending, Kind, Record, read, replay, replaying_server
from stomp_sansio.capture.records import line_of
from stomp_sansio.links.sockjs_payload import encode_array
from stomp_sansio.links.websocket_frames import TEXT, data_frame
from stomp_sansio.machine import StreamId, StreamLoss

from .scenes import (
    CONNECT,
    CONNECTED,
    MASK,
    SCENES,
    SESSION,
    SWITCHING,
    UPGRADE,
    capture_of,
    request,
    response,
)

ONE, TWO = StreamId(-1), StreamId(-2)
SUBSCRIBE = b"SUBSCRIBE\nid:0\ndestination:/a\n\n\0"


def come(octets: bytes, stream: StreamId = ONE, time: float = 0.0) -> Record:
    return Record(Kind.IN, time, stream, octets)


def out(octets: bytes, stream: StreamId = ONE, time: float = 0.0) -> Record:
    return Record(Kind.OUT, time, stream, octets)


def accepted(stream: StreamId = ONE) -> Record:
    return Record(Kind.ACCEPTED, 0.0, stream, about="somebody")


def lost(stream: StreamId = ONE, why: StreamLoss = StreamLoss.CLOSED, time: float = 0.0) -> Record:
    return Record(Kind.LOST, time, stream, why=why)


def of(*records: Record) -> list[Any]:
    return list(replay(read([line_of(record) for record in (Record(Kind.BEGIN), *records)])).connections)


def kinds(connection: Any) -> list[str]:
    return [type(event).__name__ for _, event in connection.events]


def test_it_is_there_before_anything_is_replayed():
    """Its lines are measured here, and not in whichever test needs it first."""
    assert replaying_server.__all__ == ["ServerReader"]


def test_plain_stomp():
    (connection,) = of(
        accepted(),
        come(CONNECT + SUBSCRIBE),
        out(CONNECTED),
        come(b"\n"),
        out(b"\n"),
        Record(Kind.EOF, 1.0, ONE),
        lost(time=1.0),
    )
    assert kinds(connection) == ["ConnectRequest", "Subscribe", "Closed", "Ending"]
    assert (connection.role, connection.transport, connection.name) == ("server", "tcp", "#-1")


def test_a_client_that_breaks_a_rule():
    (connection,) = of(
        accepted(),
        come(CONNECT),
        out(CONNECTED),
        come(b"ACK\nid:7\n\n\0"),
        Record(Kind.CLOSE, 0.0, ONE),
        lost(),
    )
    assert connection.error.fault is Fault.UNKNOWN_MESSAGE
    assert kinds(connection)[-2:] == ["Closed", "Ending"]


@pytest.mark.parametrize("kind", [Kind.CLOSE, Kind.ABORT])
def test_our_side_may_end_it(kind: Kind):
    (connection,) = of(accepted(), come(CONNECT), out(CONNECTED), Record(kind, 0.0, ONE), lost())
    assert kinds(connection) == ["ConnectRequest", "Closed", "Ending"]
    assert of(accepted(), Record(kind, 0.0, ONE), Record(Kind.PAUSE, 0.0, ONE), lost()) == []


def test_silence_is_not_counted_while_our_side_does_not_read():
    greeting = CONNECT.replace(b"login", b"heart-beat:1000,0\nlogin")
    beating = CONNECTED.replace(b"server", b"heart-beat:0,1000\nserver")
    first = [accepted(), come(greeting), out(beating)]
    (connection,) = of(*first, Record(Kind.PAUSE, 0.0, ONE), Record(Kind.RESUME, 8.0, ONE), lost(time=9.0))
    assert connection.error is None
    assert kinds(connection) == ["ConnectRequest", "Closed", "Ending"]
    (connection,) = of(*first, lost(time=9.0))
    assert connection.events[1][1].reason.value == "heartbeat-timeout"


def test_a_websocket_at_any_path_that_was_there():
    (connection,) = of(
        accepted(),
        come(request("GET", "/anywhere/at/all?x=1", *UPGRADE, "Origin: https://page.example")),
        out(SWITCHING),
        come(data_frame(TEXT, CONNECT, MASK)),
        out(data_frame(TEXT, CONNECTED)),
        come(data_frame(TEXT, SUBSCRIBE)),
        lost(),
    )
    assert connection.transport == "websocket"
    assert kinds(connection) == ["ConnectRequest", "Closed", "Ending"]
    assert connection.error.fault is LinkFault.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("origin", "answer", "status"),
    [
        ("https://evil.example", "403 Forbidden", 403),
        ("http://example.org", "421 Misdirected Request", 421),  # as the Host header, which others chose
    ],
)
def test_who_was_refused_is_refused(origin: str, answer: str, status: int):
    (connection,) = of(
        accepted(),
        come(request("GET", "/ws", *UPGRADE, f"Origin: {origin}")),
        out(response(answer, body=b"")),
        lost(),
    )
    (ending,) = [event for _, event in connection.events]
    assert isinstance(ending, Ending)
    assert ending.status == status
    assert connection.transport == "none"


def test_where_nothing_was_is_nothing():
    asked = come(request("GET", "/nowhere", *UPGRADE))
    assert of(accepted(), asked, out(response("404 Not Found", body=b"")), lost()) == []


@pytest.mark.parametrize("origin", ["null", "nonsense"])
def test_origins_that_are_none_let_nobody_in(origin: str):
    connections = of(
        accepted(), come(request("GET", "/ws", *UPGRADE, f"Origin: {origin}")), out(SWITCHING), lost()
    )
    assert all(connection.transport == "none" for connection in connections)


@pytest.mark.parametrize("number", [5, 6])
def test_sessions_over_xhr(number: int):
    (connection,) = replay(read(capture_of(SCENES[number], role="server"))).connections
    assert connection.transport == SCENES[number].name
    assert kinds(connection)[:3] == ["ConnectRequest", "Subscribe", "Send"]


def test_two_sessions_on_one_stream_stay_apart():
    def ask(session: str, kind: str, body: bytes = b"") -> Record:
        return come(request("POST", f"/stomp/000/{session}/{kind}", body=body))

    other = SESSION[::-1]
    records = [accepted()]
    for session in (SESSION, other):
        records += [ask(session, "xhr"), out(response("200 OK", body=b"o\n"))]
        records += [ask(session, "xhr_send", encode_array([CONNECT])), out(response("204 No Content"))]
    first, second = of(*records, lost(time=60.0))
    assert {first.name, second.name} == {f"/stomp/000/{SESSION}", f"/stomp/000/{other}"}
    assert kinds(first)[0] == kinds(second)[0] == "ConnectRequest"
    assert kinds(first)[-1] == "Ending"


@pytest.mark.parametrize("whole", [True, False])
def test_a_session_that_outlives_its_streams_ends_with_the_capture(whole: bool):
    asked = come(request("POST", f"/stomp/000/{SESSION}/xhr"))
    (connection,) = of(accepted(), asked, lost(), *[Record(Kind.END)] * whole)
    assert kinds(connection) == (["Closed", "Ending"] if whole else [])


def test_frames_of_somebody_unknown_are_passed_over():
    assert of(accepted(), out(CONNECTED + b"\n"), lost()) == []


def test_what_is_said_to_who_is_going_is_passed_over():
    (connection,) = of(
        accepted(),
        come(CONNECT + b"NONSENSE\n\n\0"),
        out(CONNECTED),
        out(b"ERROR\nmessage:no\n\n\0\n"),
        Record(Kind.CLOSE, 0.0, ONE),
        out(b"\n"),
        lost(),
    )
    assert connection.error.fault is Fault.MALFORMED_COMMAND


def test_requests_that_are_none_and_bases_at_the_root():
    lines = of(
        accepted(),
        come(
            request("GET", "/info")
            + request("GET", f"/000/{SESSION}/websocket")
            + request("GET", "http://h/x")
        ),
        out(response("200 OK", body=b"{}") + response("200 OK", body=b"") + response("400 No", body=b"")),
        lost(),
        accepted(TWO),
        come(b"GET /\r\n\r\n", TWO),
        out(b"HTTP/1.1\r\n\r\n", TWO),
        lost(TWO),
    )
    assert all(connection.transport == "none" for connection in lines)
