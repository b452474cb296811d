"""`./dev replay DIR`: replays recorded conversations with real servers, and says which octets we refuse.

A recording is a file of JSON lines, described in tests/transcripts/README.md. Time plays no part: heart-beats
are off.
This file must not know how any server behaves.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from stomp_sansio import Closed, Connection, Frame, FrameParser, Limits, RemoteProtocolError, Version
from stomp_sansio.redaction import excerpt, is_secret
from tools import piping
from tools.vectors_play import client_facts

__all__ = ["BadRecording", "Recording", "Refusal", "Verdict", "load", "main", "replay", "why_left_out"]

FIELDS = {"t", "dir", "hex", "eof", "more", "sha256", "note", "close", "shut", "dripped"}
OCTET_BY_OCTET_BELOW = 64 * 1024
RANDOM_CUTS = 3
NOW = 0.0

PASSED, FAILED, MISUSED = 0, 1, 2
"""Exit statuses."""


class BadRecording(Exception):
    """The file is not a recording."""


class DependsOnCut(Exception):
    """The same octets gave another result when they were cut otherwise: a bug of ours."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One TCP connection between a client and a server."""

    name: str
    sent: bytes
    """What the client sent, as far as it was recorded."""
    received: bytes
    """What the server sent."""
    whole: bool
    """Whether all that the server sent was recorded."""
    finished: bool
    """Whether the server ended the stream, rather than the client, or a reset."""

    @property
    def server(self) -> str:
        """Whose conversation this is: the first word of the name, and the second if it is tls."""
        words = self.name.split("-")
        return "-".join(words[:2]) if words[1:2] == ["tls"] else words[0]


class Refusal(NamedTuple):
    """Octets of a server that we do not accept."""

    fault: str
    message: str
    octets: bytes
    """From behind the last good frame and its EOLs to where the fault was certain."""


class Verdict(NamedTuple):
    """What became of a conversation."""

    reader: str
    """What read it, at which versions."""
    events: int
    refusal: Refusal | None


def load(path: Path) -> Recording:
    """Read a recording.

    Raises:
        BadRecording: a line is no JSON object, or has a field that this reader does not know.
    """
    sent, received = bytearray(), bytearray()
    whole, finished = True, False
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row: dict[str, Any] = json.loads(line)
            unknown = row.keys() - FIELDS
            octets = bytes.fromhex(row["hex"])
            incoming = {"in": True, "out": False}[row["dir"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadRecording(f"{path.name}, line {number}: {type(error).__name__}: {error}") from None
        if unknown:
            raise BadRecording(f"{path.name}, line {number}: unknown fields {sorted(unknown)}")
        if incoming:
            received += octets
            whole = whole and "more" not in row
            finished = finished or row.get("eof") == "fin"
        else:
            sent += octets
    return Recording(path.name.removesuffix(".jsonl"), bytes(sent), bytes(received), whole, finished)


def why_left_out(recording: Recording) -> str | None:
    """Return why this conversation cannot be replayed as a stream of STOMP, or None when it can."""
    if not recording.received:
        return "the server sent nothing"
    if recording.received.startswith(b"HTTP/"):
        return "the server spoke HTTP (WebSocket, SockJS)"
    if not recording.whole:
        return "a large chunk was recorded in part"
    return None


def offered_versions(sent: bytes) -> list[Version] | None:
    """Return the versions that the recorded client offered; None when its first frame is no valid CONNECT."""
    parser = FrameParser(None, Limits())
    parser.receive_data(sent)
    try:
        frame = parser.next_frame()
    except RemoteProtocolError:
        return None
    if frame is None or frame.command not in ("CONNECT", "STOMP"):
        return None
    names = [name.strip(" \t") for name in frame.headers.get("accept-version", "1.0").split(",")]
    # Who offers only what does not exist is answered with ERROR: any version may wait for that.
    return [version for version in Version if version.value in names] or list(Version)


def replay(recording: Recording) -> Verdict:
    """Read what the server sent: whole, octet by octet if it is not long, and cut at random.

    Raises:
        DependsOnCut: the events or the refusal were not the same each time.
    """
    versions = offered_versions(recording.sent)
    octets = recording.received
    heard, refusal = _read(versions, [octets], recording.finished)
    for name, chunks in _cuts(octets, recording.name):
        heard_again, refusal_again = _read(versions, chunks, recording.finished)
        if heard_again != heard or str(refusal_again) != str(refusal):
            again = f"{len(heard_again)} events, refusal: {refusal_again}"
            raise DependsOnCut(f"{name}: {again}; in one chunk {len(heard)} events, refusal: {refusal}")
    if versions is None:
        reader = "FrameParser, before any version"
    else:
        reader = "Connection, offering " + ", ".join(version.value for version in versions)
    return Verdict(reader, len(heard), None if refusal is None else _locate(versions, recording, refusal))


def _cuts(octets: bytes, seed: str) -> Iterable[tuple[str, list[bytes]]]:
    if len(octets) < OCTET_BY_OCTET_BELOW:
        yield "octet by octet", [octets[at : at + 1] for at in range(len(octets))]
    rng = random.Random(seed)
    for number in range(1, RANDOM_CUTS + 1):
        edges = sorted(rng.randrange(len(octets) + 1) for _ in range(rng.randint(1, 20)))
        yield (
            f"random cut {number}",
            [octets[start:end] for start, end in zip([0, *edges], [*edges, len(octets)], strict=True)],
        )


def _read(
    versions: list[Version] | None, chunks: Iterable[bytes], finished: bool
) -> tuple[list[object], RemoteProtocolError | None]:
    """Return what a client hears, in comparable form, and the fault that it finds."""
    if versions is None:
        return _read_frames(chunks, finished)
    connection = Connection(versions=versions, heartbeat=(0, 0))
    connection.connect()
    connection.data_to_send(NOW)
    heard: list[object] = []
    fault: RemoteProtocolError | None = None

    def listen() -> None:
        nonlocal fault
        while (event := connection.next_event()) is not None:
            heard.append(client_facts(event))
            if isinstance(event, Closed):
                fault = event.error

    for chunk in chunks:
        connection.receive_data(chunk, NOW)
        listen()
    if finished:
        connection.receive_eof(NOW)
        listen()
    return heard, fault


def _read_frames(chunks: Iterable[bytes], finished: bool) -> tuple[list[object], RemoteProtocolError | None]:
    """The same for a client that never asked to connect: what it gets is judged as frames alone."""
    parser = FrameParser(None, Limits.client(), tolerant=True)
    heard: list[object] = []

    def listen() -> None:
        frame: Frame | None
        while (frame := parser.next_frame()) is not None:
            heard.append((frame.command, frame.headers.pairs, frame.body))

    try:
        for chunk in chunks:
            parser.receive_data(chunk)
            listen()
        if finished:
            parser.receive_eof()
            listen()
    except RemoteProtocolError as error:
        return heard, error
    return heard, None


def _locate(versions: list[Version] | None, recording: Recording, error: RemoteProtocolError) -> Refusal:
    """Find the octets to blame: the fewest that show the fault, without those that gave good events."""
    octets = recording.received
    good = _fewest(octets, lambda part: _read(versions, [part], False)[1] is not None)
    everything = [
        event for event in _read(versions, [octets], recording.finished)[0] if not _is_closed(event)
    ]
    start = _fewest(octets[:good], lambda part: len(_read(versions, [part], False)[0]) >= len(everything))
    return Refusal(error.fault.value, str(error), octets[start:good].lstrip(b"\n"))


def _fewest(octets: bytes, is_enough: Any) -> int:
    """Return the length of the shortest beginning that is enough, which all longer ones are as well."""
    low, high = 0, len(octets)
    while low < high:
        middle = (low + high) // 2
        if is_enough(octets[:middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _is_closed(event: object) -> bool:
    return isinstance(event, dict) and event["event"] == "Closed"


# --- the report ---------------------------------------------------------------------------------------------


def shown(octets: bytes) -> str:
    """Return octets as they may be shown to people: at most 200, without the values of secret headers."""
    lines = octets.split(b"\n")
    for number, line in enumerate(lines):
        name, colon, _ = line.partition(b":")
        if colon and is_secret(name.decode("utf-8", "replace")):
            lines[number] = name + b":[redacted]"
    return excerpt(b"\n".join(lines), 200)


def main(argv: Sequence[str]) -> int:
    """Replay a directory; return the exit status: 0 when each conversation gave one result for all cuts.

    A refusal is a finding about a server, and does not change the status.
    """
    parser = argparse.ArgumentParser(
        prog="./dev replay", description="Replay recorded conversations with real servers."
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    directory: Path = parser.parse_args(argv).directory
    paths = sorted(path for path in directory.glob("*.jsonl") if not path.name.endswith(".msgs.jsonl"))
    if not paths:
        print(f"./dev replay: {directory} has no recordings (*.jsonl)", file=sys.stderr)
        return MISUSED
    passed: Counter[str] = Counter()
    replayed: Counter[str] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    refusals: list[str] = []
    broken: list[str] = []
    for path in paths:
        try:
            recording = load(path)
            reason = why_left_out(recording)
            if reason is not None:
                left_out[recording.server, reason] += 1
                continue
            replayed[recording.server] += 1
            verdict = replay(recording)
        except (BadRecording, DependsOnCut) as error:
            broken.append(f"{path.name}: {error}")
            continue
        if verdict.refusal is None:
            passed[recording.server] += 1
        else:
            refusals.append(_refusal_lines(path, verdict.reader, verdict.refusal))
    _report(passed, replayed, left_out, refusals, broken)
    return FAILED if broken else PASSED


def _refusal_lines(path: Path, reader: str, refusal: Refusal) -> str:
    return (
        f"{path.name}: {refusal.fault}: {refusal.message}\n    read by {reader}\n    {shown(refusal.octets)}"
    )


def _report(
    passed: Counter[str],
    replayed: Counter[str],
    left_out: Counter[tuple[str, str]],
    refusals: list[str],
    broken: list[str],
) -> None:
    for server in sorted(replayed):
        print(f"{server}: {passed[server]} of {replayed[server]} conversations pass")
    print(f"all: {passed.total()} of {replayed.total()} pass, {left_out.total()} left out")
    for (server, reason), count in sorted(left_out.items()):
        print(f"  left out {count} of {server}: {reason}")
    for refusal in refusals:
        print(f"REFUSED {refusal}")
    for problem in broken:
        print(f"BROKEN {problem}")


if __name__ == "__main__":
    sys.exit(piping.run(main))
