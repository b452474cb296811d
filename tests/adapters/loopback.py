"""Servers on real loopback sockets, each in a thread of its own: the broker of the tests, and odder ones.

Tests wait for what a server has seen, never for time to pass. This file must not know any client.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from stomp_asyncio._driver import Driver
from stomp_sansio import ServerEvent
from tests.adapters.broker import Broker

EventT = TypeVar("EventT")

PATIENCE = 60.0
"""Seconds after which a test that waits for a server has failed: never what is measured."""


@contextmanager
def nobody_listens() -> Iterator[int]:
    """Hold a port at which nobody listens: while it is held, nobody else can get it and listen there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._tasks: list[asyncio.Task[Any]] = []
        self._thread.start()

    def start(self, task: Coroutine[Any, Any, object]) -> None:
        self._tasks.append(self.call(lambda: self._loop.create_task(task)))

    def call(self, function: Callable[[], Any]) -> Any:
        """Call something in the loop, and return what it returns."""

        async def caller() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(caller(), self._loop).result(PATIENCE)

    def run(self, work: Coroutine[Any, Any, object]) -> Any:
        """Run a coroutine in the loop, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def now(self) -> float:
        return self._loop.time()

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Wait until something holds; `changed` is notified when it may."""
        with self.changed:
            assert self.changed.wait_for(predicate, PATIENCE), "the server never saw it"

    def stop(self) -> None:
        async def ending() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            # Transports that were cut are gone in the next turns.
            for _ in range(5):
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(ending(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


class LoopbackBroker:
    """A `Broker` on a port of loopback."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None, path: str | None = None) -> None:
        """With a path it listens on a Unix socket."""
        self.events: list[ServerEvent] = []
        self.broker = Broker(self._saw)
        self._loop = Loop()
        if path is None:
            self._sock = socket.create_server(("127.0.0.1", 0))
            self.port: int = self._sock.getsockname()[1]
        else:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._sock.bind(path)

        self._loop.start(self._serve(ssl_context))

    async def _serve(self, ssl_context: ssl.SSLContext | None) -> None:
        self._driver: Driver[None] = Driver(self.broker, lambda event: None, ssl_context=ssl_context)
        await self._driver.serve([self._sock])

    def _saw(self, event: ServerEvent) -> None:
        with self._loop.changed:
            self.events.append(event)
            self._loop.changed.notify_all()

    def saw(self, kind: type[EventT], **fields: object) -> list[EventT]:
        """Return the events of a kind whose fields have these values."""
        return [
            event
            for event in self.events
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in fields.items())
        ]

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        self._loop.wait_for(predicate)

    def command(self, function: Callable[[Broker, float], object]) -> None:
        """Do something to the broker."""

        def do() -> None:
            function(self.broker, self._loop.now())
            self._driver.turn()

        self._loop.call(do)

    def drop_all(self) -> None:
        """Cut every client off."""
        self.command(Broker.drop_all)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.stop()


class OddServer:
    """A server that reads something from each client, answers the same to all, and perhaps hangs up."""

    def __init__(
        self,
        answer: bytes,
        *,
        greets: bool = False,
        hangs_up: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        cuts: bool = False,
    ) -> None:
        """`greets` answers before the client has said anything; `cuts` hangs up without TLS's good-bye."""
        self.heard: list[bytes] = []
        """Octets inside TLS, if there is TLS."""
        self._answer = answer
        self._ssl_context = ssl_context
        self._cuts = cuts
        self._greets = greets
        self._hangs_up = hangs_up
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self._clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, name="odd server", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._sock.accept()
            except OSError:
                return
            self._clients.append(client)
            try:
                self._talk(client)
            except OSError:
                pass
            if self._hangs_up:
                client.close()

    def _talk(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        if self._ssl_context is not None:
            client = self._ssl_context.wrap_socket(client, server_side=True)
            self._clients.append(client)
        if not self._greets:
            self.heard.append(client.recv(65536))
        client.sendall(self._answer)
        if not self._hangs_up:
            return
        if isinstance(client, ssl.SSLSocket):
            if not self._cuts:
                client = client.unwrap()
            client.close()
            return
        client.shutdown(socket.SHUT_WR)
        while data := client.recv(65536):
            self.heard.append(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing alone would not wake the thread that accepts.
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for client in self._clients:
            client.close()
        self._thread.join(PATIENCE)


class ResettingProxy:
    """A TCP relay that resets each connection after a random number of octets, wherever that is."""

    def __init__(self, port: int, chance: random.Random, most: int) -> None:
        """Relay to a port of loopback; no connection carries more than `most` octets."""
        self.resets = 0
        self.calm = False
        """Whether connections are let be."""
        self._target = port
        self._chance = chance
        self._most = most
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._sock, selectors.EVENT_READ)
        self._bell, ear = socket.socketpair()
        self._selector.register(ear, selectors.EVENT_READ, None)
        self._ear = ear
        self._peers: dict[socket.socket, socket.socket] = {}
        self._left: dict[frozenset[socket.socket], int] = {}
        self._thread = threading.Thread(target=self._relay, name="proxy", daemon=True)
        self._thread.start()

    def _relay(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._ear:
                    return
                if key.fileobj is self._sock:
                    self._accept()
                elif key.data in self._peers:
                    self._move(key.data)

    def _accept(self) -> None:
        client, _ = self._sock.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        self._peers |= {client: server, server: client}
        self._left[frozenset((client, server))] = self._chance.randint(1, self._most)
        for sock in (client, server):
            self._selector.register(sock, selectors.EVENT_READ, sock)

    def _move(self, sock: socket.socket) -> None:
        peer = self._peers[sock]
        pair = frozenset((sock, peer))
        try:
            data = sock.recv(4096)
            if not data:
                self._end(sock, peer, reset=False)
                return
            left = self._left[pair]
            peer.sendall(data if self.calm else data[:left])
            self._left[pair] = left - len(data)
            if left <= len(data) and not self.calm:
                self.resets += 1
                self._end(sock, peer, reset=True)
        except OSError:
            self._end(sock, peer, reset=True)

    def _end(self, *socks: socket.socket, reset: bool) -> None:
        del self._left[frozenset(socks)]
        for sock in socks:
            del self._peers[sock]
            self._selector.unregister(sock)
            if reset:
                # Lingering for no time is a reset.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bell.send(b"!")
        self._thread.join(PATIENCE)
        for sock in (*self._peers, self._sock, self._bell, self._ear):
            sock.close()
        self._selector.close()


class TunnelProxy:
    """An HTTP proxy that grants every tunnel, and leads it to a port of loopback whatever was asked for."""

    def __init__(self, port: int) -> None:
        self.asked: list[bytes] = []
        """The head of each request."""
        self._target = port
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self._socks: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._sock.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head and (octet := client.recv(1)):
                head += octet
            if not head:
                # Somebody only wanted to know whether anybody is here.
                client.close()
                continue
            self.asked.append(head)
            server = socket.create_connection(("127.0.0.1", self._target))
            client.sendall(b"HTTP/1.1 200 Granted\r\n\r\n")
            self._socks += [client, server]
            for pair in ((client, server), (server, client)):
                self._threads.append(threading.Thread(target=self._relay, args=pair, daemon=True))
                self._threads[-1].start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for sock in [self._sock, *self._socks]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in [self._sock, *self._socks]:
            sock.close()
