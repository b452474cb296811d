"""A SockJS server of a few lines behind an xhr link, and the driver that joins the two in memory.

It knows one session. Streams are opened as they are wished; what the link asks is kept until a test, or
`serve`, answers it.
"""

from __future__ import annotations

from collections import deque
from itertools import count

from stomp_sansio.links.link import LinkEvent, LinkOpened
from stomp_sansio.links.sockjs_frames import OPEN_FRAME, PRELUDE, encode_messages
from stomp_sansio.links.sockjs_payload import decode_array
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import CloseStream, OpenStream, StreamId
from stomp_sansio.protocol.limits import Limits
from tests.links.driver import MemoryDriver
from tests.links.http_help import Asked, HttpServer

IDS = SessionIds("000", "abcdefgh")
LIMITS = Limits.client()


class XhrDriver(MemoryDriver[LinkEvent]):
    """Opens streams at once, and reads what is asked on them."""

    def __init__(self, link: XhrLink, cut: int | None = None) -> None:
        self.servers: dict[StreamId, HttpServer] = {}
        self.asked: deque[tuple[StreamId, Asked]] = deque()
        self.closed: list[StreamId] = []
        self.link = link
        self.cut = cut
        self.opens = True
        super().__init__(link)

    def settle(self) -> None:
        """Answer wishes and take requests until nothing moves any more."""
        self.drain()
        moved = True
        while moved:
            moved = False
            for action in self.take_actions():
                moved = True
                if isinstance(action, OpenStream) and self.opens:
                    self.come_up(action.stream)
                    self.servers[action.stream] = HttpServer()
                elif isinstance(action, CloseStream):
                    self.closed.append(action.stream)
                    self.lose(action.stream)
            for stream in list(self.living):
                octets = self.pull(stream) if stream in self.servers else b""
                if octets:
                    moved = True
                    self.asked += [(stream, request) for request in self.servers[stream].asked(octets)]

    def next_asked(self) -> tuple[StreamId, Asked]:
        self.settle()
        return self.asked.popleft()

    def say(self, stream: StreamId, octets: bytes) -> None:
        """Give octets of the server to the link, unless it has ended that stream."""
        if stream in self.living:
            self.feed(stream, octets, self.cut)
        self.settle()


def started(url: str = "http://h/echo", *, cut: int | None = None, **options) -> tuple[XhrLink, XhrDriver]:
    link = XhrLink(parse_url(url), IDS, stream_ids=(StreamId(n) for n in count(1)), **options)
    link.start(0.0)
    driver = XhrDriver(link, cut)
    driver.settle()
    return link, driver


def streaming(**options) -> tuple[XhrLink, XhrDriver, StreamId]:
    """A streaming link whose session is open; the response goes on."""
    link, driver = started(streaming=True, **options)
    stream, request = driver.next_asked()
    assert request.target == "/echo/000/abcdefgh/xhr_streaming"
    server = driver.servers[stream]
    prelude = PRELUDE if driver.cut is None else b"hh\n"
    driver.say(stream, server.head() + server.data(prelude) + server.data(OPEN_FRAME + b"\n"))
    assert driver.take_events() == [LinkOpened("xhr-streaming")]
    return link, driver, stream


def polling(**options) -> tuple[XhrLink, XhrDriver, StreamId]:
    """A polling link whose session is open, and whose next poll is out."""
    link, driver = started(streaming=False, **options)
    stream, request = driver.next_asked()
    assert request.target == "/echo/000/abcdefgh/xhr"
    driver.say(stream, driver.servers[stream].response(200, OPEN_FRAME + b"\n"))
    assert driver.take_events() == [LinkOpened("xhr-polling")]
    stream, request = driver.next_asked()
    assert request.target == "/echo/000/abcdefgh/xhr"
    return link, driver, stream


def line(*messages: bytes) -> bytes:
    return encode_messages(messages) + b"\n"


def sent(request: Asked) -> tuple[bytes, ...]:
    """The messages of an xhr_send."""
    assert request.target.partition("?")[0].endswith("/xhr_send")
    return decode_array(request.body, LIMITS)
