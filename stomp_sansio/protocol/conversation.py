"""`Conversation`: the half of a connection that is the same for both roles.

Octets and instants go in, events and octets come out. This file must not know what either side may say, nor
any clock.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from .engine import Engine
from .events import Closed
from .states import State
from .versions import Version

__all__ = ["Conversation"]

_EventT = TypeVar("_EventT")


class Conversation(Generic[_EventT]):
    """What `Connection` and `ServerConnection` are, but for what they say."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine[_EventT]) -> None:
        """Take an engine that nobody else has."""
        self._engine = engine

    # What the world says

    def receive_data(self, data: bytes, now: float) -> None:
        """Hand in octets from the peer; call `next_event` next, until it says None. b"" is nothing; EOF is
        `receive_eof`.
        """
        self._engine.receive_data(data, now)

    def receive_eof(self, now: float) -> None:
        """Report that the peer ended the stream; call `next_event` next: what came before is still reported,
        then `Closed`.
        """
        self._engine.receive_eof()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`; then look at `data_to_send` and `next_event`. Too early or too late is
        harmless.
        """
        self._engine.handle_timeout(now)

    def suspend_reading(self) -> None:
        """Say that nothing will be read for a while, by the caller's choice: until `resume_reading`, silence
        is not counted.
        """
        self._engine.suspend_reading()

    def resume_reading(self, now: float) -> None:
        """Say that reading goes on; silence counts from now."""
        self._engine.resume_reading(now)

    # What comes out

    def next_event(self) -> _EventT | Closed | None:
        """Return the next event, or None when there is none: then more octets are needed, or, on the server's
        side, an answer to a `ConnectRequest`. `Closed` is the last one.

        At most one frame is parsed for an event, so a caller that stops asking is not flooded.
        """
        return self._engine.next_event()

    def data_to_send(self, now: float, max_bytes: int | None = None) -> bytes:
        """Hand over octets to write, at most `max_bytes` of them; b"" when there are none. Write them in this
        order.

        Calling it is what counts as having spoken at `now`, for the heart-beat.
        """
        return self._engine.data_to_send(now, max_bytes)

    def frame_to_send(self, now: float) -> bytes:
        """Hand over the octets of one frame, or of a heart-beat; b"" when there are none.

        For transports that carry messages: there are servers that read one frame of a WebSocket message. Use
        either this or `data_to_send`.
        """
        return self._engine.frame_to_send(now)

    @property
    def unsent(self) -> int:
        """Octets that wait for `data_to_send`: a caller that writes much waits while they are many."""
        return self._engine.output.size

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None. Any other call may change it."""
        return self._engine.heartbeat.deadlines.soonest

    @property
    def wants_read(self) -> bool:
        """Whether octets should be read from the transport now."""
        return self._engine.wants_read

    @property
    def wants_close(self) -> bool:
        """Whether the transport should be closed, once `data_to_send` has nothing more."""
        return self._engine.state is State.CLOSED

    @property
    def state(self) -> State:
        """How far the conversation has come."""
        return self._engine.state

    @property
    def version(self) -> Version | None:
        """The version in use; None before `Connected`, or before `accept`."""
        return self._engine.parser.version

    @property
    def negotiated_heartbeat(self) -> tuple[float, float]:
        """Seconds: (we send at least every, we expect at least every); 0.0 for never, or not yet."""
        return self._engine.heartbeat.negotiated

    def __repr__(self) -> str:
        version = "" if self.version is None else f" STOMP {self.version.value}"
        return f"<{type(self).__name__} {self.state.value}{version}>"
