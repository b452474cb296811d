"""The way of a stream: TCP, proxy, TLS, in this order, and what each step's failure means."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.links.opening import Route, StreamOpening, lost_stream, route_to
from stomp_sansio.links.proxy import Proxy
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import (
    OpenStream,
    StartTLS,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSWish,
    UnixAddress,
)
from stomp_sansio.protocol.limits import Limits

STREAM = StreamId(1)
PROXY = Proxy(host="proxy", port=3128)
ESTABLISHED = b"HTTP/1.1 200 OK\r\n\r\n"


def opening(url: str, proxy: Proxy | None = None) -> StreamOpening:
    return StreamOpening(STREAM, route_to(parse_url(url), proxy=proxy), Limits.client())


def test_a_route_names_server_tls_and_proxy():
    assert route_to(parse_url("ws://h")) == Route(TCPAddress("h", 80))
    assert route_to(parse_url("wss://h"), proxy=PROXY) == Route(TCPAddress("h", 443), TLSWish("h"), PROXY)
    assert route_to(parse_url("wss://h"), server_name="n").tls == TLSWish("n")
    assert route_to(parse_url("ws://h"), server_name="n").tls is None
    assert route_to(parse_url("stomp+unix:///s"), proxy=PROXY) == Route(UnixAddress("/s"))


def test_without_a_proxy_the_stream_is_ready_when_it_has_opened():
    one = opening("ws://h")
    assert one.open_wish == OpenStream(STREAM, TCPAddress("h", 80))
    assert (one.phase, one.ready, one.wants_read, one.unsent, one.status) == (
        Phase.TCP,
        False,
        False,
        0,
        None,
    )
    assert one.opened() is None
    assert one.ready
    assert one.data_to_send(100) == b""
    assert one.leftover == b""


def test_tls_begins_when_the_stream_has_opened():
    one = opening("wss://h")
    assert one.open_wish == OpenStream(STREAM, TCPAddress("h", 443))
    assert one.opened() == StartTLS(STREAM, TLSWish("h"))
    assert (one.phase, one.ready, one.wants_read) == (Phase.TLS, False, False)
    assert one.data_to_send(100) == b""
    one.tls_started()
    assert one.ready


def test_a_stream_that_is_lost_while_tls_begins():
    one = opening("stomps://h")
    one.opened()
    closed = one.lost(StreamLoss.RESET, "")
    assert (closed.phase, closed.loss) == (Phase.TLS, StreamLoss.RESET)


def test_through_a_proxy_without_tls():
    one = opening("stomp://h", PROXY)
    assert one.open_wish == OpenStream(STREAM, TCPAddress("proxy", 3128))
    assert one.data_to_send(100) == b"", "nothing is written before the stream has opened"
    assert one.opened() is None
    assert (one.phase, one.ready, one.wants_read) == (Phase.PROXY, False, True)
    assert one.unsent > 0
    assert one.data_to_send(1000).startswith(b"CONNECT h:61613 ")
    assert one.receive_data(ESTABLISHED[:5]) is None
    assert not one.ready
    assert one.receive_data(ESTABLISHED[5:] + b"early") is None
    assert one.ready
    assert one.leftover == b"early"


def test_through_a_proxy_with_tls():
    one = opening("stomps://h", PROXY)
    assert one.open_wish == OpenStream(STREAM, TCPAddress("proxy", 3128))
    one.opened()
    assert one.receive_data(ESTABLISHED) == StartTLS(STREAM, TLSWish("h"))
    assert (one.phase, one.ready, one.wants_read) == (Phase.TLS, False, False)
    assert one.data_to_send(1000) == b""
    one.tls_started()
    assert one.ready


def test_octets_behind_the_answer_are_a_fault_before_tls():
    one = opening("stomps://h", PROXY)
    one.opened()
    with pytest.raises(RemoteProtocolError) as raised:
        one.receive_data(ESTABLISHED + b"\x16\x03")
    assert raised.value.fault is LinkFault.BAD_HANDSHAKE
    assert "2 octets" in str(raised.value)


def test_octets_while_tls_begins_are_a_fault():
    one = opening("stomps://h", PROXY)
    one.opened()
    one.receive_data(ESTABLISHED)
    with pytest.raises(RemoteProtocolError) as raised:
        one.receive_data(b"x")
    assert raised.value.fault is LinkFault.BAD_HANDSHAKE


def test_octets_before_the_stream_has_opened_are_a_fault():
    with pytest.raises(RemoteProtocolError):
        opening("stomp://h").receive_data(b"x")


def test_a_refusal_has_its_status():
    one = opening("stomp://h", PROXY)
    one.opened()
    with pytest.raises(RemoteProtocolError):
        one.receive_data(b"HTTP/1.1 407 Who\r\n\r\n")
    assert one.status == 407


def test_the_end_of_the_stream_on_the_way():
    one = opening("stomps://h", PROXY)
    one.opened()
    assert one.receive_eof().fault is LinkFault.TRUNCATED
    assert "proxy" in str(one.receive_eof())
    one.receive_data(ESTABLISHED)
    assert "TLS" in str(one.receive_eof())


LOSSES = [
    ("stomp://h", StreamLoss.UNRESOLVED, Phase.DNS, "h:61613 could not be resolved"),
    ("stomp://[::1]", StreamLoss.REFUSED, Phase.TCP, "nobody accepted the connection to [::1]:61613"),
    ("stomp+unix:///run/s", StreamLoss.REFUSED, Phase.TCP, "the connection to /run/s"),
    ("stomps://h", StreamLoss.TLS_FAILED, Phase.TLS, "speaks TLS"),
    ("stomps://h", StreamLoss.CERTIFICATE_REFUSED, Phase.TLS, "SSL context"),
    ("stomps://h", StreamLoss.TRUNCATED, Phase.TCP, "closing alert"),
    ("stomp://h", StreamLoss.RESET, Phase.TCP, "broke"),
    ("stomp://h", StreamLoss.TIMEOUT, Phase.TCP, "did not answer in time"),
    ("stomp://h", StreamLoss.CLOSED, Phase.TCP, "was closed"),
]


@pytest.mark.parametrize(("url", "why", "phase", "sentence"), LOSSES)
def test_every_loss_has_its_phase_and_its_sentence(url: str, why: StreamLoss, phase: Phase, sentence: str):
    closed = opening(url).lost(why, "")
    assert (closed.clean, closed.phase, closed.loss) == (False, phase, why)
    assert sentence in closed.reason


def test_a_loss_names_who_was_lost():
    one = opening("stomps://h", PROXY)
    assert "proxy:3128 (the proxy)" in one.lost(StreamLoss.UNRESOLVED, "").reason
    one.opened()
    reset = one.lost(StreamLoss.RESET, "errno 104")
    assert reset.phase is Phase.PROXY
    assert reset.reason == "the connection to proxy:3128 (the proxy) broke (errno 104)"
    one.receive_data(ESTABLISHED)
    refused = one.lost(StreamLoss.CERTIFICATE_REFUSED, "self-signed")
    assert "h:61614" in refused.reason
    assert "proxy:3128" not in refused.reason


def test_a_loss_of_an_open_link():
    assert lost_stream(Phase.OPEN, StreamLoss.RESET, "", "h:1") == LinkClosed(
        False, Phase.OPEN, "the connection to h:1 broke", loss=StreamLoss.RESET
    )
