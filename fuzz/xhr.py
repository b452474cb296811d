"""Invariant: however the responses of an xhr session are cut, the link's events, its requests and its verdict
are the same; nothing is raised; one end comes last; one request listens and one talks, on two streams at
most.

This file must not know STOMP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from fuzz.octets import Octets, by_octet, random_cuts
from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.link import LinkClosed, LinkData, LinkOpened
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.links.xhr import XhrLink
from stomp_sansio.machine import CloseStream, OpenStream, StreamId, StreamLoss
from stomp_sansio.protocol.limits import Limits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["TOKENS", "check", "strategy"]

LIMITS = (
    Limits(),
    Limits(max_body=1, max_sockjs_messages=2, max_http_headers=3, max_http_header_block=80),
    Limits(max_body=1, max_sockjs_messages=1),
)
BASE = parse_url("http://h/e")
IDS = SessionIds("000", "abcdefgh")
FAULTS = {
    LinkFault.BAD_FRAME,
    LinkFault.BAD_JSON,
    LinkFault.BAD_UNICODE,
    LinkFault.UNEXPECTED_FRAME,
    LinkFault.TRUNCATED,
    LinkFault.LIMIT,
    LinkFault.HTTP_STATUS,
    LinkFault.PROTOCOL_ERROR,
    LinkFault.CLOSED_ABNORMALLY,
}


def chunk(octets: bytes) -> bytes:
    """Return octets as a chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(octets), octets)


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAMES = (
    *(
        chunk(b'a["x"]\n'),
        chunk(b"h\n"),
        chunk(b'a["y'),
        chunk(b'","z"]\n'),
        chunk(b'm"m"\nh\n'),
        chunk(b"\n"),
    ),
    *(chunk(b'a["\\u00e9\\n"]\r\n'), chunk(b'c[3000,"x"]\n'), chunk(b'a["\\ud800"]\n')),
)
ANSWERS = (
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 204 x\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\n",
    HEAD + chunk(b"o\n") + b"0\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
)
TOKENS = (
    *FRAMES,
    *ANSWERS,
    *(HEAD, b"o\n", chunk(b"o\n"), chunk(b"hh\n"), b"0\r\n\r\n", chunk(b"a" * 900), b"HTTP/1.0 200 x\r\n"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"Connection: close\r\n", b"\r\n", b"\n"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n", b"X: y\r\n" * 4),
    *(b"Location: http://u:p@evil/\r\n", b"HTTP/1.1 302 Found\r\n", b"HTTP/1.1 500 x\r\n", b"1;", b"x" * 90),
    *(b"\x00", b"\xff", b"5000\r\n", b"-1\r\n"),
)


class Facts(NamedTuple):
    """All that a link shows. Two ways of cutting must give equal facts."""

    events: tuple[object, ...]
    """Data is joined: where a piece ends means nothing."""
    requests: tuple[bytes, ...]
    """What was written, by stream."""
    refused: tuple[Misuse, ...]
    """Why something could not be sent."""


def check(data: bytes) -> None:
    """Play a script in several cuts.

    Raises:
        AssertionError: the invariant is broken.
    """
    seed = data[:1] or b"\0"
    whole = Play(data, lambda octets: [octets]).facts()
    assert Play(data, by_octet).facts() == whole, "octet by octet"
    assert Play(data, lambda octets: random_cuts(octets, seed[0])).facts() == whole, "cut at random"


class Play:
    """One link, one script: what the server says, when streams end, what is sent, and how time passes."""

    def __init__(self, data: bytes, cut: Callable[[bytes], Iterable[bytes]]) -> None:
        choices = Octets(data)
        choices.octet()
        mode = choices.octet()
        self.cut = cut
        self.now = 0.0
        self.link = XhrLink(
            BASE,
            IDS,
            stream_ids=(StreamId(number) for number in count(1)),
            streaming=bool(mode & 1),
            limits=LIMITS[(mode >> 1) % len(LIMITS)],
            silence=5.0,
        )
        self.written: dict[StreamId, bytearray] = {}
        self.living: list[StreamId] = []
        self.events: list[object] = []
        self.refused: list[Misuse] = []
        self.ended = False
        self.link.start(0.0)
        self.drain()
        if mode & 0x40:
            self.feed(0, HEAD + chunk(b"o\n"))
        while choices.left:
            self.step(choices)

    def step(self, choices: Octets) -> None:
        """Let one thing happen."""
        what = choices.octet()
        # The first stream that lives listens, mostly; the last one talks, if there are two.
        stream = self.living[-1 if what & 1 else 0] if self.living else None
        if what < 90:
            self.feed(0, FRAMES[what % len(FRAMES)])
        elif what < 110:
            self.feed(0, b"0\r\n\r\n" + (HEAD if what & 1 else b""))
        elif what < 130:
            self.say(b"say" + choices.take(what & 3))
        elif what < 155:
            self.feed(-1, ANSWERS[what % len(ANSWERS)])
        elif what < 195:
            self.feed(-(what & 1), TOKENS[choices.octet() % len(TOKENS)])
        elif what < 200:
            self.feed(-(what & 1), choices.take(what & 7))
        elif what < 210 and stream is not None:
            self.link.receive_eof(stream, self.now)
        elif what < 215 and stream is not None:
            self.living.remove(stream)
            self.link.stream_lost(stream, StreamLoss.RESET, self.now)
        elif what < 240:
            self.now += what & 15
            self.link.handle_timeout(self.now)
        elif what < 243:
            self.link.close(self.now)
        elif what < 246:
            self.link.pause_reading(self.now)
        elif what < 250:
            self.link.resume_reading(self.now)
        self.drain()

    def feed(self, place: int, octets: bytes) -> None:
        """Hand octets to one stream, by its place among the living, as long as it lives."""
        stream = self.living[place] if self.living else None
        for piece in self.cut(octets):
            if stream is not None and stream in self.living:
                self.link.receive_data(stream, piece, self.now)
                self.drain()

    def say(self, octets: bytes) -> None:
        """Send; the only reasons not to are that the link is not open, and that the octets are no text."""
        try:
            self.link.send(octets, self.now)
        except LocalProtocolError as error:
            self.refused.append(error.misuse)

    def drain(self) -> None:
        """Do what a driver does after every input."""
        while (action := self.link.next_action()) is not None:
            if isinstance(action, OpenStream):
                self.living.append(action.stream)
                self.written[action.stream] = bytearray()
                self.link.stream_opened(action.stream, self.now)
            elif isinstance(action, CloseStream):
                self.living.remove(action.stream)
                self.link.stream_lost(action.stream, StreamLoss.CLOSED, self.now)
        assert len(self.living) <= 2, "one stream listens and one talks"
        for stream in self.living:
            while octets := self.link.data_to_send(stream, self.now):
                self.written[stream] += octets
        while (event := self.link.next_event()) is not None:
            assert not self.ended, "the end is the last"
            self.take(event)
        assert self.link.finished == self.ended
        assert not (self.ended and (self.living or self.link.next_deadline() is not None))

    def take(self, event: LinkOpened | LinkData | LinkClosed) -> None:
        """Note an event; data joins the data before it."""
        if isinstance(event, LinkClosed):
            self.ended = True
            fault = None if event.error is None else event.error.fault
            assert fault is None or fault in FAULTS, f"{fault} is no fault of this link"
            self.events.append(
                (event.clean, event.phase, event.reason, event.loss, event.code, event.status, fault)
            )
        elif isinstance(event, LinkOpened):
            assert not self.events, "the opening comes first, once"
            self.events.append(event)
        else:
            before = self.events.pop()
            self.events += [before + event.data] if isinstance(before, bytes) else [before, event.data]

    def facts(self) -> Facts:
        """Return what was seen."""
        return Facts(tuple(self.events), tuple(map(bytes, self.written.values())), tuple(self.refused))


def strategy() -> SearchStrategy[bytes]:
    """Return a strategy of inputs for `check`: mostly sequences of known pieces."""
    from hypothesis import strategies as st

    head = st.binary(min_size=2, max_size=2)
    step = st.integers(0, 255).map(lambda number: bytes([number]))
    return st.builds(lambda first, rest: first + b"".join(rest), head, st.lists(step, max_size=40))
