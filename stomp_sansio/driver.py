"""The part of a driver that no runtime changes: wishes carried out in order, and each stream's way through
life.

An adapter adds how octets are moved and how time passes. This file must not know sockets, loops or clocks,
nor STOMP.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from .machine import (
    Announcing,
    Emptying,
    Machine,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TLSWish,
)
from .tls import TLSFailure, TLSMaker, TLSPipe

__all__ = ["CHUNK", "LINGER", "LINGER_OCTETS", "DriverCore", "ReadingRoom", "StreamCore", "written_address"]

EventT = TypeVar("EventT")

_NEVER = float("inf")

CHUNK = 65536
"""Octets that are moved at a time."""
LINGER = 2.0
"""Seconds for which a client is still read once all was said to it: its octets may be on their way."""
LINGER_OCTETS = 16 * 1024 * 1024
"""Octets that are read then, and thrown away: more than was on its way is a flood."""


# How much room there is for a stream that says little, and by how much it grows or shrinks.
_LEAST, _STEP = 1024, 8


class ReadingRoom:
    """Where a stream's octets are read into: as much room as the last reads made it seem needful, so that
    many streams that say little take little, and one that says much is read in large pieces.
    """

    __slots__ = ("octets",)

    def __init__(self) -> None:
        self.octets = bytearray(_LEAST)
        """Read into this, once; then `take`."""

    def take(self, count: int) -> bytes:
        """Return the octets that were read into the beginning of the room."""
        size = len(self.octets)
        data = bytes(memoryview(self.octets)[:count])
        if count == size < CHUNK:
            # As likely as not there is more.
            self.octets = bytearray(size * _STEP)
        elif count * _STEP * _STEP < size > _LEAST:
            self.octets = bytearray(size // _STEP)
        return data


def written_address(name: Any) -> str:
    """Return a socket's name as HOST:PORT or [IPV6]:PORT, as in a URL; what has neither, such as a Unix
    socket, as it is."""
    if not isinstance(name, tuple):
        return str(name)
    host, port = map(str, cast("tuple[object, ...]", name)[:2])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class StreamCore(ABC):
    """One stream between a machine, which knows what flows, and a transport, which moves octets.

    The transport tells `connected`, `receive_data` and `receive_eof`, and the driver drains its machine after
    each. The transport writes what `data_to_send` gives, ends when `done`, and reads while `wants_read`.
    """

    def __init__(self, driver: DriverCore[Any, Any], id: StreamId) -> None:
        self.id = id
        self.done = False
        """Whether all is written and the transport shall end."""
        self.ended = False
        """Whether the other side sends no more."""
        self.dry = False
        """Whether what `data_to_send` returned last was all: it may be asked again, and need not."""
        self.why: tuple[StreamLoss, str] | None = None
        """Why it ends, if the stream itself knows: a transport's own reason means less."""
        self._machine: Machine[object] = driver.machine
        self._emptying = driver.emptying
        self._make_tls = driver.make_tls
        self._tls: TLSPipe | None = None
        self._wish: TLSWish | None = None
        self._opened = False
        # Whether the other side opened the stream: then TLS is nobody's wish.
        self._theirs = False
        self._closing = False
        # How much more may come once all is written.
        self._unread = LINGER_OCTETS
        # Octets that came although TLS was to begin.
        self._early = b""

    @abstractmethod
    def wake(self) -> None:
        """Look again whether there is something to write, to read or to end."""

    @abstractmethod
    def cut(self) -> None:
        """End the transport at once, or stop making one. The driver's `lose` follows, but not from within."""

    # The machine's wishes

    def start_tls(self, wish: TLSWish) -> None:
        """Go on in TLS as soon as all is written."""
        self._wish = wish
        self.wake()

    def close(self, abort: bool) -> None:
        """End, once all is written, or at once."""
        self._closing = True
        if abort or not self._opened:
            self.cut()
        else:
            self.wake()

    # What happens to the transport

    def connected(self, now: float, tls: TLSWish | None) -> None:
        """Take note that octets can be moved. With a wish, TLS comes first."""
        if tls is None:
            self._opened = True
            self._machine.stream_opened(self.id, now)
        else:
            self._shake(self._make_tls(tls), now)

    def accepted(self, listener: int, peer: str, now: float) -> None:
        """Take note that somebody opened the stream to us. With a context of our own, TLS comes first."""
        self._opened = self._theirs = True
        self._machine.stream_accepted(self.id, listener, peer, now)
        if self._make_tls.has_context:
            self._shake(self._make_tls(None), now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets."""
        tls = self._tls
        if self.done:
            self._unread -= len(data)
            if self._unread < 0:
                self.cut()
        elif self._wish is not None:
            self._early += data
        elif tls is None:
            self._machine.receive_data(self.id, data, now)
        else:
            tls.receive_data(data)
            if tls.established:
                self._decrypt(tls, now)
            else:
                self._shake(tls, now)

    def receive_eof(self, now: float) -> None:
        """Take note that no octets come any more."""
        self.ended = True
        tls = self._tls
        if self.done:
            pass
        elif tls is None:
            self._machine.receive_eof(self.id, now)
        elif not tls.established:
            detail = "it was closed during the TLS hand-shake: does this port speak TLS?"
            self._fail(StreamLoss.RESET, detail)
        elif not tls.ended:
            self._fail(StreamLoss.TRUNCATED, "no closing alert came before the end of the stream")

    # What the transport asks

    @property
    def lingers(self) -> bool:
        """Whether the transport, when `done`, shall end its own half alone, and read on within `LINGER` and
        `LINGER_OCTETS`, or until the other side ends: octets that nobody read make a system send a reset,
        which takes back from a client what it was told last.
        """
        return self._theirs and not self.ended

    @property
    def wants_read(self) -> bool:
        """Whether octets should be read."""
        if self.done or self._wish is not None:
            return False
        tls = self._tls
        if tls is not None and not tls.established:
            return True
        return self._machine.wants_read(self.id)

    def data_to_send(self, now: float, max_bytes: int = CHUNK) -> bytes:
        """Hand over the next octets to write; b"" when there are none now, and then look at `done`."""
        tls, self.dry = self._tls, False
        if tls is None:
            data = self._machine.data_to_send(self.id, now, max_bytes) if self._opened else b""
            if data:
                emptying = self._emptying
                # What ends the stream, or begins TLS, is found out by asking once more.
                self.dry = (
                    emptying is not None
                    and len(data) < max_bytes
                    and not self._closing
                    and self._wish is None
                    and emptying.gives_all(self.id)
                )
                return data
            if self._wish is not None:
                return self._turn_to_tls(self._wish, now, max_bytes)
            self.done = self.done or self._closing
            return b""
        if octets := tls.octets_to_send(max_bytes):
            return octets
        if self.done:
            return b""
        if tls.established and (data := self._machine.data_to_send(self.id, now, max_bytes)):
            try:
                tls.send(data)
            except TLSFailure as failure:
                self._fail(failure.why, failure.detail)
        elif self._closing and not tls.unsent:
            # The closing alert says that nothing was cut off.
            self.done = True
            tls.end()
        return tls.octets_to_send(max_bytes)

    def _turn_to_tls(self, wish: TLSWish, now: float, max_bytes: int) -> bytes:
        self._wish = None
        tls = self._make_tls(wish)
        tls.receive_data(self._early)
        self._shake(tls, now)
        return tls.octets_to_send(max_bytes)

    def _shake(self, tls: TLSPipe, now: float) -> None:
        self._tls = tls
        # The machine does not know that TLS has something to say.
        self.wake()
        try:
            if not tls.shake():
                return
        except TLSFailure as failure:
            self._fail(failure.why, failure.detail)
            return
        if not self._opened:
            self._opened = True
            self._machine.stream_opened(self.id, now)
        elif not self._theirs:
            self._machine.tls_started(self.id, tls.info, now)
        self._decrypt(tls, now)

    def _decrypt(self, tls: TLSPipe, now: float) -> None:
        ended = tls.ended
        try:
            # Good octets come before the failure that stands behind them.
            while data := tls.take():
                self._machine.receive_data(self.id, data, now)
        except TLSFailure as failure:
            self._fail(failure.why, failure.detail)
        if tls.ended and not ended:
            self._machine.receive_eof(self.id, now)
        if tls.unsent:
            self.wake()

    def _fail(self, why: StreamLoss, detail: str) -> None:
        self.why = (why, detail)
        self.done = True
        self.wake()


StreamT = TypeVar("StreamT", bound=StreamCore)


class DriverCore(ABC, Generic[EventT, StreamT]):
    """Runs one machine, with a runtime's help."""

    def __init__(
        self, machine: Machine[EventT], on_event: Callable[[EventT], object], make_tls: TLSMaker
    ) -> None:
        """`on_event` is told each event. It may give the machine commands."""
        self.machine = machine
        self.announcing = machine if isinstance(machine, Announcing) else None
        """The machine, if it says when it need not be asked."""
        self.emptying = machine if isinstance(machine, Emptying) else None
        """The machine, if it says when a stream has nothing more to write."""
        self.make_tls = make_tls
        self.streams: dict[StreamId, StreamT] = {}
        """Every stream that the machine believes in."""
        self._on_event = on_event
        self._draining = False
        self._accepted = 0
        self._instant = _NEVER
        # Whether the deadline may be a later one by now.
        self._unsure = True

    @abstractmethod
    def open(self, wish: OpenStream) -> StreamT:
        """Begin to make a stream: its `connected`, or `lose`, follows later."""

    def drain(self) -> None:
        """Carry out what the machine wishes and tell what it says; wake the streams that have changed."""
        machine = self.machine
        if self._draining:
            # An event's receiver gave the machine a command: the loop below goes round once more.
            return
        self._draining = True
        try:
            while True:
                while (event := machine.next_event()) is not None:
                    self._on_event(event)
                if (action := machine.next_action()) is None:
                    break
                self._act(action)
        finally:
            self._draining = False
        for id in machine.changed_streams():
            if (stream := self.streams.get(id)) is not None:
                stream.wake()

    def drain_again(self) -> None:
        """Do the same after streams were looked at."""
        if self.announcing is None or self.announcing.wants_look():
            self.drain()

    def next_instant(self) -> float:
        """Return when to call `due`, even if nothing happens: 0.0 is at once, infinity is never. Where a
        deadline has moved on, that is found out by `due`.
        """
        if self._unsure or self.announcing is None or self.announcing.wants_rearm():
            deadline = 0.0 if self.machine.wants_run() else self.machine.next_deadline()
            self._instant, self._unsure = _NEVER if deadline is None else deadline, False
        return self._instant

    def due(self, now: float) -> None:
        """Do what is due, and some of the work that was left over. Harmless at any time."""
        self._unsure = True
        self.machine.handle_timeout(now)
        if self.machine.wants_run():
            self.machine.run(now)

    def _act(self, action: StreamAction) -> None:
        if isinstance(action, OpenStream):
            self.streams[action.stream] = self.open(action)
        elif (stream := self.streams.get(action.stream)) is None:
            # It was lost before the wish was carried out.
            pass
        elif isinstance(action, StartTLS):
            stream.start_tls(action.tls)
        else:
            stream.close(action.abort)

    def next_accepted(self) -> StreamId:
        """Return a fresh name for a stream that somebody opened to us."""
        # The machine names the streams that it opens from 1 on; these are ours.
        self._accepted += 1
        return StreamId(-self._accepted)

    def lose(
        self, stream: StreamT, now: float, why: StreamLoss = StreamLoss.CLOSED, detail: str = ""
    ) -> None:
        """Tell the machine that a stream is gone. Harmless when it was told before."""
        if self.streams.pop(stream.id, None) is not None:
            why, detail = stream.why or (why, detail)
            self.machine.stream_lost(stream.id, why, now, detail)
