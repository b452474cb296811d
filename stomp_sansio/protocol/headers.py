"""The headers of a frame: a read-only mapping in which the first of repeated names wins and nothing is lost.

This file must not know frames, escapes or what any header means.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import TypeAlias, TypeVar, cast, overload

from ..redaction import redacted

__all__ = ["HeaderPairs", "Headers"]

_DefaultT = TypeVar("_DefaultT")

HeaderPairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""What may be given where headers are wanted: a mapping, or name and value pairs in the order they shall
have.
"""


# What is no mapping beyond doubt.
_PAIRS = (list, tuple)


class Headers(Mapping[str, str]):
    """The headers of a frame, as they came or as they shall go.

    Looking up a name gives its first value: STOMP 1.2, "Repeated Header Entries", says that only the first
    one counts. The order of the names is the order on the wire. Names and values are unescaped text. Secrets
    are hidden in `repr`.
    """

    __slots__ = ("first", "repeated")

    first: Mapping[str, str]
    """The first value of each name, as a plain mapping: for whoever looks up several names."""
    repeated: tuple[tuple[str, str], ...] | None
    """Every name and value, where a name is repeated; None where none is, since `first` then has all."""

    def __init__(self, headers: HeaderPairs = ()) -> None:
        self.repeated = None
        # By type where it can be: to ask whether something is a mapping takes longer than all the rest.
        if type(headers) is dict:
            self.first = headers.copy()
        elif type(headers) is Headers:
            self.first = headers.first
            self.repeated = headers.repeated
        elif type(headers) not in _PAIRS and isinstance(headers, Mapping):
            # A mapping may be an iterable of pairs by its type alone: here it is one of names.
            self.first = dict(cast("Mapping[str, str]", headers))
        else:
            pairs = [(name, value) for name, value in cast("Iterable[tuple[str, str]]", headers)]
            last = dict(pairs)
            self.first = last
            if len(last) != len(pairs):
                # Of repeated names the last has won, in the place of the first: now the other way round.
                self.repeated = tuple(pairs)
                self.first = last | dict(reversed(pairs))

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every name and value in wire order, repetitions included."""
        return tuple(self.first.items()) if self.repeated is None else self.repeated

    def get_all(self, name: str) -> list[str]:
        """Return every value of a name in wire order; the first is the one that counts."""
        if self.repeated is None:
            return [self.first[name]] if name in self.first else []
        return [value for other, value in self.repeated if other == name]

    def __getitem__(self, name: str) -> str:
        return self.first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.first)

    def __len__(self) -> int:
        return len(self.first)

    # What follows is Mapping's own behaviour, answered by the dict instead of by Python loops.

    def __contains__(self, name: object) -> bool:
        return name in self.first

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str) -> str: ...
    @overload
    def get(self, key: str, /, default: _DefaultT) -> str | _DefaultT: ...
    def get(self, key: str, /, default: str | _DefaultT | None = None) -> str | _DefaultT | None:
        """Return the first value of a name, or the default."""
        return self.first.get(key, default)

    def keys(self) -> KeysView[str]:
        """Return the names, each once, in wire order."""
        return self.first.keys()

    def values(self) -> ValuesView[str]:
        """Return the first value of each name, in wire order."""
        return self.first.values()

    def items(self) -> ItemsView[str, str]:
        """Return each name with its first value, in wire order. `pairs` has the repetitions as well."""
        return self.first.items()

    def __repr__(self) -> str:
        return f"Headers({[(name, redacted(name, value)) for name, value in self.pairs]!r})"
