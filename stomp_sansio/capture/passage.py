"""Octets on their way into a capture: the same number comes out, in order, perhaps later, perhaps replaced.

What lives here is that promise, and the queue of whoever looks inside what it passes on. It must not know
what octets mean.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Passage", "Put", "Waiting"]


class Passage(Protocol):
    """A way that octets take. What went in comes out, octet for octet, as soon as it is decided."""

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; return those that are decided now, which may be fewer, or more."""
        ...

    def flush(self) -> bytes:
        """Decide all that was taken in, and return it: nobody can wait for what would come next."""
        ...


Put: TypeAlias = Callable[[bytes, bytes], bytes]
"""Is told octets from inside, before and after, and returns what to write for them outside."""


class Waiting:
    """The outside of octets whose inside is still on its way through another passage.

    What has no inside is `literal`. What has one is `held`: the inside comes back by `fill`, in order, and
    then a function says what that is outside.
    """

    __slots__ = ("_queue", "_returned")

    def __init__(self) -> None:
        self._queue: deque[tuple[bytes, bytes, Put | None, bool]] = deque()
        self._returned = bytearray()

    def literal(self, octets: bytes) -> None:
        """Queue octets that nobody changes."""
        if octets:
            self._queue.append((octets, b"", None, False))

    def held(self, inside: bytes, put: Put, *, whole: bool = False) -> None:
        """Queue octets by their inside. `whole` ones are put when all of the inside has come back."""
        if inside:
            self._queue.append((b"", inside, put, whole))

    def fill(self, inside: bytes) -> bytes:
        """Take in what came back; return what can be written now."""
        self._returned += inside
        written: list[bytes] = []
        while self._queue:
            octets, before, put, whole = self._queue[0]
            if put is None:
                written.append(octets)
            else:
                count = min(len(before), len(self._returned))
                if count == 0 or (whole and count < len(before)):
                    break
                after = bytes(self._returned[:count])
                del self._returned[:count]
                written.append(put(before[:count], after))
                if count < len(before):
                    self._queue[0] = (b"", before[count:], put, whole)
                    break
            self._queue.popleft()
        return b"".join(written)
