"""What every vector runner shares: reading a vector strictly, cutting octets, and saying why it failed.

A vector is a dictionary that came from JSON. This file must not know what any field of it means.
"""

from __future__ import annotations

import base64
import binascii
import random
from collections.abc import Callable, Collection, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = [
    "BadVector",
    "Cut",
    "Failure",
    "Pairs",
    "Vector",
    "check_fields",
    "error_kinds",
    "header_pairs",
    "octets_of",
    "one_of",
    "text_of",
    "ways_to_cut",
]

Vector: TypeAlias = Mapping[str, Any]
Pairs: TypeAlias = list[tuple[str, str]]
Cut: TypeAlias = Callable[[bytes], list[bytes]]
"""Cuts octets into chunks that join to the same octets; empty chunks may be among them."""

RANDOM_WAYS = 4
"""How many random cuts each vector gets. They are seeded by its id: it is cut alike in every run."""

COMMON_FIELDS = frozenset({"id", "topic", "spec", "note"})
"""What every vector may say about itself; none of it changes a verdict."""


class Failure(Exception):
    """The engine did not do what the vector demands."""


class BadVector(Exception):
    """The vector is not in the format, so nothing can be said about the engine. It counts as failed."""


def check_fields(
    value: object, what: str, required: Collection[str], optional: Collection[str] = ()
) -> Vector:
    """Return the object as a mapping that has every required key and no key beyond the optional ones.

    Raises:
        BadVector: it is no object, a key is missing, or a key is unknown: skipping it would skip a check.
    """
    if not isinstance(value, dict):
        raise BadVector(f"{what} is {value!r} where an object belongs")
    for name in sorted(set(required) - value.keys()):
        raise BadVector(f"{what} has no field {name!r}")
    for name in sorted(value.keys() - set(required) - set(optional)):
        raise BadVector(f"{what} has an unknown field {name!r}")
    return value


def one_of(value: object, what: str, allowed: Collection[str]) -> str:
    """Return the value, which must be one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise BadVector(f"{what} is {value!r}, which is none of: {', '.join(sorted(allowed))}")
    return value


def text_of(value: object, what: str) -> str:
    """Return the value, which must be a string."""
    if not isinstance(value, str):
        raise BadVector(f"{what} is {value!r} where a string belongs")
    return value


def octets_of(value: object, what: str) -> bytes:
    """Return the octets of a base64 field."""
    try:
        return base64.b64decode(text_of(value, what), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadVector(f"{what} is no base64: {error}") from None


def header_pairs(value: object, what: str) -> Pairs:
    """Return a `[[name, value], ...]` field as pairs, in order, repetitions kept."""
    if not isinstance(value, list):
        raise BadVector(f"{what} is {value!r} where a list of [name, value] belongs")
    pairs: Pairs = []
    for entry in value:
        if not isinstance(entry, list) or len(entry) != 2:
            raise BadVector(f"{what} holds {entry!r} where [name, value] belongs")
        pairs.append((text_of(entry[0], what), text_of(entry[1], what)))
    return pairs


def error_kinds(
    value: object, what: str, known: Collection[str], fields: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the kinds that an error object accepts: its `kind` first, then those of `also`.

    `fields` are further keys that the place allows. A kind outside the closed list of its side is unknown.
    """
    error = check_fields(value, what, {"kind", *fields}, {"also", "reason"} - set(fields))
    also = error.get("also", [])
    if not isinstance(also, list):
        raise BadVector(f"{what} has also={also!r} where a list of kinds belongs")
    return tuple(one_of(kind, f"a kind of {what}", known) for kind in [error["kind"], *also])


def ways_to_cut(seed: str) -> list[tuple[str, Cut]]:
    """Return the ways in which every input is cut, each with its name: the result must not depend on them."""
    ways: list[tuple[str, Cut]] = [("whole", _whole), ("octet by octet", _octet_by_octet)]
    numbers = range(1, RANDOM_WAYS + 1)
    random_ways = [(f"random cut {n}", _random_cut(random.Random(f"{seed} {n}"))) for n in numbers]
    return [*ways, *random_ways]


def _whole(octets: bytes) -> list[bytes]:
    return [octets]


def _octet_by_octet(octets: bytes) -> list[bytes]:
    return [octets[at : at + 1] for at in range(len(octets))]


def _random_cut(rng: random.Random) -> Cut:
    def cut(octets: bytes) -> list[bytes]:
        places = sorted(rng.randrange(len(octets) + 1) for _ in range(rng.randint(1, 5)))
        return [octets[start:end] for start, end in pairwise([0, *places, len(octets)])]

    return cut
