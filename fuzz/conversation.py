"""One side of a conversation, played from octets: what both connection fuzzers do alike.

Every conversation is played twice: once as it stands, and once with what the peer sends cut anew and without
the calls that were refused the first time. Both must go alike. This file must not know which role it plays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fuzz.octets import Octets, random_cuts
from stomp_sansio import (
    Closed,
    Connection,
    Fault,
    Frame,
    FrameParser,
    Headers,
    Limits,
    LocalProtocolError,
    RemoteProtocolError,
    Sender,
    ServerConnection,
    State,
    Version,
    validate,
)

__all__ = ["BODIES", "COMMON", "HEADERS", "NAMES", "WIRE_NAMES", "Operation", "Play", "play_twice"]

LIMITS = (
    Limits(max_subscriptions=2, max_transactions=2, max_unacknowledged=2),
    Limits(max_line=40, max_headers=5, max_header_block=120, max_body=8),
    Limits(max_command_line=12, max_line=300, max_headers=8, max_header_block=400, max_body=64),
    Limits(),
)
VERSIONS = (
    (Version.V1_0, Version.V1_1, Version.V1_2),
    (Version.V1_2,),
    (Version.V1_1,),
    (Version.V1_0,),
    (Version.V1_0, Version.V1_1),
    (Version.V1_1, Version.V1_2),
)
HEART_BEATS = ((0.0, 0.0), (0.25, 0.5), (10.0, 10.0), (0.0, 1.0), (1.0, 0.0))
ORIGINS = (0.0, 1_000_000.0, -1_000_000.0)
STEPS = (0.0, 0.125, 0.25, 1.0, 5.0, 60.0)

NAMES = (
    *("s", "t", "/q", "m1", "", "a:b", " a", "a\nb", "a\rb", "a\\b", "a\0", "\u00e4", "\ud800", "\U0001f600"),
    *("r", "a1", "m2", "a2"),
)
"""What callers may name things."""
WIRE_NAMES = (
    *(b"s", b"t", b"/q", b"m1", b"", b"a:b", b" a", b"a\\nb", b"a\\cb", b"a\\", b"a\0", b"\xc3\xa4", b"\xff"),
    *(b"a\r", b"r", b"a1"),
)
"""What peers may name things."""
BODIES = (b"", b"x", b"0123456789", b"a\0b", b"\n", b"\xff\xfe" * 40)

HEADERS: tuple[Sequence[tuple[str, str]], ...] = (
    (),
    (),
    (),
    (("x", "1"),),
    (("x", "1"), ("x", "2")),
    (("receipt", "r"),),
    (("id", "z"), ("ack", "client")),
    (("content-length", "1"),),
    (("x\n", ":"), ("", "")),
    (("accept-version", "1.2"), ("version", "1.0"), ("heart-beat", "0,0"), ("message", "m")),
)

FAR = 4 * 86_400.0
"""Seconds beyond which no deadline of these conversations may lie."""


class Play:
    """One connection and what happened to it."""

    def __init__(
        self,
        connection: Connection | ServerConnection,
        choices: Octets,
        sender: Sender,
        now: float,
        *,
        seed: int | None,
        without: frozenset[int],
    ) -> None:
        self.connection = connection
        self.choices = choices
        self.sender = sender
        self.now = now
        self.lazy = False
        self.refused: set[int] = set()
        """Calls that were refused, by their number."""
        self.log: list[object] = []
        """What went out and came up, in order."""
        self.events: list[Any] = []
        self.written = bytearray()
        self.closed = False
        self._seed = seed
        self._without = without
        self._attempts = 0

    # What a step may do

    def attempt(self, call: Callable[[], None]) -> None:
        """Call a method; whether it is refused or not, both plays must go on alike."""
        number = self._attempts
        self._attempts += 1
        if number in self._without:
            return
        before = self.snapshot()
        try:
            call()
        except LocalProtocolError:
            self.refused.add(number)
        if number in self.refused:
            assert self.snapshot() == before, "refused, and yet something changed"

    def receive(self, octets: bytes) -> None:
        """Hand in octets of the peer, as they are or cut."""
        if self._seed is None:
            self.connection.receive_data(octets, self.now)
            return
        for piece in random_cuts(octets, self._seed):
            self.connection.receive_data(piece, self.now)
            if not self.lazy:
                self.drain()

    def drain(self) -> None:
        """Take all events."""
        while (event := self.connection.next_event()) is not None:
            assert not self.closed, f"{event} behind Closed"
            self.closed = isinstance(event, Closed)
            self.events.append(event)
            self.log.append(facts(event))

    def write(self, max_bytes: int | None) -> None:
        """Take octets to write."""
        octets = self.connection.data_to_send(self.now, max_bytes)
        assert max_bytes is None or len(octets) <= max_bytes
        self.written += octets
        self.log.append(octets)

    def write_frame(self) -> None:
        """Take the octets of one frame."""
        octets = self.connection.frame_to_send(self.now)
        self.written += octets
        self.log.append(octets)

    def time_out(self) -> None:
        """Go to the next deadline and handle it."""
        deadline = self.connection.next_deadline()
        if deadline is None:
            self.connection.handle_timeout(self.now)
            return
        self.now = max(self.now, deadline)
        self.connection.handle_timeout(deadline)
        after = self.connection.next_deadline()
        assert after is None or after > deadline, f"handled at {deadline}, and wanted at {after} again"

    def pass_time(self, seconds: float) -> None:
        """Let time pass; be late for some deadlines."""
        self.now += seconds
        deadline = self.connection.next_deadline()
        if deadline is not None and deadline <= self.now:
            self.connection.handle_timeout(self.now)
            after = self.connection.next_deadline()
            assert after is None or after > self.now, f"handled at {self.now}, and wanted at {after}"

    # What must always be so

    def snapshot(self) -> tuple[object, ...]:
        """Return all that a caller can ask."""
        connection = self.connection
        return (
            connection.state,
            connection.version,
            connection.wants_read,
            connection.wants_close,
            connection.negotiated_heartbeat,
            connection.next_deadline(),
            connection.unsent,
            repr(connection),
        )

    def look(self) -> None:
        """Note and judge the state between two steps."""
        connection = self.connection
        snapshot = self.snapshot()
        self.log.append(snapshot)
        deadline = connection.next_deadline()
        over = connection.state is State.CLOSED
        assert connection.wants_close == over
        if self.closed:
            assert over
        if over:
            assert not connection.wants_read
            assert deadline is None, "a deadline behind the end"
        if connection.state is State.CONNECTED and not connection.unsent:
            send, expect = connection.negotiated_heartbeat
            if send:
                assert deadline is not None, "nobody watches that we speak"
                assert deadline - self.now <= send, "we shall speak too late"
            if expect:
                assert deadline is not None, "nobody watches that the peer speaks"
                assert deadline - self.now < FAR

    def finish(self) -> None:
        """End the stream, and judge what is left."""
        connection = self.connection
        connection.receive_eof(self.now)
        self.drain()
        connection.receive_data(b"RECEIPT\nreceipt-id:a\n\n\0", self.now)
        self.drain()
        self.look()
        self.write(None)
        assert connection.data_to_send(self.now) == b"", "something is left"
        if self.closed:
            for again in (self.now, self.now + FAR):
                connection.handle_timeout(again)
                connection.receive_data(b"\n", again)
                connection.receive_eof(again)
                self.drain()
                assert connection.data_to_send(again) == b"", "octets behind the end"
        check_written(bytes(self.written), connection.version, self.sender)


Operation: TypeAlias = Callable[[Play], None]
"""One step: reads its choices from the play, whatever it makes of them."""


def facts(event: Any) -> object:
    """Return what two equal events have in common: headers with repetitions, errors by what they say."""
    said: list[object] = [type(event).__name__]
    for name in type(event).__dataclass_fields__:
        value = getattr(event, name)
        if isinstance(value, Headers):
            value = value.pairs
        elif isinstance(value, RemoteProtocolError):
            assert isinstance(value.fault, Fault)
            value = (value.fault, str(value), value.receipt)
        said.append(value)
    repr(event)
    return said


def check_written(octets: bytes, version: Version | None, sender: Sender) -> None:
    """Read what was written as the strictest peer does: every frame of it must be in order."""
    parser = FrameParser(None, Limits(max_line=1 << 20, max_headers=1 << 12, max_header_block=1 << 22))
    parser.receive_data(octets)
    frames: list[Frame] = []
    try:
        while (frame := parser.next_frame()) is not None:
            validate(frame, parser.version, sender)
            frames.append(frame)
            if frame.command in ("CONNECT", "CONNECTED"):
                parser.version = version
    except RemoteProtocolError as error:
        raise AssertionError(f"we wrote {octets!r}, which is against the rules: {error}") from error
    assert not parser.pending, f"we wrote {octets!r}, which is no whole number of frames"
    commands = [frame.command for frame in frames]
    for last in ("ERROR", "DISCONNECT"):
        assert last not in commands[:-1], f"{last} is not the last of {commands}"


def play_twice(
    data: bytes,
    sender: Sender,
    make: Callable[..., Connection | ServerConnection],
    openings: Sequence[Operation],
    operations: Sequence[Operation],
) -> None:
    """Play the conversation that the octets describe, twice.

    Raises:
        AssertionError: an invariant is broken, or the second play went otherwise.
    """
    first = play(data, sender, make, openings, operations, cut=False, without=frozenset())
    second = play(data, sender, make, openings, operations, cut=True, without=frozenset(first.refused))
    assert not second.refused, "a call was refused that was not refused before"
    for one, other in zip(first.log, second.log, strict=False):
        assert one == other, f"cut, and without refused calls: {other}\nas it stands: {one}"
    assert len(first.log) == len(second.log)


def play(
    data: bytes,
    sender: Sender,
    make: Callable[..., Connection | ServerConnection],
    openings: Sequence[Operation],
    operations: Sequence[Operation],
    *,
    cut: bool,
    without: frozenset[int],
) -> Play:
    """Play the conversation that the octets describe, once."""
    choices = Octets(data)
    mode = choices.octet()
    connection = make(
        versions=VERSIONS[mode % len(VERSIONS)],
        heartbeat=choices.choose(HEART_BEATS),
        limits=choices.choose(LIMITS),
    )
    seed = choices.octet()
    now = choices.choose(ORIGINS)
    side = Play(connection, choices, sender, now, seed=seed if cut else None, without=without)
    choices.choose(openings)(side)
    side.lazy = mode & 64 != 0
    while choices.left:
        choices.choose(operations)(side)
        if not side.lazy:
            side.drain()
        side.look()
    side.finish()
    return side


# Steps that both roles can take


def raw(side: Play) -> None:
    """Receive any octets."""
    side.receive(side.choices.take(side.choices.octet()))


def line_feeds(side: Play) -> None:
    """Receive heart-beats."""
    side.receive(b"\n" * (side.choices.octet() % 4))


def end(side: Play) -> None:
    """The peer ends the stream."""
    side.connection.receive_eof(side.now)


def nothing(side: Play) -> None:
    """Receive nothing."""
    side.connection.receive_data(b"", side.now)


def write_some(side: Play) -> None:
    """Write a few octets."""
    side.write(side.choices.octet())


def write_all(side: Play) -> None:
    """Write all that waits."""
    side.write(None)


def write_frame(side: Play) -> None:
    """Write one frame."""
    side.write_frame()


def time_out(side: Play) -> None:
    """Handle the next deadline."""
    side.time_out()


def pass_time(side: Play) -> None:
    """Let time pass."""
    side.pass_time(side.choices.choose(STEPS))


def drain(side: Play) -> None:
    """Take all events."""
    side.drain()


def suspend(side: Play) -> None:
    """Stop reading."""
    side.connection.suspend_reading()


def resume(side: Play) -> None:
    """Read again."""
    side.connection.resume_reading(side.now)


COMMON: tuple[Operation, ...] = (
    *(raw, line_feeds, write_all, time_out, pass_time, drain),
    *(write_some, write_frame, end, nothing, suspend, resume),
)
