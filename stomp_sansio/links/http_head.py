"""Cutting the head of an HTTP message out of a stream, within limits, before any HTTP library sees it.

What lives here finds where a head ends and counts its lines; it must not know what the fields mean.

The limits are kept here because those of h11 hold only for events that are still incomplete: a flood that
comes in one piece passes it. Counting octets and lines as they come makes the verdict the same however the
stream was cut.
"""

from __future__ import annotations

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from ..redaction import excerpt

__all__ = ["HeadReader", "head_fields", "head_status", "shown_start"]

_SHOWN = 20
"""Octets of a peer's first word that people are shown."""


class HeadReader:
    """Collects octets until a head is whole. Feed it, then ask `next_head`; what follows the head stays
    inside."""

    __slots__ = ("_buffer", "_error", "_line_start", "_lines", "_max_fields", "_max_octets", "_searched")

    def __init__(self, limits: Limits) -> None:
        self._max_octets = limits.max_http_header_block
        self._max_fields = limits.max_http_headers
        self._buffer = bytearray()
        self._line_start = 0
        self._searched = 0
        self._lines = 0
        self._error: RemoteProtocolError | None = None

    def receive(self, data: bytes) -> None:
        """Take in octets. Nothing is judged before `next_head`."""
        self._buffer += data

    @property
    def pending(self) -> int:
        """Octets that wait here: the beginning of a head, or what followed one."""
        return len(self._buffer)

    def foreign_start(self, *, ended: bool = False) -> bytes | None:
        """Return how something begins that is no response, as soon as that is certain; None until then.

        Certain is the end of its line, the twentieth octet, or the end of the stream: so it is always the
        same, however the stream was cut.
        """
        start, end_of_line, _ = bytes(self._buffer[:_SHOWN]).partition(b"\n")
        if start[:5] == b"HTTP/"[: len(start)]:
            return None
        return start if end_of_line or len(start) == _SHOWN or ended else None

    def next_head(self) -> bytes | None:
        """Return the next head with the blank line that ends it, or None when its end has not come.

        A head ends at a line of nothing, with or without CR (RFC 9112, section 2.2, lets a recipient take a
        bare LF).

        Raises:
            RemoteProtocolError: the peer's head is over a limit (`LinkFault.LIMIT`); the same one when asked
            again.
        """
        if self._error is not None:
            raise self._error
        buffer = self._buffer
        while (newline := buffer.find(b"\n", self._searched, self._max_octets)) != -1:
            line_length = newline - self._line_start
            blank = line_length == 0 or (line_length == 1 and buffer[self._line_start] == 0x0D)
            self._line_start = self._searched = newline + 1
            if blank:
                return self._cut(newline + 1)
            self._lines += 1
            if self._lines > self._max_fields + 1:
                raise self._over(f"The HTTP head has more than {self._max_fields} header fields")
        if len(buffer) > self._max_octets:
            raise self._over(f"The HTTP head is larger than {self._max_octets} octets")
        self._searched = len(buffer)
        return None

    def take(self, most: int) -> bytes:
        """Return, and forget, so many of the octets that followed the last head, or all there are."""
        return self._cut(min(most, len(self._buffer)))

    def take_rest(self) -> bytes:
        """Return, and forget, the octets that followed the last head: they belong to another protocol now."""
        return self._cut(len(self._buffer))

    def _cut(self, length: int) -> bytes:
        octets = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._line_start = self._searched = self._lines = 0
        return octets

    def _over(self, what: str) -> RemoteProtocolError:
        self._error = RemoteProtocolError(
            LinkFault.LIMIT,
            f"{what}: raise Limits.max_http_headers or max_http_header_block if you trust the peer",
        )
        return self._error


def head_status(head: bytes) -> int | None:
    """Return the status code of a response's head, or None when its first line is no status line of
    HTTP/1."""
    if head[:7] != b"HTTP/1." or head[8:9] != b" " or head[12:13] not in (b" ", b"\r", b"\n"):
        return None
    digits = head[9:12]
    return int(digits) if digits.isdigit() else None


def shown_start(head: bytes) -> str:
    """Return how a head begins, as it may be shown: its first word, or the beginning of it.

    A peer that sends back what it was sent would have us show our own credentials.
    """
    return excerpt(head.partition(b"\n")[0].rstrip(b"\r").partition(b" ")[0], _SHOWN)


def head_fields(head: bytes) -> list[tuple[str, str]]:
    """Return the field lines of a head as (lower-case name, value), repetitions kept, without judging
    them."""
    fields: list[tuple[str, str]] = []
    for line in head.split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            fields.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))
    return fields
