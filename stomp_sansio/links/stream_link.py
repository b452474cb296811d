"""The machine for every link that needs one stream: it owns the stream and the outermost layer of a stack.

What lives here opens, starts TLS, flushes and ends; it must not know what the layer does with the octets.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from ..errors import LocalProtocolError, Misuse, RemoteProtocolError
from ..machine import CloseStream, StartTLS, StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.deadlines import Deadlines
from ..protocol.limits import Limits
from .layer import Layer
from .link import LinkClosed, LinkData, LinkEvent, Phase
from .opening import Route, StreamOpening, lost_stream

__all__ = ["Stage", "StreamLink"]


class Stage(Enum):
    """How far a link over one stream has come."""

    NEW = "not started"
    OPENING = "the stream is on its way up"
    OPEN = "the layer has the stream"
    ENDING = "what is queued is being written, then the stream ends"
    ABORTING = "the stream is being thrown away"
    OVER = "the stream is gone, or never was"


# Looked up once: a member of an enumeration costs five times as much as a global name.
_OPENING, _OPEN = Stage.OPENING, Stage.OPEN
_ALIVE = (Stage.NEW, Stage.OPENING, Stage.OPEN)
_WRITING = (Stage.OPEN, Stage.ENDING)


class _When(Enum):
    LAYER = "when to wake the layer"
    ABORT = "when what is queued must have been written"


class StreamLink:
    """A `Link` over one stream.

    Pass the outermost layer, then `start`; or `adopt` a stream that is open already.
    """

    __slots__ = (
        "_actions",
        "_changed",
        "_close_timeout",
        "_deadlines",
        "_ending",
        "_events",
        "_layer",
        "_opening",
        "_phase",
        "_reading",
        "_stage",
        "_stream",
        "_where",
    )

    def __init__(
        self,
        layer: Layer,
        stream: StreamId,
        *,
        route: Route | None = None,
        limits: Limits | None = None,
        close_timeout: float = 10.0,
    ) -> None:
        """Take a layer that nobody else drives, and a fresh name for the stream.

        `route` says where the stream leads; without one, `adopt` is meant. `close_timeout` is how long, in
        seconds, what is queued may take to be written at the end.
        """
        self._layer = layer
        self._stream = stream
        self._opening = None if route is None else StreamOpening(stream, route, limits or Limits.client())
        self._close_timeout = close_timeout
        self._stage = Stage.NEW
        self._phase = Phase.UPGRADE
        self._where = "the peer"
        self._actions: deque[StreamAction] = deque()
        self._events: deque[LinkEvent] = deque()
        self._ending: LinkClosed | None = None
        self._reading = True
        self._changed = False
        self._deadlines: Deadlines[_When] = Deadlines()

    @classmethod
    def adopt(
        cls,
        layer: Layer,
        stream: StreamId,
        now: float,
        *,
        peer: str = "the peer",
        close_timeout: float = 10.0,
    ) -> StreamLink:
        """Return a link on a stream that is open and that the driver knows by this name already."""
        link = cls(layer, stream, close_timeout=close_timeout)
        link._where = peer
        link._begin(b"", now)
        return link

    # Commands

    def start(self, now: float) -> None:
        """Begin to open the link. Call it once; the wish for a stream follows in `next_action`."""
        if self._stage is not Stage.NEW or self._opening is None:
            raise LocalProtocolError(
                Misuse.ALREADY_CONNECTED, "This link was started or closed before: build a new one"
            )
        self._actions.append(self._opening.open_wish)
        self._stage = Stage.OPENING

    def send(self, chunk: bytes, now: float) -> None:
        """Queue octets of the STOMP stream, after `LinkOpened` and before `LinkClosed`.

        Raises:
            LocalProtocolError: the link is not open, or cannot carry these octets. Nothing was queued.
        """
        if self._stage is Stage.NEW or self._stage is Stage.OPENING:
            raise LocalProtocolError(Misuse.NOT_CONNECTED, "The link is not open yet: wait for LinkOpened")
        if self._stage is not Stage.OPEN:
            raise LocalProtocolError(Misuse.CLOSED, "The link is closed: nothing was queued")
        self._layer.send(chunk, now)
        # A layer ends nothing, and reports nothing, because something is sent.
        self._changed = True
        self._rearm()

    def carries(self, chunk: bytes) -> bool:
        """Tell whether this kind of link can carry these octets. Changes nothing."""
        return self._layer.carries(chunk)

    @property
    def phase(self) -> Phase:
        """How far the link has come."""
        return self._phase if self._opening is None else self._opening.phase

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed to the driver."""
        return self._layer.unsent

    @property
    def passage(self) -> StreamId | None:
        """None: there is always something between."""
        return None

    def pause_reading(self, now: float) -> None:
        """Ask for no more data for now. Harmless when paused or closed."""
        if self._reading and self._stage in _ALIVE:
            self._reading = False
            self._changed = True
            self._layer.pause_reading(now)
            self._rearm()

    def resume_reading(self, now: float) -> None:
        """Ask for data again. Harmless when not paused."""
        if not self._reading:
            self._reading = True
            self._changed = True
            self._layer.resume_reading(now)
            self._rearm()

    def close(self, now: float) -> None:
        """Close in order: what was queued goes first. `LinkClosed` follows when the stream is gone."""
        match self._stage:
            case Stage.NEW:
                self._stage = Stage.OVER
                self._events.append(self._given_up())
            case Stage.OPENING:
                self._end(self._given_up(), now, abort=True)
            case Stage.OPEN:
                self.resume_reading(now)
                self._layer.close(now)
                self._settle(now)
            case _:
                pass

    def abort(self, now: float) -> None:
        """End at once, writing nothing more. `LinkClosed` follows all the same."""
        match self._stage:
            case Stage.NEW | Stage.OPENING:
                self.close(now)
            case Stage.OPEN:
                self._end(LinkClosed(False, self.phase, "This side gave the link up"), now, abort=True)
            case Stage.ENDING:
                self._abort()
            case _:
                pass

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Take note that the stream carries octets."""
        if self._stage is Stage.OPENING and self._opening is not None:
            self._wish(self._opening.opened())
            self._climb(self._opening, now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Refuse: a link for one stream accepts none. Use `adopt`.

        Raises:
            LocalProtocolError: always; the driver's listener belongs to another machine.
        """
        raise LocalProtocolError(
            Misuse.ALREADY_CONNECTED, "A link over one stream accepts none: adopt the stream instead"
        )

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Take note that TLS is done."""
        if self._stage is Stage.OPENING and self._opening is not None:
            self._opening.tls_started()
            self._climb(self._opening, now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that the stream is gone: the link is over."""
        ending = self._ending
        if ending is None and self._opening is not None:
            ending = self._opening.lost(why, detail)
        elif ending is None:
            ending = lost_stream(self._phase, why, detail, self._where)
        elif ending.clean and why is not StreamLoss.CLOSED and self.unsent:
            # Closing in order promises that what was queued was written.
            ending = lost_stream(self._phase, why, f"{self.unsent} octets were not written", self._where)
        self._stage = Stage.OVER
        self._changed = False
        self._deadlines.clear()
        self._events.append(ending)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        if self._stage is Stage.OPEN:
            self._layer.receive_data(data, now)
            self._settle(now)
        elif self._stage is Stage.OPENING and self._opening is not None:
            try:
                wish = self._opening.receive_data(data)
            except RemoteProtocolError as error:
                self._refuse(self._opening, error, now)
            else:
                self._wish(wish)
                self._climb(self._opening, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that the peer ended its side of the stream."""
        if self._stage is Stage.OPEN:
            self._layer.receive_eof(now)
            self._settle(now)
        elif self._stage is Stage.OPENING and self._opening is not None:
            self._refuse(self._opening, self._opening.receive_eof(), now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        while (name := self._deadlines.pop_due(now)) is not None:
            if name is _When.ABORT:
                self._abort()
            else:
                self._layer.handle_timeout(now)
                self._settle(now)

    def run(self, now: float) -> None:
        """Do nothing: this machine leaves no work over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish about the stream, or None."""
        return self._actions.popleft() if self._actions else None

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        if self._stage is Stage.OPENING and self._opening is not None:
            return self._opening.data_to_send(max_bytes)
        return self._layer.data_to_send(now, max_bytes) if self._stage in _WRITING else b""

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether the stream should be read."""
        if self._stage is _OPENING and self._opening is not None:
            return self._opening.wants_read
        return self._stage is _OPEN and self._reading

    def changed_streams(self) -> list[StreamId]:
        """Return the stream if there is something to write or `wants_read` changed since the last call."""
        if not self._changed:
            return []
        self._changed = False
        return [self._stream]

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._deadlines.soonest

    def wants_run(self) -> bool:
        """Return False: this machine leaves no work over."""
        return False

    @property
    def finished(self) -> bool:
        """Whether everything is over."""
        return self._stage is Stage.OVER

    # Inside

    def _wish(self, tls: StartTLS | None) -> None:
        if tls is not None:
            self._actions.append(tls)

    def _climb(self, opening: StreamOpening, now: float) -> None:
        """Go on with the next step of opening; at the last one the layer gets the stream."""
        self._changed = True
        if opening.ready:
            self._opening = None
            self._where = opening.where
            self._begin(opening.leftover, now)

    def _begin(self, leftover: bytes, now: float) -> None:
        self._stage = Stage.OPEN
        self._changed = True
        self._layer.start(now)
        if leftover:
            self._layer.receive_data(leftover, now)
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Take what the layer has to say after a call."""
        while (event := self._layer.next_event()) is not None:
            if isinstance(event, LinkClosed):
                self._end(event, now, abort=False)
                return
            if not isinstance(event, LinkData):
                self._phase = Phase.OPEN
            self._events.append(event)
        if self._layer.unsent:
            self._changed = True
        self._rearm()

    def _rearm(self) -> None:
        if self._stage is Stage.OPEN:
            self._deadlines.set(_When.LAYER, self._layer.next_deadline())

    def _refuse(self, opening: StreamOpening, error: RemoteProtocolError, now: float) -> None:
        reason = str(error)
        status = opening.status
        self._end(LinkClosed(False, opening.phase, reason, status=status, error=error), now, abort=True)

    def _given_up(self) -> LinkClosed:
        reason = "This side closed the link before it had opened"
        return LinkClosed(clean=False, phase=self.phase, reason=reason)

    def _end(self, closed: LinkClosed, now: float, *, abort: bool) -> None:
        self._ending = closed
        self._changed = True
        self._deadlines.clear()
        if abort:
            self._abort()
        else:
            self._stage = Stage.ENDING
            self._actions.append(CloseStream(self._stream))
            self._deadlines.set(_When.ABORT, now + self._close_timeout)

    def _abort(self) -> None:
        self._stage = Stage.ABORTING
        self._deadlines.clear()
        self._actions.append(CloseStream(self._stream, abort=True))
