"""One attempt and the connection that may come of it: a link, a `Connection`, and the octets between the two.

New objects for each; nothing is ever reset. This file must not know other epochs, nor what outlives this one.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import LocalProtocolError
from ..links.link import Link, LinkClosed, LinkData, LinkOpened
from ..machine import StreamId
from ..protocol.connection import Connection
from ..protocol.events import Closed, Connected, Error
from ..protocol.states import State

__all__ = ["Epoch"]

# Octets moved to the link ahead of its writer: enough to keep it busy, few enough to stop soon.
_AHEAD = 64 * 1024

_FIRST = 20


class Epoch:
    """A link and the connection on it.

    After every call that takes `now`, take the connection's events, and `listen` until the link says no more.
    Pass to `note` those that are neither messages nor receipts.
    """

    __slots__ = (
        "_connect",
        "_direct",
        "_observe",
        "_whole_frames",
        "closed",
        "connected",
        "connection",
        "error",
        "first_octets",
        "link",
        "link_closed",
        "mute",
        "number",
        "paused",
        "transport",
    )

    def __init__(
        self,
        number: int,
        link: Link,
        connection: Connection,
        connect: Callable[[Connection], None],
        observe: Callable[[bytes], None] | None,
    ) -> None:
        """Take a fresh link and a fresh connection. `connect` sends CONNECT, once the link is open."""
        self.number = number
        self.link = link
        self.connection = connection
        self.transport: str | None = None
        """How the link is carried, once it is open."""
        self.link_closed: LinkClosed | None = None
        self.closed: Closed | None = None
        self.connected: Connected | None = None
        """What the server said when it accepted, once it has."""
        self.error: Error | None = None
        """The ERROR frame that ended it, if one did."""
        self.first_octets = b""
        """How the server began to speak: some octets, for whoever has to say what it is."""
        self.paused = False
        """Whether nothing is read at the session's wish."""
        self._connect = connect
        self._observe = observe
        self._whole_frames = observe is not None
        # Whether nobody looks at what comes and goes any more, or cuts it into frames.
        self._direct = False
        self.mute = False
        """Whether the link takes nothing any more, though it has not said yet that it is closed."""

    @property
    def established(self) -> bool:
        """Whether frames can be sent."""
        return self.connection.state is State.CONNECTED and not self.mute

    @property
    def passage(self) -> StreamId | None:
        """The stream that carries the connection's octets as they are, if there is one: nothing is moved."""
        return self.link.passage if self._direct else None

    @property
    def backlog(self) -> int:
        """Octets that the driver has not taken yet."""
        return self.connection.unsent + self.link.unsent

    def note(self, event: Connected | Error | Closed) -> None:
        """Take note of what the connection said about itself."""
        if isinstance(event, Error):
            self.error = event
        elif isinstance(event, Connected):
            self.connected = event
            self._direct = not self._whole_frames
        else:
            self.closed = event

    def listen(self, now: float) -> bool:
        """Move the next thing that the link has to say into the connection; return whether there was one."""
        event = self.link.next_event()
        if event is None:
            return False
        if isinstance(event, LinkData):
            if self.connected is None:
                self.first_octets = (self.first_octets + event.data[:_FIRST])[:_FIRST]
            self.connection.receive_data(event.data, now)
        elif isinstance(event, LinkOpened):
            self.transport = event.transport
            # Where messages carry the stream, a message is a frame: there are servers that read no second
            # one.
            self._whole_frames = self._whole_frames or event.transport != "tcp"
            self._connect(self.connection)
        else:
            self.link_closed = event
            self.connection.receive_eof(now)
        return True

    def fill(self, now: float) -> None:
        """Move what the connection has to say to the link, as long as the link's writer keeps up."""
        connection, link = self.connection, self.link
        if self.transport is None or self.link_closed is not None or self.mute:
            return
        while connection.unsent and link.unsent < _AHEAD:
            octets = (
                connection.frame_to_send(now) if self._whole_frames else connection.data_to_send(now, _AHEAD)
            )
            if self._observe is not None:
                self._observe(octets)
            try:
                link.send(octets, now)
            except LocalProtocolError:
                # The peer has ended the stream, and `LinkClosed` follows: as if it had been lost on its way.
                self.mute = True
                return

    def pause(self, now: float, paused: bool) -> None:
        """Read no more for now, or read again."""
        if paused is self.paused:
            return
        self.paused = paused
        if paused:
            self.connection.suspend_reading()
            self.link.pause_reading(now)
        else:
            self.link.resume_reading(now)
            self.connection.resume_reading(now)
