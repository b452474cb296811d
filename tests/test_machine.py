"""The border between machines and drivers, from both sides.

`MemoryDriver` holds every machine of `tests/links` to its promises, `Watched` a driver to its own; here each
of the two is shown to notice what is broken, and every driver there is meets `Watched`.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import trio
import trustme

from stomp_asyncio._driver import Driver as AsyncioDriver
from stomp_blocking._driver import Driver as BlockingDriver
from stomp_sansio.links.link import LinkClosed, LinkData, LinkEvent, LinkOpened
from stomp_sansio.links.peers import PeerData, PeerEvent
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.sockjs import SockJSLink
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
    TLSWish,
)
from stomp_sansio.testing import Conditions, Host, Network, Path
from stomp_trio._driver import Driver as TrioDriver
from tests.links.driver import MemoryDriver
from tests.watched import Watched

ONE = StreamId(1)
WISH = OpenStream(ONE, TCPAddress("h", 1))


class Script:
    """A machine that does what a test says, right or wrong."""

    finished = False

    def __init__(self, *actions: StreamAction) -> None:
        self.actions: list[StreamAction] = list(actions)
        self.octets = b""
        self.reads = True
        self.changed: list[StreamId] = []
        self.deadline: float | None = None

    def next_action(self) -> StreamAction | None:
        return self.actions.pop(0) if self.actions else None

    def next_event(self) -> None:
        return None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        octets, self.octets = self.octets, b""
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        return self.reads

    def changed_streams(self) -> list[StreamId]:
        changed, self.changed = self.changed, []
        return changed

    def next_deadline(self) -> float | None:
        return self.deadline

    def wants_run(self) -> bool:
        return False

    def stream_opened(self, stream: StreamId, now: float) -> None: ...

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None: ...

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None: ...

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None: ...

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None: ...

    def receive_eof(self, stream: StreamId, now: float) -> None: ...

    def handle_timeout(self, now: float) -> None: ...

    def run(self, now: float) -> None: ...


# A driver that watches its machine


@pytest.mark.parametrize(
    ("actions", "broken"),
    [
        ([WISH, WISH], "used once"),
        ([CloseStream(ONE)], "is gone"),
        ([WISH, CloseStream(ONE), StartTLS(ONE, TLSWish("h"))], "behind the wish to end"),
        ([WISH, CloseStream(ONE), CloseStream(ONE)], "wished before"),
        ([WISH, CloseStream(ONE, abort=True), CloseStream(ONE, abort=True)], "wished before"),
        ([WISH, CloseStream(ONE, abort=True), CloseStream(ONE)], "wished before"),
    ],
)
def test_a_wish_out_of_order_is_noticed(actions: list[StreamAction], broken: str) -> None:
    with pytest.raises(AssertionError, match=broken):
        MemoryDriver(Script(*actions))


def test_to_end_at_once_after_all_is_a_legal_wish() -> None:
    driver: MemoryDriver[None] = MemoryDriver(Script(WISH, CloseStream(ONE), CloseStream(ONE, abort=True)))
    assert driver.take_actions()[1:] == [CloseStream(ONE), CloseStream(ONE, abort=True)]


def opened() -> tuple[Script, MemoryDriver[None]]:
    script = Script(WISH)
    driver: MemoryDriver[None] = MemoryDriver(script)
    driver.opened(ONE)
    return script, driver


def test_octets_that_nobody_was_told_of_are_noticed() -> None:
    script, driver = opened()
    script.octets = b"x"
    with pytest.raises(AssertionError, match="writer of 1 was not told"):
        driver.pull(ONE)


def test_octets_behind_the_wish_to_end_at_once_are_noticed() -> None:
    script, driver = opened()
    script.actions = [CloseStream(ONE, abort=True)]
    script.changed, script.octets = [ONE], b"x"
    with pytest.raises(AssertionError, match="end without writing"):
        driver.pull(ONE)


def test_a_change_of_mind_about_reading_that_nobody_was_told_of_is_noticed() -> None:
    script, driver = opened()
    script.reads = False
    with pytest.raises(AssertionError, match="who reads 1 was not told"):
        driver.drain()
    script.changed = [ONE]
    driver.drain()


def test_a_change_of_a_stream_that_is_gone_is_noticed() -> None:
    script, driver = opened()
    driver.lose(ONE)
    script.changed = [ONE]
    with pytest.raises(AssertionError, match="reported as changed"):
        driver.drain()


def test_a_deadline_that_stays_due_is_noticed() -> None:
    script, driver = opened()
    script.deadline = 1.0
    with pytest.raises(AssertionError, match="still due"):
        driver.advance(2.0)


def test_to_be_finished_while_a_stream_lives_is_noticed() -> None:
    script, driver = opened()
    script.finished = True
    with pytest.raises(AssertionError):
        driver.drain()


# A machine that watches its driver


def lost(watched: Watched[Any]) -> None:
    watched.stream_lost(ONE, StreamLoss.CLOSED, 1.0)


def twice(watched: Watched[Any]) -> None:
    lost(watched)
    lost(watched)


def after_the_end(watched: Watched[Any]) -> None:
    watched.receive_eof(ONE, 1.0)
    watched.receive_data(ONE, b"x", 1.0)


def after_the_loss(watched: Watched[Any]) -> None:
    lost(watched)
    watched.receive_data(ONE, b"x", 1.0)


def asked_after_the_loss(watched: Watched[Any]) -> None:
    lost(watched)
    watched.wants_read(ONE)


def script_of(watched: Watched[Any]) -> Script:
    machine: object = watched.machine
    assert isinstance(machine, Script)
    return machine


def back_in_time(watched: Watched[Any]) -> None:
    watched.handle_timeout(2.0)
    watched.handle_timeout(1.0)


def opened_twice(watched: Watched[Any]) -> None:
    watched.stream_opened(ONE, 1.0)


def data_in_the_hand_shake(watched: Watched[Any]) -> None:
    script_of(watched).actions = [StartTLS(ONE, TLSWish("h"))]
    watched.next_action()
    watched.receive_data(ONE, b"x", 1.0)


def tls_before_all_is_written(watched: Watched[Any]) -> None:
    script_of(watched).actions = [StartTLS(ONE, TLSWish("h"))]
    watched.next_action()
    watched.tls_started(ONE, TLSInfo(), 1.0)


def closed_before_all_is_written(watched: Watched[Any]) -> None:
    script_of(watched).actions = [CloseStream(ONE)]
    script_of(watched).octets = b"x"
    watched.next_action()
    watched.data_to_send(ONE, 1.0)
    lost(watched)


def written_after_an_abort(watched: Watched[Any]) -> None:
    script_of(watched).actions = [CloseStream(ONE, abort=True)]
    watched.next_action()
    watched.data_to_send(ONE, 1.0)


BREACHES: list[Callable[[Watched[Any]], None]] = [
    *(twice, after_the_end, after_the_loss, asked_after_the_loss, back_in_time, opened_twice),
    *(
        data_in_the_hand_shake,
        tls_before_all_is_written,
        closed_before_all_is_written,
        written_after_an_abort,
    ),
]


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_a_driver_is_noticed(breach: Callable[[Watched[Any]], None]) -> None:
    watched: Watched[Any] = Watched(Script(WISH))
    watched.next_action()
    watched.stream_opened(ONE, 0.0)
    with pytest.raises(AssertionError):
        breach(watched)


# Every driver there is

SESSION = SessionIds("0", "s")
LINES = [f"{number} grüß €".encode() * 500 for number in range(40)]


def link_to(kind: str, port: int) -> Any:
    ids = map(StreamId, count(1))
    if kind.startswith("tcp"):
        scheme = "stomps" if kind.endswith("tls") else "stomp"
        return PlainLink(parse_url(f"{scheme}://127.0.0.1:{port}"), stream_ids=ids)
    base = parse_url(f"http{'s' if kind.endswith('tls') else ''}://127.0.0.1:{port}/stomp")
    if kind.startswith("websocket"):
        return SockJSLink(base, SESSION, stream_ids=ids)
    return XhrLink(base, SESSION, stream_ids=ids)


class Echo:
    """A client that says its lines, and a server that says them back, both watched; whoever drives them
    kicks."""

    def __init__(self, kind: str, port: int = 80) -> None:
        self.link = link_to(kind, port)
        self.client: Watched[LinkEvent] = Watched(self.link)
        self.echo = LinkServer(secrets.token_bytes)
        self.server: Watched[PeerEvent] = Watched(self.echo)
        self.received = bytearray()
        self.closed: LinkClosed | None = None

    def on_link(self, event: LinkEvent, now: float) -> None:
        if isinstance(event, LinkOpened):
            for line in LINES:
                self.link.send(line, now)
        elif isinstance(event, LinkData):
            self.received += event.data
            if len(self.received) == sum(map(len, LINES)):
                self.link.close(now)
        else:
            self.closed = event

    def on_peer(self, event: PeerEvent, now: float) -> None:
        if isinstance(event, PeerData):
            self.echo.send(event.peer, event.data, now)

    def check(self) -> None:
        assert self.received == b"".join(LINES)
        assert self.closed is not None
        assert self.closed.clean
        assert self.client.finished
        for watched in (self.client, self.server):
            assert watched.log
            assert all(log[-1] == "lost" for log in watched.log.values())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["tcp", "websocket", "xhr"])
def test_the_network_keeps_the_promises_of_a_driver(kind: str, seed: int) -> None:
    echo = Echo(kind)
    path = Path(latency=0.01, jitter=0.1, piece=400)
    network = Network(random.Random(seed).random, conditions=lambda *_: Conditions(there=path, back=path))

    def on_peer(event: PeerEvent) -> None:
        echo.on_peer(event, server.now)
        server.kick()

    def on_link(event: LinkEvent) -> None:
        echo.on_link(event, client.now)
        client.kick()

    server: Host[PeerEvent] = network.add(echo.server, on_peer)
    client: Host[LinkEvent] = network.add(echo.client, on_link, offset=1e6)
    network.listen(server, TCPAddress("127.0.0.1", 80))
    echo.link.start(client.now)
    client.kick()
    network.run(300.0)
    echo.check()


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


PATIENCE = 60.0
"""Seconds after which whoever waits has failed: never what is measured."""

KINDS = ["tcp", "tcp, tls", "websocket", "websocket, tls", "xhr", "xhr, tls"]


async def in_asyncio(kind: str, for_server: Any, for_client: Any, *, blocking: bool = False) -> Echo:
    """Run both in asyncio, or the client in a thread that blocks."""
    sock = socket.create_server(("127.0.0.1", 0))
    echo = Echo(kind, sock.getsockname()[1])

    def on_peer(event: PeerEvent) -> None:
        echo.on_peer(event, server.now())
        server.kick()

    gone = asyncio.Event()
    echo.server.when_lost = gone.set
    server: AsyncioDriver[PeerEvent] = AsyncioDriver(echo.server, on_peer, ssl_context=for_server)
    serving = asyncio.create_task(server.serve([sock]))
    if blocking:
        await asyncio.to_thread(block, echo, for_client)
    else:
        await talk(echo, for_client)
    while server.streams:
        gone.clear()
        await asyncio.wait_for(gone.wait(), PATIENCE)
    serving.cancel()
    await asyncio.wait([serving])
    return echo


async def talk(echo: Echo, context: Any) -> None:
    def on_link(event: LinkEvent) -> None:
        echo.on_link(event, client.now())
        client.kick()

    client: AsyncioDriver[LinkEvent] = AsyncioDriver(echo.client, on_link, ssl_context=context)
    echo.link.start(client.now())
    client.kick()
    await asyncio.wait_for(client.finished.wait(), PATIENCE)


def block(echo: Echo, context: Any) -> None:
    def on_link(event: LinkEvent) -> None:
        echo.on_link(event, time.monotonic())

    client: BlockingDriver[LinkEvent] = BlockingDriver(echo.client, on_link, ssl_context=context)
    echo.link.start(time.monotonic())
    until = time.monotonic() + PATIENCE
    while not echo.client.finished:
        assert time.monotonic() < until
        client.step(0.1)
    client.close()


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_asyncio_and_threads_keep_the_promises_of_a_driver(kind: str, contexts: Any, blocking: bool) -> None:
    pair = contexts if kind.endswith("tls") else (None, None)
    asyncio.run(in_asyncio(kind, *pair, blocking=blocking)).check()


async def in_trio(kind: str, for_server: Any, for_client: Any) -> Echo:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    echo = Echo(kind, listener.socket.getsockname()[1])

    def on_peer(event: PeerEvent) -> None:
        echo.on_peer(event, trio.current_time())
        server.kick()

    def on_link(event: LinkEvent) -> None:
        echo.on_link(event, trio.current_time())
        client.kick()

    def begin() -> None:
        echo.link.start(trio.current_time())
        client.kick()

    server: TrioDriver[PeerEvent] = TrioDriver(echo.server, on_peer, ssl_context=for_server)
    client: TrioDriver[LinkEvent] = TrioDriver(echo.client, on_link, ssl_context=for_client)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.run)
            nursery.start_soon(server.serve, [listener])
            nursery.start_soon(client.run, begin)
            await client.finished.wait()
            nursery.cancel_scope.cancel()
    return echo


@pytest.mark.parametrize("kind", KINDS)
def test_trio_keeps_the_promises_of_a_driver(kind: str, contexts: Any) -> None:
    pair = contexts if kind.endswith("tls") else (None, None)
    trio.run(in_trio, kind, pair[0], pair[1]).check()
