"""Bodies in chunks: what they hold and where they end, whatever the cut, and what is refused at once."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.chunked import BadChunks, ChunkedBody
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits(max_message_fragments=4, max_http_headers=2, max_http_header_block=40)

Verdict = tuple[bytes, bytes] | tuple[int, str]


def read(octets: bytes, cuts: list[int] | None = None, *, max_body: int = 5_000) -> Verdict | None:
    """Return a body and what followed, or how it was refused, or None when it did not end."""
    chunked = ChunkedBody(LIMITS, max_body=max_body)
    places: list[int] = sorted({0, len(octets)}.union(cuts or []))
    for number, start in enumerate(places[:-1]):
        try:
            whole = chunked.receive(octets[start : places[number + 1]])
        except BadChunks as error:
            return error.status, str(error)
        if whole:
            return bytes(chunked.body), chunked.rest + octets[places[number + 1] :]
    return None


def whatever_the_cut(octets: bytes, max_body: int = 5_000) -> Verdict | None:
    verdict = read(octets, max_body=max_body)
    assert read(octets, list(range(len(octets))), max_body=max_body) == verdict
    return verdict


@pytest.mark.parametrize(
    ("octets", "body", "rest"),
    [
        (b"0\r\n\r\n", b"", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello", b""),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", b""),
        (b"A;a=b\r\n0123456789\r\n000\r\n\r\nGET / HTTP/1.1", b"0123456789", b"GET / HTTP/1.1"),
        (b"1 \t\r\n\n\r\n0\r\n\r\n", b"\n", b""),
        (b"0000000000000001\r\nx\r\n0;last\r\nA: b\r\nOrigin: c\r\n\r\n\r\n", b"x", b"\r\n"),
        (b"1;" + b"x" * 1_022 + b"\r\ny\r\n0\r\n\r\n", b"y", b""),
        (b"0\r\n" + b"a" * 38 + b"\r\n\r\n", b"", b""),
    ],
)
def test_a_body_is_read_to_its_end_and_no_further(octets: bytes, body: bytes, rest: bytes) -> None:
    assert whatever_the_cut(octets) == (body, rest)


@pytest.mark.parametrize("octets", [b"", b"5", b"5\r\nhell", b"5\r\nhello\r", b"0\r\n", b"0\r\nA: b\r\n\r"])
def test_what_is_not_whole_waits(octets: bytes) -> None:
    assert whatever_the_cut(octets) is None


@pytest.mark.parametrize(
    ("octets", "status", "why"),
    [
        (b"\r\n", 400, "no hexadecimal number"),
        (b"x\r\n", 400, "no hexadecimal number"),
        (b"0x1\r\n", 400, "no hexadecimal number"),
        (b"+1\r\n", 400, "no hexadecimal number"),
        (b"-1\r\n", 400, "no hexadecimal number"),
        (b"1_0\r\n", 400, "no hexadecimal number"),
        (b" 1\r\n", 400, "no hexadecimal number"),
        (b"\xd9\xa1\r\n", 400, "no hexadecimal number"),
        (b"00000000000000001\r\n", 400, "no hexadecimal number"),
        (b"1\nx", 400, "CR and LF"),
        (b"1;\nx\r\n", 400, "CR and LF"),
        (b"1\r\nx\n", 400, "CR and LF"),
        (b"0\r\n\n", 400, "CR and LF"),
        (b"1\r\nxy\r\n", 400, "more octets than it announced"),
        (b"1\r\nx\ry", 400, "more octets than it announced"),
        (b"1\r\nx5\r\n", 400, "more octets than it announced"),
        (b"1\r\nxy\n", 400, "CR and LF"),
        (b"1;" + b"x" * 1_025, 400, "more than 1024 octets"),
        (b"ffffffffffffffff\r\n", 413, "The body has more than 5000 octets"),
        (b"1389\r\n", 413, "The body has more than 5000 octets"),
        (b"1\r\nx\r\n" * 4 + b"1\r\n", 413, "more than 4 chunks"),
        (b"0\r\na\r\nb\r\nc\r\n", 431, "behind the last chunk"),
        (b"0\r\n" + b"a" * 42, 431, "behind the last chunk"),
        (b"0\r\n" + b"a" * 18 + b"\r\n" + b"b" * 22, 431, "behind the last chunk"),
    ],
)
def test_what_is_none_or_too_much_is_refused_as_soon_as_that_is_certain(
    octets: bytes, status: int, why: str
) -> None:
    verdict = whatever_the_cut(octets)
    assert verdict is not None
    assert verdict[0] == status
    assert isinstance(verdict[1], str)
    assert why in verdict[1]
    assert whatever_the_cut(octets[:-1]) is None or why != "The body has more than 5000 octets"


def test_who_has_more_to_say_may_have_more_chunks() -> None:
    chunk = b"258\r\n" + b"x" * 600 + b"\r\n"
    assert whatever_the_cut(chunk * 8 + b"0\r\n\r\n") == (b"x" * 4_800, b"")
    verdict = whatever_the_cut(chunk * 4 + b"1\r\nx\r\n" * 3)
    assert verdict == (413, "The body came in more than 6 chunks")


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=30), max_size=4),
    rest=st.binary(max_size=10),
    cuts=st.lists(st.integers(0, 200), max_size=5),
)
def test_it_reads_what_h11_reads(chunks: list[bytes], rest: bytes, cuts: list[int]) -> None:
    octets = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n" + rest
    other = h11.Connection(h11.SERVER)
    other.receive_data(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + octets)
    body = b""
    while not isinstance(event := other.next_event(), h11.EndOfMessage):
        body += event.data if isinstance(event, h11.Data) else b""
    inside = [cut for cut in cuts if cut < len(octets)]
    assert read(octets, inside) == (body, other.trailing_data[0]) == (b"".join(chunks), rest)


@given(octets=st.binary(max_size=60), cuts=st.lists(st.integers(0, 59), max_size=5))
def test_no_octets_make_it_stumble(octets: bytes, cuts: list[int]) -> None:
    assert read(octets, cuts) == read(octets)
