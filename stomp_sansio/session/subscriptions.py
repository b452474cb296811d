"""Every subscription of a session: made again on each connection, fed with its messages, and counted when
full.

This file must not know links or streams, nor who takes the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import LocalProtocolError
from ..protocol.events import Message
from .epoch import Epoch
from .subscription import Delivery, OverflowPolicy, Subscription

__all__ = ["Subscriptions"]


class Subscriptions:
    """The subscriptions of one session, in the order in which they were made."""

    __slots__ = ("_by_id", "_changed", "_full", "octets")

    def __init__(self, changed: Callable[[Subscription], None]) -> None:
        """`changed` is told a subscription that has its first message again, or has ended."""
        self._by_id: dict[str, Subscription] = {}
        self._changed = changed
        self._full: set[Subscription] = set()
        self.octets = 0
        """Octets of the bodies that wait in all of them."""

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._by_id.values())

    @property
    def full(self) -> bool:
        """Whether one of them wants the connection not to be read."""
        return bool(self._full)

    def add(self, subscription: Subscription, epoch: Epoch | None) -> None:
        """Take a subscription in, and make it at once if there is a connection.

        Raises:
            LocalProtocolError: it cannot be represented. It was not taken in.
        """
        if epoch is not None:
            self.make(subscription, epoch)
        self._by_id[subscription.id] = subscription

    def make(self, subscription: Subscription, epoch: Epoch, receipt: str | None = None) -> None:
        """Send SUBSCRIBE."""
        epoch.connection.subscribe(
            subscription.destination,
            id=subscription.id,
            ack=subscription.ack,
            receipt=receipt,
            headers=subscription.headers,
        )
        subscription.epoch = epoch.number
        subscription.proven = False

    def make_next(self, epoch: Epoch, receipt: str | None = None) -> Subscription | None:
        """Make the next one that this connection does not have; return it, or None when it has all."""
        for subscription in list(self):
            if subscription.epoch == epoch.number:
                continue
            try:
                self.make(subscription, epoch, receipt)
            except LocalProtocolError as error:
                # What the last server's version could say, this one's cannot.
                self.end(subscription, error)
                continue
            return subscription
        return None

    def remove(self, subscription: Subscription) -> bool:
        """Forget a subscription; return whether it was there. What waits in it can still be taken."""
        self._full.discard(subscription)
        return self._by_id.pop(subscription.id, None) is not None

    def end(self, subscription: Subscription, error: Exception | None) -> None:
        """End a subscription: takers are told."""
        if self.remove(subscription) or not subscription.ended:
            subscription.end(error)
            self._changed(subscription)

    def deliver(self, message: Message, epoch: int) -> bool:
        """Queue a message; return whether it has a subscription here."""
        subscription = self._by_id.get(message.subscription or "")
        if subscription is None:
            if message.subscription is not None:
                return False
            # 1.0 lets a server name the destination alone.
            subscription = next((item for item in self if item.destination == message.destination), None)
            if subscription is None:
                return False
        subscription.prove()
        waited, octets = len(subscription.queue), subscription.octets
        subscription.put(Delivery(message, epoch, subscription))
        self.octets += subscription.octets - octets
        if subscription.ended:
            self.end(subscription, subscription.error)
        elif subscription.full and subscription.overflow is OverflowPolicy.PAUSE:
            self._full.add(subscription)
        if not waited:
            self._changed(subscription)
        return True

    def take(self, subscription: Subscription) -> Delivery | None:
        """Remove and return the oldest message that waits, or None."""
        delivery = subscription.take()
        if delivery is not None:
            self.octets -= len(delivery.message.body)
            # Read on when half of the room is free, not for every single message.
            if self._full and len(subscription.queue) <= subscription.max_queue // 2:
                self._full.discard(subscription)
        return delivery

    def suspects(self, epoch: Epoch) -> list[Subscription]:
        """Return those made on this connection of which nothing was heard yet."""
        return [item for item in self if item.epoch == epoch.number and not item.proven]

    def connection_lost(self) -> None:
        """Drop what will be delivered again."""
        for subscription in self:
            octets = subscription.octets
            subscription.connection_lost()
            self.octets += subscription.octets - octets
            if not subscription.full:
                self._full.discard(subscription)

    def session_over(self, error: Exception | None) -> None:
        """End all of them."""
        for subscription in list(self):
            self.end(subscription, error)
