"""One connection of the virtual network: two ends, and a lane in each direction.

What lives here carries octets as its `Conditions` say. It must not know STOMP, nor which machines talk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from ..machine import Address, Machine, StreamId, StreamLoss, TLSInfo, TLSWish
from .conditions import Conditions, Cut, Path

__all__ = ["Clock", "End", "Owner", "Wire"]

_CHUNK = 64 * 1024


class Clock(Protocol):
    """What a wire needs of its network."""

    now: float

    def at(self, instant: float, action: Callable[[], None]) -> None:
        """Do something later, behind everything that is due at the same instant already."""
        ...

    def chance(self) -> float:
        """Return a number from 0 to 1, 1 excluded."""
        ...


class Owner(Protocol):
    """Who has an end of a wire: a machine, and what a driver does for it."""

    @property
    def machine(self) -> Machine[Any]:
        """The machine that talks through the end."""
        ...

    @property
    def now(self) -> float:
        """The instant, on the machine's own clock."""
        ...

    @property
    def frozen(self) -> bool:
        """Whether it does nothing at this moment."""
        ...

    def hand(self, tell: Callable[[float], None]) -> None:
        """Tell the machine something, and see to what comes of it: now, or when it is no longer frozen."""
        ...

    def kick(self) -> None:
        """See to what the machine wishes now."""
        ...


class Lane:
    """One direction of a wire."""

    def __init__(self, clock: Clock, path: Path, receiver: End) -> None:
        self.passed = 0
        """Octets that were taken from the sender and will arrive, or have."""
        self.silent = False
        """Whether nothing arrives any more."""
        self.not_before = clock.now
        """Nothing arrives before this instant."""
        self._clock = clock
        self._path = path
        self._receiver = receiver
        self._in_flight = 0
        self._idle_at = clock.now
        self._cut = False
        self._ended = False

    @property
    def room(self) -> int:
        """How many octets the sender can write now."""
        return self._path.window - self._in_flight - self._receiver.unread

    def begin(self) -> None:
        """Take note that the wire is open: a cut may be due before the first octet."""
        self._look_for_cut()

    def carry(self, octets: bytes) -> None:
        """Take octets from the sender: they arrive in pieces, in order, unless a cut comes before."""
        self._in_flight += len(octets)
        if self._path.cut_after is not None:
            octets = octets[: self._path.cut_after - self.passed]
        for piece in self._pieces(octets):
            self.passed += len(piece)
            self._idle_at = max(self._idle_at, self._clock.now) + len(piece) / self._path.octets_per_second
            self._later(partial(self._arrive, piece))
        self._look_for_cut()

    def end(self) -> None:
        """Tell the receiver that the sender has closed, behind everything that is on its way."""
        self._ended = True
        if not self._cut:
            self._later(self._receiver.end)

    def reset(self) -> None:
        """Tell the receiver that the sender has thrown the connection away."""
        if not self._cut:
            self._later(lambda: self._receiver.lose(StreamLoss.RESET))

    def _look_for_cut(self) -> None:
        if self.passed != self._path.cut_after or self._cut or self._ended:
            return
        match self._path.cut:
            case Cut.RESET:
                self._later(self._break)
            case Cut.TRUNCATE:
                self._later(lambda: self._receiver.end(truncated=True))
            case Cut.SILENCE:
                pass
        self._cut = True

    def _break(self) -> None:
        self._receiver.lose(StreamLoss.RESET)
        self._receiver.peer.lose(StreamLoss.RESET)

    def _pieces(self, octets: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(octets):
            size = self._path.piece
            size = len(octets) if size is None else 1 + int(self._clock.chance() * size)
            yield octets[start : start + size]
            start += size

    def _later(self, action: Callable[[], None]) -> None:
        """Do something at the other end when what was sent before it has arrived."""
        jitter = self._path.jitter * self._clock.chance() if self._path.jitter else 0.0
        instant = max(self._idle_at, self._clock.now) + self._path.latency + jitter
        self.not_before = max(self.not_before, instant)
        self._clock.at(self.not_before, lambda: None if self.silent else action())

    def _arrive(self, piece: bytes) -> None:
        self._in_flight -= len(piece)
        if self._receiver.gone:
            # Nobody is there any more: its system answers with a reset.
            self._receiver.lane.reset()
        else:
            self._receiver.arrive(piece)


class End:
    """One side of a wire: its machine's reader and writer."""

    lane: Lane
    """To the other side; there once the wire is open."""
    peer: End

    def __init__(
        self, owner: Owner, stream: StreamId, clock: Clock, *, tls: bool, tls_refusal: StreamLoss | None
    ) -> None:
        self.owner = owner
        self.stream = stream
        self.gone = False
        """Whether the machine was told, or is about to be told, that the stream is lost."""
        self.unread = 0
        """Octets that have arrived and that the machine does not want yet."""
        self._clock = clock
        self._tls = tls
        self._tls_refusal = tls_refusal
        self._connected = False
        self._woken = False
        self._closing = False
        self._wish: TLSWish | None = None
        self._inbox: deque[bytes] = deque()
        self._ended = False

    def open(self) -> None:
        """Begin to read and write."""
        self._connected = True
        self.wake()

    def wake(self) -> None:
        """Look again at what the machine wants to read and to write."""
        if not self._woken and self._connected:
            self._woken = True
            self._clock.at(self._clock.now, self._look)

    def arrive(self, piece: bytes) -> None:
        """Take in octets from the other side."""
        self._inbox.append(piece)
        self.unread += len(piece)
        self._look()

    def end(self, *, truncated: bool = False) -> None:
        """Take note that nothing comes any more."""
        if truncated and self._tls:
            self.lose(StreamLoss.TRUNCATED)
        else:
            self._ended = True
            self._look()

    def start_tls(self, wish: TLSWish) -> None:
        """Begin TLS once everything before it is written."""
        self._wish = wish
        self.wake()

    def close(self, *, abort: bool) -> None:
        """Carry out `CloseStream`."""
        if self.gone:
            return
        if abort or not self._connected:
            if self._connected:
                self.lane.reset()
            self.lose(StreamLoss.CLOSED)
        else:
            self._closing = True
            self.wake()

    def lose(self, why: StreamLoss) -> None:
        """Take the stream from the machine. Harmless when it is gone."""
        if not self.gone:
            self.gone = True
            machine, stream = self.owner.machine, self.stream
            self.owner.hand(partial(machine.stream_lost, stream, why))

    def _look(self) -> None:
        self._woken = False
        if self.gone or self.owner.frozen:
            return
        if self._wish is None:
            self._read()
        self._write()

    def _read(self) -> None:
        machine, stream = self.owner.machine, self.stream
        while self._inbox and not self.gone and not self._closing and machine.wants_read(stream):
            piece = self._inbox.popleft()
            self.unread -= len(piece)
            self.peer.wake()
            self.owner.hand(partial(machine.receive_data, stream, piece))
        if self._ended and not self._inbox and not self.gone and machine.wants_read(stream):
            self._ended = False
            self.owner.hand(partial(machine.receive_eof, stream))

    def _write(self) -> None:
        machine, stream = self.owner.machine, self.stream
        while not self.gone and (room := self.lane.room) > 0:
            octets = machine.data_to_send(stream, self.owner.now, min(room, _CHUNK))
            if octets:
                self.lane.carry(octets)
                self.owner.kick()
                continue
            if self._wish is not None:
                self._start_tls(machine, stream)
            elif self._closing:
                self.lane.end()
                self.lose(StreamLoss.CLOSED)
            return

    def _start_tls(self, machine: Machine[Any], stream: StreamId) -> None:
        self._wish = None
        if self._tls_refusal is not None:
            self.lane.reset()
            self.lose(self._tls_refusal)
        else:
            self._tls = True
            self.owner.hand(partial(machine.tls_started, stream, TLSInfo()))
            self.wake()


class Wire:
    """One connection."""

    def __init__(
        self, clock: Clock, address: Address, conditions: Conditions, caller: End, callee: End
    ) -> None:
        self.address = address
        """What was called."""
        self.caller = caller
        self.callee = callee
        self._clock = clock
        caller.peer, callee.peer = callee, caller
        caller.lane = Lane(clock, conditions.there, callee)
        callee.lane = Lane(clock, conditions.back, caller)

    @property
    def over(self) -> bool:
        """Whether both sides have lost it."""
        return self.caller.gone and self.callee.gone

    def begin(self) -> None:
        """Open both ends."""
        for end in (self.callee, self.caller):
            end.open()
            end.lane.begin()

    def reset(self) -> None:
        """Break the connection: both sides are told at once, and what is on its way is lost."""
        self.silence()
        self.caller.lose(StreamLoss.RESET)
        self.callee.lose(StreamLoss.RESET)

    def silence(self, *, there: bool = True, back: bool = True) -> None:
        """Let nothing arrive any more, and tell nobody; in one direction or in both."""
        self.caller.lane.silent |= there
        self.callee.lane.silent |= back

    def stall(self, seconds: float) -> None:
        """Let nothing new arrive for a while; then it goes on."""
        for end in (self.caller, self.callee):
            end.lane.not_before = max(end.lane.not_before, self._clock.now + seconds)
