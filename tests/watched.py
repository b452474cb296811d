"""A machine that watches its driver: it passes everything on to another one, and holds the driver to what it
promised.

What lives here must not know which driver, nor which machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from stomp_sansio.machine import (
    CloseStream,
    Machine,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TLSInfo,
)

__all__ = ["Watched"]

EventT = TypeVar("EventT")


@dataclass(slots=True)
class Life:
    """What happened to one stream."""

    open: bool = False
    starting_tls: bool = False
    written: bool = True
    """Whether `data_to_send` had nothing left when it was asked last."""
    ended: bool = False
    closing: CloseStream | None = None
    lost: bool = False


class Watched(Generic[EventT]):
    """Give it to a driver in place of the machine inside.

    `log` has the names of what it was told, by stream; `when_lost` is called after the end of one.
    """

    def __init__(self, machine: Machine[EventT]) -> None:
        self.machine = machine
        self.streams: dict[StreamId, Life] = {}
        self.log: dict[StreamId, list[str]] = {}
        self.when_lost: Callable[[], object] = lambda: None
        self._now: float | None = None

    def _at(self, now: float) -> None:
        assert self._now is None or now >= self._now, "the clock goes back"
        self._now = now

    def _note(self, stream: StreamId, what: str) -> Life:
        life = self.streams[stream]
        assert not life.lost, f"{what} of a stream that is lost"
        self.log[stream].append(what)
        return life

    def _begin(self, stream: StreamId) -> Life:
        assert stream not in self.streams, "a name of a stream is used once"
        self.log[stream] = []
        life = self.streams[stream] = Life()
        return life

    # Outputs

    def next_action(self) -> StreamAction | None:
        action = self.machine.next_action()
        if isinstance(action, OpenStream):
            assert action.stream > 0
            self._begin(action.stream)
        elif isinstance(action, StartTLS):
            life = self.streams[action.stream]
            life.starting_tls, life.written = True, False
        elif isinstance(action, CloseStream):
            self.streams[action.stream].closing = action
        return action

    def next_event(self) -> EventT | None:
        return self.machine.next_event()

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        self._at(now)
        life = self.streams[stream]
        assert life.open
        assert not life.lost
        assert max_bytes > 0
        assert life.closing is None or not life.closing.abort, "nothing is written any more"
        octets = self.machine.data_to_send(stream, now, max_bytes)
        life.written = not octets
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        assert not self.streams[stream].lost
        return self.machine.wants_read(stream)

    def changed_streams(self) -> list[StreamId]:
        return self.machine.changed_streams()

    def next_deadline(self) -> float | None:
        return self.machine.next_deadline()

    def wants_run(self) -> bool:
        return self.machine.wants_run()

    @property
    def finished(self) -> bool:
        if self.machine.finished:
            assert all(life.lost for life in self.streams.values())
        return self.machine.finished

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self._at(now)
        life = self._note(stream, "opened")
        assert stream > 0
        assert not life.open
        life.open = True
        self.machine.stream_opened(stream, now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self._at(now)
        assert stream < 0
        self._begin(stream).open = True
        self.log[stream].append("accepted")
        self.machine.stream_accepted(stream, listener, peer, now)

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self._at(now)
        life = self._note(stream, "TLS")
        assert life.open
        assert life.starting_tls
        assert life.written, "what was queued goes before TLS"
        life.starting_tls = False
        self.machine.tls_started(stream, info, now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self._at(now)
        life = self._note(stream, "lost")
        if why is StreamLoss.CLOSED and life.closing is not None and not life.closing.abort and life.open:
            assert life.written, "what was queued is written before an end in order"
        life.lost = True
        self.machine.stream_lost(stream, why, now, detail)
        self.when_lost()

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self._at(now)
        life = self._note(stream, "data")
        assert life.open
        assert not life.ended
        assert not life.starting_tls, "what comes now belongs to the hand-shake"
        assert data
        self.machine.receive_data(stream, data, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self._at(now)
        life = self._note(stream, "eof")
        assert life.open
        assert not life.ended
        life.ended = True
        self.machine.receive_eof(stream, now)

    def handle_timeout(self, now: float) -> None:
        self._at(now)
        self.machine.handle_timeout(now)

    def run(self, now: float) -> None:
        self._at(now)
        self.machine.run(now)
