"""What every link promises, whichever it is: one opening, one end, no octet out of order, whatever breaks
when."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

import pytest

from stomp_sansio.errors import LocalProtocolError, Misuse
from stomp_sansio.links.fallback import FallbackLink
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.proxy import Proxy, parse_proxy
from stomp_sansio.links.sockjs import SockJSLink
from stomp_sansio.links.sockjs_frames import encode_close, encode_messages
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import CloseStream, OpenStream, StartTLS, StreamAction, StreamId, StreamLoss
from tests.links.driver import MemoryDriver
from tests.links.http_help import Asked, HttpServer
from tests.links.websocket_help import KEY, response, text

IDS = SessionIds("000", "abcdefgh")
MESSAGES = [b"first", "zwei ä".encode(), b"third\0"]
ESTABLISHED = b"HTTP/1.1 200 OK\r\n\r\n"


def stream_ids():
    return (StreamId(number) for number in count(1))


def plain(proxy: Proxy | None = None) -> Link:
    return PlainLink(parse_url("stomps://h"), stream_ids=stream_ids(), proxy=proxy)


def websocket(proxy: Proxy | None = None) -> Link:
    return WebSocketLink(parse_url("wss://h"), stream_ids=stream_ids(), masking_key=lambda: KEY, proxy=proxy)


def sockjs(proxy: Proxy | None = None) -> Link:
    return SockJSLink(
        parse_url("https://h"), IDS, stream_ids=stream_ids(), masking_key=lambda: KEY, proxy=proxy
    )


def streaming(proxy: Proxy | None = None) -> Link:
    return XhrLink(parse_url("https://h"), IDS, stream_ids=stream_ids(), proxy=proxy)


def polling(proxy: Proxy | None = None) -> Link:
    return XhrLink(parse_url("https://h"), IDS, stream_ids=stream_ids(), streaming=False, proxy=proxy)


def fallback(proxy: Proxy | None = None) -> Link:
    return FallbackLink(
        parse_url("https://h"),
        stream_ids=stream_ids(),
        token_bytes=random.Random(1).randbytes,
        transports=["websocket"],
        proxy=proxy,
    )


Make = Callable[..., Link]
LINKS: list[Make] = [plain, websocket, sockjs, streaming, polling, fallback]
every_link = pytest.mark.parametrize("make", LINKS)


class Server:
    """Plays the server of any of the links: says `MESSAGES`, then closes the session if there is one.

    It says no more than `budget` octets: then it falls silent in the middle of whatever it was saying.
    """

    def __init__(self, driver: MemoryDriver[LinkEvent], cut: int | None = None, budget: int = 10**9) -> None:
        self.driver = driver
        self.cut = cut
        self.budget = budget
        self.http: dict[StreamId, HttpServer] = {}
        self.polls = [b"o", *(encode_messages([message]) for message in MESSAGES), encode_close(1000, "")]

    def play(self) -> bool:
        """Let the link and the server talk until neither has more to say; True: the budget was too small."""
        moved = True
        while moved and self.budget:
            self.driver.drain()
            actions = self.driver.take_actions()
            for action in actions:
                self.do(action)
            written = {stream: self.driver.pull(stream) for stream in sorted(self.driver.living)}
            for stream, octets in written.items():
                if octets:
                    self.say(stream, self.answer(stream, octets))
            moved = bool(actions) or any(written.values())
        return not self.budget

    def do(self, action: StreamAction) -> None:
        """Do what a driver does; where a plain stream has come up, the server speaks first."""
        ready = isinstance(action, StartTLS)
        if isinstance(action, OpenStream):
            self.driver.opened(action.stream)
            ready = action.tls is not None
        elif isinstance(action, StartTLS):
            self.driver.tls_started(action.stream)
        else:
            self.driver.lose(action.stream)
        if ready and isinstance(self.driver.machine, PlainLink):
            self.say(action.stream, b"".join(MESSAGES))

    def say(self, stream: StreamId, octets: bytes) -> None:
        if stream in self.driver.living:
            said = octets[: self.budget]
            self.budget -= len(said)
            self.driver.feed(stream, said, self.cut)

    def answer(self, stream: StreamId, octets: bytes) -> bytes:
        """What the server says to all that was written to a stream."""
        if octets.startswith(b"CONNECT "):
            return ESTABLISHED
        if b"pgrade: websocket" in octets:
            frames = MESSAGES if octets.startswith(b"GET / ") else self.polls
            return response(octets) + b"".join(text(frame) for frame in frames)
        server = self.http.setdefault(stream, HttpServer())
        return b"".join(self.respond(server, request) for request in server.asked(octets))

    def respond(self, server: HttpServer, request: Asked) -> bytes:
        if request.target == "/info":
            return server.response(200, b"{}")
        if request.target.endswith("/xhr_streaming"):
            return server.response(200, b"".join(line + b"\n" for line in [b"hh", *self.polls]))
        return server.response(200, self.polls.pop(0) + b"\n")


def check(events: list[LinkEvent]) -> tuple[bytes, LinkClosed | None]:
    """Check the order of events; return the octets and the end."""
    octets = b""
    closed: LinkClosed | None = None
    for place, event in enumerate(events):
        assert closed is None, "LinkClosed is the last"
        if isinstance(event, LinkOpened):
            assert place == 0, "LinkOpened is the first, once"
        elif isinstance(event, LinkData):
            assert place > 0
            assert event.data
            octets += event.data
        else:
            closed = event
    return octets, closed


@every_link
def test_nothing_happens_before_start_and_nothing_after_the_end(make: Make):
    link = make()
    assert not link.finished
    assert link.next_action() is None
    assert link.next_event() is None
    assert link.next_deadline() is None
    assert link.changed_streams() == []
    assert link.unsent == 0
    link.close(0.0)
    driver = MemoryDriver(link)
    _, closed = check(driver.take_events())
    assert closed is not None
    assert not closed.clean
    assert link.finished
    for again in (link.close, link.abort, link.pause_reading, link.resume_reading, link.handle_timeout):
        again(1.0)
    driver.drain()
    assert driver.take_events() == []
    assert driver.take_actions() == []
    with pytest.raises(LocalProtocolError):
        link.start(1.0)
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 1.0)
    assert raised.value.misuse is Misuse.CLOSED


@every_link
def test_it_starts_once_sends_when_open_and_accepts_no_stream(make: Make):
    link = make()
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.NOT_CONNECTED
    link.start(0.0)
    with pytest.raises(LocalProtocolError):
        link.start(0.0)
    with pytest.raises(LocalProtocolError):
        link.stream_accepted(StreamId(99), 0, "somebody", 0.0)
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.NOT_CONNECTED


@every_link
@pytest.mark.parametrize("why", list(StreamLoss))
def test_a_stream_that_never_opens_ends_it_once_with_a_reason(make: Make, why: StreamLoss):
    link = make()
    link.start(0.0)
    driver = MemoryDriver(link)
    driver.lose(driver.wish().stream, why, "details")
    _, closed = check(driver.take_events())
    assert closed is not None
    assert closed.loss is why
    assert "details" in closed.reason
    assert "h:443" in closed.reason or "h:61614" in closed.reason
    assert closed.phase is not Phase.OPEN
    assert link.finished


@every_link
@pytest.mark.parametrize("how", ["close", "abort"])
def test_giving_up_while_the_stream_opens(make: Make, how: str):
    link = make()
    link.start(0.0)
    driver = MemoryDriver(link)
    stream = driver.wish().stream
    getattr(link, how)(0.0)
    driver.drain()
    assert driver.close_wish() == CloseStream(stream, abort=True)
    assert not link.finished
    driver.opened(stream)
    driver.feed(stream, b"whatever")
    driver.lose(stream)
    assert check(driver.take_events())[1] is not None
    assert link.finished


@every_link
@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("cut", [None, 1, 7])
def test_a_whole_conversation(make: Make, proxied: bool, cut: int | None):
    link = make(parse_proxy("http://p")) if proxied else make()
    link.start(0.0)
    driver = MemoryDriver(link)
    assert not Server(driver, cut).play()
    octets, closed = check(driver.take_events())
    assert octets == b"".join(MESSAGES)
    assert (closed is None) == (make in (plain, websocket)), "those servers do not close by themselves"


@every_link
@pytest.mark.parametrize("why", [StreamLoss.RESET, None])
def test_a_reset_or_an_end_at_every_octet(make: Make, why: StreamLoss | None):
    """Whatever came whole before is delivered in order, then there is one end; nothing waits for ever."""
    budget = 0
    cut_short = True
    lengths: set[int] = set()
    while cut_short:
        budget += 1
        link = make(parse_proxy("http://p"))
        link.start(0.0)
        driver = MemoryDriver(link)
        cut_short = Server(driver, budget=budget).play()
        for stream in sorted(driver.living):
            if why is not None:
                driver.lose(stream, why)
            else:
                driver.eof(stream)
        for action in driver.take_actions():
            if isinstance(action, CloseStream) and action.stream in driver.living:
                driver.lose(action.stream)
        assert link.finished
        assert link.next_deadline() is None
        octets, closed = check(driver.take_events())
        assert b"".join(MESSAGES).startswith(octets)
        assert closed is not None
        assert closed.reason
        lengths.add(len(octets))
    assert len(b"".join(MESSAGES)) in lengths
    assert 0 in lengths


@every_link
def test_silence_alone_is_no_error_and_no_busy_loop(make: Make):
    link = make()
    link.start(0.0)
    driver = MemoryDriver(link)
    stream = driver.wish().stream
    driver.opened(stream)
    wake_ups = 0
    while (deadline := link.next_deadline()) is not None and deadline <= 3600.0:
        wake_ups += 1
        driver.now = deadline
        link.handle_timeout(deadline)
        driver.drain()
    assert wake_ups <= 3
