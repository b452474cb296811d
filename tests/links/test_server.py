"""One port for everything: peers whatever carries them, against the library's own links and the promises of a
machine."""

from __future__ import annotations

from itertools import count

import pytest

from stomp_sansio.errors import LocalProtocolError, Misuse
from stomp_sansio.links.link import Link, LinkData, LinkEvent, LinkOpened
from stomp_sansio.links.origin import OriginPolicy
from stomp_sansio.links.pages import Page
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened, StreamRefused
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.sockjs import SockJSLink
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import CloseStream, Machine, OpenStream, StreamId, StreamLoss, TLSInfo
from stomp_sansio.protocol.limits import Limits
from tests.links.driver import MemoryDriver, closing, data_of
from tests.links.server_help import HttpPeer, ServerDriver, token_bytes
from tests.links.websocket_help import request

IDS = SessionIds("000", "s")


def test_is_a_machine() -> None:
    machine: Machine[PeerEvent] = LinkServer(token_bytes)
    assert machine.next_action() is None
    assert machine.next_event() is None
    assert machine.next_deadline() is None
    assert machine.changed_streams() == []
    assert not machine.wants_run()
    machine.run(0.0)
    machine.handle_timeout(0.0)
    assert not machine.finished


def test_answers_to_wishes_it_never_had_are_refused() -> None:
    machine = LinkServer(token_bytes)
    for answer in (
        lambda: machine.stream_opened(StreamId(1), 0.0),
        lambda: machine.tls_started(StreamId(1), TLSInfo(), 0.0),
    ):
        with pytest.raises(LocalProtocolError, match="whose wish was this"):
            answer()


def test_a_peer_that_is_gone_takes_nothing_and_minds_nothing() -> None:
    machine = LinkServer(token_bytes)
    nobody = PeerId(7)
    with pytest.raises(LocalProtocolError) as caught:
        machine.send(nobody, b"x", 0.0)
    assert caught.value.misuse is Misuse.CLOSED
    machine.close(nobody, 0.0)
    machine.abort(nobody, 0.0)
    machine.pause_reading(nobody, 0.0)
    machine.resume_reading(nobody, 0.0)
    assert machine.unsent(nobody) == 0
    assert machine.peer_on(StreamId(1)) is None


def test_more_streams_than_allowed_are_ended() -> None:
    driver = ServerDriver(max_streams=2)
    driver.accept()
    driver.accept()
    third = driver.accept()
    assert driver.take_actions() == [CloseStream(third, abort=True)]
    (refused,) = driver.take_events()
    assert isinstance(refused, StreamRefused)
    assert "more than 2 streams" in refused.reason
    driver.lose(third)
    driver.lose(StreamId(1))
    driver.accept()
    assert driver.take_actions() == []


def test_pausing_stops_reading_and_is_told_to_the_driver() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"\n")
    machine = driver.machine
    assert machine.wants_read(stream)
    machine.pause_reading(PeerId(1), 0.0)
    assert not machine.wants_read(stream)
    assert machine.changed_streams() == [stream]
    assert machine.changed_streams() == []
    machine.pause_reading(PeerId(1), 0.0)
    assert machine.changed_streams() == []
    machine.resume_reading(PeerId(1), 0.0)
    assert machine.wants_read(stream)
    assert machine.changed_streams() == [stream]
    assert machine.carries(PeerId(1), b"\xff")
    machine.send(PeerId(1), b"\xff", 0.0)
    assert machine.unsent(PeerId(1)) == 1
    assert machine.changed_streams() == [stream]
    assert machine.peer_on(stream) == PeerId(1)
    assert machine.passage(PeerId(1)) == stream
    machine.close(PeerId(1), 0.0)
    assert machine.passage(PeerId(1)) is None


def test_giving_a_peer_up_ends_its_stream() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"\n")
    driver.machine.abort(PeerId(1), driver.now)
    driver.drain()
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    driver.lose(stream)
    assert isinstance(driver.take_events()[-1], PeerClosed)


def test_a_session_over_xhr_is_commanded_like_any_peer() -> None:
    driver = ServerDriver()
    client, sender = HttpPeer(driver), HttpPeer(driver)
    client.post("/stomp/0/s/xhr_streaming")
    machine, peer = driver.machine, PeerId(1)
    assert machine.carries(peer, b"x")
    assert not machine.carries(peer, b"\xff")
    machine.send(peer, b"x", 0.0)
    assert machine.unsent(peer) > 1
    assert machine.peer_on(client.stream) == peer
    assert machine.passage(peer) is None
    machine.pause_reading(peer, 0.0)
    assert not sender.post("/stomp/0/s/xhr_send", b'["y"]').whole
    machine.resume_reading(peer, 0.0)
    assert sender.more().status == 204
    machine.abort(peer, 0.0)
    driver.drain()
    assert client.more().whole
    assert len(driver.gone()) == 1


@pytest.mark.parametrize("where", ["open", "silent"])
def test_shutting_down_ends_peers_and_streams(where: str) -> None:
    driver = ServerDriver()
    stream = driver.accept()
    if where == "open":
        driver.feed(stream, b"\n")
    driver.machine.shut_down(driver.now)
    driver.drain()
    assert not driver.machine.finished
    driver.settle()
    assert driver.machine.finished
    assert len(driver.gone()) == len(driver.peers())


def test_the_end_of_a_stream_is_told_to_its_holder() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"\n")
    driver.eof(stream)
    driver.settle()
    assert len(driver.gone()) == 1


def test_deadlines_of_streams_and_of_sessions_are_kept() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.post("/stomp/0/s/xhr")
    assert driver.machine.next_deadline() == 5.0
    driver.accept()
    driver.advance(60.0)
    assert len(driver.gone()) == 1
    assert sum(isinstance(event, StreamRefused) for event in driver.events) == 1


def test_peers_are_named_in_the_order_in_which_they_came() -> None:
    driver = ServerDriver()
    poll = b"POST /stomp/0/s/xhr HTTP/1.1\r\nHost: h\r\n\r\n"
    driver.feed(driver.accept(), poll + request(first="GET /stomp HTTP/1.1"))
    assert driver.peers() == [PeerId(1), PeerId(2)]


def test_after_shutting_down_nobody_is_let_in() -> None:
    driver = ServerDriver()
    driver.machine.shut_down(driver.now)
    assert driver.machine.finished
    stream = driver.accept()
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    assert driver.take_events() == [StreamRefused("10.0.0.1:4711", 0, "The server shuts down")]
    assert not driver.machine.finished
    driver.lose(stream)
    assert driver.machine.finished


def test_a_stream_that_the_service_moved_may_be_gone_already() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.post("/stomp/0/s/xhr")
    client.post("/stomp/0/s/xhr")
    client.abort()
    assert len(driver.gone()) == 1


# Threat 10: twelve origins, on every way in

ORIGINS: list[tuple[str | None, bool]] = [
    (None, True),
    ("http://example.com", True),
    ("http://EXAMPLE.com:80", True),
    ("https://example.com", True),
    ("https://listed.example", True),
    ("http://listed.example", False),
    ("https://listed.example.evil.example", False),
    ("http://example.com:8080", False),
    ("http://evil.example", False),
    ("null", False),
    ("*", False),
    ("file://", False),
]


@pytest.mark.parametrize(("origin", "allowed"), ORIGINS)
@pytest.mark.parametrize("way", ["ws", "sockjs-ws", "xhr", "xhr_streaming", "info"])
def test_threat_10_origins(origin: str | None, allowed: bool, way: str) -> None:
    driver = ServerDriver(origins=OriginPolicy(["https://listed.example"]))
    headers = [] if origin is None else [("Origin", origin)]
    if way.endswith("ws"):
        path = "/stomp" if way == "ws" else "/stomp/0/s/websocket"
        lines = [f"{name}: {value}" for name, value in headers]
        octets = driver.say(driver.accept(), request(*lines, first=f"GET {path} HTTP/1.1"))
        assert octets.startswith(b"HTTP/1.1 101 " if allowed else b"HTTP/1.1 403 ")
        assert b"Access-Control" not in octets
    else:
        method, path = ("GET", "/stomp/info") if way == "info" else ("POST", f"/stomp/0/s/{way}")
        answer = HttpPeer(driver).request(method, path, headers)
        assert answer.status == (200 if allowed else 403)
        assert answer.header("access-control-allow-origin") == (origin if allowed else None)
    if not allowed:
        assert driver.peers() == []
        assert [type(event) for event in driver.events] == [StreamRefused]


# A name that somebody made mean this machine


def dialled(host: str, origin: str | None, way: str, address: str, **options) -> tuple[ServerDriver, bytes]:
    """Ask a server by a name, from an address; return it and its answer."""
    driver = ServerDriver(pages={"/": Page("text/html", b"<p>tea")}, **options)
    lines = [f"Host: {host}", *([] if origin is None else [f"Origin: {origin}"])]
    if way.endswith("ws"):
        path = "/stomp" if way == "ws" else "/stomp/0/s/websocket"
        octets = request(*lines, first=f"GET {path} HTTP/1.1", without="Host")
    else:
        first = {"page": "GET /", "info": "GET /stomp/info", "greeting": "GET /stomp"}
        first["page, HEAD"] = "HEAD /"
        head = [f"{first.get(way, f'POST /stomp/0/s/{way}')} HTTP/1.1", *lines]
        octets = "\r\n".join([*head, "", ""]).encode("ascii")
    return driver, driver.say(driver.accept(address=address), octets)


@pytest.mark.parametrize("way", ["ws", "sockjs-ws", "xhr", "xhr_streaming", "xhr_send", "info"])
@pytest.mark.parametrize("address", ["127.0.0.1:4711", "[::1]:4711", "[::ffff:127.0.0.1]:4711"])
def test_threat_10_a_rebound_page_gets_nothing(way: str, address: str) -> None:
    driver, octets = dialled("evil.example:61613", "http://evil.example:61613", way, address)
    assert octets.startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
    assert b"Pages at 'evil.example:61613' get nothing here" in octets
    assert b"use localhost or an IP address, or allow the name with hosts=" in octets
    assert b"Access-Control" not in octets
    (refused,) = driver.events
    assert isinstance(refused, StreamRefused)
    assert (refused.status, refused.address) == (421, address)


@pytest.mark.parametrize("way", ["ws", "sockjs-ws", "xhr", "xhr_streaming", "info", "page"])
@pytest.mark.parametrize(
    ("host", "address", "hosts"),
    [
        ("localhost:61613", "127.0.0.1:4711", None),
        ("LOCALHOST.:61613", "127.0.0.1:4711", None),
        ("[::1]:61613", "[::1]:4711", None),
        ("127.0.0.1:61613", "127.0.0.1:4711", []),
        ("dev.example:61613", "127.0.0.1:4711", ["dev.example"]),
        ("dev.example:61613", "192.0.2.7:4711", ["dev.example"]),
        ("dev.example:61613", "192.0.2.7:4711", None),
    ],
)
def test_pages_of_its_own_names_go_on(way: str, host: str, address: str, hosts: list[str] | None) -> None:
    _, octets = dialled(host, f"http://{host}", way, address, origins=OriginPolicy(hosts=hosts))
    assert octets.startswith(b"HTTP/1.1 101 " if way.endswith("ws") else b"HTTP/1.1 200 ")


@pytest.mark.parametrize("way", ["ws", "sockjs-ws", "xhr", "xhr_streaming", "info", "greeting"])
def test_who_is_no_browser_may_use_any_name(way: str) -> None:
    """Nobody rebinds a name for them, and a container knows its host by a name that only it has."""
    _, octets = dialled("host.docker.internal:61613", None, way, "127.0.0.1:4711")
    assert octets.startswith(b"HTTP/1.1 101 " if way.endswith("ws") else b"HTTP/1.1 200 ")


@pytest.mark.parametrize("way", ["page", "page, HEAD"])
def test_threat_10_a_page_is_not_shown_under_a_rebound_name(way: str) -> None:
    """A browser asks for it without an Origin."""
    driver, octets = dialled("evil.example:61613", None, way, "127.0.0.1:4711")
    assert octets.startswith(b"HTTP/1.1 421 ")
    assert b"<p>" not in octets
    assert (b"hosts=" in octets) is (way == "page")
    assert [type(event) for event in driver.events] == [StreamRefused]


# Against the links of the library


class World:
    """A client's link and a server, joined by streams that carry octets when they are told to."""

    def __init__(self, link: Link, cut: int | None, **options) -> None:
        self.server = ServerDriver(**options)
        self.client: MemoryDriver[LinkEvent] = MemoryDriver(link)
        self.link = link
        self.cut = cut
        self.streams: dict[StreamId, StreamId] = {}

    def run(self) -> None:
        """Carry octets and wishes until all is quiet."""
        moved = True
        while moved:
            moved = False
            for action in self.client.take_actions():
                moved = True
                if isinstance(action, OpenStream):
                    self.streams[action.stream] = self.server.accept()
                    self.client.opened(action.stream)
                elif action.stream in self.streams:
                    theirs = self.streams.pop(action.stream)
                    octets = self.client.pull(action.stream)
                    if theirs in self.server.living:
                        self.server.feed(theirs, octets, self.cut)
                        self.server.lose(theirs)
                    self.client.lose(action.stream)
            for action in self.server.take_actions():
                moved = True
                assert isinstance(action, CloseStream)
                for ours, theirs in list(self.streams.items()):
                    if theirs == action.stream:
                        self.client.feed(ours, self.server.pull(theirs), self.cut)
                        self.server.lose(theirs)
                        if ours in self.client.living:
                            self.client.eof(ours)
            for ours, theirs in list(self.streams.items()):
                if theirs in self.server.living and ours in self.client.living:
                    there, back = self.client.pull(ours), self.server.pull(theirs)
                    self.server.feed(theirs, there, self.cut)
                    self.client.feed(ours, back, self.cut)
                    moved = moved or bool(there or back)


def links() -> dict[str, Link]:
    ids = (StreamId(number) for number in count(1))
    sockjs = parse_url("http://example.com/stomp")
    return {
        "tcp": PlainLink(parse_url("stomp://example.com"), stream_ids=ids),
        "websocket": WebSocketLink(parse_url("ws://example.com/stomp"), stream_ids=ids),
        "raw": WebSocketLink(parse_url("ws://example.com/stomp/websocket"), stream_ids=ids),
        "sockjs-websocket": SockJSLink(sockjs, IDS, stream_ids=ids),
        "xhr-streaming": XhrLink(sockjs, IDS, stream_ids=ids, streaming=True),
        "xhr-polling": XhrLink(sockjs, IDS, stream_ids=ids, streaming=False),
    }


@pytest.mark.parametrize("name", links())
@pytest.mark.parametrize("cut", [None, 1, 100])
def test_every_link_reaches_the_server_and_the_octets_come_in_order(name: str, cut: int | None) -> None:
    world = World(links()[name], cut)
    world.link.start(0.0)
    world.client.drain()
    world.run()
    assert isinstance(world.client.events[0], LinkOpened)
    sent = [f"frame {number} grüß €\0".encode() for number in range(5)]
    for chunk in sent:
        world.link.send(chunk, 0.0)
        world.client.drain()
    world.run()
    (peer,) = world.server.peers()
    for chunk in sent:
        world.server.machine.send(peer, chunk, 0.0)
    world.server.drain()
    world.run()
    assert world.server.data() == b"".join(sent)
    assert data_of(world.client.events) == b"".join(sent)
    opened = next(event for event in world.server.events if isinstance(event, PeerOpened))
    assert opened.transport == world.client.events[0].transport
    world.link.close(0.0)
    world.client.drain()
    world.run()
    assert closing(world.client.events).clean
    assert [gone.peer for gone in world.server.gone()] == [peer]


@pytest.mark.parametrize("name", ["websocket", "sockjs-websocket", "xhr-streaming", "xhr-polling"])
def test_a_server_that_closes_reaches_every_client(name: str) -> None:
    world = World(links()[name], None)
    world.link.start(0.0)
    world.client.drain()
    world.run()
    world.server.machine.send(PeerId(1), b"last", 0.0)
    world.server.machine.close(PeerId(1), 0.0)
    world.server.drain()
    world.run()
    events = world.client.events
    assert data_of(events) == b"last"
    assert closing(events).clean
    assert closing(events).code == (1000 if name == "websocket" else 3000)
    (gone,) = world.server.gone()
    assert gone.how.clean


def test_a_stream_that_is_recycled_loses_nothing() -> None:
    world = World(links()["xhr-streaming"], None, limits=Limits(max_streaming_response=300))
    world.link.start(0.0)
    world.client.drain()
    world.run()
    for number in range(50):
        world.server.machine.send(PeerId(1), b"%d," % number * 10, 0.0)
        world.server.drain()
        if number % 7 == 0:
            world.run()
    world.run()
    assert data_of(world.client.events) == b"".join(b"%d," % number * 10 for number in range(50))
    assert not any(isinstance(event, PeerClosed) for event in world.server.events)


@pytest.mark.parametrize("name", links())
def test_resets_at_every_octet_of_the_hand_shake_leave_nothing_behind(name: str) -> None:
    world = World(links()[name], None)
    world.link.start(0.0)
    world.client.drain()
    wish = world.client.wish()
    world.client.opened(wish.stream)
    octets = world.client.pull(wish.stream) or b"CONNECT\n\n\0"
    for offset in range(0, len(octets) + 1, 3):
        server = ServerDriver()
        stream = server.accept()
        server.feed(stream, octets[:offset], 1)
        server.lose(stream, StreamLoss.RESET)
        server.advance(60.0)
        assert len(server.gone()) == len(server.peers()) <= 1
        assert server.machine.next_deadline() is None
        assert not any(isinstance(event, (PeerData, LinkData)) for event in server.events) or name == "tcp"


def test_threat_4_what_waits_for_the_writer_goes_on_when_everything_is_written() -> None:
    driver = ServerDriver(pages={"/": Page("text/plain", bytes(100_000))})
    stream = driver.accept()
    driver.feed(stream, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 3)
    assert not driver.machine.wants_read(stream)
    assert driver.pull(stream).count(b"HTTP/1.1 200 OK\r\n") == 3
    assert driver.machine.wants_read(stream)
