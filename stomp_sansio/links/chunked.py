"""A body in chunks (RFC 9112, section 7.1), read within limits: the octets of the body, and where it ends.

What lives here counts before it keeps: the size that a chunk announces, how many chunks there are, and what
stands behind the last one, so that its verdict depends on no cut. It must not know what the body is for.

h11 reads chunks too, and bounds what it has not read yet alone. A flood of chunks of one octet, or of fields
behind the last chunk, would cost us many times what travelled, in memory and in time.
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus

from ..protocol.limits import Limits

__all__ = ["BadChunks", "ChunkedBody"]

_MAX_SIZE_LINE = 1_024
"""Octets of the line before a chunk: its size, and extensions that nobody has."""
_MAX_DIGITS = 16
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_SMALL = 1_024
"""Octets of a body for each of which there may be one chunk more: who has much to say may cut it small."""


class BadChunks(Exception):
    """What came is no body in chunks, or too much of one. Says what is wrong, for people."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Awaits(Enum):
    SIZE = "the line before a chunk"
    DATA = "octets of a chunk"
    END_OF_DATA = "the end of the line behind a chunk"
    TRAILER = "a field behind the last chunk, or the blank line that ends all"
    NOTHING = "the body is whole"


class ChunkedBody:
    """Feed it with `receive`, until that returns True: then `body` is whole, and `rest` is what followed it.

    Fields behind the last chunk are passed over: nobody needs them, and they could contradict the head.
    """

    __slots__ = (
        "_awaits",
        "_buffer",
        "_chunks",
        "_left",
        "_limits",
        "_max_body",
        "_field_octets",
        "_fields",
        "body",
    )

    body: bytearray
    """What has come of the body."""

    def __init__(self, limits: Limits, *, max_body: int) -> None:
        """`max_body` is how many octets the body may have."""
        self._limits = limits
        self._max_body = max_body
        self._awaits = _Awaits.SIZE
        self._buffer = bytearray()
        self._left = 0
        self._chunks = 0
        self._fields = 0
        self._field_octets = 0
        self.body = bytearray()

    def receive(self, data: bytes) -> bool:
        """Take in octets, and tell whether the body is whole.

        Raises:
            BadChunks: the body is malformed, or over a limit. Feed no more.
        """
        self._buffer += data
        start = 0
        while self._awaits is not _Awaits.NOTHING:
            if self._awaits is _Awaits.DATA:
                piece = self._buffer[start : start + self._left]
                self.body += piece
                start += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._awaits = _Awaits.END_OF_DATA
                continue
            longest = self._longest()
            end = self._buffer.find(b"\n", start, start + longest + 2)
            if end < 0:
                if len(self._buffer) - start >= longest + 2:
                    raise self._too_long()
                break
            self._line(bytes(self._buffer[start:end]))
            start = end + 1
        del self._buffer[:start]
        return self._awaits is _Awaits.NOTHING

    @property
    def rest(self) -> bytes:
        """The octets that followed the body."""
        return bytes(self._buffer)

    def _line(self, line: bytes) -> None:
        """Take in a line without its LF."""
        if not line.endswith(b"\r"):
            # A recipient may take a bare LF as the end of a line; one that does not would see another body.
            raise BadChunks(HTTPStatus.BAD_REQUEST, "A line of the chunked body does not end with CR and LF")
        line = line[:-1]
        if self._awaits is _Awaits.SIZE:
            self._size(line)
        elif self._awaits is _Awaits.END_OF_DATA:
            # It is empty: no longer one is looked for.
            self._awaits = _Awaits.SIZE
        elif line:
            self._fields += 1
            self._field_octets += len(line) + 2
            if self._fields > self._limits.max_http_headers:
                raise self._too_long()
        else:
            self._awaits = _Awaits.NOTHING

    def _size(self, line: bytes) -> None:
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or len(digits) > _MAX_DIGITS or not _HEX_DIGITS.issuperset(digits):
            raise BadChunks(HTTPStatus.BAD_REQUEST, "The size of a chunk is no hexadecimal number")
        self._left = int(digits, 16)
        if not self._left:
            self._awaits = _Awaits.TRAILER
            return
        self._chunks += 1
        allowed = self._limits.max_message_fragments + len(self.body) // _SMALL
        if len(self.body) + self._left > self._max_body:
            sentence = f"The body has more than {self._max_body} octets"
            raise BadChunks(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        if self._chunks > allowed:
            sentence = f"The body came in more than {allowed} chunks"
            raise BadChunks(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        self._awaits = _Awaits.DATA

    def _longest(self) -> int:
        """How many octets the line that is awaited may have, without its end."""
        if self._awaits is _Awaits.TRAILER:
            return max(self._limits.max_http_header_block - self._field_octets, 0)
        return _MAX_SIZE_LINE if self._awaits is _Awaits.SIZE else 0

    def _too_long(self) -> BadChunks:
        if self._awaits is _Awaits.TRAILER:
            sentence = "There are too many, or too long, header fields behind the last chunk"
            return BadChunks(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, sentence)
        if self._awaits is _Awaits.END_OF_DATA:
            return BadChunks(HTTPStatus.BAD_REQUEST, "A chunk has more octets than it announced")
        return BadChunks(
            HTTPStatus.BAD_REQUEST, f"The line before a chunk has more than {_MAX_SIZE_LINE} octets"
        )
