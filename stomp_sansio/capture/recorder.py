"""`Recorder`: a machine around a machine, that writes down what crosses the border to its driver.

What lives here forwards, and keeps the order of what is written. It must not know what the octets mean, nor
where lines go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

from ..machine import (
    Machine,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
)
from ..records import replace
from .hiding import Hiding
from .passage import Passage
from .records import Kind, Record, line_of

__all__ = ["MAX_OCTETS", "Recorder", "Write"]

_EventT = TypeVar("_EventT")

Write: TypeAlias = Callable[[str], object]
"""Is told one line of a capture, without its end."""

MAX_OCTETS = 64 * 1024 * 1024
"""Characters of all lines, which are octets as well. A busy connection fills that in a minute, and nobody
reads more."""
_MAX_PIECE = 64 * 1024
_MAX_WAITING = 256 * 1024
"""Octets that wait to be written, because before them it is not decided whether something is a secret.
Beyond, what is undecided is hidden."""


class _Pending:
    """A record whose octets are still on their way."""

    __slots__ = ("left", "octets", "record", "way")

    def __init__(self, record: Record, way: Passage | None, left: int) -> None:
        self.record = record
        self.way = way
        self.left = left
        self.octets = bytearray()


class Recorder(Generic[_EventT]):
    """Stands between a machine and its driver, and changes nothing. Give the driver this in its place.

    Secrets are hidden before a line is written; a line may wait a little for that to be decided.
    """

    def __init__(
        self,
        machine: Machine[_EventT],
        write: Write,
        *,
        secrets: Iterable[str] = (),
        max_octets: int = MAX_OCTETS,
        on_failure: Callable[[Exception], object] | None = None,
    ) -> None:
        """Wrap a machine that has not begun.

        `write` is told each line, and must not wait. `secrets` are those that are known already. Lines have
        `max_octets` characters together at most. When `write` raises, `on_failure` is told, and the capture
        is over; the machine goes on.
        """
        self._machine = machine
        self._write = write
        self._on_failure = on_failure
        self._left = max_octets
        self._max_octets = max_octets
        self._hiding = Hiding(secrets)
        self._pending: deque[_Pending] = deque()
        self._ways: dict[tuple[StreamId, bool], deque[_Pending]] = {}
        self._waiting = 0
        self._reading: dict[StreamId, bool] = {}
        self._origin: float | None = None
        self._now = 0.0
        self._begun = False
        self._over = False

    def begin(self, now: float) -> None:
        """Take note of when the machine is told to begin, if that is known: what it wishes first, it wishes
        then.
        """
        self._at(now)

    # What is written

    def _note(
        self,
        kind: Kind,
        stream: StreamId | None,
        about: str = "",
        *,
        why: StreamLoss | None = None,
        tls: str | None = None,
    ) -> None:
        if self._over:
            return
        self._begin()
        record = Record(kind, self._now, stream, about=self._hiding.shown(about), why=why, tls=tls)
        self._pending.append(_Pending(record, None, 0))
        self._go_on()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._write_line(line_of(Record(Kind.BEGIN)))

    def _at(self, now: float) -> None:
        # Without `begin`, a wish that comes before the first instant counts as made at that instant.
        if self._origin is None:
            self._origin = now
        self._now = max(now - self._origin, self._now)

    def _octets(self, kind: Kind, stream: StreamId, octets: bytes) -> None:
        if self._over:
            return
        self._begin()
        for start in range(0, len(octets), _MAX_PIECE):
            piece = octets[start : start + _MAX_PIECE]
            way = self._hiding.way(stream, incoming=kind is Kind.IN)
            pending = _Pending(Record(kind, self._now, stream), way, len(piece))
            self._pending.append(pending)
            self._ways.setdefault((stream, kind is Kind.IN), deque()).append(pending)
            self._waiting += len(piece)
            self._decided((stream, kind is Kind.IN), way.feed(piece))
            self._go_on()
            while self._waiting > _MAX_WAITING:
                self._decide(self._pending[0])

    def _decided(self, key: tuple[StreamId, bool], octets: bytes) -> None:
        """Give octets that came back to the records that they belong to."""
        waiting = self._ways[key]
        position = 0
        while position < len(octets):
            pending = waiting[0]
            piece = octets[position : position + pending.left]
            pending.octets += piece
            pending.left -= len(piece)
            position += len(piece)
            if not pending.left:
                waiting.popleft()

    def _decide(self, pending: _Pending) -> None:
        record = pending.record
        assert pending.way is not None, "only octets wait to be decided"
        assert record.stream is not None, "only a stream has octets"
        self._decided((record.stream, record.kind is Kind.IN), pending.way.flush())
        self._go_on()

    def _go_on(self) -> None:
        """Write what is decided, in order."""
        while self._pending and not self._pending[0].left:
            pending = self._pending.popleft()
            self._waiting -= len(pending.octets)
            self._write_line(line_of(replace(pending.record, octets=bytes(pending.octets))))

    def _write_line(self, line: str) -> None:
        if self._over:
            return
        full = line_of(Record(Kind.FULL, self._now, about=f"{self._max_octets} octets"))
        # The last line must always have room.
        if len(line) + 1 + len(full) + 1 > self._left:
            line, self._over = full, True
        self._left -= len(line) + 1
        try:
            self._write(line)
        except Exception as error:  # whatever the application's function raises ends the capture alone
            self._over = True
            if self._on_failure is not None:
                self._on_failure(error)

    def _forget(self, stream: StreamId) -> None:
        """Decide all that is left of a stream."""
        for incoming in (True, False):
            key = stream, incoming
            for pending in list(self._ways.get(key, ()))[:1]:
                self._decide(pending)
            self._ways.pop(key, None)
        self._hiding.forget(stream)
        self._reading.pop(stream, None)

    # What the driver does

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Write it down, and pass it on."""
        self._at(now)
        self._reading[stream] = True
        self._note(Kind.OPENED, stream)
        self._machine.stream_opened(stream, now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Write it down, and pass it on."""
        self._at(now)
        self._reading[stream] = True
        self._note(Kind.ACCEPTED, stream, peer)
        self._machine.stream_accepted(stream, listener, peer, now)

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Write it down, and pass it on."""
        self._at(now)
        self._note(Kind.TLS, stream, info.version or "")
        self._machine.tls_started(stream, info, now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Write it down, and pass it on."""
        self._at(now)
        self._forget(stream)
        self._note(Kind.LOST, stream, detail, why=why)
        self._machine.stream_lost(stream, why, now, detail)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Write it down, and pass it on."""
        self._at(now)
        self._octets(Kind.IN, stream, data)
        self._machine.receive_data(stream, data, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Write it down, and pass it on."""
        self._at(now)
        self._note(Kind.EOF, stream)
        self._machine.receive_eof(stream, now)

    def handle_timeout(self, now: float) -> None:
        """Pass it on."""
        self._at(now)
        self._machine.handle_timeout(now)

    def run(self, now: float) -> None:
        """Pass it on."""
        self._at(now)
        self._machine.run(now)

    # What the driver asks

    def next_action(self) -> StreamAction | None:
        """Return the machine's next wish, written down."""
        action = self._machine.next_action()
        match action:
            case None:
                if self._machine.finished:
                    self._note(Kind.END, None)
                    self._over = True
            case OpenStream():
                address = action.address
                where = f"{address.host}:{address.port}" if isinstance(address, TCPAddress) else address.path
                tls = None if action.tls is None else action.tls.server_name
                self._note(Kind.OPEN, action.stream, where, tls=tls)
            case StartTLS():
                self._note(Kind.START_TLS, action.stream, action.tls.server_name)
            case _:
                self._reading.pop(action.stream, None)
                self._note(Kind.ABORT if action.abort else Kind.CLOSE, action.stream)
        return action

    def next_event(self) -> _EventT | None:
        """Return the machine's next event."""
        return self._machine.next_event()

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Return what the machine has to write, written down."""
        octets = self._machine.data_to_send(stream, now, max_bytes)
        if octets:
            self._at(now)
            self._octets(Kind.OUT, stream, octets)
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        """Return what the machine wants, written down when it has changed."""
        wants = self._machine.wants_read(stream)
        if self._reading.get(stream, wants) is not wants:
            self._reading[stream] = wants
            self._note(Kind.RESUME if wants else Kind.PAUSE, stream)
        return wants

    def changed_streams(self) -> list[StreamId]:
        """Return what the machine says."""
        return self._machine.changed_streams()

    def next_deadline(self) -> float | None:
        """Return what the machine says."""
        return self._machine.next_deadline()

    def wants_run(self) -> bool:
        """Return what the machine says."""
        return self._machine.wants_run()

    @property
    def finished(self) -> bool:
        """Whether the machine has finished."""
        return self._machine.finished
