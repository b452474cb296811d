"""`Session`: what an application means, kept alive over any number of connections. A `Machine`.

What lives here turns commands into frames and tickets. This file must not know which link is used, how a
connection comes about, nor any clock.
"""

from __future__ import annotations

from ..errors import LocalProtocolError, Misuse
from ..protocol.events import AckMode, Connected
from ..protocol.headers import HeaderPairs, Headers
from .course import Course, Observer
from .epoch import Epoch
from .errors import ConnectionClosedOK, MessageExpired, NotConnected, ReplyTimeout, TransactionLost
from .failures import Failure
from .lifeline import SessionState
from .options import Credentials
from .outbox import size_of
from .saying import check_carried, check_subscribe, with_content_type
from .subscription import Delivery, OnExit, OverflowPolicy, Subscription
from .tickets import Outcome, Ticket
from .transaction import Transaction

__all__ = ["Observer", "Session", "Transaction"]


class Session(Course):
    """A STOMP client that survives its connections: no socket, no clock, no thread.

    Call `start`, then drive it as any `Machine`. Every command takes `now`; after each of them drain it as
    after an input. What takes time gives a `Ticket`; `Changed` says when one has settled.
    """

    @property
    def connected(self) -> Connected | None:
        """What the server said when it accepted the present connection, or None while there is none."""
        epoch = self._lifeline.established
        return None if epoch is None else epoch.connected

    # Life

    def start(self, now: float) -> None:
        """Begin the first attempt. `Ready` or `Ended` follows."""
        if self.state is not SessionState.IDLE:
            raise LocalProtocolError(
                Misuse.ALREADY_CONNECTED, "this session was started before: make a new one"
            )
        self._failed_if(self._lifeline.attempt(now), now)
        self._settle(now)

    def provide_credentials(self, credentials: Credentials, now: float) -> None:
        """Answer `CredentialsWanted`: the attempt goes on. Harmless when it waits for none any more.

        Raises:
            LocalProtocolError: they cannot be represented in CONNECT. The attempt goes on waiting.
        """
        self._failed_if(self._lifeline.provide_credentials(credentials, now), now)
        self._settle(now)

    def credentials_failed(self, error: Exception, now: float) -> None:
        """Answer `CredentialsWanted` with an error: the attempt has failed. Harmless when none waits."""
        if self._lifeline.wants_credentials:
            self._failed(Failure(error, retry=True), now)
        self._settle(now)

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
        """End the subscriptions, and allow no new ones; the ticket settles when all that was sent is settled.

        What was taken can be acknowledged, and one may send. What waits is the server's, but for ack "auto".
        """
        for subscription in self._subscriptions.withhold():
            self._end_subscription(subscription, ())
        if self._draining is None or self._draining.outcome is not None:
            self._draining = Ticket("drain")
        self._door.close()
        self._settle(now)
        return self._draining

    def close(self, now: float) -> Ticket:
        """Say good-bye, wait for its receipt no longer than `close_timeout`, and end. Harmless when closed.

        The ticket settles as confirmed when the server has answered, else as unknown; that is no error. What
        waits to be sent is given up: `drain` first to have it sent.
        """
        if self._closing is None:
            self._closing = Ticket("close")
        if self.state is SessionState.ENDED:
            self._closing.settle(Outcome.CONFIRMED)
        elif self.state is not SessionState.CLOSING:
            self._door.close()
            if self._lifeline.established is None:
                self._end(None, now, answered=True)
            else:
                for subscription in self._subscriptions.withheld():
                    self._end_subscription(subscription, ())
                self._sending.give_up_unsent(ConnectionClosedOK("the session was closed before it was sent"))
                self._lifeline.say_goodbye(self._next_id("d"), now)
        self._settle(now)
        return self._closing

    # Messages

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
            LocalProtocolError: it cannot be represented, or not be carried by every transport that may come.
            NotConnected: there is no connection, and neither `confirm` nor `wait` is set.
            OutboxFull: the outbox is full, and as many messages wait for room in it.
            ConnectionClosed: the session is over.
        """
        epoch, clear = self._door.through(), True
        if epoch is None:
            self._alive("SEND")
            epoch, clear = self._lifeline.established, False
        check_carried(self._lifeline.carries, destination, body)
        ticket = self._sending.send(
            epoch,
            destination,
            body,
            with_content_type(headers, content_type),
            now,
            receipt=self._next_id("m") if confirm else None,
            content_length=content_length,
            wait=wait,
            clear=clear,
        )
        self._written(epoch, body, now)
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
            ValueError: no message could wait, or what is dropped could not be acknowledged.
            ConnectionClosed: the session is over, or draining.
        """
        self._alive("SUBSCRIBE")
        if max_queue < 1:
            raise ValueError(f"max_queue is {max_queue}: at least one message must have room to wait")
        if overflow is OverflowPolicy.DROP_OLDEST and ack is not AckMode.AUTO:
            raise ValueError(
                f"overflow='drop-oldest' with ack={ack.value!r}: what is dropped could not be acknowledged, "
                "and the server would wait for that: use ack='auto', or another overflow"
            )
        id = self._next_id("s") if id is None else id
        if id in self._subscriptions:
            raise LocalProtocolError(Misuse.DUPLICATE_SUBSCRIPTION, f"{id!r} is subscribed: use another id")
        subscription = Subscription(
            id, destination, ack=ack, headers=headers, max_queue=max_queue, overflow=overflow, on_exit=on_exit
        )
        epoch = self._lifeline.established
        check_subscribe(self._sending.version_for(epoch), subscription)
        self._subscriptions.add(subscription, epoch, now)
        self._settle(now)
        return subscription

    def unsubscribe(self, subscription: Subscription, *, headers: HeaderPairs = (), now: float) -> None:
        """End a subscription; harmless when it has ended. What waits in it can still be taken.

        Raises:
            LocalProtocolError: the headers cannot be represented. It goes on.
        """
        if not subscription.ended or subscription.withheld:
            self._end_subscription(subscription, headers)
        self._settle(now)

    def _end_subscription(self, subscription: Subscription, headers: HeaderPairs) -> None:
        self._say_unsubscribe(subscription, headers)
        self._subscriptions.remove(subscription)

    def take(self, subscription: Subscription, now: float) -> Delivery | None:
        """Remove and return the oldest message that waits in a subscription, or None; reading may go on."""
        epoch = self._lifeline.epoch
        if epoch is None:
            return self._subscriptions.take(subscription, 0)
        delivery = self._subscriptions.take(subscription, epoch.number)
        if epoch.paused and not self._should_pause():
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
        if delivery.subscription is None:
            raise LocalProtocolError(
                Misuse.NOT_ACKABLE, f"{verb} of a reply: replies await no acknowledgement"
            )
        if epoch is None or delivery.epoch != epoch.number:
            raise MessageExpired(
                f"{verb} of {message.message_id!r}: its connection is gone, and the server delivers it again"
            )
        if transaction is not None:
            self._check_transaction(transaction)
        name = None if transaction is None else transaction.id
        receipt = self._next_id("a") if confirm else None
        say = epoch.connection.nack if negative else epoch.connection.ack
        say(message, transaction=name, receipt=receipt, headers=headers)
        ticket = None
        if receipt is not None:
            ticket = self._sending.await_receipt(f"{verb} of {message.message_id!r}", receipt, now)
        self._settle(now)
        return ticket

    def request(
        self,
        destination: str,
        body: bytes = b"",
        *,
        headers: HeaderPairs = (),
        content_type: str | None = None,
        content_length: bool = True,
        timeout: float | None = None,
        now: float,
    ) -> Ticket:
        """Send a message with a reply address; the ticket settles with the `reply`.

        The answer is found by its `correlation-id`, or, if the other side drops that and nothing else is
        awaited, by the address alone. `timeout` is seconds; None is the receipt timeout.

        Raises:
            NotConnected: there is no connection.
            LocalProtocolError: it cannot be represented, or not be carried by every transport that may come.
            ConnectionClosed: the session is over.
        """
        self._alive("SEND")
        check_carried(self._lifeline.carries, destination, body)
        epoch = self._lifeline.established
        if epoch is None:
            raise NotConnected(f"request to {destination!r}: there is no connection now")
        correlation = self._next_id("r")
        own = [("reply-to", self._requests.address_on(epoch)), ("correlation-id", correlation)]
        given = [pair for pair in Headers(headers).pairs if pair[0] not in ("reply-to", "correlation-id")]
        self._sending.send(
            epoch,
            destination,
            body,
            with_content_type([*own, *given], content_type),
            now,
            receipt=None,
            content_length=content_length,
            wait=False,
        )
        ticket = self._tickets.new(
            f"request to {destination!r}", now, correlation, timeout=timeout, late=ReplyTimeout
        )
        self._requests.add(correlation, ticket)
        self._written(epoch, body, now)
        return ticket

    # Transactions

    def begin(self, *, headers: HeaderPairs = (), now: float) -> Transaction:
        """Begin a transaction on the present connection.

        Raises:
            NotConnected: there is none.
            ConnectionClosed: the session is over.
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
    ) -> Ticket | None:
        """Send a message in a transaction. Only COMMIT is confirmed: servers confirm nothing before that.

        None: go on. A ticket: the server reads too slowly; go on when it has settled.

        Raises:
            LocalProtocolError: it cannot be represented, or not be carried by every transport that may come.
            TransactionLost: the connection of the transaction is gone.
        """
        check_carried(self._lifeline.carries, destination, body)
        epoch = self._check_transaction(transaction)
        epoch.connection.send(
            destination,
            body,
            transaction=transaction.id,
            headers=with_content_type(headers, content_type),
            content_length=content_length,
        )
        ticket = self._sending.await_room(f"SEND to {destination!r}", epoch, now)
        self._written(epoch, body, now)
        return ticket

    def commit(self, transaction: Transaction, *, headers: HeaderPairs = (), now: float) -> Ticket:
        """Commit; the ticket settles with the server's receipt, as unknown if the connection is lost before
        it.

        Raises:
            TransactionLost: the connection of the transaction is gone.
        """
        epoch = self._check_transaction(transaction)
        receipt = self._next_id("c")
        epoch.connection.commit(transaction.id, receipt=receipt, headers=headers)
        ticket = self._sending.await_receipt("COMMIT", receipt, now)
        self._settle(now)
        return ticket

    def abort(self, transaction: Transaction, *, headers: HeaderPairs = (), now: float) -> None:
        """Roll back. Harmless when the connection is gone: then the server has done so."""
        epoch = self._lifeline.established
        if epoch is not None and epoch.number == transaction.epoch:
            epoch.connection.abort(transaction.id, headers=headers)
        self._settle(now)

    # What must hold

    def _written(self, epoch: Epoch | None, body: bytes, now: float) -> None:
        """Wake the writer. Nothing else has changed, unless somebody waits now while reading is paused."""
        self._lifeline.stirred = True  # there may be a ticket
        if epoch is not None and epoch.paused:
            self._settle(now)
        else:
            self._lifeline.flush(now)
            self._door.written(epoch, size_of(body), draining=self._draining is not None)

    def _alive(self, command: str) -> None:
        drained = self._draining is not None and command == "SUBSCRIBE"
        if drained or self.state in (SessionState.CLOSING, SessionState.ENDED):
            if self.error is None:
                raise ConnectionClosedOK(
                    f"{command}: the session was closed or drained: connect again to go on"
                )
            raise self._over()

    def _check_transaction(self, transaction: Transaction) -> Epoch:
        epoch = self._lifeline.established
        if epoch is None or epoch.number != transaction.epoch:
            raise TransactionLost(
                "the connection of the transaction is gone, and the server has rolled it back: begin again"
            )
        return epoch
