"""A stream for HTTP: the request waits for the way up, then the responses are read."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.http_client import ResponseData, ResponseEnd, ResponseHead
from stomp_sansio.links.http_stream import HttpStream
from stomp_sansio.links.link import Phase
from stomp_sansio.links.opening import route_to
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import OpenStream, StartTLS, StreamId, StreamLoss, TCPAddress, TLSWish
from stomp_sansio.protocol.limits import Limits

STREAM = StreamId(3)
ESTABLISHED = b"HTTP/1.1 200 OK\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def stream(url: str = "http://h:8080/x", proxy: str | None = None) -> HttpStream:
    route = route_to(parse_url(url), proxy=None if proxy is None else parse_proxy(proxy))
    return HttpStream(STREAM, route, Limits.client())


def ask(one: HttpStream, body: bytes | None = None) -> None:
    one.request("POST", parse_url("http://h:8080/x?y"), [(b"X-A", b"b")], body)


def test_a_request_waits_until_the_stream_is_ready():
    one = stream()
    assert one.open_wish == OpenStream(STREAM, TCPAddress("h", 8080))
    assert one.idle
    ask(one, b"")
    assert not one.idle
    assert one.unsent > 0
    assert one.data_to_send(100) == b""
    assert (one.ready, one.phase, one.wants_read) == (False, Phase.TCP, False)
    one.opened()
    assert (one.ready, one.phase, one.wants_read) == (True, None, True)
    expected = b"POST /x?y HTTP/1.1\r\nHost: h:8080\r\nX-A: b\r\nContent-Length: 0\r\n\r\n"
    assert one.data_to_send(10) + one.data_to_send(1000) == expected
    assert one.unsent == 0
    one.receive_data(ANSWER)
    assert [type(one.next_event()) for _ in range(3)] == [ResponseHead, ResponseData, ResponseEnd]
    assert one.next_event() is None
    assert one.idle


def test_a_request_without_a_body_announces_none():
    one = stream()
    one.opened()
    ask(one)
    assert b"Content-Length" not in one.data_to_send(1000)
    two = stream()
    two.opened()
    ask(two, b"hello")
    assert two.data_to_send(1000).endswith(b"Content-Length: 5\r\n\r\nhello")


def test_through_a_proxy_and_tls():
    one = stream("https://h/", "http://p:1")
    ask(one)
    one.opened()
    assert one.wants_read
    assert one.data_to_send(1000).startswith(b"CONNECT h:443 ")
    one.receive_data(ESTABLISHED)
    assert one.next_wish() == StartTLS(STREAM, TLSWish("h"))
    assert one.next_wish() is None
    assert (one.ready, one.phase, one.wants_read) == (False, Phase.TLS, False)
    one.tls_started()
    assert one.data_to_send(1000).startswith(b"POST ")


def test_through_a_proxy_without_tls():
    one = stream("http://h/", "http://p:1")
    ask(one)
    one.opened()
    one.receive_data(ESTABLISHED + ANSWER)
    assert one.ready
    assert isinstance(one.next_event(), ResponseHead)


def test_a_proxy_that_refuses():
    one = stream("http://h/", "http://p:1")
    ask(one)
    one.opened()
    assert one.status is None
    one.receive_data(b"HTTP/1.1 407 No\r\n\r\n")
    for _ in range(2):
        with pytest.raises(RemoteProtocolError) as raised:
            one.next_event()
        assert raised.value.fault is LinkFault.HTTP_STATUS
    assert one.status == 407
    assert not one.idle


def test_the_end_of_the_stream_on_the_way_and_in_an_exchange():
    one = stream("http://h/", "http://p:1")
    one.opened()
    one.receive_eof()
    with pytest.raises(RemoteProtocolError, match="proxy"):
        one.next_event()
    two = stream()
    two.opened()
    ask(two)
    two.receive_eof()
    with pytest.raises(RemoteProtocolError) as raised:
        two.next_event()
    assert raised.value.fault is LinkFault.CLOSED_ABNORMALLY


def test_what_a_loss_means_depends_on_how_far_it_had_come():
    one = stream()
    assert one.lost(Phase.INFO, StreamLoss.REFUSED, "").phase is Phase.TCP
    one.opened()
    one.opened()
    one.tls_started()
    assert one.status is None
    lost = one.lost(Phase.INFO, StreamLoss.RESET, "errno")
    assert (lost.phase, lost.loss) == (Phase.INFO, StreamLoss.RESET)
    assert "h:8080" in lost.reason
