"""/info, then one transport after the other: the first that works, or what was tried and why it failed."""

from __future__ import annotations

import random
from itertools import count

import pytest

from stomp_sansio.errors import InvalidURI, LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.fallback import TRANSPORTS, FallbackLink, transport_timeout
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.sockjs_frames import encode_close, encode_messages
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import CloseStream, OpenStream, StreamId, StreamLoss
from tests.links.driver import MemoryDriver, closing, data_of
from tests.links.http_help import Asked, HttpServer
from tests.links.websocket_help import response, text

INFO = b'{"websocket":true,"cookie_needed":false,"origins":["*:*"],"entropy":1}'
NO_WEBSOCKET = INFO.replace(b"true", b"false", 1)


def stream_ids():
    return (StreamId(number) for number in count(1))


def make(url: str = "http://h/echo", **options) -> FallbackLink:
    options.setdefault("token_bytes", random.Random(7).randbytes)
    return FallbackLink(parse_url(url), stream_ids=stream_ids(), **options)


class Driver(MemoryDriver[LinkEvent]):
    """Opens the stream that is wished for, and reads what is asked there first."""

    def __init__(self, **options) -> None:
        self.link = make(**options)
        self.link.start(0.0)
        super().__init__(self.link)

    def next_stream(self) -> StreamId:
        """Open the stream that is wished for; close those that are not wanted any more."""
        self.drain()
        wished: list[StreamId] = []
        while actions := self.take_actions():
            for action in actions:
                if isinstance(action, OpenStream):
                    wished.append(action.stream)
                elif isinstance(action, CloseStream):
                    self.lose(action.stream)
        (stream,) = wished
        self.opened(stream)
        return stream

    def request(self) -> tuple[StreamId, HttpServer, Asked]:
        stream = self.next_stream()
        server = HttpServer()
        (asked,) = server.asked(self.pull(stream))
        return stream, server, asked

    def upgrade(self) -> tuple[StreamId, bytes]:
        stream = self.next_stream()
        octets = self.pull(stream)
        assert b"/websocket HTTP/1.1\r\n" in octets
        return stream, octets

    def answer_info(self, body: bytes = INFO, headers: list[tuple[str, str]] | None = None) -> Asked:
        stream, server, asked = self.request()
        self.feed(stream, server.response(200, body, headers or []))
        return asked

    def finish(self) -> LinkClosed:
        """Close what is wished to be closed, and return the end."""
        self.drain()
        for action in self.take_actions():
            if isinstance(action, CloseStream) and action.stream in self.living:
                self.lose(action.stream)
        assert self.link.finished
        assert not self.living
        assert self.link.next_deadline() is None
        return closing(self.take_events())


def test_is_a_link():
    link: Link = make()
    assert link.carries("ä".encode())
    assert not link.carries(b"\xff")
    assert not link.finished
    assert link.unsent == 0


def test_what_cannot_be_used_is_refused_at_once():
    with pytest.raises(InvalidURI):
        make("stomp://h")
    for transports in ([], ["websocket", "jsonp"]):
        with pytest.raises(ValueError, match="xhr-streaming"):
            make(transports=transports)
    with pytest.raises(LocalProtocolError):
        make(headers=[("Host", "x")])
    with pytest.raises(ValueError, match="split_above"):
        make(split_above=15)
    link = make()
    link.start(0.0)
    with pytest.raises(LocalProtocolError):
        link.start(0.0)
    with pytest.raises(LocalProtocolError):
        link.stream_accepted(StreamId(9), 0, "x", 0.0)
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.NOT_CONNECTED


@pytest.mark.parametrize(("took", "timeout"), [(0.0, 0.6), (0.05, 0.7), (0.1, 0.8), (0.2, 1.6), (1.0, 8.0)])
def test_the_time_for_a_transport_follows_the_round_trip(took: float, timeout: float):
    assert transport_timeout(took) == pytest.approx(timeout)


def test_the_websocket_comes_first():
    driver = Driver(headers=[("Authorization", "x")])
    asked = driver.answer_info(headers=[("Set-Cookie", "JSESSIONID=1")])
    assert (asked.method, asked.target) == ("GET", "/echo/info")
    stream, octets = driver.upgrade()
    assert b"Authorization: x\r\n" in octets
    assert b"Cookie: JSESSIONID=1\r\n" in octets
    driver.feed(stream, response(octets))
    driver.feed(stream, text(b"o") + text(encode_messages([b"x"])))
    assert driver.take_events() == [LinkOpened("websocket"), LinkData(b"x")]
    assert driver.link.next_deadline() is None
    driver.link.send(b"hello", driver.now)
    assert driver.link.unsent > 0
    assert driver.take_changed() == [stream]
    assert len(driver.pull(stream)) > 5


def test_a_websocket_that_is_refused_is_followed_by_streaming():
    driver = Driver()
    driver.answer_info()
    stream, _ = driver.upgrade()
    driver.feed(stream, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    stream, server, asked = driver.request()
    assert asked.target.endswith("/xhr_streaming")
    driver.feed(stream, server.head() + server.data(b"hh\no\n"))
    assert driver.take_events() == [LinkOpened("xhr-streaming")]
    driver.feed(stream, server.data(encode_messages([b"x"]) + b"\n"))
    assert driver.take_events() == [LinkData(b"x")]


def test_a_service_without_websocket():
    driver = Driver()
    driver.answer_info(NO_WEBSOCKET)
    _, _, asked = driver.request()
    assert asked.target.endswith("/xhr_streaming")


def test_only_the_wished_transports_are_tried_in_the_wished_order():
    driver = Driver(transports=["xhr-polling", "websocket"])
    driver.answer_info()
    stream, server, asked = driver.request()
    assert asked.target.endswith("/xhr")
    driver.feed(stream, server.response(500))
    stream, _ = driver.upgrade()
    driver.feed(stream, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    closed = driver.finish()
    assert (closed.clean, closed.phase, closed.status) == (False, Phase.UPGRADE, 403)
    assert "xhr-polling: The server answered xhr with HTTP status 500" in closed.reason
    assert "websocket: The server answered the WebSocket upgrade with HTTP status 403" in closed.reason


def test_each_transport_has_its_own_session():
    driver = Driver(transports=["xhr-streaming", "xhr-polling"])
    driver.answer_info()
    stream, server, first = driver.request()
    driver.feed(stream, server.response(404))
    _, _, second = driver.request()
    assert first.target.split("/")[3] != second.target.split("/")[3]


def test_a_slow_transport_is_given_up_and_the_next_one_tried():
    driver = Driver()
    driver.now = 0.2
    driver.answer_info()
    slow, _ = driver.upgrade()
    assert driver.link.next_deadline() == pytest.approx(0.2 + 1.6)
    driver.advance(1.6)
    actions = driver.take_actions()
    assert actions[0] == CloseStream(slow, abort=True)
    assert isinstance(actions[1], OpenStream)
    driver.opened(actions[1].stream)
    server = HttpServer()
    server.asked(driver.pull(actions[1].stream))
    driver.feed(actions[1].stream, server.head() + server.data(b"hh\no\n"))
    assert driver.take_events() == [LinkOpened("xhr-streaming")]
    driver.lose(slow)
    assert driver.take_events() == [], "nobody listens to a transport that was given up"


def test_the_last_transport_gets_the_time_that_is_left():
    driver = Driver(transports=["xhr-polling"], open_timeout=10.0)
    driver.advance(1.0)
    driver.answer_info()
    stream, _, _ = driver.request()
    assert driver.link.next_deadline() == 10.0
    driver.advance(9.0)
    assert driver.actions == [CloseStream(stream, abort=True)]
    closed = driver.finish()
    assert (closed.phase, closed.loss) == (Phase.UPGRADE, StreamLoss.TIMEOUT)
    assert closed.reason.endswith("xhr-polling: it did not open in time")


def test_the_last_transport_gets_at_least_its_own_time():
    driver = Driver(transports=["xhr-polling"], open_timeout=1.0)
    driver.advance(2.0)
    driver.answer_info()
    driver.request()
    assert driver.link.next_deadline() == 2.0 + 16.0


def test_no_transport_is_left():
    driver = Driver(transports=["websocket"])
    driver.answer_info(NO_WEBSOCKET)
    closed = driver.finish()
    assert closed.phase is Phase.INFO
    assert "websocket: the service has switched it off" in closed.reason


def test_all_transports_fail():
    driver = Driver()
    driver.answer_info()
    stream, _ = driver.upgrade()
    driver.lose(stream, StreamLoss.RESET)
    for _ in range(2):
        stream, server, _ = driver.request()
        driver.feed(stream, server.response(200, encode_close(2010, "busy") + b"\n"))
    closed = driver.finish()
    assert (closed.clean, closed.code) == (False, 2010)
    for name in TRANSPORTS:
        assert f"{name}: " in closed.reason


# /info


@pytest.mark.parametrize("status", [301, 302, 307, 308, 404, 503])
def test_info_that_is_refused_ends_the_link(status: int):
    driver = Driver()
    stream, server, _ = driver.request()
    driver.feed(stream, server.response(status, headers=[("Location", "http://evil/")]))
    closed = driver.finish()
    assert (closed.phase, closed.status) == (Phase.INFO, status)


def test_a_captive_portal():
    driver = Driver()
    driver.answer_info(b"<html>Log in</html>")
    closed = driver.finish()
    assert closed.error is not None
    assert closed.error.fault is LinkFault.BAD_INFO
    assert "login page" in closed.reason


def test_info_has_its_own_deadline():
    driver = Driver(info_timeout=3.0)
    driver.next_stream()
    driver.advance(3.0)
    closed = driver.finish()
    assert (closed.phase, closed.loss) == (Phase.INFO, StreamLoss.TIMEOUT)


def test_a_host_that_is_not_there():
    driver = Driver()
    stream = driver.wish().stream
    driver.lose(stream, StreamLoss.UNRESOLVED)
    assert driver.finish().phase is Phase.DNS


def test_info_may_name_another_base_of_the_same_origin():
    driver = Driver(url="http://h/echo?t=1")
    driver.answer_info(b'{"base_url":"http://h/other"}')
    _, octets = driver.upgrade()
    assert octets.startswith(b"GET /other/")
    assert b"t=1" not in octets.splitlines()[0]


def test_info_cannot_send_credentials_elsewhere():
    driver = Driver(headers=[("Authorization", "CANARY")])
    driver.answer_info(b'{"base_url":"http://evil/echo"}')
    closed = driver.finish()
    assert closed.phase is Phase.INFO
    assert closed.error is not None
    assert closed.error.fault is LinkFault.BAD_INFO
    assert len(driver.written) == 1


# Open


def opened(**options) -> tuple[Driver, StreamId, HttpServer]:
    driver = Driver(transports=["xhr-streaming"], **options)
    driver.answer_info()
    stream, server, _ = driver.request()
    driver.feed(stream, server.head() + server.data(b"hh\no\n"))
    assert driver.take_events() == [LinkOpened("xhr-streaming")]
    return driver, stream, server


def test_the_end_of_an_open_link_is_its_own():
    driver, stream, server = opened()
    driver.feed(stream, server.data(encode_close(3000, "Go away!") + b"\n"))
    closed = driver.finish()
    assert (closed.clean, closed.phase, closed.code) == (True, Phase.OPEN, 3000)
    with pytest.raises(LocalProtocolError) as raised:
        driver.link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.CLOSED


def test_an_open_link_has_the_deadlines_of_its_transport():
    driver, stream, server = opened(silence=5.0)
    driver.feed(stream, server.data(b"h\n"))
    assert driver.link.next_deadline() == 5.0
    driver.advance(5.0)
    closed = driver.finish()
    assert (closed.phase, closed.loss) == (Phase.OPEN, StreamLoss.TIMEOUT)


def test_writing_may_move_a_deadline():
    driver, _, _ = opened(request_timeout=5.0)
    driver.link.send(b"x" * 100, driver.now)
    driver.drain()
    (talk,) = [action.stream for action in driver.take_actions() if isinstance(action, OpenStream)]
    driver.opened(talk)
    assert driver.link.next_deadline() == 5.0
    driver.now = 2.0
    assert driver.link.data_to_send(talk, driver.now, 10) != b""
    assert driver.link.next_deadline() == 7.0


def test_octets_pass_whatever_the_cut():
    for cut in (None, 1, 7):
        driver, stream, server = opened()
        driver.feed(
            stream, server.data(b"".join(encode_messages([b"%d" % n]) + b"\n" for n in range(5))), cut
        )
        assert data_of(driver.take_events()) == b"01234"


def test_pausing_and_resuming():
    driver, stream, _ = opened()
    driver.link.changed_streams()
    driver.link.pause_reading(driver.now)
    assert not driver.link.wants_read(stream)
    assert driver.link.changed_streams() == [stream]
    driver.link.resume_reading(driver.now)
    assert driver.link.wants_read(stream)


def test_pausing_before_a_transport_is_chosen_holds():
    driver = Driver(transports=["xhr-streaming"])
    driver.link.pause_reading(driver.now)
    driver.answer_info()
    stream, _, _ = driver.request()
    assert not driver.link.wants_read(stream)
    driver.link.resume_reading(driver.now)
    assert driver.link.wants_read(stream)
    other = Driver()
    other.link.pause_reading(other.now)
    other.link.resume_reading(other.now)
    assert other.link.wants_read(other.next_stream())


def test_the_end_of_a_stream_is_passed_on():
    driver, stream, _ = opened()
    driver.eof(stream)
    assert driver.finish().clean is False


# The end


def test_closing_an_open_link():
    driver, _, _ = opened()
    driver.link.close(driver.now)
    assert driver.finish().clean
    driver.link.close(driver.now)
    driver.link.abort(driver.now)
    driver.drain()
    assert driver.take_events() == []


def test_aborting_an_open_link():
    driver, _, _ = opened()
    driver.link.abort(driver.now)
    closed = driver.finish()
    assert (closed.clean, closed.phase) == (False, Phase.OPEN)


def test_it_says_how_far_it_has_come():
    driver = Driver(url="https://h/echo")
    link = driver.link
    phases = [link.phase]
    stream = driver.wish().stream
    driver.opened(stream)
    phases.append(link.phase)
    driver.tls_wish()
    driver.tls_started(stream)
    phases.append(link.phase)
    server = HttpServer()
    server.asked(driver.pull(stream))
    driver.feed(stream, server.response(200, INFO))
    phases.append(link.phase)
    (opening,) = [action.stream for action in driver.take_actions() if isinstance(action, OpenStream)]
    driver.come_up(opening)
    phases.append(link.phase)
    driver.feed(opening, response(driver.pull(opening)))
    driver.feed(opening, text(b"o"))
    phases.append(link.phase)
    assert phases == [Phase.TCP, Phase.TLS, Phase.INFO, Phase.TCP, Phase.UPGRADE, Phase.OPEN]
    link.abort(driver.now)
    assert link.phase is Phase.OPEN


@pytest.mark.parametrize("how", ["close", "abort"])
def test_giving_up_while_info_is_asked(how: str):
    driver = Driver()
    driver.next_stream()
    getattr(driver.link, how)(driver.now)
    assert driver.finish().phase is Phase.INFO


@pytest.mark.parametrize("how", ["close", "abort"])
def test_giving_up_while_a_transport_is_tried(how: str):
    driver = Driver()
    driver.answer_info()
    driver.upgrade()
    getattr(driver.link, how)(driver.now)
    assert driver.finish().phase is Phase.UPGRADE


def test_closing_before_the_start():
    link = make()
    link.close(0.0)
    with pytest.raises(LocalProtocolError):
        link.start(0.0)
    driver = MemoryDriver[LinkEvent](link)
    assert closing(driver.take_events()).clean is False
    assert link.finished


def test_tls_goes_to_the_part_that_wished_for_it():
    driver = Driver(url="https://h/echo", proxy=parse_proxy("http://p"))
    stream = driver.next_stream()
    driver.pull(stream)
    driver.feed(stream, b"HTTP/1.1 200 OK\r\n\r\n")
    driver.tls_wish()
    driver.tls_started(stream)
    assert driver.pull(stream).startswith(b"GET /echo/info ")
