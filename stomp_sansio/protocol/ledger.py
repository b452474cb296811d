"""What is open between a client and a server: subscriptions, transactions, messages, receipts.

Both roles keep the same books, one of what it did, the other of what it was told. This file must not know
frames, nor which role it serves.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

from .events import AckMode
from .versions import Version

__all__ = ["DeliveryKey", "Ledger", "Subscription", "delivery_key"]

DeliveryKey: TypeAlias = str | tuple[str, str]
"""What an acknowledgement names a message by: see `delivery_key`."""


def delivery_key(
    version: Version, subscription: str | None, message_id: str, ack: str | None
) -> DeliveryKey | None:
    """Return the name by which a version's ACK and NACK mean a message, or None when it has none.

    1.0: `message-id`. 1.1: `subscription` and `message-id`. 1.2: the `ack` header of the MESSAGE ("ACK").
    """
    if version is Version.V1_2:
        return ack
    if version is Version.V1_1:
        return (subscription or "", message_id)
    return message_id


class Subscription:
    """One subscription, and the messages of it that await an acknowledgement, oldest first."""

    __slots__ = ("ack", "destination", "head", "id", "unacknowledged")

    def __init__(self, id: str | None, destination: str, ack: AckMode) -> None:
        self.id = id
        self.destination = destination
        self.ack = ack
        self.head: bytes | None = None
        """How every frame for it begins, once one was written: kept for the next one."""
        # The oldest goes first, again and again: a plain dict looks through all that went before it.
        self.unacknowledged: OrderedDict[DeliveryKey, str] = OrderedDict()


class Ledger:
    """The books of one connection."""

    __slots__ = (
        "_by_destination",
        "_deliveries",
        "_ended",
        "farewell",
        "receipts",
        "subscriptions",
        "transactions",
    )

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        """By id."""
        self.transactions: dict[str, None] = {}
        """Open ones, in the order they were begun."""
        self.receipts: set[str] = set()
        """Ids of receipts that were asked for and have not come: as many as the asker waits for. No peer can
        make them more.
        """
        self.farewell: str | None = None
        """The receipt that DISCONNECT asked for."""
        # Only 1.0 allows a subscription without an id: its destination is then its name.
        self._by_destination: dict[str, Subscription] = {}
        self._deliveries: dict[DeliveryKey, Subscription] = {}
        # Subscriptions that have ended and left messages that await an acknowledgement, oldest first.
        self._ended: dict[Subscription, None] = {}

    def __len__(self) -> int:
        """How many subscriptions are open."""
        return len(self.subscriptions) + len(self._by_destination)

    @property
    def unacknowledged(self) -> int:
        """How many messages await an acknowledgement."""
        return len(self._deliveries)

    def find(self, id: str | None, destination: str | None) -> Subscription | None:
        """Return the subscription of this id, or the one without an id for this destination."""
        if id is not None:
            return self.subscriptions.get(id)
        return None if destination is None else self._by_destination.get(destination)

    def subscribe(self, subscription: Subscription) -> None:
        """Open a subscription. Look it up with `find` first."""
        if subscription.id is not None:
            self.subscriptions[subscription.id] = subscription
        else:
            self._by_destination[subscription.destination] = subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription. What was delivered for it can still be acknowledged."""
        if subscription.id is not None:
            del self.subscriptions[subscription.id]
        else:
            del self._by_destination[subscription.destination]
        if subscription.unacknowledged:
            self._ended[subscription] = None

    def has_room(self, key: DeliveryKey, limit: int) -> bool:
        """Tell whether one more message may await an acknowledgement. What ended subscriptions have left is
        forgotten first, since it may never be acknowledged.
        """
        if len(self._deliveries) < limit or key in self._deliveries:
            return True
        subscription = next(iter(self._ended), None)
        if subscription is None:
            return False
        oldest, _ = subscription.unacknowledged.popitem(last=False)
        del self._deliveries[oldest]
        self._forget_ended(subscription)
        return True

    def _forget_ended(self, subscription: Subscription) -> None:
        if not subscription.unacknowledged:
            self._ended.pop(subscription, None)

    def deliver(self, subscription: Subscription, key: DeliveryKey, message_id: str) -> None:
        """Note a message that awaits an acknowledgement. The same name again is a redelivery: it goes to the
        end.
        """
        earlier = self._deliveries.pop(key, None)
        if earlier is not None:
            del earlier.unacknowledged[key]
            self._forget_ended(earlier)
        self._deliveries[key] = subscription
        subscription.unacknowledged[key] = message_id

    def awaits(self, key: DeliveryKey) -> bool:
        """Tell whether a message of this name awaits an acknowledgement."""
        return key in self._deliveries

    def acknowledge(self, key: DeliveryKey, version: Version) -> tuple[Subscription, tuple[str, ...]]:
        """Settle a message that awaits it; return its subscription and every message id that this covers,
        oldest first.

        STOMP 1.1 and 1.2, "SUBSCRIBE ack Header": in `client` mode it covers all earlier messages of the
        subscription.
        """
        subscription = self._deliveries[key]
        waiting = subscription.unacknowledged
        if subscription.ack is not AckMode.CLIENT or version is Version.V1_0:
            del self._deliveries[key]
            covered_alone = waiting.pop(key)
            self._forget_ended(subscription)
            return subscription, (covered_alone,)
        covered: list[str] = []
        while True:
            oldest = next(iter(waiting))
            covered.append(waiting.pop(oldest))
            del self._deliveries[oldest]
            if oldest == key:
                self._forget_ended(subscription)
                return subscription, tuple(covered)
