"""One queue: messages in their order, and the consumers that take turns.

A data structure: it must not know STOMP, nor how a message reaches a consumer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from .messages import StoredMessage

__all__ = ["Consumer", "Queue", "Tally"]


class Consumer(Hashable, Protocol):
    """Who takes messages from queues."""

    @property
    def ready(self) -> bool:
        """Whether it would take one more message now."""
        ...


class Tally:
    """What is kept for many queues together: what waits there, and what awaits an acknowledgement."""

    __slots__ = ("octets",)

    def __init__(self) -> None:
        self.octets = 0


_ConsumerT = TypeVar("_ConsumerT", bound=Consumer)


class Queue(Generic[_ConsumerT]):
    """Messages wait here until a consumer is ready. The consumers that are ready form a line; whoever gets a
    message goes to its end.

    One that turns out not to be ready leaves the line, until `offer` says that it is again.
    """

    __slots__ = (
        "_line",
        "_next_position",
        "_tally",
        "_waiting",
        "consumers",
        "name",
        "octets",
        "pumping",
        "unsettled",
    )

    def __init__(self, name: str, tally: Tally) -> None:
        """`tally` counts what is kept, with other queues."""
        self.name = name
        """The whole destination, for people."""
        self._tally = tally
        self.consumers: dict[_ConsumerT, None] = {}
        """Everybody who is subscribed, in order."""
        self.octets = 0
        """What waits, in octets."""
        self.unsettled = 0
        """Messages that consumers have, and have not acknowledged."""
        self.pumping = False
        """Whether somebody has promised to go on with `next_delivery`."""
        self._waiting: deque[StoredMessage] = deque()
        self._line: dict[_ConsumerT, None] = {}
        self._next_position = 0

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nobody would notice its end."""
        return not (self._waiting or self.consumers or self.unsettled)

    def put(self, message: StoredMessage) -> None:
        """Put a message at the end of the line."""
        message.position = self._next_position
        self._next_position += 1
        self._waiting.append(message)
        self._count(message.size)

    def put_back(self, messages: Iterable[StoredMessage]) -> None:
        """Put messages back where they were taken, in front of all that came after them."""
        returned = sorted(messages, key=lambda message: message.position)
        if not returned:
            return
        waiting = self._waiting
        merged: list[StoredMessage] = []
        for message in returned:
            while waiting and waiting[0].position < message.position:
                merged.append(waiting.popleft())
            message.redelivered = True
            merged.append(message)
            self._count(message.size)
        waiting.extendleft(reversed(merged))

    def join(self, consumer: _ConsumerT) -> None:
        """Add a consumer, at the end of the line."""
        self.consumers[consumer] = None
        self._line[consumer] = None

    def leave(self, consumer: _ConsumerT) -> None:
        """Remove a consumer. What it has is not touched."""
        del self.consumers[consumer]
        self._line.pop(consumer, None)

    def offer(self, consumer: _ConsumerT) -> None:
        """Let a consumer that is ready again join the line, if it is in none."""
        if consumer in self.consumers:
            self._line.setdefault(consumer)

    @property
    def deliverable(self) -> bool:
        """Whether it is worth asking for a delivery."""
        return bool(self._waiting and self._line)

    def next_delivery(self) -> tuple[_ConsumerT, StoredMessage] | None:
        """Take the first message for the consumer whose turn it is; None when there is none, or nobody is
        ready.
        """
        line = self._line
        while self._waiting and line:
            consumer = next(iter(line))
            del line[consumer]
            if consumer.ready:
                line[consumer] = None
                message = self._waiting.popleft()
                self._count(-message.size)
                return consumer, message
        return None

    def hold(self, message: StoredMessage) -> None:
        """Keep a message that was delivered until it is acknowledged."""
        self.unsettled += 1
        self._tally.octets += message.size

    def let_go(self, message: StoredMessage) -> None:
        """Keep it no more: it was acknowledged, or comes back."""
        self.unsettled -= 1
        self._tally.octets -= message.size

    def clear(self) -> list[StoredMessage]:
        """Take everything that waits."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._count(-self.octets)
        return taken

    def _count(self, octets: int) -> None:
        self.octets += octets
        self._tally.octets += octets
