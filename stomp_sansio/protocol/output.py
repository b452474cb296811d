"""Octets that wait to be written, handed over in pieces of any size.

This file must not know what they mean or who writes them.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Output"]

# From this size on a reference is cheaper than a copy.
_WORTH_SHARING = 4096


class Output:
    """A queue of octets. `len` is how many wait."""

    __slots__ = ("_heads", "_offset", "_pieces", "_taken", "size")

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        self.size = 0
        """How many octets wait."""
        # How many pieces were taken, and which of those that wait, counted alike, go on in the next one.
        self._taken = 0
        # Most connections never have any.
        self._heads: deque[int] | None = None

    def __len__(self) -> int:
        return self.size

    def append(self, data: bytes) -> None:
        """Queue a frame, or an EOL, behind the others."""
        self._pieces.append(data)
        self.size += len(data)

    def append_parts(self, head: bytes, rest: bytes) -> None:
        """Queue a frame in two parts, so that a `rest` that many queues share is not copied into each."""
        if len(rest) < _WORTH_SHARING:
            self._pieces.append(head + rest)
        else:
            if self._heads is None:
                self._heads = deque()
            self._heads.append(self._taken + len(self._pieces))
            self._pieces.append(head)
            self._pieces.append(rest)
        self.size += len(head) + len(rest)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._taken += len(self._pieces)
        self._heads = None
        self._pieces.clear()
        self._offset = self.size = 0

    def take_piece(self) -> bytes:
        """Remove and return what was appended first, or what is left of it; b"" when nothing waits."""
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()[self._offset :]
        self._offset = 0
        if self._heads and self._heads[0] == self._taken:
            self._heads.popleft()
            self._taken += 1
            piece += self._pieces.popleft()
        self._taken += 1
        self.size -= len(piece)
        return piece

    def take(self, max_bytes: int | None = None) -> bytes:
        """Remove and return the next octets: all that wait, or at most `max_bytes` of them; b"" when none
        wait.

        A large piece is sliced from an offset, so that taking it bit by bit costs its size once.
        """
        if max_bytes is not None and max_bytes < 0:
            raise ValueError(f"max_bytes is {max_bytes}: pass a number of octets, or None for all")
        pieces, offset = self._pieces, self._offset
        if max_bytes is None or self.size <= max_bytes:
            if offset:
                pieces[0] = pieces[0][offset:]
            if len(pieces) == 1 and not self._heads:
                data = pieces.popleft()
                self._taken += 1
                self._offset = self.size = 0
                return data
            data = b"".join(pieces)
            self.clear()
            return data
        taken: list[bytes] = []
        missing = max_bytes
        while missing:
            piece = pieces[0]
            part = piece[offset : offset + missing] if offset or len(piece) > missing else piece
            taken.append(part)
            missing -= len(part)
            offset += len(part)
            if offset == len(piece):
                pieces.popleft()
                offset = 0
                if self._heads and self._heads[0] == self._taken:
                    self._heads.popleft()
                self._taken += 1
        self._offset = offset
        self.size -= max_bytes
        return b"".join(taken)
