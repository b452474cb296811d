"""The client for programs that await, whatever their loop: each method is one call of a session.

An adapter adds how a task waits. This file must not know any loop, nor STOMP's rules.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, Unpack

from ..protocol.headers import HeaderPairs
from ..session.content import Content
from ..session.errors import ConnectionClosedOK
from ..session.subscription import Delivery
from ..session.tickets import Ticket
from .core import STRIDE, ClientCore, RunnerCore, SubscriptionCore, TransactionCore
from .keywords import AckKeywords, ContentKeywords, SubscribeKeywords
from .lifecycle import Follower, LifeEvent
from .message import MessageCore

__all__ = ["AwaitingRunner", "Client", "Lifecycle", "Message", "Subscription", "Transaction"]

# Messages taken from a subscription without giving way to others: each time costs as much as a message.
_BATCH = 64


class AwaitingRunner(RunnerCore):
    """Carries out commands to one session, and lets tasks wait."""

    @abstractmethod
    async def change(self, subject: object) -> None:
        """Wait for a change of `subject`."""

    @abstractmethod
    async def rest(self) -> None:
        """Let others run: a checkpoint."""

    async def settle(self, ticket: Ticket | None) -> None:
        """Wait for a ticket; without one, give way to others now and then. Cancelling stops the waiting,
        never what the ticket stands for.
        """
        if ticket is None:
            if self.gives_way():
                await self.rest()
            return
        if ticket.outcome is not None:
            await self.rest()
        while ticket.outcome is None:
            await self.change(ticket)
        ticket.result()


class Client(ClientCore[AwaitingRunner]):
    """A connection to a STOMP server that outlives its connections. `connect` makes it."""

    # Life

    async def wait_ready(self) -> None:
        """Wait until there is a connection.

        Raises:
            ConnectionClosed: there will be none any more.
        """
        await self._runner.settle(self._runner.do(lambda now: self._runner.session.wait_ready()))

    async def aclose(self) -> None:
        """Say DISCONNECT, wait for its receipt `close_timeout` at most, and end. Harmless when closed."""
        with self._runner.hurried():
            await self._runner.settle(self._runner.do(self._runner.session.close))

    async def drain(self) -> None:
        """End all subscriptions, and wait until what was sent is settled: for SIGTERM. Who has a message may
        finish with it: send, and ack. What waits can be taken with ack="auto", else it is delivered again.
        """
        await self._runner.settle(self._runner.do(self._runner.session.drain))

    def lifecycle(self) -> Lifecycle:
        """Return an iterator over what becomes of the connection: `Interrupted`, `Ready`, `Ended` at last."""
        return Lifecycle(self._runner)

    # Sending

    async def send(
        self,
        destination: str,
        body: Content = b"",
        *,
        receipt: bool = False,
        wait: bool = False,
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
            await self._runner.settle(self._send(destination, body, receipt, wait, content))
        elif self._runner.stride >= STRIDE:
            await self._runner.settle(None)

    async def settled(self, ticket: Ticket) -> None:
        """Wait until a ticket has settled.

        Raises:
            Exception: why it did not succeed, as `send` would.
        """
        if ticket.outcome is None or self._runner.gives_way():
            await self._runner.settle(ticket)
        else:
            ticket.result()

    async def request(
        self,
        destination: str,
        body: Content = b"",
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # the session keeps it, under whatever clock
        **content: Unpack[ContentKeywords],
    ) -> Message:
        """Send a message with a temporary reply address, and return the reply.

        Raises:
            NotConnected: there is no connection.
            ReplyTimeout: nobody answered within `timeout` seconds; None is the receipt timeout.
            ConnectionClosed: the connection was lost before the reply came.
        """
        ticket = self._request(destination, body, timeout, content)
        await self._runner.settle(ticket)
        assert ticket.reply is not None, "it succeeded"
        return Message(self._runner, Delivery(ticket.reply, 0, None))

    @asynccontextmanager
    async def transaction(self, *, headers: HeaderPairs = ()) -> AsyncGenerator[Transaction]:
        """Begin a transaction; leaving the block commits it and waits for the receipt, an exception rolls it
        back.

        Raises:
            NotConnected: there is no connection.
            TransactionLost: the connection was lost, and the transaction with it: do it again.
            ReceiptTimeout: the commit was not confirmed in time: whether the server has it is unknown.
        """
        with self._begun(headers) as inner:
            yield Transaction(self._runner, inner)
        await self._runner.settle(self._commit(inner))

    # Receiving

    def subscribe(self, destination: str, **how: Unpack[SubscribeKeywords]) -> Subscription:
        """Return a subscription, to be entered: `async with client.subscribe(...) as messages`.

        It goes on over reconnects. `ack`, `id`, `headers`, `max_queue`, `overflow` and `on_exit` are
        explained at `SubscribeKeywords`.
        """
        return Subscription(self._runner, Message, destination, how)


class Transaction(TransactionCore[AwaitingRunner]):
    """What is sent and acknowledged here takes effect when the block is left."""

    async def send(self, destination: str, body: Content = b"", **content: Unpack[ContentKeywords]) -> None:
        """Send a message in the transaction. Only the commit is confirmed: servers confirm nothing before it.

        Raises:
            TransactionLost: the connection was lost, and the transaction with it.
        """
        await self._runner.settle(self._send(destination, body, content))

    async def ack(self, message: Message) -> None:
        """Acknowledge a message in the transaction.

        Raises:
            MessageExpired: the connection that delivered it is gone.
            TransactionLost: the connection of the transaction is gone.
        """
        await message.ack(transaction=self)

    async def nack(self, message: Message) -> None:
        """Refuse a message in the transaction.

        Raises:
            MessageExpired: the connection that delivered it is gone.
            TransactionLost: the connection of the transaction is gone.
        """
        await message.nack(transaction=self)


class Subscription(SubscriptionCore[AwaitingRunner, "Message"]):
    """Messages of one destination, over any number of connections. Enter it, then iterate, or `receive`."""

    _taken = 0

    async def __aenter__(self) -> Self:
        self._enter()
        await self._runner.settle(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    async def unsubscribe(self, *, headers: HeaderPairs = ()) -> None:
        """Send UNSUBSCRIBE before the block is left: after the acknowledgements, which some servers refuse
        then. What waits can still be taken. Harmless when it has ended.
        """
        self._leave(headers)
        await self._runner.settle(None)

    async def receive(self) -> Message:
        """Wait for the next message and take it. Cancelling never loses one. A checkpoint every 64 messages
        at the latest.

        Raises:
            ConnectionClosed: no more will come, since the session is over.
            BrokerError: no more will come, since the server refused the subscription.
            Overflow: no more will come, since too many waited.
        """
        self._taken += 1
        if self._taken >= _BATCH:
            self._taken = 0
            await self._runner.rest()
        inner = self._entered
        while not inner.queue or (message := self._take(inner)) is None:
            if inner.ended:
                self.raise_ending()
            self._taken = 0
            await self._runner.change(inner)
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None


class Message(MessageCore[AwaitingRunner]):
    """A message, and the connection that delivered it."""

    __slots__ = ()

    async def ack(self, *, transaction: Transaction | None = None, **how: Unpack[AckKeywords]) -> None:
        """Say that it was consumed; with `receipt`, wait until the server has confirmed that.

        `headers` and `receipt` are explained at `AckKeywords`.

        Raises:
            MessageExpired: the connection that delivered it is gone, and the server delivers it again.
            LocalProtocolError: it awaits no acknowledgement.
        """
        await self._runner.settle(self._say(False, transaction, how))

    async def nack(self, *, transaction: Transaction | None = None, **how: Unpack[AckKeywords]) -> None:
        """Say that it was not consumed; with `receipt`, wait until the server has confirmed that.

        `headers` and `receipt` are explained at `AckKeywords`.

        Raises:
            MessageExpired: the connection that delivered it is gone, and the server delivers it again.
            LocalProtocolError: it awaits no acknowledgement, or the version is 1.0.
        """
        await self._runner.settle(self._say(True, transaction, how))

    @asynccontextmanager
    async def process(self, *, on_cancel: str = "leave") -> AsyncGenerator[Self]:
        """Acknowledge the message when the block is left, refuse it when the block raises.

        Neither is done when it was settled inside, needs none, or the block is cancelled: then the server
        delivers it again once the connection ends, or at once with `on_cancel="nack"`. If the connection was
        lost meanwhile, the server delivers it again, and leaving the block says nothing.
        """
        with self._processing(on_cancel):
            yield self
        await self._runner.settle(None)


class Lifecycle(Follower):
    """One look at what becomes of the connection: an iterator."""

    def __init__(self, runner: AwaitingRunner) -> None:
        super().__init__()
        self._runner = runner
        runner.audience.join(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LifeEvent:
        if self.over:
            raise StopAsyncIteration
        while (event := self.take()) is None:
            await self._runner.change(self)
        return event
