"""Conversations with a canary in them, over every transport, and captures of them, cut at will.

What lives here says what both sides say. It must not know what a capture does with it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha1
from typing import Any, NamedTuple
from urllib.parse import quote

from stomp_sansio.capture import Kind, Record, Recorder, read
from stomp_sansio.capture.records import line_of
from stomp_sansio.links.sockjs_payload import encode_array
from stomp_sansio.links.websocket_frames import BINARY, TEXT, data_frame
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
)

CANARY = "cAn4rY/7f+3a"
SESSION = "0123456789abcdef0123456789abcdef"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x11\x22\x33\xf4"

CLIENT = 1
SERVER = 0


class Said(NamedTuple):
    """Octets that one side said on a stream."""

    stream: int
    from_client: bool
    octets: bytes


class Scene(NamedTuple):
    """A conversation, in order."""

    name: str
    said: tuple[Said, ...]


def frame(command: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """Return a frame, in STOMP 1.2, whose headers need no escapes."""
    head = "".join(f"{name}:{value}\n" for name, value in headers)
    length = f"content-length:{len(body)}\n" if body else ""
    return f"{command}\n{head}{length}\n".encode() + body + b"\0"


CONNECT = frame(
    "CONNECT",
    [
        ("accept-version", "1.2"),
        ("host", "/"),
        ("login", "ada"),
        ("passcode", CANARY),
        ("Authorization", f"Bearer {CANARY}"),
    ],
)
CONNECTED = frame("CONNECTED", [("version", "1.2"), ("session", "s"), ("server", "x/1")])
SUBSCRIBE = frame("SUBSCRIBE", [("id", "0"), ("destination", "/queue/a"), ("ack", "client-individual")])
SEND = frame(
    "SEND",
    [("destination", "/queue/a"), ("receipt", "r1"), ("x-auth-token", CANARY), ("about", f"it is {CANARY}")],
    f"é€😀 the passcode is {CANARY}\n".encode() + b64encode(f"ada:{CANARY}".encode()),
)
MESSAGE = frame(
    "MESSAGE",
    [
        ("subscription", "0"),
        ("message-id", "7"),
        ("destination", "/queue/a"),
        ("ack", "7"),
        ("x-auth-token", CANARY),
        ("about", f"{CANARY} was said"),
    ],
    f"é€😀 the passcode is {CANARY}\n".encode() + quote(CANARY).encode(),
)
RECEIPT = frame("RECEIPT", [("receipt-id", "r1")])
ACK = frame("ACK", [("id", "7")])
ERROR = frame("ERROR", [("message", f"bad passcode {CANARY}")], f"ada/{CANARY} is wrong".encode())

CLIENT_SAYS = (CONNECT, SUBSCRIBE, SEND, ACK)
SERVER_SAYS = (CONNECTED, b"\n", MESSAGE + RECEIPT, ERROR)


def request(method: str, target: str, *fields: str, body: bytes = b"") -> bytes:
    """Return an HTTP request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: example.org", *fields]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(status: str, *fields: str, body: bytes | None = None, chunks: Iterable[bytes] = ()) -> bytes:
    """Return an HTTP response."""
    lines = [f"HTTP/1.1 {status}", *fields]
    octets = b""
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        octets = body
    for chunk in chunks:
        octets += b"%x\r\n%s\r\n" % (len(chunk), chunk)
    if octets and body is None:
        lines.append("Transfer-Encoding: chunked")
        octets += b"0\r\n\r\n"
    return "\r\n".join([*lines, "", ""]).encode() + octets


CREDENTIALS = (
    f"Authorization: Basic {b64encode(f'ada:{CANARY}'.encode()).decode()}",
    f"Cookie: JSESSIONID={CANARY}; theme=dark",
    f"X-Auth-Token: {CANARY}",
)
SET_COOKIE = f"Set-Cookie: JSESSIONID={CANARY}; Path=/; HttpOnly"
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    f"Sec-WebSocket-Key: {KEY.decode()}",
    "Sec-WebSocket-Version: 13",
)
ACCEPT = b64encode(sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
SWITCHING = response(
    "101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    f"Sec-WebSocket-Accept: {ACCEPT}",
    SET_COOKIE,
)


def rounds(
    client: Callable[[bytes], bytes], server: Callable[[bytes], bytes], stream: int = 1
) -> Iterator[Said]:
    """Yield what both sides say by turns."""
    for said, answer in zip(CLIENT_SAYS, SERVER_SAYS, strict=True):
        yield Said(stream, True, client(said))
        yield Said(stream, False, server(answer))


def plain() -> Scene:
    return Scene("plain", tuple(rounds(bytes, bytes)))


def opening(target: str, *fields: str) -> list[Said]:
    return [
        Said(1, True, request("GET", target, *UPGRADE, *CREDENTIALS, *fields)),
        Said(1, False, SWITCHING),
    ]


def websocket() -> Scene:
    said = rounds(lambda octets: data_frame(TEXT, octets, MASK), lambda octets: data_frame(BINARY, octets))
    offer = "Sec-WebSocket-Protocol: v12.stomp"
    return Scene("websocket", (*opening(f"/ws?access_token={quote(CANARY, safe='')}", offer), *said))


def escaped(octets: bytes) -> bytes:
    """Return a SockJS array in which every character is escaped."""
    text = octets.decode()
    units = text.encode("utf-16-be")
    codes = [f"\\u{int.from_bytes(units[at : at + 2], 'big'):04x}" for at in range(0, len(units), 2)]
    return f'["{"".join(codes)}"]'.encode()


def unescaped(octets: bytes) -> bytes:
    """Return a SockJS array in which nothing is escaped that need not be."""
    return json.dumps([octets.decode()], ensure_ascii=False).encode()


def sockjs(array: Callable[[bytes], bytes], name: str) -> Scene:
    said = rounds(
        lambda octets: data_frame(TEXT, array(octets), MASK),
        lambda octets: data_frame(TEXT, b"a" + array(octets)),
    )
    closing = f'c[3000,"no, {CANARY}"]'.encode()
    return Scene(
        name,
        (
            *opening(f"/stomp/000/{SESSION}/websocket"),
            Said(1, False, data_frame(TEXT, b"o") + data_frame(TEXT, b"h")),
            *said,
            Said(1, False, data_frame(TEXT, closing)),
        ),
    )


def xhr(*, streaming: bool) -> Scene:
    base = f"/stomp/000/{SESSION}"
    said: list[Said] = [
        Said(1, True, request("GET", "/stomp/info", *CREDENTIALS)),
        Said(1, False, response("200 OK", SET_COOKIE, body=b'{"websocket":true,"entropy":1}')),
    ]
    frames = [b"a" + encode_array([answer]) + b"\n" for answer in SERVER_SAYS]
    listen = request("POST", base + ("/xhr_streaming" if streaming else "/xhr"), *CREDENTIALS)
    said.append(Said(2, True, listen))
    answers = [response("200 OK", body=octets) for octets in frames]
    if streaming:
        whole = response("200 OK", SET_COOKIE, chunks=[b"h" * 2048 + b"\n", b"o\n", *frames])
        edge = whole.index(b"h\n") + 4
        answers = [whole[edge + 5 * 0 :]]
        said.append(Said(2, False, whole[:edge]))
        pieces = [whole[edge:]]
    else:
        said.append(Said(2, False, response("200 OK", SET_COOKIE, body=b"o\n")))
        pieces = answers
    for number, octets in enumerate(CLIENT_SAYS):
        said.append(
            Said(3, True, request("POST", base + "/xhr_send", *CREDENTIALS, body=encode_array([octets])))
        )
        said.append(Said(3, False, response("204 No Content")))
        if not streaming:
            said.append(Said(2, True, listen))
            said.append(Said(2, False, pieces[number]))
    if streaming:
        said.append(Said(2, False, pieces[0]))
    return Scene("xhr-streaming" if streaming else "xhr-polling", tuple(said))


def proxied() -> Scene:
    login = b64encode(f"ada:{CANARY}".encode()).decode()
    connect = request("CONNECT", "example.org:61613", f"Proxy-Authorization: Basic {login}")
    return Scene(
        "proxy",
        (
            Said(1, True, connect),
            Said(1, False, b"HTTP/1.1 200 Connection established\r\n\r\n"),
            *plain().said,
        ),
    )


def refused() -> Scene:
    body = f"<p>no, {b64encode(CANARY.encode()).decode()} is wrong, {CANARY}</p>".encode()
    return Scene(
        "refused",
        (
            Said(1, True, request("GET", "/ws", *UPGRADE, *CREDENTIALS)),
            Said(
                1,
                False,
                response(
                    f"401 not {CANARY}",
                    f"WWW-Authenticate: {CANARY}",
                    f"Location: http://ada:{CANARY}@h/?token={CANARY}",
                    body=body,
                ),
            ),
        ),
    )


SCENES = (
    plain(),
    websocket(),
    sockjs(lambda octets: encode_array([octets]), "sockjs"),
    sockjs(escaped, "sockjs, all escaped"),
    sockjs(unescaped, "sockjs, nothing escaped"),
    xhr(streaming=True),
    xhr(streaming=False),
    proxied(),
    refused(),
)

Cut = Callable[[bytes], Iterable[bytes]]


def whole(octets: bytes) -> list[bytes]:
    return [octets]


def by_octet(octets: bytes) -> list[bytes]:
    return [octets[at : at + 1] for at in range(len(octets))]


class Puppet:
    """A machine that does what it is told."""

    finished = False

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.actions: list[StreamAction] = []
        self.events: list[str] = []
        self.out: list[bytes] = []
        self.reading = True
        self.deadline: float | None = None
        self.left_over = False

    def next_action(self) -> StreamAction | None:
        return self.actions.pop(0) if self.actions else None

    def next_event(self) -> str | None:
        return self.events.pop(0) if self.events else None

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self.calls.append(("opened", stream, now))

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self.calls.append(("accepted", stream, listener, peer, now))

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self.calls.append(("tls", stream, info, now))

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self.calls.append(("lost", stream, why, now, detail))

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self.calls.append(("data", stream, data, now))

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self.calls.append(("eof", stream, now))

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        return self.out.pop(0) if self.out else b""

    def wants_read(self, stream: StreamId) -> bool:
        return self.reading

    def changed_streams(self) -> list[StreamId]:
        return [StreamId(1)]

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.calls.append(("timeout", now))

    def wants_run(self) -> bool:
        return self.left_over

    def run(self, now: float) -> None:
        self.calls.append(("run", now))


def capture_of(scene: Scene, cut: Cut = whole, *, role: str = "client", **keywords: Any) -> list[str]:
    """Return the lines that a recorder writes of a scene."""
    lines: list[str] = []
    puppet = Puppet()
    recorder = Recorder(puppet, lines.append, **keywords)
    play(recorder, puppet, scene, cut, role)
    return lines


def play(recorder: Recorder[str], puppet: Puppet, scene: Scene, cut: Cut, role: str) -> None:
    """Let a recorder see a scene, from one of its sides."""
    ours = role == "client"
    sign = 1 if ours else -1
    known: list[StreamId] = []
    now = 100.0
    for said in scene.said:
        stream = StreamId(sign * said.stream)
        if stream not in known:
            known.append(stream)
            if ours:
                puppet.actions.append(OpenStream(stream, TCPAddress("example.org", 80)))
                recorder.next_action()
                recorder.stream_opened(stream, now)
            else:
                recorder.stream_accepted(stream, 0, "somebody", now)
        for piece in cut(said.octets):
            now += 0.001
            if said.from_client is ours:
                puppet.out.append(piece)
                recorder.data_to_send(stream, now)
            else:
                recorder.receive_data(stream, piece, now)
    for stream in known:
        puppet.actions.append(CloseStream(stream))
        recorder.next_action()
        recorder.stream_lost(stream, StreamLoss.CLOSED, now, "")
    puppet.finished = True
    recorder.next_action()


def unhidden(scene: Scene, cut: Cut = whole, *, role: str = "client") -> list[str]:
    """Return the lines that would be written if nothing were hidden."""
    octets = iter([piece for said in scene.said for piece in cut(said.octets)])
    lines: list[str] = []
    for record in read(capture_of(scene, cut, role=role)):
        if record.kind in (Kind.IN, Kind.OUT):
            record = Record(record.kind, record.time, record.stream, next(octets))
        lines.append(line_of(record))
    return lines


def octets_of(lines: Iterable[str]) -> dict[tuple[int, bool], bytes]:
    """Return all octets of a capture, by stream and by whether they came in."""
    found: dict[tuple[int, bool], bytes] = {}
    for record in read(lines):
        if record.stream is not None and record.octets:
            key = record.stream, record.kind is Kind.IN
            found[key] = found.get(key, b"") + record.octets
    return found


def signs(text: str = CANARY) -> list[bytes]:
    """Return what would give a secret away, in any of its forms."""
    octets = text.encode()
    found = [octets, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode()]
    for before in range(3):
        encoded = b64encode(bytes(before) + octets)
        found.append(encoded[4 if before else 0 : len(encoded) - 4])
    assert octets in b64decode(b64encode(b"ada:" + octets))
    return found
