"""WebSocket (RFC 6455) over one stream of octets, both sides: `WebSocketLayer`, on wsproto.

What lives here is the life of one WebSocket: hand-shake, messages, close. It must not know STOMP, SockJS or
stream ids.

`WebSocketLayer.client(host=, target=, ...)` and `WebSocketLayer.server(...)` make a `Layer` (see `layer.py`):
its owner calls `start(now)` when the stream is open, hands in octets and instants, and drains `next_event`
after each call. One `LinkData` is one message, and one `send` is one message unless it is to be split;
messages without an octet say nothing. `pings` counts PINGs, which are answered here; `request` is what the
client asked of a server.

wsproto does the hand-shake, and judges control frames, fragments and whatever is malformed. A message in one
well-formed frame, the common case by far, is read and written without it, with the same checks. For that,
wsproto is fed whole frames, so that both always agree where the next one begins. Extensions are neither
offered nor accepted: wsproto's permessage-deflate inflates without a bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import partial

from wsproto import WSConnection

from ..errors import Fault, LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from ..protocol.deadlines import Deadlines
from ..protocol.limits import Limits
from ..redaction import excerpt
from .link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from .octet_queue import OctetQueue
from .origin import OriginPolicy
from .subprotocols import STOMP_SUBPROTOCOLS
from .websocket_handshake import ClientHandshake, Refused, ServerHandshake, Upgraded, UpgradeRequest
from .websocket_reader import MessageReader, PeerClose
from .websocket_writer import MessageWriter, message_writer

__all__ = ["CLOSE_TIMEOUT", "HANDSHAKE_TIMEOUT", "WebSocketLayer"]

CLOSE_TIMEOUT = 10.0
"""Seconds to wait for the peer's answer to our Close: as long as opening may take."""

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a client may take for its upgrade request."""

_CLOSE_CODES: dict[Fault | LinkFault, int] = {LinkFault.LIMIT: 1009, LinkFault.NOT_UTF8: 1007}
"""What to tell the peer about a fault (RFC 6455, section 7.4.1); 1002, protocol error, for all others."""


class _State(Enum):
    NEW = "not started"
    HANDSHAKE = "the hand-shake is not done"
    OPEN = "open"
    CLOSING = "closing: we said Close and wait for the peer's"
    CLOSED = "closed"


class _When(Enum):
    HANDSHAKE = "when to give up the hand-shake"
    CLOSE = "when to give up waiting for the peer's Close"


class WebSocketLayer:
    """One WebSocket. Made by `client` or `server`; a new object for each stream."""

    __slots__ = (
        "_close_timeout",
        "_deadlines",
        "_eof",
        "_events",
        "_fresh",
        "_handshake",
        "_handshake_timeout",
        "_phase",
        "_queue",
        "_reader",
        "_reading",
        "_state",
        "_writer",
        "_writing",
        "pings",
        "request",
    )

    pings: int
    """PINGs that came: signs of life. They are answered here."""
    request: UpgradeRequest | None
    """What the client asked for (server side), once `LinkOpened` has come."""

    def __init__(
        self,
        handshake: ClientHandshake | ServerHandshake,
        reading: Callable[[WSConnection], MessageReader],
        writing: Callable[[WSConnection, OctetQueue], MessageWriter],
        handshake_timeout: float | None,
        close_timeout: float,
    ) -> None:
        """Build a layer on a hand-shake, with what makes its two halves afterwards; callers use `client` or
        `server`."""
        self._handshake: ClientHandshake | ServerHandshake | None = handshake
        self._reading = reading
        self._writing = writing
        self._handshake_timeout = handshake_timeout
        self._close_timeout = close_timeout
        self._state = _State.NEW
        self._phase = Phase.UPGRADE
        self._deadlines: Deadlines[_When] = Deadlines()
        self._events: deque[LinkEvent] = deque()
        self._eof = False
        self._fresh = False
        self._queue = OctetQueue()
        self._reader: MessageReader | None = None
        self._writer: MessageWriter | None = None
        self.pings = 0
        self.request = None

    @classmethod
    def client(
        cls,
        *,
        host: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        subprotocols: Sequence[str] = STOMP_SUBPROTOCOLS,
        binary: bool = False,
        split_above: int | None = None,
        any_text: bool = False,
        masking_key: Callable[[], bytes] | None = None,
        limits: Limits | None = None,
        handshake_timeout: float | None = None,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> WebSocketLayer:
        """Return a layer for a client.

        `host` is the value of the Host header (with the port, unless it is the scheme's own), `target` is
        path and query, `headers` go along as they are. A server that chooses none of the `subprotocols` is
        accepted.

        A chunk goes as text if it is UTF-8, else as binary; always as binary if `binary`. With `split_above`
        no message has more octets than that, and no text message is cut inside a character. `any_text`
        delivers the octets of text messages that are no UTF-8, instead of failing: for STOMP, whose bodies
        may be anything.

        `masking_key` returns four octets that nobody can foresee, a fresh key for each frame; without it,
        wsproto masks and takes its keys from the operating system. The timeouts are in seconds.

        Raises:
            LocalProtocolError: a header field cannot be sent.
            ValueError: another argument cannot be used.
        """
        limits = limits or Limits.client()
        return cls(
            ClientHandshake(
                host=host, target=target, headers=headers, subprotocols=subprotocols, limits=limits
            ),
            partial(MessageReader, any_text=any_text, limits=limits),
            message_writer(always_binary=binary, split_above=split_above, masking_key=masking_key),
            handshake_timeout,
            close_timeout,
        )

    @classmethod
    def server(
        cls,
        *,
        accept_path: Callable[[str], bool] = lambda target: True,
        origins: OriginPolicy | None = None,
        secure: bool = False,
        address: str | None = None,
        subprotocols: Sequence[str] = STOMP_SUBPROTOCOLS,
        binary: bool = False,
        split_above: int | None = None,
        limits: Limits | None = None,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> WebSocketLayer:
        """Return a layer for a server that has accepted a stream.

        `accept_path` gets the target of the request, query included; False answers 404. `origins` says which
        web pages may connect, those of the same host by default; `secure` says that the stream has TLS here,
        `address` is where it comes from: on loopback, that host must be no name that others may have chosen.
        The first of the `subprotocols` that the client offers is chosen, none if it offers none of them.
        """
        limits = limits or Limits.server()
        return cls(
            ServerHandshake(
                subprotocols=subprotocols,
                accept_path=accept_path,
                origins=origins or OriginPolicy(),
                secure=secure,
                address=address,
                limits=limits,
            ),
            partial(MessageReader, any_text=False, limits=limits),
            message_writer(always_binary=binary, split_above=split_above),
            handshake_timeout,
            close_timeout,
        )

    # Commands

    def start(self, now: float) -> None:
        """Begin the hand-shake: the stream carries octets. Call it once, first."""
        self._state = _State.HANDSHAKE
        if self._handshake_timeout is not None:
            self._deadlines.set(_When.HANDSHAKE, now + self._handshake_timeout)
        if isinstance(self._handshake, ClientHandshake):
            self._queue.append(self._handshake.request)

    def send(self, chunk: bytes, now: float) -> None:
        """Queue octets as one message, or as several if they are to be split. No octets, no message.

        Raises:
            LocalProtocolError: the WebSocket is not open. Nothing was queued.
        """
        if self._state is not _State.OPEN or self._writer is None:
            early = self._state in (_State.NEW, _State.HANDSHAKE)
            raise LocalProtocolError(
                Misuse.NOT_CONNECTED if early else Misuse.CLOSED,
                f"The WebSocket is not open ({self._state.value})",
            )
        self._writer.send(chunk)

    def carries(self, chunk: bytes) -> bool:
        """Return True: what is no text goes as binary."""
        return True

    def close(self, now: float, code: int = 1000, reason: str = "") -> None:
        """Close in order: what was queued goes first, then Close, then the peer's answer is awaited, with a
        deadline.

        Before the WebSocket is open there is nothing to say: it is over at once. Harmless when it is closing
        or closed.
        """
        if self._state is _State.OPEN and self._writer is not None:
            self._writer.close(code, reason)
            self._state = _State.CLOSING
            self._deadlines.set(_When.CLOSE, now + self._close_timeout)
        elif self._state in (_State.NEW, _State.HANDSHAKE):
            self._end(clean=False, reason="This side closed the WebSocket before it had opened")

    def pause_reading(self, now: float) -> None:
        """Take note that the stream is not read for now. A WebSocket does not mind."""

    def resume_reading(self, now: float) -> None:
        """Take note that the stream is read again."""

    # Inputs

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets that came. Nothing is judged before `next_event`; after the end they are ignored."""
        self._fresh = True
        if self._reader is not None:
            self._reader.receive(data)
        elif self._handshake is not None:
            self._handshake.receive(data)

    def receive_eof(self, now: float) -> None:
        """Take note that the peer ended its side of the stream: nothing follows what came before."""
        self._eof = self._fresh = True

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`. Too early or too late is harmless."""
        due = self._deadlines.pop_due(now)
        if due is _When.HANDSHAKE:
            self._end(clean=False, reason=f"The hand-shake was not done within {self._handshake_timeout:g} s")
        elif due is _When.CLOSE:
            reason = f"The peer did not answer the close within {self._close_timeout:g} s"
            self._end(clean=False, reason=reason, code=1006)

    # Outputs

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None when more octets are needed. At most one message is read for one
        call."""
        if not self._events:
            if not self._fresh:
                return None
            if self._reader is not None:
                message = self._read(self._reader)
                if message is not None:
                    return message
            elif self._handshake is not None:
                self._shake_hands(self._handshake)
            self._fresh = bool(self._events)
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`; b"" when there are none."""
        octets = self._queue.take(max_bytes)
        if self._writer is not None:
            self._writer.octets_were_taken()
        return octets

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return len(self._queue)

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None. It may change after any other call."""
        return self._deadlines.soonest

    # The hand-shake

    def _shake_hands(self, handshake: ClientHandshake | ServerHandshake) -> None:
        result = handshake.next_result()
        if result is None and self._eof:
            result = handshake.cut_short()
        if result is None:
            return
        self._queue.append(result.response)
        if isinstance(result, Refused):
            self._end(clean=False, reason=str(result.error), status=result.status, error=result.error)
        else:
            self._open(result)

    def _open(self, upgraded: Upgraded) -> None:
        self._state = _State.OPEN
        self._phase = Phase.OPEN
        self._handshake = None
        self._deadlines.clear()
        self._reader = self._reading(upgraded.connection)
        self._reader.receive(upgraded.rest)
        self._writer = self._writing(upgraded.connection, self._queue)
        self.request = upgraded.request
        self._events.append(LinkOpened("websocket", upgraded.subprotocol))

    # What comes, once it is open

    def _read(self, reader: MessageReader) -> LinkData | None:
        """Read on to the next message. None: the octets, or the WebSocket, are at their end."""
        try:
            while (received := reader.next()) is not None:
                if isinstance(received, LinkData):
                    return received
                if isinstance(received, PeerClose):
                    self._answer_close(received)
                    return None
                self.pings += 1
                if self._state is _State.OPEN and self._writer is not None:
                    self._writer.answer_ping(received.payload)
        except RemoteProtocolError as error:
            self._fail(error)
            return None
        if self._eof:
            self._end_of_file(reader)
        return None

    def _answer_close(self, close: PeerClose) -> None:
        if self._state is _State.OPEN and self._writer is not None:
            self._writer.close(close.code)
        said = f": {excerpt(close.reason.encode(), 123)[1:]}" if close.reason else ""
        # RFC 6455, section 7.4.1: it "received a message that is too big for it to process"
        said += "; pass split_above= to send in smaller messages" if close.code == 1009 else ""
        who = "Both sides" if self._state is _State.CLOSING else "The peer"
        self._end(clean=True, reason=f"{who} closed the WebSocket, code {close.code}{said}", code=close.code)

    def _fail(self, error: RemoteProtocolError) -> None:
        """Queue the goodbye before reporting the fault."""
        code = _CLOSE_CODES.get(error.fault, 1002)
        if self._state is _State.OPEN and self._writer is not None:
            self._writer.close(code, str(error))
        self._end(clean=False, reason=str(error), code=code, error=error)

    def _end_of_file(self, reader: MessageReader) -> None:
        if reader.incomplete:
            fault, reason = LinkFault.TRUNCATED, "The stream ended in the middle of a WebSocket message"
        elif self._state is _State.CLOSING:
            fault, reason = LinkFault.CLOSED_ABNORMALLY, "The stream ended without an answer to our close"
        else:
            fault, reason = LinkFault.CLOSED_ABNORMALLY, "The stream ended without a WebSocket close"
        self._end(clean=False, reason=reason, code=1006, error=RemoteProtocolError(fault, reason))

    def _end(
        self,
        *,
        clean: bool,
        reason: str,
        code: int | None = None,
        status: int | None = None,
        error: RemoteProtocolError | None = None,
    ) -> None:
        self._state = _State.CLOSED
        self._handshake = None
        self._reader = None
        self._writer = None
        self._deadlines.clear()
        self._events.append(LinkClosed(clean, self._phase, reason, None, code, status, error))
