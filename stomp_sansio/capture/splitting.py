"""A STOMP stream, cut where its frames end: the octets of each, whole, and the heart-beats between them.

What lives here finds ends as a parser does, and judges nothing. It must not know who says what.
"""

from __future__ import annotations

__all__ = ["FrameSplitter"]


class FrameSplitter:
    """One direction. What it is fed comes back, octet for octet, in pieces: frames, and single EOLs."""

    __slots__ = ("_buffer", "_end", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        # How far the buffer was searched, and where the body of its first frame ends, once that is known.
        self._searched = 0
        self._end: int | None = None

    @property
    def rest(self) -> bytes:
        """The beginning of a piece that is not whole."""
        return bytes(self._buffer)

    def feed(self, octets: bytes) -> list[bytes]:
        """Take in octets; return the pieces that are whole now."""
        self._buffer += octets
        pieces: list[bytes] = []
        while (length := self._next()) is not None:
            pieces.append(bytes(self._buffer[:length]))
            del self._buffer[:length]
            self._searched, self._end = 0, None
        return pieces

    def _next(self) -> int | None:
        """Return how long the first piece is, or None when it is not whole."""
        buffer = self._buffer
        if buffer.startswith(b"\n"):
            return 1
        if buffer.startswith(b"\r\n"):
            return 2
        if self._end is None and not self._find_head():
            return None
        assert self._end is not None, "a head says where to look for the end"
        if len(buffer) <= self._end:
            return None
        nul = buffer.find(b"\0", max(self._end, self._searched))
        self._searched = len(buffer)
        return None if nul == -1 else nul + 1

    def _find_head(self) -> bool:
        """Look for the blank line behind a head; tell whether it is there."""
        start = max(self._searched - 3, 0)
        ends = [self._buffer.find(blank, start) + len(blank) for blank in (b"\n\n", b"\n\r\n")]
        ends = [end for end, blank in zip(ends, (2, 3), strict=True) if end >= blank]
        if not ends:
            self._searched = len(self._buffer)
            return False
        head = bytes(self._buffer[: min(ends)])
        self._end = min(ends) + _content_length(head)
        self._searched = 0
        return True


def _content_length(head: bytes) -> int:
    for line in head.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return int(value.strip().lstrip(b"0")[:18] or b"0")
    return 0
