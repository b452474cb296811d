"""Reads what a connection wrote, by the shortest decoder that does, and compares it with a vector.

It shares no code with the engine, so that the engine is not its own judge. This file must not know steps, nor
events.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.vectors_format import Failure, Pairs, Vector, header_pairs

__all__ = ["check_heartbeats", "check_match", "check_written", "read_written"]

ESCAPES = {"\\n": "\n", "\\c": ":", "\\\\": "\\", "\\r": "\r"}
NEVER_ESCAPED = {"CONNECT", "STOMP", "CONNECTED"}


class Written(NamedTuple):
    """Frames that were written, and the EOLs outside them."""

    frames: list[tuple[str, Pairs, bytes]]
    """Command, unescaped header pairs in order, body."""
    eols: int


def read_written(octets: bytes, version: str | None) -> Written:
    """Decode what our side wrote. `version` is what was negotiated, None before: then nothing was escaped.

    Raises:
        Failure: the octets are no sequence of whole frames and LFs.
    """
    frames: list[tuple[str, Pairs, bytes]] = []
    eols = at = 0
    while at < len(octets):
        if octets[at : at + 1] == b"\n":
            eols, at = eols + 1, at + 1
            continue
        end_of_head = octets.find(b"\n\n", at)
        if end_of_head < 0:
            raise Failure(f"wrote {octets[at:]!r}, which is no whole frame")
        command, *lines = octets[at:end_of_head].decode("utf-8").split("\n")
        escaped = version not in (None, "1.0") and command not in NEVER_ESCAPED
        pairs = [_pair(line, escaped) for line in lines]
        start = end_of_head + 2
        length = dict(reversed(pairs)).get("content-length")
        end = octets.find(b"\0", start) if length is None else start + int(length)
        if octets[end : end + 1] != b"\0" or end < 0:
            raise Failure(f"wrote {octets[at:]!r}, whose NUL is not where it belongs")
        frames.append((command, pairs, octets[start:end]))
        at = end + 1
    return Written(frames, eols)


def _pair(line: str, escaped: bool) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise Failure(f"wrote the header line {line!r} without a colon")
    return (_unescape(name), _unescape(value)) if escaped else (name, value)


def _unescape(text: str) -> str:
    return re.sub(r"\\.", lambda found: ESCAPES[found[0]], text)


def check_written(written: bytes, expected: bytes, version: str | None) -> str | None:
    """Compare what was written with a `sent` step: the same frames and as many EOLs; headers in any order.

    Returns None, or a remark when the octets are not the canonical ones.

    Raises:
        Failure: other frames, or another number of EOLs.
    """
    got, want = read_written(written, version), read_written(expected, version)
    if _comparable(got) != _comparable(want):
        raise Failure(f"wrote {written!r}, expected {expected!r}")
    if written != expected:
        return f"wrote {written!r}, canonical is {expected!r}"
    return None


def _comparable(written: Written) -> tuple[list[tuple[str, Pairs, bytes]], int]:
    return [(command, sorted(pairs), body) for command, pairs, body in written.frames], written.eols


def check_match(written: bytes, expected: list[Vector], version: str | None) -> None:
    """Compare what was written with a `sent_match` step: these frames, with the listed headers.

    Raises:
        Failure: other commands, or a listed header is absent or differs.
    """
    got = read_written(written, version)
    commands, wanted = [frame[0] for frame in got.frames], [frame["command"] for frame in expected]
    if commands != wanted or got.eols:
        raise Failure(f"wrote {written!r}, expected the frames {wanted}")
    for (command, pairs, _), frame in zip(got.frames, expected, strict=True):
        first_values = dict(reversed(pairs))
        for name, value in header_pairs(frame["headers"], "headers"):
            if first_values.get(name) != value:
                raise Failure(f"wrote {command} with {name}={first_values.get(name)!r}, expected {value!r}")


def check_heartbeats(written: bytes, bounds: Vector) -> None:
    """Compare what was written with a `sent_heartbeats` step: LFs alone, as many as its bounds allow.

    Raises:
        Failure: something else, too few or too many.
    """
    if written.strip(b"\n"):
        raise Failure(f"wrote {written!r}, expected heart-beats alone")
    if not bounds["min"] <= len(written) <= bounds["max"]:
        raise Failure(f"wrote {len(written)} heart-beats, expected {bounds['min']} to {bounds['max']}")
