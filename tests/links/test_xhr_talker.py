"""The talking half: one request in flight, order kept, batches within limits, streams that are no longer
fresh."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.http_client import ResponseData, ResponseEnd, ResponseHead
from stomp_sansio.links.http_streams import HttpStreams
from stomp_sansio.links.opening import route_to
from stomp_sansio.links.sockjs_payload import decode_array
from stomp_sansio.links.url import SessionIds, parse_url, sockjs_endpoint
from stomp_sansio.links.xhr_talker import XhrTalker
from stomp_sansio.machine import CloseStream, StreamId
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits.client()
IDS = SessionIds("000", "abcdefgh")
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


def talker(limits: Limits = LIMITS) -> tuple[XhrTalker, HttpStreams]:
    endpoint = sockjs_endpoint(parse_url("http://h/e"), "xhr_send", IDS)
    streams = HttpStreams((StreamId(number) for number in count(1)), limits)
    return XhrTalker(endpoint, streams, route_to(endpoint), lambda: [(b"X", b"y")], limits, 5.0), streams


def written(one: XhrTalker) -> tuple[bytes, ...]:
    """The messages of the request that is out."""
    stream = one.stream
    assert stream is not None
    stream.opened()
    head, _, body = stream.data_to_send(1 << 20).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /e/000/abcdefgh/xhr_send HTTP/1.1\r\nHost: h\r\nX: y\r\n")
    return decode_array(body, LIMITS)


def answer(one: XhrTalker, octets: bytes, now: float = 0.0) -> None:
    stream = one.stream
    assert stream is not None
    stream.receive_data(octets)
    while (event := stream.next_event()) is not None:
        one.take(event, now)


def say(one: XhrTalker, *messages: bytes, now: float = 0.0) -> None:
    for message in messages:
        one.queue(message)
    one.talk(now)


def test_nothing_queued_nothing_sent():
    one, streams = talker()
    one.talk(0.0)
    assert one.stream is None
    assert one.done
    assert one.unsent == 0
    assert one.deadline is None
    assert streams.next_action() is None


def test_one_in_flight_and_everything_else_in_the_next():
    one, streams = talker()
    say(one, b"1", now=1.0)
    assert streams.changed_streams() == [StreamId(1)]
    assert (one.talking, one.done, one.deadline) == (True, False, 6.0)
    assert one.unsent > 1, "the request's head counts too"
    assert written(one) == (b"1",)
    assert one.unsent == 0
    say(one, b"2")
    say(one, b"3")
    assert one.unsent == 2
    answer(one, DONE)
    assert written(one) == (b"2", b"3")
    answer(one, DONE)
    assert one.done
    assert one.deadline is None
    one.wrote(9.0)
    assert one.deadline is None


def test_writing_gives_the_answer_new_time():
    one, _ = talker()
    say(one, b"1")
    one.wrote(2.0)
    assert one.deadline == 7.0


@pytest.mark.parametrize(
    ("messages", "batches"),
    [
        ([b"x" * 65_536, b"y"], [1, 1]),
        ([b"x" * 65_535, b"y", b"z"], [2, 1]),
        ([b"x" * 70_000, b"y" * 70_000], [1, 1]),
        ([b"x"] * 5, [3, 2]),
    ],
)
def test_batches_have_limits(messages: list[bytes], batches: list[int]):
    one, _ = talker(replace(LIMITS, max_sockjs_messages=3))
    say(one, *messages)
    seen: list[int] = []
    heard: list[bytes] = []
    while one.talking:
        batch = written(one)
        seen.append(len(batch))
        heard += batch
        answer(one, DONE)
    assert seen == batches
    assert heard == messages


def test_a_stream_is_used_again_while_it_is_fresh():
    one, streams = talker()
    say(one, b"1")
    first = one.stream
    written(one)
    answer(one, DONE, now=10.0)
    say(one, b"2", now=13.0)
    assert one.stream is first
    written(one)
    answer(one, DONE, now=20.0)
    say(one, b"3", now=23.1)
    assert one.stream is not first
    assert CloseStream(StreamId(1), abort=True) in list(iter(streams.next_action, None))


def test_a_stream_that_the_server_ends_is_replaced():
    one, _ = talker()
    one.forget_idle()
    say(one, b"1", b"2")
    first = one.stream
    written(one)
    one.forget_idle()
    say(one, b"3")
    answer(one, b"HTTP/1.1 204 x\r\nConnection: close\r\n\r\n")
    assert one.stream is not first
    assert written(one) == (b"3",)
    answer(one, DONE)
    one.forget_idle()
    assert one.stream is not None, "it is idle and good"
    one.stream.receive_eof()
    one.forget_idle()
    assert one.stream is None


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_status_may_refuse(status: int):
    one, _ = talker()
    say(one, b"1")
    with pytest.raises(RemoteProtocolError) as raised:
        one.take(ResponseHead(status, ()), 0.0)
    assert raised.value.fault is LinkFault.HTTP_STATUS
    assert one.refused_status == status


def test_the_body_of_an_answer_is_not_kept_and_not_endless():
    one, _ = talker()
    say(one, b"1")
    one.take(ResponseHead(200, ()), 0.0)
    one.take(ResponseData(b"x" * 65_536), 0.0)
    with pytest.raises(RemoteProtocolError) as raised:
        one.take(ResponseData(b"x"), 0.0)
    assert raised.value.fault is LinkFault.LIMIT


def test_each_answer_has_its_own_limit():
    one, _ = talker()
    for _ in range(3):
        say(one, b"1")
        one.take(ResponseHead(200, ()), 0.0)
        one.take(ResponseData(b"x" * 60_000), 0.0)
        written(one)
        assert one.stream is not None
        one.stream.receive_data(DONE)
        while one.stream.next_event() is not None:
            pass
        one.take(ResponseEnd(), 0.0)
    assert one.done
