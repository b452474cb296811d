"""Which destinations a broker knows, and what may be done with each: one row a prefix.

This file must not know who subscribes, nor what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from ..records import record

__all__ = [
    "KIND_RULES",
    "Destination",
    "Kind",
    "UnusableDestination",
    "for_sending",
    "for_subscribing",
    "is_pattern",
    "is_wildcard",
    "segments",
]

MAX_SEGMENTS = 64
"""Segments of a name: what people give things has three to eight; the work of matching grows with them."""


class Kind(Enum):
    """What a destination does with a message. The value is its prefix."""

    TOPIC = "/topic/"
    """Everybody who is subscribed at this moment gets it."""
    QUEUE = "/queue/"
    """One subscriber gets it; until there is one, it waits."""
    TEMP_QUEUE = "/temp-queue/"
    """A queue of this connection alone, for replies; it ends with the connection."""
    REPLY_QUEUE = "/reply-queue/"
    """How others name a temp queue: what `reply-to` is turned into on its way."""


@record(kw_only=True)
class KindRules:
    """What may be done with the destinations of one kind."""

    subscribe: bool = True
    wildcards: bool = False


KIND_RULES: Mapping[Kind, KindRules] = MappingProxyType(
    {
        Kind.TOPIC: KindRules(wildcards=True),
        Kind.QUEUE: KindRules(),
        Kind.TEMP_QUEUE: KindRules(),
        Kind.REPLY_QUEUE: KindRules(subscribe=False),
    }
)

_KNOWN = ", ".join(f"{kind.value}NAME" for kind in (Kind.TOPIC, Kind.QUEUE, Kind.TEMP_QUEUE))


class Destination(NamedTuple):
    """A destination that was understood."""

    kind: Kind
    name: str
    """What follows the prefix."""


class UnusableDestination(Exception):
    """A client named a destination that this broker has no use for; the message tells it what to write."""


def for_sending(text: str) -> Destination:
    """Return the one destination that a message shall go to.

    Raises:
        UnusableDestination: there is none of that name, or it is a pattern. The client is to blame.
    """
    destination = _parse(text)
    if is_pattern(destination.name):
        raise UnusableDestination(
            f"a message goes to one destination, and {text[:80]!r} is a pattern: * and > are for SUBSCRIBE"
        )
    return destination


def for_subscribing(text: str) -> Destination:
    """Return the destination, or the pattern of topics, that is to be subscribed to.

    Raises:
        UnusableDestination: there is none of that name, or it may not be subscribed to. The client is to
            blame.
    """
    destination = _parse(text)
    rules = KIND_RULES[destination.kind]
    if not rules.subscribe:
        raise UnusableDestination(
            f"{text[:80]!r} is an address for replies: only who asked gets them, at its /temp-queue/NAME"
        )
    if is_pattern(destination.name):
        if not rules.wildcards:
            raise UnusableDestination(f"{text[:80]!r}: * and > match topics only")
        if any(segment[-1:] == ">" for segment in segments(destination.name)[:-1]):
            raise UnusableDestination(f"{text[:80]!r}: > matches all the rest, so it can only come last")
    return destination


def segments(name: str) -> list[str]:
    """Return the segments of a name, each but the first with the `.` or `/` in front of it.

    So "a.b/c" is "a", ".b", "/c": joined they are the name again, and a dot never equals a slash.
    """
    if "/" not in name:
        first, *others = name.split(".")
        return [first, *["." + other for other in others]]
    found: list[str] = []
    for part in name.split("/"):
        first, *others = part.split(".")
        found.append("/" + first if found else first)
        found += ["." + other for other in others]
    return found


def is_wildcard(segment: str) -> bool:
    """Tell whether a segment is `*` or `>`, with or without its separator."""
    return segment in ("*", ">", ".*", ".>", "/*", "/>")


def is_pattern(name: str) -> bool:
    """Tell whether a name has a wildcard as a segment."""
    return ("*" in name or ">" in name) and any(map(is_wildcard, segments(name)))


def _parse(text: str) -> Destination:
    for kind in Kind:
        if text.startswith(kind.value):
            name = text[len(kind.value) :]
            if not name:
                raise UnusableDestination(f"{text!r} has no name behind its prefix")
            if name.count(".") + name.count("/") >= MAX_SEGMENTS:
                raise UnusableDestination(
                    f"{text[:80]!r}: a name has at most {MAX_SEGMENTS} parts between . and /"
                )
            return Destination(kind, name)
    raise UnusableDestination(f"there is no destination {text[:80]!r} here: write {_KNOWN}")
