"""HTTP exchanges on one stream: what h11 reads, within limits, the same however the octets are cut."""

from __future__ import annotations

from dataclasses import replace

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.http_client import (
    HttpClient,
    ResponseData,
    ResponseEnd,
    ResponseEvent,
    ResponseHead,
    ResponseHeads,
)
from stomp_sansio.protocol.limits import Limits
from tests.links.http_help import HttpServer

LIMITS = Limits.client()
FIELDS = [(b"Host", b"h")]
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

Heard = tuple[list[object], tuple[object, str] | None]


def drain(client: HttpClient) -> Heard:
    """Take what there is: head, joined data, end; and the error, which stays."""
    events: list[ResponseEvent] = []
    fault: RemoteProtocolError | None = None
    try:
        while (event := client.next_event()) is not None:
            events.append(event)
    except RemoteProtocolError as error:
        fault = error
    if fault is None:
        return joined(events), None
    assert not client.idle
    with pytest.raises(RemoteProtocolError) as again:
        client.next_event()
    assert again.value is fault
    client.receive_data(b"more")
    client.receive_eof()
    return joined(events), (fault.fault, str(fault))


def joined(events: list[ResponseEvent]) -> list[object]:
    facts: list[object] = []
    for event in events:
        if isinstance(event, ResponseData) and facts and isinstance(facts[-1], bytes):
            facts[-1] += event.data
        elif isinstance(event, ResponseData):
            facts.append(event.data)
        elif isinstance(event, ResponseHead):
            facts.append(event.status)
        else:
            facts.append("end")
    return facts


def answered(octets: bytes, cut: int | None = None, *, eof: bool = False, limits: Limits = LIMITS) -> Heard:
    """What a client makes of the answer to one request."""
    client = HttpClient(limits)
    client.request("GET", "/", FIELDS)
    step = cut or len(octets) or 1
    facts: list[object] = []
    fault: tuple[object, str] | None = None
    for start in range(0, len(octets), step):
        client.receive_data(octets[start : start + step])
        more, fault = drain(client)
        facts = merged(facts, more)
        if fault is not None:
            return facts, fault
    if eof:
        client.receive_eof()
        more, fault = drain(client)
        facts = merged(facts, more)
    return facts, fault


def merged(facts: list[object], more: list[object]) -> list[object]:
    if facts and more and isinstance(facts[-1], bytes) and isinstance(more[0], bytes):
        return [*facts[:-1], facts[-1] + more[0], *more[1:]]
    return facts + more


def test_a_request_and_its_response():
    client, server = HttpClient(LIMITS), HttpServer()
    assert client.idle
    (asked,) = server.asked(client.request("POST", "/a?b=c", [*FIELDS, (b"Content-Length", b"5")], b"hello"))
    assert (asked.method, asked.target, asked.body) == ("POST", "/a?b=c", b"hello")
    assert not client.idle
    client.receive_data(server.response(200, b"world", [("X-A", "1"), ("x-a", "2")]))
    head = client.next_event()
    assert isinstance(head, ResponseHead)
    assert head.status == 200
    assert head.get_all("x-a") == ["1", "2"]
    assert drain(client) == ([b"world", "end"], None)
    assert client.idle


def test_one_exchange_after_the_other():
    client, server = HttpClient(LIMITS), HttpServer()
    for number in range(3):
        (asked,) = server.asked(client.request("GET", f"/{number}", FIELDS))
        assert asked.target == f"/{number}"
        client.receive_data(server.response(204))
        assert drain(client) == ([204, "end"], None)
    assert client.idle


def test_a_head_shows_no_credentials():
    head = ResponseHead(302, (("set-cookie", "CANARY"), ("location", "/x"), ("location", "/y")))
    assert "CANARY" not in repr(head)
    assert "location: /x" in repr(head)
    assert head.location == "/x"
    assert ResponseHead(200, ()).location is None


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_server_that_does_not_keep_the_connection(answer: bytes):
    client = HttpClient(LIMITS)
    client.request("GET", "/", FIELDS)
    client.receive_data(answer)
    assert drain(client) == ([200, "end"], None)
    assert client.ended
    assert not client.idle


def test_a_server_that_closes_while_nothing_is_asked():
    client = HttpClient(LIMITS)
    client.receive_eof()
    assert drain(client) == ([], None)
    assert not client.idle


def test_a_client_may_say_that_it_closes():
    client = HttpClient(LIMITS)
    client.request("GET", "/", [*FIELDS, (b"Connection", b"close")])
    client.receive_data(OK + b"Content-Length: 0\r\n\r\n")
    assert drain(client) == ([200, "end"], None)
    assert client.ended


GOOD = [
    (OK + b"Content-Length: 5\r\n\r\nhello", [200, b"hello", "end"]),
    (OK + b"Content-Length: 0\r\n\r\n", [200, "end"]),
    (b"HTTP/1.1 204 No\r\n\r\n", [204, "end"]),
    (b"HTTP/1.1 404\nContent-Length: 1\n\nx", [404, b"x", "end"]),
    (
        b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
        [200, b"x", "end"],
    ),
    (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", [200, b"hello", "end"]),
    (CHUNKED + b"2;a=b\r\nhe\r\n003\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", [200, b"hello", "end"]),
    (CHUNKED + b"1000\r\n" + b"x" * 4096 + b"\r\n1000\r\n" + b"y" * 4096, [200, b"x" * 4096 + b"y" * 4096]),
]


@pytest.mark.parametrize("cut", [None, 1, 3, 4095, 4097])
@pytest.mark.parametrize(("answer", "expected"), GOOD)
def test_good_answers(answer: bytes, expected: list[object], cut: int | None):
    assert answered(answer, cut) == (expected, None)


@pytest.mark.parametrize("cut", [None, 1])
def test_a_body_without_a_length_ends_with_the_stream(cut: int | None):
    assert answered(OK + b"\r\nhello", cut) == ([200, b"hello"], None)
    assert answered(OK + b"\r\nhello", cut, eof=True) == ([200, b"hello", "end"], None)


BROKEN = [
    (b"\x16\x03\x01\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (b"SSH-2.0-OpenSSH_9.2\r\n", [], LinkFault.PROTOCOL_ERROR),
    (b"\x00" * 30, [], LinkFault.PROTOCOL_ERROR),
    (b"\r\n" + OK, [], LinkFault.PROTOCOL_ERROR),
    (b"HTTP/1.1 101 Switch\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (b"HTTP/1.1 000 x\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (OK + b"Content-Length: x\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (OK + b"Transfer-Encoding: gzip\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (OK + b"Set-Cookie CANARY\r\n\r\n", [], LinkFault.PROTOCOL_ERROR),
    (CHUNKED + b"x\r\nCANARY", [200], LinkFault.PROTOCOL_ERROR),
    (CHUNKED + b"1\r\naCANARY\r\n", [200, b"a"], LinkFault.PROTOCOL_ERROR),
    (CHUNKED + b"0\r\nbad trailer\r\n\r\n", [200], LinkFault.PROTOCOL_ERROR),
    (CHUNKED + b"0\r\n\r\nCANARY", [200, "end"], LinkFault.PROTOCOL_ERROR),
    (OK + b"Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", [200, "end"], LinkFault.PROTOCOL_ERROR),
    (b"HTTP/1.1 100 C\r\n\r\n" * 9, [], LinkFault.LIMIT),
    (OK + b"a: b\r\n" * 129, [], LinkFault.LIMIT),
    (OK + b"a: " + b"b" * 2**16, [], LinkFault.LIMIT),
    (OK + b"a: " + b"b" * 2**20 + b"\r\n\r\n", [], LinkFault.LIMIT),
    (OK + b"a: b\r\n" * 30_000 + b"\r\n", [], LinkFault.LIMIT),
    (CHUNKED + b"1;" + b"x" * 5000 + b"\r\na", [200], LinkFault.LIMIT),
    (CHUNKED + b"1\r\na\r\n1;" + b"x" * 9000, [200, b"a"], LinkFault.LIMIT),
    (CHUNKED + b"0\r\n" + b"a: b\r\n" * 1000 + b"\r\n", [200], LinkFault.LIMIT),
]


@pytest.mark.parametrize("cut", [None, 1000, 7])
@pytest.mark.parametrize(("answer", "events", "fault"), BROKEN)
def test_broken_answers(answer: bytes, events: list[object], fault: LinkFault, cut: int | None):
    heard, error = answered(answer, cut)
    assert heard == events
    assert error is not None
    assert error[0] is fault
    assert "CANARY" not in error[1]
    assert answered(answer) == (heard, error)


SHORT = [
    (b"", [], LinkFault.CLOSED_ABNORMALLY),
    (b"HTTP/1.1", [], LinkFault.TRUNCATED),
    (b"SSH-2.0", [], LinkFault.PROTOCOL_ERROR),
    (b"HTTP/1.1 100 C\r\n\r\nSSH", [], LinkFault.PROTOCOL_ERROR),
    (b"HTTP/1.1 100 C\r\n\r\n", [], LinkFault.CLOSED_ABNORMALLY),
    (b"HTTP/1.1 100 C\r\n\r\nHTTP", [], LinkFault.TRUNCATED),
    (OK + b"Content-Length: 5\r\n\r\nhell", [200, b"hell"], LinkFault.TRUNCATED),
    (CHUNKED, [200], LinkFault.TRUNCATED),
    (CHUNKED + b"5", [200], LinkFault.TRUNCATED),
    (CHUNKED + b"5\r\nhe", [200, b"he"], LinkFault.TRUNCATED),
    (CHUNKED + b"2\r\nhe\r\n0\r\n", [200, b"he"], LinkFault.TRUNCATED),
]


@pytest.mark.parametrize("cut", [None, 1])
@pytest.mark.parametrize(("answer", "events", "fault"), SHORT)
def test_a_stream_that_ends_too_early(answer: bytes, events: list[object], fault: LinkFault, cut: int | None):
    assert answered(answer, cut)[1] is None
    heard, error = answered(answer, cut, eof=True)
    assert heard == events
    assert error is not None
    assert error[0] is fault


@pytest.mark.parametrize("octets", [4090, 4096, 4097, 4098, 4100, 5000])
def test_the_limit_of_a_chunks_head_does_not_depend_on_the_cut(octets: int):
    head = b"1;" + b"x" * (octets - 4) + b"\r\n"
    assert len(head) == octets
    answer = CHUNKED + b"3\r\nabc\r\n" + head + b"d\r\n0\r\n\r\n"
    verdicts = {str(answered(answer, cut)) for cut in (None, 1, 2, 1000, 4096, 5000)}
    assert len(verdicts) == 1
    assert ("LIMIT" in verdicts.pop()) is (octets > 4097)


def test_octets_that_came_early_answer_the_next_request():
    client = HttpClient(LIMITS)
    client.request("GET", "/1", FIELDS)
    second = OK + b"Content-Length: 1\r\n\r\n2"
    client.receive_data(OK + b"Content-Length: 1\r\n\r\n1" + second)
    assert [type(client.next_event()) for _ in range(3)] == [ResponseHead, ResponseData, ResponseEnd]
    assert client.idle
    client.request("GET", "/2", FIELDS)
    assert drain(client) == ([200, b"2", "end"], None)
    assert client.idle


def test_early_octets_in_the_same_piece_of_a_chunked_body():
    client = HttpClient(LIMITS)
    client.request("GET", "/1", FIELDS)
    client.receive_data(CHUNKED + b"1\r\na\r\n0\r\n\r\n" + OK)
    for _ in range(3):
        client.next_event()
    client.request("GET", "/2", FIELDS)
    client.receive_data(b"Content-Length: 0\r\n\r\n")
    assert drain(client) == ([200, "end"], None)


def test_octets_that_answer_nothing_are_a_fault():
    client = HttpClient(LIMITS)
    client.receive_data(b"")
    assert drain(client) == ([], None)
    client.receive_data(b"x")
    assert drain(client)[1] is not None


def test_the_limits_of_a_head_are_those_that_were_given():
    limits = replace(LIMITS, max_http_headers=2, max_http_header_block=100)
    assert answered(OK + b"a: b\r\nContent-Length: 0\r\n\r\n", limits=limits) == ([200, "end"], None)
    assert answered(OK + b"a: b\r\na: b\r\na: b\r\n\r\n", limits=limits)[1] is not None


def test_heads_name_who_speaks():
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=FIELDS))
    heads = ResponseHeads(connection, LIMITS, who="The proxy", fault=LinkFault.BAD_HANDSHAKE)
    heads.receive(b"what?\r\n\r\n")
    assert heads.pending
    with pytest.raises(RemoteProtocolError, match="The proxy") as raised:
        heads.next_response()
    assert raised.value.fault is LinkFault.BAD_HANDSHAKE


PIECES = [
    OK,
    CHUNKED,
    b"HTTP/1.1 204 x\r\n",
    b"HTTP/1.0 200 x\r\n",
    b"HTTP/1.1 100 x\r\n\r\n",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"\r\n",
    b"\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"abc",
    b"\x00",
    b";",
]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=10), st.integers(1, 20), st.booleans()
)
def test_the_cut_never_matters(pieces: list[bytes], cut: int, eof: bool):
    octets = b"".join(pieces)
    assert answered(octets, cut, eof=eof) == answered(octets, eof=eof)
    assert answered(octets, 1, eof=eof) == answered(octets, eof=eof)
