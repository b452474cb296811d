"""`Session`: what an application means, kept alive over any number of connections. A `Machine`.

What lives here turns commands into frames, and events of connections into tickets and messages. This file
must not know which link is used, how a connection comes about, nor any clock.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from ..errors import LocalProtocolError, Misuse
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.events import AckMode, ClientEvent, Closed, Connected, Error, Message, Receipt
from ..protocol.headers import HeaderPairs, Headers
from .epoch import Epoch
from .errors import (
    BrokerError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    MessageExpired,
    NotConnected,
    ReplyTimeout,
    TransactionLost,
)
from .events import Changed, Ended, Ready, SessionEvent
from .failures import Failure
from .lifeline import Lifeline, SessionState
from .options import Credentials, SessionOptions
from .sending import Sending
from .subscription import Delivery, OnExit, OverflowPolicy, Subscription
from .subscriptions import Subscriptions
from .tickets import Outcome, Ticket

__all__ = ["Observer", "Session", "Transaction"]

Observer: TypeAlias = Callable[[bytes | ClientEvent], None]
"""Is told the octets of each frame that is sent, and each event that comes: for logs and captures."""

# How long a server that sends no receipts may take to refuse a subscription.
_PROBE = 2.0


class Transaction:
    """A transaction, which lives and dies with the connection it was begun on."""

    __slots__ = ("epoch", "id")

    def __init__(self, id: str, epoch: int) -> None:
        self.id = id
        self.epoch = epoch


class Session:
    """A STOMP client that survives its connections: no socket, no clock, no thread.

    Call `start`, then drive it as any `Machine`. Every command takes `now`; after each of them drain it as
    after an input. What takes time gives a `Ticket`; `Changed` says when one has settled.
    """

    def __init__(
        self,
        options: SessionOptions,
        *,
        prefix: str,
        jitter: Callable[[], float],
        observe: Observer | None = None,
    ) -> None:
        """Make a session that has not started.

        `prefix` makes the ids of this session unguessable: a fresh random string. `jitter` returns a number
        from 0 to 1.

        Raises:
            LocalProtocolError: the credentials cannot be represented in CONNECT.
            ValueError: there is no server to go to.
        """
        if not options.targets:
            raise ValueError("targets is empty: name at least one server")
        self.error: Exception | None = None
        """Why the session has ended, if it failed."""
        self._options = options
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._observe = observe
        self._events: deque[SessionEvent] = deque()
        self._lifeline = Lifeline(options, jitter, observe, self._events.append)
        self._sending = Sending(options, self._changed)
        self._subscriptions = Subscriptions(self._changed)
        self._draining: Ticket | None = None
        self._closing: Ticket | None = None
        self._ready: list[Ticket] = []
        self._requests: dict[str, Ticket] = {}
        self._reply_epoch = 0
        self._probe: float | None = None

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""
        return self._lifeline.state

    @property
    def connected(self) -> Connected | None:
        """What the server said when it accepted the present connection, or None while there is none."""
        epoch = self._lifeline.established
        return None if epoch is None else epoch.connected

    # Commands

    def start(self, now: float) -> None:
        """Begin the first attempt. `Ready` or `Ended` follows."""
        if self.state is not SessionState.IDLE:
            raise LocalProtocolError(
                Misuse.ALREADY_CONNECTED, "this session was started before: make a new one"
            )
        self._lifeline.attempt(now)
        self._settle(now)

    def provide_credentials(self, credentials: Credentials, now: float) -> None:
        """Answer `CredentialsWanted`: the attempt goes on.

        Raises:
            LocalProtocolError: they cannot be represented in CONNECT. The attempt goes on waiting.
        """
        self._lifeline.provide_credentials(credentials, now)
        self._settle(now)

    def credentials_failed(self, error: Exception, now: float) -> None:
        """Answer `CredentialsWanted` with an error: the attempt has failed."""
        if self._lifeline.wants_credentials:
            self._failed(Failure(error, retry=True), now)
        self._settle(now)

    def send(
        self,
        destination: str,
        body: bytes = b"",
        *,
        headers: HeaderPairs = (),
        content_type: str | None = None,
        confirm: bool = False,
        wait: bool = False,
        content_length: bool = True,
        now: float,
    ) -> Ticket | None:
        """Send a message. None: it was written. A ticket: it settles when the server has confirmed it, or,
        where no confirmation is wanted, when there was room to write it.

        With `confirm` it goes into the outbox, and to the next connection if this one is lost. Without, it
        needs a connection, unless `wait` is set.

        Raises:
            LocalProtocolError: it cannot be represented, or not be carried by this transport.
            NotConnected: there is no connection, and neither `confirm` nor `wait` is set.
            ConnectionClosed: the session is over, or draining.
        """
        self._alive("SEND")
        if not self._lifeline.carries(body):
            raise LocalProtocolError(
                Misuse.NOT_UTF8,
                f"SEND to {destination!r}: SockJS carries text, and this body is no UTF-8: encode it",
            )
        headers = _with_content_type(headers, content_type)
        receipt = self._next_id("m") if confirm else None
        ticket = self._sending.send(
            self._lifeline.established,
            receipt,
            destination,
            body,
            headers,
            now,
            content_length=content_length,
            wait=wait,
        )
        self._settle(now)
        return ticket

    def subscribe(
        self,
        destination: str,
        *,
        ack: AckMode = AckMode.AUTO,
        headers: HeaderPairs = (),
        id: str | None = None,
        max_queue: int = 64,
        overflow: OverflowPolicy = OverflowPolicy.PAUSE,
        on_exit: OnExit = OnExit.UNSUBSCRIBE,
        now: float,
    ) -> Subscription:
        """Subscribe, now and on every later connection, until `unsubscribe`.

        Raises:
            LocalProtocolError: it cannot be represented, or the id is in use.
            ConnectionClosed: the session is over, or draining.
        """
        self._alive("SUBSCRIBE")
        id = self._next_id("s") if id is None else id
        if any(other.id == id for other in self._subscriptions):
            raise LocalProtocolError(Misuse.DUPLICATE_SUBSCRIPTION, f"{id!r} is subscribed: use another id")
        subscription = Subscription(
            id, destination, ack=ack, headers=headers, max_queue=max_queue, overflow=overflow, on_exit=on_exit
        )
        self._subscriptions.add(subscription, self._lifeline.established)
        self._settle(now)
        return subscription

    def unsubscribe(self, subscription: Subscription, *, headers: HeaderPairs = (), now: float) -> None:
        """End a subscription; harmless when it has ended. What waits in it can still be taken."""
        known = self._subscriptions.remove(subscription)
        epoch = self._lifeline.established
        if (
            known
            and epoch is not None
            and subscription.epoch == epoch.number
            and subscription.on_exit is OnExit.UNSUBSCRIBE
        ):
            epoch.connection.unsubscribe(subscription.id, headers=headers)
        if not subscription.ended:
            subscription.end()
            self._changed(subscription)
        self._settle(now)

    def take(self, subscription: Subscription, now: float) -> Delivery | None:
        """Remove and return the oldest message that waits in a subscription, or None; reading may go on."""
        delivery = self._subscriptions.take(subscription)
        if self._lifeline.epoch is not None and self._lifeline.epoch.paused:
            self._settle(now)
        return delivery

    def ack(
        self,
        delivery: Delivery,
        *,
        negative: bool = False,
        transaction: Transaction | None = None,
        headers: HeaderPairs = (),
        confirm: bool = False,
        now: float,
    ) -> Ticket | None:
        """Acknowledge a message, or refuse it (`negative`), on the connection that delivered it.

        Raises:
            LocalProtocolError: the message awaits no acknowledgement.
            MessageExpired: that connection is gone; the server delivers the message again.
            TransactionLost: the connection of the transaction is gone.
        """
        epoch = self._lifeline.established
        verb = "NACK" if negative else "ACK"
        message = delivery.message
        if epoch is None or delivery.epoch != epoch.number:
            raise MessageExpired(
                f"{verb} of {message.message_id!r}: its connection is gone, and the server delivers it again"
            )
        if transaction is not None:
            self._check_transaction(transaction)
        receipt = self._next_id("a") if confirm else None
        say = epoch.connection.nack if negative else epoch.connection.ack
        say(
            message,
            transaction=transaction.id if transaction is not None else None,
            receipt=receipt,
            headers=headers,
        )
        ticket = None
        if receipt is not None:
            ticket = self._sending.confirm_by_receipt(
                self._sending.wait_for(f"{verb} of {message.message_id!r}", now, receipt)
            )
        self._settle(now)
        return ticket

    def begin(self, *, headers: HeaderPairs = (), now: float) -> Transaction:
        """Begin a transaction on the present connection.

        Raises:
            NotConnected: there is none.
        """
        self._alive("BEGIN")
        epoch = self._lifeline.established
        if epoch is None:
            raise NotConnected("BEGIN: a transaction lives on one connection, and there is none now")
        transaction = Transaction(self._next_id("t"), epoch.number)
        epoch.connection.begin(transaction.id, headers=headers)
        self._settle(now)
        return transaction

    def send_in(
        self,
        transaction: Transaction,
        destination: str,
        body: bytes = b"",
        *,
        headers: HeaderPairs = (),
        content_type: str | None = None,
        content_length: bool = True,
        now: float,
    ) -> None:
        """Send a message in a transaction. Only COMMIT is confirmed: servers confirm nothing before that.

        Raises:
            LocalProtocolError: it cannot be represented.
            TransactionLost: the connection of the transaction is gone.
        """
        epoch = self._check_transaction(transaction)
        epoch.connection.send(
            destination,
            body,
            transaction=transaction.id,
            headers=_with_content_type(headers, content_type),
            content_length=content_length,
        )
        self._settle(now)

    def commit(self, transaction: Transaction, *, headers: HeaderPairs = (), now: float) -> Ticket:
        """Commit; the ticket settles with the server's receipt, as unknown if the connection is lost before
        it.

        Raises:
            TransactionLost: the connection of the transaction is gone.
        """
        epoch = self._check_transaction(transaction)
        receipt = self._next_id("c")
        epoch.connection.commit(transaction.id, receipt=receipt, headers=headers)
        ticket = self._sending.confirm_by_receipt(self._sending.wait_for("COMMIT", now, receipt))
        self._settle(now)
        return ticket

    def abort(self, transaction: Transaction, *, headers: HeaderPairs = (), now: float) -> None:
        """Roll back. Harmless when the connection is gone: then the server has done so."""
        epoch = self._lifeline.established
        if epoch is not None and epoch.number == transaction.epoch:
            epoch.connection.abort(transaction.id, headers=headers)
        self._settle(now)

    def request(
        self,
        destination: str,
        body: bytes = b"",
        *,
        headers: HeaderPairs = (),
        content_type: str | None = None,
        timeout: float | None = None,
        now: float,
    ) -> Ticket:
        """Send a message with a reply address; the ticket settles with the `reply`.

        The answer is found by its `correlation-id`, or, if the other side drops that and nothing else is
        awaited, by the address alone. `timeout` is seconds; None is the receipt timeout.

        Raises:
            NotConnected: there is no connection.
        """
        self._alive("SEND")
        epoch = self._lifeline.established
        if epoch is None:
            raise NotConnected(f"request to {destination!r}: there is no connection now")
        address = f"/temp-queue/{self._prefix}"
        connected = epoch.connected
        # RabbitMQ makes the subscription itself, and refuses one that we make.
        ours = connected is None or not (connected.server or "").startswith("RabbitMQ")
        if ours and self._reply_epoch != epoch.number:
            epoch.connection.subscribe(address, id=address)
        self._reply_epoch = epoch.number
        correlation = self._next_id("r")
        extra = [("reply-to", address), ("correlation-id", correlation)]
        given = [pair for pair in Headers(headers).pairs if pair[0] not in ("reply-to", "correlation-id")]
        epoch.connection.send(destination, body, headers=_with_content_type([*extra, *given], content_type))
        ticket = self._sending.wait_for(
            f"request to {destination!r}", now, timeout=timeout, late=ReplyTimeout
        )
        self._requests[correlation] = ticket
        self._settle(now)
        return ticket

    def wait_ready(self) -> Ticket:
        """Return a ticket that settles when there is a connection; as abandoned when there will be none."""
        ticket = Ticket("a connection")
        if self._lifeline.established is not None:
            ticket.settle(Outcome.CONFIRMED)
        elif self.state is SessionState.ENDED:
            ticket.settle(Outcome.ABANDONED, self._over())
        else:
            self._ready.append(ticket)
        return ticket

    def drain(self, now: float) -> Ticket:
        """Take nothing new: end the subscriptions; the ticket settles when all that was sent is settled."""
        if self._draining is None:
            self._draining = Ticket("drain")
            for subscription in list(self._subscriptions):
                self.unsubscribe(subscription, now=now)
        self._settle(now)
        return self._draining

    def close(self, now: float) -> Ticket:
        """Say good-bye, wait for its receipt no longer than `close_timeout`, and end. Harmless when closed.

        What waits to be sent is given up: `drain` first to have it sent.
        """
        if self._closing is None:
            self._closing = Ticket("close")
            if self.state is SessionState.ENDED:
                self._closing.settle(Outcome.CONFIRMED)
            elif self._lifeline.established is None:
                self._end(None, now)
            else:
                self._sending.give_up_unsent(self._over())
                self._lifeline.say_goodbye(self._next_id("d"), now)
        self._settle(now)
        return self._closing

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.link_of(stream).stream_opened(stream, now)
        self._settle(now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Refuse: a client accepts no streams.

        Raises:
            LocalProtocolError: always.
        """
        raise LocalProtocolError(Misuse.ALREADY_CONNECTED, "a session is a client: it accepts no streams")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.link_of(stream).tls_started(stream, info, now)
        self._settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Pass on to the link of this stream."""
        self._lifeline.stream_lost(stream, why, now, detail)
        self._settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.link_of(stream).receive_data(stream, data, now)
        self._settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.link_of(stream).receive_eof(stream, now)
        self._settle(now)

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets of a stream."""
        octets = self._lifeline.data_to_send(stream, now, max_bytes)
        if octets:
            self._settle(now)
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether the stream should be read."""
        return self._lifeline.link_of(stream).wants_read(stream)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        failure = self._lifeline.handle_timeout(now)
        if failure is not None:
            self._failed(failure, now)
        self._sending.handle_timeout(now)
        if self._probe is not None and self._probe <= now:
            self._probe = None
            for subscription in self._subscriptions:
                subscription.prove()
            self._subscribe_again(now)
        self._settle(now)

    def run(self, now: float) -> None:
        """Do nothing: no work is ever left over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish, or None."""
        actions = self._lifeline.actions
        return actions.popleft() if actions else None

    def next_event(self) -> SessionEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    @property
    def wants_look(self) -> bool:
        """Whether there is something for `next_action`, `next_event` or `changed_streams`; cheap to ask."""
        return bool(self._events or self._lifeline.actions or self._lifeline.touched)

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams to look at."""
        return self._lifeline.changed_streams()

    def next_deadline(self) -> float | None:
        """Return when `handle_timeout` is wanted, or None."""
        instants = (self._lifeline.next_deadline(), self._sending.next_deadline(), self._probe)
        return min((instant for instant in instants if instant is not None), default=None)

    def wants_run(self) -> bool:
        """Return False."""
        return False

    @property
    def finished(self) -> bool:
        """Whether the session has ended and every stream is gone."""
        return self.state is SessionState.ENDED and self._lifeline.finished

    # Hearing

    def _settle(self, now: float) -> None:
        """Go through what has come, then through what that makes possible."""
        lifeline = self._lifeline
        while True:
            event = lifeline.next_event(now)
            if event is None:
                break
            if self._observe is not None:
                self._observe(event)
            self._hear(event, now)
        epoch = lifeline.established
        if epoch is not None:
            self._sending.go_on(epoch)
        self._sending.make_room(epoch)
        if lifeline.epoch is not None:
            lifeline.epoch.pause(now, self._should_pause())
        if self._draining is not None and self._sending.idle and self._draining.settle(Outcome.CONFIRMED):
            self._changed(self._draining)
        lifeline.settle(now)

    def _hear(self, event: ClientEvent, now: float) -> None:
        epoch = self._lifeline.epoch
        assert epoch is not None, "somebody said it"
        match event:
            case Message():
                if not self._subscriptions.deliver(event, epoch.number):
                    self._replied(event)
            case Receipt():
                self._sending.confirmed(event.receipt_id)
            case Connected():
                self._lifeline.ready(now)
                self._sending.new_connection()
                self._subscribe_again(now)
                target = self._lifeline.endpoint
                self._events.append(Ready(epoch.number, target, epoch.transport or "", event))
                for ticket in self._ready:
                    ticket.settle(Outcome.CONFIRMED)
                    self._changed(ticket)
                self._ready.clear()
            case Error():
                if epoch.connected is not None:
                    self._blame(event, epoch)
            case Closed():
                if self.state is SessionState.CLOSING:
                    # DISCONNECT is answered with a receipt, or with the end of the stream by servers that
                    # send none.
                    self._end(None, now)
                else:
                    self._failed(self._lifeline.failure(event), now)

    def _subscribe_again(self, now: float) -> None:
        epoch = self._lifeline.established
        if epoch is None:
            return
        if self._sending.careful:
            # One at a time, so that the one which the server answers with ERROR is found.
            if not self._subscriptions.suspects(epoch):
                made = self._subscriptions.make_next(epoch)
                self._sending.careful = made is not None or not self._sending.idle
        else:
            while self._subscriptions.make_next(epoch) is not None:
                pass
        self._probe = now + _PROBE if self._subscriptions.suspects(epoch) else None

    def _blame(self, error: Error, epoch: Epoch) -> None:
        """Find what an ERROR answers: what ends two connections is not tried a third time."""
        said = error.message or "no reason given"
        why = BrokerError(f"{self._lifeline.endpoint}: the server sent ERROR: {said}", error)
        if self._sending.rejected(error, why):
            return
        subscriptions, entries = self._subscriptions.suspects(epoch), self._sending.suspects(epoch)
        for subscription in subscriptions:
            subscription.strikes += 1
        for entry in entries:
            entry.strikes += 1
        if len(subscriptions) + len(entries) > 1:
            self._sending.careful = True
            return
        for subscription in subscriptions:
            if subscription.strikes > 1:
                self._subscriptions.end(subscription, why)
        for entry in entries:
            if entry.strikes > 1:
                self._sending.condemn(entry, why)

    def _replied(self, message: Message) -> None:
        """Settle the request that a message answers; a message for nobody is one that UNSUBSCRIBE has
        crossed.
        """
        if message.subscription != f"/temp-queue/{self._prefix}":
            return
        correlation = message.headers.get("correlation-id")
        if correlation is None and len(self._requests) == 1:
            correlation = next(iter(self._requests))
        ticket = self._requests.pop(correlation or "", None)
        if ticket is not None and ticket.outcome is None:
            ticket.reply = message
            self._sending.settle(ticket, Outcome.CONFIRMED)

    def _should_pause(self) -> bool:
        """Tell whether reading should pause: never while something is awaited, unless memory ends first."""
        if self.state is not SessionState.READY or not self._subscriptions.full:
            return False
        return not self._sending.awaits or self._subscriptions.octets > self._options.max_queue_octets

    # Ending

    def _failed(self, failure: Failure, now: float) -> None:
        """Part with a connection, or an attempt, and find out whether there is another."""
        self._probe = None
        self._sending.connection_lost(failure.error)
        self._subscriptions.connection_lost()
        for ticket in self._requests.values():
            lost = ConnectionClosedError(f"{ticket.what}: the connection was lost before the reply came")
            lost.__cause__ = failure.error
            self._sending.settle(ticket, Outcome.UNKNOWN, lost)
        self._requests.clear()
        if self.state is SessionState.CLOSING:
            self._end(None, now)
            return
        error = self._lifeline.fail(failure, now)
        if error is not None:
            self._end(error, now)

    def _end(self, error: Exception | None, now: float) -> None:
        """End the session: everybody who waits is told."""
        self.error = error
        self._lifeline.let_go(now)
        self._lifeline.state = SessionState.ENDED
        over = self._over()
        self._sending.session_over(over)
        self._requests.clear()
        self._subscriptions.session_over(error)
        for ticket in self._ready:
            ticket.settle(Outcome.ABANDONED, over)
            self._changed(ticket)
        self._ready.clear()
        for closing in (self._draining, self._closing):
            if closing is not None and closing.settle(Outcome.CONFIRMED):
                self._changed(closing)
        self._events.append(Ended(error))

    def _over(self) -> Exception:
        """Return what somebody is told who wants something of a session that is over."""
        if self.error is None:
            return ConnectionClosedOK("the session is closed")
        if isinstance(self.error, ConnectionClosed):
            return self.error
        error = ConnectionClosedError(f"the session is over: {self.error}")
        error.__cause__ = self.error
        return error

    def _alive(self, command: str) -> None:
        if self.state in (SessionState.ENDED, SessionState.CLOSING) or self._draining is not None:
            if self.error is None:
                raise ConnectionClosedOK(f"{command}: the session is closed, or being closed")
            raise self._over()

    def _check_transaction(self, transaction: Transaction) -> Epoch:
        epoch = self._lifeline.established
        if epoch is None or epoch.number != transaction.epoch:
            raise TransactionLost(
                "the connection of the transaction is gone, and the server has rolled it back: begin again"
            )
        return epoch

    def _changed(self, subject: Ticket | Subscription) -> None:
        self._events.append(Changed(subject))

    def _next_id(self, kind: str) -> str:
        return f"{self._prefix}-{kind}{next(self._numbers)}"


def _with_content_type(headers: HeaderPairs, content_type: str | None) -> HeaderPairs:
    if content_type is None:
        return headers
    return [("content-type", content_type), *Headers(headers).pairs]
