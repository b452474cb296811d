"""The client for trio: `connect`, and what it gives.

Each method is one call of a `Session` in trio's colour. What lives here must not know STOMP's rules.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import ssl as ssl_module
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import trio

from stomp_sansio.protocol.events import AckMode
from stomp_sansio.protocol.headers import HeaderPairs, Headers
from stomp_sansio.protocol.limits import Limits
from stomp_sansio.protocol.rendering import one_line
from stomp_sansio.protocol.versions import ALL_VERSIONS, Version
from stomp_sansio.session.backoff import DEFAULT_BACKOFF, Backoff
from stomp_sansio.session.content import MISSING, Content, content_of
from stomp_sansio.session.errors import ConnectionClosedOK, MessageExpired
from stomp_sansio.session.events import CredentialsWanted, Ended, Interrupted, Ready, SessionEvent
from stomp_sansio.session.options import Credentials, SessionOptions
from stomp_sansio.session.session import Session
from stomp_sansio.session.session import Transaction as SessionTransaction
from stomp_sansio.session.subscription import Delivery, OnExit, OverflowPolicy
from stomp_sansio.session.subscription import Subscription as SessionSubscription
from stomp_sansio.session.tickets import Ticket
from stomp_sansio.targets import TRANSPORTS, Routing, targets

from ._runner import Runner

__all__ = ["Client", "Message", "Subscription", "Transaction", "connect"]

logger = logging.getLogger("stomp_trio")

# Messages taken from a subscription without a checkpoint: one for each would cost as much as the message.
_BATCH = 64


class connect:  # noqa: N801  # it is called like a function, and is the context manager that the call returns
    """Connects to a STOMP server, and keeps connecting: `async with connect(URL) as client`.

    `url` is stomp://, stomps://, ws://, wss://, or the http:// or https:// base URL of SockJS; a list, or
    failover:(a,b), is tried in order. Entering waits for the first connection; leaving says DISCONNECT and
    waits for its receipt, no longer than `close_timeout`, also when cancelled. All times are seconds.

    Raises:
        InvalidURI: the URL cannot be used.
        ConnectError: the first connection failed; `phase` says where, the message what to do.
        AuthenticationError: the server refused the login.
    """

    def __init__(
        self,
        url: str | Iterable[str],
        *,
        login: str | None = None,
        passcode: str | None = None,
        vhost: str | None = None,
        connect_headers: HeaderPairs = (),
        additional_headers: HeaderPairs = (),
        credentials: Callable[[], Awaitable[Credentials]] | None = None,
        heartbeat: tuple[float, float] = (10.0, 10.0),
        versions: Sequence[Version] = ALL_VERSIONS,
        transports: Sequence[str] = TRANSPORTS,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        proxy: str | bool | None = True,
        open_timeout: float = 10.0,
        close_timeout: float = 10.0,
        receipt_timeout: float = 30.0,
        reconnect: Backoff | None = DEFAULT_BACKOFF,
        retry_first: bool = False,
        should_retry: Callable[[Exception, bool], bool] | None = None,
        limits: Limits | None = None,
        max_queue: int = 64,
        stream: trio.abc.Stream | None = None,
    ) -> None:
        limits = limits if limits is not None else Limits.client()
        routing = Routing(
            vhost=vhost,
            additional_headers=Headers(additional_headers).pairs,
            transports=transports,
            proxy=proxy,
            environ=os.environ,
            token_bytes=secrets.token_bytes,
            limits=limits,
            close_timeout=close_timeout,
            server_name=server_hostname,
        )
        options = SessionOptions(
            targets=targets(url, routing),
            credentials=Credentials(login, passcode, connect_headers),
            ask_credentials=credentials is not None,
            versions=tuple(versions),
            heartbeat=heartbeat,
            limits=limits,
            open_timeout=open_timeout,
            close_timeout=close_timeout,
            receipt_timeout=receipt_timeout,
            # A stream that was passed in is the only one there is.
            reconnect=None if stream is not None else reconnect,
            retry_first=retry_first,
            should_retry=should_retry,
        )
        observe = _log if logger.isEnabledFor(logging.DEBUG) else None
        session = Session(options, prefix=secrets.token_hex(8), jitter=random.random, observe=observe)
        self._close_timeout = close_timeout
        self._events: _Events = _Events(credentials)
        self._runner = Runner(session, self._events.put)
        self._client = Client(self._runner, self._events, max_queue)
        self._ssl = ssl
        self._stream = stream
        self._nursery = trio.open_nursery()

    async def __aenter__(self) -> Client:
        runner = self._runner
        nursery = await self._nursery.__aenter__()
        self._events.runner = runner
        runner.start(nursery, self._ssl, self._stream)
        try:
            await self._client.wait_ready()
        except BaseException:
            await self.__aexit__(None, None, None)
            # The session knows better than the waiter why there is no connection.
            if runner.session.error is not None:
                raise runner.session.error from None
            raise
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The good-bye is said even if we are being cancelled; the session itself bounds how long that takes.
        with trio.CancelScope(shield=True):
            await self._client.aclose()
            await self._runner.finish(self._close_timeout)
        # What the block raised goes on as it is: the nursery is not told, and makes no group of it.
        self._runner.nursery.cancel_scope.shield = True
        await self._nursery.__aexit__(None, None, None)


def _log(said: object) -> None:
    logger.debug("%s %s", ">" if isinstance(said, bytes) else "<", one_line(said))


class Client:
    """A connection to a STOMP server that outlives its connections. `connect` makes it."""

    def __init__(self, runner: Runner, events: _Events, max_queue: int) -> None:
        self._runner = runner
        self._events = events
        self._max_queue = max_queue

    # Life

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._runner.session.connected is not None

    @property
    def version(self) -> Version | None:
        """The version of STOMP that is spoken now; None while there is no connection."""
        connected = self._runner.session.connected
        return None if connected is None else connected.version

    @property
    def server(self) -> str | None:
        """What the server calls itself; None while there is no connection, or if it does not say."""
        connected = self._runner.session.connected
        return None if connected is None else connected.server

    async def wait_ready(self) -> None:
        """Wait until there is a connection.

        Raises:
            ConnectionClosed: there will be none any more.
        """
        await self._runner.settle(self._runner.session.wait_ready())

    async def aclose(self) -> None:
        """Say DISCONNECT, wait for its receipt `close_timeout` at most, and end. Harmless when closed."""
        await self._runner.settle(self._runner.session.close(trio.current_time()))

    async def drain(self) -> None:
        """End all subscriptions, take nothing new, and wait until what was sent is settled: for SIGTERM."""
        await self._runner.settle(self._runner.session.drain(trio.current_time()))

    def lifecycle(self) -> AsyncIterator[Ready | Interrupted | Ended]:
        """Return an iterator over what becomes of the connection from now on; it ends behind `Ended`."""
        return self._events.follow()

    # Sending

    async def send(
        self,
        destination: str,
        body: Content = b"",
        *,
        json: Any = MISSING,
        receipt: bool = False,
        wait: bool = False,
        content_type: str | None = None,
        headers: HeaderPairs = (),
        content_length: bool = True,
    ) -> None:
        """Send a message. With `receipt`, return once the server has confirmed it, on whichever connection
        that is.

        Without, it needs a connection, or `wait`, and nobody learns whether it arrived. A checkpoint always.

        Raises:
            NotConnected: there is no connection, and neither `receipt` nor `wait` is set.
            BrokerError: the server refused it.
            ReceiptTimeout: it was not confirmed in time: whether the server has it is unknown.
            OutboxFull: there was no room for it in time.
            LocalProtocolError: it cannot be represented.
        """
        await self._runner.settle(
            self._send(destination, body, json, receipt, wait, content_type, headers, content_length)
        )

    def send_soon(
        self,
        destination: str,
        body: Content = b"",
        *,
        json: Any = MISSING,
        content_type: str | None = None,
        headers: HeaderPairs = (),
        content_length: bool = True,
    ) -> Ticket:
        """Send a message to be confirmed, and return its ticket at once: pass it to `settled` later.

        Raises:
            LocalProtocolError: it cannot be represented.
        """
        ticket = self._send(destination, body, json, True, False, content_type, headers, content_length)
        self._runner.kick()
        assert ticket is not None, "what is to be confirmed has one"
        return ticket

    async def settled(self, ticket: Ticket) -> None:
        """Wait until a ticket has settled.

        Raises:
            Exception: why it did not succeed.
        """
        await self._runner.settle(ticket)

    def _send(
        self,
        destination: str,
        body: Content,
        json: Any,
        receipt: bool,
        wait: bool,
        content_type: str | None,
        headers: HeaderPairs,
        content_length: bool,
    ) -> Ticket | None:
        octets, content_type = content_of(body, json, content_type)
        return self._runner.session.send(
            destination,
            octets,
            headers=headers,
            content_type=content_type,
            confirm=receipt,
            wait=wait,
            content_length=content_length,
            now=trio.current_time(),
        )

    async def request(
        self,
        destination: str,
        body: Content = b"",
        *,
        json: Any = MISSING,
        timeout: float | None = None,  # noqa: ASYNC109  # the session keeps it, under whatever clock
        content_type: str | None = None,
        headers: HeaderPairs = (),
    ) -> Message:
        """Send a message with a temporary reply address, and return the reply.

        Raises:
            NotConnected: there is no connection.
            ReplyTimeout: nobody answered within `timeout` seconds.
        """
        octets, content_type = content_of(body, json, content_type)
        ticket = self._runner.session.request(
            destination,
            octets,
            headers=headers,
            content_type=content_type,
            timeout=timeout,
            now=trio.current_time(),
        )
        await self._runner.settle(ticket)
        assert ticket.reply is not None, "it succeeded"
        return Message(self._runner, Delivery(ticket.reply, 0, None))

    # Receiving

    def subscribe(
        self,
        destination: str,
        *,
        ack: AckMode | str = AckMode.AUTO,
        id: str | None = None,
        headers: HeaderPairs = (),
        max_queue: int | None = None,
        overflow: OverflowPolicy | str = OverflowPolicy.PAUSE,
        on_exit: OnExit | str = OnExit.UNSUBSCRIBE,
    ) -> Subscription:
        """Return a subscription, to be entered: `async with client.subscribe(...) as messages`. It goes on
        over reconnects.

        `ack` is "auto", "client" or "client-individual". `max_queue` is how many messages may wait to be
        taken before `overflow` applies: "pause" stops reading, "drop-oldest" drops, "end" ends the
        subscription. `on_exit="leave"` sends no UNSUBSCRIBE: a durable subscription goes on collecting.
        """
        return Subscription(
            self._runner,
            destination,
            AckMode(ack),
            id,
            headers,
            self._max_queue if max_queue is None else max_queue,
            OverflowPolicy(overflow),
            OnExit(on_exit),
        )

    async def consume(
        self,
        destination: str,
        handler: Callable[[Message], Awaitable[object]],
        *,
        ack: AckMode | str = AckMode.CLIENT_INDIVIDUAL,
        concurrency: int = 1,
        headers: HeaderPairs = (),
        max_queue: int | None = None,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Subscribe, and call a handler for each message: until cancelled, or the session ends.

        Each message is acknowledged when its handler returns, and refused when it raises, as
        `Message.process` does; the exception then ends `consume`. `concurrency` handlers run at once, in
        individual ack mode or "auto" only. `nursery.start(client.consume, ...)` returns when it is
        subscribed.

        Raises:
            ValueError: `concurrency` and cumulative acks contradict each other.
        """
        if concurrency > 1 and AckMode(ack) is AckMode.CLIENT:
            raise ValueError(
                "concurrency with ack='client': an ack covers messages still in work; use 'client-individual'"
            )
        slots = trio.CapacityLimiter(concurrency)

        async def handle(message: Message) -> None:
            async with message.process():
                await handler(message)
            slots.release_on_behalf_of(message)

        async with self.subscribe(destination, ack=ack, headers=headers, max_queue=max_queue) as messages:
            task_status.started()
            if concurrency == 1:
                async for message in messages:
                    async with message.process():
                        await handler(message)
                return
            async with trio.open_nursery() as nursery:
                async for message in messages:
                    await slots.acquire_on_behalf_of(message)
                    nursery.start_soon(handle, message)

    @asynccontextmanager
    async def transaction(self, *, headers: HeaderPairs = ()) -> AsyncGenerator[Transaction]:
        """Begin a transaction; leaving the block commits it and waits for the receipt, an exception rolls it
        back.

        Raises:
            NotConnected: there is no connection.
            TransactionLost: the connection was lost, and the transaction with it: do it again.
        """
        inner = self._runner.session.begin(headers=headers, now=trio.current_time())
        self._runner.kick()
        try:
            yield Transaction(self._runner, inner)
        except BaseException:
            self._runner.session.abort(inner, now=trio.current_time())
            self._runner.kick()
            raise
        await self._runner.settle(self._runner.session.commit(inner, now=trio.current_time()))


class Transaction:
    """What is sent and acknowledged here takes effect when the block is left."""

    def __init__(self, runner: Runner, inner: SessionTransaction) -> None:
        self._runner = runner
        self.inner = inner

    async def send(
        self,
        destination: str,
        body: Content = b"",
        *,
        json: Any = MISSING,
        content_type: str | None = None,
        headers: HeaderPairs = (),
        content_length: bool = True,
    ) -> None:
        """Send a message in the transaction. Only the commit is confirmed: servers confirm nothing before it.

        Raises:
            TransactionLost: the connection was lost, and the transaction with it.
        """
        octets, content_type = content_of(body, json, content_type)
        self._runner.session.send_in(
            self.inner,
            destination,
            octets,
            headers=headers,
            content_type=content_type,
            content_length=content_length,
            now=trio.current_time(),
        )
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


class Subscription:
    """Messages of one destination, over any number of connections. Enter it, then iterate, or `receive`."""

    def __init__(
        self,
        runner: Runner,
        destination: str,
        ack: AckMode,
        id: str | None,
        headers: HeaderPairs,
        max_queue: int,
        overflow: OverflowPolicy,
        on_exit: OnExit,
    ) -> None:
        self._runner = runner
        self._arguments = (destination, ack, id, headers, max_queue, overflow, on_exit)
        self._inner: SessionSubscription | None = None
        self._taken = 0

    async def __aenter__(self) -> Self:
        destination, ack, id, headers, max_queue, overflow, on_exit = self._arguments
        self._inner = self._runner.session.subscribe(
            destination,
            ack=ack,
            id=id,
            headers=headers,
            max_queue=max_queue,
            overflow=overflow,
            on_exit=on_exit,
            now=trio.current_time(),
        )
        await self._runner.settle(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._unsubscribe(())

    async def unsubscribe(self, *, headers: HeaderPairs = ()) -> None:
        """Send UNSUBSCRIBE before the block is left. What waits can still be taken. Harmless when it has
        ended.
        """
        self._unsubscribe(headers)
        await trio.lowlevel.checkpoint()

    def _unsubscribe(self, headers: HeaderPairs) -> None:
        self._runner.session.unsubscribe(self._entered, headers=headers, now=trio.current_time())
        self._runner.kick()

    @property
    def _entered(self) -> SessionSubscription:
        if self._inner is None:
            raise RuntimeError(
                "the subscription was not entered: async with client.subscribe(...) as messages"
            )
        return self._inner

    @property
    def dropped(self) -> int:
        """How many messages the overflow policy has dropped."""
        return self._entered.dropped

    def receive_nowait(self) -> Message | None:
        """Take the oldest message that waits, or return None."""
        runner = self._runner
        delivery = runner.session.take(self._entered, trio.current_time())
        if delivery is None:
            return None
        if runner.session.wants_look:
            self._runner.kick()
        return Message(self._runner, delivery)

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
            inner = self._entered
            if inner.ended:
                raise (
                    inner.error
                    if inner.error is not None
                    else ConnectionClosedOK("the subscription has ended")
                )
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


class Message:
    """A message, and the connection that delivered it."""

    __slots__ = ("_delivery", "_runner", "_settled")

    def __init__(self, runner: Runner, delivery: Delivery) -> None:
        self._runner = runner
        self._delivery = delivery
        self._settled = False

    @property
    def destination(self) -> str:
        """Where it was sent to, as the server says it."""
        return self._delivery.message.destination

    @property
    def message_id(self) -> str:
        """The server's name for this delivery."""
        return self._delivery.message.message_id

    @property
    def headers(self) -> Headers:
        """All headers; the first of repeated names wins."""
        return self._delivery.message.headers

    @property
    def body(self) -> bytes:
        """The octets of the body."""
        return self._delivery.message.body

    @property
    def text(self) -> str:
        """The body as text, in the charset that its content-type names.

        Raises:
            NotText: it is none. The sender is to blame.
        """
        return self._delivery.message.text

    def json(self) -> Any:
        """Return the value of a JSON body.

        Raises:
            ValueError: it is none. The sender is to blame.
        """
        return self._delivery.message.json()

    @property
    def content_type(self) -> str | None:
        """The content-type header."""
        return self._delivery.message.content_type

    @property
    def redelivered(self) -> bool:
        """Whether the server says that it delivered this message before."""
        return self.headers.get("redelivered") == "true"

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

    def _say(
        self, negative: bool, transaction: Transaction | None, headers: HeaderPairs, receipt: bool
    ) -> Ticket | None:
        ticket = self._runner.session.ack(
            self._delivery,
            negative=negative,
            transaction=None if transaction is None else transaction.inner,
            headers=headers,
            confirm=receipt,
            now=trio.current_time(),
        )
        self._settled = True
        self._runner.kick()
        return ticket

    @asynccontextmanager
    async def process(self, *, on_cancel: str = "leave") -> AsyncGenerator[Message]:
        """Acknowledge the message when the block is left, refuse it when the block raises.

        Neither is done when it was settled inside, needs none, or the block is cancelled: then the server
        delivers it again once the connection ends, or at once with `on_cancel="nack"`. If the connection was
        lost meanwhile, the server delivers it again, and leaving the block says nothing.
        """
        subscription = self._delivery.subscription
        wanted = subscription is not None and subscription.ack is not AckMode.AUTO
        try:
            yield self
        except BaseException as error:
            if wanted and not self._settled and (isinstance(error, Exception) or on_cancel == "nack"):
                self._settle_quietly(True)
            raise
        if wanted and not self._settled:
            self._settle_quietly(False)
            await trio.lowlevel.checkpoint()

    def _settle_quietly(self, negative: bool) -> None:
        try:
            self._say(negative, None, (), False)
        except MessageExpired as error:
            logger.info("%s", error)

    def __repr__(self) -> str:
        return f"<Message {self._delivery.message!r}>"


class _Events:
    """Passes on what becomes of the connection, and answers when credentials are asked for."""

    runner: Runner

    def __init__(self, credentials: Callable[[], Awaitable[Credentials]] | None) -> None:
        self._credentials = credentials
        self._followers: list[_Lifecycle] = []

    def follow(self) -> _Lifecycle:
        follower = _Lifecycle(self.runner)
        self._followers.append(follower)
        return follower

    def put(self, event: SessionEvent) -> None:
        if isinstance(event, CredentialsWanted):
            self.runner.nursery.start_soon(self._answer)
        elif isinstance(event, Ready | Interrupted | Ended):
            logger.info("%s", _life(event))
            for follower in self._followers:
                follower.put(event)

    async def _answer(self) -> None:
        assert self._credentials is not None, "only then they are asked for"
        session = self.runner.session
        try:
            session.provide_credentials(await self._credentials(), trio.current_time())
        except Exception as error:  # whatever the application's function raises is a failed attempt
            session.credentials_failed(error, trio.current_time())
        self.runner.kick()


class _Lifecycle:
    """One look at what becomes of the connection."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._queue: deque[Ready | Interrupted | Ended] = deque()
        self._over = False

    def put(self, event: Ready | Interrupted | Ended) -> None:
        self._queue.append(event)
        self._runner.wake(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Ready | Interrupted | Ended:
        if self._over:
            raise StopAsyncIteration
        while not self._queue:
            await self._runner.change(self)
        event = self._queue.popleft()
        self._over = isinstance(event, Ended)
        return event


def _life(event: Ready | Interrupted | Ended) -> str:
    match event:
        case Ready():
            return (
                f"connected to {event.endpoint} by {event.transport}, STOMP {event.connected.version.value}"
            )
        case Interrupted():
            return f"{event.error}; next attempt in {event.retry_in:.1f} s"
        case Ended():
            return "closed" if event.error is None else f"ended: {event.error}"
