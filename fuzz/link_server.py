"""Invariant: whatever comes on the streams of a server, however cut and in whatever order, each peer opens
once and first and closes once and last, nothing but a refused `send` is raised, what is said and written is
the same, and when the streams are gone and time has passed nothing is left.

This file must not know STOMP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from fuzz.octets import Octets, by_octet, random_cuts
from stomp_sansio.errors import LocalProtocolError
from stomp_sansio.links.origin import OriginPolicy
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerId, PeerOpened, StreamRefused
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.server_options import ServerOptions
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss
from stomp_sansio.protocol.limits import Limits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["TOKENS", "check", "strategy"]

OPTIONS = (
    ServerOptions(),
    ServerOptions(
        limits=Limits(max_body=1, max_sockjs_messages=2, max_http_headers=9, max_http_header_block=600),
        cookie_needed=True,
        max_streams=2,
        max_sessions=1,
    ),
    ServerOptions(
        path="/",
        limits=Limits(max_body=1, max_streaming_response=1, max_message_fragments=2),
        origins=OriginPolicy(["https://a.example"]),
        tls_listeners=(0,),
    ),
)
KEY = b"\x00\x01\x02\x03"


def asked(first: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    """Return a whole request."""
    if body:
        lines = (*lines, b"Content-Length: %d" % len(body))
    return b"\r\n".join((first + b" HTTP/1.1", b"Host: example.com", *lines, b"", body))


def frame(first: int, payload: bytes) -> bytes:
    """Return a masked WebSocket frame with a short payload."""
    masked = bytes(octet ^ KEY[place & 3] for place, octet in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + KEY + masked


UPGRADE = (
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)
WAYS = (
    *(asked(b"GET /stomp"), asked(b"GET /stomp/info"), asked(b"GET /info"), asked(b"GET /stomp", *UPGRADE)),
    *(asked(b"GET /", *UPGRADE), asked(b"GET /stomp/0/a/websocket", *UPGRADE), asked(b"GET /x", *UPGRADE)),
    *(asked(b"POST /stomp/0/a/xhr"), asked(b"POST /stomp/0/a/xhr_streaming"), asked(b"POST /0/a/xhr")),
    *(
        asked(b"POST /stomp/1/a/xhr_streaming"),
        asked(b"POST /stomp/1/b/xhr"),
        asked(b"POST /0/b/xhr_streaming"),
    ),
    *(asked(b"POST /stomp/0/a/xhr_send", body=b'["x"]'), asked(b"POST /stomp/0/a/xhr_send", body=b'["y')),
    *(asked(b"POST /0/a/xhr_send", body=b'["x","y"]'), asked(b"POST /stomp/0/a/xhr_send", body=b"[]")),
    *(
        asked(b"OPTIONS /stomp/0/a/xhr", b"Origin: http://example.com"),
        asked(b"HEAD /stomp"),
        asked(b"PUT /stomp"),
    ),
    *(
        asked(b"POST /stomp/0/c/xhr", b"Origin: http://example.com"),
        asked(b"POST /stomp/0/c/xhr", b"Origin: null"),
        asked(b"GET /stomp/info", b"Origin: https://a.example"),
    ),
    asked(b"POST /stomp/0/a/xhr_send", body=b'["' + b"z" * 260_000 + b'"]'),
    asked(b"POST /stomp/0/a/xhr", b"Connection: close"),
)
FRAMES = (
    *(frame(0x81, b""), frame(0x81, b"a"), frame(0x82, b"\xff"), frame(0x81, b'["a"]'), frame(0x81, b'"b"')),
    *(frame(0x81, b"["), frame(0x01, b"a"), frame(0x80, b"b"), frame(0x00, b""), frame(0x89, b"p")),
    *(frame(0x88, b""), frame(0x88, b"\x03\xe8"), frame(0xC1, b"x"), b"\x81\xfe\xff\xff" + KEY, b"\x81\x01x"),
)
TEXTS = (
    *(
        b"CONNECT\n\n\0",
        b"C",
        b"CONNECT",
        b"\n",
        b"\r\n",
        b"\x16\x03\x01",
        b"GET",
        b" ",
        b"\x00",
        b"\xff",
        b":",
    ),
    *(
        b"POST /stomp/0/a/xhr_send HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        b'5\r\n["x"]\r\n0\r\n\r\n',
    ),
    *(
        b"POST /stomp/0/a/xhr HTTP/1.0\r\nHost: h\r\n\r\n",
        b"a: b\r\n" * 20,
        b"Host: h\r\n",
        b"1;" + b"x" * 300,
    ),
)
PIECES = (*WAYS, *FRAMES, *TEXTS)
CHUNKS = (b"x", b"\xff", b"\xc3", b"\xa9", b"", b"y" * 200, b'"\\\0')
TOKENS = tuple(bytes([piece]) for piece in range(len(PIECES)))
STEPS = (
    *("feed", "feed", "feed two", "feed two", "accept", "pull", "send", "time"),
    *("eof", "lose", "close", "abort", "pause", "resume", "shut down"),
)
SECONDS = (0.5, 3.0, 5.0, 11.0, 26.0, 31.0)


class Facts(NamedTuple):
    """All that a server says and writes. Two ways of cutting must give equal facts."""

    events: tuple[object, ...]
    written: tuple[bytes, ...]
    wishes: tuple[tuple[StreamId, bool], ...]


def check(data: bytes) -> None:
    """Play a script against a server, with what comes cut in several ways.

    Raises:
        AssertionError: the invariant is broken.
    """
    choices = Octets(data)
    options = choices.choose(OPTIONS)
    seed = choices.octet()
    script = choices.rest()
    whole = Play(options, lambda octets: [octets]).run(script)
    assert Play(options, lambda octets: cut(octets, seed)).run(script) == whole, "cut at random"
    if len(script) < 40:
        assert Play(options, lambda octets: cut(octets, None)).run(script) == whole, "octet by octet"


def cut(octets: bytes, seed: int | None) -> Iterable[bytes]:
    """Cut at random, or octet by octet; the end of what is long stays whole."""
    short = octets[:2_000]
    yield from by_octet(short) if seed is None else random_cuts(short, seed)
    if len(octets) > len(short):
        yield octets[len(short) :]


class Play:
    """One server and what happens to it."""

    def __init__(self, options: ServerOptions, cut: Callable[[bytes], Iterable[bytes]]) -> None:
        self.server = LinkServer(lambda count: bytes(count), options)
        self.cut = cut
        self.now = 0.0
        self.numbers = count(1)
        self.living: list[StreamId] = []
        self.written: dict[StreamId, bytes] = {}
        self.wishes: list[tuple[StreamId, bool]] = []
        self.events: list[object] = []
        self.open: set[PeerId] = set()
        self.known: list[PeerId] = []

    def run(self, script: bytes) -> Facts:
        """Play a script to its end, then let everything end."""
        choices = Octets(script)
        self.step("accept", choices)
        while choices.left:
            self.step(choices.choose(STEPS), choices)
        for stream in list(self.living):
            self.pull(stream)
            self.lose(stream)
        for _ in range(100):
            if self.server.next_deadline() is None:
                break
            self.pass_time(60.0)
        assert self.server.next_deadline() is None, "nothing is left"
        assert not self.open, "everybody is gone"
        assert self.server.changed_streams() == [], "no stream that is gone has changed"
        self.server.shut_down(self.now)
        assert self.server.finished
        return Facts(tuple(self.events), tuple(self.written.values()), tuple(self.wishes))

    def step(self, what: str, choices: Octets) -> None:
        server, peer, stream = self.server, None, None
        if what == "accept":
            stream = StreamId(next(self.numbers))
            self.living.append(stream)
            self.written[stream] = b""
            listener = choices.octet() & 1
            address = "127.0.0.1:1" if listener else "somewhere"
            server.stream_accepted(stream, listener, address, self.now)
        elif what == "time":
            self.pass_time(choices.choose(SECONDS))
        elif what == "shut down":
            if choices.octet() & 7 == 7:
                server.shut_down(self.now)
        elif what in ("feed", "feed two", "pull", "eof", "lose"):
            if not self.living:
                return
            stream = choices.choose(self.living)
            if what.startswith("feed"):
                octets = choices.choose(PIECES)
                if what == "feed two":
                    octets += choices.choose(PIECES)
                for piece in self.cut(octets):
                    server.receive_data(stream, piece, self.now)
                    self.drain()
            elif what == "pull":
                self.pull(stream)
            elif what == "eof":
                server.receive_eof(stream, self.now)
            else:
                self.lose(stream)
        elif self.known:
            peer = choices.choose(self.known)
            self.command(what, peer, choices)
        self.drain()

    def command(self, what: str, peer: PeerId, choices: Octets) -> None:
        server = self.server
        if what == "send":
            chunk = choices.choose(CHUNKS)
            before = server.unsent(peer)
            try:
                server.send(peer, chunk, self.now)
            except LocalProtocolError as error:
                self.events.append(str(error))
                assert server.unsent(peer) == before, "what is refused is not queued"
        elif what == "close":
            server.close(peer, self.now)
        elif what == "abort":
            server.abort(peer, self.now)
        elif what == "pause":
            server.pause_reading(peer, self.now)
        else:
            server.resume_reading(peer, self.now)

    def pull(self, stream: StreamId) -> None:
        while octets := self.server.data_to_send(stream, self.now, 10_000):
            assert len(octets) <= 10_000
            self.written[stream] += octets
        self.drain()

    def lose(self, stream: StreamId) -> None:
        self.living.remove(stream)
        self.server.stream_lost(stream, StreamLoss.RESET, self.now)
        self.drain()

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(1_000):
            deadline = self.server.next_deadline()
            if deadline is None or deadline > until:
                break
            self.now = max(self.now, deadline)
            said, wished = len(self.events), len(self.wishes)
            self.server.handle_timeout(self.now)
            self.drain()
            # What is due at the same instant comes in any order.
            self.events[said:] = sorted(self.events[said:], key=repr)
            self.wishes[wished:] = sorted(self.wishes[wished:])
        else:
            raise AssertionError("a deadline is due again and again")
        self.now = until

    def drain(self) -> None:
        server = self.server
        while (action := server.next_action()) is not None:
            assert isinstance(action, CloseStream)
            assert action.stream in self.living, "no wish about a stream that is gone"
            self.wishes.append((action.stream, action.abort))
        while (event := server.next_event()) is not None:
            self.hear(event)
        for stream in self.living:
            server.wants_read(stream)

    def hear(self, event: PeerOpened | PeerData | PeerClosed | StreamRefused) -> None:
        if isinstance(event, PeerData):
            assert event.peer in self.open, "data of a peer that is there"
            assert event.data, "no octets, no event"
            last = self.events[-1]
            if isinstance(last, tuple) and last[0] == event.peer:
                self.events[-1] = (event.peer, last[1] + event.data)
            else:
                self.events.append((event.peer, event.data))
            return
        if isinstance(event, PeerOpened):
            assert event.peer not in self.known, "a name is used once"
            self.known.append(event.peer)
            self.open.add(event.peer)
        elif isinstance(event, PeerClosed):
            self.open.remove(event.peer)
            # Two errors are never equal, their sentences are.
            how = event.how
            self.events.append((event.peer, how.clean, how.phase, how.reason, how.code))
            return
        self.events.append(event)


def strategy() -> SearchStrategy[bytes]:
    """Return a strategy of scripts for `check`."""
    from hypothesis import strategies as st

    def numbers(*values: int) -> bytes:
        return bytes(values)

    accept, pull, send, time = (STEPS.index(name) for name in ("accept", "pull", "send", "time"))
    stream = st.integers(0, 3)
    pieces = st.integers(0, len(PIECES) - 1)
    feed = st.builds(lambda which, piece: numbers(0, which, piece), stream, pieces)
    feed_two = st.builds(lambda which, one, other: numbers(2, which, one, other), stream, pieces, pieces)
    step = st.one_of(
        feed,
        feed,
        feed_two,
        st.builds(lambda listener: numbers(accept, listener), st.integers(0, 1)),
        st.builds(lambda which: numbers(pull, which), stream),
        st.builds(lambda peer, chunk: numbers(send, peer, chunk), stream, st.integers(0, len(CHUNKS) - 1)),
        st.builds(lambda seconds: numbers(time, seconds), st.integers(0, len(SECONDS) - 1)),
        st.builds(lambda what, which: numbers(what, which), st.integers(0, len(STEPS) - 1), stream),
    )
    head = st.builds(numbers, st.integers(0, len(OPTIONS) - 1), st.integers(0, 255), st.integers(0, 1))
    return st.builds(lambda first, steps: first + b"".join(steps), head, st.lists(step, max_size=25))
