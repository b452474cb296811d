"""`Network`: machines that talk to each other under a virtual clock, with no socket and no waiting.

What lives here is a heap of things to do, and a driver for each machine. It must not know STOMP, nor where
chance comes from: that is passed in.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from ..machine import (
    Address,
    CloseStream,
    Machine,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
)
from .conditions import Conditions
from .wire import End, Wire

__all__ = ["Attempt", "Choose", "Host", "Livelock", "Network"]

_EventT = TypeVar("_EventT")

Choose: TypeAlias = Callable[[Address, int], Conditions]
"""Says how an attempt fares, by its address and its number, which counts from 1."""

# So many things to do at one and the same instant are no work, but a machine that wakes itself.
_TOO_MANY = 100_000


class Attempt(NamedTuple):
    """That somebody tried to connect."""

    instant: float
    """When, in seconds of the world."""
    address: Address


class Livelock(Exception):
    """Time has stopped: the machines keep each other busy at one instant."""


class Host(Generic[_EventT]):
    """A machine in the network, and its driver. Call `kick` after every command to the machine."""

    def __init__(
        self,
        network: Network,
        machine: Machine[_EventT],
        on_event: Callable[[_EventT], None] | None,
        offset: float,
    ) -> None:
        self.events: list[_EventT] = []
        """What the machine has told, unless somebody else listens."""
        self.wakeups = 0
        """How often a deadline has woken the machine."""
        self.ends: dict[StreamId, End] = {}
        """Its streams, also those that are gone."""
        self._network = network
        self._machine = machine
        self._on_event = self.events.append if on_event is None else on_event
        self._offset = offset
        self._accepted = itertools.count(1)
        self._armed: float | None = None
        self._kicking = False
        self._runs = False
        self._frozen_until = network.now
        self._told_late: deque[Callable[[float], None]] = deque()

    @property
    def machine(self) -> Machine[_EventT]:
        """The machine."""
        return self._machine

    @property
    def now(self) -> float:
        """The instant on the machine's own clock: what its commands take."""
        return self._network.now + self._offset

    @property
    def frozen(self) -> bool:
        """Whether it does nothing at this moment."""
        return self._network.now < self._frozen_until

    def freeze(self, seconds: float) -> None:
        """Do nothing for a while, as a process that is not scheduled; then everything at once."""
        self._frozen_until = max(self._frozen_until, self._network.now + seconds)
        self._network.at(self._frozen_until, self._thaw)

    def hand(self, tell: Callable[[float], None]) -> None:
        """Tell the machine something, and see to what comes of it."""
        if self.frozen or self._told_late:
            self._told_late.append(tell)
        else:
            tell(self.now)
            self.kick()

    def kick(self) -> None:
        """Carry out what the machine wishes now, take its events, and set its timer."""
        if self._kicking:
            # An event's receiver gave the machine a command: the loop below goes round once more.
            return
        self._kicking = True
        machine = self._machine
        try:
            while True:
                if (action := machine.next_action()) is not None:
                    self._act(action)
                elif (event := machine.next_event()) is not None:
                    self._on_event(event)
                else:
                    break
        finally:
            self._kicking = False
        for stream in machine.changed_streams():
            self.ends[stream].wake()
        if machine.wants_run() and not self._runs:
            self._runs = True
            self._network.at(self._network.now, self._run)
        self._arm()

    def _act(self, action: StreamAction) -> None:
        match action:
            case OpenStream():
                self._network.connect(self, action)
            case StartTLS():
                self.ends[action.stream].start_tls(action.tls)
            case CloseStream():
                self.ends[action.stream].close(abort=action.abort)

    def _run(self) -> None:
        self._runs = False
        self.hand(self._machine.run)

    def _arm(self) -> None:
        deadline = self._machine.next_deadline()
        if deadline is not None and (self._armed is None or deadline < self._armed):
            self._armed = deadline
            self._network.at(deadline - self._offset, lambda: self._ring(deadline))

    def _ring(self, deadline: float) -> None:
        if deadline != self._armed:
            return
        self._armed = None
        due = self._machine.next_deadline()
        if due is not None and due <= self.now:
            self.wakeups += 1
            self.hand(self._machine.handle_timeout)
        else:
            self._arm()

    def _thaw(self) -> None:
        if self.frozen:
            return
        while self._told_late:
            # What this one brings about comes behind those that are waiting.
            self._told_late[0](self.now)
            self.kick()
            self._told_late.popleft()
        for end in self.ends.values():
            end.wake()

    def new_stream(self) -> StreamId:
        """Return a name for a stream that somebody opens to the machine; its own names count from 1 on."""
        return StreamId(-next(self._accepted))


class Network:
    """A world of its own: its clock moves only when `run` says so, from one thing to do to the next.

    Add machines, let some of them listen, give commands to others and `kick` their hosts, then `run`. With
    the same `chance` and the same commands everything happens again in the same way.
    """

    now: float
    """Seconds since the world began."""
    conditions: Choose
    """How each attempt to connect fares; set it whenever you like."""
    checks: list[Callable[[], None]]
    """Called after every single thing that happened: invariants, that raise when they do not hold."""
    attempts: list[Attempt]
    """Every attempt to connect that was made, in order."""
    wires: list[Wire]
    """Every connection that came of them, in order."""

    def __init__(
        self,
        chance: Callable[[], float] = lambda: 0.5,
        *,
        conditions: Choose = lambda address, number: Conditions(),
    ) -> None:
        """Make an empty world.

        `chance` returns numbers from 0 to 1, 1 excluded, as `random.Random(seed).random` does: all that is
        left to chance here is taken from it.
        """
        self.now = 0.0
        self.conditions = conditions
        self.checks = []
        self.attempts = []
        self.wires = []
        self.chance = chance
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._listeners: dict[Address, tuple[Host[Any], int]] = {}
        self._at_once = 0

    # Who is there

    def add(
        self,
        machine: Machine[_EventT],
        on_event: Callable[[_EventT], None] | None = None,
        *,
        offset: float = 0.0,
    ) -> Host[_EventT]:
        """Take in a machine; return its host.

        `on_event` is told its events; without it they gather in `Host.events`. `offset` is how much its clock
        is ahead of the world's, in seconds: instants of different machines do not compare.
        """
        return Host(self, machine, on_event, offset)

    def listen(self, host: Host[Any], address: Address, listener: int = 0) -> None:
        """Let a machine accept streams at an address, in place of whoever did; `listener` is the index it is
        told.
        """
        self._listeners[address] = host, listener

    def unlisten(self, address: Address) -> None:
        """Let nobody accept streams at an address: attempts are refused."""
        self._listeners.pop(address, None)

    def connect(self, host: Host[Any], wish: OpenStream) -> None:
        """Carry out the wish of a host for a stream. Hosts call this."""
        self.attempts.append(Attempt(self.now, wish.address))
        conditions = self.conditions(wish.address, len(self.attempts))
        caller = self._end(host, wish.stream, wish, conditions)

        def answer() -> None:
            if caller.gone:
                return
            if conditions.refusal is not None or wish.address not in self._listeners:
                caller.lose(conditions.refusal or StreamLoss.REFUSED)
                return
            listener, index = self._listeners[wish.address]
            callee = self._end(listener, listener.new_stream(), wish, conditions)
            wire = Wire(self, wish.address, conditions, caller, callee)
            self.wires.append(wire)
            wire.begin()
            listener.hand(partial(listener.machine.stream_accepted, callee.stream, index, "a caller"))
            host.hand(partial(host.machine.stream_opened, caller.stream))

        self.after(conditions.opening, answer)

    def _end(self, host: Host[Any], stream: StreamId, wish: OpenStream, conditions: Conditions) -> End:
        tls = wish.tls is not None
        end = host.ends[stream] = End(host, stream, self, tls=tls, tls_refusal=conditions.tls_refusal)
        return end

    # Time

    def at(self, instant: float, action: Callable[[], None]) -> None:
        """Do something at an instant, behind everything that is due then already; at infinity, never."""
        heapq.heappush(self._heap, (max(instant, self.now), next(self._numbers), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in some seconds."""
        self.at(self.now + seconds, action)

    def run(self, seconds: float) -> None:
        """Let so many seconds pass.

        Raises:
            Livelock: the machines keep each other busy at one instant.
        """
        self.run_to(self.now + seconds)

    def run_to(self, instant: float) -> None:
        """Let time pass until an instant, which includes all that is due then.

        Raises:
            Livelock: the machines keep each other busy at one instant.
        """
        while self._heap and self._heap[0][0] <= instant:
            self._step()
        self.now = max(self.now, instant)

    @property
    def next_instant(self) -> float | None:
        """When the next thing is due; None if nothing ever is."""
        return self._heap[0][0] if self._heap else None

    def run_until(self, condition: Callable[[], bool], seconds: float = 600.0) -> None:
        """Let time pass until something is the case.

        Raises:
            TimeoutError: it is not the case after so many seconds.
            Livelock: the machines keep each other busy at one instant.
        """
        until = self.now + seconds
        while not condition():
            if not self._heap or self._heap[0][0] > until:
                raise TimeoutError(f"it did not happen within {seconds:g} virtual seconds")
            self._step()

    def _step(self) -> None:
        instant, _, action = heapq.heappop(self._heap)
        self._at_once = self._at_once + 1 if instant == self.now else 0
        if self._at_once > _TOO_MANY:
            raise Livelock(f"more than {_TOO_MANY} things were done at {self.now:g} s, and it goes on")
        self.now = instant
        action()
        for check in self.checks:
            check()
