"""`StreamPassages`: a stream is HTTP or STOMP, as its first octets say."""

from __future__ import annotations

import pytest

from stomp_sansio.capture.stream_passage import StreamPassages

from .around import Around, through


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize(
    ("octets", "is_http"),
    [
        (b"GET /ws?token=abcd HTTP/1.1\r\n\r\n", True),
        (b"CONNECT example.org:1 HTTP/1.1\r\n\r\n", True),
        (b"CONNECT\nlogin:ada\n\n\0", False),
        (b"POSTER\n\n\0", False),
        (b"\n\nSTOMP\n\n\0", False),
    ],
)
def test_a_client_is_known_by_its_first_word(octets: bytes, is_http: bool, size: int):
    around = Around()
    shown = through(StreamPassages(around, 7).client, octets, size)
    assert len(shown) == len(octets)
    assert (around.conversations == [(7, True)]) is not is_http
    assert bool(around.requests) is is_http


@pytest.mark.parametrize("size", [0, 1])
def test_a_server_is_known_by_its_first_word(size: int):
    around = Around()
    assert through(StreamPassages(around, 7).server, b"HTTP/1.1 200 OK\r\n\r\n", size)
    assert around.notes == [(False, "HTTP/1.1 200 OK")]
    assert through(StreamPassages(around, 7).server, b"HTTPS\n\n\0", size) == b"HTTPS\n\n\0"
    assert around.conversations == [(7, False)]


def test_what_has_said_too_little_is_shown_at_the_end():
    passages = StreamPassages(Around(), 7)
    assert passages.client.feed(b"GE") == b""
    assert passages.client.flush() == b"GE"
    assert passages.client.flush() == b""
    assert passages.server.flush() == b""


@pytest.mark.parametrize("size", [0, 1])
def test_what_a_tunnel_carries_is_looked_at_afresh(size: int):
    around = Around()
    passages = StreamPassages(around, 7)
    connect = b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic YWRhOmh1bnRlcjI=\r\n\r\n"
    assert b"YWRh" not in through(passages.client, connect, size)
    assert through(passages.server, b"HTTP/1.1 200 Fine\r\n\r\n", size) == b"HTTP/1.1 200 Fine\r\n\r\n"
    said = through(passages.client, b"CONNECT\npasscode:hunter3\n\n\0", size)
    assert said.startswith(b"CONNECT\npasscode:xxxxxx")
    assert b"hunter2" not in through(passages.server, b"ERROR\n\nhunter2\0", size)
