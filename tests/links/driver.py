"""A driver without a world: it answers wishes when a test says so, and watches over what a machine promises.

Time is a number that tests set. What lives here must not know any particular link.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from stomp_sansio.links.link import LinkClosed, LinkData, LinkEvent, LinkOpened
from stomp_sansio.machine import (
    CloseStream,
    Machine,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TLSInfo,
    TLSWish,
)

_EventT = TypeVar("_EventT")


class MemoryDriver(Generic[_EventT]):
    """Drives a machine by hand: each method hands in one thing, then drains, and checks the promises
    meanwhile."""

    def __init__(
        self, machine: Machine[_EventT], now: float = 0.0, *, accepted: Iterable[StreamId] = ()
    ) -> None:
        self.machine = machine
        self.now = now
        self.events: list[_EventT] = []
        self.actions: list[StreamAction] = []
        self.written: dict[StreamId, bytearray] = {stream: bytearray() for stream in accepted}
        self.living: set[StreamId] = set(accepted)
        self.ending: dict[StreamId, bool] = {}
        """Streams that are to end, and whether at once."""
        self.told_of: set[StreamId] = set(accepted)
        """Streams that changed since all of them was written."""
        self.reads: dict[StreamId, bool] = {}
        """What was last known of `wants_read`, of streams that carry octets."""
        self.drain()

    def drain(self) -> None:
        """Take what the machine has to say, as a driver does after every input."""
        while (action := self.machine.next_action()) is not None:
            if isinstance(action, OpenStream):
                assert action.stream not in self.written, "a name of a stream is used once"
                self.written[action.stream] = bytearray()
                self.living.add(action.stream)
            else:
                assert action.stream in self.living, f"{action} names a stream that is gone"
                ending = self.ending.get(action.stream)
                if isinstance(action, StartTLS):
                    assert ending is None, f"{action} comes behind the wish to end the stream"
                else:
                    assert ending is None or (action.abort and not ending), f"{action} was wished before"
                    self.ending[action.stream] = action.abort
            self.actions.append(action)
        while (event := self.machine.next_event()) is not None:
            self.events.append(event)
        self.take_changed()
        assert not self.machine.wants_run()
        self.machine.run(self.now)
        assert not (self.machine.finished and self.living)

    def take_changed(self) -> list[StreamId]:
        """Take note of the streams whose writer or reader has to look again, and return them."""
        changed = self.machine.changed_streams()
        for stream in changed:
            assert stream in self.living, f"{stream} is gone, and yet reported as changed"
        self.told_of.update(changed)
        for stream, before in self.reads.items():
            if stream not in self.ending:
                self.reads[stream] = self.machine.wants_read(stream)
                assert self.reads[stream] is before or stream in changed, f"who reads {stream} was not told"
        return changed

    def opened(self, stream: StreamId) -> None:
        self.machine.stream_opened(stream, self.now)
        self.reads[stream] = True
        self.drain()

    def come_up(self, stream: StreamId) -> TLSWish | None:
        """Let a stream open, and answer the wish for TLS, if there is one; return it."""
        self.opened(stream)
        (wish,) = [*(action for action in self.actions if isinstance(action, StartTLS)), None][:1]
        if wish is None:
            return None
        self.actions.remove(wish)
        assert wish.stream == stream
        assert not self.machine.data_to_send(stream, self.now), "something is written before TLS has begun"
        self.tls_started(stream)
        return wish.tls

    def tls_started(self, stream: StreamId) -> None:
        self.machine.tls_started(stream, TLSInfo("TLSv1.3"), self.now)
        self.drain()

    def feed(self, stream: StreamId, data: bytes, cut: int | None = None) -> None:
        """Hand in octets, whole or in pieces of `cut`."""
        step = cut or len(data) or 1
        for start in range(0, len(data), step):
            self.machine.receive_data(stream, data[start : start + step], self.now)
            self.drain()

    def eof(self, stream: StreamId) -> None:
        self.machine.receive_eof(stream, self.now)
        self.drain()

    def lose(self, stream: StreamId, why: StreamLoss = StreamLoss.CLOSED, detail: str = "") -> None:
        self.living.discard(stream)
        self.reads.pop(stream, None)
        self.machine.stream_lost(stream, why, self.now, detail)
        self.drain()

    def pull(self, stream: StreamId, max_bytes: int = 65536) -> bytes:
        """Write all that a stream has, as its writer does, and return it."""
        self.drain()
        pieces: list[bytes] = []
        while piece := self.machine.data_to_send(stream, self.now, max_bytes):
            assert len(piece) <= max_bytes
            pieces.append(piece)
        octets = b"".join(pieces)
        assert not octets or stream in self.told_of, f"the writer of {stream} was not told"
        assert not octets or not self.ending.get(stream), f"{stream} was to end without writing"
        self.told_of.discard(stream)
        self.written[stream] += octets
        self.drain()
        return octets

    def advance(self, seconds: float) -> None:
        """Let time pass, visiting every deadline on the way."""
        until = self.now + seconds
        while (deadline := self.machine.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.machine.handle_timeout(self.now)
            self.drain()
            after = self.machine.next_deadline()
            assert after is None or after > self.now, "a deadline was handled and is still due"
        self.now = until

    def take_actions(self) -> list[StreamAction]:
        taken, self.actions = self.actions, []
        return taken

    def take_events(self) -> list[_EventT]:
        taken, self.events = self.events, []
        return taken

    def wish(self) -> OpenStream:
        """Return the one wish there is, for a stream."""
        (action,) = self.take_actions()
        assert isinstance(action, OpenStream)
        return action

    def tls_wish(self) -> StartTLS:
        (action,) = self.take_actions()
        assert isinstance(action, StartTLS)
        return action

    def close_wish(self) -> CloseStream:
        (action,) = self.take_actions()
        assert isinstance(action, CloseStream)
        return action


def data_of(events: list[LinkEvent]) -> bytes:
    """Return the octets that link events carry."""
    return b"".join(event.data for event in events if isinstance(event, LinkData))


def closing(events: list[LinkEvent]) -> LinkClosed:
    """Return the last event, which has to be the end, and the only one."""
    assert isinstance(events[-1], LinkClosed)
    assert sum(isinstance(event, LinkClosed) for event in events) == 1
    return events[-1]


def opening(events: list[LinkEvent]) -> LinkOpened:
    """Return the first event, which has to be the opening."""
    assert isinstance(events[0], LinkOpened)
    return events[0]
