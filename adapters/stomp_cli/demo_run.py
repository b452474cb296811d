"""One run of the demo: the clients in their threads, and what happens to them when.

What lives here starts, cuts, waits and ends. It must not know how anything is shown, nor where.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import stomp_asyncio
from stomp_sansio.broker.events import BrokerEvent, Subscribed

from .demo_accounts import Account, Books
from .demo_broker import DemoBroker
from .demo_clients import BEAT, consume, consume_blocking, count_beats, publish, stay_quiet
from .demo_rooms import AsyncioRoom, Room, ThreadRoom, TrioRoom, Work
from .exits import UsageError

__all__ = ["Run"]

_RATE = 400.0
"""Messages a second: enough to see something, and few enough that each is measured and not its queue."""
_CUT_AT = 0.35
"""When, as a part of the whole, a connection is cut."""
_PATIENCE = 15.0
"""Seconds that clients may take to come."""
_STANDSTILL = 8.0
"""When all is sent and nothing has come for so many seconds, what is missing will not come. A client that was
cut is back sooner."""


class Run:
    """Enter it, and there is a broker; `start`; wait until it is `over`; `stop_clients`; read the books."""

    def __init__(
        self,
        seconds: float,
        port: int,
        libraries: Path | None,
        capture: Path,
        *,
        hosts: Sequence[str] | None = None,
    ) -> None:
        """`libraries` is the folder of the page's libraries, `capture` where one session is written down;
        `hosts` are names by which browsers reach the page."""
        self.seconds = seconds
        self.books = Books(expects_beats=seconds > 3 * BEAT)
        self._news: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self.broker = DemoBroker(port, libraries, BEAT, self.tell, self._hear, hosts=hosts)
        self._capture_path = capture
        self._capture: TextIO | None = None
        self._rooms: list[Room] = []
        self._expected: set[str] = set()
        self._all_there = threading.Event()
        self._sent_all = threading.Event()
        self._victim = ""
        self._started_at = 0.0
        self._cut_at: float | None = None
        self._moved: tuple[int, ...] = ()
        self._moved_at = 0.0

    def __enter__(self) -> Self:
        """Start the broker.

        Raises:
            OSError: it cannot listen.
        """
        self.broker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop_clients()
        self.broker.__exit__(kind, error, traceback)

    # What happens

    def tell(self, kind: str, sentence: str) -> None:
        """Take note of something for people, in any thread."""
        self._news.put((kind, sentence))

    def news(self, timeout: float | None = None) -> list[tuple[str, str]]:
        """Return what was noted since the last time; wait for something first, some seconds at most."""
        found: list[tuple[str, str]] = []
        try:
            if timeout is not None:
                found.append(self._news.get(timeout=timeout))
            while True:
                found.append(self._news.get_nowait())
        except queue.Empty:
            return found

    def _hear(self, event: BrokerEvent) -> None:
        if not isinstance(event, Subscribed):
            return
        self._expected.discard(event.destination)
        if not self._expected and not self._all_there.is_set():
            # Before anybody is told: it is how long they go on from here.
            self._started_at = time.monotonic()
            self._all_there.set()
        if (
            event.destination == self._victim
            and self._cut_at is not None
            and self.books.returns < self.books.cuts
        ):
            self.books.returns += 1
            took = (time.monotonic() - self._cut_at) * 1_000
            self.tell("back", f"it is back after {took:.0f} ms, and has subscribed again")

    # The clients

    def start(self) -> None:
        """Let everybody connect; once all are there, messages are sent.

        Raises:
            Exception: why one could not come.
        """
        tcp, web, sockjs = self.broker.urls
        third = "trio"
        if find_spec("trio") is None:
            third = "asyncio"
            self.tell("remark", "trio is not installed: asyncio does its part")
        ways: list[tuple[str, str, str, dict[str, Any]]] = [
            (third, "TCP", tcp, {}),
            ("asyncio", "WebSocket", web, {}),
            ("blocking", "SockJS websocket", sockjs, {"transports": ["websocket"]}),
            (third, "SockJS xhr-streaming", sockjs, {"transports": ["xhr-streaming"]}),
        ]
        accounts = [Account(way[0], way[1], f"/queue/demo.{number}") for number, way in enumerate(ways, 1)]
        quiet = Account("blocking", "TCP, mostly quiet", "/queue/tea")
        self.books.accounts = [*accounts, quiet]
        self._expected = {account.destination for account in self.books.accounts}
        self._victim = accounts[1].destination
        works: dict[str, list[Work]] = {"asyncio": [partial(self._publish, tcp, accounts)], "trio": []}
        for (colour, _, url, keywords), account in zip(ways, accounts, strict=True):
            if colour == "blocking":
                waits = partial(consume_blocking, url=url, account=account, **keywords)
                self._rooms.append(ThreadRoom(colour, waits))
            else:
                works[colour].append(partial(consume, _connect(colour), url, account, **keywords))
        self._rooms.append(ThreadRoom("quiet", partial(self._be_quiet, tcp, quiet)))
        self._rooms.append(AsyncioRoom("asyncio", works["asyncio"]))
        if works["trio"]:
            self._rooms.append(TrioRoom("trio", works["trio"]))
        self._capture = self._open_capture()
        for room in self._rooms:
            room.start()
        until = time.monotonic() + _PATIENCE
        while not self._all_there.wait(0.05):
            self.check()
            if time.monotonic() > until:
                raise TimeoutError(f"not every client was there within {_PATIENCE:g} s")

    def stop_clients(self) -> None:
        """Let everybody say good-bye. Harmless when that was done."""
        # Whoever still waits for the others waits no longer.
        self._all_there.set()
        for room in self._rooms:
            room.stop()
        for room in self._rooms:
            room.join(5.0)
        self._rooms.clear()
        if self._capture is not None:
            self._capture.close()

    def check(self) -> None:
        """Return while everybody works.

        Raises:
            Exception: why somebody does not.
        """
        self.broker.check()
        for room in self._rooms:
            if room.error is not None:
                raise room.error

    @property
    def over(self) -> bool:
        """Whether everything has come, or has had its time. Cuts a connection on the way.

        Raises:
            Exception: somebody has failed.
        """
        self.check()
        passed = time.monotonic() - self._started_at
        if self._cut_at is None and passed >= self.seconds * _CUT_AT:
            self._cut_at = time.monotonic()
            self.books.cuts += 1
            self.tell("cut", "the connection of asyncio's consumer over WebSocket is cut, without a word")
            self.broker.cut(self._victim)
        if passed < self.seconds:
            return False
        if self._sent_all.is_set() and self.books.complete:
            return True
        now, moved = time.monotonic(), (self.books.came, self.books.again, self.books.confirmed)
        if moved != self._moved:
            self._moved, self._moved_at = moved, now
        return now - self._moved_at > _STANDSTILL

    def _is_sent(self) -> bool:
        return time.monotonic() - self._started_at >= self.seconds

    async def _publish(self, url: str, accounts: Sequence[Account]) -> None:
        await publish(url, accounts, _RATE, self._all_there, self._is_sent)
        self._sent_all.set()

    def _be_quiet(self, url: str, account: Account, room: ThreadRoom) -> None:
        def say(sentence: str) -> None:
            self.tell("nack", sentence)

        stay_quiet(room, url, account, self.books.quiet, self._all_there.wait, say, self._write)

    def _write(self, line: str) -> None:
        """Keep a line of the quiet session's capture."""
        if self._capture is not None and not self._capture.closed:
            self._capture.write(line + "\n")
        count_beats(line, self.books.quiet)

    def _open_capture(self) -> TextIO:
        try:
            return self._capture_path.open("w", encoding="ascii", buffering=1)
        except OSError as error:
            raise UsageError(f"the capture cannot be written to {self._capture_path}: {error}") from error


def _connect(colour: str) -> Any:
    if colour == "asyncio":
        return stomp_asyncio.connect
    import stomp_trio

    return stomp_trio.connect
