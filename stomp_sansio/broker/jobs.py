"""Work that a broker has promised, in the order in which it is done: values, one class a kind.

This file must not know how any of it is done.
"""

from __future__ import annotations

from typing import TypeAlias

from .messages import StoredMessage
from .peers import Peer, PeerQueue, Subscription
from .vhosts import VirtualHost

__all__ = ["Confirmation", "FanOut", "Job", "Pump"]


class FanOut:
    """A message of a topic, and who is to get it."""

    __slots__ = ("done", "message", "subscriptions")

    def __init__(self, message: StoredMessage, subscriptions: tuple[Subscription, ...]) -> None:
        self.message = message
        self.subscriptions = subscriptions
        self.done = 0
        """How many of them have got it."""


class Pump:
    """A queue with something to deliver, or one that is idle."""

    __slots__ = ("queue", "vhost")

    def __init__(self, vhost: VirtualHost, queue: PeerQueue) -> None:
        self.vhost = vhost
        self.queue = queue


class Confirmation:
    """A receipt, due once all before it is done."""

    __slots__ = ("peer", "receipt")

    def __init__(self, peer: Peer, receipt: str) -> None:
        self.peer = peer
        self.receipt = receipt


Job: TypeAlias = FanOut | Pump | Confirmation
