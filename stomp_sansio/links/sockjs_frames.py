"""SockJS framing (SockJS protocol 0.3.3, "Protocol and framing"): frames to octets and back, for every
transport.

What lives here is a codec with the little state that framing has; it must not know HTTP, WebSocket, time or
STOMP. Its errors name kinds and places, never contents: a message may hold a passcode.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from ..records import record
from .sockjs_payload import (
    decode_array,
    decode_close,
    decode_message,
    encode_array,
    encode_string,
    too_large,
)

__all__ = [
    "HEARTBEAT_FRAME",
    "OPEN_FRAME",
    "PRELUDE",
    "ResponseLines",
    "SockJSClose",
    "SockJSEvent",
    "SockJSHeartbeat",
    "SockJSMessages",
    "SockJSOpen",
    "SockJSReceiver",
    "encode_close",
    "encode_messages",
]

OPEN_FRAME = b"o"
HEARTBEAT_FRAME = b"h"
PRELUDE = b"h" * 2048 + b"\n"
"""The first line of an xhr_streaming response: some browsers show nothing before 2 KiB have come."""


@record
class SockJSOpen:
    """The session is open (`o`)."""


@record
class SockJSHeartbeat:
    """A sign of life (`h`)."""


@record
class SockJSMessages:
    """Messages in order (`a[...]`, or `m"..."` with one), each as UTF-8."""

    messages: tuple[bytes, ...]


@record
class SockJSClose:
    """The session is over (`c[code,reason]`, or a second `o`). Nothing after it counts."""

    code: int
    reason: str
    clean: bool = True
    """False when the server has forgotten the session and opened another one."""


_NOTHING = SockJSMessages(())

SockJSEvent: TypeAlias = SockJSOpen | SockJSHeartbeat | SockJSMessages | SockJSClose


class SockJSReceiver:
    """What a client makes of the frames of one session, whatever transport carries them.

    One object a session.
    """

    __slots__ = ("_error", "_limits", "closed", "opened")

    opened: bool
    """Whether `o` has come."""
    closed: bool
    """Whether the session is over."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._error: RemoteProtocolError | None = None
        self.opened = False
        self.closed = False

    def receive(self, frame: bytes) -> SockJSEvent:
        """Take in one whole frame: a WebSocket message, or a line of an xhr response.

        An empty frame, and any frame behind the end, says as much as a frame without a message.

        Raises:
            RemoteProtocolError: the server broke the framing. No message of that frame was delivered; the
                same error comes again when asked again.
        """
        if self._error is not None:
            raise self._error
        if self.closed or not frame:
            return _NOTHING
        try:
            return self._read(frame)
        except RemoteProtocolError as error:
            self._error = error
            raise

    def _read(self, frame: bytes) -> SockJSEvent:
        if len(frame) > self._limits.max_sockjs_frame:
            too_large(self._limits)
        kind = frame[:1]
        if kind == b"a" or kind == b"m":
            if not self.opened:
                raise RemoteProtocolError(
                    LinkFault.UNEXPECTED_FRAME,
                    f"A SockJS frame of type {kind!r} came before the session was open",
                )
            decode = decode_array if kind == b"a" else decode_message
            return SockJSMessages(decode(frame[1:], self._limits))
        if frame == OPEN_FRAME:
            if self.opened:
                self.closed = True
                return SockJSClose(1006, "Server lost session", clean=False)
            self.opened = True
            return SockJSOpen()
        if frame == HEARTBEAT_FRAME:
            return SockJSHeartbeat()
        if kind == b"c":
            code, reason = decode_close(frame[1:])
            self.closed = True
            return SockJSClose(code, reason)
        raise RemoteProtocolError(
            LinkFault.BAD_FRAME,
            f"{len(frame)} octets that begin with {kind!r} are no SockJS frame: those are o, h, a[...], m "
            "and c[...]",
        )


class ResponseLines:
    """The frames of one xhr response: its lines, without the prelude. One object a response."""

    __slots__ = ("_buffer", "_ended", "_error", "_first", "_limits", "_searched", "_start")

    def __init__(self, limits: Limits, *, streaming: bool) -> None:
        """`streaming` says that it answers xhr_streaming, whose first line may be a prelude."""
        self._limits = limits
        self._buffer = bytearray()
        self._start = 0
        self._searched = 0
        self._first = streaming
        self._ended = False
        self._error: RemoteProtocolError | None = None

    def receive(self, data: bytes) -> None:
        """Take in octets of the body. Nothing is judged before `next_frame`."""
        self._buffer += data

    def end(self) -> None:
        """Take note that the body has ended."""
        self._ended = True

    def next_frame(self) -> bytes | None:
        """Return the next frame without its line end, or None when there is no whole one left.

        Lines end at LF; one CR before it belongs to the end. Blank lines mean nothing.

        Raises:
            RemoteProtocolError: a line is over the limit, or the body ended inside one; the same again if
            asked again.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._next_frame()
        except RemoteProtocolError as error:
            self._error = error
            raise

    def _next_frame(self) -> bytes | None:
        buffer = self._buffer
        limit = self._limits.max_sockjs_frame
        while (newline := buffer.find(b"\n", self._searched)) != -1:
            start = self._start
            self._start = self._searched = newline + 1
            end = newline - 1 if newline > start and buffer[newline - 1] == 0x0D else newline
            if end - start > limit:
                too_large(self._limits)
            if end == start:
                continue
            line = bytes(buffer[start:end])
            first, self._first = self._first, False
            if first and len(line) > 1 and line.count(b"h") == len(line):
                continue
            return line
        del buffer[: self._start]
        self._start = 0
        self._searched = len(buffer)
        # One octet more may be the CR of the line's end.
        if len(buffer) > limit + buffer.endswith(b"\r"):
            too_large(self._limits)
        if self._ended and buffer:
            raise RemoteProtocolError(
                LinkFault.TRUNCATED,
                f"The response ended inside a SockJS frame, {len(buffer)} octets after its beginning",
            )
        return None


def encode_messages(messages: Iterable[bytes]) -> bytes:
    """Return the frame `a[...]` of a server.

    Raises:
        LocalProtocolError: a message is no UTF-8.
    """
    return b"a" + encode_array(messages)


def encode_close(code: int, reason: str) -> bytes:
    """Return the frame `c[code,reason]` of a server. Lone surrogates of the reason become question marks."""
    text = reason.encode("utf-8", "replace").decode("utf-8")
    return f"c[{code},{encode_string(text)}]".encode("ascii")
