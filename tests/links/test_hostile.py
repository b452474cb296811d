"""What no peer achieves, on any transport and at any cut: more than one end, an end without a reason, octets
that were not whole, or the sight of a secret.

This file must not know how a link finds out.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.cookies import CookieJar
from stomp_sansio.links.fallback import FallbackLink
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened
from stomp_sansio.links.proxy import Proxy, parse_proxy
from stomp_sansio.links.sockjs import SockJSLink
from stomp_sansio.links.sockjs_service import SockJSService
from stomp_sansio.links.url import SessionIds, parse_url, sockjs_endpoint
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import CloseStream, OpenStream, StartTLS, StreamId
from stomp_sansio.protocol.limits import Limits
from tests.links.driver import MemoryDriver, data_of
from tests.links.http_help import HttpServer
from tests.links.websocket_help import frame, response, text

CANARY = "c4n4ry"
IDS = SessionIds("000", CANARY)
HEADERS = [
    ("Authorization", f"Bearer {CANARY}"),
    ("Cookie", f"session={CANARY}"),
    ("X-Auth-Token", CANARY),
]
Make = Callable[..., Link]


def stream_ids() -> Iterator[StreamId]:
    return (StreamId(number) for number in count(1))


def websocket(**options) -> Link:
    url = parse_url(f"wss://user:{CANARY}@h/ws?token={CANARY}")
    return WebSocketLink(url, stream_ids=stream_ids(), headers=HEADERS, **options)


BASE = parse_url(f"https://user:{CANARY}@h/echo?token={CANARY}")


def sockjs(**options) -> Link:
    return SockJSLink(BASE, IDS, stream_ids=stream_ids(), headers=HEADERS, **options)


def streaming(**options) -> Link:
    return XhrLink(BASE, IDS, stream_ids=stream_ids(), headers=HEADERS, **options)


def polling(**options) -> Link:
    return XhrLink(BASE, IDS, stream_ids=stream_ids(), headers=HEADERS, streaming=False, **options)


def fallback(**options) -> Link:
    random_octets = random.Random(1).randbytes
    return FallbackLink(BASE, stream_ids=stream_ids(), token_bytes=random_octets, headers=HEADERS, **options)


LINKS: list[Make] = [websocket, sockjs, streaming, polling, fallback]
every_link = pytest.mark.parametrize("make", LINKS)


class Hostile:
    """Brings the streams of a link up, gives one answer to whatever is said first on each, and then ends
    it."""

    def __init__(self, link: Link, answer: Callable[[bytes], bytes], cut: int | None = None) -> None:
        self.link = link
        self.answer = answer
        self.cut = cut
        link.start(0.0)
        self.driver: MemoryDriver[LinkEvent] = MemoryDriver(link)

    def play(self) -> LinkClosed:
        driver = self.driver
        answered: set[StreamId] = set()
        while not self.link.finished:
            driver.drain()
            actions = driver.take_actions()
            for action in actions:
                if isinstance(action, OpenStream):
                    driver.opened(action.stream)
                elif isinstance(action, StartTLS):
                    driver.tls_started(action.stream)
                elif isinstance(action, CloseStream):
                    driver.pull(action.stream) if not action.abort else None
                    driver.lose(action.stream)
            asked = {stream: driver.pull(stream) for stream in sorted(driver.living)}
            for stream, octets in asked.items():
                if octets and stream in driver.living and stream not in driver.ending:
                    if stream not in answered:
                        answered.add(stream)
                        self.feed(stream, self.answer(octets))
                    if stream in driver.living and stream not in driver.ending:
                        driver.eof(stream)
            assert actions or any(asked.values()), "it waits for ever"
        *before, closed = driver.events
        assert isinstance(closed, LinkClosed), "the end comes last"
        assert not any(isinstance(event, LinkClosed) for event in before), "the end comes once"
        assert self.link.next_deadline() is None
        return closed

    def feed(self, stream: StreamId, octets: bytes) -> None:
        step = self.cut or len(octets) or 1
        for start in range(0, len(octets), step):
            if stream in self.driver.living and stream not in self.driver.ending:
                self.driver.feed(stream, octets[start : start + step])

    def shown(self, closed: LinkClosed) -> str:
        """Everything that may end up in a log."""
        shown = [repr(self.driver.events), closed.reason, str(closed.error), repr(closed.error)]
        return "\n".join([*shown, repr(self.link), repr(self.driver.actions), repr(closed)])


PORTAL = b"<html><body>Log in to our network first</body></html>"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PORTAL), PORTAL)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def quoted(asked: bytes) -> bytes:
    """All that was asked, as the body of an error page."""
    return b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(asked), asked)


def redirected(asked: bytes) -> bytes:
    target = asked.split(b" ")[1]
    return b"HTTP/1.1 307 Moved\r\nLocation: https://user:c4n4ry@evil%s\r\nContent-Length: 0\r\n\r\n" % target


ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda asked: b"",
    "what was asked": lambda asked: asked,
    "a page that quotes what was asked": quoted,
    "a redirect that keeps the query": redirected,
    "a first line that quotes what was asked": lambda asked: b"HTTP/1.1 " + asked,
    "a header that quotes what was asked": lambda asked: b"HTTP/1.1 200 OK\r\nX " + asked,
    "a captive portal": lambda asked: PAGE,
    "a captive portal in HTTP/1.0": lambda asked: b"HTTP/1.0 200 OK\r\n\r\n" + PORTAL,
    "no HTTP": lambda asked: b"\x15\x03\x01\x00\x02\x02\x16" * 9 + b"\r\n\r\n",
    "a chunked body cut short": lambda asked: CHUNKED + b"ff\r\n{",
    "a broken chunk": lambda asked: CHUNKED + b"zz\r\n" + asked,
    "a 101 with a wrong accept key": lambda asked: (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: c4n4ryc4n4ryc4n4ryc4n4ryc4A=\r\n\r\n" + text(b"o") + text(b'a["x"]')
    ),
    "a cookie and a refusal": lambda asked: (
        b"HTTP/1.1 401 No\r\nSet-Cookie: a=c4n4ry\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    ),
}


@every_link
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("cut", [None, 1, 7])
@pytest.mark.parametrize("proxied", [False, True])
def test_bad_answers_end_in_one_error_that_shows_no_secret(
    make: Make, answer: str, cut: int | None, proxied: bool
) -> None:
    proxy: Proxy | None = parse_proxy(f"http://user:{CANARY}@proxy") if proxied else None
    hostile = Hostile(make(proxy=proxy), ANSWERS[answer], cut)
    closed = hostile.play()
    assert not closed.clean
    assert closed.reason
    assert not any(isinstance(event, (LinkOpened, LinkData)) for event in hostile.driver.events)
    if make is not fallback:  # which has an error for each transport, and puts them into its sentence
        assert isinstance(closed.error, RemoteProtocolError)
        assert isinstance(closed.error.fault, LinkFault)
    assert CANARY not in hostile.shown(closed)


FLOODS = {
    "a header of 1 MiB": b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 20),
    "30,000 headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 30_000 + b"\r\n",
    "a first line of 1 MiB": b"HTTP/1.1 200 " + b"x" * (1 << 20),
    "informational answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
}


@every_link
@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("cut", [None, 4096])
def test_threat_6_floods_of_a_head_end_in_one_error(make: Make, flood: str, cut: int | None) -> None:
    hostile = Hostile(make(), lambda asked: FLOODS[flood], cut)
    tracemalloc.start()
    try:
        closed = hostile.play()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert closed.error is not None
    assert closed.error.fault is LinkFault.LIMIT
    assert peak < (4 << 20 if cut is None else 1 << 20), "what is refused is not kept"


# Bad frames, behind good ones

LIMITS = Limits(max_body=100)
"""A frame of SockJS may have 100 octets, and what STOMP's head may have, decoded."""
LONG = b'a["' + b"x" * LIMITS.max_message + b'y"]'
BAD_FRAMES: list[tuple[bytes, LinkFault]] = [
    (b'a["\\ud800"]', LinkFault.BAD_UNICODE),
    (b'a["good","\\ud800"]', LinkFault.BAD_UNICODE),
    (b'a["whole","half', LinkFault.BAD_JSON),
    (b'a["whole",1]', LinkFault.BAD_FRAME),
    (b'a{"a":"b"}', LinkFault.BAD_FRAME),
    (b"a", LinkFault.BAD_JSON),
    (b"x", LinkFault.BAD_FRAME),
    (b"oo", LinkFault.BAD_FRAME),
    (b"hello", LinkFault.BAD_FRAME),
    (b"c[]", LinkFault.BAD_FRAME),
    (b'a["\xff"]', LinkFault.BAD_UNICODE),
    (b"a[" + b'"",' * 1000 + b'""]', LinkFault.LIMIT),
    (LONG, LinkFault.LIMIT),
]


def carried(asked: bytes, frames: list[bytes], make: Make) -> bytes:
    """The answer to what was asked that has these frames, one behind the other."""
    if make is sockjs:
        return response(asked) + b"".join(text(one) for one in frames)
    server = HttpServer()
    server.asked(asked)
    if make is streaming:
        return server.response(200, b"hh\n" + b"".join(one + b"\n" for one in frames))
    return server.response(200, b"".join(one + b"\n" for one in frames))


@pytest.mark.parametrize("make", [sockjs, streaming, polling])
@pytest.mark.parametrize(("bad", "fault"), BAD_FRAMES)
@pytest.mark.parametrize("cut", [None, 1, 100])
def test_a_bad_frame_ends_in_one_error_and_what_stood_before_is_delivered(
    make: Make, bad: bytes, fault: LinkFault, cut: int | None
) -> None:
    frames = [b"o", b'a["good",""," \\u00e9"]', bad, b'a["late"]']
    hostile = Hostile(make(limits=LIMITS), lambda asked: carried(asked, frames, make), cut)
    closed = hostile.play()
    assert data_of(hostile.driver.events) == "good é".encode()
    assert not closed.clean
    assert closed.error is not None
    if make is sockjs and bad == b'a["\xff"]':
        fault = LinkFault.NOT_UTF8  # WebSocket says so first
    assert closed.error.fault is fault
    assert CANARY not in hostile.shown(closed)


@pytest.mark.parametrize("make", [sockjs, streaming, polling])
@pytest.mark.parametrize("cut", [None, 1])
def test_close_before_open_is_an_end_without_an_opening(make: Make, cut: int | None) -> None:
    frames = [b'c[3000,"Go away!"]', b"o", b'a["late"]']
    hostile = Hostile(make(), lambda asked: carried(asked, frames, make), cut)
    closed = hostile.play()
    assert closed.code == 3000
    assert "Go away!" in closed.reason
    assert len(hostile.driver.events) == 1


@pytest.mark.parametrize("make", [sockjs, streaming, polling])
@pytest.mark.parametrize("cut", [None, 1])
def test_a_second_open_is_a_session_that_was_lost(make: Make, cut: int | None) -> None:
    frames = [b"o", b'a["good"]', b"o", b'a["late"]']
    hostile = Hostile(make(), lambda asked: carried(asked, frames, make), cut)
    closed = hostile.play()
    assert data_of(hostile.driver.events) == b"good"
    assert (closed.clean, closed.code) == (False, 1006)


@pytest.mark.parametrize("make", [websocket, sockjs])
def test_threat_6_a_million_empty_fragments_end_in_one_error(make: Make) -> None:
    flood = text(b"", fin=False) + frame(0, fin=False) * 1_000_000
    opening = b"" if make is websocket else text(b"o")
    hostile = Hostile(make(), lambda asked: response(asked) + opening + flood, 65536)
    closed = hostile.play()
    assert data_of(hostile.driver.events) == b""
    assert closed.error is not None
    assert closed.error.fault is LinkFault.LIMIT


@every_link
def test_what_shows_a_link_shows_no_secret(make: Make) -> None:
    link = make(proxy=parse_proxy(f"http://user:{CANARY}@proxy"))
    at = sockjs_endpoint(BASE, "xhr_send", IDS)
    service = SockJSService(
        split_above=None,
        base=BASE,
        stream_ids=stream_ids(),
        token_bytes=random.Random(1).randbytes,
        headers=tuple(HEADERS),
        cookies=CookieJar(path="/", secure=True, headers=HEADERS),
        server_name=None,
        proxy=parse_proxy(f"http://user:{CANARY}@proxy"),
        limits=Limits.client(),
        silence=1.0,
        info_timeout=1.0,
        request_timeout=1.0,
        close_timeout=1.0,
    )
    link.start(0.0)
    for shown in (link, at, service, link.next_action(), IDS, BASE):
        assert CANARY not in repr(shown)
        assert CANARY not in str(shown)
