"""Asking for /info: one stream, one deadline, one event, and no redirect followed."""

from __future__ import annotations

from itertools import count

import pytest

from stomp_sansio.errors import InvalidURI, LinkFault, LocalProtocolError
from stomp_sansio.links.cookies import CookieJar
from stomp_sansio.links.info import SockJSInfo
from stomp_sansio.links.info_request import InfoEvent, InfoReceived, InfoRequest
from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import CloseStream, OpenStream, StartTLS, StreamId, StreamLoss, TCPAddress, TLSWish
from tests.links.driver import MemoryDriver
from tests.links.http_help import Asked, HttpServer

Driver = MemoryDriver[InfoEvent]
STREAM = StreamId(1)


def started(url: str = "http://h/echo?t=1", **options) -> Driver:
    request = InfoRequest(parse_url(url), stream_ids=(StreamId(n) for n in count(1)), **options)
    request.start(0.0)
    return MemoryDriver(request)


def asked(driver: Driver) -> tuple[HttpServer, Asked]:
    driver.take_actions()
    driver.opened(STREAM)
    server = HttpServer()
    (request,) = server.asked(driver.pull(STREAM))
    return server, request


def failed(driver: Driver) -> LinkClosed:
    (event,) = driver.take_events()
    assert isinstance(event, LinkClosed)
    assert not event.clean
    return event


def test_it_asks_and_is_answered():
    jar = CookieJar(path="/echo", secure=False)
    driver = started("http://u:p@h:8080/echo/?t=1", headers=[("Authorization", "x")], cookies=jar)
    assert driver.actions == [OpenStream(STREAM, TCPAddress("h", 8080))]
    driver.now = 1.0
    server, request = asked(driver)
    assert (request.method, request.target) == ("GET", "/echo/info?t=1")
    assert request.headers == {"host": "h:8080", "authorization": "x"}
    driver.now = 2.5
    body = b'{"websocket":false,"cookie_needed":true}'
    driver.feed(STREAM, server.response(200, body, [("Set-Cookie", "JSESSIONID=1")]))
    assert driver.take_events() == [InfoReceived(SockJSInfo(websocket=False, cookie_needed=True), 2.5)]
    assert driver.close_wish() == CloseStream(STREAM, abort=True)
    assert jar.headers() == [("Cookie", "JSESSIONID=1")]
    assert driver.machine.next_deadline() is None
    assert not driver.machine.finished
    driver.feed(STREAM, b"late")
    driver.eof(STREAM)
    driver.opened(STREAM)
    driver.tls_started(STREAM)
    assert driver.pull(STREAM) == b""
    assert not driver.machine.wants_read(STREAM)
    driver.lose(STREAM)
    assert driver.machine.finished
    assert driver.take_events() == []


def test_the_way_there_may_have_a_proxy_and_tls():
    driver = started("https://h/echo", proxy=parse_proxy("http://p"), server_name="n")
    driver.take_actions()
    driver.opened(STREAM)
    assert driver.machine.wants_read(STREAM)
    driver.pull(STREAM)
    driver.feed(STREAM, b"HTTP/1.1 200 OK\r\n\r\n")
    assert driver.take_actions() == [StartTLS(STREAM, TLSWish("n"))]
    driver.tls_started(STREAM)
    assert driver.pull(STREAM).startswith(b"GET /echo/info ")


def test_the_callers_cookies_go_along():
    driver = started(headers=[("Cookie", "a=1")])
    _, request = asked(driver)
    assert request.headers["cookie"] == "a=1"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(status: int):
    driver = started(headers=[("Authorization", "CANARY")])
    server, _ = asked(driver)
    driver.feed(STREAM, server.head(status, [("Location", "http://evil/?token=CANARY")]))
    closed = failed(driver)
    assert (closed.phase, closed.status) == (Phase.INFO, status)
    assert "CANARY" not in closed.reason
    assert driver.close_wish() == CloseStream(STREAM, abort=True)
    driver.lose(STREAM)
    assert driver.take_actions() == []


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (404, b"", LinkFault.HTTP_STATUS),
        (204, b"", LinkFault.HTTP_STATUS),
        (200, b"<html>Log in</html>", LinkFault.BAD_INFO),
        (200, b"", LinkFault.BAD_INFO),
        (200, b"{" + b" " * 5000 + b"}", LinkFault.LIMIT),
    ],
)
@pytest.mark.parametrize("cut", [None, 1])
def test_what_is_no_information(status: int, body: bytes, fault: LinkFault, cut: int | None):
    driver = started()
    server, _ = asked(driver)
    driver.feed(STREAM, server.response(status, body), cut)
    closed = failed(driver)
    assert closed.phase is Phase.INFO
    assert closed.error is not None
    assert closed.error.fault is fault
    assert closed.status == (None if status == 200 else status)


def test_an_endless_answer_is_cut_off_at_its_limit():
    driver = started()
    server, _ = asked(driver)
    driver.feed(STREAM, server.head(200))
    for _ in range(4):
        driver.feed(STREAM, server.data(b" " * 1024))
        assert driver.events == []
    driver.feed(STREAM, server.data(b" "))
    error = failed(driver).error
    assert error is not None
    assert error.fault is LinkFault.LIMIT


def test_an_answer_that_is_cut_short():
    driver = started()
    server, _ = asked(driver)
    driver.feed(STREAM, server.head(200) + server.data(b"{}"))
    driver.eof(STREAM)
    error = failed(driver).error
    assert error is not None
    assert error.fault is LinkFault.TRUNCATED


def test_a_proxy_that_refuses():
    driver = started(proxy=parse_proxy("http://p"))
    driver.opened(STREAM)
    driver.feed(STREAM, b"HTTP/1.1 407 x\r\n\r\n")
    closed = failed(driver)
    assert (closed.phase, closed.status) == (Phase.PROXY, 407)


def test_a_stream_that_is_lost():
    driver = started()
    driver.lose(STREAM, StreamLoss.UNRESOLVED)
    closed = failed(driver)
    assert (closed.phase, closed.loss) == (Phase.DNS, StreamLoss.UNRESOLVED)
    assert driver.machine.finished
    driver = started()
    asked(driver)
    driver.lose(STREAM, StreamLoss.RESET)
    assert failed(driver).phase is Phase.INFO


def test_it_has_a_deadline_of_its_own():
    driver = started()
    assert driver.machine.next_deadline() == 8.0
    server, _ = asked(driver)
    driver.feed(STREAM, server.head(200))
    driver.advance(7.9)
    assert driver.events == []
    driver.machine.handle_timeout(driver.now)
    driver.advance(0.1)
    closed = failed(driver)
    assert (closed.phase, closed.loss) == (Phase.INFO, StreamLoss.TIMEOUT)
    assert "8 s" in closed.reason


def test_it_says_how_far_it_has_come():
    request = InfoRequest(parse_url("https://h/echo"), stream_ids=iter([STREAM]))
    phases = [request.phase]
    request.start(0.0)
    driver: Driver = MemoryDriver(request)
    phases.append(request.phase)
    driver.opened(STREAM)
    phases.append(request.phase)
    driver.tls_started(STREAM)
    phases.append(request.phase)
    assert phases == [Phase.TCP, Phase.TCP, Phase.TLS, Phase.INFO]


def test_a_tls_hand_shake_that_nobody_answers():
    request = InfoRequest(parse_url("https://h/echo"), stream_ids=iter([STREAM]))
    request.start(0.0)
    driver: Driver = MemoryDriver(request)
    driver.opened(STREAM)
    driver.advance(8.0)
    closed = failed(driver)
    assert closed.phase is Phase.TLS
    assert "check that this port speaks TLS" in closed.reason


def test_it_can_be_given_up():
    driver = started(timeout=2.0)
    request = driver.machine
    assert isinstance(request, InfoRequest)
    request.abort(0.0)
    driver.drain()
    assert failed(driver).phase is Phase.TCP
    request.abort(0.0)
    driver.drain()
    assert driver.take_events() == []
    driver.lose(STREAM)
    assert request.finished


def test_what_cannot_be_asked_is_refused_at_once():
    ids = (StreamId(n) for n in count(1))
    with pytest.raises(InvalidURI):
        InfoRequest(parse_url("stomp://h"), stream_ids=ids)
    with pytest.raises(LocalProtocolError):
        InfoRequest(parse_url("http://h"), stream_ids=ids, headers=[("X", "a\r\nb")])
    with pytest.raises(LocalProtocolError):
        InfoRequest(parse_url("http://h"), stream_ids=ids).stream_accepted(STREAM, 0, "x", 0.0)
