"""The header of one WebSocket frame, read and written, and its mask: RFC 6455, section 5.

What lives here is arithmetic on octets for the plain case; it must not know messages, states, or where a
masking key comes from. Whatever is not plain is left to wsproto, which knows every fault by name.
"""

from __future__ import annotations

from struct import Struct

__all__ = ["BINARY", "CONTINUATION", "FIN", "TEXT", "FrameHeader", "apply_mask", "data_frame", "read_header"]

FIN = 0x80
CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2

_MASKED = 0x80
_SHORT_HEADER = Struct("!BB").pack
_MIDDLE_HEADER = Struct("!BBH").pack
_LONG_HEADER = Struct("!BBQ").pack
_TRANSLATIONS = [bytes(octet ^ key for octet in range(256)) for key in range(256)]
_SHORT = 512
"""Below this, one integer exclusive-or is faster than four translations; measured, the lines cross near 800
octets."""


class FrameHeader:
    """What the first octets of a frame announce."""

    __slots__ = ("first", "length", "masking_key", "plain", "size")

    first: int
    """The first octet: FIN, the reserved bits, the opcode."""
    size: int
    """Octets of the header itself."""
    length: int
    """Octets of the payload, as announced."""
    masking_key: bytes
    """Four octets, or none."""
    plain: bool
    """Whether the length is written in its shortest form, as section 5.2 demands, with its highest bit
    clear."""

    def __init__(self, first: int, size: int, length: int, masking_key: bytes, plain: bool) -> None:
        self.first = first
        self.size = size
        self.length = length
        self.masking_key = masking_key
        self.plain = plain


def read_header(buffer: bytes | bytearray, start: int, end: int) -> FrameHeader | None:
    """Return the header that begins at `start`, or None when it is not whole before `end`."""
    if end - start < 2:
        return None
    second = buffer[start + 1]
    length = second & 0x7F
    size = 2
    plain = True
    if length >= 126:
        size = 4 if length == 126 else 10
        if end - start < size:
            return None
        minimum = 126 if length == 126 else 0x10000
        length = int.from_bytes(buffer[start + 2 : start + size], "big")
        plain = minimum <= length < 1 << 63
    masking_key = b""
    if second & _MASKED:
        masking_key = bytes(buffer[start + size : start + size + 4])
        size += 4
        if end - start < size:
            return None
    return FrameHeader(buffer[start], size, length, masking_key, plain)


def apply_mask(payload: bytes, masking_key: bytes) -> bytes:
    """Return the payload with the key laid over it; twice gives the payload again (section 5.3)."""
    length = len(payload)
    if length < _SHORT:
        repeated = masking_key * ((length + 3) >> 2)
        return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated[:length], "little")).to_bytes(
            length, "little"
        )
    masked = bytearray(payload)
    for place in range(4):
        masked[place::4] = masked[place::4].translate(_TRANSLATIONS[masking_key[place]])
    return bytes(masked)


def data_frame(opcode: int, payload: bytes, masking_key: bytes = b"") -> bytes:
    """Return a whole message as one frame, masked if a key of four octets is given (a client must, a server
    must not)."""
    length = len(payload)
    masked = _MASKED if masking_key else 0
    if length < 126:
        header = _SHORT_HEADER(FIN | opcode, masked | length)
    elif length < 0x10000:
        header = _MIDDLE_HEADER(FIN | opcode, masked | 126, length)
    else:
        header = _LONG_HEADER(FIN | opcode, masked | 127, length)
    if masking_key:
        return b"".join((header, masking_key, apply_mask(payload, masking_key)))
    return header + payload
