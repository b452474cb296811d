"""Book-keeping of streams: who is heard, who is only awaited, who is to be looked at again."""

from __future__ import annotations

from itertools import count

from stomp_sansio.links.http_streams import HttpStreams
from stomp_sansio.links.opening import route_to
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import CloseStream, OpenStream, StartTLS, StreamId, TCPAddress, TLSWish
from stomp_sansio.protocol.limits import Limits

ROUTE = route_to(parse_url("http://h"))
PROXIED = route_to(parse_url("https://h"), proxy=parse_proxy("http://p"))
ONE, TWO = StreamId(1), StreamId(2)


def streams() -> HttpStreams:
    return HttpStreams((StreamId(number) for number in count(1)), Limits.client())


def test_a_stream_is_wished_heard_and_lost():
    all_of_them = streams()
    assert all_of_them.gone
    one = all_of_them.open(ROUTE)
    assert all_of_them.next_action() == OpenStream(ONE, TCPAddress("h", 80))
    assert all_of_them.next_action() is None
    assert all_of_them.get(ONE) is one
    assert not all_of_them.gone
    assert all_of_them.forget(ONE) is one
    assert all_of_them.get(ONE) is None
    assert all_of_them.gone


def test_what_a_stream_wishes_when_it_has_opened_is_wished_at_once():
    all_of_them = streams()
    one = all_of_them.open(route_to(parse_url("https://h")))
    assert all_of_them.next_action() == OpenStream(ONE, TCPAddress("h", 443))
    all_of_them.opened(one)
    assert all_of_them.next_action() == StartTLS(ONE, TLSWish("h"))
    assert all_of_them.changed_streams() == [ONE]


def test_a_closed_stream_is_awaited_but_not_heard():
    all_of_them = streams()
    one, two = all_of_them.open(ROUTE), all_of_them.open(ROUTE)
    all_of_them.touch(one)
    all_of_them.touch(two)
    all_of_them.close(one)
    assert all_of_them.get(ONE) is None
    assert all_of_them.changed_streams() == [TWO]
    assert all_of_them.changed_streams() == []
    all_of_them.close_all()
    actions = [all_of_them.next_action() for _ in range(4)]
    assert actions[2:] == [CloseStream(ONE, abort=True), CloseStream(TWO, abort=True)]
    assert not all_of_them.gone
    assert all_of_them.forget(ONE) is None
    assert all_of_them.forget(TWO) is None
    assert all_of_them.gone


def test_a_lost_stream_is_not_looked_at_again():
    all_of_them = streams()
    all_of_them.touch(all_of_them.open(ROUTE))
    all_of_them.forget(ONE)
    assert all_of_them.changed_streams() == []


def test_octets_bring_wishes_and_changes():
    all_of_them = streams()
    one = all_of_them.open(PROXIED)
    one.request("GET", parse_url("https://h"), [])
    all_of_them.next_action()
    one.opened()
    one.data_to_send(1000)
    all_of_them.receive_data(one, b"HTTP/1.1 200 OK\r\n")
    assert all_of_them.next_action() is None
    assert all_of_them.changed_streams() == [ONE]
    all_of_them.receive_data(one, b"\r\n")
    assert all_of_them.next_action() == StartTLS(ONE, TLSWish("h"))
    assert all_of_them.changed_streams() == [ONE]
    one.tls_started()
    all_of_them.receive_data(one, b"HTTP/1.1")
    assert all_of_them.changed_streams() == [ONE], "the request waits to be written"
    one.data_to_send(1000)
    all_of_them.receive_data(one, b" 200 OK\r\n")
    assert all_of_them.changed_streams() == []
