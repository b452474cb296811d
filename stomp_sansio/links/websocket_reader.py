"""Octets to WebSocket messages, pings and the peer's Close: the receiving half of a WebSocket that is open.

A message in one well-formed frame is read here; everything else goes, one whole frame at a time, through
wsproto. What lives here must not know the hand-shake, time, or what is sent.

Three of wsproto's ways make the care necessary. It reports a fault that it found as if the peer had closed,
but stays in its state: so a Close counts as the peer's only if the state says so too. It hands out pieces of
messages without counting them: so octets and fragments are counted here, from the header on, before a payload
is kept. And it decodes text: so it is told that every message is binary, and text is judged here, whole, by
the same rule whether fragmented or not.
"""

from __future__ import annotations

from typing import TypeAlias

from wsproto import WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection
from wsproto.events import Ping as WSProtoPing
from wsproto.frame_protocol import CloseReason

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from ..records import record
from .chunks import is_utf8
from .link import LinkData
from .websocket_frames import BINARY, FIN, TEXT, FrameHeader, apply_mask, read_header

__all__ = ["MessageReader", "PeerClose", "Ping"]

_WHOLE_MESSAGES = (FIN | TEXT, FIN | BINARY)
_FIRST_CONTROL_OPCODE = 0x8


@record
class Ping:
    """A PING, to be answered with the same payload."""

    payload: bytes


@record
class PeerClose:
    """The peer's Close. Nothing after it is read."""

    code: int
    """1005 if the frame had none (RFC 6455, section 7.1.5)."""
    reason: str


Received: TypeAlias = LinkData | Ping | PeerClose


class MessageReader:
    """Reads what a peer sends. Feed it with `receive`, then call `next` until it returns None."""

    __slots__ = (
        "_any_text",
        "_buffer",
        "_client",
        "_fragments",
        "_header",
        "_held",
        "_limits",
        "_parts",
        "_position",
        "_text",
        "_whole",
        "_ws",
    )

    def __init__(self, ws: WSConnection, *, any_text: bool, limits: Limits) -> None:
        self._ws = ws
        self._client = ws.client
        self._any_text = any_text
        self._limits = limits
        self._buffer = bytearray()
        self._position = 0
        self._header: FrameHeader | None = None
        self._whole = False
        self._text = False
        self._parts: list[bytes] = []
        self._held = 0
        self._fragments = 0

    def receive(self, data: bytes) -> None:
        """Take in octets. Nothing is judged before `next`."""
        self._buffer += data

    @property
    def incomplete(self) -> bool:
        """Whether the peer is inside a frame or a message, once `next` has returned None."""
        return self._header is not None or bool(self._buffer) or self._fragments > 0

    def next(self) -> Received | None:
        """Return what came next, or None when more octets are needed. Messages without any octet are passed
        over.

        Raises:
            RemoteProtocolError: the peer broke a rule. Feed and ask no more.
        """
        buffer = self._buffer
        while True:
            header = self._header
            if header is None:
                header = read_header(buffer, self._position, len(buffer))
                if header is None:
                    break
                self._position += header.size
                received = self._begin_frame(header)
                if header.length == 0 and not self._whole:
                    if received is not None:
                        return received
                    continue
                self._header = header
            end = self._position + header.length
            if end > len(buffer):
                break
            with memoryview(buffer) as view:
                payload = bytes(view[self._position : end])
            self._position = end
            self._header = None
            if not self._whole:
                received = self._feed(payload)
            elif header.masking_key:
                received = self._message(apply_mask(payload, header.masking_key), header.first == FIN | TEXT)
            else:
                received = self._message(payload, header.first == FIN | TEXT)
            if received is not None:
                return received
        del buffer[: self._position]
        self._position = 0
        return None

    def _begin_frame(self, header: FrameHeader) -> Received | None:
        """Judge a header as soon as it is whole, so that no payload is kept for a bad one."""
        opcode = header.first & 0x0F
        # A message by itself, with nothing about it that wsproto would refuse: FIN with text or binary and no
        # reserved bit; the length in its shortest form; masked exactly if a client sent it (section 5.1); not
        # inside a message.
        self._whole = (
            header.first in _WHOLE_MESSAGES
            and header.plain
            and (not header.masking_key) is self._client
            and not self._fragments
        )
        if opcode < _FIRST_CONTROL_OPCODE:
            self._check_limits(header.length)
        if self._whole:
            return None
        octets = bytearray(self._buffer[self._position - header.size : self._position])
        if opcode < _FIRST_CONTROL_OPCODE:
            if not self._fragments:
                self._text = opcode == TEXT
                if self._text:
                    octets[0] ^= TEXT ^ BINARY
            self._fragments += 1
            self._held += header.length
        return self._feed(octets)

    def _check_limits(self, length: int) -> None:
        """Measure a data frame by its header, before its payload is kept."""
        if self._held + length > self._limits.max_message:
            raise RemoteProtocolError(
                LinkFault.LIMIT,
                f"A WebSocket message has more than {self._limits.max_message} octets: "
                "raise Limits.max_body if the peer may send such",
            )
        if self._fragments >= self._limits.max_message_fragments:
            raise RemoteProtocolError(
                LinkFault.LIMIT,
                f"A WebSocket message came in more than {self._limits.max_message_fragments} fragments: "
                "raise Limits.max_message_fragments if the peer may send such",
            )

    def _feed(self, octets: bytes | bytearray) -> Received | None:
        """Hand wsproto a header, or the payload of the header before: that is at most one event."""
        ws = self._ws
        ws.receive_data(bytes(octets))
        received: Received | None = None
        for event in ws.events():
            if isinstance(event, BytesMessage):
                self._parts.append(bytes(event.data))
                if event.message_finished:
                    whole = b"".join(self._parts)
                    self._parts.clear()
                    self._held = self._fragments = 0
                    received = self._message(whole, self._text)
            elif isinstance(event, WSProtoPing):
                received = Ping(bytes(event.payload))
            elif isinstance(event, CloseConnection):
                received = self._peer_close(event)
        return received

    def _peer_close(self, event: CloseConnection) -> PeerClose:
        if self._ws.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED):
            return PeerClose(int(event.code), event.reason or "")
        fault = LinkFault.PROTOCOL_ERROR
        if event.code is CloseReason.INVALID_FRAME_PAYLOAD_DATA:
            fault = LinkFault.NOT_UTF8
        raise RemoteProtocolError(fault, f"The peer broke the WebSocket protocol: {event.reason}")

    def _message(self, data: bytes, text: bool) -> LinkData | None:
        if text and not self._any_text and not is_utf8(data):
            raise RemoteProtocolError(
                LinkFault.NOT_UTF8,
                "A text message is no UTF-8. RabbitMQ sends such unless its configuration has "
                "web_stomp.ws_frame = binary",
            )
        return LinkData(data) if data else None
