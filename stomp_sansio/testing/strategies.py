"""Hypothesis strategies: frames that a version can represent, streams of them, and every way to cut a stream.

What lives here needs `hypothesis`, and is imported by name: `from stomp_sansio.testing import strategies`. It
must not know what is tried with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from ..protocol.commands import COMMANDS, HANDSHAKE
from ..protocol.encoder import encode
from ..protocol.frames import Frame
from ..protocol.versions import Version

__all__ = ["bodies", "cuts", "frames", "header_names", "header_values", "streams", "versions"]

# Characters that somebody treats in a special way.
_ODD = "\n\r:\\\0 \tcnr\ufeff\u0085\u2028\ud800\u00e4\U0001f600"


def versions() -> st.SearchStrategy[Version]:
    """Make versions of STOMP."""
    return st.sampled_from(list(Version))


def bodies() -> st.SearchStrategy[bytes]:
    """Make bodies: any octets, those that end frames or lines among them."""
    return st.one_of(st.binary(max_size=20), st.sampled_from([b"\0", b"\n", b"a\0b\n\n\0", b"\xff" * 300]))


def header_names(version: Version, *, command: str = "SEND") -> st.SearchStrategy[str]:
    """Make names of headers that a version can represent in a command's frames, escaped where it has to."""
    return _texts(version, command, name=True)


def header_values(version: Version, *, command: str = "SEND") -> st.SearchStrategy[str]:
    """Make values of headers that a version can represent in a command's frames."""
    return _texts(version, command, name=False)


def _texts(version: Version, command: str, *, name: bool) -> st.SearchStrategy[str]:
    # STOMP 1.2, "Value Encoding": the hand-shake has no escapes, and 1.0 has none at all.
    raw = version is Version.V1_0 or command in HANDSHAKE
    never = "\0\ud800"
    if raw:
        never += "\n\r" + (":" if name else "")
    elif version is Version.V1_1:
        never += "\r"
    alphabet = st.one_of(
        st.sampled_from([character for character in _ODD if character not in never]),
        st.characters(exclude_characters=never, codec="utf-8"),
    )
    made = st.text(alphabet, min_size=1 if name else 0, max_size=8)
    # A leading blank is padding to 1.0.
    return made.map(lambda text: text.lstrip(" \t")) if raw and not name else made


def frames(version: Version, *commands: str) -> st.SearchStrategy[Frame]:
    """Make frames that a version can represent: of these commands, or of every one that it has.

    They have any headers, and not those that their command requires: they are good for parsers and encoders,
    not for a conversation. None has a content-length: `encode` writes it.
    """
    known = [command for command, rules in COMMANDS.items() if version in rules.versions]

    def of(command: str) -> st.SearchStrategy[Frame]:
        names = header_names(version, command=command).filter(lambda name: name != "content-length")
        pairs = st.lists(st.tuples(names, header_values(version, command=command)), max_size=5)
        return st.builds(
            Frame, st.just(command), pairs, bodies() if COMMANDS[command].has_body else st.just(b"")
        )

    return st.sampled_from(commands or known).flatmap(of)


def streams(version: Version) -> st.SearchStrategy[bytes]:
    """Make streams of whole frames, with heart-beats between them."""
    beats = st.integers(0, 3).map(lambda count: b"\n" * count)
    octets = frames(version).map(lambda frame: encode(frame, version))
    return st.lists(st.one_of(octets, octets, beats), max_size=4).map(b"".join)


def cuts(octets: bytes) -> st.SearchStrategy[list[bytes]]:
    """Make pieces, some of them empty, that are the octets when put together."""

    def apart(places: Sequence[int]) -> list[bytes]:
        edges = [0, *sorted(places), len(octets)]
        return [octets[start:end] for start, end in pairwise(edges)]

    return st.lists(st.integers(0, len(octets)), max_size=8).map(apart)
