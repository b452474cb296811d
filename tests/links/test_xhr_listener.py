"""The listening half: one request after the other, frames from responses, and what refuses."""

from __future__ import annotations

from itertools import count

import pytest

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.http_client import ResponseData, ResponseEnd, ResponseHead
from stomp_sansio.links.http_streams import HttpStreams
from stomp_sansio.links.opening import route_to
from stomp_sansio.links.url import SessionIds, parse_url, sockjs_endpoint
from stomp_sansio.links.xhr_listener import XhrListener
from stomp_sansio.machine import CloseStream, StreamId
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits.client()
IDS = SessionIds("000", "abcdefgh")
OK = b"HTTP/1.1 200 OK\r\n"


def listener(request: str = "xhr") -> tuple[XhrListener, HttpStreams]:
    endpoint = sockjs_endpoint(parse_url("http://h/e"), request, IDS)
    streams = HttpStreams((StreamId(number) for number in count(1)), LIMITS)
    one = XhrListener(endpoint, streams, route_to(endpoint), lambda: [(b"X", b"y")], LIMITS, 5.0)
    return one, streams


def answer(one: XhrListener, octets: bytes) -> list[bytes]:
    """Feed a response on the listener's stream; return the frames in it."""
    stream = one.stream
    assert stream is not None
    stream.opened()
    stream.receive_data(octets)
    frames: list[bytes] = []
    while (event := stream.next_event()) is not None:
        one.take(event, opened=True)
        while (frame := one.next_frame()) is not None:
            frames.append(frame)
    return frames


def test_it_asks_on_a_stream_of_its_own_and_keeps_it():
    one, streams = listener()
    assert one.stream is None
    assert one.deadline is None
    one.ask(2.0)
    stream = one.stream
    assert stream is not None
    assert one.deadline == 7.0
    stream.opened()
    assert one.deadline is None
    assert stream.data_to_send(1000) == (
        b"POST /e/000/abcdefgh/xhr HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 0\r\n\r\n"
    )
    assert streams.changed_streams() == [stream.stream]
    assert answer(one, OK + b"Content-Length: 2\r\n\r\no\n") == [b"o"]
    one.go_on(3.0)
    assert one.stream is stream
    assert stream.data_to_send(1000).startswith(b"POST ")


def test_a_stream_that_has_ended_is_replaced():
    one, streams = listener()
    one.ask(0.0)
    first = one.stream
    assert answer(one, OK + b"Connection: close\r\nContent-Length: 2\r\n\r\no\n") == [b"o"]
    one.go_on(0.0)
    assert one.stream is not first
    actions = list(iter(streams.next_action, None))
    assert actions[1] == CloseStream(StreamId(1), abort=True)
    assert len(actions) == 3


def test_only_streaming_has_a_prelude_and_each_response_has_one():
    one, _ = listener("xhr_streaming")
    one.ask(0.0)
    for _ in range(2):
        assert answer(one, OK + b"Content-Length: 5\r\n\r\nhh\nh\n") == [b"h"]
        one.go_on(0.0)
    polling, _ = listener("xhr")
    polling.ask(0.0)
    assert answer(polling, OK + b"Content-Length: 3\r\n\r\nhh\n") == [b"hh"]


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_a_status_may_refuse(status: int):
    one, _ = listener()
    one.ask(0.0)
    with pytest.raises(RemoteProtocolError) as raised:
        one.take(ResponseHead(status, ()), opened=False)
    assert raised.value.fault is LinkFault.HTTP_STATUS
    assert one.refused_status == status


def test_a_response_that_ends_inside_a_line():
    one, _ = listener()
    one.ask(0.0)
    one.take(ResponseHead(200, ()), opened=True)
    one.take(ResponseData(b"o"), opened=True)
    assert one.next_frame() is None
    one.take(ResponseEnd(), opened=True)
    with pytest.raises(RemoteProtocolError) as raised:
        one.next_frame()
    assert raised.value.fault is LinkFault.TRUNCATED


def test_hasty_answers_without_a_frame_are_counted_in_a_row():
    one, _ = listener()
    one.ask(0.0)
    for _ in range(4):
        assert answer(one, OK + b"Content-Length: 1\r\n\r\n\n") == []
        one.go_on(0.5)
    assert answer(one, OK + b"Content-Length: 2\r\n\r\nh\n") == [b"h"]
    one.go_on(0.5)
    for _ in range(4):
        answer(one, OK + b"Content-Length: 0\r\n\r\n")
        one.go_on(0.5)
    answer(one, OK + b"Content-Length: 0\r\n\r\n")
    one.go_on(1.5)
    for _ in range(4):
        answer(one, OK + b"Content-Length: 0\r\n\r\n")
        one.go_on(1.5)
    answer(one, OK + b"Content-Length: 0\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as raised:
        one.go_on(1.5)
    assert raised.value.fault is LinkFault.PROTOCOL_ERROR
