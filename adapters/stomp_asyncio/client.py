"""`connect` for asyncio, and the client that it gives.

What lives here knows tasks and Ctrl-C; it must not know what a client is asked for.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Unpack

from stomp_sansio.client import awaiting
from stomp_sansio.client.awaiting import Message
from stomp_sansio.client.keywords import ConnectKeywords, SubscribeKeywords
from stomp_sansio.client.opening import Surroundings
from stomp_sansio.client.opening import connect as prepare
from stomp_sansio.errors import StompError
from stomp_sansio.protocol.events import AckMode

from ._runner import CredentialsHook, Runner, logger

__all__ = ["Client", "connect"]


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
        ValueError: another keyword makes no sense.
        ImportError: the URL needs a package that is not installed; the message says which.
        ConnectError: the first connection failed; `phase` says where, the message what to do.
        AuthenticationError: the server refused the login.
    """

    def __init__(
        self,
        url: str | Iterable[str],
        *,
        credentials: CredentialsHook | None = None,
        ssl: ssl_module.SSLContext | None = None,
        sock: socket.socket | None = None,
        **keywords: Unpack[ConnectKeywords],
    ) -> None:
        """`sock` is one that is connected already, and then the only one: there is no reconnecting."""
        asks, single = credentials is not None, sock is not None
        world = Surroundings(os.environ, secrets.token_bytes, random.random, logger, asks, single)
        self._arguments = prepare(url, world, **keywords), credentials, ssl, sock

    async def __aenter__(self) -> Client:
        self._runner = runner = Runner(*self._arguments)
        client = Client(runner)
        runner.start()
        try:
            await client.wait_ready()
        except BaseException as error:
            await self.__aexit__(None, None, None)
            # The session knows better than the waiter why there is no connection.
            if isinstance(error, StompError) and runner.session.error is not None:
                raise runner.session.error from None
            raise
        return client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Whoever cancels this as well asks to hurry: what is left is cut off.
        try:
            await Client(self._runner).aclose()
        finally:
            await self._runner.finish()


class Client(awaiting.Client):
    """A connection to a STOMP server that outlives its connections. `connect` makes it."""

    async def consume(
        self,
        destination: str,
        handler: Callable[[Message], Awaitable[object]],
        *,
        concurrency: int = 1,
        **how: Unpack[SubscribeKeywords],
    ) -> None:
        """Subscribe, and call a handler for each message: until cancelled, or the session ends.

        Each message is acknowledged when its handler returns, and refused when it raises, as
        `Message.process` does; the exception then ends `consume`. The ack mode is "client-individual" if
        nothing else is said. `concurrency` handlers run at once: with more than one, their exceptions come
        in a group.

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
            if concurrency == 1:
                return await work()
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(work())
