"""A broker that runs in the background of a test: what it saw, and how it can be made to misbehave.

What lives here knows one thread with one event loop. It must not know pytest.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import stomp_asyncio
from stomp_sansio.broker.broker import Broker
from stomp_sansio.broker.events import (
    BrokerEvent,
    ClientConnected,
)
from stomp_sansio.broker.statistics import Statistics
from stomp_sansio.links.peers import PeerId
from stomp_sansio.protocol.headers import HeaderPairs

from .delayed import DelayedBroker
from .sightings import Sightings

__all__ = ["TRANSPORTS", "RunningBroker"]

T = TypeVar("T")

TRANSPORTS: Mapping[str, Mapping[str, Any]] = {
    "tcp": {},
    "websocket": {},
    "sockjs-websocket": {"transports": ("websocket",)},
    "xhr-streaming": {"transports": ("xhr-streaming",)},
    "xhr-polling": {"transports": ("xhr-polling",)},
}
"""The ways to the broker, and what `connect` is told to use each."""


class _Server(stomp_asyncio.Server):
    broker_class: ClassVar[type[Broker]] = DelayedBroker


class RunningBroker(Sightings):
    """A broker at one address of loopback; `restart` puts an empty one there. Use it as `with` block.

    What was sent where, and waiting for it, is explained at `Sightings`.
    """

    def __init__(self) -> None:
        """Take a port; nothing answers there before `restart`."""
        super().__init__()
        self._server: _Server | None = None
        self._keywords: dict[str, Any] = {}
        self._failures: list[str] = []
        # It stays open, so that the address stays ours between one broker and the next.
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=1_024)
        self.host, self.port = self._sock.getsockname()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._failed)
        self._thread = threading.Thread(target=self._loop.run_forever, name="stomp_broker", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._sock.close()

    # Where it is

    @property
    def url(self) -> str:
        """Where plain STOMP is spoken, as `stomp://127.0.0.1:49152/`."""
        return self.urls["tcp"]

    @property
    def urls(self) -> dict[str, str]:
        """Where to connect, by transport: "tcp", "websocket", "sockjs-websocket", "xhr-streaming",
        "xhr-polling". The last three are the same base URL of SockJS.
        """
        tcp, web, sockjs = self._running.urls
        return {"tcp": tcp, "websocket": web} | dict.fromkeys(list(TRANSPORTS)[2:], sockjs)

    def keywords(self, transport: str, others: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `connect` of any colour is told to use a transport: no proxy of the environment, and
        whatever else the caller says.
        """
        return {"proxy": None, **TRANSPORTS[transport], **others}

    def statistics(self) -> Statistics:
        """Return what there is and what has been, in numbers."""
        return self._call(lambda server: server.statistics())

    # What it does

    def send(self, destination: str, body: bytes | str = b"", *, headers: HeaderPairs = ()) -> None:
        """Send a message to whoever is subscribed, or to a queue; text goes as UTF-8.

        Raises:
            ValueError: there is no such destination, or a limit is reached.
        """
        octets = body.encode() if isinstance(body, str) else body
        self._call(lambda server: server.send(destination, octets, headers=headers))

    def drop(self, client: ClientConnected | None = None) -> None:
        """Cut the connection of a client, one of `clients`, or of all of them, without a word. They may
        come again.
        """
        self._each(client, lambda server, peer: server.drop(peer))

    def error_frame(self, message: str, *, details: str = "", client: ClientConnected | None = None) -> None:
        """Send an ERROR frame to a client, one of `clients`, or to all of them, which ends their connections.

        `message` is its header, `details` its body.
        """
        self._each(client, lambda server, peer: server.expel(peer, message, details=details))

    def delay(self, seconds: float) -> None:
        """Hear whatever clients say so many seconds late, from now on; 0 is at once again.

        So every answer is late: CONNECTED, receipts, messages. What is heard keeps its order.
        """

        def command(server: _Server) -> None:
            assert isinstance(server.broker, DelayedBroker), "it was made so"
            server.broker.delay = seconds

        self._call(command)

    @contextmanager
    def down(self) -> Generator[None]:
        """Be away for the length of a block: every connection is cut, and whoever connects is cut as well.

        Behind it there is a new broker with the same keywords, which is empty.
        """
        keywords = self._keywords
        self.stop()
        refusing = self._run(self._refuse())
        try:
            yield
        finally:
            self._run(_end_refusing(refusing))
            self.restart(**keywords)

    # Its life

    def restart(self, **keywords: Any) -> None:
        """Put an empty broker in the place of the one that runs, if one does. `keywords` are those of
        `serve`.

        Clients that are connected are cut; what was seen is forgotten.
        """
        self.stop()
        self.forget()
        self._keywords = dict(keywords)
        self._server = self._run(self._start(dict(keywords)))

    def stop(self) -> None:
        """End the broker that runs, if one does. What it saw can still be looked at.

        Raises:
            RuntimeError: something went wrong in the background that nobody could be told.
        """
        server, self._server = self._server, None
        if server is not None:
            self._run(_end(server, [client.peer for client in self.clients]))
        failures, self._failures = self._failures, []
        if failures:
            raise RuntimeError(f"the broker in the background failed: {'; '.join(failures)}")

    async def _start(self, keywords: dict[str, Any]) -> _Server:
        told = keywords.pop("on_event", None)

        def hear(event: BrokerEvent) -> None:
            self.note(event)
            if told is not None:
                try:
                    told(event)
                except Exception as error:  # told when the broker stops, since nobody reads logs here
                    self._failures.append(repr(error))

        # Whoever is still connected when a test ends has had its time.
        keywords = {"close_timeout": 1.0, **keywords, "on_event": hear}
        server = _Server(self.host, self.port, None, [self._sock.dup()], **keywords)
        await server.__aenter__()
        return server

    async def _refuse(self) -> asyncio.Server:
        def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        return await asyncio.start_server(cut, sock=self._sock.dup())

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._failures.append(repr(context.get("exception") or context.get("message")))

    # Across threads

    @property
    def _running(self) -> _Server:
        if self._server is None:
            raise RuntimeError("no broker runs: it runs while a test does, and outside of down()")
        return self._server

    def _each(self, client: ClientConnected | None, command: Callable[[_Server, PeerId], None]) -> None:
        peers = [each.peer for each in (self.clients if client is None else [client])]

        def commands(server: _Server) -> None:
            for peer in peers:
                command(server, peer)

        self._call(commands)

    def _call(self, command: Callable[[_Server], T]) -> T:
        server = self._running

        async def caller() -> T:
            return command(server)

        return self._run(caller())

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


async def _end(server: _Server, peers: list[PeerId]) -> None:
    # Nobody waits for clients that may stand still themselves, as when their loop waits for this.
    for peer in peers:
        server.drop(peer)
    await server.__aexit__(None, None, None)


async def _end_refusing(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
