"""What an application subscribed to, for as long as it wants it, and the messages that wait for it.

This file must not know connections beyond their number, nor who takes the messages.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from ..protocol.events import AckMode, Message
from ..protocol.headers import HeaderPairs
from .errors import Overflow

__all__ = ["Delivery", "OnExit", "OverflowPolicy", "Subscription"]


class OverflowPolicy(Enum):
    """What happens when messages come faster than they are taken."""

    PAUSE = "pause"
    """The connection is not read until there is room: the server waits. Nothing is lost."""
    DROP_OLDEST = "drop-oldest"
    """The oldest message that waits is dropped, and counted."""
    END = "end"
    """The subscription ends with an `Overflow` error."""


class OnExit(Enum):
    """What happens to the subscription at the server when the application is done with it."""

    UNSUBSCRIBE = "unsubscribe"
    LEAVE = "leave"
    """Nothing: a durable subscription goes on collecting."""


class Delivery:
    """A message, and the connection that delivered it: only there can it be acknowledged."""

    __slots__ = ("epoch", "message", "subscription")

    def __init__(self, message: Message, epoch: int, subscription: Subscription | None) -> None:
        self.message = message
        self.epoch = epoch
        self.subscription = subscription


class Subscription:
    """One subscription of a session: it goes on over reconnects, under one id, until it is ended."""

    __slots__ = (
        "_ending",
        "ack",
        "destination",
        "dropped",
        "epoch",
        "error",
        "headers",
        "id",
        "max_queue",
        "octets",
        "on_exit",
        "overflow",
        "proven",
        "queue",
        "strikes",
    )

    def __init__(
        self,
        id: str,
        destination: str,
        *,
        ack: AckMode,
        headers: HeaderPairs,
        max_queue: int,
        overflow: OverflowPolicy,
        on_exit: OnExit,
    ) -> None:
        self.id = id
        self.destination = destination
        self.ack = ack
        self.headers = headers
        self.max_queue = max_queue
        """How many messages may wait before the overflow policy applies."""
        self.overflow = overflow
        self.on_exit = on_exit
        self.queue: deque[Delivery] = deque()
        """Messages that wait to be taken, oldest first."""
        self.octets = 0
        """Octets of the bodies that wait."""
        self.dropped = 0
        """How many messages the overflow policy has dropped."""
        self.epoch = 0
        """The last connection it was made on; 0 for none."""
        self.proven = False
        """Whether that connection has shown that it works."""
        self.strikes = 0
        """How many connections ended with an ERROR right after it was made."""
        self.error: Exception | None = None
        """Why it ended, if it ended by itself."""
        self._ending = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will come, beyond what waits in `queue`."""
        return self._ending

    @property
    def full(self) -> bool:
        """Whether more messages wait than should."""
        return len(self.queue) >= self.max_queue

    def end(self, error: Exception | None = None) -> None:
        """End it: what waits can still be taken, then `error` is what a taker is told."""
        if not self._ending:
            self._ending, self.error = True, error

    def put(self, delivery: Delivery) -> None:
        """Queue a message, as the overflow policy says."""
        if self._ending:
            return
        if len(self.queue) >= self.max_queue:
            if self.overflow is OverflowPolicy.DROP_OLDEST:
                self.octets -= len(self.queue.popleft().message.body)
                self.dropped += 1
            elif self.overflow is OverflowPolicy.END:
                waited = len(self.queue)
                message = f"{self.destination}: {waited} messages waited, and max_queue is {self.max_queue}"
                self.end(Overflow(message))
                return
        self.queue.append(delivery)
        self.octets += len(delivery.message.body)

    def take(self) -> Delivery | None:
        """Remove and return the oldest message that waits, or None."""
        if not self.queue:
            return None
        delivery = self.queue.popleft()
        self.octets -= len(delivery.message.body)
        return delivery

    def prove(self) -> None:
        """Note that the server had time enough to refuse it, and did not."""
        self.proven = True
        self.strikes = 0

    def connection_lost(self) -> None:
        """Forget what waits and will be delivered again, and keep what the server counts as delivered."""
        if self.ack is not AckMode.AUTO:
            self.queue.clear()
            self.octets = 0
        self.proven = False
