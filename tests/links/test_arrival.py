"""Streams are told apart by their first octets, however they come; those that say nothing are ended."""

from __future__ import annotations

import pytest

from stomp_sansio.links.arrival import FirstOctets, recognize
from stomp_sansio.links.peers import PeerData, PeerId, PeerOpened, StreamRefused
from stomp_sansio.machine import CloseStream, StreamLoss
from tests.links.server_help import ServerDriver
from tests.links.websocket_help import request


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"", None),
        (b"C", None),
        (b"CONNECT", None),
        (b"CONNECT\n", FirstOctets.PLAIN),
        (b"CONNECT\r\n", FirstOctets.PLAIN),
        (b"CONNECT example.com:443 HTTP/1.1", FirstOctets.HTTP),
        (b"CONNECTED", FirstOctets.PLAIN),
        (b"S", FirstOctets.PLAIN),
        (b"STOMP\n", FirstOctets.PLAIN),
        (b"\n", FirstOctets.PLAIN),
        (b"\r\n\r\nCONNECT\n", FirstOctets.PLAIN),
        (b"\x00", FirstOctets.PLAIN),
        (b"G", None),
        (b"GET ", FirstOctets.HTTP),
        (b"GETT", FirstOctets.PLAIN),
        (b"PO", None),
        (b"POST /", FirstOctets.HTTP),
        (b"OPTIONS *", FirstOctets.HTTP),
        (b"P", None),
        (b"PRI * HTTP/2.0", FirstOctets.PLAIN),
        (b"\x16\x03\x01", FirstOctets.TLS),
        (b"get / ", FirstOctets.PLAIN),
    ],
)
def test_the_first_octets_say_what_a_stream_is(octets: bytes, kind: FirstOctets | None) -> None:
    assert recognize(octets) is kind


@pytest.mark.parametrize("cut", [None, 1])
def test_plain_stomp_is_a_peer_with_all_its_octets(cut: int | None) -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"CONNECT\naccept-version:1.2\n\n\0", cut)
    opened = driver.take_events()[0] if cut is None else driver.events[0]
    assert opened == PeerOpened(PeerId(1), "tcp", "10.0.0.1:4711", 0)
    if cut is not None:
        assert driver.data() == b"CONNECT\naccept-version:1.2\n\n\0"


def test_http_is_answered() -> None:
    driver = ServerDriver()
    assert driver.say(driver.accept(), b"GET /stomp HTTP/1.1\r\nHost: h\r\n\r\n", 1).startswith(
        b"HTTP/1.1 200 "
    )
    assert driver.say(driver.accept(), request(first="GET /stomp HTTP/1.1"), 7).startswith(b"HTTP/1.1 101 ")


def test_tls_on_a_port_without_is_refused_with_what_to_do() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"\x16\x03\x01\x02\x00\x01")
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    (refused,) = driver.take_events()
    assert isinstance(refused, StreamRefused)
    assert "connect to the port that has it" in refused.reason
    driver.feed(stream, b"more")
    assert not driver.machine.wants_read(stream)
    assert driver.events == []


@pytest.mark.parametrize("octets", [b"", b"CONNECT"])
def test_a_stream_that_does_not_say_what_it_is_ends_in_time(octets: bytes) -> None:
    driver = ServerDriver(first_octets_timeout=10.0)
    stream = driver.accept(2)
    driver.feed(stream, octets)
    driver.advance(9.9)
    assert driver.take_actions() == []
    assert driver.machine.wants_read(stream)
    driver.advance(0.1)
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    assert driver.take_events() == [StreamRefused("10.0.0.1:4711", 2, "It did not say in time what it is")]
    driver.lose(stream)
    assert driver.machine.next_deadline() is None


def test_a_timeout_that_comes_early_does_no_harm() -> None:
    driver = ServerDriver()
    driver.accept()
    driver.machine.handle_timeout(1.0)
    driver.drain()
    assert driver.events == []


def test_the_end_of_a_silent_stream_is_the_end() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.eof(stream)
    driver.eof(stream)
    assert driver.take_actions() == [CloseStream(stream, abort=True)]
    assert driver.machine.data_to_send(stream, driver.now) == b""
    driver.lose(stream)
    assert driver.take_events() == []


@pytest.mark.parametrize("why", [StreamLoss.TLS_FAILED, StreamLoss.CERTIFICATE_REFUSED])
def test_tls_that_fails_is_told(why: StreamLoss) -> None:
    driver = ServerDriver()
    failed, other = driver.accept(), driver.accept()
    driver.machine.stream_lost(failed, why, driver.now, "unknown ca")
    driver.machine.stream_lost(other, StreamLoss.RESET, driver.now, "it went away")
    assert [driver.machine.next_event(), driver.machine.next_event()] == [
        StreamRefused("10.0.0.1:4711", 0, "TLS failed: unknown ca"),
        None,
    ]


def test_octets_are_data_only_once_it_is_a_peer() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.feed(stream, b"CONN")
    assert driver.take_events() == []
    driver.feed(stream, b"ECT\n")
    assert driver.take_events()[1] == PeerData(PeerId(1), b"CONNECT\n")


def test_shutting_down_ends_a_silent_stream() -> None:
    driver = ServerDriver()
    stream = driver.accept()
    driver.machine.shut_down(driver.now)
    driver.drain()
    assert driver.take_actions() == [CloseStream(stream, abort=True)]


def test_the_service_moves_no_stream_that_has_said_nothing() -> None:
    driver = ServerDriver()
    driver.accept()
    driver.say(driver.accept(), b"GET /stomp HTTP/1.1\r\nHost: h\r\n\r\n")
    assert driver.events == []
