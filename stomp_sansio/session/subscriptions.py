"""Every subscription of a session: made again on each connection, fed with its messages, and counted when
full.

This file must not know links or streams, nor who takes the messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ..errors import LocalProtocolError
from ..protocol.events import AckMode, Message
from .epoch import Epoch
from .errors import Overflow
from .subscription import OVERHEAD, Delivery, OverflowPolicy, Subscription

__all__ = ["Subscriptions"]

# How long a server may take to refuse a subscription, in seconds: there are some that confirm none. Servers
# refuse within a round trip. One that takes longer is not found out: its ERROR ends connection after
# connection, and `Interrupted` carries it each time. More seconds would be paid by all others, since each one
# in doubt is waited for, and an idle subscription would be blamed for an ERROR of something else.
_PROBE = 2.0


class Subscriptions:
    """The subscriptions of one session, in the order in which they were made."""

    __slots__ = ("_by_id", "_careful", "_changed", "_fresh", "_receipts", "_unmade", "full", "octets")

    def __init__(self, changed: Callable[[Subscription], None]) -> None:
        """`changed` is told a subscription that has its first message again, or has ended."""
        self._by_id: dict[str, Subscription] = {}
        self._changed = changed
        self.full: set[Subscription] = set()
        """Those that want the connection not to be read."""
        # Those that the present connection lacks.
        self._unmade: deque[Subscription] = deque()
        # Those that were made on it, in order, and have perhaps not shown yet that the server accepts them.
        self._fresh: dict[Subscription, None] = {}
        # Receipts that confirm one of those.
        self._receipts: dict[str, Subscription] = {}
        self._careful = False
        self.octets = 0
        """Octets that wait in all of them."""

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._by_id.values())

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    @property
    def unacknowledged(self) -> int:
        """How many messages wait in full ones that will have to be acknowledged."""
        return sum(len(item.queue) for item in self.full if item.ack is not AckMode.AUTO)

    # Making

    def add(self, subscription: Subscription, epoch: Epoch | None, now: float) -> None:
        """Take a subscription in, and make it at once if there is a connection that is ready for it.

        Raises:
            LocalProtocolError: it cannot be represented. It was not taken in.
        """
        if epoch is not None:
            if self._careful:
                self._unmade.append(subscription)
            else:
                self._make(subscription, epoch, now, None)
        self._by_id[subscription.id] = subscription

    def new_connection(self, *, careful: bool) -> None:
        """Begin again: all are to be made. `careful`: a message may have ended a connection before."""
        self._unmade = deque(self._by_id.values())
        self._careful = careful or any(subscription.strikes for subscription in self)

    @property
    def wait(self) -> bool:
        """Whether `go_on` has something to do, or to wait for."""
        return self._careful or bool(self._unmade)

    def go_on(self, epoch: Epoch, now: float, next_receipt: Callable[[], str]) -> bool:
        """Make, in order, those that this connection lacks; return whether that, and all doubt, is done with.

        One that may have ended a connection goes alone, so that the next ERROR says which it was; then all
        ask for receipts, and what follows them waits until they are confirmed, or old enough.
        """
        while self._unmade:
            subscription = self._unmade[0]
            if self._careful:
                doubted = self._oldest_doubt(now)
                if doubted is not None and (doubted.strikes or subscription.strikes):
                    return False
            self._unmade.popleft()
            if subscription.ended:
                continue
            try:
                self._make(subscription, epoch, now, next_receipt() if self._careful else None)
            except LocalProtocolError as error:
                # What the last server's version could say, this one's cannot.
                self.end(subscription, error)
        if self._careful and self._oldest_doubt(now) is not None:
            return False
        self._careful = False
        return True

    def _make(self, subscription: Subscription, epoch: Epoch, now: float, receipt: str | None) -> None:
        epoch.connection.subscribe(
            subscription.destination,
            id=subscription.id,
            ack=subscription.ack,
            receipt=receipt,
            headers=subscription.headers,
        )
        if receipt is not None:
            self._receipts[receipt] = subscription
        self._oldest_doubt(now)  # forgets those that are beyond doubt
        subscription.epoch = epoch.number
        subscription.made_at = now
        subscription.proven = False
        self._fresh[subscription] = None

    def _oldest_doubt(self, now: float) -> Subscription | None:
        """Return the oldest one made on this connection that the server has not accepted yet, as far as one
        can know.
        """
        while self._fresh:
            oldest = next(iter(self._fresh))
            if not oldest.proven and not oldest.ended:
                if now < oldest.made_at + _PROBE:
                    return oldest
                oldest.prove()
            del self._fresh[oldest]
        return None

    def suspects(self, now: float) -> list[Subscription]:
        """Return all of those, in order."""
        self._oldest_doubt(now)
        return [item for item in self._fresh if not item.proven and not item.ended]

    def next_deadline(self) -> float | None:
        """Return when `go_on` can go on though the server says nothing, or None when nothing waits for
        that.
        """
        if not self._careful:
            return None
        return next((item.made_at + _PROBE for item in self._fresh), None)

    def confirmed(self, receipt: str) -> None:
        """Take note of a receipt that came."""
        subscription = self._receipts.pop(receipt, None)
        if subscription is not None:
            subscription.prove()

    def rejected(self, receipt: str, why: Exception) -> bool:
        """End the subscription that an ERROR names by its receipt; return whether it names one."""
        subscription = self._receipts.pop(receipt, None)
        if subscription is None:
            return False
        self.end(subscription, why)
        return True

    # Ending

    def withhold(self) -> list[Subscription]:
        """End those that await acknowledgements, but for the application alone, until `remove`: there are
        servers that take no ACK for a subscription that is gone. Return the others.
        """
        others: list[Subscription] = []
        for subscription in self:
            if subscription.ack is AckMode.AUTO:
                others.append(subscription)
            elif not subscription.withheld:
                subscription.ended = subscription.withheld = True
                # What comes now waits here, and the connection is not read for more than that.
                subscription.overflow = OverflowPolicy.PAUSE
                self._changed(subscription)
        return others

    def withheld(self) -> list[Subscription]:
        """Return those of which only the application has heard that they have ended."""
        return [subscription for subscription in self if subscription.withheld]

    def remove(self, subscription: Subscription) -> None:
        """End a subscription. What waits in it can still be taken, unless it was withheld."""
        del self._by_id[subscription.id]
        self.full.discard(subscription)
        self.octets -= subscription.octets
        if subscription.withheld:
            subscription.withheld = False
            subscription.forget_deliveries()
            return
        subscription.ended = True
        self._changed(subscription)

    def end(self, subscription: Subscription, error: Exception | None) -> None:
        """End a subscription for a reason that a taker is told. Harmless when it has ended."""
        if not subscription.ended:
            subscription.error = error
            self.remove(subscription)

    def connection_lost(self) -> None:
        """Drop what will be delivered again, and what the lost connection was still to be told."""
        self._unmade.clear()
        self._fresh.clear()
        self._receipts.clear()
        for subscription in list(self):
            if subscription.withheld:
                self.remove(subscription)
                continue
            octets = subscription.octets
            subscription.forget_deliveries()
            self.octets += subscription.octets - octets
            if not subscription.full:
                self.full.discard(subscription)

    def session_over(self, error: Exception | None) -> None:
        """End all of them."""
        for subscription in list(self):
            self.end(subscription, error)

    # Messages

    def deliver(self, message: Message, epoch: int) -> Subscription | None:
        """Queue a message; return its subscription, or None when it has none here."""
        subscription = self._by_id.get(message.subscription or "")
        if subscription is None:
            subscription = self._by_destination(message)
            if subscription is None:
                return None
        if not subscription.proven:
            subscription.prove()
        queue = subscription.queue
        waiting = len(queue)
        if waiting + 1 >= subscription.max_queue and not self._make_room(subscription):
            return subscription
        queue.append(Delivery(message, epoch, subscription))
        size = len(message.body) + OVERHEAD
        subscription.octets += size
        self.octets += size
        if not waiting:
            self._changed(subscription)
        return subscription

    def _by_destination(self, message: Message) -> Subscription | None:
        """Find the subscription of a message that names none: 1.0 lets a server name its destination."""
        if message.subscription is not None:
            return None
        return next((item for item in self if item.destination == message.destination), None)

    def _make_room(self, subscription: Subscription) -> bool:
        """Do what the overflow policy says before one more message waits; return whether it may."""
        if subscription.overflow is OverflowPolicy.PAUSE:
            self.full.add(subscription)
        elif subscription.full:
            if subscription.overflow is OverflowPolicy.END:
                waiting, most = len(subscription.queue), subscription.max_queue
                self.end(
                    subscription,
                    Overflow(
                        f"{subscription.destination}: {waiting} messages waited, and max_queue is {most}"
                    ),
                )
                return False
            octets = subscription.octets
            subscription.drop_oldest()
            self.octets += subscription.octets - octets
        return True

    def take(self, subscription: Subscription, epoch: int) -> Delivery | None:
        """Remove and return the oldest message that waits, or None. `epoch` is the present connection."""
        queue = subscription.queue
        if subscription.ended:
            return None if subscription.withheld else _take_left_over(subscription, epoch)
        if not queue:
            return None
        delivery = queue.popleft()
        size = len(delivery.message.body) + OVERHEAD
        subscription.octets -= size
        self.octets -= size
        # Read on when half of the room is free, not for every single message.
        if self.full and len(queue) <= subscription.max_queue // 2:
            self.full.discard(subscription)
        return delivery


def _take_left_over(subscription: Subscription, epoch: int) -> Delivery | None:
    """Take from a subscription that has ended, and is no longer told of connections that are lost."""
    while subscription.queue:
        delivery = subscription.queue.popleft()
        subscription.octets -= len(delivery.message.body) + OVERHEAD
        if delivery.epoch == epoch or subscription.ack is AckMode.AUTO:
            return delivery
    return None
