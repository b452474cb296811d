"""What both roles of a connection do alike: reading, writing, keeping time, ending.

This file must not know which role it serves: what differs is passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Generic, NamedTuple, TypeVar

from ..errors import Fault, LocalProtocolError, Misuse, RemoteProtocolError
from ..records import record
from .commands import COMMANDS, Sender, validate
from .encoder import encode
from .events import Closed, CloseReason
from .frames import Frame
from .headers import HeaderPairs, Headers
from .heartbeat import Heartbeat, Timer
from .ledger import Ledger
from .limits import Limits
from .octets import octets_of
from .output import Output
from .parser import FrameParser
from .states import State, next_state
from .versions import ALL_VERSIONS, Version

__all__ = ["Engine", "Proposal", "Role", "extra_headers"]

_EventT = TypeVar("_EventT")

# Unread octets at which reading should pause: one read of a usual driver.
_ENOUGH = 64 * 1024

# Looked up once: a member of an enumeration costs five times as much as a global name.
_V1_0, _CLOSED = Version.V1_0, State.CLOSED


@record
class Proposal:
    """What a hand-shake would establish, while it waits for the application's answer."""

    version: Version
    heartbeat: tuple[float, float]
    """What the peer offers, in seconds."""
    names_version: bool
    """Whether the peer knows versions by name: 1.0 did not."""


@record(kw_only=True)
class Role(Generic[_EventT]):
    """What differs between the two sides of a connection."""

    peer: Sender
    """Who sends to us."""
    tolerant: bool
    """Whether headers are read as brokers relay them."""
    hear: Mapping[str, Callable[[Engine[_EventT], Frame], None]]
    """For each command of the peer: queues the events that a frame means, or raises the peer's fault."""
    goodbye: Callable[[Engine[_EventT], RemoteProtocolError], None]
    """Queues what is to be said to a peer that broke a rule."""
    last_words: Callable[[Engine[_EventT]], Iterable[_EventT]]
    """Gives the events that must stand before `Closed`."""


class _Proof(NamedTuple):
    """What makes a frame good beyond doubt."""

    required: frozenset[str]
    has_body: bool


@cache
def _proofs(state: State, version: Version | None, peer: Sender) -> Mapping[str, _Proof]:
    """Return, for each command that is plainly allowed here, what proves a frame of it good.

    What is not proven is judged by `Engine._judge`, which alone knows what is wrong and what is forgiven.
    """
    if version is None:
        return {}
    return {
        command: _Proof(frozenset(rules.required[version]), rules.has_body)
        for command, rules in COMMANDS.items()
        if rules.sender is peer
        and version in rules.versions
        and rules.required[version]
        and next_state(state, command) is not None
    }


class Engine(Generic[_EventT]):
    """The common half of `Connection` and `ServerConnection`, owned by one of them."""

    __slots__ = (
        "_eof",
        "_full",
        "_hear",
        "_hungry",
        "_proofs",
        "_dry",
        "_role",
        "events",
        "heartbeat",
        "held",
        "ledger",
        "limits",
        "output",
        "parser",
        "proposal",
        "state",
        "suspended",
        "versions",
    )

    def __init__(
        self,
        *,
        role: Role[_EventT],
        versions: Iterable[Version],
        heartbeat: tuple[float, float],
        heartbeat_tolerance: float,
        limits: Limits,
    ) -> None:
        """Make the engine of one connection."""
        offered = frozenset(versions)
        for version in offered:
            if type(version) is not Version:
                raise TypeError(f"versions has {version!r}: pass members of Version, such as Version.V1_2")
        self.versions = tuple(version for version in ALL_VERSIONS if version in offered)
        if not self.versions:
            raise ValueError("versions is empty: name at least one Version")
        self.limits = limits
        self._role = role
        self._hear = role.hear
        self.parser = FrameParser(None, limits, tolerant=role.tolerant)
        self.state: State
        """How far the conversation has come. `enter` changes it."""
        self.enter(State.IDLE)
        self.output = Output()
        self.heartbeat = Heartbeat(heartbeat, heartbeat_tolerance)
        self.ledger = Ledger()
        self.events: deque[_EventT | Closed] = deque()
        self.held = False
        """Whether what comes stays unparsed: until the application has answered, or for ever."""
        self.proposal: Proposal | None = None
        self.suspended = False
        self._eof = False
        self._hungry = True
        # Whether the parser has no frame in what it was given.
        self._dry = True
        self._full = False

    def enter(self, state: State) -> None:
        """Go on to a state."""
        self.state = state
        self._proofs = _proofs(state, self.parser.version, self._role.peer)

    @property
    def version(self) -> Version:
        """The negotiated version. Ask only while one is."""
        version = self.parser.version
        assert version is not None, "only asked once the connection is established"
        return version

    def establish(self, version: Version, theirs: tuple[float, float]) -> None:
        """Go on in a version from the very next octet, and beat hearts as both sides offer (seconds)."""
        self.parser.version = version
        self.enter(State.CONNECTED)
        self.proposal = None
        self.held = self._dry = False
        self.heartbeat.start(theirs, unsaid=len(self.output) > 0)

    # Reading

    def receive_data(self, data: bytes, now: float) -> None:
        """Buffer octets of the peer."""
        if type(data) is not bytes:
            data = octets_of(data, "what was received")
        if not data or self.state is _CLOSED or self._eof:
            return
        self._dry = False
        self.heartbeat.heard = now
        self.parser.receive_data(data)
        if self._hungry and not self.suspended and self.proposal is None:
            # Whatever its size, it is wanted, and looked at soon.
            return
        if self.parser.unread >= _ENOUGH:
            self._full = self._full or not self.wants_read
            if self.proposal is not None:
                self._limit_waiting()

    def _limit_waiting(self) -> None:
        """End when more waits behind a request for a connection than may, be it one chunk or many."""
        limit = self.limits.max_unread
        if self.parser.unread > limit:
            self.fail(
                RemoteProtocolError(
                    Fault.LIMIT_PENDING, f"more than {limit} octets before the connection was accepted"
                )
            )

    def receive_eof(self) -> None:
        """Note that the peer's stream has ended."""
        if self.state is not State.CLOSED:
            self._eof = True
            self._dry = False
            self.parser.receive_eof()

    def next_event(self) -> _EventT | Closed | None:
        """Return the next event, parsing no more frames than it takes; None when more octets are needed."""
        events = self.events
        while not events:
            if self.held or self._dry:
                if self._eof and self.state is State.DISCONNECTING and self.held:
                    # The peer has said good-bye and does not wait for its receipt: that is an end in order.
                    self.finish(CloseReason.DISCONNECT, clean=True)
                    break
                return None
            try:
                frame = self.parser.next_frame()
                if frame is None:
                    self._hungry = True
                    if not self._eof:
                        self._dry = True
                        return None
                    self.finish(CloseReason.EOF)
                    break
                self._hungry = False
                proof = self._proofs.get(frame.command)
                if (
                    proof is None
                    or not proof.required <= frame.headers.first.keys()
                    or (frame.body and not proof.has_body)
                ):
                    self._judge(frame)
                self._hear[frame.command](self, frame)
                if self.proposal is not None:
                    self._limit_waiting()
            except RemoteProtocolError as error:
                self.fail(error)
        return events.popleft()

    def _judge(self, frame: Frame) -> None:
        """Raise what is wrong with a frame that is not proven good, if anything is."""
        if next_state(self.state, frame.command) is None:
            raise RemoteProtocolError(
                Fault.UNEXPECTED_COMMAND,
                f"{frame.command} while the connection is {self.state.value}",
                receipt=frame.headers.get("receipt"),
            )
        validate(frame, self.parser.version, self._role.peer)

    @property
    def wants_read(self) -> bool:
        """Whether more octets are of use: not while whole frames may wait unread, and not at the end."""
        if self.state is State.CLOSED or self._eof or self.suspended:
            return False
        return self._hungry or self.parser.unread < _ENOUGH

    def suspend_reading(self) -> None:
        """Note that the caller does not read, so that silence means nothing."""
        self.suspended = True
        self.heartbeat.suspend()

    def resume_reading(self, now: float) -> None:
        """Note that the caller reads again."""
        self.suspended = False
        self.heartbeat.resume(now)

    # Writing

    def allow(self, command: str) -> None:
        """Raise if the state does not allow a frame."""
        if next_state(self.state, command) is None:
            raise self.refusal(command)

    def prepare(
        self, command: str, headers: HeaderPairs, body: bytes = b"", *, content_length: bool = True
    ) -> bytes:
        """Return the octets of a frame, or raise: nothing is changed. Queue them with `commit` when all else
        is checked.
        """
        self.allow(command)
        octets = body if type(body) is bytes else octets_of(body, "the body")
        # Before a version is agreed only frames without escapes are written, and 1.0 is the version that has
        # none.
        version = self.parser.version or _V1_0
        if command in ("CONNECT", "CONNECTED"):
            version = self.versions[-1]
        return encode(Frame(command, Headers(headers), octets), version, content_length=content_length)

    def commit(self, command: str, octets: bytes) -> None:
        """Queue the octets of a frame and go on to the state behind it."""
        state = next_state(self.state, command)
        assert state is not None, "prepare() has looked"
        if state is not self.state:
            self.enter(state)
        self.output.append(octets)

    def refusal(self, command: str) -> LocalProtocolError:
        """Return the error for a frame that the state does not allow."""
        if self.state is State.CLOSED:
            return LocalProtocolError(Misuse.CLOSED, f"{command}: this connection is closed; make a new one")
        if self.state is State.DISCONNECTING:
            return LocalProtocolError(Misuse.CLOSED, f"{command} after DISCONNECT: nothing may follow it")
        if command in ("CONNECT", "CONNECTED") and self.state is not State.IDLE:
            return LocalProtocolError(Misuse.ALREADY_CONNECTED, f"{command} was sent already")
        return LocalProtocolError(Misuse.NOT_CONNECTED, f"{command} before the connection is established")

    def data_to_send(self, now: float, max_bytes: int | None) -> bytes:
        """Hand over queued octets; that is what counts as having spoken."""
        octets = self.output.take(max_bytes)
        if octets:
            self.heartbeat.sent(now)
        return octets

    def frame_to_send(self, now: float) -> bytes:
        """Hand over the octets of one queued frame, or one EOL."""
        if self.output:
            self.heartbeat.sent(now)
        return self.output.take_piece()

    # Time

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        for _ in Timer:
            # Each once at most: no `now` whatsoever, be it infinite or no number, keeps us here.
            timer = self.heartbeat.due(now)
            if timer is None:
                return
            if timer is Timer.SPEAK:
                # STOMP 1.2, "Heart-beating": an EOL. What waits to be written will say as much.
                if not self.output:
                    self.output.append(b"\n")
            elif self._full:
                # We did not read for a while, so the silence was ours: count again from now.
                self._full = not self.wants_read
                self.heartbeat.excuse(now)
            else:
                self.finish(CloseReason.HEARTBEAT_TIMEOUT)

    # Ending

    def fail(self, error: RemoteProtocolError) -> None:
        """End because the peer broke a rule: first the good-bye is queued, then the fault is reported."""
        self._role.goodbye(self, error)
        # The frames of its traceback hold what was read, secrets included, and would keep it in memory.
        self.finish(CloseReason.FAULT, error=error.with_traceback(None))

    def finish(
        self, reason: CloseReason, *, clean: bool = False, error: RemoteProtocolError | None = None
    ) -> None:
        """End: `Closed` is queued as the last event."""
        self.events.extend(self._role.last_words(self))
        self.events.append(Closed(clean=clean, reason=reason, error=error))
        self.enter(State.CLOSED)
        self.held = True
        self.heartbeat.stop()
        self.parser = FrameParser(self.parser.version, self.limits)


def extra_headers(headers: HeaderPairs, *own: str) -> tuple[tuple[str, str], ...]:
    """Return the caller's additional headers as pairs.

    Raises:
        LocalProtocolError: one of them is a header that the method writes itself: it has a parameter for
            that.
    """
    given = headers if type(headers) is Headers else Headers(headers)
    for name in own:
        if name in given.first:
            raise LocalProtocolError(
                Misuse.BAD_HEADER, f"{name!r} in headers: pass it as the argument that this method has for it"
            )
    return given.pairs
