"""Plain STOMP: the octets pass as they are, in both directions, to the clean or unclean end."""

from __future__ import annotations

from itertools import count

from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSWish,
    UnixAddress,
)
from tests.links.driver import MemoryDriver, closing, data_of


def stream_ids(first: int = 1):
    return (StreamId(number) for number in count(first))


def client(url: str = "stomp://broker.example", **options) -> tuple[PlainLink, MemoryDriver[LinkEvent]]:
    link = PlainLink(parse_url(url), stream_ids=stream_ids(), **options)
    link.start(0.0)
    return link, MemoryDriver(link)


def opened(
    url: str = "stomp://broker.example", **options
) -> tuple[PlainLink, MemoryDriver[LinkEvent], StreamId]:
    link, driver = client(url, **options)
    stream = driver.wish().stream
    driver.opened(stream)
    assert driver.take_events() == [LinkOpened("tcp")]
    return link, driver, stream


def test_is_a_link() -> None:
    link: Link = PlainLink(parse_url("stomp://h"), stream_ids=stream_ids())
    assert link.carries(b"\xff\x00")
    assert not link.finished


def test_wishes_for_one_stream_to_the_endpoint() -> None:
    _, driver = client("stomp://broker.example:1234")
    assert driver.take_actions() == [OpenStream(StreamId(1), TCPAddress("broker.example", 1234))]


def test_wishes_for_tls_with_the_name_of_the_host_or_the_one_given() -> None:
    for url, options in (
        ("stomps://broker.example", {}),
        ("stomps://10.0.0.1", {"server_name": "broker.example"}),
    ):
        link, driver = client(url, **options)
        assert driver.come_up(driver.wish().stream) == TLSWish("broker.example")
        assert driver.take_events() == [LinkOpened("tcp")]
        assert link.phase is Phase.OPEN


def test_a_unix_socket_is_reached_without_a_proxy() -> None:
    _, driver = client("stomp+unix:///run/broker.sock", proxy=parse_proxy("http://proxy"))
    assert driver.wish().address == UnixAddress("/run/broker.sock")


def test_a_proxy_is_reached_first() -> None:
    _, driver = client(proxy=parse_proxy("http://proxy.example:3128"))
    assert driver.wish().address == TCPAddress("proxy.example", 3128)


def test_octets_pass_both_ways() -> None:
    link, driver, stream = opened()
    link.send(b"CONNECT\n\n\0", driver.now)
    assert link.unsent == 10
    assert driver.pull(stream, max_bytes=4) == b"CONNECT\n\n\0"
    assert link.unsent == 0
    driver.feed(stream, b"CONNECTED\n\n\0\xff", cut=3)
    assert data_of(driver.take_events()) == b"CONNECTED\n\n\0\xff"


def test_the_peer_closing_is_a_clean_end() -> None:
    _, driver, stream = opened()
    driver.eof(stream)
    assert driver.close_wish() == CloseStream(stream)
    driver.lose(stream)
    assert driver.take_events() == [LinkClosed(True, Phase.OPEN, "The peer closed the connection")]
    assert driver.machine.finished


def test_closing_writes_what_is_queued_first() -> None:
    link, driver, stream = opened()
    link.send(b"DISCONNECT\n\n\0", driver.now)
    link.close(driver.now)
    driver.drain()
    assert driver.close_wish() == CloseStream(stream)
    assert driver.pull(stream) == b"DISCONNECT\n\n\0"
    driver.lose(stream)
    assert driver.take_events() == [LinkClosed(True, Phase.OPEN, "This side closed the connection")]


def test_an_accepted_stream_is_open_at_once() -> None:
    stream = StreamId(7)
    link = PlainLink.accepted(stream, 0.0)
    driver: MemoryDriver[LinkEvent] = MemoryDriver(link, accepted=[stream])
    driver.feed(stream, b"CONNECT\n\n\0")
    assert driver.take_events() == [LinkOpened("tcp"), LinkData(b"CONNECT\n\n\0")]
    link.send(b"CONNECTED\n\n\0", 0.0)
    assert driver.pull(stream) == b"CONNECTED\n\n\0"
    link.pause_reading(0.0)
    assert not link.wants_read(stream)
    link.resume_reading(0.0)
    assert link.wants_read(stream)
    driver.lose(stream, StreamLoss.RESET)
    assert not closing(driver.take_events()).clean


def test_waits_for_nothing() -> None:
    link, driver, stream = opened()
    assert link.next_deadline() is None
    driver.advance(1e9)
    link.handle_timeout(driver.now)
    assert driver.take_events() == []
    assert link.wants_read(stream)


def test_no_octets_say_nothing() -> None:
    _, driver, stream = opened()
    driver.machine.receive_data(stream, b"", driver.now)
    driver.drain()
    assert driver.take_events() == []


def test_its_octets_may_be_written_and_read_on_the_stream_itself_while_that_is_open() -> None:
    link, driver = client()
    assert link.passage is None
    stream = driver.wish().stream
    assert link.passage is None
    driver.opened(stream)
    assert link.passage == stream
    link.send(b"the last", 0.0)
    link.close(0.0)
    assert link.passage is None


def test_those_of_an_accepted_stream_too() -> None:
    stream = StreamId(-3)
    link = PlainLink.accepted(stream, 0.0)
    assert link.passage == stream
    link.receive_eof(stream, 0.0)
    assert link.passage is None
