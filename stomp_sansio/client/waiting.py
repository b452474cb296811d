"""The client for programs that wait: each method is one call of a session.

An adapter adds how a thread waits, and the clock. This file must not know threads, nor STOMP's rules.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self, Unpack

from ..protocol.events import AckMode
from ..protocol.headers import HeaderPairs
from ..session.content import Content
from ..session.errors import ConnectionClosedOK
from ..session.options import Credentials
from ..session.subscription import Delivery
from ..session.tickets import Ticket
from .core import ClientCore, RunnerCore, SubscriptionCore, TransactionCore
from .handlers import Handlers
from .keywords import AckKeywords, ContentKeywords, SubscribeKeywords
from .lifecycle import Follower, LifeEvent
from .message import MessageCore

__all__ = ["Client", "Lifecycle", "Message", "Subscription", "Transaction", "WaitingRunner"]

# Messages that one `step` hands to handlers: a loop of somebody else's wants its turn.
_BATCH = 64


class WaitingRunner(RunnerCore):
    """Carries out commands to one session, and lets threads wait."""

    @abstractmethod
    def now(self) -> float:
        """Return the present instant."""

    @abstractmethod
    def locked(self) -> AbstractContextManager[object]:
        """Keep other threads out."""

    @abstractmethod
    def changed(self) -> None:
        """Let everybody who waits look again. The lock is held."""

    @abstractmethod
    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until something holds, no longer than some seconds; return whether it does."""

    def ask(self, credentials: Callable[[], Credentials]) -> None:
        """Ask the application for credentials, and answer with what it says, or raises."""
        try:
            self.answer(credentials())
        except Exception as error:
            self.answer(error)

    @abstractmethod
    def pump(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until something holds, or has happened if nobody else makes it happen."""

    def settle(self, ticket: Ticket | None, timeout: float | None = None) -> None:
        """Wait for a ticket, no longer than some seconds."""
        if ticket is None:
            return
        if ticket.outcome is None and not self.wait(lambda: ticket.outcome is not None, timeout):
            raise TimeoutError(f"{ticket.what}: no answer within {timeout} s; it is still under way")
        ticket.result()


class Client(ClientCore[WaitingRunner]):
    """A connection to a STOMP server that outlives its connections. `connect` makes it."""

    def __init__(self, runner: WaitingRunner) -> None:
        super().__init__(runner)
        self._handlers: Handlers[Message] = Handlers()

    # Life

    def wait_ready(self, *, timeout: float | None = None) -> None:
        """Wait until there is a connection.

        Raises:
            TimeoutError: there was none within `timeout` seconds.
            ConnectionClosed: there will be none any more.
        """
        self._runner.settle(self._runner.do(lambda now: self._runner.session.wait_ready()), timeout)

    def close(self) -> None:
        """Say DISCONNECT, wait for its receipt `close_timeout` at most, and end. Harmless when closed."""
        with self._runner.hurried():
            self._runner.settle(self._runner.do(self._runner.session.close))

    def drain(self, *, timeout: float | None = None) -> None:
        """End all subscriptions, and wait until what was sent is settled: for SIGTERM. Who has a message may
        finish with it: send, and ack. What waits can be taken with ack="auto", else it is delivered again.
        """
        self._runner.settle(self._runner.do(self._runner.session.drain), timeout)

    def lifecycle(self) -> Lifecycle:
        """Return an iterator over what becomes of the connection: `Interrupted`, `Ready`, `Ended` at last."""
        return Lifecycle(self._runner)

    # Sending

    def send(
        self,
        destination: str,
        body: Content = b"",
        *,
        receipt: bool = False,
        wait: bool = False,
        timeout: float | None = None,
        **content: Unpack[ContentKeywords],
    ) -> None:
        """Send a message. With `receipt`, return once the server has confirmed it, on whichever connection
        that is.

        Without, it needs a connection, or `wait`, and nobody learns whether it arrived. Text is sent as
        UTF-8; `json`, `content_type`, `headers` and `content_length` are explained at `ContentKeywords`.

        Raises:
            NotConnected: there is no connection, and neither `receipt` nor `wait` is set.
            BrokerError: the server refused it.
            ReceiptTimeout: it was not confirmed in time: whether the server has it is unknown.
            OutboxFull: there was no room for it in time.
            ConnectionClosed: the session is over.
            LocalProtocolError: it cannot be represented.
        """
        if receipt or wait or not self._sent(destination, body, content):
            self._runner.settle(self._send(destination, body, receipt, wait, content), timeout)

    def settled(self, ticket: Ticket, *, timeout: float | None = None) -> None:
        """Wait until a ticket has settled.

        Raises:
            Exception: why it did not succeed, as `send` would.
        """
        self._runner.settle(ticket, timeout)

    def request(
        self,
        destination: str,
        body: Content = b"",
        *,
        timeout: float | None = None,
        **content: Unpack[ContentKeywords],
    ) -> Message:
        """Send a message with a temporary reply address, and return the reply.

        Raises:
            NotConnected: there is no connection.
            ReplyTimeout: nobody answered within `timeout` seconds; None is the receipt timeout.
            ConnectionClosed: the connection was lost before the reply came.
        """
        ticket = self._request(destination, body, timeout, content)
        self._runner.settle(ticket)
        assert ticket.reply is not None, "it succeeded"
        return Message(self._runner, Delivery(ticket.reply, 0, None))

    @contextmanager
    def transaction(self, *, headers: HeaderPairs = ()) -> Generator[Transaction]:
        """Begin a transaction; leaving the block commits it and waits for the receipt, an exception rolls it
        back.

        Raises:
            NotConnected: there is no connection.
            TransactionLost: the connection was lost, and the transaction with it: do it again.
            ReceiptTimeout: the commit was not confirmed in time: whether the server has it is unknown.
        """
        with self._begun(headers) as inner:
            yield Transaction(self._runner, inner)
        self._runner.settle(self._commit(inner))

    # Receiving

    def subscribe(self, destination: str, **how: Unpack[SubscribeKeywords]) -> Subscription:
        """Return a subscription, to be entered: `with client.subscribe(...) as messages`.

        It goes on over reconnects. `ack`, `id`, `headers`, `max_queue`, `overflow` and `on_exit` are
        explained at `SubscribeKeywords`.
        """
        return Subscription(self._runner, Message, destination, how)

    def consume(
        self,
        destination: str,
        handler: Callable[[Message], object],
        *,
        concurrency: int = 1,
        **how: Unpack[SubscribeKeywords],
    ) -> Subscription:
        """Subscribe, and have a handler called for each message, in the thread that calls `run` or `step`.

        Each message is acknowledged when its handler returns, and refused when it raises, as
        `Message.process` does; the exception then ends the subscription, and `run`. The ack mode is
        "client-individual" if nothing else is said. `concurrency` handlers run at once, if so many threads
        call `run`. Returns the subscription, to `unsubscribe`.

        Raises:
            ValueError: `concurrency` and cumulative acks contradict each other.
        """
        self._check_concurrency(how, concurrency)
        how.setdefault("ack", AckMode.CLIENT_INDIVIDUAL)
        subscription = self.subscribe(destination, **how).__enter__()
        with self._runner.locked():
            self._handlers.add(subscription, handler, concurrency, subscription.unsubscribe)
        return subscription

    def run(self, timeout: float | None = None) -> None:
        """Call the handlers of `consume` in this thread: until the session ends, or for some seconds.

        Raises:
            Exception: what a handler raised, or why the session or a subscription of `consume` has ended.
        """
        until = None if timeout is None else self._runner.now() + timeout
        while self._runner.wait(self._is_due, timeout):
            if not self._handle() and self._runner.session.finished:
                if self._runner.session.error is not None:
                    raise self._runner.session.error
                return
            if until is not None and (timeout := until - self._runner.now()) <= 0:
                return

    def step(self, timeout: float = 0.0) -> None:
        """Do what is due, after waiting for that some seconds at most; then call the handlers of `consume`
        for what has come, but for 64 messages at most. A loop of somebody else's calls it often.

        Raises:
            Exception: what a handler raised, or why a subscription of `consume` has ended.
        """
        self._runner.pump(self._is_due, 0.0 if self._is_due() else timeout)
        for _ in range(_BATCH):
            if not self._handle():
                return

    def _is_due(self) -> bool:
        return self._handlers.due or self._runner.session.finished

    def _handle(self) -> bool:
        """Call one handler, if there is a message for one; return whether there was."""
        with self._runner.locked():
            job = self._handlers.next_job()
        if job is None:
            return False
        settle = self._handlers.failed
        try:
            with job.message.process():
                job.handle()
            settle = self._handlers.done
        finally:
            with self._runner.locked():
                settle(job)
                self._runner.changed()
        return True


class Transaction(TransactionCore[WaitingRunner]):
    """What is sent and acknowledged here takes effect when the block is left."""

    def send(self, destination: str, body: Content = b"", **content: Unpack[ContentKeywords]) -> None:
        """Send a message in the transaction. Only the commit is confirmed: servers confirm nothing before it.

        Raises:
            TransactionLost: the connection was lost, and the transaction with it.
        """
        self._runner.settle(self._send(destination, body, content))

    def ack(self, message: Message) -> None:
        """Acknowledge a message in the transaction.

        Raises:
            MessageExpired: the connection that delivered it is gone.
            TransactionLost: the connection of the transaction is gone.
        """
        message.ack(transaction=self)

    def nack(self, message: Message) -> None:
        """Refuse a message in the transaction.

        Raises:
            MessageExpired: the connection that delivered it is gone.
            TransactionLost: the connection of the transaction is gone.
        """
        message.nack(transaction=self)


class Subscription(SubscriptionCore[WaitingRunner, "Message"]):
    """Messages of one destination, over any number of connections. Enter it, then iterate, or `receive`."""

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    def unsubscribe(self, *, headers: HeaderPairs = ()) -> None:
        """Send UNSUBSCRIBE before the block is left: after the acknowledgements, which some servers refuse
        then. What waits can still be taken. Harmless when it has ended.
        """
        self._leave(headers)

    def receive(self, *, timeout: float | None = None) -> Message:
        """Wait for the next message and take it.

        Raises:
            TimeoutError: none came within `timeout` seconds.
            ConnectionClosed: no more will come, since the session is over.
            BrokerError: no more will come, since the server refused the subscription.
            Overflow: no more will come, since too many waited.
        """
        inner = self._entered
        while not inner.queue or (message := self._take(inner)) is None:
            self.raise_ending()
            if not self._runner.wait(lambda: bool(inner.queue) or inner.ended, timeout):
                raise TimeoutError(f"no message within {timeout} s")
        return message

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        try:
            return self.receive()
        except ConnectionClosedOK:
            raise StopIteration from None


class Message(MessageCore[WaitingRunner]):
    """A message, and the connection that delivered it."""

    __slots__ = ()

    def ack(
        self,
        *,
        transaction: Transaction | None = None,
        timeout: float | None = None,
        **how: Unpack[AckKeywords],
    ) -> None:
        """Say that it was consumed; with `receipt`, wait until the server has confirmed that.

        `headers` and `receipt` are explained at `AckKeywords`.

        Raises:
            MessageExpired: the connection that delivered it is gone, and the server delivers it again.
            LocalProtocolError: it awaits no acknowledgement.
        """
        self._runner.settle(self._say(False, transaction, how), timeout)

    def nack(
        self,
        *,
        transaction: Transaction | None = None,
        timeout: float | None = None,
        **how: Unpack[AckKeywords],
    ) -> None:
        """Say that it was not consumed; with `receipt`, wait until the server has confirmed that.

        `headers` and `receipt` are explained at `AckKeywords`.

        Raises:
            MessageExpired: the connection that delivered it is gone, and the server delivers it again.
            LocalProtocolError: it awaits no acknowledgement, or the version is 1.0.
        """
        self._runner.settle(self._say(True, transaction, how), timeout)

    @contextmanager
    def process(self, *, on_cancel: str = "leave") -> Generator[Self]:
        """Acknowledge the message when the block is left, refuse it when the block raises.

        Neither is done when it was settled inside, needs none, or the block is cancelled: then the server
        delivers it again once the connection ends, or at once with `on_cancel="nack"`. If the connection was
        lost meanwhile, the server delivers it again, and leaving the block says nothing.
        """
        with self._processing(on_cancel):
            yield self


class Lifecycle(Follower):
    """One look at what becomes of the connection: an iterator."""

    def __init__(self, runner: WaitingRunner) -> None:
        super().__init__()
        self._runner = runner
        runner.audience.join(self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LifeEvent:
        if self.over:
            raise StopIteration
        self._runner.wait(lambda: self.waiting, None)
        event = self.take()
        assert event is not None, "it was waited for"
        return event
