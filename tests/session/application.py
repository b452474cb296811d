"""An application on a session, and the promises that hold for it after everything that happens.

What lives here sends, subscribes, handles and watches. It must not know which faults there are, nor what a
test is about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from stomp_sansio import AckMode, Message
from stomp_sansio.machine import Address
from stomp_sansio.session.errors import MessageExpired, NotConnected, OutboxFull, TransactionLost
from stomp_sansio.session.events import CredentialsWanted, Ended, Interrupted
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.subscription import Delivery, Subscription
from stomp_sansio.session.tickets import Outcome, Ticket
from stomp_sansio.testing import Conditions
from stomp_sansio.testing.network import Choose

from .world import World

# Time is a sum of floats.
_EPSILON = 1e-6


class Application:
    """Gives a session work, handles what comes, and checks the invariants after every event."""

    def __init__(self, world: World, *, handling: Callable[[], float | None] = lambda: 0.0) -> None:
        """`handling` says how many seconds the next message takes; None: its handler never returns."""
        self.world = world
        self.session = world.session
        self.handling = handling
        self.fails: Callable[[], bool] = lambda: False
        """Says whether the next handler raises."""
        self.sent: dict[str, list[bytes]] = {}
        """Bodies in the order in which they were sent, by destination."""
        self.kept: dict[str, list[bytes]] = {}
        """Of these, those that are sent again until they are confirmed: order is promised for them alone."""
        self.tickets: list[tuple[str, bytes, Ticket]] = []
        """Those of messages that ask for a confirmation."""
        self.handed: dict[str, list[bytes]] = {}
        """Bodies in the order in which they came to a handler, by destination."""
        self.subscriptions: list[Subscription] = []
        self.expired = 0
        self._open: list[Ticket] = []
        self._heard: dict[tuple[int, str, str], int] = {}
        self._heard_auto: set[tuple[int, str, str]] = set()
        self._handed: set[tuple[int, str, str]] = set()
        self._last: dict[str, int] = {}
        self._busy: dict[Subscription, Delivery] = {}
        self._seen_changes = 0
        self._seen_events = 0
        self._seen_said = 0
        self._wire_order: dict[tuple[int, str], int] = {}
        self.conditions: Choose = lambda address, number: Conditions()
        """How attempts to connect fare."""
        world.network.conditions = self._attempt
        world.network.checks.append(self.check)

    def _attempt(self, address: Address, number: int) -> Conditions:
        now = self.world.network.now
        waits = [
            instant + event.retry_in
            for event, instant in zip(self.world.events, self.world.instants, strict=True)
            if isinstance(event, Interrupted)
        ]
        assert not waits or now >= waits[-1] - _EPSILON, "(10) an attempt before its time"
        return self.conditions(address, number)

    # What an application does

    def send(
        self, destination: str, body: bytes, *, confirm: bool = True, wait: bool = False
    ) -> Ticket | None:
        """Send a message if that can be asked for now; return its ticket, if it has one."""
        try:
            if not (confirm or wait) and self.world.do_at_once(destination, body):
                self.sent.setdefault(destination, []).append(body)
                return None
            ticket = self.world.send(destination, body, confirm=confirm, wait=wait)
        except (NotConnected, OutboxFull):
            return None
        self.sent.setdefault(destination, []).append(body)
        self._watch(ticket)
        if ticket is not None and confirm:
            self.kept.setdefault(destination, []).append(body)
            self.tickets.append((destination, body, ticket))
        return ticket

    def transact(self, destination: str, body: bytes) -> Ticket | None:
        """Send a message in a transaction of its own, if there is a connection; return COMMIT's ticket."""
        do, session = self.world.do, self.session
        try:
            transaction = do(session.begin)
            self._watch(do(session.send_in, transaction, destination, body))
            ticket = do(session.commit, transaction)
        except (NotConnected, TransactionLost):
            return None
        self.sent.setdefault(destination, []).append(body)
        self._watch(ticket)
        self.tickets.append((destination, body, ticket))
        return ticket

    def request(self, destination: str) -> None:
        """Ask something that nobody answers, if there is a connection."""
        try:
            self._watch(self.world.do(self.session.request, destination, b"?", timeout=4.0))
        except (NotConnected, OutboxFull):
            return

    def subscribe(self, destination: str, ack: AckMode, **more: Any) -> Subscription:
        subscription = self.world.subscribe(destination, ack=ack, **more)
        self.subscriptions.append(subscription)
        return subscription

    def observe(self, said: object) -> None:
        """Note what came for subscriptions, in its order, and which of it counts as delivered already."""
        if isinstance(said, Message):
            for subscription in self.subscriptions:
                if subscription.id == said.subscription and not subscription.ended:
                    key = self._key(said, self._epoch)
                    self._heard[key] = len(self._heard)
                    if subscription.ack is AckMode.AUTO:
                        self._heard_auto.add(key)

    @staticmethod
    def _key(message: Message, epoch: int) -> tuple[int, str, str]:
        # After a NACK a message is delivered again, under another ack id.
        return epoch, message.subscription or "", message.ack or message.message_id

    @property
    def _epoch(self) -> int:
        epoch = self.session._lifeline.epoch  # noqa: SLF001  # an observer is told no number
        assert epoch is not None
        return epoch.number

    def _watch(self, ticket: Ticket | None) -> None:
        if ticket is not None:
            self._open.append(ticket)

    def _take(self, subscription: Subscription) -> None:
        """Handle what waits, one after the other, unless a handler is at work."""
        while subscription not in self._busy and (delivery := self.world.take(subscription)) is not None:
            message = delivery.message
            key = self._key(message, delivery.epoch)
            assert key not in self._handed, f"(3) {key} reached a handler twice"
            self._handed.add(key)
            place = self._heard[key]
            assert place > self._last.get(subscription.id, -1), f"(2) {key} was overtaken"
            self._last[subscription.id] = place
            if subscription.ack is AckMode.AUTO:
                self._heard_auto.remove(key)
            else:
                assert delivery.epoch == self._epoch, f"(3) {key} will be delivered again"
            self.handed.setdefault(subscription.destination, []).append(message.body)
            seconds = self.handling()
            if seconds == 0.0:
                self._finish(delivery)
                continue
            self._busy[subscription] = delivery
            if seconds is not None:
                self.world.network.after(seconds, partial(self._done, delivery))

    def _done(self, delivery: Delivery) -> None:
        subscription = delivery.subscription
        if subscription is not None and self._busy.get(subscription) is delivery:
            del self._busy[subscription]
            self._finish(delivery)
            self._take(subscription)

    def _finish(self, delivery: Delivery) -> None:
        subscription = delivery.subscription
        if subscription is None or subscription.ack is AckMode.AUTO:
            return
        try:
            ticket = self.world.do(self.session.ack, delivery, negative=self.fails(), confirm=self.fails())
        except MessageExpired:
            self.expired += 1
        else:
            self._watch(ticket)

    def release(self) -> None:
        """Let handlers that hang return."""
        for delivery in list(self._busy.values()):
            self._done(delivery)

    # What must hold after everything that happens; the numbers are those of the list of invariants

    def check(self) -> None:
        """Let handlers look for messages, then look at the promises."""
        changes = self.world.changed
        while self._seen_changes < len(changes):
            subject = changes[self._seen_changes]
            self._seen_changes += 1
            if isinstance(subject, Subscription):
                self._take(subject)
        self._check_events()
        self._check_wire()
        self._check_tickets()
        self._check_buffers()

    def _check_events(self) -> None:
        world = self.world
        while self._seen_events < len(world.events):
            event = world.events[self._seen_events]
            self._seen_events += 1
            if isinstance(event, CredentialsWanted):
                world.do(self.session.provide_credentials, Credentials("ada", f"token-{event.attempt}"))
            elif isinstance(event, Ended):
                assert self._seen_events == len(world.events), "(9) something follows the end"

    def _check_wire(self) -> None:
        """(5) What a connection is given for a destination comes in the order of sending, each once."""
        said = self.world.broker.said
        while self._seen_said < len(said):
            frame = said[self._seen_said]
            self._seen_said += 1
            if frame.command == "SEND" and frame.body != b"?":
                key = frame.connection, frame["destination"]
                place = self.sent[frame["destination"]].index(frame.body)
                assert place > self._wire_order.get(key, -1), f"(5) {frame.body!r} overtook on {key}"
                self._wire_order[key] = place

    def _check_tickets(self) -> None:
        now = self.world.client.now
        still: list[Ticket] = []
        for ticket in self._open:
            if ticket.outcome is None:
                late = ticket.deadline is None or ticket.deadline < now - _EPSILON
                assert not late or self.world.client.frozen, f"(6) {ticket} is late"
                still.append(ticket)
        self._open = still
        for destination, body, ticket in self.tickets:
            if ticket.outcome is Outcome.CONFIRMED:
                assert body in self.world.broker.accepted.get(destination, ()), f"(1) {body!r} is nowhere"
        self.tickets = [item for item in self.tickets if item[2].outcome is None]

    def _check_buffers(self) -> None:
        options = self.session._options  # noqa: SLF001  # the limits, and who must keep them
        sending, lifeline = self.session._sending, self.session._lifeline  # noqa: SLF001
        assert len(sending._outbox) <= options.max_outbox_messages, "(8) outbox"  # noqa: SLF001
        assert len(sending._waiting) <= options.max_outbox_messages, "(8) waiting room"  # noqa: SLF001
        slack = 2 * 64 * 1024
        assert self.session._subscriptions.octets <= options.max_queue_octets + slack, "(8)"  # noqa: SLF001
        if lifeline.epoch is not None:
            assert lifeline.epoch.backlog <= options.max_backlog + slack, "(8) backlog"
        assert len(lifeline._links) <= 4, "(8) links that were let go"  # noqa: SLF001

    # What must hold at the end

    def check_order(self) -> None:
        """(2) What is kept until it is confirmed came first in the order of sending.

        The octets of a lost connection may still be on their way when the next one is used. What was sent on
        it alone, such as a transaction, can then come late; what is sent again is there before.
        """
        for destination, bodies in self.kept.items():
            accepted = dict.fromkeys(self.world.broker.accepted.get(destination, ()))
            first = [body for body in accepted if body in bodies]
            assert first == [body for body in bodies if body in first], f"(2) {destination}"

    def check_quiet(self) -> None:
        """(3, 11, 12) Nothing is left over, and both sides agree on what is subscribed to."""
        assert self._heard_auto == set(), "(3) messages that count as delivered, and reached no handler"
        assert self._open == [], "(11) tickets that are open"
        broker = self.world.broker
        wanted = {item.destination for item in self.subscriptions if not item.ended}
        for queue in wanted:
            assert not broker.queues.get(queue), f"(11) {queue} is not empty"
        (peer,) = broker.peers.values()
        assert peer.unacknowledged == {}, "(11) messages that nobody acknowledged"
        live = {item.id for item in self.subscriptions if not item.ended}
        assert set(peer.subscriptions) == live, "(12) subscriptions"
