"""A head that comes in pieces: read as if it had come whole, and judged as soon as it can be."""

from __future__ import annotations

import pytest

from stomp_sansio import Fault, Frame, FrameParser, Limits, RemoteProtocolError, Version

A1_0, A1_1, A1_2 = Version
SMALL = Limits(max_command_line=11, max_line=12, max_headers=3, max_header_block=40)


def pieces_of(octets: bytes, *sizes: int) -> list[bytes]:
    """Cut octets into pieces of these sizes, the last size as often as it takes."""
    pieces: list[bytes] = []
    position = 0
    while position < len(octets):
        size = sizes[min(len(pieces), len(sizes) - 1)]
        pieces.append(octets[position : position + size])
        position += size
    return pieces


def feed(parser: FrameParser, pieces: list[bytes]) -> list[Frame]:
    frames: list[Frame] = []
    for piece in pieces:
        parser.receive_data(piece)
        while (frame := parser.next_frame()) is not None:
            frames.append(frame)
    return frames


def struck_at(octets: bytes, *sizes: int, **options) -> tuple[object, int]:
    """Return the fault of a stream, and how many of its octets had come when it was told."""
    parser = FrameParser(**options)
    came = 0
    for piece in pieces_of(octets, *sizes):
        parser.receive_data(piece)
        came += len(piece)
        try:
            parser.next_frame()
        except RemoteProtocolError as error:
            return error.fault, came
    raise AssertionError("no fault")


# How it comes makes no difference

GROWING = (1, 1, 2, 4, 8, 16)
SHRINKING = (8, 4, 2, 1)
TRICKLE = (1,)
LONG_THEN_TRICKLE = (12, 1)


@pytest.mark.parametrize("sizes", [GROWING, SHRINKING, TRICKLE, LONG_THEN_TRICKLE, (3,), (5, 2)])
@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_a_head_in_pieces_is_the_head_as_a_whole(sizes: tuple[int, ...], eol: bytes):
    octets = eol.join([b"SEND", b"destination:/queue/a", b"a:b", b"", b"body\0"])
    parser = FrameParser()
    assert feed(parser, pieces_of(octets, *sizes)) == [
        Frame("SEND", {"destination": "/queue/a", "a": "b"}, b"body")
    ]
    assert not parser.pending


@pytest.mark.parametrize("sizes", [GROWING, SHRINKING, TRICKLE, LONG_THEN_TRICKLE])
def test_what_is_kept_of_a_head_is_unread_and_pending(sizes: tuple[int, ...]):
    octets = b"MESSAGE\nsubscription:0\n"
    parser = FrameParser()
    assert feed(parser, pieces_of(octets, *sizes)) == []
    assert parser.unread == len(octets)
    assert parser.pending


def test_a_nul_in_a_trickled_header_is_kept_by_a_tolerant_parser():
    octets = b"MESSAGE\na:x\0y\n\n\0"
    assert feed(FrameParser(tolerant=True), pieces_of(octets, 1)) == [Frame("MESSAGE", {"a": "x\0y"})]


def test_a_cr_that_waits_for_its_lf_is_no_head():
    parser = FrameParser()
    assert feed(parser, [b"\r", b"\n", b"\r", b"\nACK\nid:1\n\n\0"]) == [Frame("ACK", {"id": "1"})]
    assert parser.heartbeats == 2


# A fault strikes at the octet that makes it certain, in a trickle as in a piece


@pytest.mark.parametrize(
    ("octets", "fault", "at"),
    [
        (b"SENDING\n", Fault.MALFORMED_COMMAND, 8),
        (b"S\0", Fault.MALFORMED_COMMAND, 2),
        (b"UNSUBSCRIBED", Fault.LIMIT_LINE, 12),
        (b"SEND\n0123456789ab" + b"c", Fault.LIMIT_LINE, 18),
        (b"SEND\na:1\n0123456789ab" + b"c", Fault.LIMIT_LINE, 22),
        (b"SEND\na:1\na:2\na:3\na:4\n", Fault.LIMIT_HEADERS, 21),
        (b"SEND\n" + 3 * b"a:345678901\n" + b"a:34" + b"5", Fault.LIMIT_HEADERS, 47),
        (b"SEND\na:1\nb:\0", Fault.BAD_HEADER, 12),
    ],
)
@pytest.mark.parametrize("sizes", [TRICKLE, (4, 1), (3, 2, 1)])
def test_a_fault_strikes_at_its_octet(octets: bytes, fault: Fault, at: int, sizes: tuple[int, ...]):
    told, came = struck_at(octets + 40 * b"x", *sizes, limits=SMALL)
    assert told is fault
    assert at <= came < at + sizes[0]


def test_a_blank_line_of_1_2_strikes_where_lines_end_in_lf_alone():
    assert struck_at(b"SEND\na:1\n\r\n", 1, version=A1_1) == (Fault.BAD_HEADER, 11)


@pytest.mark.parametrize("sizes", [TRICKLE, (30, 6), (4,)])
def test_a_head_of_the_largest_size_is_fine(sizes: tuple[int, ...]):
    octets = b"SEND\n" + 3 * b"a:345678901\n" + b"\n\0"
    assert feed(FrameParser(limits=SMALL), pieces_of(octets, *sizes)) == [
        Frame("SEND", [("a", "345678901")] * 3)
    ]


def test_a_large_head_is_judged_before_it_is_whole_again():
    limits = Limits(max_line=100, max_header_block=60)
    octets = b"SEND\n" + 7 * b"a:345678\n" + b"\n\0"
    assert struck_at(octets, 50, 10, limits=limits)[0] is Fault.LIMIT_HEADERS
    fine = Limits(max_line=40)
    assert feed(FrameParser(limits=fine), pieces_of(octets, 50, 10)) == [Frame("SEND", [("a", "345678")] * 7)]


# Another version


@pytest.mark.parametrize("sizes", [TRICKLE, (100,)])
def test_what_there_is_of_a_head_is_judged_by_the_new_version(sizes: tuple[int, ...]):
    parser = FrameParser(A1_2)
    assert feed(parser, pieces_of(b"SEND\r\na:b", *sizes)) == []
    parser.version = A1_0
    with pytest.raises(RemoteProtocolError) as caught:
        parser.next_frame()
    assert caught.value.fault is Fault.MALFORMED_COMMAND
