"""Invariant: however a stream is cut, its frames, heart-beats and verdict are those that
`header_block.examine` explains, nothing else is raised, and what was read can be written so that it is read
again.

This file must not know connections.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from fuzz.octets import Octets, by_octet, random_cuts
from stomp_sansio import (
    Fault,
    Frame,
    FrameParser,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    Version,
    encode,
)
from stomp_sansio.protocol.header_block import Grammar, content_length, examine

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["TOKENS", "check", "strategy"]

VERSIONS = (Version.V1_2, Version.V1_1, Version.V1_0, None)
LIMITS = (
    Limits(),
    Limits(max_command_line=11, max_line=24, max_headers=4, max_header_block=64, max_body=16),
    Limits(max_command_line=5, max_line=9, max_headers=2, max_header_block=12, max_body=3),
    Limits(max_command_line=1, max_line=1, max_headers=1, max_header_block=1, max_body=1),
    Limits(max_line=64, max_headers=3, max_header_block=40, max_body=200),
    Limits(max_line=10, max_headers=100, max_header_block=40),
    Limits(max_command_line=40, max_line=12, max_headers=2, max_header_block=1_000, max_body=1),
    Limits(max_command_line=8, max_line=1_000, max_headers=2, max_header_block=20, max_body=100),
)
AMPLE = Limits(max_line=1 << 20, max_headers=1 << 16, max_header_block=1 << 22, max_body=1 << 22)


class Facts(NamedTuple):
    """All that a parser says of a stream. Two ways of cutting it must give equal facts."""

    frames: tuple[tuple[str, tuple[tuple[str, str], ...], bytes], ...]
    heartbeats: int
    unread: int
    verdict: tuple[object, str, str | None] | None
    at_eof: tuple[object, str, str | None] | None


def check(data: bytes) -> None:
    """Read a stream in several cuts.

    Raises:
        AssertionError: the invariant is broken.
    """
    choices = Octets(data)
    mode = choices.octet()
    version, tolerant, limits = VERSIONS[mode & 3], bool(mode & 4), LIMITS[mode >> 3 & 7]
    seed = choices.octet()
    wire = choices.rest()
    whole = listen([wire], version, limits, tolerant=tolerant)
    assert listen(by_octet(wire), version, limits, tolerant=tolerant) == whole, "octet by octet"
    cut = list(random_cuts(wire, seed))
    assert listen(cut, version, limits, tolerant=tolerant) == whole, f"cut into {cut}"
    assert listen(cut, version, limits, tolerant=tolerant, lazily=True) == whole, "asked at the end alone"
    explained = explain(wire, Grammar(version, limits, tolerant))
    verdict = whole.verdict and whole.verdict[:1] + whole.verdict[2:]
    assert (whole.frames, whole.heartbeats, verdict) == explained, f"explained as {explained}"
    for command, pairs, body in whole.frames:
        check_round_trip(Frame(command, pairs, body), version or Version.V1_2)


def listen(
    chunks: Iterable[bytes],
    version: Version | None,
    limits: Limits,
    *,
    tolerant: bool,
    lazily: bool = False,
) -> Facts:
    """Read a stream; ask for frames after each chunk, or after the last alone."""
    parser = FrameParser(version, limits, tolerant=tolerant)
    frames: list[tuple[str, tuple[tuple[str, str], ...], bytes]] = []
    verdict: tuple[object, str, str | None] | None = None

    def ask() -> tuple[object, str, str | None] | None:
        try:
            while (frame := parser.next_frame()) is not None:
                frames.append((frame.command, frame.headers.pairs, frame.body))
        except RemoteProtocolError as error:
            return error.fault, str(error), error.receipt
        return None

    for chunk in chunks:
        parser.receive_data(chunk)
        if not lazily:
            now = ask()
            assert verdict is None or now == verdict, "an error is final"
            verdict = now
    verdict = ask()
    unread = parser.unread
    assert parser.pending or not unread, "what is unread is pending"
    heartbeats = parser.heartbeats
    parser.receive_eof()
    at_eof = ask()
    if verdict is not None:
        assert at_eof == verdict, "the end of the stream changes no verdict"
    parser.receive_data(b"\n")
    assert ask() == at_eof, "nothing counts behind the end"
    assert parser.heartbeats == heartbeats, "nothing is counted behind the end"
    return Facts(tuple(frames), heartbeats, unread, verdict, at_eof)


def explain(
    wire: bytes, grammar: Grammar
) -> tuple[tuple[tuple[str, tuple[tuple[str, str], ...], bytes], ...], int, tuple[object, str | None] | None]:
    """Read a stream that is there as a whole, slowly: frames, heart-beats, and fault and receipt if any."""
    frames: list[tuple[str, tuple[tuple[str, str], ...], bytes]] = []
    heartbeats = position = 0
    crlf = grammar.version is None or grammar.version.rules.crlf
    try:
        while position < len(wire):
            if wire[position] == 10:
                heartbeats += 1
                position += 1
            elif crlf and wire[position : position + 2] == b"\r\n":
                heartbeats += 1
                position += 2
            elif crlf and wire[position:] == b"\r":
                break
            elif wire[position] == 13:
                raise RemoteProtocolError(Fault.MALFORMED_COMMAND, "")
            else:
                head = examine(wire, position, grammar)
                if head is None:
                    break
                receipt = head.headers.get("receipt")
                announced = "content-length" in head.headers
                length = content_length(head.headers, grammar.limits) if announced else None
                end = wire.find(b"\0", head.end) if length is None else head.end + length
                if length is None and (end if end >= 0 else len(wire)) - head.end > grammar.limits.max_body:
                    raise RemoteProtocolError(Fault.LIMIT_BODY, "", receipt=receipt)
                if not 0 <= end < len(wire):
                    break
                if wire[end] != 0:
                    raise RemoteProtocolError(Fault.MISSING_NUL, "", receipt=receipt)
                frames.append((head.command, head.headers.pairs, wire[head.end : end]))
                position = end + 1
    except RemoteProtocolError as error:
        return tuple(frames), heartbeats, (error.fault, error.receipt)
    return tuple(frames), heartbeats, None


def check_round_trip(frame: Frame, version: Version) -> None:
    """Write a frame that was read: refused, or read again as what it is, by the strictest reader."""
    try:
        wire = encode(frame, version)
    except LocalProtocolError:
        return
    parser = FrameParser(version, AMPLE)
    parser.receive_data(wire)
    again = parser.next_frame()
    assert again is not None, f"{wire!r} is no frame"
    assert parser.next_frame() is None, f"{wire!r} is more than one frame"
    assert not parser.pending, f"{wire!r} is more than a frame"
    pairs = list(again.headers.pairs)
    if frame.body and "content-length" not in frame.headers:
        assert pairs.pop() == ("content-length", str(len(frame.body))), f"{wire!r} announces no length"
    assert (again.command, tuple(pairs), again.body) == (frame.command, frame.headers.pairs, frame.body)


COMMAND_LINES = (
    b"SEND",
    b"MESSAGE",
    b"CONNECT",
    b"CONNECTED",
    b"STOMP",
    b"RECEIPT",
    b"ERROR",
    b"ACK",
    b"send",
)
PIECES = (
    *(
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"\n\r\n",
        b"\r",
        b"\0",
        b":",
        b"\\",
        b"\\n",
        b"\\c",
        b"\\r",
        b"\\\\",
    ),
    *(
        b"\\t",
        b"a",
        b"a:b\n",
        b"a:b\r\n",
        b"a:c\n",
        b":b\n",
        b"a: b\n",
        b"\xc3\xa4:\xff\n",
        b"\xe2\x82",
        b"nocolon\n",
    ),
    *(b"receipt:1\n", b"receipt:\\\\\n", b"version:1.2\n", b"accept-version:1.1\n", b"passcode:p\n"),
    *(b"content-length:0\n", b"content-length:3\n", b"content-length:03\n", b"content-length:+3\n"),
    *(b"content-length:99999999999999999999\n", b"\nabc\0", b"\n\0", b"\r\n\0", b"\nabcd\0", b"abc"),
)
TOKENS = (*COMMAND_LINES, *PIECES)
"""What a search may splice in."""


def strategy() -> SearchStrategy[bytes]:
    """Make streams that are nearly frames, and what says how to read them."""
    from hypothesis import strategies as st

    junk = st.binary(max_size=20)
    frame = st.builds(
        lambda command, eol, pieces: command + eol + b"".join(pieces),
        st.sampled_from(COMMAND_LINES),
        st.sampled_from([b"\n", b"\n", b"\r\n", b""]),
        st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(PIECES), junk), max_size=12),
    )
    streams = st.lists(st.one_of(frame, frame, frame, junk), max_size=4).map(b"".join)
    return st.builds(lambda first, stream: first + stream, st.binary(min_size=2, max_size=2), streams)
