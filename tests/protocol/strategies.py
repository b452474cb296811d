"""What properties of the protocol are tried with: frames, streams with faults, cuts, whole conversations.

This file must not know any property.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from hypothesis import strategies as st

from stomp_sansio import Frame, Limits, Version, encode
from stomp_sansio.protocol.commands import COMMANDS

versions = st.sampled_from(list(Version))

ODD = "\n\r:\\\0 \tcnr\ufeff\u0085\u2028\ud800\u00e4\U0001f600"
"""Characters that somebody treats in a special way."""

texts = st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=8)
"""What an application may put into a header, be it possible or not."""

bodies = st.one_of(st.binary(max_size=20), st.sampled_from([b"\0", b"\n", b"a\0b\n\n\0", b"\xff" * 300]))

any_frames = st.builds(
    Frame,
    st.sampled_from([*COMMANDS, "SEND", "SEND", "MESSAGE", "send", "", "SEND\n", "PING"]),
    st.lists(st.tuples(texts, texts), max_size=5),
    bodies,
)
"""Frames that an application may ask for, be they possible or not."""


def possible_text(version: Version, *, name: bool = False, raw: bool = False) -> st.SearchStrategy[str]:
    """Make names or values that a version can represent; `raw`, without its escapes."""
    raw = raw or version is Version.V1_0
    never = "\0\ud800"
    if raw:
        never += "\n\r" + (":" if name else "")
    elif version is Version.V1_1:
        never += "\r"
    alphabet = st.one_of(
        st.sampled_from([character for character in ODD if character not in never]),
        st.characters(exclude_characters=never, codec="utf-8"),
    )
    made = st.text(alphabet, min_size=1 if name else 0, max_size=8)
    if raw and not name:
        return made.map(lambda text: text.lstrip(" \t"))
    return made


def possible_frames(version: Version) -> st.SearchStrategy[Frame]:
    """Make frames that a version can represent, of every command that it has."""

    def of(command: str) -> st.SearchStrategy[Frame]:
        raw = command in ("CONNECT", "STOMP", "CONNECTED")
        names = possible_text(version, name=True, raw=raw).filter(lambda name: name != "content-length")
        pairs = st.lists(st.tuples(names, possible_text(version, raw=raw)), max_size=5)
        return st.builds(
            Frame, st.just(command), pairs, bodies if COMMANDS[command].has_body else st.just(b"")
        )

    commands = [command for command, rules in COMMANDS.items() if version in rules.versions]
    return st.sampled_from(commands).flatmap(of)


def streams(version: Version) -> st.SearchStrategy[bytes]:
    """Make streams of whole frames with heart-beats between them."""
    eols = st.integers(0, 3).map(lambda count: b"\n" * count)
    frames = possible_frames(version).map(lambda frame: encode(frame, version))
    return st.lists(st.one_of(frames, frames, eols), max_size=4).map(b"".join)


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
