"""A stream of requests: one after the other, until one asks for a WebSocket, or the stream has to end."""

from __future__ import annotations

import pytest

from stomp_sansio.links.pages import Page
from stomp_sansio.links.peers import PeerData, PeerId, PeerOpened, StreamRefused
from stomp_sansio.links.sockjs_frames import PRELUDE
from stomp_sansio.machine import CloseStream, StreamLoss
from stomp_sansio.protocol.limits import Limits
from tests.links.server_help import HttpPeer, ServerDriver
from tests.links.websocket_help import KEY, request, text

GREETING = b"GET /stomp HTTP/1.1\r\nHost: example.com\r\n\r\n"


@pytest.mark.parametrize("cut", [None, 1, 50])
def test_requests_that_come_together_are_answered_in_order(cut: int | None) -> None:
    driver = ServerDriver()
    poll = b"POST /stomp/0/s/xhr HTTP/1.1\r\nHost: example.com\r\n\r\n"
    octets = driver.say(driver.accept(), GREETING + poll + poll + GREETING, cut)
    assert octets.count(b"HTTP/1.1 200 ") == 2
    assert octets.endswith(b"o\n")  # the second poll waits, and the greeting behind it
    driver.machine.send(PeerId(1), b"x", driver.now)
    driver.drain()
    driver.settle()
    (octets,) = (bytes(written) for written in driver.written.values())
    assert octets.count(b"HTTP/1.1 200 ") == 4
    assert octets.endswith(b"Welcome to SockJS!\n")


def test_a_client_that_closes_behind_its_request_gets_the_answer() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, GREETING)
    driver.eof(stream)
    assert driver.take_actions() == [CloseStream(stream)]
    assert driver.pull(stream).endswith(b"Welcome to SockJS!\n")
    assert not driver.machine.wants_read(stream)


def test_a_client_that_closes_while_an_answer_waits_gets_none() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.say(stream, b"POST /stomp/0/s/xhr HTTP/1.1\r\nHost: h\r\n\r\n")
    driver.say(stream, b"POST /stomp/0/s/xhr HTTP/1.1\r\nHost: h\r\n\r\n")
    driver.eof(stream)
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    driver.feed(stream, GREETING)
    assert driver.pull(stream) == b""


def test_a_client_that_takes_no_last_octets_is_cut_off() -> None:
    driver = ServerDriver(close_timeout=3.0)
    stream = driver.accept()
    driver.feed(stream, b"GET /stomp HTTP/1.0\r\nHost: h\r\n\r\n")
    assert driver.take_actions() == [CloseStream(stream)]
    assert driver.machine.next_deadline() == 3.0
    driver.advance(3.0)
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    assert driver.machine.next_deadline() is None


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET nonsense\r\n\r\n", b"400"),
        (b"POST /stomp/0/s/xhr_send HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_a_bad_request_is_told_once_and_ends_the_stream(octets: bytes, status: bytes) -> None:
    driver = ServerDriver()
    stream = driver.accept(4)
    assert driver.say(stream, octets).startswith(b"HTTP/1.1 " + status)
    (refused,) = driver.take_events()
    assert isinstance(refused, StreamRefused)
    assert refused.listener == 4
    assert stream in driver.ended


def test_slow_requests_end_in_time() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"GET /")
    driver.advance(10.0)
    assert driver.pull(stream).startswith(b"HTTP/1.1 408 ")
    assert driver.take_actions() == [CloseStream(stream)]


def test_threat_15_first_octets_and_head_have_their_time_together() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"GET")
    driver.advance(9.0)
    driver.feed(stream, b" /stomp HTTP/1.1\r\n")
    driver.advance(0.9)
    driver.feed(stream, b"Host: h\r\n")
    driver.advance(0.1)
    assert driver.pull(stream).startswith(b"HTTP/1.1 408 ")
    assert driver.take_actions() == [CloseStream(stream)]


def test_threat_15_a_further_head_has_its_own_time() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.get("/stomp")
    driver.advance(29.0)
    driver.feed(client.stream, b"GET /stomp HTTP/1.1\r\n")
    driver.advance(9.9)
    assert driver.take_actions() == []
    driver.advance(0.1)
    assert b"HTTP/1.1 408 " in driver.pull(client.stream)


def test_threat_15_blank_lines_before_a_request_are_no_sign_of_one() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.get("/stomp")
    for _ in range(3):
        driver.advance(9.0)
        driver.feed(client.stream, b"\r\n")
    driver.advance(3.0)
    assert [action.stream for action in driver.take_actions()] == [client.stream]


def test_a_stream_without_requests_ends_in_time() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.get("/stomp")
    driver.advance(30.0)
    driver.settle()
    assert client.stream in driver.ended


def test_shutting_down_waits_for_no_request() -> None:
    driver = ServerDriver()
    idle = HttpPeer(driver)
    idle.get("/stomp")
    half = driver.accept()
    driver.feed(half, b"GET /st")
    driver.machine.shut_down(driver.now)
    driver.drain()
    driver.feed(half, b"omp HTTP/1.1\r\nHost: h\r\n\r\n")
    driver.settle()
    assert set(driver.ended) == {idle.stream, half}
    assert driver.written[half] == b""
    assert driver.machine.finished


# Upgrades


@pytest.mark.parametrize("path", ["/stomp", "/stomp/", "/stomp/websocket", "/ws", "/sockjs/websocket"])
def test_the_base_url_and_its_websocket_carry_stomp_as_it_is(path: str) -> None:
    driver = ServerDriver()
    stream = driver.accept()
    answer = driver.say(
        stream,
        request("Sec-WebSocket-Protocol: v11.stomp", first=f"GET {path} HTTP/1.1") + text(b"a", mask=KEY),
    )
    assert b"v11.stomp" in answer
    opened, data = driver.take_events()
    assert isinstance(opened, PeerOpened)
    assert (opened.transport, opened.subprotocol, opened.target) == ("websocket", "v11.stomp", path)
    assert data == PeerData(PeerId(1), b"a")
    assert driver.machine.carries(PeerId(1), b"\xff")


def test_the_websocket_of_a_session_has_sockjs_frames() -> None:
    driver = ServerDriver(limits=Limits(max_body=10))
    stream = driver.accept()
    octets = request("Sec-WebSocket-Protocol: v11.stomp", first="GET /stomp/000/s/websocket HTTP/1.1")
    answer = driver.say(stream, octets + text(b'["a"]', mask=KEY))
    assert b"v11.stomp" not in answer
    assert answer.endswith(text(b"o"))
    driver.machine.send(PeerId(1), b"x", driver.now)
    assert driver.pull(stream) == text(b'a["x"]')
    assert not driver.machine.carries(PeerId(1), b"\xff")
    assert driver.data() == b"a"
    # A session over WebSocket lives as long as that: the same id again is another session.
    assert HttpPeer(driver).post("/stomp/000/s/xhr").body == b"o\n"
    assert driver.peers() == [PeerId(1), PeerId(2)]
    driver.advance(25.0)
    assert driver.pull(stream) == text(b"h")
    escaped = text(b'["' + b"\\u0000" * 40_970 + b'"]', mask=KEY)
    driver.say(stream, escaped)
    assert driver.data() == b"a" + b"\0" * 40_970


@pytest.mark.parametrize(
    ("path", "status"), [("/other", 404), ("/stomp/a", 404), ("/stomp/info", 200), ("/stomp/a/b/xhr", 405)]
)
def test_an_upgrade_elsewhere_is_a_request_like_any_other(path: str, status: int) -> None:
    driver = ServerDriver()
    stream = driver.accept()
    octets = request("Content-Length: 2", first=f"GET {path} HTTP/1.1")
    answer = driver.say(stream, octets + b"hi" + GREETING)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.endswith(b"Welcome to SockJS!\n")
    assert driver.events == []


def test_threat_10_an_upgrade_from_another_origin_is_refused_on_a_listener_with_tls_too() -> None:
    driver = ServerDriver(tls_listeners={1})
    octets = request("Origin: http://example.com", first="GET /stomp HTTP/1.1")
    assert driver.say(driver.accept(0), octets).startswith(b"HTTP/1.1 101 ")
    assert driver.say(driver.accept(1), octets).startswith(b"HTTP/1.1 403 ")


def test_a_receiver_that_becomes_a_websocket_is_forgotten() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.post("/stomp/0/s/xhr")
    driver.say(client.stream, request(first="GET /stomp HTTP/1.1"))
    driver.lose(client.stream, StreamLoss.RESET)
    assert [gone.peer for gone in driver.gone()] == [PeerId(2)]
    assert HttpPeer(driver).post("/stomp/0/s/xhr_streaming").body == PRELUDE


# Pages


PAGES = {"/": Page("text/html", b"<p>tea"), "/stomp": Page("text/html", b"<p>never")}


@pytest.mark.parametrize("cut", [None, 1])
def test_a_page_is_answered_where_the_service_has_nothing(cut: int | None) -> None:
    client = HttpPeer(ServerDriver(pages=PAGES))
    answer = client.request("GET", "/?tea=1", cut=cut)
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"<p>tea", "text/html")
    assert answer.header("x-content-type-options") == "nosniff"
    head = client.request("HEAD", "/", cut=cut)
    assert (head.status, head.body, head.header("content-length")) == (200, b"", "6")
    assert client.post("/").status == 405
    assert client.get("/tea").status == 404
    assert client.get("/stomp").body == b"Welcome to SockJS!\n"


def test_a_page_is_no_place_for_a_websocket() -> None:
    driver = ServerDriver(pages=PAGES)
    answer = driver.say(driver.accept(), request(first="GET / HTTP/1.1"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert driver.events == []


@pytest.mark.parametrize(("host", "status"), [(b"example.com", b"421"), (b"localhost:1", b"200")])
def test_threat_10_a_page_is_shown_under_a_name_of_the_server_alone(host: bytes, status: bytes) -> None:
    driver = ServerDriver(pages=PAGES)
    stream = driver.accept(address="127.0.0.1:4711")
    asked = b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host
    # The stream goes on: the next request may be one for the service.
    octets = driver.say(stream, asked + GREETING)
    assert octets.startswith(b"HTTP/1.1 %b " % status)
    assert octets.endswith(b"Welcome to SockJS!\n")
    assert [type(event) for event in driver.events] == [StreamRefused] * (status == b"421")


def test_threat_10_a_page_of_another_origin_may_still_not_connect() -> None:
    driver = ServerDriver(pages=PAGES)
    octets = request("Origin: https://evil.example", first="GET /stomp HTTP/1.1")
    assert driver.say(driver.accept(), octets).startswith(b"HTTP/1.1 403 ")
    answer = HttpPeer(driver).post("/stomp/0/s/xhr", headers=[("Origin", "https://evil.example")])
    assert answer.status == 403


def test_threat_4_who_asks_and_does_not_read_makes_us_hold_little() -> None:
    page = b"x" * 100_000
    driver = ServerDriver(pages={"/": Page("text/plain", page)})
    stream = driver.accept()
    asked = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 100
    driver.feed(stream, asked)
    assert not driver.machine.wants_read(stream)
    octets = driver.machine.data_to_send(stream, 0.0, 65_536)
    driver.drain()
    # The next request is looked at once everything is written, and not before.
    while piece := driver.machine.data_to_send(stream, 0.0, len(page)):
        driver.drain()
        assert len(piece) <= len(page)
        octets += piece
    assert octets.count(b"HTTP/1.1 200 OK\r\n") == 100
    assert octets.endswith(page)
    assert driver.machine.wants_read(stream)


def test_an_answer_that_is_under_way_stops_no_reading() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.post("/stomp/0/s/xhr_streaming")
    (peer,) = driver.peers()
    driver.machine.send(peer, b"x" * 100_000, driver.now)
    driver.drain()
    assert driver.machine.wants_read(client.stream)
