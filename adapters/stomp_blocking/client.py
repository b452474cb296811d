"""`connect` for programs that wait, and the client that it gives.

What lives here knows how one is entered and left; it must not know what a client is asked for.
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import ssl as ssl_module
from collections.abc import Iterable
from types import TracebackType
from typing import Unpack

from stomp_sansio.client.keywords import ConnectKeywords
from stomp_sansio.client.opening import Surroundings
from stomp_sansio.client.opening import connect as prepare
from stomp_sansio.client.waiting import Client
from stomp_sansio.errors import StompError

from ._runner import CredentialsHook, Runner, logger

__all__ = ["connect"]


class connect:  # noqa: N801  # it is called like a function, and is the context manager that the call returns
    """Connects to a STOMP server, and keeps connecting: `with connect(URL) as client`.

    `url` is stomp://, stomps://, ws://, wss://, or the http:// or https:// base URL of SockJS; a list, or
    failover:(a,b), is tried in order. Entering waits for the first connection; leaving says DISCONNECT and
    waits for its receipt, no longer than `close_timeout`.

    One daemon thread moves the octets, and every method may be called from any thread. With `thread=False`
    there is none: whoever waits moves them, and a loop of somebody else's (gevent, Qt, pygame) calls
    `Client.step`; then one thread at a time may use the client.

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
        thread: bool = True,
        **keywords: Unpack[ConnectKeywords],
    ) -> None:
        """`sock` is one that is connected already, and then the only one: there is no reconnecting."""
        asks, single = credentials is not None, sock is not None
        world = Surroundings(os.environ, secrets.token_bytes, random.random, logger, asks, single)
        self._arguments = prepare(url, world, **keywords), credentials, ssl, sock, thread

    def __enter__(self) -> Client:
        self._runner = runner = Runner(*self._arguments)
        client = Client(runner)
        try:
            runner.start()
            client.wait_ready()
        except BaseException as error:
            self.__exit__(None, None, None)
            # The session knows better than the waiter why there is no connection.
            if isinstance(error, StompError) and runner.session.error is not None:
                raise runner.session.error from None
            raise
        return client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Ctrl-C while this waits asks to hurry: what is left is cut off.
        try:
            Client(self._runner).close()
        finally:
            self._runner.finish()
