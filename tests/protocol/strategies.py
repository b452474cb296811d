"""What properties of the protocol are tried with: frames, streams with faults, cuts, whole conversations.

This file must not know any property.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from hypothesis import strategies as st

from stomp_sansio import Frame, Limits, Version
from stomp_sansio.protocol.commands import COMMANDS
from stomp_sansio.testing import strategies

versions = strategies.versions()
possible_frames = strategies.frames
streams = strategies.streams

ODD = "\n\r:\\\0 \tcnr\ufeff\u0085\u2028\ud800\u00e4\U0001f600"
"""Characters that somebody treats in a special way."""

texts = st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=8)
"""What an application may put into a header, be it possible or not."""

any_frames = st.builds(
    Frame,
    st.sampled_from([*COMMANDS, "SEND", "SEND", "MESSAGE", "send", "", "SEND\n", "PING"]),
    st.lists(st.tuples(texts, texts), max_size=5),
    strategies.bodies(),
)
"""Frames that an application may ask for, be they possible or not."""


FAULTS = (
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b":",
        b"\\",
        b"\\t",
        b"\\\\",
        b"\xff",
        b"\xe2\x82",
        b"a",
        b"a:b\n",
        b":b\n",
    ),
    *(b"content-length:3\n", b"content-length:+3\n", b"content-length:9999999999\n", b"receipt:r\n", b"\n\n"),
)


def faulty_streams(version: Version) -> st.SearchStrategy[bytes]:
    """Make streams in which some octets were put in, or taken out."""

    def spoil(stream: bytes, faults: list[tuple[int, int, bytes]]) -> bytes:
        for place, length, what in faults:
            place %= len(stream) + 1
            stream = stream[:place] + what + stream[place + length :]
        return stream

    fault = st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from((b"", *FAULTS)))
    cut_off = st.tuples(st.integers(0, 400), st.just(1_000), st.just(b""))
    return st.builds(spoil, streams(version), st.lists(st.one_of(fault, fault, fault, cut_off), max_size=3))


sizes = st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any)
"""How large the pieces of a stream shall be, over and over."""


def cut(octets: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Cut octets into pieces of these sizes, some of which may be empty."""
    position = 0
    for size in cycle(sizes):
        if position >= len(octets):
            return
        yield octets[position : position + size]
        position += size


SMALL = Limits(max_command_line=12, max_line=30, max_headers=4, max_header_block=70, max_body=24)
"""Limits that most streams of these strategies meet."""

TINY = Limits(max_command_line=4, max_line=6, max_headers=1, max_header_block=8, max_body=2)

limits = st.sampled_from([Limits(), SMALL, TINY])
