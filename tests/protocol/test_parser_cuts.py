"""However octets are cut, a parser says the same: tried at limits that nearly every stream meets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Fault, FrameParser, Limits, RemoteProtocolError, Version

SMALL = Limits(max_command_line=12, max_line=20, max_header_block=60, max_headers=5, max_body=30)

PIECES = [
    *(b"SEND\n", b"MESSAGE\n", b"CONNECT\n", b"ERROR\r\n", b"nonsense\n", b"xxxxx", b"\xff:a\n"),
    *(
        b"a:b\n",
        b"a:bb\r\n",
        b"r\\n:\\c\n",
        b"\\t:x\n",
        b"receipt:1\n",
        b"long:yyyyyyyyyyyyyyy\n",
        b"no colon\n",
    ),
    *(b"\n", b"\n\n", b"\r\n", b"\r", b"\0", b"content-length:3\n", b"content-length:31\n", b"abc\0"),
    b"SEND\n\nhello\0",
    b"SEND\n" + 4 * b"aa:bbbbbbbbbbbbbb\n" + b"\n\0",
]


def hear(chunks: list[bytes], version: Version | None, *, tolerant: bool = False) -> tuple[object, ...]:
    """Return all that a parser says of a stream."""
    parser = FrameParser(version, SMALL, tolerant=tolerant)
    frames: list[object] = []
    try:
        for chunk in chunks:
            parser.receive_data(chunk)
            while (frame := parser.next_frame()) is not None:
                frames.append((frame.command, frame.headers.pairs, frame.body))
    except RemoteProtocolError as error:
        return frames, parser.heartbeats, error.fault, str(error), error.receipt
    return frames, parser.heartbeats, parser.pending


def octet_by_octet(octets: bytes) -> list[bytes]:
    return [octets[at : at + 1] for at in range(len(octets))]


@given(
    octets=st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join),
    version=st.sampled_from([None, *Version]),
    tolerant=st.booleans(),
    places=st.lists(st.integers(0, 200), max_size=4),
)
def test_any_cut_gives_the_same(octets: bytes, version: Version | None, tolerant: bool, places: list[int]):
    edges = sorted([0, *(min(place, len(octets)) for place in places), len(octets)])
    whole = hear([octets], version, tolerant=tolerant)
    assert hear(octet_by_octet(octets), version, tolerant=tolerant) == whole
    assert hear([octets[start:end] for start, end in pairwise(edges)], version, tolerant=tolerant) == whole


@pytest.mark.parametrize("version", [None, *Version])
@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"SEND\n" + 4 * b"aa:bbbbbbbbbbbbbb\n" + b"\n\0", "limit-headers"),
        (b"SEND\n" + b"a:" + 99 * b"b" + b"\n\n\0", "limit-line"),
        (99 * b"X" + b"\n\n\0", "limit-line"),
        (b"no\n" + 99 * b"a" + b"\n\n\0", "malformed-command"),
    ],
)
def test_a_head_that_is_too_large_is_refused_at_once_though_its_blank_line_came_with_it(
    octets: bytes, fault: str, version: Version | None
):
    heard = hear([octets], version)
    assert heard[2] == Fault(fault)
    assert hear(octet_by_octet(octets), version) == heard


@pytest.mark.parametrize("cut", [octet_by_octet, lambda octets: [octets]])
def test_a_cr_before_the_cr_of_a_line_end_waits_for_the_blank_line_as_all_header_faults_do(cut):
    assert hear(cut(b"ERROR\r\n\r\r\n"), Version.V1_2) == ([], 0, True)
    assert hear(cut(b"ERROR\r\n\r\r\n\n"), Version.V1_2)[2] is Fault.BAD_HEADER
