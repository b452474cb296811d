"""Octets on their way out: queued in pieces, handed over in pieces of another size.

What lives here keeps order and counts; it must not know what the octets are.
"""

from __future__ import annotations

from collections import deque

__all__ = ["OctetQueue"]


class OctetQueue:
    """A queue of octets that copies nothing while pieces fit."""

    __slots__ = ("_length", "_offset", "_pieces", "handed_over")

    handed_over: int
    """Octets taken since the beginning: a mark in the stream."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        self._length = 0
        self.handed_over = 0

    def __len__(self) -> int:
        return self._length

    def append(self, octets: bytes) -> None:
        """Put octets at the end."""
        if octets:
            self._pieces.append(octets)
            self._length += len(octets)

    def take(self, max_bytes: int) -> bytes:
        """Remove and return the next octets, at most `max_bytes`; b"" when there are none."""
        pieces = self._pieces
        if not pieces or max_bytes < 1:
            return b""
        if len(pieces) == 1 and self._length <= max_bytes:
            # By far the most frequent case.
            taken = pieces.popleft()
            if self._offset:
                taken = taken[self._offset :]
                self._offset = 0
        else:
            taken = self._take(pieces, max_bytes)
        self._length -= len(taken)
        self.handed_over += len(taken)
        return taken

    def _take(self, pieces: deque[bytes], max_bytes: int) -> bytes:
        first = pieces[0]
        if len(first) - self._offset > max_bytes:
            self._offset += max_bytes
            return first[self._offset - max_bytes : self._offset]
        pieces.popleft()
        if self._offset:
            first = first[self._offset :]
            self._offset = 0
        if len(first) + len(pieces[0]) > max_bytes:
            return first
        room = max_bytes - len(first)
        batch = [first]
        while pieces and len(pieces[0]) <= room:
            room -= len(pieces[0])
            batch.append(pieces.popleft())
        return b"".join(batch)

    def clear(self) -> None:
        """Forget everything that was not handed over."""
        self._pieces.clear()
        self._offset = self._length = 0
