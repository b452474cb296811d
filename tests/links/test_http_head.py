"""Where a head ends, and how much of one is too much, does not depend on how the octets were cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.http_head import HeadReader, head_fields, head_status, shown_start
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits(max_http_headers=3, max_http_header_block=64)


def outcome(octets: bytes, cut: int) -> tuple[list[bytes], str]:
    """All heads, and the error or what is left."""
    reader = HeadReader(LIMITS)
    heads: list[bytes] = []
    for start in range(0, len(octets), cut):
        reader.receive(octets[start : start + cut])
        try:
            while (head := reader.next_head()) is not None:
                heads.append(head)
        except RemoteProtocolError as error:
            return heads, str(error)
    return heads, repr(reader.take_rest())


@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b"a: b\r\n", b"x" * 20, b"\r", b"GET /"]), max_size=20),
    st.integers(min_value=1, max_value=9),
)
def test_any_cut_gives_the_same_heads_and_the_same_verdict(parts: list[bytes], cut: int) -> None:
    octets = b"".join(parts)
    assert outcome(octets, cut) == outcome(octets, len(octets) or 1)


@pytest.mark.parametrize("cut", [1, 3, 100])
@pytest.mark.parametrize(
    ("octets", "early", "late"),
    [
        (b"", None, None),
        (b"H", None, None),
        (b"HTTP/", None, None),
        (b"HTTP/1.1 200 OK\r\n", None, None),
        (b"\n", None, None),
        (b"SSH-2.0", None, b"SSH-2.0"),
        (b"SSH-2.0\r\nmore", b"SSH-2.0\r", b"SSH-2.0\r"),
        (b"HTTq", None, b"HTTq"),
        (b"x" * 19, None, b"x" * 19),
        (b"x" * 21, b"x" * 20, b"x" * 20),
    ],
)
def test_what_is_no_response_is_certain_at_the_same_octet_however_it_is_cut(
    octets: bytes, early: bytes | None, late: bytes | None, cut: int
) -> None:
    reader = HeadReader(LIMITS)
    seen: list[bytes | None] = [None]
    for start in range(0, len(octets), cut):
        reader.receive(octets[start : start + cut])
        seen.append(reader.foreign_start())
    assert set(seen) == {None, early}
    assert reader.foreign_start(ended=True) == late


def test_a_head_ends_at_a_blank_line_with_or_without_cr() -> None:
    reader = HeadReader(LIMITS)
    reader.receive(b"one\r\na: b\r\n\r\ntwo\n\nrest")
    assert reader.next_head() == b"one\r\na: b\r\n\r\n"
    assert reader.next_head() == b"two\n\n"
    assert reader.next_head() is None
    assert reader.pending == 4
    assert reader.take(1) == b"r"
    assert reader.take(0) == b""
    assert reader.take_rest() == b"est"
    assert reader.take(1) == b""
    assert reader.pending == 0


def test_as_many_fields_as_allowed_pass_and_one_more_does_not() -> None:
    reader = HeadReader(LIMITS)
    reader.receive(b"first\r\n" + b"a: b\r\n" * 3 + b"\r\n")
    assert reader.next_head() is not None
    reader.receive(b"first\r\n" + b"a: b\r\n" * 4 + b"\r\n")
    with pytest.raises(RemoteProtocolError, match="more than 3 header fields") as caught:
        reader.next_head()
    assert caught.value.fault is LinkFault.LIMIT
    with pytest.raises(RemoteProtocolError) as again:
        reader.next_head()
    assert again.value is caught.value


def test_a_head_of_exactly_the_largest_size_passes_and_one_octet_more_does_not() -> None:
    head = b"a" * 60 + b"\r\n\r\n"
    assert outcome(head, 1) == ([head], "b''")
    assert "larger than 64 octets" in outcome(b"a" + head, 1)[1]


def test_a_line_without_end_is_refused_as_soon_as_it_is_too_long() -> None:
    reader = HeadReader(LIMITS)
    reader.receive(b"a" * 64)
    assert reader.next_head() is None
    reader.receive(b"a")
    with pytest.raises(RemoteProtocolError, match="larger than 64 octets"):
        reader.next_head()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101),
        (b"HTTP/1.0 200\r\n\r\n", 200),
        (b"HTTP/1.1 404\n\n", 404),
        (b"HTTP/1.1 2000\r\n\r\n", None),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", None),
        (b"HTTP/2 200 OK\r\n\r\n", None),
        (b"\r\n", None),
    ],
)
def test_reads_the_status(head: bytes, status: int | None) -> None:
    assert head_status(head) == status


def test_reads_the_fields_as_they_stand() -> None:
    head = b"GET / HTTP/1.1\r\nA: 1\r\nno colon\r\na:2 \r\nB:\xff\n\r\n"
    assert head_fields(head) == [("a", "1"), ("a", "2"), ("b", "\xff")]


@pytest.mark.parametrize(
    ("head", "shown"),
    [
        (b"", "b''"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "b'SSH-2.0-OpenSSH_9.6'"),
        (b"GET /?token=canary HTTP/1.1\r\n\r\n", "b'GET'"),
        (b"<html>" + b"x" * 40, "b'<html>xxxxxxxxxxxxxx'..."),
        (b"\r\n\r\n", "b''"),
    ],
)
def test_a_head_is_shown_by_its_first_word(head: bytes, shown: str) -> None:
    assert shown_start(head) == shown
