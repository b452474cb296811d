"""WebSocket frames on their way into a capture: unmasked, looked into, and masked again with the same key.

What lives here reads headers of frames (RFC 6455, section 5) and judges nothing. It must not know what the
messages say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..links.websocket_frames import BINARY, CONTINUATION, FIN, FrameHeader, apply_mask, read_header
from .passage import Passage, Put, Waiting
from .secrets import Secrets

__all__ = ["Messages", "WebSocketPassage"]

_RESERVED = 0x70
_CONTROL = 0x8
_CONTROL_FRAMES = frozenset({FIN | 0x8, FIN | 0x9, FIN | 0xA})
_LONGEST_CONTROL = 125


class Messages(Passage, Protocol):
    """What is inside: messages, which begin somewhere."""

    def start_message(self) -> bytes:
        """Begin a message; return what is decided by that."""
        ...


class WebSocketPassage:
    """One direction of a WebSocket, behind its hand-shake."""

    __slots__ = (
        "_broken",
        "_buffer",
        "_control",
        "_from_client",
        "_header",
        "_inside",
        "_left",
        "_on_control",
        "_secrets",
        "_shown",
        "_waiting",
    )

    def __init__(
        self,
        inside: Messages,
        secrets: Secrets,
        on_control: Callable[[int, bytes], None],
        *,
        from_client: bool,
    ) -> None:
        """`on_control` is told the opcode and the payload of each control frame."""
        self._from_client = from_client
        # Whether a frame has come that no reader takes: what follows says nothing, and may be anything.
        self._broken = False
        self._inside = inside
        self._on_control = on_control
        self._secrets = secrets
        self._waiting = Waiting()
        # The header of a frame that is not whole, and how much of it a flush has shown.
        self._buffer = b""
        self._shown = 0
        self._header: FrameHeader | None = None
        self._left = 0
        self._control = b""

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; headers, and payloads of control frames, wait until they are whole."""
        written: list[bytes] = []
        position = 0
        octets, self._buffer = self._buffer + octets, b""
        while position < len(octets):
            if self._broken:
                self._waiting.literal(b"x" * (len(octets) - position))
                break
            header = self._header
            if header is None:
                header = read_header(octets, position, len(octets))
                if header is None:
                    self._buffer = octets[position:]
                    break
                self._waiting.literal(octets[position + self._shown : position + header.size])
                self._shown = 0
                position += header.size
                self._broken = not _is_sound(header, self._from_client)
                if self._broken:
                    continue
                self._begin(header, written)
                if not header.length:
                    self._payload(header, b"", written)
                    continue
            count = min(self._left, len(octets) - position)
            self._payload(header, octets[position : position + count], written)
            position += count
        written.append(self._waiting.fill(b""))
        return b"".join(written)

    def flush(self) -> bytes:
        """Decide everything."""
        written = self._waiting.fill(self._inside.flush())
        self._waiting.literal(self._buffer[self._shown :])
        self._shown = len(self._buffer)
        if self._header is not None:
            self._end_control(self._header)
        return written + self._waiting.fill(b"")

    def _begin(self, header: FrameHeader, written: list[bytes]) -> None:
        self._header = header
        self._left = header.length
        if not header.first & _CONTROL and header.first & 0x0F != CONTINUATION:
            written.append(self._waiting.fill(self._inside.start_message()))

    def _payload(self, header: FrameHeader, payload: bytes, written: list[bytes]) -> None:
        done = header.length - self._left
        self._left -= len(payload)
        if header.first & _CONTROL:
            self._control += payload
            if not self._left:
                self._end_control(header)
        elif payload:
            key = header.masking_key
            key = key[done % 4 :] + key[: done % 4]
            said = apply_mask(payload, key) if key else payload
            self._waiting.held(said, _masking(key))
            written.append(self._waiting.fill(self._inside.feed(said)))
        if not self._left:
            self._header = None

    def _end_control(self, header: FrameHeader) -> None:
        octets, self._control = self._control, b""
        start = header.length - self._left - len(octets)
        key = header.masking_key
        key = key[start % 4 :] + key[: start % 4]
        said = apply_mask(octets, key) if key else octets
        if not self._left:
            self._on_control(header.first & 0x0F, said)
        # A reason is for people, and may quote anything.
        said = said[:2] + self._secrets.hidden(said[2:])
        self._waiting.literal(apply_mask(said, key) if key else said)


def _is_sound(header: FrameHeader, from_client: bool) -> bool:
    """Tell whether a reader goes on behind a header (RFC 6455, sections 5.1, 5.2 and 5.5)."""
    if header.first & _RESERVED or not header.plain or bool(header.masking_key) is not from_client:
        return False
    if header.first & _CONTROL:
        return header.first in _CONTROL_FRAMES and header.length <= _LONGEST_CONTROL
    return header.first & 0x0F <= BINARY


def _masking(key: bytes) -> Put:
    place = 0

    def put(before: bytes, after: bytes) -> bytes:
        nonlocal place
        if not key:
            return after
        turned = key[place % 4 :] + key[: place % 4]
        place += len(after)
        return apply_mask(after, turned)

    return put
