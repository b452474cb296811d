"""`serve`: the embedded broker on a port, for plain STOMP, WebSocket and SockJS.

What lives here knows asyncio's sockets; it must not know what a broker does.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl as ssl_module
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar, Unpack

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
        self._ssl = ssl

    async def __aenter__(self) -> Server:
        """Listen.

        Raises:
            OSError: that is not possible, as when the port is in use.
        """
        self._loop = asyncio.get_running_loop()
        try:
            sockets = self._sockets or await _listen(self._loop, self._host, self._port)
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {self._host}:{self._port}: {error}") from error
        self.addresses = [sock.getsockname()[:2] for sock in sockets]
        self._driver: Driver[BrokerEvent] = Driver(self.machine, self._hear, ssl_context=self._ssl)
        self._serving = self._loop.create_task(self._driver.serve(sockets))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Whoever cancels this as well asks to hurry: what is left is cut off.
        try:
            self.do(self.broker.close)
            async with asyncio.timeout(self.close_timeout):
                await self._driver.finished.wait()
        except TimeoutError:
            pass
        finally:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        # What was cut is gone in the next turns of the loop.
        await self._driver.finished.wait()
        self._driver.check()

    def do(self, command: Callable[[float], T]) -> T:
        """Give the broker a command, and carry out what it wishes then."""
        try:
            return command(self._loop.time())
        finally:
            self._driver.kick()

    def _hear(self, event: BrokerEvent) -> None:
        self.hear(event, self._loop.time())


async def _listen(loop: asyncio.AbstractEventLoop, host: str | None, port: int) -> list[socket.socket]:
    """Return a socket for each address of a host, all on the same port."""
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in found:
            where = address[:2] if not sockets else (address[0], sockets[0].getsockname()[1])
            sockets.append(socket.create_server(where, family=family, backlog=1_024))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets
