"""The "websocket" transport of a SockJS service, server side: SockJS frames on a WebSocket that a client
opened.

What lives here puts `o`, `a[...]`, `h` and `c[...]` before the client and reads its arrays of strings. It
must not know STOMP, paths, or other sessions: the session lives as long as its WebSocket.
"""

from __future__ import annotations

from collections import deque

from ..errors import LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from ..protocol.limits import Limits
from .chunks import is_utf8
from .link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from .sockjs_frames import HEARTBEAT_FRAME, OPEN_FRAME, encode_close
from .sockjs_payload import WholeCharacters, decode_array, decode_message, encode_string
from .sockjs_session import BROKEN, GO_AWAY
from .websocket_layer import WebSocketLayer

__all__ = ["SockJSServerLayer"]


class SockJSServerLayer:
    """Stands on the server side of a WebSocket. One `send` is one frame with one message."""

    __slots__ = (
        "_beat",
        "_beat_at",
        "_characters",
        "_closing",
        "_events",
        "_limits",
        "_open",
        "_over",
        "_web",
    )

    def __init__(self, web: WebSocketLayer, *, limits: Limits, beat: float) -> None:
        """Take a WebSocket that nobody else drives; after `beat` seconds without a frame a heart-beat goes
        out."""
        self._web = web
        self._limits = limits
        self._beat = beat
        self._characters = WholeCharacters()
        self._events: deque[LinkEvent] = deque()
        self._beat_at = 0.0
        self._open = False
        self._closing = False
        self._over = False

    # Commands

    def start(self, now: float) -> None:
        """Wait for the WebSocket's hand-shake."""
        self._web.start(now)

    def send(self, chunk: bytes, now: float) -> None:
        """Queue a chunk as one message.

        Raises:
            LocalProtocolError: the session is not open, or the chunk is no UTF-8. Nothing was queued.
        """
        if not self._open:
            misuse = Misuse.CLOSED if self._over or self._closing else Misuse.NOT_CONNECTED
            raise LocalProtocolError(misuse, "The SockJS session is not open")
        text = self._characters.take(chunk)
        if text:
            # As `encode_messages` would, without a list for one.
            self._send_frame(f"a[{encode_string(text.decode())}]".encode("ascii"), now)

    def carries(self, chunk: bytes) -> bool:
        """Tell whether the octets are UTF-8."""
        return is_utf8(chunk)

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return self._web.unsent

    def pause_reading(self, now: float) -> None:
        """Do nothing: this side counts no silence."""

    def resume_reading(self, now: float) -> None:
        """Do nothing: this side counts no silence."""

    def close(self, now: float) -> None:
        """Send the close frame and close the WebSocket in order."""
        self._closing = True
        if self._open:
            self._open = False
            self._web.send(encode_close(*GO_AWAY), now)
        self._web.close(now)
        self._listen(now)

    # Inputs

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets that came."""
        self._web.receive_data(data, now)
        self._listen(now)

    def receive_eof(self, now: float) -> None:
        """Take note that no more octets come."""
        self._web.receive_eof(now)
        self._listen(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`: beat, or what the WebSocket has to do."""
        if not self._open:
            self._web.handle_timeout(now)
            self._listen(now)
        elif self._beat_at <= now:
            self._send_frame(HEARTBEAT_FRAME, now)

    # Outputs

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write."""
        return self._web.data_to_send(now, max_bytes)

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        # A WebSocket that is open waits for nothing.
        return self._beat_at if self._open else self._web.next_deadline()

    # Inside

    def _listen(self, now: float) -> None:
        """Take what the WebSocket has to say."""
        while not self._over and (event := self._web.next_event()) is not None:
            match event:
                case LinkOpened():
                    self._open = True
                    self._send_frame(OPEN_FRAME, now)
                    self._events.append(event)
                case LinkData():
                    self._receive(event.data, now)
                case _:
                    self._end(event)

    def _receive(self, payload: bytes, now: float) -> None:
        """Read an array of messages, or one message alone, as some clients send."""
        decode = decode_array if payload[:1] == b"[" else decode_message
        try:
            messages = decode(payload, self._limits)
        except RemoteProtocolError as error:
            code, reason = (1009, "Too large.") if error.fault is LinkFault.LIMIT else BROKEN
            self._web.close(now, code, reason)
            self._end(LinkClosed(False, Phase.OPEN, str(error), code=code, error=error))
            return
        data = b"".join(messages)
        if data:
            self._events.append(LinkData(data))

    def _send_frame(self, frame: bytes, now: float) -> None:
        self._web.send(frame, now)
        self._beat_at = now + self._beat

    def _end(self, closed: LinkClosed) -> None:
        self._open = False
        self._over = True
        self._events.append(closed)
