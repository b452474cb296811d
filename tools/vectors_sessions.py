"""Runs one vector of sessions.json: a scripted conversation with one connection, its clock starting at 0.

The script is played once in every way of cutting what the peer sends; all runs must be alike. This file must
not know which words a vector may contain (`vectors_script`), nor their names in the engine (`vectors_play`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stomp_sansio import (
    ClientEvent,
    Closed,
    CloseReason,
    Connection,
    LocalProtocolError,
    Message,
    RemoteProtocolError,
    ServerConnection,
    ServerEvent,
)
from tools import vectors_play as play
from tools.vectors_format import Cut, Failure, Vector, error_kinds, octets_of, ways_to_cut
from tools.vectors_script import FAULTS, MISUSES, check_script
from tools.vectors_written import check_heartbeats, check_match, check_written

__all__ = ["run_session"]

MANY = 10_000
"""More events or deadlines than any step can have: a connection that has more of them never ends."""


def run_session(vector: Vector) -> list[str]:
    """Play a session vector in every way of cutting; return remarks about what is advisory and differs.

    Raises:
        Failure: the engine did otherwise, or differently for different cuts.
        BadVector: the vector is not in the format.
    """
    steps = check_script(vector)
    first: Run | None = None
    for name, cut in ways_to_cut(vector["id"]):
        run = Run(vector, cut)
        for number, (kind, step) in enumerate(steps, 1):
            try:
                run.take(kind, step)
            except Failure as failure:
                raise Failure(f"{name}, step {number} ({kind}): {failure}") from None
        try:
            run.end()
        except Failure as failure:
            raise Failure(f"{name}, after the last step: {failure}") from None
        if first is None:
            first = run
        elif run.trace != first.trace:
            raise Failure(f"{name}: {_first_difference(first.trace, run.trace)}")
    assert first is not None
    return first.remarks


def _first_difference(first: list[object], other: list[object]) -> str:
    for whole, cut in zip(first, other, strict=False):
        if whole != cut:
            return f"{cut!r}, but {whole!r} in one chunk"
    return f"{len(other)} things happened, but {len(first)} in one chunk"


class Run:
    """One connection, going through the steps of one vector."""

    def __init__(self, vector: Vector, cut: Cut) -> None:
        self.config: Vector = vector["config"]
        self.client = play.make_client(self.config) if vector["role"] == "client" else None
        self.server = play.make_server(self.config) if vector["role"] == "server" else None
        self.cut = cut
        self.clock_ms = 0
        self.events: list[dict[str, Any]] = []
        """Reported since the last expect*; without the Closed event of a fault."""
        self.fault: RemoteProtocolError | None = None
        """Reported, and not yet claimed by an error step."""
        self.refusal: LocalProtocolError | None = None
        """Raised by the operation just before, and not yet claimed by an error step."""
        self.written = b""
        """Written since the last sent*."""
        self.closed = False
        self.delivered: dict[tuple[str | None, str], Message] = {}
        self.trace: list[object] = []
        """All that happened, in order: the same for every cut."""
        self.remarks: list[str] = []

    @property
    def connection(self) -> Connection | ServerConnection:
        """The connection, in whichever role."""
        connection = self.client or self.server
        assert connection is not None
        return connection

    @property
    def now(self) -> float:
        """The clock, in seconds."""
        return self.clock_ms / 1000

    def take(self, kind: str, step: Vector) -> None:
        """Take one step: give the connection something, or compare what it did."""
        value = step[kind]
        if kind in ("do", "recv", "eof", "advance_ms"):
            self.end()
        match kind:
            case "do":
                self.do(value)
            case "recv":
                for chunk in self.cut(octets_of(value, "recv")):
                    self.connection.receive_data(chunk, self.now)
                    self.listen(self.now)
            case "eof":
                self.connection.receive_eof(self.now)
                self.listen(self.now)
            case "advance_ms":
                self.advance(value)
            case "error":
                self.check_error(step)
            case "expect":
                self.check_events(value, in_order=True)
            case "expect_any_order":
                self.check_events(value, in_order=False)
            case "want_close":
                if self.connection.wants_close is not value:
                    raise Failure(f"wants_close is {self.connection.wants_close}, expected {value}")
            case "negotiated":
                self.check_negotiated(value)
            case "sent":
                remark = check_written(self.take_written(), octets_of(value, "sent"), self.version)
                self.remarks += [remark] if remark else []
            case "sent_match":
                check_match(self.take_written(), value, self.version)
            case "sent_heartbeats":
                check_heartbeats(self.take_written(), value)
            case _:  # a step that the table lists and nobody takes would be skipped in silence
                raise AssertionError(kind)

    def end(self) -> None:
        """Check that no error is left that the vector did not ask for."""
        if self.refusal is not None:
            raise Failure(f"refused locally as {self.refusal.misuse.value}: {self.refusal}")
        if self.fault is not None:
            raise Failure(f"the peer was blamed for {self.fault.fault.value}: {self.fault}")

    @property
    def version(self) -> str | None:
        """The negotiated version, by name."""
        version = self.connection.version
        return None if version is None else version.value

    def take_written(self) -> bytes:
        """Return what was written since this was called last."""
        written, self.written = self.written, b""
        return written

    def listen(self, now: float) -> None:
        """Take every event and everything written, as a driver does after each call."""
        for _ in range(MANY):
            event = self.connection.next_event()
            if event is None:
                break
            self.hear(event)
        else:
            raise Failure("the events never end")
        written = self.connection.data_to_send(now)
        self.written += written
        self.trace += [written] if written else []

    def hear(self, event: ClientEvent | ServerEvent) -> None:
        """Note one event."""
        if self.closed:
            raise Failure(f"{event!r} came after Closed")
        self.closed = isinstance(event, Closed)
        if isinstance(event, Closed) and event.error is not None:
            if event.clean or event.reason is not CloseReason.FAULT:
                raise Failure(f"{event!r} carries an error but is no fault")
            self.fault = event.error
            self.trace.append((event.error.fault, str(event.error)))
            return
        if isinstance(event, Message):
            self.delivered[event.subscription, event.message_id] = event
        facts = _facts(event)
        self.events.append(facts)
        self.trace.append(facts)

    def do(self, operation: Vector) -> None:
        """Call the method of an operation. A refusal must have left no trace."""
        before = self.queries()
        try:
            if self.client is not None:
                play.do_as_client(self.client, operation, self.config, self.delivered)
            elif self.server is not None:
                play.do_as_server(self.server, operation)
        except LocalProtocolError as error:
            self.refusal = error
            seen, written = len(self.trace), self.written
            self.listen(self.now)
            if len(self.trace) != seen or self.written != written:
                raise Failure(f"refused as {error.misuse.value}, but then: {self.trace[seen:]!r}") from None
            if (after := self.queries()) != before:
                raise Failure(f"refused as {error.misuse.value}, but {before} became {after}") from None
        else:
            self.listen(self.now)

    def queries(self) -> tuple[object, ...]:
        """Return all that a connection tells about itself."""
        it = self.connection
        return (
            it.state,
            it.version,
            it.negotiated_heartbeat,
            it.next_deadline(),
            it.wants_read,
            it.wants_close,
        )

    def advance(self, ms: int) -> None:
        """Move the clock, visiting every deadline on the way, in order."""
        now = self.now
        self.clock_ms += ms
        for _ in range(MANY):
            deadline = self.connection.next_deadline()
            if deadline is None or deadline > self.now:
                return
            now = max(now, deadline)
            self.connection.handle_timeout(now)
            self.listen(now)
        raise Failure(f"the deadlines never pass: one is still due at {now}")

    def check_error(self, step: Vector) -> None:
        """Claim the error that the step before must have caused."""
        accepted = {name: step[name] for name in step if name != "error"}
        if step["error"] == "local":
            kinds = error_kinds(accepted, "error", MISUSES)
            if self.refusal is None:
                raise Failure(f"nothing was refused, expected {' or '.join(kinds)}")
            kind, self.refusal = self.refusal.misuse.value, None
            if kind not in kinds:  # the kind of a local error is advisory
                self.remarks.append(f"refused locally as {kind}, the vector names {' or '.join(kinds)}")
            return
        kinds = error_kinds(accepted, "error", FAULTS)
        if self.fault is None:
            raise Failure(
                f"the peer was not blamed, expected {' or '.join(kinds)}; since expect: {self.events!r}"
            )
        kind, message, self.fault = self.fault.fault.value, str(self.fault), None
        if kind not in kinds:
            raise Failure(f"the peer was blamed for {kind} ({message}), expected {' or '.join(kinds)}")

    def check_events(self, expected: Sequence[Vector], *, in_order: bool) -> None:
        """Compare the events since the last expect*: as many, and the listed fields equal."""
        events, self.events = self.events, []
        if len(events) != len(expected):
            raise Failure(f"events {events!r}, expected {expected!r}")
        if in_order:
            matches = all(_matches(event, wanted) for event, wanted in zip(events, expected, strict=True))
        else:
            matches = _match_any_order(events, expected)
        if not matches:
            raise Failure(f"events {events!r}, expected {expected!r}")

    def check_negotiated(self, expected: Vector) -> None:
        """Compare what the hand-shake agreed on."""
        send_every, expect_every = self.connection.negotiated_heartbeat
        agreed = {
            "version": self.version,
            "send_every_ms": play.milliseconds(send_every),
            "expect_every_ms": play.milliseconds(expect_every),
        }
        if not _matches(agreed, expected):
            raise Failure(f"negotiated {agreed!r}, expected {expected!r}")


def _facts(event: ClientEvent | ServerEvent) -> dict[str, Any]:
    facts = play.client_facts(event) if isinstance(event, ClientEvent) else play.server_facts(event)
    return facts


def _matches(facts: Vector, wanted: Vector) -> bool:
    return all(facts.get(name) == value for name, value in wanted.items())


def _match_any_order(events: Sequence[Vector], expected: Sequence[Vector]) -> bool:
    """Tell whether every expected event can have an event of its own."""
    if not expected:
        return not events
    wanted, rest = expected[0], expected[1:]
    return any(
        _matches(event, wanted) and _match_any_order([*events[:at], *events[at + 1 :]], rest)
        for at, event in enumerate(events)
    )
