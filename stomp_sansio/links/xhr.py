"""SockJS over plain HTTP requests: `XhrLink`, the transports "xhr-streaming" and "xhr-polling", client side.

What lives here joins a listener and a talker into one link and decides when it is over. It must not know
STOMP, nor how HTTP says things. At most two streams are in use: one listens, one talks; the order of messages
is kept whatever they do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum

from ..errors import LocalProtocolError, Misuse, RemoteProtocolError
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.deadlines import Deadlines
from ..protocol.limits import Limits
from ..records import replace
from .chunks import is_utf8
from .cookies import CookieJar
from .extra_headers import checked_headers
from .http_client import ResponseEnd, ResponseEvent, ResponseHead
from .http_stream import HttpStream
from .http_streams import HttpStreams
from .link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from .opening import route_to
from .proxy import Proxy
from .silence import SILENCE, SilenceWatch
from .sockjs import closed_session
from .sockjs_frames import SockJSEvent, SockJSHeartbeat, SockJSMessages, SockJSOpen, SockJSReceiver
from .sockjs_payload import WholeCharacters
from .url import Endpoint, SessionIds, sockjs_endpoint
from .xhr_listener import XhrListener
from .xhr_talker import XhrTalker

__all__ = ["XhrLink"]


class _Stage(Enum):
    NEW = "not started"
    OPENING = "the session is not open yet"
    OPEN = "messages flow"
    CLOSING = "what is queued is being sent"
    ENDING = "the streams are being closed"
    OVER = "over"


class _When(Enum):
    SILENCE = "when the server has been silent for too long"
    LISTEN = "when a further stream to listen on must have opened"
    ANSWER = "when xhr_send must be answered"
    CLOSE = "when what is queued must have been sent"


_LISTENING = (_Stage.OPENING, _Stage.OPEN, _Stage.CLOSING)


class XhrLink:
    """A `Link` that is an xhr transport of a SockJS service. Call `start`, then drive it as any `Machine`."""

    __slots__ = (
        "_characters",
        "_close_timeout",
        "_cookies",
        "_deadlines",
        "_ending",
        "_events",
        "_headers",
        "_listener",
        "_reading",
        "_receiver",
        "_request_timeout",
        "_silence",
        "_stage",
        "_streams",
        "_talker",
        "_transport",
    )
    passage = None

    def __init__(
        self,
        base: Endpoint,
        ids: SessionIds,
        *,
        stream_ids: Iterator[StreamId],
        streaming: bool = True,
        headers: Iterable[tuple[str, str]] = (),
        cookies: CookieJar | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
        silence: float = SILENCE,
        request_timeout: float = 10.0,
        close_timeout: float = 10.0,
    ) -> None:
        """Prepare a link to a session of the service at `base`, as given to `new SockJS(url)`.

        `streaming` chooses xhr_streaming, else xhr, which is polling. `headers` go along with every request,
        and so does what `cookies` holds, which keeps what the answers set. `silence` is how long the server
        may say nothing once it has sent a beat, `request_timeout` how long it may take to answer xhr_send,
        `close_timeout` how long what is queued may take at the end; all in seconds.

        Raises:
            InvalidURI: the base is no web address.
            LocalProtocolError: a header field cannot be sent.
        """
        headers = list(headers)
        limits = limits or Limits.client()
        listen_at = sockjs_endpoint(base, "xhr_streaming" if streaming else "xhr", ids)
        talk_at = sockjs_endpoint(base, "xhr_send", ids)
        route = route_to(listen_at, proxy=proxy, server_name=server_name)
        checked_headers(headers)
        self._transport = "xhr-streaming" if streaming else "xhr-polling"
        self._headers = headers
        self._cookies = cookies or CookieJar(path=base.path, secure=base.tls, headers=headers)
        self._streams = HttpStreams(stream_ids, limits)
        self._listener = XhrListener(listen_at, self._streams, route, self._fields, limits, request_timeout)
        self._talker = XhrTalker(talk_at, self._streams, route, self._fields, limits, request_timeout)
        self._receiver = SockJSReceiver(limits)
        self._characters = WholeCharacters()
        self._silence = SilenceWatch(silence)
        self._request_timeout = request_timeout
        self._close_timeout = close_timeout
        self._stage = _Stage.NEW
        self._reading = True
        self._deadlines: Deadlines[_When] = Deadlines()
        self._events: deque[LinkEvent] = deque()
        self._ending: LinkClosed | None = None

    # Commands

    def start(self, now: float) -> None:
        """Begin to open the session. Call it once."""
        if self._stage is not _Stage.NEW:
            raise LocalProtocolError(
                Misuse.ALREADY_CONNECTED, "This link was started or closed before: build a new one"
            )
        self._stage = _Stage.OPENING
        self._listener.ask(now)

    def send(self, chunk: bytes, now: float) -> None:
        """Queue octets of the STOMP stream, after `LinkOpened` and before `LinkClosed`.

        Raises:
            LocalProtocolError: the link is not open, or the chunk is no UTF-8. Nothing was queued.
        """
        if self._stage is not _Stage.OPEN:
            early = self._stage is _Stage.NEW or self._stage is _Stage.OPENING
            misuse = Misuse.NOT_CONNECTED if early else Misuse.CLOSED
            raise LocalProtocolError(misuse, "The SockJS session is not open: nothing was queued")
        text = self._characters.take(chunk)
        if text:
            self._talker.queue(text)
            self._talker.talk(now)
            self._rearm()

    def carries(self, chunk: bytes) -> bool:
        """Tell whether the octets are UTF-8."""
        return is_utf8(chunk)

    @property
    def phase(self) -> Phase:
        """How far the link has come."""
        if self._ending is not None:
            return self._ending.phase
        return Phase.TCP if self._stage is _Stage.NEW else self._phase(self._listener.stream)

    @property
    def unsent(self) -> int:
        """How many octets are queued and not yet handed to the driver."""
        return self._talker.unsent

    def pause_reading(self, now: float) -> None:
        """Ask for no more data for now.

        Answers to what we send are still read. Harmless when paused or closed.
        """
        if self._reading:
            self._reading = False
            self._silence.pause()
            self._look_at_listener()

    def resume_reading(self, now: float) -> None:
        """Ask for data again. Harmless when not paused."""
        if not self._reading:
            self._reading = True
            self._silence.resume(now)
            self._look_at_listener()

    def close(self, now: float) -> None:
        """Close in order: what was queued goes first. `LinkClosed` follows when the streams are gone."""
        if self._stage is _Stage.OPEN:
            self.resume_reading(now)
            self._silence.stop()
            self._stage = _Stage.CLOSING
            self._deadlines.set(_When.CLOSE, now + self._close_timeout)
            self._finish_closing()
            self._rearm()
        elif self._stage is not _Stage.CLOSING:
            self.abort(now)

    def abort(self, now: float) -> None:
        """End at once, sending nothing more."""
        if self._stage is not _Stage.OVER:
            self._end(LinkClosed(False, self.phase, "This side gave the link up"))

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Take note that a stream carries octets."""
        living = self._streams.get(stream)
        if living is not None:
            self._streams.opened(living)
            self._streams.touch(living)
            self._hear(living, now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Refuse: this link accepts no streams.

        Raises:
            LocalProtocolError: always; the driver's listener belongs to another machine.
        """
        raise LocalProtocolError(Misuse.ALREADY_CONNECTED, "An xhr link accepts no streams")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Take note that TLS is done."""
        living = self._streams.get(stream)
        if living is not None:
            living.tls_started()
            self._streams.touch(living)
            self._rearm()

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that a stream is gone. The link is over, unless the stream was idle."""
        living = self._streams.forget(stream)
        if living is None:
            self._finish_ending()
        elif living is self._talker.stream and not self._talker.talking:
            self._talker.stream = None
        else:
            phase = self._phase(living)
            closed = living.lost(phase, why, detail)
            self._end(closed if self._stage is _Stage.OPENING else replace(closed, phase=phase))

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        living = self._streams.get(stream)
        if living is not None:
            self._silence.heard_octets(now)
            self._streams.receive_data(living, data)
            self._hear(living, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that the peer ended its side of a stream."""
        living = self._streams.get(stream)
        if living is not None:
            living.receive_eof()
            self._hear(living, now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        due = self._deadlines.pop_due(now)
        if due is None:
            return
        reasons = {
            _When.SILENCE: self._silence.reason,
            _When.LISTEN: f"No further stream to the server opened within {self._request_timeout:g} s",
            _When.ANSWER: f"The server did not answer xhr_send within {self._request_timeout:g} s",
            _When.CLOSE: f"The server did not take what was queued within {self._close_timeout:g} s",
        }
        self._end(LinkClosed(False, Phase.OPEN, reasons[due], loss=StreamLoss.TIMEOUT))

    def run(self, now: float) -> None:
        """Do nothing: this machine leaves no work over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish about a stream, or None."""
        return self._streams.next_action()

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        living = self._streams.get(stream)
        if living is None:
            return b""
        octets = living.data_to_send(max_bytes)
        if octets and living is self._talker.stream:
            self._talker.wrote(now)
            self._rearm()
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether a stream should be read."""
        living = self._streams.get(stream)
        if living is None:
            return False
        heeded = self._reading or not living.ready or living is not self._listener.stream
        return living.wants_read and heeded

    def changed_streams(self) -> list[StreamId]:
        """Return the streams with something to write or another wish to be read, since the last call."""
        return self._streams.changed_streams()

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._deadlines.soonest

    def wants_run(self) -> bool:
        """Return False: this machine leaves no work over."""
        return False

    @property
    def finished(self) -> bool:
        """Whether everything is over."""
        return self._stage is _Stage.OVER

    # Inside

    def _fields(self) -> list[tuple[bytes, bytes]]:
        return checked_headers(self._cookies.headers(self._headers))

    def _hear(self, stream: HttpStream, now: float) -> None:
        """Take what the responses on a stream bring."""
        try:
            while self._streams.get(stream.stream) is stream and (event := stream.next_event()) is not None:
                if isinstance(event, ResponseHead):
                    self._cookies.store(event.get_all("set-cookie"))
                if stream is self._listener.stream:
                    self._listen(event, now)
                else:
                    self._talker.take(event, now)
        except RemoteProtocolError as error:
            status = stream.status or self._listener.refused_status or self._talker.refused_status
            self._end(LinkClosed(False, self._phase(stream), str(error), status=status, error=error))
        if self._stage in _LISTENING:
            self._talker.forget_idle()
            self._finish_closing()
            self._rearm()

    def _listen(self, event: ResponseEvent, now: float) -> None:
        self._listener.take(event, opened=self._receiver.opened)
        while self._stage in _LISTENING and (frame := self._listener.next_frame()) is not None:
            self._take(self._receiver.receive(frame), now)
        if isinstance(event, ResponseEnd) and self._stage in _LISTENING:
            self._listener.go_on(now)

    def _take(self, event: SockJSEvent, now: float) -> None:
        match event:
            case SockJSMessages():
                data = b"".join(event.messages)
                if data:
                    self._events.append(LinkData(data))
            case SockJSHeartbeat():
                self._silence.heard_beat(now)
            case SockJSOpen():
                self._stage = _Stage.OPEN
                self._events.append(LinkOpened(self._transport))
            case _:
                self._end(closed_session(event, opened=self._stage is not _Stage.OPENING))

    def _look_at_listener(self) -> None:
        if self._listener.stream is not None and self._stage in _LISTENING:
            self._streams.touch(self._listener.stream)
            self._rearm()

    def _finish_closing(self) -> None:
        if self._stage is _Stage.CLOSING and self._talker.done:
            self._end(LinkClosed(True, Phase.OPEN, "This side closed the SockJS session"))

    def _phase(self, stream: HttpStream | None) -> Phase:
        """How far the link has come: an error on a further stream is one of an open link."""
        if self._stage is not _Stage.OPENING and self._stage is not _Stage.NEW:
            return Phase.OPEN
        return (None if stream is None else stream.phase) or Phase.UPGRADE

    def _end(self, closed: LinkClosed) -> None:
        if self._ending is None:
            self._ending = closed
            self._stage = _Stage.ENDING
            self._deadlines.clear()
            self._streams.close_all()
        self._finish_ending()

    def _finish_ending(self) -> None:
        if self._ending is not None and self._streams.gone and self._stage is not _Stage.OVER:
            self._stage = _Stage.OVER
            self._events.append(self._ending)

    def _rearm(self) -> None:
        if self._stage in _LISTENING:
            self._deadlines.set(_When.SILENCE, self._silence.deadline)
            self._deadlines.set(_When.ANSWER, self._talker.deadline)
            opening = None if self._stage is _Stage.OPENING else self._listener.deadline
            self._deadlines.set(_When.LISTEN, opening)
