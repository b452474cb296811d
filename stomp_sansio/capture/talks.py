"""One recorded conversation while it is replayed: what its engine reports, and how it ends.

What lives here gives octets and frames to an engine and keeps what comes of it. It must not know transports.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TypeAlias

from ..errors import LocalProtocolError, RemoteProtocolError
from ..links.link import LinkClosed
from ..protocol.events import Closed
from ..protocol.frames import Frame
from ..records import record
from .mirror import Event, Mirror

__all__ = ["Ending", "Replayed", "ReplayedConnection", "Talk"]


@record
class Ending:
    """What became of a transport: the words of its link, or of a server that refused a stream."""

    reason: str
    error: RemoteProtocolError | None = None
    """The rule that the other side broke, if one was broken."""
    status: int | None = None
    """The HTTP status that refused it, if one did."""

    @classmethod
    def of(cls, closed: LinkClosed) -> Ending:
        """Return the ending that a link tells."""
        return cls(closed.reason, closed.error, closed.status)


Replayed: TypeAlias = Event | Ending


@record
class ReplayedConnection:
    """What a connection of a capture comes to when it is replayed."""

    name: str
    """Its stream, as "#1", or the path of its SockJS session."""
    role: str
    """Whose side was recorded: "client" or "server"."""
    transport: str
    """How it was carried: "tcp", "websocket", "xhr-streaming", "xhr-polling", or "none" if it never was."""
    events: tuple[tuple[float, Replayed], ...]
    """What its engine reported, each with the second of the capture; the ending of its transport among
    them."""

    @property
    def error(self) -> RemoteProtocolError | None:
        """The first rule that the other side broke, if one was."""
        errors = [event.error for _, event in self.events if isinstance(event, Closed | Ending)]
        return next((error for error in errors if error is not None), None)


class Talk:
    """A conversation that goes on."""

    def __init__(self, name: str, role: str, transport: str, mirror: Mirror | None) -> None:
        """A conversation that never had a transport has no mirror."""
        self.name = name
        self.role = role
        self.transport = transport
        self.mirror = mirror
        self.events: list[tuple[float, Replayed]] = []
        self.closed = mirror is None
        """Whether its engine has ended."""
        self.ended = False
        """Whether its transport has."""
        self.on_deadline: Callable[[float], object] = lambda deadline: None
        """Is told when the engine wants to be woken, whenever that may have changed."""
        self.on_closed: Callable[[float], None] | None = None
        """Is told when the engine has ended."""

    def receive(self, octets: bytes, now: float) -> None:
        """Take in octets that the other side said."""
        if self.mirror is not None and not self.closed:
            self.mirror.connection.receive_data(octets, now)
            self.drain(now)

    def say(self, frame: Frame, now: float) -> None:
        """Say what our side said."""
        if self.mirror is not None and not self.closed:
            try:
                self.mirror.say(frame)
            except LocalProtocolError:
                # The engine has ended the conversation by itself, in the same words or others.
                pass
            self.drain(now)

    def drain(self, now: float) -> None:
        """Take what the engine reports."""
        mirror = self.mirror
        if mirror is None:
            return
        while (event := mirror.next_event(now)) is not None:
            self.events.append((now, event))
            if isinstance(event, Closed):
                self.closed = True
        while mirror.connection.data_to_send(now):
            pass
        self.on_deadline(mirror.connection.next_deadline() or inf)
        if self.closed and self.on_closed is not None:
            told, self.on_closed = self.on_closed, None
            told(now)

    def pause(self, paused: bool, now: float) -> None:
        """Count no silence while our side does not read."""
        if self.mirror is not None and not self.closed:
            if paused:
                self.mirror.connection.suspend_reading()
            else:
                self.mirror.connection.resume_reading(now)
            self.drain(now)

    def end(self, ending: Ending, now: float) -> None:
        """Take note that the transport is gone."""
        if self.ended:
            return
        self.ended = True
        if self.mirror is not None and not self.closed:
            self.mirror.connection.receive_eof(now)
            self.drain(now)
        self.events.append((now, ending))

    def next_deadline(self) -> float | None:
        """Return when the engine wants to be woken."""
        return None if self.mirror is None or self.closed else self.mirror.connection.next_deadline()

    def handle_timeout(self, now: float) -> None:
        """Wake the engine."""
        if self.mirror is not None:
            self.mirror.connection.handle_timeout(now)
            self.drain(now)

    def result(self) -> ReplayedConnection:
        """Return what it came to."""
        return ReplayedConnection(self.name, self.role, self.transport, tuple(self.events))
