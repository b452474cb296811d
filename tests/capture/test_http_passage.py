"""HTTP messages: heads lose their secrets, bodies are looked into, and what follows an upgrade as well."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.http_passage import LONGEST_LINE, HttpPassage, HttpTalk
from stomp_sansio.capture.passage import Passage
from stomp_sansio.links.websocket_frames import TEXT, data_frame

from .around import Around, through
from .scenes import KEY, SWITCHING, UPGRADE, request, response

SESSION = "/s/1/abcd/"


class Both:
    """Both directions of a stream."""

    def __init__(self, *known: str) -> None:
        self.around = Around(*known)
        self.tunnels = 0
        talk = HttpTalk(self.around, 7, self._tunnel)
        self.client = HttpPassage(talk, from_client=True)
        self.server = HttpPassage(talk, from_client=False)

    def _tunnel(self) -> tuple[Passage, Passage]:
        self.tunnels += 1
        return self.around.stomp("tunnel", True), self.around.stomp("tunnel", False)


def alike(shown: bytes) -> bytes:
    """Return octets without the numbers by which stand-ins are told apart."""
    return re.sub(rb"(x=?x+)[0-9]+", lambda found: found[1] + b"x" * (len(found[0]) - len(found[1])), shown)


SIZES = pytest.mark.parametrize("size", [0, 1, 6])


@SIZES
def test_a_request_with_a_body_and_the_next_one(size: int):
    both = Both("hunter2")
    octets = (
        b"\r\n"
        + request("POST", "/a", "Cookie: a=abcd", body=b"it is hunter2")
        + request("GET", "/b?token=efgh")
    )
    shown = through(both.client, octets, size)
    assert alike(shown) == octets.replace(b"a=abcd", b"x=xxxx").replace(b"hunter2", b"xxxxxxx").replace(
        b"efgh", b"xxxx"
    )
    assert [text[:7] for _, text in both.around.notes] == ["POST /a", "GET /b?"]


@SIZES
def test_an_xhr_send_has_stomp_in_it(size: int):
    both = Both()
    octets = request("POST", SESSION + "xhr_send", body=b'["SEND\\ntoken:efgh\\n\\n\\u0000"]')
    shown = through(both.client, octets, size)
    assert b"token:xxx" in shown
    assert both.around.conversations == [(b"/s/1/abcd", True)]
    assert both.around.requests == [(b"xhr_send", b"/s/1/abcd")]


@SIZES
@pytest.mark.parametrize("kind", ["xhr", "xhr_streaming"])
@pytest.mark.parametrize("chunked", [True, False])
def test_an_xhr_response_has_stomp_in_it(kind: str, size: int, chunked: bool):
    both = Both()
    through(both.client, request("POST", SESSION + kind))
    body = b'a["MESSAGE\\ntoken:efgh\\n\\n\\u0000"]\n'
    octets = response("200 OK", chunks=[body[:20], body[20:]]) if chunked else response("200 OK", body=body)
    shown = through(both.server, octets, size)
    assert len(shown) == len(octets)
    assert b"efgh" not in shown
    assert shown.count(b"x") >= octets.count(b"x") + 4 - 1
    assert both.around.conversations == [(b"/s/1/abcd", False)]


@SIZES
@pytest.mark.parametrize("status", ["404 Not Found", "200 OK"])
def test_other_responses_are_searched_for_what_is_known(status: str, size: int):
    both = Both("hunter2")
    through(both.client, request("POST", SESSION + "xhr" if status[0] == "4" else "/info"))
    octets = response(status, body=b"no, hunter2")
    assert through(both.server, octets, size) == octets.replace(b"hunter2", b"xxxxxxx")
    assert both.around.conversations == []


@SIZES
def test_a_response_without_a_length_ends_with_the_stream(size: int):
    both = Both("hunter2")
    through(both.client, request("GET", "/"))
    octets = response("200 OK") + b"hunter2\r\n\r\nHTTP/1.1 hunter2"
    assert through(both.server, octets, size) == octets.replace(b"hunter2", b"xxxxxxx")


@SIZES
@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")]
)
def test_responses_that_have_no_body(method: str, status: str, size: int):
    both = Both()
    through(both.client, request(method, "/") + request("GET", "/"))
    octets = response(status, "Content-Length: 5") + response("200 OK", body=b"token:")
    assert through(both.server, octets, size) == octets
    assert [text for _, text in both.around.notes[2:]] == [f"HTTP/1.1 {status}", "HTTP/1.1 200 OK"]


@SIZES
def test_chunks_their_extensions_and_trailers(size: int):
    both = Both("hunter2")
    through(both.client, request("GET", "/"))
    octets = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        b"7;a=b\r\nhunter2\r\n0\r\nX-Token: abcd\r\n\r\nHTTP/1.1 204 No\r\n\r\n"
    )
    shown = through(both.server, octets, size)
    assert alike(shown) == octets.replace(b"hunter2", b"xxxxxxx").replace(b"abcd", b"xxxx").replace(
        b";a=b", b";x=x"
    )
    assert both.around.notes[-1] == (False, "HTTP/1.1 204 No")


def test_a_size_that_is_none_ends_the_body():
    both = Both()
    through(both.client, request("GET", "/"))
    octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"
    assert len(through(both.server, octets)) == len(octets)


@SIZES
def test_informational_answers_answer_nothing(size: int):
    both = Both()
    through(both.client, request("GET", "/ws", *UPGRADE))
    octets = b"HTTP/1.1 100 Continue\r\n\r\n" + SWITCHING + b"\x81\x02o\n"
    assert len(through(both.server, octets, size)) == len(octets)
    assert both.around.conversations == [(7, True), (7, False)]


@SIZES
def test_what_follows_an_upgrade_is_a_websocket(size: int):
    both = Both()
    frame = data_frame(TEXT, b"CONNECT\ntoken:efgh\n\n\0\n", b"\0\0\0\0")
    assert through(both.client, request("GET", "/ws", *UPGRADE), size).count(KEY) == 1
    through(both.server, SWITCHING)
    shown = through(both.client, frame, size)
    assert alike(shown) == frame.replace(b"efgh", b"xxxx")
    through(both.client, b"\x88\x84\0\0\0\0\x03\xe8no\x89\x80\0\0\0\0\x8a\x80\0\0\0\0\x88\x80\0\0\0\0")
    assert [text for _, text in both.around.notes[2:]] == [
        "WebSocket close 1000 no",
        "WebSocket ping",
        "WebSocket pong",
        "WebSocket close",
    ]


@SIZES
def test_a_wish_that_was_refused_leaves_http(size: int):
    both = Both()
    through(both.client, request("GET", "/ws", *UPGRADE))
    through(both.server, response("403 No", body=b""))
    octets = request("GET", "/?token=efgh")
    assert through(both.client, octets, size) == octets.replace(b"efgh", b"xxxx")


@SIZES
@pytest.mark.parametrize("status", ["200 Fine", "407 No"])
def test_a_tunnel_is_one_only_if_the_proxy_says_so(status: str, size: int):
    both = Both()
    through(both.client, request("CONNECT", "h:1", "Proxy-Authorization: Basic YWRhOmh1bnRlcjI="), size)
    answer = response(status) if status[0] == "2" else response(status, body=b"")
    assert through(both.server, answer, size) == answer
    octets = b"CONNECT\ntoken:efgh\n\n\0"
    shown = through(both.client, octets, size)
    if status[0] == "2":
        assert both.tunnels == 1
        assert shown.startswith(b"CONNECT\ntoken:xxx")
        assert through(both.server, b"MESSAGE\n\nhunter2\0").endswith(b"\0")
    else:
        assert len(shown) == len(octets)


@SIZES
def test_a_line_that_is_too_long_is_hidden(size: int):
    both = Both()
    octets = b"GET / HTTP/1.1\r\nX: " + b"a" * 2 * LONGEST_LINE + b"\r\nY: b\r\n\r\n"
    shown = through(both.client, octets, size * 1000)
    assert shown == b"GET / HTTP/1.1\r\nxx " + b"x" * 2 * LONGEST_LINE + b"\r\nY: b\r\n\r\n"
    request_line = b"GET /" + b"a" * 2 * LONGEST_LINE + b" HTTP/1.1\r\n"
    shown = through(Both().client, request_line + b"\r\n", size * 1000)
    assert shown == b"xxx x" + b"x" * 2 * LONGEST_LINE + b" xxxxxxxx\r\n\r\n"


def test_a_secret_field_that_is_folded_is_hidden_whole():
    octets = b"GET / HTTP/1.1\r\nCookie: a=b;\r\n c=efgh\r\nX: y\r\n\r\n"
    assert through(Both().client, octets) == octets.replace(b"a=b", b"x=x").replace(b"c=efgh", b"x=xxxx")


def test_an_answer_to_nothing_is_read_all_the_same():
    both = Both()
    octets = response("200 OK", "Content-Length: x", body=b"abc")
    assert through(both.server, octets) == octets


def test_a_flush_in_the_middle_changes_nothing_but_when():
    head = request("GET", "/ws?token=efgh", *UPGRADE, "Cookie: a=ijkl")
    octets = head + data_frame(TEXT, b"CONNECT\ntoken:mnop\n\n\0", b"\0\0\0\0")
    for end in range(len(octets)):
        both = Both()
        first = both.client.feed(octets[:end]) + both.client.flush()
        assert len(first) == end
        rest = through(both.client, octets[end:])
        assert len(first + rest) == len(octets)
        assert not any(secret in first + rest for secret in (b"efgh", b"ijkl", b"mnop"))


@given(
    st.lists(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK\r\n",
                b"\r\n",
                b"5\r\n",
                b"GET / HTTP/1.1\r\n",
                b"Content-Length: 3\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Upgrade: websocket\r\n",
                b"a",
                b"Cookie: abcd\r\n",
            ]
        )
        | st.binary(max_size=4),
        max_size=12,
    ),
    st.integers(1, 9),
)
def test_any_octets_keep_their_number(pieces: list[bytes], size: int):
    octets = b"".join(pieces)
    for direction in ("client", "server"):
        shown = through(getattr(Both(), direction), octets, size)
        assert len(shown) == len(octets)
        assert shown == through(getattr(Both(), direction), octets)
