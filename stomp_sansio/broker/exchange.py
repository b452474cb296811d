"""Where messages go: from senders to topics and queues, from there to subscribers, and back when refused.

Work is left over as jobs and done in pieces by `run`. This file must not know frames, streams or time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import count

from ..protocol.events import AckMode
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.shared_message import SharedMessage
from .destinations import Destination, Kind, UnusableDestination, for_sending
from .events import BrokerEvent, MessageDropped, MessageSent
from .jobs import Confirmation, FanOut, Job, Pump
from .messages import StoredMessage, relayed_headers
from .options import BrokerOptions
from .peers import Delivery, Peer, PeerQueue, Subscription
from .transactions import Settlement, Transaction, Transfer
from .vhosts import NOBODY_ASKS, NoRoom, VirtualHost

__all__ = ["Exchange"]

ORIGINAL_DESTINATION = "original-destination"
"""The header of a dead letter that says which queue it comes from."""


class Exchange:
    """All virtual hosts, and the work that waits."""

    __slots__ = (
        "_jobs",
        "_numbers",
        "_options",
        "_token",
        "_vhosts",
        "delivered",
        "dropped",
        "events",
        "sent",
        "slow",
        "touched",
    )

    def __init__(self, options: BrokerOptions, token: Callable[[], str]) -> None:
        self._options = options
        self._token = token
        self._numbers = count(1)
        self._vhosts = {name: VirtualHost(name, options, token) for name in options.vhosts or ("/",)}
        self._jobs: deque[Job] = deque()
        self.events: deque[BrokerEvent] = deque()
        """What tools are told."""
        self.touched: dict[Peer, None] = {}
        """Peers with something new to be written."""
        self.slow: list[Peer] = []
        """Peers that fell too far behind."""
        self.sent = 0
        """Messages that came."""
        self.delivered = 0
        """Messages that subscriptions got, each counted."""
        self.dropped = 0
        """Messages that somebody did not get."""

    # Who and where

    def find_vhost(self, host: str | None) -> VirtualHost | None:
        """Return the virtual host that a client names, or the only one; None where there is no such."""
        if host is None or self._options.vhosts is None:
            return next(iter(self._vhosts.values()))
        return self._vhosts.get(host)

    def vhost_of(self, peer: Peer) -> VirtualHost:
        """Return the virtual host of a peer that was accepted."""
        assert peer.vhost is not None, "only who was accepted says anything"
        return self._vhosts[peer.vhost]

    def vhosts(self) -> Iterable[VirtualHost]:
        """Return all virtual hosts."""
        return self._vhosts.values()

    # Sending

    def make_message(self, destination: str, body: bytes, headers: HeaderPairs) -> StoredMessage:
        """Return a new message."""
        return StoredMessage(SharedMessage(destination, str(next(self._numbers)), body, headers=headers))

    def check_room(self, vhost: VirtualHost, peer: Peer | None, transfers: Iterable[Transfer]) -> None:
        """Make sure that all of these can be sent.

        Raises:
            NoRoom: a queue is full.
            UnusableDestination: a destination is of no use to this sender.
        """
        together: dict[PeerQueue, list[StoredMessage]] = {}
        try:
            for destination, message in transfers:
                # Whoever replies is not to blame for replies that are not taken: see `publish`.
                if destination.kind not in (Kind.TOPIC, Kind.REPLY_QUEUE):
                    queue = self._queue(vhost, peer, destination)
                    together.setdefault(queue, []).append(message)
            vhost.check_room(together)
        except NoRoom:
            for queue in together:
                vhost.forget_if_idle(queue)
            raise

    def publish(self, vhost: VirtualHost, peer: Peer | None, transfer: Transfer) -> None:
        """Send a message, for which there is room. A reply for which there is none is dropped."""
        destination, message = transfer
        shared = message.shared
        self.sent += 1
        receivers = 0
        if destination.kind is Kind.TOPIC:
            subscriptions = vhost.topics.match(destination.name)
            receivers = len(subscriptions)
            if subscriptions:
                self._jobs.append(FanOut(message, subscriptions))
        else:
            try:
                queue = self._queue(vhost, peer, destination)
                if destination.kind is Kind.REPLY_QUEUE:
                    vhost.check_room({queue: [message]})
            except NoRoom as error:
                self._drop(message, str(error))
            else:
                queue.put(message)
                self.pump(vhost, queue)
        self.events.append(
            MessageSent(
                peer=None if peer is None else peer.id,
                vhost=vhost.name,
                destination=shared.destination,
                message_id=shared.message_id,
                headers=shared.headers,
                body=shared.body,
                receivers=receivers,
            )
        )

    def publish_own(self, destination: str, body: bytes, headers: HeaderPairs, host: str | None) -> None:
        """Send a message that no client has sent.

        Raises:
            ValueError: there is no such destination or virtual host, or a limit is reached.
        """
        vhost = self.find_vhost(host)
        if vhost is None:
            raise ValueError(f"there is no virtual host {host!r}")
        try:
            message = self.make_message(destination, body, relayed_headers(Headers(headers)))
            transfer = Transfer(for_sending(destination), message)
            self.check_room(vhost, None, [transfer])
        except (UnusableDestination, NoRoom) as error:
            raise ValueError(str(error)) from None
        self.publish(vhost, None, transfer)

    def _queue(self, vhost: VirtualHost, peer: Peer | None, destination: Destination) -> PeerQueue:
        match destination.kind:
            case Kind.REPLY_QUEUE:
                return vhost.reply_queue(destination.name)
            case Kind.TEMP_QUEUE:
                if peer is None:
                    raise UnusableDestination(
                        "a temp queue belongs to a client: send to its reply-to address"
                    )
                return vhost.temp_queue(peer, destination.name).queue
            case _:
                return vhost.queue(destination.name)

    # Subscribing

    def subscribe(self, subscription: Subscription) -> None:
        """Let a subscription have messages from now on.

        Raises:
            NoRoom: there are too many queues.
        """
        peer = subscription.peer
        vhost = self.vhost_of(peer)
        match subscription.kind:
            case Kind.TOPIC:
                vhost.topics.add(subscription.name, subscription)
            case Kind.TEMP_QUEUE:
                subscription.queue = vhost.temp_queue(peer, subscription.name).queue
            case _:
                subscription.queue = vhost.queue(subscription.name)
        if subscription.queue is not None:
            subscription.queue.join(subscription)
            self.pump(vhost, subscription.queue)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Let a subscription have no more messages. Those that it has can still be acknowledged."""
        subscription.active = False
        vhost = self.vhost_of(subscription.peer)
        if subscription.queue is None:
            vhost.topics.remove(subscription.name, subscription)
        else:
            subscription.queue.leave(subscription)
            vhost.forget_if_idle(subscription.queue)

    def offer_all(self, peer: Peer) -> None:
        """Let a peer that has caught up take turns again."""
        for subscription in peer.subscriptions.values():
            if subscription.queue is not None:
                subscription.queue.offer(subscription)
                self.pump(self.vhost_of(peer), subscription.queue)

    # Settling

    def settle(self, peer: Peer, settlement: Settlement[Delivery]) -> None:
        """Take the messages of an ACK as consumed; those of a NACK go to the end of their line, or to the
        dead letters.
        """
        vhost = self.vhost_of(peer)
        for delivery in settlement.deliveries:
            queue = self._returned(delivery)
            if not settlement.accepted:
                self._refused(vhost, queue, delivery.message)
            self.pump(vhost, queue)

    def put_back(self, peer: Peer, deliveries: Iterable[Delivery]) -> None:
        """Put messages back in front of their queues: nobody has said that they are consumed."""
        vhost = self.vhost_of(peer)
        by_queue: dict[PeerQueue, list[StoredMessage]] = {}
        for delivery in deliveries:
            by_queue.setdefault(self._returned(delivery), []).append(delivery.message)
        for queue, messages in by_queue.items():
            queue.put_back(messages)
            self.pump(vhost, queue)

    def release(self, peer: Peer) -> None:
        """Clear away everything of a peer that is gone."""
        if peer.vhost is None:
            return
        vhost = self.vhost_of(peer)
        for subscription in peer.subscriptions.values():
            self.unsubscribe(subscription)
        peer.subscriptions.clear()
        transactions: list[Transaction[Delivery]] = list(peer.transactions.values())
        pending = [delivery for each in transactions for delivery in each.deliveries()]
        self.put_back(peer, [*peer.in_flight.values(), *pending])
        peer.in_flight.clear()
        peer.transactions.clear()
        for message in vhost.forget_temp_queues(peer):
            self._drop(message, NOBODY_ASKS)

    def _returned(self, delivery: Delivery) -> PeerQueue:
        queue, subscription = delivery.queue, delivery.subscription
        subscription.unsettled -= 1
        queue.let_go(delivery.message)
        queue.offer(subscription)
        return queue

    def _refused(self, vhost: VirtualHost, queue: PeerQueue, message: StoredMessage) -> None:
        message.nacks += 1
        if message.nacks >= self._options.max_nacks:
            self._bury(vhost, queue, message, f"it was refused {message.nacks} times")
        else:
            message.redelivered = True
            queue.put(message)

    def _bury(self, vhost: VirtualHost, queue: PeerQueue, message: StoredMessage, reason: str) -> None:
        """Move a message to the dead letters of its queue, if it has some."""
        prefix = Kind.QUEUE.value
        name = queue.name.removeprefix(prefix)
        moved_to = None
        if queue.name.startswith(prefix) and not name.startswith(self._options.dead_letters):
            shared = message.shared
            headers = [pair for pair in shared.headers.pairs if pair[0] != ORIGINAL_DESTINATION]
            letter = StoredMessage(
                SharedMessage(
                    f"{prefix}{self._options.dead_letters}{name}",
                    shared.message_id,
                    shared.body,
                    headers=[*headers, (ORIGINAL_DESTINATION, queue.name)],
                )
            )
            transfer = Transfer(Destination(Kind.QUEUE, self._options.dead_letters + name), letter)
            try:
                self.check_room(vhost, None, [transfer])
            except NoRoom as error:
                reason = f"{reason}, and for dead letters {error}"
            else:
                dead_letters = vhost.queue(transfer.destination.name)
                dead_letters.put(letter)
                self.pump(vhost, dead_letters)
                moved_to = dead_letters.name
        self._drop(message, reason, moved_to)

    def _drop(self, message: StoredMessage, reason: str, moved_to: str | None = None) -> None:
        self.dropped += 1
        shared = message.shared
        self.events.append(
            MessageDropped(
                destination=shared.destination,
                message_id=shared.message_id,
                reason=reason,
                moved_to=moved_to,
            )
        )

    # Working

    def pump(self, vhost: VirtualHost, queue: PeerQueue) -> None:
        """Promise to deliver what a queue has, if there is somebody for it, or to forget it if it is idle."""
        if not queue.pumping:
            queue.pumping = True
            self._jobs.append(Pump(vhost, queue))

    def confirm(self, peer: Peer, receipt: str | None) -> None:
        """Promise a receipt, if one was asked for, once all that was promised before is done."""
        if receipt is not None:
            self._jobs.append(Confirmation(peer, receipt))

    @property
    def busy(self) -> bool:
        """Whether work waits."""
        return bool(self._jobs)

    def run(self, budget: int) -> int:
        """Do at most so many steps, each about one delivery; return how many are left of them."""
        jobs = self._jobs
        while jobs and budget > 0:
            job = jobs[0]
            match job:
                case FanOut():
                    budget -= self._fan_out(job, budget)
                    if job.done < len(job.subscriptions):
                        break
                case Pump():
                    budget = self._deliver_queue(job, budget)
                    if budget <= 0 and job.queue.deliverable:
                        break
                    job.queue.pumping = False
                    job.vhost.forget_if_idle(job.queue)
                case _:
                    job.peer.confirm(job.receipt)
                    self.touched[job.peer] = None
                    budget -= 1
            jobs.popleft()
        return budget

    def _fan_out(self, job: FanOut, budget: int) -> int:
        message, touched = job.message, self.touched
        part = job.subscriptions[job.done : job.done + budget]
        job.done += len(part)
        for subscription in part:
            peer = subscription.peer
            # It may have ended, or have become slow, since the message came.
            if not subscription.active or peer.slow or peer.gone:
                continue
            if peer.falls_behind(message):
                self.slow.append(peer)
                self._drop(message, "the subscriber is too far behind")
                continue
            problem = peer.deliver(subscription, message)
            touched[peer] = None
            if problem is None:
                self.delivered += 1
            elif peer.can_hear:
                self._drop(message, problem)
        return len(part)

    def _deliver_queue(self, job: Pump, budget: int) -> int:
        queue = job.queue
        while budget > 0 and (found := queue.next_delivery()) is not None:
            budget -= 1
            subscription, message = found
            peer = subscription.peer
            problem = peer.deliver(subscription, message)
            self.touched[peer] = None
            if problem is not None:
                self._bury(job.vhost, queue, message, problem)
                continue
            self.delivered += 1
            if subscription.ack is not AckMode.AUTO:
                subscription.unsettled += 1
                queue.hold(message)
                key = (subscription.id, message.shared.message_id)
                peer.in_flight[key] = Delivery(subscription, message)
        return budget
