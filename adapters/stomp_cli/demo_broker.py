"""The demo's broker, in a thread of its own: its page, its figures, and the line between terminal and page.

What lives here serves, listens and cuts. It must not know what the clients of the demo do.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import stomp_asyncio
from stomp_sansio.broker.events import BrokerEvent, ClientConnected, ClientGone, MessageSent
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.peers import PeerId

from . import demo_page
from .demo_rooms import AsyncioRoom
from .escapes import escaped
from .listening import listening

__all__ = ["CHAT", "TICKS", "DemoBroker", "News"]

CHAT = "/topic/demo.chat"
"""Where the terminal and the page talk."""
TICKS = "/topic/demo.ticks"
"""Figures of the broker, for the page."""

_TICK = 0.1
"""Seconds between two of them."""

News = Callable[[str, str], object]
"""Is told of what kind something is that has happened, and a sentence; in any thread."""


class DemoBroker:
    """Enter it, and it listens; leave it, and it has ended."""

    def __init__(
        self,
        port: int,
        clients: Path | None,
        beat: float,
        news: News,
        hear: Callable[[BrokerEvent], object],
        *,
        hosts: Sequence[str] | None = None,
    ) -> None:
        """`clients` is the folder of the page's libraries; `beat` how often, in seconds, clients may have
        heart-beats at most. `hear` is told what happens in the broker, in its thread. `hosts` are names by
        which browsers reach the page.
        """
        self.urls: Sequence[str] = ()
        """Where clients connect: plain STOMP, WebSocket, SockJS."""
        self.page = ""
        """Where browsers look."""
        self._port = port
        self._sockets: list[socket.socket] = []
        self._clients = clients
        self._news = news
        self._hear = hear
        self._hosts = hosts
        # As often as the one client that wants it; clients that ask for less get less.
        self._options = BrokerOptions(server="stomp-sansio", heartbeat=(beat, beat))
        self._pages = demo_page.pages(clients)
        self._room = AsyncioRoom("broker", [self._serve])
        self._up = threading.Event()
        self._server: stomp_asyncio.Server | None = None
        self._peers: dict[str, PeerId] = {}
        self._npm: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            OSError: that is not possible, as when the port is in use.
        """
        self._sockets = listening([("127.0.0.1", self._port)])
        self._room.start()
        while not self._up.wait(0.05):
            self.check()
        if self._clients is not None and not demo_page.is_installed(self._clients):
            threading.Thread(target=self._fetch, args=(self._clients,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._npm is not None and self._npm.poll() is None:
            self._npm.terminate()
        self._room.stop()
        self._room.join(5.0)

    def check(self) -> None:
        """Return while it runs.

        Raises:
            Exception: why it does not.
        """
        if self._room.error is not None:
            raise self._room.error

    def say(self, text: str) -> None:
        """Send a line to whoever listens to the terminal."""
        body = text.encode("utf-8", "replace")
        self._do(lambda server: server.send(CHAT, body, headers={"content-type": "text/plain"}))

    def cut(self, login: str) -> None:
        """End the connection of the client with this login, without a word."""

        def drop(server: stomp_asyncio.Server) -> None:
            if (peer := self._peers.get(login)) is not None:
                server.drop(peer)

        self._do(drop)

    def _do(self, command: Callable[[stomp_asyncio.Server], object]) -> None:
        server = self._server
        if server is not None:
            self._room.call(lambda: command(server))

    async def _serve(self) -> None:
        async with stomp_asyncio.serve(
            sockets=self._sockets,
            pages=self._pages,
            hosts=self._hosts,
            options=self._options,
            on_event=self._heard,
            close_timeout=2.0,
        ) as server:
            self._server = server
            self.urls = server.urls
            self.page = "http://{}:{}/".format(*server.addresses[0])
            self._up.set()
            number = 0
            while True:
                await asyncio.sleep(_TICK)
                number += 1
                numbers = server.statistics()
                figures = {"tick": number, "clients": numbers.connections, "delivered": numbers.delivered}
                server.send(TICKS, json.dumps(figures).encode(), headers={"content-type": "application/json"})

    def _heard(self, event: BrokerEvent) -> None:
        match event:
            case ClientConnected(peer=peer, login=str(login)):
                self._peers[login] = peer
            case ClientGone(peer=gone):
                self._peers = {login: peer for login, peer in self._peers.items() if peer != gone}
            case MessageSent(peer=peer, destination=destination, body=body) if destination == CHAT and peer:
                self._news("chat", escaped(body.decode("utf-8", "replace")))
            case _:
                pass
        self._hear(event)

    def _fetch(self, clients: Path) -> None:
        """Have npm bring the page's libraries, in nobody's way."""
        problem = demo_page.install(clients, started=self._started)
        if problem is None:
            self._pages.update(demo_page.libraries(clients))
            self._news("libraries", "npm has brought stompjs and sockjs-client for the page")
        else:
            self._news("libraries", f"the page has its own client alone: {escaped(problem)}")

    def _started(self, npm: subprocess.Popen[str]) -> None:
        self._npm = npm
