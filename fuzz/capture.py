"""Invariant: whatever is said, a capture of it holds no secret, has as many octets, and comes to the same
events and faults as one in which nothing is hidden, however it was cut; and whatever lines are read, shown,
explained or replayed, nothing but the documented error is raised.

This file must not know how anything is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from fuzz.octets import Octets, by_octet, random_cuts
from stomp_sansio.capture import (
    CaptureError,
    Kind,
    Record,
    Recorder,
    explain,
    read,
    render_mermaid,
    render_svg,
    render_text,
    replay,
)
from stomp_sansio.capture.records import line_of
from stomp_sansio.links.websocket_frames import TEXT, data_frame
from stomp_sansio.machine import StreamId, StreamLoss

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["check", "strategy"]

SECRET = b"cAn4rY7f3a"
BASIC = b"YWRhOmNBbjRyWTdmM2E="
SESSION = b"/s/1/0123456789abcdef0123456789abcdef/"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
CLIENT_PIECES = (
    *(
        b"CONNECT\naccept-version:1.2\nhost:/\nlogin:ada\npasscode:" + SECRET + b"\n\n\0",
        b"\n",
        b"\0",
        b"SEND\n",
    ),
    *(
        b"destination:/a\n",
        b"x-token:" + SECRET + b"\n",
        b"content-length:3\n",
        b"ACK\nid:1\n\n\0",
        SECRET,
        b"a\\t",
    ),
    *(b"SUBSCRIBE\nid:0\ndestination:/a\nack:client\n\n\0", b"DISCONNECT\nreceipt:r\n\n\0", b"\xff", b":"),
    *(
        b"GET /ws?token=" + SECRET + b" HTTP/1.1\r\nHost: h\r\n" + UPGRADE + KEY + b"\r\n",
        b"GET /s/info HTTP/1.1\r\nHost: h\r\n",
    ),
    *(
        b"POST " + SESSION + b"xhr_send HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n",
        b"Cookie: a=" + SECRET + b"\r\n",
    ),
    *(
        b"POST " + SESSION + b"xhr HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        b"\r\n",
        b'["',
        b'"]',
        b"\\n",
        b"\\u0000",
    ),
    *(
        b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic " + BASIC + b"\r\n\r\n",
        b"\x88\x80\0\0\0\0",
    ),
    *(
        b"GET " + SESSION + b"websocket HTTP/1.1\r\nHost: h\r\n" + UPGRADE + KEY + b"\r\n",
        b"\x01\x80\1\2\3\4",
    ),
    data_frame(TEXT, b"CONNECT\naccept-version:1.2\nhost:/\npasscode:" + SECRET + b"\n\n\0", b"\1\2\3\4"),
    data_frame(TEXT, b'["CONNECT\\npasscode:' + SECRET + b'\\n\\n\\u0000"]', b"\1\2\3\4"),
)
SERVER_PIECES = (
    *(
        b"CONNECTED\nversion:1.2\n\n\0",
        b"MESSAGE\nmessage-id:1\nsubscription:0\ndestination:/a\nack:1\n",
        b"\n",
        b"\0",
    ),
    *(
        b"ERROR\nmessage:no " + SECRET + b"\n\n" + SECRET + b"\0",
        b"RECEIPT\nreceipt-id:r\n\n\0",
        b"x-token:" + SECRET + b"\n",
    ),
    *(
        b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n",
        b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ),
    *(
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"8\r\n",
        b"0\r\n",
    ),
    *(
        b"HTTP/1.1 401 no " + SECRET + b"\r\nSet-Cookie: a=" + SECRET + b"\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"o\n",
        b"h\n",
        b'a["',
    ),
    *(
        b'"]\n',
        b'c[3000,"' + SECRET + b'"]\n',
        b"\\n",
        b"\\ud83d\\ude00",
        b"\\ud800",
        SECRET,
        b"\xff",
        b"a\\t",
        b"\x81\x01o",
    ),
    data_frame(TEXT, b"CONNECTED\nversion:1.2\n\n\0ERROR\n\n" + SECRET + b"\0"),
    data_frame(TEXT, b'a["CONNECTED\\nversion:1.2\\n\\n\\u0000"]'),
)
LINES = (
    '{"t": 0, "kind": "begin", "capture": 1}',
    '{"t": 0, "kind": "open", "stream": 1, "about": "h:1"}',
    '{"t": 0, "kind": "opened", "stream": 1}',
    '{"t": 0, "kind": "accepted", "stream": -1, "about": "h"}',
    '{"t": 1, "kind": "in", "stream": 1, "octets": "CONNECTED\\nversion:1.2\\n\\n\\u0000"}',
    '{"t": 1, "kind": "out", "stream": 1, "octets": "CONNECT\\naccept-version:1.2\\nhost:/\\n\\n\\u0000"}',
    '{"t": 1, "kind": "in", "stream": -1, "base64": "Q09OTkVDVAoKAA=="}',
    '{"t": 1, "kind": "out", "stream": -1, "octets": "ERROR\\n\\n\\u0000"}',
    '{"t": 2, "kind": "eof", "stream": 1}',
    '{"t": 2, "kind": "pause", "stream": 1}',
    '{"t": 2, "kind": "close", "stream": -1}',
    '{"t": 3, "kind": "lost", "stream": 1, "why": "reset"}',
    '{"t": 3, "kind": "lost", "stream": -1}',
    '{"t": 9, "kind": "end"}',
    '{"t": 9, "kind": "full"}',
    "{",
)

Cut = Callable[[bytes], Iterable[bytes]]


class Machine:
    """A machine that says what it is told to say."""

    finished = False

    def __init__(self) -> None:
        self.out: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **keywords: None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        return self.out.pop(0)


def check(data: bytes) -> None:
    """Capture what both sides say, hidden and not, and read lines beside.

    Raises:
        AssertionError: the invariant is broken.
    """
    choices = Octets(data)
    if choices.octet() & 1:
        check_lines(choices)
        return
    ours = bool(choices.octet() & 1)
    seed = choices.octet()
    said: list[tuple[bool, bytes]] = []
    while choices.left:
        from_client = bool(choices.octet() & 1)
        octets = b""
        for _ in range(1 + choices.octet() % 4):
            pieces = CLIENT_PIECES if from_client else SERVER_PIECES
            number = choices.octet()
            octets += pieces[number % len(pieces)] if number < 240 else choices.take(number & 7)
        said.append((from_client, octets))
    check_capture(said, ours, seed)


def check_capture(said: list[tuple[bool, bytes]], ours: bool, seed: int) -> None:
    """Compare captures of the same, cut in different ways, and one in which nothing is hidden."""
    whole = capture(said, ours, lambda octets: [octets])
    assert octets_of(capture(said, ours, by_octet)) == octets_of(whole), "cut into octets"
    assert octets_of(capture(said, ours, lambda octets: list(random_cuts(octets, seed)))) == octets_of(whole)
    for incoming, hidden in octets_of(whole).items():
        before = b"".join(octets for from_client, octets in said if (from_client is not ours) is incoming)
        assert len(hidden) == len(before)
    shown = unhidden(said, ours)
    assert facts(whole) == facts(shown), "hiding changes no verdict"
    for render in (render_text, render_mermaid, render_svg, explained):
        text = render(read(whole))
        assert text.replace("\n", "").isprintable()


def facts(lines: list[str]) -> object:
    """Return what a replay comes to, apart from what may be hidden in it."""
    result = replay(read(lines))
    kinds = [[type(event).__name__ for _, event in connection.events] for connection in result.connections]
    errors = [error.partition(":")[0] for error in result.errors]
    return kinds, errors


def explained(records: Iterable[Record]) -> str:
    """Return an explanation, or that there is nothing to explain."""
    try:
        return explain(records)
    except CaptureError as error:
        return str(error)


def capture(said: list[tuple[bool, bytes]], ours: bool, cut: Cut) -> list[str]:
    """Return the capture of what was said on one stream."""
    lines: list[str] = []
    machine: Any = Machine()
    recorder: Recorder[Any] = Recorder(machine, lines.append, secrets=[SECRET.decode()])
    stream = StreamId(1 if ours else -1)
    if ours:
        lines += [line_of(Record(Kind.BEGIN)), line_of(Record(Kind.OPEN, 0.0, stream, about="h:1"))]
        recorder.stream_opened(stream, 0.0)
        del lines[2]
    else:
        recorder.stream_accepted(stream, 0, "h", 0.0)
    for from_client, octets in said:
        for piece in cut(octets):
            if from_client is not ours:
                recorder.receive_data(stream, piece, 0.0)
            elif piece:
                machine.out.append(piece)
                recorder.data_to_send(stream, 0.0)
    recorder.stream_lost(stream, StreamLoss.CLOSED, 0.0)
    assert SECRET.decode() not in "".join(lines)
    for octets in octets_of(lines).values():
        assert SECRET not in octets
        assert BASIC[4:-4] not in octets
    return lines


def unhidden(said: list[tuple[bool, bytes]], ours: bool) -> list[str]:
    """Return the capture that would be written if nothing were hidden."""
    stream = StreamId(1 if ours else -1)
    first = [Record(Kind.OPEN, 0.0, stream, about="h:1"), Record(Kind.OPENED, 0.0, stream)]
    records = first if ours else [Record(Kind.ACCEPTED, 0.0, stream, about="h")]
    for from_client, octets in said:
        kind = Kind.OUT if from_client is ours else Kind.IN
        records.append(Record(kind, 0.0, stream, octets))
    records.append(Record(Kind.LOST, 0.0, stream, why=StreamLoss.CLOSED))
    return [line_of(record) for record in (Record(Kind.BEGIN), *records)]


def octets_of(lines: list[str]) -> dict[bool, bytes]:
    """Return the octets of both directions."""
    found = {True: b"", False: b""}
    for record in read(lines):
        if record.octets:
            found[record.kind is Kind.IN] += record.octets
    return found


def check_lines(choices: Octets) -> None:
    """Read lines that may be anything."""
    lines: list[str] = [LINES[0]]
    while choices.left:
        number = choices.octet()
        line = LINES[number % len(LINES)] if number < 240 else choices.take(number & 15).decode("latin-1")
        position = choices.octet()
        lines.append(line if position < 200 else line[: position - 200] + line[position - 199 :])
    for look in (render_text, render_mermaid, render_svg, explain, replay):
        try:
            look(read(lines))
        except CaptureError:
            pass


def strategy() -> SearchStrategy[bytes]:
    """Return a strategy of inputs for `check`: mostly sequences of known pieces."""
    from hypothesis import strategies as st

    head = st.binary(min_size=3, max_size=3)
    turn = st.tuples(st.integers(0, 1), st.lists(st.integers(0, 60), min_size=1, max_size=4)).map(
        lambda turn: bytes([turn[0], len(turn[1]) - 1, *turn[1]])
    )
    return st.builds(lambda first, rest: first + b"".join(rest), head, st.lists(turn, max_size=12))
