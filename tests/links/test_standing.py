"""A stream that a link stands on is one peer: what the link says, the server says of it."""

from __future__ import annotations

import pytest

from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerId, PeerOpened, StreamRefused
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss
from tests.links.server_help import ServerDriver
from tests.links.websocket_help import KEY, close, ping, pong, request, text

UPGRADE = request("Cookie: canary", "Sec-WebSocket-Protocol: v12.stomp", first="GET /stomp?a=b HTTP/1.1")


def plain() -> tuple[ServerDriver, StreamId]:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"\n")
    assert driver.take_events()[0] == PeerOpened(PeerId(1), "tcp", "10.0.0.1:4711", 0)
    return driver, stream


def websocket() -> tuple[ServerDriver, StreamId]:
    driver = ServerDriver()
    stream = driver.accept()
    assert driver.say(stream, UPGRADE).startswith(b"HTTP/1.1 101 ")
    (opened,) = driver.take_events()
    assert isinstance(opened, PeerOpened)
    assert (opened.transport, opened.subprotocol) == ("websocket", "v12.stomp")
    assert opened.target == "/stomp?a=b"
    assert ("cookie", "canary") in opened.headers
    return driver, stream


def test_octets_go_both_ways() -> None:
    driver, stream = plain()
    driver.machine.send(PeerId(1), b"CONNECTED\n\n\0", driver.now)
    driver.drain()
    assert driver.machine.unsent(PeerId(1)) == 12
    assert driver.pull(stream, 5) == b"CONNECTED\n\n\0"
    driver.feed(stream, b"SEND\n")
    assert driver.take_events() == [PeerData(PeerId(1), b"SEND\n")]
    driver, stream = websocket()
    driver.machine.send(PeerId(1), b"a", driver.now)
    assert driver.pull(stream) == text(b"a")
    assert driver.say(stream, text(b"b", mask=KEY) + ping(b"p", mask=KEY)) == pong(b"p")
    assert driver.take_events() == [PeerData(PeerId(1), b"b")]


def test_the_end_of_the_stream_is_the_end_of_the_peer() -> None:
    driver, stream = plain()
    driver.eof(stream)
    assert driver.take_actions() == [CloseStream(stream)]
    assert driver.take_events() == []
    driver.lose(stream)
    assert driver.take_events() == [
        PeerClosed(PeerId(1), LinkClosed(True, Phase.OPEN, "The peer closed the connection"))
    ]


def test_a_stream_that_breaks_ends_the_peer_with_its_reason() -> None:
    driver, stream = websocket()
    driver.lose(stream, StreamLoss.RESET, "connection reset by peer")
    (gone,) = driver.take_events()
    assert isinstance(gone, PeerClosed)
    assert gone.how.loss is StreamLoss.RESET
    assert gone.how.reason == "the connection to 10.0.0.1:4711 broke (connection reset by peer)"


def test_a_websocket_that_is_refused_becomes_no_peer() -> None:
    driver = ServerDriver()
    stream = driver.accept(3)
    octets = request("Origin: https://evil.example", first="GET /stomp HTTP/1.1")
    assert driver.say(stream, octets).startswith(b"HTTP/1.1 403 ")
    assert driver.take_events() == [
        StreamRefused(
            "10.0.0.1:4711",
            3,
            "Pages of the origin 'https://evil.example' may not connect: allow it with origins= (--origin)",
            403,
        )
    ]
    assert stream in driver.ended


def test_the_websocket_closes_in_order_and_in_time() -> None:
    driver, stream = websocket()
    driver.machine.close(PeerId(1), driver.now)
    driver.drain()
    assert driver.pull(stream) == close(1000)
    driver.advance(10.0)
    assert driver.take_actions() == [CloseStream(stream)]
    driver.advance(10.0)
    assert driver.take_actions() == [CloseStream(stream, abort=True)]


def test_shutting_down_closes_the_link() -> None:
    driver, stream = websocket()
    driver.machine.shut_down(driver.now)
    driver.drain()
    assert driver.pull(stream) == close(1000)
    driver.say(stream, close(1000, mask=KEY))
    assert driver.machine.finished


@pytest.mark.parametrize("pieces", [65536, 50])
def test_what_was_answered_in_http_is_written_before_the_websocket(pieces: int) -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"GET /stomp HTTP/1.1\r\nHost: h\r\n\r\n" + UPGRADE + text(b"x", mask=KEY))
    driver.machine.send(PeerId(1), b"y", driver.now)
    assert driver.machine.unsent(PeerId(1)) > 200
    octets = driver.pull(stream, pieces)
    greeting, _, rest = octets.partition(b"Welcome to SockJS!\n")
    assert greeting.startswith(b"HTTP/1.1 200 ")
    assert rest.startswith(b"HTTP/1.1 101 ")
    assert rest.endswith(text(b"y"))
    assert driver.data() == b"x"
    assert driver.machine.unsent(PeerId(1)) == 0
