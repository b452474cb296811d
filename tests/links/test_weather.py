"""Clients and a server in a virtual network that is slow, jittery and breaks: what came whole comes in order,
and everything ends.

What lives here must not know how a link does it.
"""

from __future__ import annotations

import math
from itertools import count
from random import Random

import pytest

from stomp_sansio.errors import LocalProtocolError
from stomp_sansio.links.fallback import FallbackLink
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.server_options import ServerOptions
from stomp_sansio.links.url import parse_url
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import Address, StreamId, StreamLoss, TCPAddress
from stomp_sansio.protocol.limits import Limits
from stomp_sansio.testing import Conditions, Cut, Host, Network, Path

TRANSPORTS = ("tcp", "websocket", "sockjs-websocket", "xhr-streaming", "xhr-polling")
LINES = 40


class Weather:
    """One client that says numbered lines, and a server that says each back; chance decides everything
    else."""

    def __init__(self, transport: str, seed: int, *, storms: bool) -> None:
        self.random = Random(f"{transport} {seed}")
        self.storms = storms
        self.network = Network(self.random.random, conditions=self.conditions)
        limit = self.random.choice([1, 300, 128 * 1024])
        self.server = LinkServer(
            self.random.randbytes, ServerOptions(limits=Limits(max_body=4096, max_streaming_response=limit))
        )
        self.server_host: Host[PeerEvent] = self.network.add(self.server, self.on_peer, offset=1e6)
        self.network.listen(self.server_host, TCPAddress("h", 80))
        self.link = self.make(transport)
        self.client_host: Host[LinkEvent] = self.network.add(self.link, self.on_link)
        self.said: list[bytes] = []
        self.heard: dict[PeerId, bytearray] = {}
        self.open: set[PeerId] = set()
        self.answered = bytearray()
        self.received = bytearray()
        self.opened = False
        self.closed: LinkClosed | None = None

    def make(self, transport: str) -> Link:
        ids = map(StreamId, count(1))
        if transport == "tcp":
            return PlainLink(parse_url("stomp://h:80"), stream_ids=ids)
        if transport == "websocket":
            return WebSocketLink(parse_url("ws://h/stomp"), stream_ids=ids)
        return FallbackLink(
            parse_url("http://h/stomp"),
            stream_ids=ids,
            token_bytes=self.random.randbytes,
            transports=[transport.removeprefix("sockjs-")],
            open_timeout=60.0,
        )

    def conditions(self, address: Address, number: int) -> Conditions:
        refused = self.storms and self.random.random() < 0.1
        return Conditions(
            refusal=StreamLoss.REFUSED if refused else None,
            opening=self.random.choice([0.001, 0.3, 0.9]),
            there=self.path(),
            back=self.path(),
        )

    def path(self) -> Path:
        """A way that is bad, but no worse than what a session outlives: unless there are storms."""
        pick = self.random.choice
        return Path(
            latency=pick([0.001, 0.05, 0.5]),
            jitter=pick([0.0, 0.01, 0.5]),
            piece=pick([None, 7, 300]),
            octets_per_second=pick([math.inf, 20_000]),
            cut_after=pick([None, self.random.randrange(3000)]) if self.storms else None,
            cut=pick(list(Cut)),
        )

    def on_peer(self, event: PeerEvent) -> None:
        now = self.server_host.now
        if isinstance(event, PeerOpened):
            assert event.peer not in self.heard
            self.heard[event.peer] = bytearray()
            self.open.add(event.peer)
        elif isinstance(event, PeerData):
            assert event.peer in self.open
            self.heard[event.peer] += event.data
            try:
                self.server.send(event.peer, event.data, now)
            except LocalProtocolError:
                assert self.storms, "whoever says something is there to hear"
            else:
                self.answered += event.data
        elif isinstance(event, PeerClosed):
            self.open.remove(event.peer)
        self.server_host.kick()

    def on_link(self, event: LinkEvent) -> None:
        assert self.closed is None
        if isinstance(event, LinkOpened):
            assert not self.opened
            self.opened = True
            self.network.after(self.random.random(), self.talk)
        elif isinstance(event, LinkData):
            assert self.opened
            self.received += event.data
        else:
            self.closed = event

    def talk(self) -> None:
        """Say the next line, now and then without listening for a while; at the end close."""
        now = self.client_host.now
        if self.closed is not None:
            return
        if len(self.said) == LINES:
            self.link.close(now)
        else:
            line = f"{len(self.said)} grüß €\n".encode() * self.random.choice([1, 1, 50])
            try:
                self.link.send(line, now)
            except LocalProtocolError:
                return
            self.said.append(line)
            if self.random.random() < 0.1:
                self.link.pause_reading(now)
                self.network.after(self.random.random() * 3.0, self.listen)
            gap = self.random.choice([0.0, 0.0, 0.01, 0.5]) if len(self.said) < LINES else 60.0
            self.network.after(gap, self.talk)
        self.client_host.kick()

    def listen(self) -> None:
        self.link.resume_reading(self.client_host.now)
        self.client_host.kick()

    def run(self) -> None:
        self.link.start(0.0)
        self.client_host.kick()
        self.network.run(400.0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_delays_change_nothing_that_is_said(transport: str, seed: int) -> None:
    world = Weather(transport, seed, storms=False)
    world.run()
    whole = b"".join(world.said)
    assert len(world.said) == LINES
    assert [bytes(octets) for octets in world.heard.values()] == [whole]
    assert world.received == whole
    assert world.closed is not None
    assert world.closed.clean
    assert not world.open
    assert world.link.finished
    assert world.link.next_deadline() is None
    assert world.server.next_deadline() is None


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_storms_end_a_link_once_and_what_came_before_is_whole_and_in_order(transport: str, seed: int) -> None:
    world = Weather(transport, seed, storms=True)
    world.run()
    assert world.answered.startswith(world.received)
    for octets in [*world.heard.values()][:1]:
        assert b"".join(world.said).startswith(octets)
    assert world.closed is not None
    assert world.closed.reason
    assert world.link.finished
    assert world.link.next_deadline() is None
    world.server.shut_down(world.server_host.now)
    world.server_host.kick()
    world.network.run(60.0)
    assert world.server.finished
    assert not world.open
