"""What an application subscribed to, for as long as it wants it, and the messages that wait for it.

This file must not know connections beyond their number, nor who takes the messages.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Any

from ..protocol.events import AckMode, Message
from ..protocol.headers import HeaderPairs, Headers

__all__ = ["OVERHEAD", "Delivery", "OnExit", "OverflowPolicy", "Subscription"]

OVERHEAD = 1024
"""Octets that a message that waits counts for beside its body: what a usual one takes in memory."""


class OverflowPolicy(Enum):
    """What happens when messages come faster than they are taken."""

    PAUSE = "pause"
    """The connection is not read until there is room: the server waits. Nothing is lost."""
    DROP_OLDEST = "drop-oldest"
    """The oldest message that waits is dropped, and counted. For "auto" alone: what is dropped cannot be
    acknowledged.
    """
    END = "end"
    """The subscription ends with an `Overflow` error."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        raise ValueError(f"overflow is {value!r}: write 'pause', 'drop-oldest' or 'end'")


class OnExit(Enum):
    """What happens to the subscription at the server when the application is done with it."""

    UNSUBSCRIBE = "unsubscribe"
    LEAVE = "leave"
    """Nothing: a durable subscription goes on collecting."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        raise ValueError(f"on_exit is {value!r}: write 'unsubscribe' or 'leave'")


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
        "ack",
        "destination",
        "dropped",
        "ended",
        "epoch",
        "error",
        "headers",
        "id",
        "made_at",
        "max_queue",
        "octets",
        "on_exit",
        "overflow",
        "proven",
        "queue",
        "strikes",
        "withheld",
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
        self.headers = Headers(headers)
        self.max_queue = max_queue
        """How many messages may wait before the overflow policy applies."""
        self.overflow = overflow
        self.on_exit = on_exit
        self.queue: deque[Delivery] = deque()
        """Messages that wait to be taken, oldest first."""
        self.octets = 0
        """Octets that wait: bodies, and `OVERHEAD` for each message."""
        self.dropped = 0
        """How many messages the overflow policy has dropped."""
        self.epoch = 0
        """The last connection it was made on; 0 for none."""
        self.made_at = 0.0
        """When that was, in seconds of the session's clock."""
        self.proven = False
        """Whether that connection has shown that the server accepts it."""
        self.strikes = 0
        """How many connections ended with an ERROR right after it was made."""
        self.ended = False
        """Whether nothing more will come, beyond what waits in `queue`."""
        self.withheld = False
        """Whether it has ended for the application alone: the server still has it, so that what is in work
        can be acknowledged, and what waits stays with the server.
        """
        self.error: Exception | None = None
        """Why it ended, if it ended by itself: what a taker is told when the queue is empty."""

    @property
    def full(self) -> bool:
        """Whether as many messages wait as may."""
        return len(self.queue) >= self.max_queue

    def drop_oldest(self) -> None:
        """Drop the message that waits longest."""
        self.octets -= len(self.queue.popleft().message.body) + OVERHEAD
        self.dropped += 1

    def prove(self) -> None:
        """Note that the server accepts it."""
        self.proven = True
        self.strikes = 0

    def forget_deliveries(self) -> None:
        """Drop what waits and will be delivered again: the connection is gone. What the server counts as
        delivered stays.
        """
        if self.ack is not AckMode.AUTO:
            self.queue.clear()
            self.octets = 0
