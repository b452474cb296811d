"""SockJS over HTTP requests: one listens, one talks, in order, to a clean end or one clear error."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stomp_sansio.errors import InvalidURI, LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.cookies import CookieJar
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, Phase
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.sockjs_frames import OPEN_FRAME, PRELUDE, encode_close
from stomp_sansio.links.url import parse_url
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import CloseStream, OpenStream, StartTLS, StreamId, StreamLoss, TCPAddress, TLSWish
from tests.links.driver import MemoryDriver, closing, data_of
from tests.links.xhr_help import IDS, LIMITS, XhrDriver, line, polling, sent, started, streaming

LISTEN, TALK = StreamId(1), StreamId(2)


def stream_ids():
    return (StreamId(number) for number in count(1))


def ended(driver: XhrDriver) -> LinkClosed:
    driver.settle()
    assert driver.machine.finished
    assert not driver.living
    assert driver.machine.next_deadline() is None
    return closing(driver.take_events())


def fault_of(closed: LinkClosed) -> object:
    assert not closed.clean
    assert closed.error is not None
    return closed.error.fault


# Opening


def test_is_a_link():
    link: Link = XhrLink(parse_url("http://h"), IDS, stream_ids=stream_ids())
    assert link.carries("ä".encode())
    assert not link.carries(b"\xff")
    assert not link.finished


def test_what_cannot_be_used_is_refused_at_once():
    with pytest.raises(InvalidURI):
        XhrLink(parse_url("stomp://h"), IDS, stream_ids=stream_ids())
    with pytest.raises(LocalProtocolError):
        XhrLink(parse_url("http://h"), IDS, stream_ids=stream_ids(), headers=[("Host", "x")])
    link, driver = started()
    with pytest.raises(LocalProtocolError):
        link.start(0.0)
    with pytest.raises(LocalProtocolError):
        link.stream_accepted(StreamId(9), 0, "x", 0.0)
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.NOT_CONNECTED
    assert driver.take_events() == []


@pytest.mark.parametrize(("kind", "segment"), [(True, "xhr_streaming"), (False, "xhr")])
def test_every_request_has_the_same_headers(kind: bool, segment: str):
    url = "https://user:secret@h:8443/a/?t=1"
    link, driver = started(url, streaming=kind, headers=[("Authorization", "Bearer x"), ("Cookie", "a=1")])
    stream, request = driver.next_asked()
    assert (request.method, request.target) == ("POST", f"/a/000/abcdefgh/{segment}?t=1")
    assert request.headers == {
        "host": "h:8443",
        "authorization": "Bearer x",
        "cookie": "a=1",
        "content-length": "0",
    }
    server = driver.servers[stream]
    driver.say(stream, server.head(200, [("Set-Cookie", "JSESSIONID=7")]) + server.data(b"o\n"))
    link.send(b"x", driver.now)
    _, request = driver.next_asked()
    assert (request.method, request.target) == ("POST", "/a/000/abcdefgh/xhr_send?t=1")
    assert request.headers == {
        "host": "h:8443",
        "authorization": "Bearer x",
        "cookie": "a=1; JSESSIONID=7",
        "content-type": "application/json",
        "content-length": "5",
    }


def test_it_says_how_far_it_has_come():
    link = XhrLink(parse_url("https://h/echo"), IDS, stream_ids=iter([LISTEN]))
    phases = [link.phase]
    link.start(0.0)
    driver: MemoryDriver[LinkEvent] = MemoryDriver(link)
    phases.append(link.phase)
    driver.opened(LISTEN)
    phases.append(link.phase)
    driver.tls_started(LISTEN)
    phases.append(link.phase)
    link.abort(0.0)
    phases.append(link.phase)
    assert phases == [Phase.TCP, Phase.TCP, Phase.TLS, Phase.UPGRADE, Phase.UPGRADE]


def test_cookies_of_an_earlier_answer_go_along():
    jar = CookieJar(path="/echo", secure=False)
    jar.store(["route=1"])
    _, driver = started(cookies=jar)
    assert driver.next_asked()[1].headers["cookie"] == "route=1"


def test_the_way_there_may_have_tls_and_a_proxy():
    link = XhrLink(
        parse_url("https://10.0.0.1/echo"),
        IDS,
        stream_ids=stream_ids(),
        server_name="n",
        proxy=parse_proxy("http://p:1"),
    )
    link.start(0.0)
    driver = MemoryDriver(link)
    assert driver.take_actions() == [OpenStream(LISTEN, TCPAddress("p", 1))]
    link.pause_reading(0.0)
    driver.opened(LISTEN)
    assert link.wants_read(LISTEN), "what opens a stream is always read"
    assert driver.pull(LISTEN).startswith(b"CONNECT 10.0.0.1:443 ")
    driver.feed(LISTEN, b"HTTP/1.1 200 OK\r\n\r\n")
    assert driver.take_actions() == [StartTLS(LISTEN, TLSWish("n"))]
    assert not link.wants_read(LISTEN)
    driver.tls_started(LISTEN)
    assert driver.pull(LISTEN).startswith(b"POST ")
    assert not link.wants_read(LISTEN), "reading is paused"


def test_a_proxy_that_refuses():
    link = XhrLink(parse_url("http://h"), IDS, stream_ids=stream_ids(), proxy=parse_proxy("http://p:1"))
    link.start(0.0)
    driver = XhrDriver(link)
    driver.settle()
    driver.say(LISTEN, b"HTTP/1.1 407 x\r\n\r\n")
    closed = ended(driver)
    assert (closed.phase, closed.status) == (Phase.PROXY, 407)


def test_nobody_there():
    link = XhrLink(parse_url("http://h"), IDS, stream_ids=stream_ids())
    link.start(0.0)
    driver = XhrDriver(link)
    assert driver.wish().stream == LISTEN
    driver.lose(LISTEN, StreamLoss.UNRESOLVED)
    closed = ended(driver)
    assert (closed.phase, closed.loss) == (Phase.DNS, StreamLoss.UNRESOLVED)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 500, 503])
def test_an_answer_that_refuses(status: int):
    _, driver = started(headers=[("Authorization", "CANARY")])
    stream, _ = driver.next_asked()
    driver.say(stream, driver.servers[stream].head(status, [("Location", "http://evil/?t=CANARY")]))
    closed = ended(driver)
    assert (closed.clean, closed.phase, closed.status) == (False, Phase.UPGRADE, status)
    assert fault_of(closed) is LinkFault.HTTP_STATUS
    assert "CANARY" not in closed.reason
    assert driver.written.keys() == {LISTEN}, "a redirect is never followed"


def test_messages_before_the_session_opens_are_a_fault():
    _, driver = started(streaming=False)
    stream, _ = driver.next_asked()
    driver.say(stream, driver.servers[stream].response(200, line(b"x")))
    closed = ended(driver)
    assert closed.phase is Phase.UPGRADE
    assert fault_of(closed) is LinkFault.UNEXPECTED_FRAME


def test_a_session_may_be_closed_before_it_opens():
    _, driver = started()
    stream, _ = driver.next_asked()
    driver.say(stream, driver.servers[stream].response(200, PRELUDE + encode_close(2010, "Another") + b"\n"))
    closed = ended(driver)
    assert (closed.phase, closed.code) == (Phase.UPGRADE, 2010)


# Listening


def test_streaming_brings_frames_as_they_come():
    _, driver, stream = streaming()
    server = driver.servers[stream]
    driver.say(stream, server.data(line(b"a", b"b") + line(b"c")[:3]))
    assert driver.take_events() == [LinkData(b"ab")]
    driver.say(stream, server.data(line(b"c")[3:] + b'a[]\na[""]\n\nh\n'))
    assert driver.take_events() == [LinkData(b"c")]
    assert not driver.asked


def test_a_streaming_response_is_recycled_on_the_same_stream():
    _, driver, stream = streaming()
    server = driver.servers[stream]
    driver.say(stream, server.data(line(b"a")) + server.end())
    again, request = driver.next_asked()
    assert again == stream
    assert request.target.endswith("/xhr_streaming")
    driver.say(stream, server.head() + server.data(PRELUDE + line(b"b")))
    assert data_of(driver.take_events()) == b"ab"
    assert driver.closed == []


def test_a_response_that_ends_the_connection_is_followed_by_a_new_one():
    _, driver = started(streaming=False)
    stream, _ = driver.next_asked()
    driver.say(stream, driver.servers[stream].response(200, b"o\n", [("Connection", "close")]))
    again, _ = driver.next_asked()
    assert again != stream
    assert driver.closed == [stream]
    driver.say(again, driver.servers[again].response(200, line(b"x")))
    assert data_of(driver.take_events()) == b"x"


def test_polling_asks_again_after_each_answer():
    _, driver, stream = polling()
    for number in range(3):
        driver.say(stream, driver.servers[stream].response(200, line(b"%d" % number)))
        stream, _ = driver.next_asked()
    assert data_of(driver.take_events()) == b"012"
    assert driver.closed == []
    assert not driver.asked, "never two listeners at once"


def test_polling_knows_no_prelude():
    _, driver, stream = polling()
    driver.say(stream, driver.servers[stream].response(200, PRELUDE + line(b"x")))
    assert fault_of(ended(driver)) is LinkFault.BAD_FRAME


def test_a_server_that_answers_at_once_and_says_nothing_is_not_asked_for_ever():
    _, driver, stream = polling()
    for _ in range(5):
        driver.say(stream, driver.servers[stream].response(200, b"\n"))
        if driver.asked:
            stream, _ = driver.next_asked()
    assert fault_of(ended(driver)) is LinkFault.PROTOCOL_ERROR


def test_answers_without_a_frame_are_fine_when_they_take_their_time():
    _, driver, stream = polling()
    for _ in range(20):
        driver.advance(1.0)
        driver.say(stream, driver.servers[stream].response(200, b"\n"))
        stream, _ = driver.next_asked()
    assert driver.take_events() == []


def test_the_session_is_gone():
    _, driver, stream = polling()
    driver.say(stream, driver.servers[stream].response(404))
    closed = ended(driver)
    assert (closed.phase, closed.status) == (Phase.OPEN, 404)
    assert "does not know the session" in closed.reason


def test_the_server_closes_the_session():
    link, driver, stream = streaming()
    server = driver.servers[stream]
    driver.say(stream, server.data(line(b"x") + encode_close(3000, "Go away!") + b"\nh\n"))
    assert driver.events[0] == LinkData(b"x")
    closed = ended(driver)
    assert (closed.clean, closed.phase, closed.code) == (True, Phase.OPEN, 3000)
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.CLOSED


def test_a_close_at_the_end_of_a_response_asks_nothing_more():
    _, driver, stream = polling()
    driver.say(stream, driver.servers[stream].response(200, encode_close(1000, "") + b"\n"))
    assert ended(driver).clean
    assert not driver.asked


def test_a_second_open_means_that_the_session_is_lost():
    _, driver, stream = polling()
    driver.say(stream, driver.servers[stream].response(200, OPEN_FRAME + b"\n"))
    closed = ended(driver)
    assert (closed.clean, closed.code) == (False, 1006)


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b'a["\\ud800"]\n', LinkFault.BAD_UNICODE),
        (b"a[\n", LinkFault.BAD_JSON),
        (b"<html>\n", LinkFault.BAD_FRAME),
    ],
)
def test_a_broken_frame_ends_the_link(octets: bytes, fault: LinkFault):
    _, driver, stream = streaming()
    driver.say(stream, driver.servers[stream].data(line(b"good") + octets))
    assert driver.events[0] == LinkData(b"good")
    assert fault_of(ended(driver)) is fault


def test_a_frame_over_its_limit():
    limits = replace(LIMITS, max_body=1)
    _, driver, stream = streaming(limits=limits)
    driver.say(stream, driver.servers[stream].data(b"a" * (limits.max_sockjs_frame + 2)))
    assert fault_of(ended(driver)) is LinkFault.LIMIT


def test_a_response_that_ends_inside_a_frame():
    _, driver, stream = streaming()
    server = driver.servers[stream]
    driver.say(stream, server.data(b'a["x"]') + server.end())
    assert fault_of(ended(driver)) is LinkFault.TRUNCATED


def test_a_chunked_body_cut_short():
    _, driver, stream = streaming()
    driver.say(stream, driver.servers[stream].data(line(b"whole") + b'a["half')[:-6])
    driver.eof(stream)
    assert driver.events[0] == LinkData(b"whole")
    assert fault_of(ended(driver)) is LinkFault.TRUNCATED


@pytest.mark.parametrize("why", [StreamLoss.RESET, StreamLoss.TRUNCATED, StreamLoss.TIMEOUT])
def test_the_listening_stream_is_lost(why: StreamLoss):
    _, driver, stream = streaming()
    driver.lose(stream, why)
    closed = ended(driver)
    assert (closed.clean, closed.phase, closed.loss) == (False, Phase.OPEN, why)


def test_a_further_stream_that_does_not_open_is_an_error_of_an_open_link():
    _, driver = started(streaming=False)
    stream, _ = driver.next_asked()
    driver.opens = False
    driver.say(stream, driver.servers[stream].response(200, b"o\n", [("Connection", "close")]))
    driver.lose(TALK, StreamLoss.REFUSED)
    closed = ended(driver)
    assert (closed.phase, closed.loss) == (Phase.OPEN, StreamLoss.REFUSED)


def test_a_further_stream_must_open_in_time():
    link, driver = started(streaming=False, request_timeout=4.0)
    stream, _ = driver.next_asked()
    driver.opens = False
    driver.say(stream, driver.servers[stream].response(200, b"o\n", [("Connection", "close")]))
    assert link.next_deadline() == 4.0
    driver.advance(4.0)
    closed = ended(driver)
    assert closed.loss is StreamLoss.TIMEOUT
    assert "4 s" in closed.reason


def test_a_first_stream_is_waited_for_by_whoever_started_the_link():
    link, driver = started()
    assert link.next_deadline() is None
    driver.advance(1e6)
    assert driver.take_events() == []


# Talking


def test_a_chunk_is_sent_on_a_second_stream():
    link, driver, stream = streaming()
    link.send(b"SEND\n\n\0", driver.now)
    assert link.unsent > 0
    talk, request = driver.next_asked()
    assert talk != stream
    assert sent(request) == (b"SEND\n\n\0",)
    assert request.body == b'["SEND\\n\\n\\u0000"]'
    assert link.unsent == 0
    driver.say(talk, driver.servers[talk].response(204))
    assert driver.take_events() == []
    assert not driver.asked


def test_what_is_queued_meanwhile_goes_in_the_next_request():
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, request = driver.next_asked()
    assert sent(request) == (b"1",)
    for chunk in (b"2", b"3", b"", b"4"):
        link.send(chunk, driver.now)
    driver.settle()
    assert not driver.asked, "one in flight"
    assert link.unsent == 3
    driver.say(talk, driver.servers[talk].response(204))
    again, request = driver.next_asked()
    assert again == talk
    assert sent(request) == (b"2", b"3", b"4")
    driver.say(talk, driver.servers[talk].response(200, b"ok"))
    assert not driver.asked


def test_a_batch_has_its_limits():
    limits = replace(LIMITS, max_sockjs_messages=2)
    link, driver, _ = streaming(limits=limits)
    link.send(b"0", driver.now)
    large = b"x" * 70_000
    for chunk in (b"1", b"2", b"3", large, b"4", b"y" * 65_000, b"5"):
        link.send(chunk, driver.now)
    batches: list[tuple[bytes, ...]] = []
    for _ in range(6):
        talk, request = driver.next_asked()
        batches.append(sent(request))
        driver.say(talk, driver.servers[talk].response(204))
    assert not driver.asked
    assert batches == [(b"0",), (b"1", b"2"), (b"3",), (large,), (b"4", b"y" * 65_000), (b"5",)]


def test_a_character_that_two_chunks_share_goes_whole():
    link, driver, _ = streaming()
    octets = "ä".encode()
    link.send(octets[:1], driver.now)
    driver.settle()
    assert not driver.asked
    link.send(octets[1:], driver.now)
    assert sent(driver.next_asked()[1]) == (octets,)


def test_what_is_no_text_is_refused_and_nothing_queued():
    link, driver, _ = streaming()
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"\xff", driver.now)
    assert raised.value.misuse is Misuse.NOT_UTF8
    driver.settle()
    assert not driver.asked
    assert link.unsent == 0


def talked() -> tuple[XhrLink, XhrDriver, StreamId]:
    """A link whose talking stream is idle."""
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    driver.say(talk, driver.servers[talk].response(204))
    return link, driver, talk


def test_a_stream_is_used_again_while_it_is_fresh():
    link, driver, talk = talked()
    driver.advance(3.0)
    link.send(b"2", driver.now)
    assert driver.next_asked()[0] == talk
    driver.say(talk, driver.servers[talk].response(204))
    driver.advance(3.1)
    link.send(b"3", driver.now)
    again, request = driver.next_asked()
    assert again != talk, "servers close idle streams, and a request must not cross their close"
    assert sent(request) == (b"3",)
    assert driver.closed == [talk]


@pytest.mark.parametrize("how", ["eof", "lost"])
def test_an_idle_stream_may_end(how: str):
    link, driver, talk = talked()
    if how == "eof":
        driver.eof(talk)
        driver.settle()
        assert driver.closed == [talk]
    else:
        driver.lose(talk, StreamLoss.RESET)
    assert driver.take_events() == []
    link.send(b"2", driver.now)
    again, request = driver.next_asked()
    assert again != talk
    assert sent(request) == (b"2",)


def test_an_answer_that_ends_the_connection():
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    link.send(b"2", driver.now)
    driver.say(talk, driver.servers[talk].response(204, headers=[("Connection", "close")]))
    again, request = driver.next_asked()
    assert again != talk
    assert sent(request) == (b"2",)
    driver.say(again, driver.servers[again].response(204, headers=[("Connection", "close")]))
    assert driver.closed == [talk, again]


def test_octets_that_answer_nothing_are_a_fault():
    _, driver, talk = talked()
    driver.say(talk, b"HTTP/1.1 200 OK\r\n\r\n")
    assert fault_of(ended(driver)) is LinkFault.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "does not know the session"), (500, "trying again"), (302, "redirects"), (401, "Cookie")],
)
def test_a_refused_xhr_send_ends_the_link(status: int, words: str):
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    driver.say(talk, driver.servers[talk].response(status, b"Payload expected."))
    closed = ended(driver)
    assert (closed.phase, closed.status) == (Phase.OPEN, status)
    assert words in closed.reason


def test_an_endless_answer_to_xhr_send():
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    server = driver.servers[talk]
    driver.say(talk, server.head() + server.data(b"x" * 65536))
    assert driver.take_events() == []
    driver.say(talk, server.data(b"x"))
    assert fault_of(ended(driver)) is LinkFault.LIMIT


def test_the_talking_stream_is_lost_with_a_request_out():
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    driver.lose(talk, StreamLoss.RESET)
    closed = ended(driver)
    assert (closed.clean, closed.loss) == (False, StreamLoss.RESET)


def test_the_talking_stream_ends_without_an_answer():
    link, driver, _ = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    driver.eof(talk)
    assert fault_of(ended(driver)) is LinkFault.CLOSED_ABNORMALLY


def test_an_answer_must_come_in_time():
    link, driver, _ = streaming(request_timeout=5.0)
    link.send(b"1", driver.now)
    driver.next_asked()
    driver.advance(4.9)
    assert driver.take_events() == []
    driver.advance(0.1)
    closed = ended(driver)
    assert closed.loss is StreamLoss.TIMEOUT
    assert "xhr_send" in closed.reason


def test_its_time_begins_when_the_last_octet_was_written():
    link, driver, _ = streaming(request_timeout=5.0)
    link.send(b"x" * 1000, driver.now)
    driver.drain()
    talk = driver.wish().stream
    driver.opened(talk)
    for _ in range(10):
        driver.advance(4.0)
        assert link.data_to_send(talk, driver.now, 50) != b""
    driver.drain()
    assert driver.take_events() == []
    driver.advance(5.0)
    driver.drain()
    assert driver.actions == [CloseStream(LISTEN, abort=True), CloseStream(talk, abort=True)]


# Silence and back-pressure


@pytest.mark.parametrize("make", [streaming, polling])
def test_silence_counts_once_a_beat_was_heard(make):
    _, driver, stream = make()
    driver.advance(1000.0)
    server = driver.servers[stream]
    driver.say(stream, server.response(200, b"h\n") if make is polling else server.data(b"h\n"))
    driver.advance(50.9)
    assert driver.take_events() == []
    driver.advance(0.1)
    closed = ended(driver)
    assert (closed.clean, closed.phase, closed.loss) == (False, Phase.OPEN, StreamLoss.TIMEOUT)
    assert "51 s" in closed.reason


def test_any_octet_is_life():
    link, driver, stream = streaming(silence=10.0)
    server = driver.servers[stream]
    driver.say(stream, server.data(b"h\n"))
    for _ in range(5):
        driver.advance(9.0)
        driver.say(stream, server.data(b"\n"))
    link.send(b"x", driver.now)
    talk, _ = driver.next_asked()
    driver.advance(9.0)
    driver.say(talk, driver.servers[talk].response(204))
    driver.advance(9.0)
    assert driver.take_events() == []
    driver.advance(1.0)
    assert ended(driver).loss is StreamLoss.TIMEOUT


def test_pausing_stops_reading_the_listener_alone():
    link, driver, stream = streaming(silence=10.0)
    driver.say(stream, driver.servers[stream].data(b"h\n"))
    link.send(b"x", driver.now)
    talk, _ = driver.next_asked()
    driver.take_changed()
    link.pause_reading(driver.now)
    link.pause_reading(driver.now)
    assert driver.take_changed() == [stream]
    assert (link.wants_read(stream), link.wants_read(talk)) == (False, True)
    driver.say(talk, driver.servers[talk].response(204))
    driver.advance(1000.0)
    assert driver.take_events() == [], "silence means nothing while nobody listens"
    link.resume_reading(driver.now)
    link.resume_reading(driver.now)
    assert driver.take_changed() == [stream]
    assert link.wants_read(stream)
    driver.advance(10.0)
    assert ended(driver).loss is StreamLoss.TIMEOUT


def test_a_paused_poll_is_asked_all_the_same():
    link, driver, stream = polling()
    link.pause_reading(driver.now)
    driver.say(stream, driver.servers[stream].response(200, line(b"x")))
    assert driver.next_asked()[1].target.endswith("/xhr"), "a session without a receiver ends after 5 s"
    assert data_of(driver.take_events()) == b"x"


# The end


def test_closing_sends_what_is_queued_first():
    link, driver, stream = streaming()
    link.pause_reading(driver.now)
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    link.send(b"2", driver.now)
    link.close(driver.now)
    link.close(driver.now)
    driver.settle()
    assert link.wants_read(stream), "a RECEIPT may come"
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", driver.now)
    assert raised.value.misuse is Misuse.CLOSED
    driver.say(stream, driver.servers[stream].data(line(b"receipt")))
    driver.say(talk, driver.servers[talk].response(204))
    _, request = driver.next_asked()
    assert sent(request) == (b"2",)
    assert data_of(driver.take_events()) == b"receipt"
    driver.say(talk, driver.servers[talk].response(204))
    closed = ended(driver)
    assert (closed.clean, closed.phase) == (True, Phase.OPEN)


def test_closing_with_nothing_queued_is_over_at_once():
    link, driver, _ = streaming()
    link.close(driver.now)
    assert ended(driver).clean
    link.close(driver.now)
    link.abort(driver.now)
    link.pause_reading(driver.now)
    driver.drain()
    assert driver.take_events() == []


def test_closing_has_a_deadline():
    link, driver, _ = streaming(close_timeout=3.0)
    link.send(b"1", driver.now)
    driver.next_asked()
    link.close(driver.now)
    driver.advance(3.0)
    closed = ended(driver)
    assert (closed.clean, closed.phase, closed.loss) == (False, Phase.OPEN, StreamLoss.TIMEOUT)
    assert "3 s" in closed.reason


def test_closing_before_the_session_opens():
    link, driver = started()
    link.close(driver.now)
    driver.drain()
    closed = ended(driver)
    assert (closed.clean, closed.phase) == (False, Phase.UPGRADE)


def test_closing_before_the_start():
    link = XhrLink(parse_url("http://h"), IDS, stream_ids=stream_ids())
    link.close(0.0)
    driver = XhrDriver(link)
    assert ended(driver).clean is False
    assert driver.written == {}


def test_aborting_ends_every_stream_at_once():
    link, driver, stream = streaming()
    link.send(b"1", driver.now)
    talk, _ = driver.next_asked()
    link.abort(driver.now)
    driver.drain()
    assert driver.actions == [CloseStream(stream, abort=True), CloseStream(talk, abort=True)]
    assert link.data_to_send(talk, driver.now) == b""
    assert not link.wants_read(stream)
    driver.feed(stream, b"late")
    driver.eof(stream)
    driver.opened(stream)
    driver.tls_started(stream)
    driver.lose(stream)
    link.abort(driver.now)
    assert driver.take_events() == [], "one stream is still there"
    driver.lose(talk)
    closed = closing(driver.take_events())
    assert (closed.clean, closed.phase) == (False, Phase.OPEN)


def test_a_deadline_that_is_handled_too_early_changes_nothing():
    link, driver, _ = streaming()
    link.handle_timeout(driver.now)
    driver.drain()
    assert driver.take_events() == []


# The cut


@settings(max_examples=40)
@given(st.lists(st.text(max_size=20), max_size=6), st.sampled_from([1, 2, 3, 7, 50]), st.booleans())
def test_the_cut_never_matters(texts: list[str], cut: int, close: bool):
    messages = [text.encode("utf-8") for text in texts]
    _, driver, stream = streaming(cut=cut)
    server = driver.servers[stream]
    for message in messages:
        driver.say(stream, server.data(line(message)) + server.end())
        stream, _ = driver.next_asked()
        driver.say(stream, server.head() + server.data(b"hh\n"))
    if close:
        driver.say(stream, server.data(encode_close(3000, "x") + b"\n"))
        assert driver.machine.finished
    assert data_of(driver.take_events()) == b"".join(messages)


@pytest.mark.parametrize("make", [streaming, polling])
def test_a_conversation_at_every_cut(make):
    for cut in (None, 1, 2, 5, 13):
        link, driver, stream = make(cut=cut)
        received = b""
        for number in range(4):
            link.send(b"ping %d" % number, driver.now)
            talk, request = driver.next_asked()
            (message,) = sent(request)
            driver.say(talk, driver.servers[talk].response(204))
            server = driver.servers[stream]
            driver.say(
                stream, server.response(200, line(message)) if make is polling else server.data(line(message))
            )
            if make is polling:
                stream, _ = driver.next_asked()
            received += data_of(driver.take_events())
        assert received == b"ping 0ping 1ping 2ping 3"
        assert not driver.asked
