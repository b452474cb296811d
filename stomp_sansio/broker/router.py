"""Which subscribers a topic has: names and patterns in a tree, one step a segment.

A data structure: it must not know STOMP, nor what a subscriber is.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from operator import itemgetter
from typing import Generic, TypeVar

from .destinations import is_wildcard, segments

__all__ = ["Router"]

_SubscriberT = TypeVar("_SubscriberT", bound=Hashable)

# Topics whose answer is kept until a subscription changes.
_REMEMBERED = 1_000


class _Node(Generic[_SubscriberT]):
    """What is subscribed below one beginning of names; each subscriber with its number, in order."""

    __slots__ = ("children", "here", "rest")

    def __init__(self) -> None:
        self.children: dict[str, _Node[_SubscriberT]] = {}
        """By segment; `*` with the separator in front of it stands for any segment behind that separator."""
        self.here: dict[_SubscriberT, int] = {}
        self.rest: dict[str, dict[_SubscriberT, int]] = {}
        """Subscribers of everything from here on, by the separator in front of their `>`."""

    @property
    def empty(self) -> bool:
        return not (self.children or self.here or self.rest)


class Router(Generic[_SubscriberT]):
    """Subscribers by name or pattern. `*` matches one segment; `>`, which comes last, all that follow, or
    none.

    So `a.*` matches "a.b"; `a.>` matches "a", "a.b" and "a.b.c" (as in ActiveMQ).
    """

    __slots__ = ("_numbers", "_remembered", "_root")

    def __init__(self) -> None:
        self._root: _Node[_SubscriberT] = _Node()
        self._numbers = count()
        self._remembered: dict[str, tuple[_SubscriberT, ...]] = {}

    def add(self, pattern: str, subscriber: _SubscriberT) -> None:
        """Subscribe. A subscriber is added once."""
        path = segments(pattern)
        *_, node = self._walk(path)
        self._place(node, path[-1])[subscriber] = next(self._numbers)
        self._forget(pattern, path)

    def remove(self, pattern: str, subscriber: _SubscriberT) -> None:
        """Unsubscribe what was added with this pattern."""
        path = segments(pattern)
        nodes = self._walk(path)
        last = path[-1]
        place = self._place(nodes[-1], last)
        del place[subscriber]
        if not place and last[-1:] == ">" and is_wildcard(last):
            del nodes[-1].rest[last[:-1]]
        # What nobody is subscribed to any more is given back.
        for parent, node, segment in reversed(list(zip(nodes, nodes[1:], path, strict=False))):
            if not node.empty:
                break
            del parent.children[segment]
        self._forget(pattern, path)

    @property
    def empty(self) -> bool:
        """Whether nobody is subscribed, and nothing is kept of who was."""
        return self._root.empty

    def match(self, name: str) -> tuple[_SubscriberT, ...]:
        """Return every subscriber of a topic, in the order in which they subscribed."""
        found = self._remembered.get(name)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[name] = self._match(segments(name))
        return found

    def _match(self, path: list[str]) -> tuple[_SubscriberT, ...]:
        nodes = [self._root]
        places: list[dict[_SubscriberT, int]] = []
        for segment in path:
            # Only the first segment has no separator: there is no pattern of everything but `>` itself.
            separator = segment[:1] if segment[:1] in (".", "/") else ""
            following: list[_Node[_SubscriberT]] = []
            for node in nodes:
                places += [rest for mark, rest in node.rest.items() if mark == separator]
                following += [
                    child
                    for key in (segment, separator + "*")
                    if (child := node.children.get(key)) is not None
                ]
            nodes = following
        for node in nodes:
            places += [node.here, *node.rest.values()]
        numbered = [item for place in places for item in place.items()]
        numbered.sort(key=itemgetter(1))
        return tuple([subscriber for subscriber, _ in numbered])

    def _walk(self, path: list[str]) -> list[_Node[_SubscriberT]]:
        """Return the nodes from the root to the one that a pattern is kept in, making what is missing."""
        nodes = [self._root]
        steps = path[:-1] if path[-1][-1:] == ">" and is_wildcard(path[-1]) else path
        for segment in steps:
            node = nodes[-1].children.get(segment)
            if node is None:
                node = nodes[-1].children[segment] = _Node()
            nodes.append(node)
        return nodes

    def _place(self, node: _Node[_SubscriberT], last: str) -> dict[_SubscriberT, int]:
        if last[-1:] == ">" and is_wildcard(last):
            return node.rest.setdefault(last[:-1], {})
        return node.here

    def _forget(self, pattern: str, path: list[str]) -> None:
        if any(map(is_wildcard, path)):
            self._remembered.clear()
        else:
            self._remembered.pop(pattern, None)
