"""`WebSocketLink` as a driver sees it: wishes, octets, the end; client and accepted side."""

from __future__ import annotations

from itertools import count

import pytest

from stomp_sansio.errors import InvalidURI, LinkFault, LocalProtocolError
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.origin import OriginPolicy
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.url import parse_url
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import CloseStream, OpenStream, StreamId, StreamLoss, TCPAddress, TLSWish
from tests.links.driver import MemoryDriver, closing, data_of
from tests.links.websocket_help import KEY, binary, close, frame, request, response, text, unframed

Driver = MemoryDriver[LinkEvent]


def stream_ids(first: int = 1):
    return (StreamId(number) for number in count(first))


def client(url: str = "ws://example.com/ws", **options) -> Driver:
    options.setdefault("masking_key", lambda: KEY)
    link = WebSocketLink(parse_url(url), stream_ids=stream_ids(), **options)
    link.start(0.0)
    return MemoryDriver(link)


def opened(**options) -> tuple[WebSocketLink, Driver, StreamId]:
    options.setdefault("masking_key", lambda: KEY)
    link = WebSocketLink(parse_url("ws://example.com/ws"), stream_ids=stream_ids(), **options)
    link.start(0.0)
    driver: Driver = MemoryDriver(link)
    stream = driver.wish().stream
    driver.opened(stream)
    driver.feed(stream, response(driver.pull(stream)))
    assert driver.take_events() == [LinkOpened("websocket")]
    return link, driver, stream


def test_is_a_link() -> None:
    link: Link = WebSocketLink(parse_url("ws://h"), stream_ids=stream_ids())
    assert link.carries(b"\xff\0")


@pytest.mark.parametrize(
    ("url", "address", "host", "target"),
    [
        ("ws://example.com", TCPAddress("example.com", 80), "example.com", "/"),
        ("wss://example.com/ws?a=b", TCPAddress("example.com", 443), "example.com", "/ws?a=b"),
        ("ws://[::1]:8080/", TCPAddress("::1", 8080), "[::1]:8080", "/"),
    ],
)
def test_wishes_for_a_stream_and_asks_for_an_upgrade_on_it(
    url: str, address: TCPAddress, host: str, target: str
) -> None:
    driver = client(url)
    wish = driver.wish()
    assert wish == OpenStream(StreamId(1), address)
    assert driver.machine.data_to_send(wish.stream, 0.0) == b""
    assert driver.come_up(wish.stream) == (TLSWish("example.com") if url.startswith("wss") else None)
    lines = driver.pull(wish.stream).decode().split("\r\n")
    assert lines[0] == f"GET {target} HTTP/1.1"
    assert f"Host: {host}" in lines


def test_the_name_of_the_certificate_may_be_another() -> None:
    driver = client("wss://10.0.0.1/", server_name="broker.example")
    assert driver.come_up(driver.wish().stream) == TLSWish("broker.example")


def test_goes_through_a_proxy() -> None:
    driver = client("wss://example.com/ws", proxy=parse_proxy("http://proxy.example:3128"))
    wish = driver.wish()
    assert wish.address == TCPAddress("proxy.example", 3128)
    driver.opened(wish.stream)
    assert driver.pull(wish.stream).startswith(b"CONNECT example.com:443 HTTP/1.1\r\n")
    driver.feed(wish.stream, b"HTTP/1.1 200 OK\r\n\r\n")
    assert driver.tls_wish().tls == TLSWish("example.com")
    driver.tls_started(wish.stream)
    driver.feed(wish.stream, response(driver.pull(wish.stream)))
    assert driver.take_events() == [LinkOpened("websocket")]


def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidURI, match="write ws:// or wss://"):
        client("https://example.com/ws")


def test_a_header_that_cannot_be_sent_is_refused_when_the_link_is_built() -> None:
    with pytest.raises(LocalProtocolError, match="'Host' is set by the library"):
        client(headers=[("Host", "x")])


def test_carries_stomp_both_ways_and_closes_cleanly() -> None:
    link, driver, stream = opened()
    link.send(b"CONNECT\n\n\0", driver.now)
    driver.drain()
    assert driver.pull(stream) == text(b"CONNECT\n\n\0", mask=KEY)
    driver.feed(stream, text(b"CONNECTED\n\n\0") + text(b"\n") + binary(b"\xff"), 3)
    assert driver.take_events() == [LinkData(b"CONNECTED\n\n\0"), LinkData(b"\n"), LinkData(b"\xff")]
    link.close(driver.now)
    driver.drain()
    assert driver.pull(stream)[:2] == b"\x88\x82"
    assert driver.take_actions() == []
    driver.feed(stream, close(1000))
    assert driver.close_wish() == CloseStream(stream)
    driver.lose(stream)
    assert driver.take_events() == [
        LinkClosed(True, Phase.OPEN, "Both sides closed the WebSocket, code 1000", code=1000)
    ]
    assert link.finished


def test_octets_of_rabbitmq_that_are_no_utf8_in_text_messages_are_delivered() -> None:
    _, driver, stream = opened()
    driver.feed(stream, text(b"MESSAGE\n\n\xff\0") + text(b"\xfe", fin=False) + frame(0, b"\xfd"))
    assert data_of(driver.take_events()) == b"MESSAGE\n\n\xff\0\xfe\xfd"


def test_the_options_reach_the_messages() -> None:
    link, driver, stream = opened(binary=True, split_above=5)
    link.send(b"1234567", driver.now)
    assert list(unframed(driver.pull(stream), KEY)) == [(2, b"12345"), (2, b"67")]


def test_without_a_masking_key_wsproto_masks() -> None:
    link, driver, stream = opened(masking_key=None)
    link.send(b"abc", driver.now)
    octets = driver.pull(stream)
    assert list(unframed(octets, octets[2:6])) == [(1, b"abc")]


def test_a_fault_is_answered_before_the_stream_ends() -> None:
    link, driver, stream = opened()
    driver.feed(stream, text(b"x", mask=KEY))
    assert driver.close_wish() == CloseStream(stream)
    assert driver.pull(stream)[:1] == b"\x88"
    driver.lose(stream)
    end = closing(driver.take_events())
    assert end.error is not None
    assert end.error.fault is LinkFault.PROTOCOL_ERROR
    assert (end.code, end.clean, link.finished) == (1002, False, True)


def test_a_refusal_reports_the_status_and_what_to_do() -> None:
    driver = client()
    stream = driver.wish().stream
    driver.opened(stream)
    driver.pull(stream)
    driver.feed(stream, b"HTTP/1.1 200 OK\r\n\r\nWelcome to SockJS!\n")
    driver.close_wish()
    driver.lose(stream)
    end = closing(driver.take_events())
    assert (end.status, end.phase) == (200, Phase.UPGRADE)
    assert "If this is a SockJS endpoint, use http(s):// instead of ws(s)://" in end.reason


@pytest.mark.parametrize("offset", range(0, 130, 13))
def test_a_reset_in_the_hand_shake_is_one_error(offset: int) -> None:
    driver = client()
    stream = driver.wish().stream
    driver.opened(stream)
    octets = response(driver.pull(stream))
    assert len(octets) > 118
    driver.feed(stream, octets[:offset])
    driver.lose(stream, StreamLoss.RESET, "connection reset by peer")
    events = driver.take_events()
    end = closing(events)
    assert end.loss is StreamLoss.RESET
    assert "connection reset by peer" in end.reason


def test_a_peer_that_does_not_answer_the_close_costs_no_more_than_the_timeout() -> None:
    link, driver, stream = opened(close_timeout=3.0)
    link.close(driver.now)
    driver.drain()
    driver.pull(stream)
    driver.advance(3.0)
    assert driver.close_wish() == CloseStream(stream)
    driver.lose(stream)
    assert not closing(driver.take_events()).clean


# The accepted side


def accepted(**options) -> tuple[Driver, StreamId]:
    stream = StreamId(7)
    link = WebSocketLink.accepted(stream, 0.0, peer="10.0.0.9:1234", **options)
    return MemoryDriver(link, accepted=[stream]), stream


def test_an_accepted_stream_answers_the_upgrade_and_carries_stomp() -> None:
    driver, stream = accepted()
    driver.feed(stream, request("Sec-WebSocket-Protocol: v11.stomp, v12.stomp") + text(b"a", mask=KEY), 50)
    assert driver.take_events() == [LinkOpened("websocket", "v12.stomp"), LinkData(b"a")]
    assert driver.pull(stream).startswith(b"HTTP/1.1 101 ")
    driver.feed(stream, close(1001, mask=KEY))
    assert driver.pull(stream) == close(1001)
    assert driver.close_wish() == CloseStream(stream)


def test_an_accepted_stream_is_refused_by_path_origin_and_time() -> None:
    options = {
        "accept_path": lambda target: target == "/stomp",
        "origins": OriginPolicy(["https://a.example"]),
    }
    for octets, answer in (
        (request(), b"HTTP/1.1 404 "),
        (request("Origin: http://a.example", first="GET /stomp HTTP/1.1"), b"HTTP/1.1 403 "),
        (request("Origin: https://a.example", first="GET /stomp HTTP/1.1"), b"HTTP/1.1 101 "),
    ):
        driver, stream = accepted(**options)
        driver.feed(stream, octets)
        assert driver.pull(stream).startswith(answer)
    driver, stream = accepted(handshake_timeout=2.0)
    driver.advance(2.0)
    assert driver.close_wish() == CloseStream(stream)


def test_a_stream_with_tls_takes_no_page_without() -> None:
    driver, stream = accepted(secure=True)
    driver.feed(stream, request("Origin: http://example.com"))
    assert driver.pull(stream).startswith(b"HTTP/1.1 403 ")


def test_a_server_refuses_text_that_is_no_utf8() -> None:
    driver, stream = accepted()
    driver.feed(stream, request())
    driver.pull(stream)
    driver.feed(stream, text(b"\xff", mask=KEY))
    assert driver.pull(stream)[2:4] == (1007).to_bytes(2, "big")


@pytest.mark.parametrize("cut", [None, 1, 11])
def test_both_sides_of_the_library_understand_each_other(cut: int | None) -> None:
    ours, stream = client(split_above=100), StreamId(1)
    ours.opened(ours.wish().stream)
    theirs, other = accepted(subprotocols=["v12.stomp"])
    link = ours.machine
    assert isinstance(link, WebSocketLink)
    theirs.feed(other, ours.pull(stream), cut)
    ours.feed(stream, theirs.pull(other), cut)
    link.send("€".encode() * 1000, ours.now)
    theirs.feed(other, ours.pull(stream), cut)
    assert data_of(theirs.take_events()) == "€".encode() * 1000
    assert ours.take_events() == [LinkOpened("websocket", "v12.stomp")]
