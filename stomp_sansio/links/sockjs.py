"""SockJS over a WebSocket: `SockJSLink`, the transport "websocket" of a SockJS service, client side.

What lives here puts SockJS frames between chunks and WebSocket messages and watches for silence. It must not
know STOMP, HTTP, or how a WebSocket says things.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from ..errors import LocalProtocolError, Misuse, RemoteProtocolError
from ..machine import StreamId, StreamLoss
from ..protocol.deadlines import Deadlines
from ..protocol.limits import Limits
from ..records import replace
from .chunks import is_utf8
from .link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from .opening import route_to
from .proxy import Proxy
from .silence import SILENCE, SilenceWatch
from .sockjs_frames import (
    SockJSClose,
    SockJSEvent,
    SockJSHeartbeat,
    SockJSMessages,
    SockJSOpen,
    SockJSReceiver,
)
from .sockjs_payload import WholeCharacters, check_array_split, encode_array, encode_arrays
from .stream_link import StreamLink
from .url import Endpoint, SessionIds, sockjs_endpoint
from .websocket_layer import CLOSE_TIMEOUT, WebSocketLayer

__all__ = ["SockJSLayer", "SockJSLink", "closed_session"]


class _When(Enum):
    WEB = "when to wake the WebSocket"
    SILENCE = "when the server has been silent for too long"


class SockJSLayer:
    """Stands on a WebSocket that carries SockJS frames. One `send` is one frame, unless it is to be split."""

    __slots__ = (
        "_characters",
        "_deadlines",
        "_ended",
        "_events",
        "_opened",
        "_pings",
        "_receiver",
        "_silence",
        "_split_above",
        "_subprotocol",
        "_web",
    )

    def __init__(
        self,
        web: WebSocketLayer,
        *,
        limits: Limits,
        split_above: int | None = None,
        silence: float = SILENCE,
    ) -> None:
        """Take a WebSocket that nobody else drives.

        With `split_above` a chunk goes in frames of at most so many octets. `silence` is how long, in
        seconds, the server may say nothing.

        Raises:
            ValueError: `split_above` is too small for any character.
        """
        check_array_split(split_above)
        self._web = web
        self._split_above = split_above
        self._receiver = SockJSReceiver(limits)
        self._characters = WholeCharacters()
        self._silence = SilenceWatch(silence)
        self._pings = 0
        self._deadlines: Deadlines[_When] = Deadlines()
        self._events: deque[LinkEvent] = deque()
        self._subprotocol: str | None = None
        self._opened = False
        self._ended = False

    # Commands

    def start(self, now: float) -> None:
        """Begin with the WebSocket's hand-shake."""
        self._web.start(now)
        self._rearm()

    def send(self, chunk: bytes, now: float) -> None:
        """Queue a chunk as one frame, or as several if it is to be split.

        Raises:
            LocalProtocolError: the session is not open, or the chunk is no UTF-8. Nothing was queued.
        """
        if not self._opened or self._ended:
            misuse = Misuse.CLOSED if self._ended else Misuse.NOT_CONNECTED
            raise LocalProtocolError(misuse, "The SockJS session is not open")
        text = self._characters.take(chunk)
        if not text:
            return
        if self._split_above is None:
            self._web.send(encode_array((text,)), now)
            return
        for array in encode_arrays(text, self._split_above):
            self._web.send(array, now)

    def carries(self, chunk: bytes) -> bool:
        """Tell whether the octets are UTF-8."""
        return is_utf8(chunk)

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return self._web.unsent

    def pause_reading(self, now: float) -> None:
        """Count no silence."""
        self._silence.pause()
        self._rearm()

    def resume_reading(self, now: float) -> None:
        """Count silence again, from now on."""
        self._silence.resume(now)
        self._rearm()

    def close(self, now: float) -> None:
        """Close the WebSocket in order: SockJS has nothing more to say."""
        self._silence.stop()
        self._web.close(now)
        self._listen(now)

    # Inputs

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets that came."""
        self._silence.heard_octets(now)
        self._web.receive_data(data, now)
        self._listen(now)

    def receive_eof(self, now: float) -> None:
        """Take note that no more octets come."""
        self._web.receive_eof(now)
        self._listen(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        while (due := self._deadlines.pop_due(now)) is not None:
            if due is _When.WEB:
                self._web.handle_timeout(now)
                self._listen(now)
            else:
                self._end(LinkClosed(False, Phase.OPEN, self._silence.reason, loss=StreamLoss.TIMEOUT))

    # Outputs

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write."""
        return self._web.data_to_send(now, max_bytes)

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._deadlines.soonest

    # Inside

    def _listen(self, now: float) -> None:
        """Take what the WebSocket has to say."""
        while not self._ended and (event := self._web.next_event()) is not None:
            match event:
                case LinkOpened():
                    self._subprotocol = event.subprotocol
                case LinkData():
                    self._receive(event.data, now)
                case _:
                    self._end(event if self._opened else replace(event, phase=Phase.UPGRADE))
        if self._web.pings != self._pings:
            # Some servers beat with PINGs where others send "h".
            self._pings = self._web.pings
            self._silence.heard_beat(now)
        self._rearm()

    def _rearm(self) -> None:
        self._deadlines.clear()
        if not self._ended:
            self._deadlines.set(_When.WEB, self._web.next_deadline())
            self._deadlines.set(_When.SILENCE, self._silence.deadline)

    def _receive(self, frame: bytes, now: float) -> None:
        try:
            event = self._receiver.receive(frame)
        except RemoteProtocolError as error:
            phase = Phase.OPEN if self._opened else Phase.UPGRADE
            self._web.close(now, 1002, "not SockJS")
            self._end(LinkClosed(False, phase, str(error), error=error))
        else:
            self._take(event, now)

    def _take(self, event: SockJSEvent, now: float) -> None:
        match event:
            case SockJSMessages():
                data = b"".join(event.messages)
                if data:
                    self._events.append(LinkData(data))
            case SockJSHeartbeat():
                self._silence.heard_beat(now)
            case SockJSOpen():
                self._opened = True
                self._events.append(LinkOpened("websocket", self._subprotocol))
            case _:
                self._web.close(now)
                self._end(closed_session(event, opened=self._opened))

    def _end(self, closed: LinkClosed) -> None:
        self._ended = True
        self._rearm()
        self._events.append(closed)


def closed_session(close: SockJSClose, *, opened: bool) -> LinkClosed:
    """Return the end of a link whose server closed the session: clean where it said so in order."""
    said = f": {close.reason!r}" if close.reason else ""
    return LinkClosed(
        close.clean,
        Phase.OPEN if opened else Phase.UPGRADE,
        f"The server closed the SockJS session, code {close.code}{said}",
        code=close.code,
    )


class SockJSLink(StreamLink):
    """A `Link` that is the "websocket" transport of a SockJS service.

    Call `start`, then drive it as any `Machine`.
    """

    __slots__ = ()

    def __init__(
        self,
        base: Endpoint,
        ids: SessionIds,
        *,
        stream_ids: Iterator[StreamId],
        headers: Iterable[tuple[str, str]] = (),
        masking_key: Callable[[], bytes] | None = None,
        split_above: int | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
        silence: float = SILENCE,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> None:
        """Prepare a link to a session of the service at `base`, as given to `new SockJS(url)`.

        `headers` go along with the upgrade request. `masking_key` is as for `WebSocketLink`. With
        `split_above` no WebSocket message has more octets than that. `silence` is how long, in seconds, the
        server may say nothing once it has sent a beat.

        Raises:
            InvalidURI: the base is no web address.
            LocalProtocolError: a header field cannot be sent.
            ValueError: `split_above` is too small for any character.
        """
        limits = limits or Limits.client()
        endpoint = sockjs_endpoint(base, "websocket", ids)
        web = WebSocketLayer.client(
            host=endpoint.authority,
            target=endpoint.request_target,
            headers=headers,
            subprotocols=(),
            masking_key=masking_key,
            limits=web_limits(limits),
            close_timeout=close_timeout,
        )
        super().__init__(
            SockJSLayer(web, limits=limits, split_above=split_above, silence=silence),
            next(stream_ids),
            route=route_to(endpoint, proxy=proxy, server_name=server_name),
            limits=limits,
            close_timeout=close_timeout,
        )


def web_limits(limits: Limits) -> Limits:
    """Return the limits of a WebSocket that carries SockJS frames: escapes make them larger."""
    return replace(limits, max_body=limits.max_body + limits.max_sockjs_frame - limits.max_message)
