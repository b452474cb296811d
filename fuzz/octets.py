"""Octets that decide: a fuzzer's input, read as a sequence of choices, and the ways to cut a stream.

This file must not know what is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["Octets", "by_octet", "random_cuts"]

_ChoiceT = TypeVar("_ChoiceT")


class Octets:
    """An input that is read once, from left to right. Where it has ended, every choice is the first one."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> bool:
        """Whether there is something to read."""
        return self._position < len(self._data)

    def octet(self) -> int:
        """Return the next octet."""
        position = self._position
        self._position = position + 1
        return self._data[position] if position < len(self._data) else 0

    def choose(self, options: Sequence[_ChoiceT]) -> _ChoiceT:
        """Return one of the options."""
        return options[self.octet() % len(options)]

    def take(self, count: int) -> bytes:
        """Return the next octets, fewer when fewer are left."""
        position = self._position
        self._position = position + count
        return self._data[position : position + count]

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data))


def by_octet(data: bytes) -> list[bytes]:
    """Return the octets one by one."""
    return [data[index : index + 1] for index in range(len(data))]


def random_cuts(data: bytes, seed: int) -> Iterator[bytes]:
    """Yield the data in pieces of sizes that the seed decides, mostly small ones, some of them empty."""
    position = 0
    while position < len(data):
        # the generator of the C standard's example: any would do
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        size = (seed >> 16) & 7
        if size == 7:
            size = (seed >> 19) & 63
        yield data[position : position + size]
        position += size
