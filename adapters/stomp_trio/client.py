"""The client for trio: `connect`, and what it gives.

Each method is one call of a session in trio's colour. What lives here must not know STOMP's rules.
"""

from __future__ import annotations

import os
import random
import secrets
import ssl as ssl_module
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, Unpack

import trio

from stomp_sansio.client.core import ClientCore, SubscriptionCore, TransactionCore
from stomp_sansio.client.keywords import ConnectKeywords, ContentKeywords, SubscribeKeywords
from stomp_sansio.client.lifecycle import Follower, LifeEvent
from stomp_sansio.client.message import MessageCore
from stomp_sansio.client.opening import Surroundings
from stomp_sansio.client.opening import connect as prepare
from stomp_sansio.errors import StompError
from stomp_sansio.protocol.events import AckMode
from stomp_sansio.protocol.headers import HeaderPairs
from stomp_sansio.session.content import Content
from stomp_sansio.session.errors import ConnectionClosedOK
from stomp_sansio.session.subscription import Delivery
from stomp_sansio.session.tickets import Ticket

from ._runner import CredentialsHook, Runner, logger

__all__ = ["Client", "Lifecycle", "Message", "Subscription", "Transaction", "connect"]

# Messages taken from a subscription without a checkpoint: one for each would cost as much as the message.
_BATCH = 64


class connect:  # noqa: N801  # it is called like a function, and is the context manager that the call returns
    """Connects to a STOMP server, and keeps connecting: `async with connect(URL) as client`.

    `url` is stomp://, stomps://, ws://, wss://, or the http:// or https:// base URL of SockJS; a list, or
    failover:(a,b), is tried in order. Entering waits for the first connection; leaving says DISCONNECT and
    waits for its receipt, no longer than `close_timeout`, also when cancelled.

    `credentials` is asked before every attempt, for tokens that expire. `ssl` is the context for TLS; by
    default it is Python's, which checks certificates and names. All further keywords are explained at
    `ConnectKeywords`.

    Raises:
        InvalidURI: the URL cannot be used.
        ConnectError: the first connection failed; `phase` says where, the message what to do.
        AuthenticationError: the server refused the login.
    """

    def __init__(
        self,
        url: str | Iterable[str],
        *,
        credentials: CredentialsHook | None = None,
        ssl: ssl_module.SSLContext | None = None,
        stream: trio.abc.Stream | None = None,
        **keywords: Unpack[ConnectKeywords],
    ) -> None:
        """`stream` is one that is open already, and then the only one: there is no reconnecting."""
        asks, single = credentials is not None, stream is not None
        world = Surroundings(os.environ, secrets.token_bytes, random.random, logger, asks, single)
        self._arguments = prepare(url, world, **keywords), credentials, ssl, stream

    async def __aenter__(self) -> Client:
        self._runner = runner = Runner(*self._arguments)
        client = Client(runner)
        self._nursery = trio.open_nursery()
        nursery = await self._nursery.__aenter__()
        try:
            nursery.start_soon(runner.run)
            await client.wait_ready()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            # The session knows better than the waiter why there is no connection.
            if isinstance(error, StompError) and runner.session.error is not None:
                raise runner.session.error from None
            raise
        return client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            # The good-bye is said even if we are being cancelled; the session bounds how long that takes.
            with trio.CancelScope(shield=True):
                await Client(self._runner).aclose()
                await self._runner.finish()
        except KeyboardInterrupt as interrupt:
            # Asked to hurry: what is left is cut off.
            error = interrupt
        self._runner.stop()
        try:
            kind = None if error is None else type(error)
            return await self._nursery.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            # The block's own error goes on as it is; a nursery would make a group of it.
            if error is None or list(group.exceptions) != [error]:
                raise
            if isinstance(error, KeyboardInterrupt):
                raise error from None
            return False


class Client(ClientCore[Runner]):
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
        await self._runner.settle(self._runner.do(self._runner.session.close))

    async def drain(self) -> None:
        """End all subscriptions, take nothing new, and wait until what was sent is settled: for SIGTERM."""
        await self._runner.settle(self._runner.do(self._runner.session.drain))

    def lifecycle(self) -> Lifecycle:
        """Return an iterator over what becomes of the connection from now on: `Interrupted`, `Ready`,
        `Ended`, which is the last.
        """
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
        await self._runner.settle(self._send(destination, body, receipt, wait, content))

    async def settled(self, ticket: Ticket) -> None:
        """Wait until a ticket has settled.

        Raises:
            Exception: why it did not succeed, as `send` would.
        """
        await self._runner.settle(ticket)

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

    async def consume(
        self,
        destination: str,
        handler: Callable[[Message], Awaitable[object]],
        *,
        concurrency: int = 1,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
        **how: Unpack[SubscribeKeywords],
    ) -> None:
        """Subscribe, and call a handler for each message: until cancelled, or the session ends.

        Each message is acknowledged when its handler returns, and refused when it raises, as
        `Message.process` does; the exception then ends `consume`. The ack mode is "client-individual" if
        nothing else is said. `concurrency` handlers run at once: with more than one, their exceptions come
        in a group. `nursery.start(client.consume, ...)` returns when it is subscribed.

        Raises:
            ValueError: `concurrency` and cumulative acks contradict each other.
            ConnectionClosedError: the session ended by a failure.
        """
        self._check_concurrency(how, concurrency)
        how.setdefault("ack", AckMode.CLIENT_INDIVIDUAL)

        async def work() -> None:
            async for message in messages:
                async with message.process():
                    await handler(message)

        async with self.subscribe(destination, **how) as messages:
            task_status.started()
            if concurrency == 1:
                return await work()
            async with trio.open_nursery() as nursery:
                for _ in range(concurrency):
                    nursery.start_soon(work)


class Transaction(TransactionCore[Runner]):
    """What is sent and acknowledged here takes effect when the block is left."""

    async def send(self, destination: str, body: Content = b"", **content: Unpack[ContentKeywords]) -> None:
        """Send a message in the transaction. Only the commit is confirmed: servers confirm nothing before it.

        Raises:
            TransactionLost: the connection was lost, and the transaction with it.
        """
        self._send(destination, body, content)
        await self._runner.settle(None)

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


class Subscription(SubscriptionCore[Runner, "Message"]):
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
        """Send UNSUBSCRIBE before the block is left. What waits can still be taken. Harmless when it has
        ended.
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
            await trio.lowlevel.checkpoint()
        while (message := self.receive_nowait()) is None:
            self.raise_ending()
            self._taken = 0
            await self._runner.change(self._entered)
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None


class Message(MessageCore[Runner]):
    """A message, and the connection that delivered it."""

    __slots__ = ()

    async def ack(
        self, *, transaction: Transaction | None = None, headers: HeaderPairs = (), receipt: bool = False
    ) -> None:
        """Say that it was consumed; with `receipt`, wait until the server has confirmed that.

        Raises:
            MessageExpired: the connection that delivered it is gone, and the server delivers it again.
            LocalProtocolError: it awaits no acknowledgement.
        """
        await self._runner.settle(self._say(False, transaction, headers, receipt))

    async def nack(
        self, *, transaction: Transaction | None = None, headers: HeaderPairs = (), receipt: bool = False
    ) -> None:
        """Say that it was not consumed; with `receipt`, wait until the server has confirmed that.

        Raises:
            MessageExpired: the connection that delivered it is gone, and the server delivers it again.
            LocalProtocolError: it awaits no acknowledgement, or the version is 1.0.
        """
        await self._runner.settle(self._say(True, transaction, headers, receipt))

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

    def __init__(self, runner: Runner) -> None:
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
