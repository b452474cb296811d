"""The course of a session: what comes from connections, what that changes, and how it ends.

What lives here is the half of a `Session` that its driver sees. This file must not know what an application
may command, how a connection comes about, nor any clock.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from ..errors import LocalProtocolError, Misuse
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.deadlines import earlier
from ..protocol.events import ClientEvent, Closed, Connected, Error, Message, Receipt
from ..protocol.headers import HeaderPairs
from .door import Door
from .epoch import Epoch
from .errors import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from .events import Changed, Ended, Ready, SessionEvent
from .failures import Failure
from .lifeline import Lifeline, SessionState
from .options import SessionOptions
from .requests import Requests
from .sending import Sending
from .subscription import OnExit, Subscription
from .subscriptions import Subscriptions
from .tickets import OpenTickets, Outcome, Ticket

__all__ = ["Course", "Observer"]

Observer: TypeAlias = Callable[[bytes | ClientEvent], None]
"""Is told the octets of each frame that is sent, and each event that comes: for logs and captures."""


class Course:
    """A `Machine` that goes on over any number of connections, until it is over."""

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
        self._tickets = OpenTickets(options.receipt_timeout, self._changed)
        self._sending = Sending(options, self._tickets)
        self._subscriptions = Subscriptions(self._changed)
        self._requests = Requests(prefix)
        self._draining: Ticket | None = None
        self._closing: Ticket | None = None
        self._ready: list[Ticket] = []
        self._door = Door(self._lifeline, self._sending)
        self.send_at_once = self._door.send
        """Sends a message of which nothing more will be heard, if that is certain to be possible at once."""

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""
        return self._lifeline.state

    def __repr__(self) -> str:
        return f"<Session {self._lifeline.endpoint}: {self.state.value}>"

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.streams[stream].stream_opened(stream, now)
        self._settle(now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Refuse: a client accepts no streams.

        Raises:
            LocalProtocolError: always.
        """
        raise LocalProtocolError(Misuse.ALREADY_CONNECTED, "a session is a client: it accepts no streams")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.streams[stream].tls_started(stream, info, now)
        self._settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Pass on to the link of this stream."""
        self._lifeline.stream_lost(stream, why, now, detail)
        self._settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Pass on to the link of this stream."""
        if self._lifeline.receive_data(stream, data, now):
            self._settle(now)
        else:
            # Nothing stands between the stream and the connection: no link has anything to say.
            self._take_in(now)
            if self._go_on(now):
                self._lifeline.settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Pass on to the link of this stream."""
        self._lifeline.streams[stream].receive_eof(stream, now)
        self._settle(now)

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets of a stream."""
        octets = self._lifeline.data_to_send(stream, now, max_bytes)
        if octets and self._door.epoch is None and self._sending.waits:
            # There is room now: whoever waits for that may go on; nothing else has changed.
            self._settle(now)
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether the stream should be read."""
        return self._lifeline.streams[stream].wants_read(stream)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        self._failed_if(self._lifeline.handle_timeout(now), now)
        epoch = self._lifeline.epoch
        for ticket in self._tickets.settle_late(now, reading=epoch is None or not epoch.paused):
            self._sending.expired(ticket)
            self._requests.expired(ticket)
            if ticket.receipt is not None and epoch is not None:
                epoch.connection.forget_receipt(ticket.receipt)
        self._settle(now)

    def run(self, now: float) -> None:
        """Let the links go on with the work that they left over."""
        self._lifeline.run(now)
        self._settle(now)

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish, or None."""
        actions = self._lifeline.actions
        return actions.popleft() if actions else None

    def next_event(self) -> SessionEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def wants_look(self) -> bool:
        """Tell whether there is something for `next_action`, `next_event` or `changed_streams`."""
        return bool(self._events or self._lifeline.actions or self._lifeline.touched)

    def wants_rearm(self) -> bool:
        """Tell whether an earlier deadline, or work left over, may have come about."""
        return self._lifeline.stirred

    def gives_all(self, stream: StreamId) -> bool:
        """Tell whether nothing stands between the connection and the stream, and nothing waits."""
        return self._lifeline.passage == stream

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams to look at."""
        return self._lifeline.changed_streams()

    def next_deadline(self) -> float | None:
        """Return when `handle_timeout` is wanted, or None."""
        soonest = self._lifeline.next_deadline()
        if self._tickets:
            soonest = earlier(soonest, self._tickets.next_deadline())
        waits_until = self._subscriptions.next_deadline()
        if waits_until is not None and self._lifeline.established is not None:
            soonest = earlier(soonest, waits_until)
        return soonest

    def wants_run(self) -> bool:
        """Tell whether a link has work left over."""
        return self._lifeline.wants_run()

    @property
    def finished(self) -> bool:
        """Whether the session has ended and every stream is gone."""
        return self.state is SessionState.ENDED and self._lifeline.finished

    # Hearing

    def _settle(self, now: float) -> None:
        """Go through what has come, then through what that makes possible."""
        self._take_in(now)
        while self._lifeline.listen(now):
            self._take_in(now)
        self._go_on(now)
        self._lifeline.settle(now)

    def _take_in(self, now: float) -> None:
        """Take what the connection has to say."""
        lifeline, deliver = self._lifeline, self._subscriptions.deliver
        while (epoch := lifeline.epoch) is not None and (event := epoch.connection.next_event()) is not None:
            if isinstance(event, Message):
                subscription = deliver(event, epoch.number)
                if subscription is None:
                    # A reply, or what UNSUBSCRIBE has crossed.
                    self._replied(event)
                elif subscription.ended and not subscription.withheld:
                    self._say_unsubscribe(subscription)
            else:
                # Only messages change nothing that is of any matter to what is sent.
                self._door.close()
                lifeline.stirred = True
                self._hear(event, epoch, now)
            if self._observe is not None:
                # Now that all is in order again: who observes may give commands, or raise.
                self._observe(event)

    def _go_on(self, now: float) -> bool:
        """Do what has become possible, in its order, unless nothing can have; return whether it was looked
        at. Then let messages that ask for nothing through, if they may go.
        """
        subscriptions = self._subscriptions
        if self._door.epoch is not None and not (
            subscriptions.full or subscriptions.octets > self._options.max_queue_octets
        ):
            return False
        epoch, established = self._lifeline.epoch, self._lifeline.established
        if established is not None and subscriptions.wait:
            self._make_subscriptions(established, now)
        self._sending.go_on(established)
        if epoch is not None:
            epoch.pause(now, self._should_pause())
        if self._draining is not None and not self._tickets:
            self._settled(self._draining, Outcome.CONFIRMED)
        self._door.judge(established, draining=self._draining is not None)
        return True

    def _replied(self, message: Message) -> None:
        ticket = self._requests.answered(message)
        if ticket is not None:
            ticket.reply = message
            self._tickets.settle(ticket, Outcome.CONFIRMED)

    def _hear(self, event: Connected | Receipt | Error | Closed, epoch: Epoch, now: float) -> None:
        if isinstance(event, Receipt):
            if not self._sending.confirmed(event.receipt_id):
                self._subscriptions.confirmed(event.receipt_id)
            return
        epoch.note(event)
        if isinstance(event, Connected):
            self._established(event, epoch, now)
        elif isinstance(event, Error):
            if epoch.connected is not None:
                self._blame(event, now)
        elif self.state is SessionState.CLOSING:
            link = epoch.link_closed
            # There are servers that answer DISCONNECT with the closing hand-shake of the transport.
            answered = event.clean or (link is not None and link.clean and link.code is not None)
            self._end(None, now, answered=answered)
        else:
            self._failed(self._lifeline.failure(event), now)

    def _established(self, connected: Connected, epoch: Epoch, now: float) -> None:
        self._lifeline.ready(now)
        self._subscriptions.new_connection(careful=self._sending.suspected)
        self._make_subscriptions(epoch, now)
        endpoint, transport = self._lifeline.endpoint, epoch.transport or ""
        self._events.append(Ready(epoch.number, endpoint, transport, connected))
        for ticket in self._ready:
            self._settled(ticket, Outcome.CONFIRMED)
        self._ready.clear()

    def _make_subscriptions(self, epoch: Epoch, now: float) -> None:
        done = self._subscriptions.go_on(epoch, now, lambda: self._next_id("s"))
        self._sending.held = not done

    def _blame(self, error: Error, now: float) -> None:
        """Find what an ERROR answers: what ended two connections is not tried a third time."""
        why = self._lifeline.witness.broker_error(error)
        if error.receipt_id is not None and (
            self._sending.rejected(error, why) or self._subscriptions.rejected(error.receipt_id, why)
        ):
            return
        subscriptions, entries = self._subscriptions.suspects(now), self._sending.suspects()
        alone = len(subscriptions) + len(entries) == 1
        for subscription in subscriptions:
            subscription.strikes += 1
            if alone and subscription.strikes > 1:
                self._subscriptions.end(subscription, why)
        for entry in entries:
            entry.strikes += 1
            if alone and entry.strikes > 1:
                self._sending.condemn(entry, why)

    def _should_pause(self) -> bool:
        """Tell whether reading should pause: never while something is awaited, unless memory ends first."""
        subscriptions, options = self._subscriptions, self._options
        if subscriptions.octets > options.max_queue_octets:
            return True
        if self.state is not SessionState.READY or not subscriptions.full:
            return False
        # More unacknowledged messages than the limit would end the session: it must not come to that.
        return not self._tickets or subscriptions.unacknowledged > options.limits.max_unacknowledged // 2

    def _say_unsubscribe(self, subscription: Subscription, headers: HeaderPairs = ()) -> None:
        """Send UNSUBSCRIBE, if the present connection has the subscription and it is to be ended there.

        Raises:
            LocalProtocolError: the headers cannot be represented. Nothing was written.
        """
        epoch = self._lifeline.established
        if (
            epoch is not None
            and subscription.epoch == epoch.number
            and subscription.on_exit is OnExit.UNSUBSCRIBE
        ):
            epoch.connection.unsubscribe(subscription.id, headers=headers)

    # Ending

    def _failed_if(self, failure: Failure | None, now: float) -> None:
        if failure is not None:
            self._failed(failure, now)

    def _failed(self, failure: Failure, now: float) -> None:
        """Part with a connection, or an attempt, and find out whether there is another."""
        self._connection_lost(failure.error)
        if self.state is SessionState.CLOSING:
            self._end(None, now)
            return
        error = self._lifeline.fail(failure, now)
        if error is not None:
            self._end(error, now)

    def _connection_lost(self, why: Exception) -> None:
        self._door.close()
        self._sending.connection_lost(why)
        self._subscriptions.connection_lost()
        for ticket in self._requests.take_all():
            lost = ConnectionClosedError(f"{ticket.what}: the connection was lost before the reply came")
            lost.__cause__ = why
            self._tickets.settle(ticket, Outcome.UNKNOWN, lost)

    def _end(self, error: Exception | None, now: float, *, answered: bool = False) -> None:
        """End the session: everybody who waits is told."""
        self.error = error
        self._door.close()
        # First: whatever comes in between, it is over.
        self._lifeline.state = SessionState.ENDED
        self._lifeline.let_go(now)
        over = self._over()
        self._sending.session_over(over)
        self._requests.take_all()
        self._subscriptions.connection_lost()
        self._subscriptions.session_over(None if error is None else over)
        for ticket in self._ready:
            self._settled(ticket, Outcome.ABANDONED, over)
        self._ready.clear()
        if self._draining is not None:
            self._settled(self._draining, Outcome.CONFIRMED)
        if self._closing is not None:
            self._settled(self._closing, Outcome.CONFIRMED if answered else Outcome.UNKNOWN)
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

    def _settled(self, ticket: Ticket, outcome: Outcome, error: Exception | None = None) -> None:
        """Settle a ticket that has no time of its own."""
        if ticket.settle(outcome, error):
            self._changed(ticket)

    def _changed(self, subject: Ticket | Subscription) -> None:
        self._events.append(Changed(subject))

    def _next_id(self, kind: str) -> str:
        return f"{self._prefix}-{kind}{next(self._numbers)}"
