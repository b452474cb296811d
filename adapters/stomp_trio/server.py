"""`serve`: the embedded broker on a port, for plain STOMP, WebSocket and SockJS.

What lives here knows trio's listeners; it must not know what a broker does.
"""

from __future__ import annotations

import secrets
import socket
import ssl as ssl_module
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar, Unpack

import trio

from stomp_sansio.broker.events import BrokerEvent
from stomp_sansio.serving import ServeKeywords, ServerCore

from ._driver import Driver
from ._runner import logger

__all__ = ["Server", "serve"]

T = TypeVar("T")


def serve(
    host: str | None = "127.0.0.1",
    port: int = 61613,
    *,
    ssl: ssl_module.SSLContext | None = None,
    sockets: Sequence[socket.socket] = (),
    **keywords: Unpack[ServeKeywords],
) -> Server:
    """Return a server: `async with serve() as server` runs it, and drains it at the end of the block.

    Messages are kept in memory alone. `host` None listens on every interface; port 0 is any that is free:
    `server.urls` has it. `sockets` listen already, in place of both: several ports, or those that a
    supervisor hands over; the server closes them. With `ssl`, a context for servers, it speaks TLS alone.

    Raises:
        ImportError: a package is not installed; the message says which.
        ValueError: a keyword cannot be used.
    """
    return Server(host, port, ssl, sockets, **keywords)


class Server(ServerCore):
    """A broker that is running, inside its block."""

    def __init__(
        self,
        host: str | None,
        port: int,
        ssl: ssl_module.SSLContext | None,
        sockets: Sequence[socket.socket],
        **keywords: Unpack[ServeKeywords],
    ) -> None:
        if ssl is not None and ssl.protocol is ssl_module.PROTOCOL_TLS_CLIENT:
            raise ValueError(
                "ssl= is a context for clients: make one with ssl.create_default_context("
                "ssl.Purpose.CLIENT_AUTH) and load_cert_chain"
            )
        super().__init__(secrets.token_bytes, logger, tls=ssl is not None, **keywords)
        self._host, self._port, self._sockets = host, port, list(sockets)
        self._driver: Driver[BrokerEvent] = Driver(self.machine, self._hear, ssl_context=ssl)
        # Draining goes on while everything around is being cancelled.
        self._scope = trio.CancelScope(shield=True)
        self._nursery = trio.open_nursery()

    async def __aenter__(self) -> Server:
        """Listen.

        Raises:
            OSError: that is not possible, as when the port is in use.
        """
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(sock)) for sock in self._sockets]
        try:
            listeners = listeners or await trio.open_tcp_listeners(self._port, host=self._host)
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {self._host}:{self._port}: {error}") from error
        self.addresses = [listener.socket.getsockname()[:2] for listener in listeners]
        nursery = await self._nursery.__aenter__()
        nursery.start_soon(self._run, listeners)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        with trio.CancelScope(shield=True), trio.move_on_after(self.close_timeout):
            self.do(self.broker.close)
            await self._driver.finished.wait()
        self._scope.cancel()
        try:
            return await self._nursery.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            # The block's own error goes on as it is; a nursery would make a group of it.
            if error is None or list(group.exceptions) != [error]:
                raise
            return False

    async def _run(self, listeners: list[trio.SocketListener]) -> None:
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._driver.run)
                nursery.start_soon(self._driver.serve, listeners)

    def do(self, command: Callable[[float], T]) -> T:
        """Give the broker a command, and carry out what it wishes then."""
        try:
            return command(trio.current_time())
        finally:
            self._driver.kick()

    def _hear(self, event: BrokerEvent) -> None:
        self.hear(event, trio.current_time())
