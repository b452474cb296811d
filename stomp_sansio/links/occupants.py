"""What may hold a stream of a server, one after the other, and how a stream is ended.

What lives here is the border between a server and whoever reads a stream; it must not know any transport.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from ..machine import CloseStream, StreamAction, StreamId, StreamLoss
from .peers import PeerEvent

__all__ = ["Occupant", "StreamEnding"]


class Occupant(Protocol):
    """Whoever reads and writes a stream. After each call that takes `now`, the server drains it."""

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        ...

    def receive_eof(self, now: float) -> None:
        """Take note that the peer ended its side."""
        ...

    def lost(self, why: StreamLoss, now: float, detail: str) -> None:
        """Take note that the stream is gone: the last call."""
        ...

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`: `next_deadline` has come."""
        ...

    def go_on(self, now: float) -> None:
        """Do what has become possible because somebody else moved this stream's exchange."""
        ...

    def shut_down(self, now: float) -> None:
        """End in order: the server goes."""
        ...

    def next_action(self) -> StreamAction | None:
        """Return the next wish about the stream, or None."""
        ...

    def next_event(self) -> PeerEvent | None:
        """Return what the server says next, or None."""
        ...

    @property
    def successor(self) -> Occupant | None:
        """Who holds the stream from now on; None while it is this one."""
        ...

    @property
    def wants_read(self) -> bool:
        """Whether the stream should be read."""
        ...

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        ...

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        ...

    @property
    def waits_for_writer(self) -> bool:
        """Whether to call `go_on` once everything is written."""
        ...

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        ...


class StreamEnding:
    """The end of one stream: what is queued is written first, within a time."""

    __slots__ = ("_actions", "_patience", "_stream", "begun", "deadline")

    begun: bool
    """Whether the end has been wished for."""
    deadline: float | None
    """When the last octets must have been written."""

    def __init__(self, stream: StreamId, patience: float) -> None:
        """`patience` is how long, in seconds, the last octets may take."""
        self._stream = stream
        self._patience = patience
        self._actions: deque[StreamAction] = deque()
        self.begun = False
        self.deadline = None

    def begin(self, now: float, *, abort: bool) -> None:
        """Wish for the end. Harmless when it was wished for already."""
        if not self.begun:
            self.begun = True
            self._actions.append(CloseStream(self._stream, abort=abort))
            self.deadline = None if abort else now + self._patience

    def handle_timeout(self, now: float) -> None:
        """Wish for the end without the last octets, if they took too long."""
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None
            self._actions.append(CloseStream(self._stream, abort=True))

    def next_action(self) -> StreamAction | None:
        """Return the next wish, or None."""
        return self._actions.popleft() if self._actions else None
