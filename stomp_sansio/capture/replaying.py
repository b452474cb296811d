"""Replaying a capture: recorded octets go through links and engine once more, at the recorded instants.

What lives here keeps conversations apart, and time. It must not know how a transport is read: a reader is
chosen for each stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Protocol

from ..protocol.limits import Limits
from ..records import record
from .listening import HeartBeat, Said, Told
from .records import Kind, Record
from .replaying_client import ClientReader, lacking
from .stage import Stage
from .talks import ReplayedConnection, Talk

__all__ = ["Replay", "replay"]


@record
class Replay:
    """What a capture comes to when it is replayed."""

    connections: tuple[ReplayedConnection, ...]
    """In the order in which they began."""

    @property
    def errors(self) -> list[str]:
        """Each rule that somebody broke, as "fault: sentence"."""
        found = [connection.error for connection in self.connections]
        return [f"{error.fault.value}: {error}" for error in found if error is not None]

    def summary(self) -> list[str]:
        """Return one line for each connection and each of its events: the same for the same octets, however
        long anything took.
        """
        lines: list[str] = []
        for connection in self.connections:
            lines.append(f"{connection.name}: {connection.role}, {connection.transport}")
            lines += [f"{connection.name}: {event!r}" for _, event in connection.events]
        return lines


class Reader(Protocol):
    """Reads the streams of one side."""

    def take(self, item: Record) -> None:
        """Take in a record of one of its streams."""
        ...

    def said(self, frame: Said) -> None:
        """Take note of a frame that our side said."""
        ...

    def beat(self, beat: HeartBeat) -> None:
        """Take note of a heart-beat of ours."""
        ...

    def told(self, told: Told) -> None:
        """Take note of what a transport of ours said."""
        ...

    def finish(self, now: float) -> None:
        """End what our side has ended."""
        ...

    def next_deadline(self) -> float | None:
        """Return when it wants to be woken."""
        ...

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        ...


def replay(records: Iterable[Record], *, limits: Limits | None = None) -> Replay:
    """Replay a capture, and return what each of its connections comes to.

    Octets of the other side go through links and engine as they did, at the recorded instants of a clock that
    nobody waits for; what our side said is said again, so that acknowledgements and receipts find what they
    name. `limits` are those that our side had, where they were not the usual ones.

    Raises:
        CaptureError: as `read`, whose records these are.
        ImportError: the capture has WebSocket, SockJS or a proxy, and a package for these is not installed.
    """
    items = list(records)
    stage = Stage(items, limits)
    readers: dict[bool, Reader] = {}
    now = 0.0
    for item in items:
        _advance(stage, readers, item.time)
        now = item.time
        if item.stream is None:
            if item.kind is Kind.END:
                for reader in readers.values():
                    reader.finish(now)
            continue
        ours = item.stream > 0
        if ours not in readers:
            readers[ours] = _reader(stage, ours)
        reader = readers[ours]
        # What came is heard first, so that it is known what was asked for; what our side said is heard last.
        stage.ears.take(item)
        reader.take(item)
        if item.kind is Kind.OUT:
            _hear(stage, reader)
        stage.ears.heard.clear()
    _advance(stage, readers, now)
    return Replay(tuple(talk.result() for talk in stage.all))


def _hear(stage: Stage, reader: Reader) -> None:
    """Tell a reader what our side said."""
    for heard in stage.ears.heard:
        if isinstance(heard, Said):
            reader.said(heard)
        elif isinstance(heard, HeartBeat):
            reader.beat(heard)
        else:
            assert isinstance(heard, Told), "octets make nothing else heard"
            reader.told(heard)


def _reader(stage: Stage, ours: bool) -> Reader:
    if ours:
        return ClientReader(stage)
    # Imported here: plain STOMP needs nothing installed.
    try:
        from .replaying_server import ServerReader
    except ImportError as error:
        raise lacking(error) from error
    return ServerReader(stage)


def _advance(stage: Stage, readers: dict[bool, Reader], until: float) -> None:
    """Let time pass: whoever wants to be woken is, in order."""
    while True:
        sleepers: list[Talk | Reader] = list(readers.values())
        if stage.earliest <= until:
            # Not before, since there may be thousands.
            talks = [talk for talk in stage.all if not talk.closed]
            stage.earliest = min(map(_due, talks), default=inf)
            sleepers += talks
        first = min(sleepers, key=_due, default=None)
        if first is None or _due(first) > until:
            return
        first.handle_timeout(_due(first))


def _due(sleeper: Talk | Reader) -> float:
    deadline = sleeper.next_deadline()
    return inf if deadline is None else deadline
