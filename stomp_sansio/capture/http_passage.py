"""HTTP/1 messages on their way into a capture, and what they lead to: SockJS bodies, WebSockets, tunnels.

What lives here finds heads and bodies (RFC 9112) and judges nothing. It must not know what a head's lines
hide, nor what STOMP says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

from .http_fields import Request, hidden_field, hidden_request_line, hidden_status_line
from .passage import Passage, Put, Waiting
from .secrets import Scanner, in_field
from .sockjs_passage import LinesPassage, MessagePassage
from .surroundings import Surroundings
from .websocket_passage import WebSocketPassage

__all__ = ["HttpPassage", "HttpTalk"]

LONGEST_LINE = 16 * 1024
"""Octets of a line of a head that are held until it ends. What is longer is hidden."""


class _Where(Enum):
    START = "at the first line of a message"
    FIELDS = "among the fields"
    LOST = "in a line that is too long"
    BODY = "in a body of known length"
    SIZE = "at the size of a chunk"
    CHUNK = "in a chunk"
    CHUNK_END = "at the end of a chunk"
    TRAILER = "among the fields behind the last chunk"
    REST = "in a body that ends with the stream"
    UPGRADED = "behind the last head: another protocol"


class HttpTalk:
    """What both directions of one stream must know of each other."""

    def __init__(
        self, surroundings: Surroundings, stream: object, tunnel: Callable[[], tuple[Passage, Passage]]
    ) -> None:
        """`tunnel` returns the passages, of client and server, of what follows a tunnel's opening."""
        self.surroundings = surroundings
        self.stream = stream
        self.requests: deque[Request] = deque()
        """Those that are not answered."""
        self.refused = False
        """Whether the last wish for another protocol was refused."""
        self._tunnel = tunnel
        self._inside: tuple[Passage, Passage] | None = None

    def upgraded(self, request: Request, *, from_client: bool) -> Passage:
        """Return the passage of what follows."""
        if self._inside is None:
            self._inside = self._tunnel() if request.method == b"CONNECT" else self._websocket()
        return self._inside[0 if from_client else 1]

    def _websocket(self) -> tuple[Passage, Passage]:
        return self._half(from_client=True), self._half(from_client=False)

    def _half(self, *, from_client: bool) -> Passage:
        around = self.surroundings
        inside = around.stomp(self.stream, from_client)
        messages = MessagePassage(around, inside, from_client=from_client)
        return WebSocketPassage(
            messages,
            around.secrets,
            lambda code, said: _note(around, from_client, code, said),
            from_client=from_client,
        )


_CONTROLS = {0x8: "WebSocket close", 0x9: "WebSocket ping", 0xA: "WebSocket pong"}


def _note(around: Surroundings, from_client: bool, opcode: int, said: bytes) -> None:
    text = _CONTROLS[opcode]
    if opcode == 0x8 and len(said) >= 2:
        text += f" {int.from_bytes(said[:2], 'big')} {said[2:].decode('utf-8', 'replace')}"
    around.note(from_client, text.rstrip())


def _raw(before: bytes, after: bytes) -> bytes:
    return after


class HttpPassage:
    """One direction of HTTP."""

    __slots__ = (
        "_around",
        "_body",
        "_chunked",
        "_from_client",
        "_inside",
        "_left",
        "_length",
        "_line",
        "_request",
        "_secret",
        "_shown",
        "_status",
        "_talk",
        "_waiting",
        "_where",
    )

    def __init__(self, talk: HttpTalk, *, from_client: bool) -> None:
        self._talk = talk
        self._around = talk.surroundings
        self._from_client = from_client
        self._waiting = Waiting()
        self._where = _Where.START
        self._line = bytearray()
        self._shown = 0
        self._inside: Passage | None = None
        self._begin()

    def _begin(self) -> None:
        self._request: Request | None = None
        self._status = 0
        # Without a length, a request has no body, and a response ends with the stream.
        self._length = 0 if self._from_client else -1
        self._chunked = False
        self._secret = False
        self._left = 0
        self._body: Passage = Scanner(self._around.secrets)

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; a line waits for its end."""
        written: list[bytes] = []
        position = 0
        while position < len(octets):
            if self._where is _Where.START and self._from_client and self._inside is not None:
                # A wish for another protocol has no answer yet, or a good one.
                self._where = _Where.START if self._talk.refused else _Where.UPGRADED
                self._inside = None if self._talk.refused else self._inside
            if self._where is _Where.UPGRADED and self._inside is not None:
                written.append(self._inside.feed(octets[position:]))
                break
            if self._where in (_Where.BODY, _Where.CHUNK, _Where.REST):
                position = self._in_body(octets, position, written)
            else:
                position = self._in_line(octets, position, written)
        return b"".join(written)

    def flush(self) -> bytes:
        """Decide everything."""
        if self._where is _Where.UPGRADED and self._inside is not None:
            return self._inside.flush()
        written = self._waiting.fill(self._body.flush())
        if self._line:
            hidden = self._hidden_line(bytes(self._line), whole=False)
            self._waiting.literal(hidden[self._shown :])
            self._shown = len(self._line)
        return written + self._waiting.fill(b"")

    # Lines

    def _in_line(self, octets: bytes, position: int, written: list[bytes]) -> int:
        newline = octets.find(b"\n", position)
        end = len(octets) if newline == -1 else newline + 1
        if self._where is _Where.LOST:
            self._waiting.literal(in_field(octets[position:end]))
            if newline != -1:
                self._where = _Where.FIELDS
        else:
            self._line += octets[position:end]
            line = bytes(self._line) if newline != -1 or len(self._line) > LONGEST_LINE else b""
            if len(line) > LONGEST_LINE:
                self._waiting.literal(in_field(line[self._shown :]))
                self._where = _Where.FIELDS if newline != -1 else _Where.LOST
            elif line:
                self._waiting.literal(self._hidden_line(line, whole=True)[self._shown :])
                self._end_line(line, written)
            if line:
                self._line.clear()
                self._shown = 0
        written.append(self._waiting.fill(b""))
        return end

    def _hidden_line(self, line: bytes, *, whole: bool) -> bytes:
        """Return a line as it may be shown; take from it what is needed, when it is whole."""
        secrets = self._around.secrets
        if self._where is _Where.START:
            if not self._from_client:
                hidden, status = hidden_status_line(line, secrets)
                self._status = status
            else:
                hidden, request = hidden_request_line(line, secrets)
                self._request = request
            if whole and line.strip():
                self._around.note(self._from_client, hidden.decode("latin-1").strip())
            return hidden
        if self._where in (_Where.SIZE, _Where.CHUNK_END):
            return line.partition(b";")[0] + in_field(b"".join(line.partition(b";")[1:]))
        hidden, name, value, self._secret = hidden_field(line, secrets, goes_on=self._secret)
        if name == b"content-length" and value.isdigit():
            self._length = int(value.lstrip(b"0")[:20] or b"0")
        elif name == b"transfer-encoding":
            self._chunked = value.lower().endswith(b"chunked")
        elif name == b"upgrade" and self._request is not None:
            self._request.upgrades = value.lower() == b"websocket"
        elif name == b"content-length":
            self._length = 0
        return hidden

    def _end_line(self, line: bytes, written: list[bytes]) -> None:
        blank = not line.strip(b"\r\n")
        where = self._where
        if where is _Where.START:
            # Blank lines before a request mean nothing (RFC 9112, section 2.2).
            self._where = _Where.START if blank else _Where.FIELDS
        elif where is _Where.FIELDS:
            if blank:
                self._end_head(written)
        elif where is _Where.SIZE:
            self._left = _size(line)
            self._where = _Where.CHUNK if self._left else _Where.TRAILER
        elif where is _Where.CHUNK_END:
            self._where = _Where.SIZE
        elif blank:
            self._end_body(written)

    def _end_head(self, written: list[bytes]) -> None:
        self._secret = False
        if self._from_client:
            self._end_request(written)
        else:
            self._end_response(written)

    def _end_request(self, written: list[bytes]) -> None:
        request = self._request or Request(b"", b"", b"")
        talk = self._talk
        talk.requests.append(request)
        self._around.asked(request.kind, request.conversation)
        if request.upgrades or request.method == b"CONNECT":
            talk.refused = False
            self._inside = talk.upgraded(request, from_client=True)
            self._where = _Where.START
            self._begin()
            return
        if request.kind == b"xhr_send":
            inside = self._around.stomp(request.conversation, True)
            self._body = MessagePassage(self._around, inside, from_client=True, sockjs=True)
        self._begin_body(written)

    def _end_response(self, written: list[bytes]) -> None:
        talk = self._talk
        status = self._status
        if 100 <= status < 200 and status != 101:
            self._where = _Where.START
            self._begin()
            return
        request = talk.requests.popleft() if talk.requests else Request(b"", b"", b"")
        tunnel = request.method == b"CONNECT"
        if status == 101 or (tunnel and 200 <= status < 300):
            self._inside = talk.upgraded(request, from_client=False)
            self._where = _Where.UPGRADED
            return
        talk.refused = talk.refused or request.upgrades or tunnel
        if request.kind in (b"xhr", b"xhr_streaming") and status == 200:
            self._body = LinesPassage(self._around, self._around.stomp(request.conversation, False))
        if request.method == b"HEAD" or status in (204, 304):
            self._length, self._chunked = 0, False
        self._begin_body(written)

    # Bodies

    def _begin_body(self, written: list[bytes]) -> None:
        self._left = self._length
        if self._chunked:
            self._where = _Where.SIZE
        elif self._length == 0:
            self._end_body(written)
        else:
            self._where = _Where.BODY if self._length > 0 else _Where.REST

    def _in_body(self, octets: bytes, position: int, written: list[bytes]) -> int:
        end = len(octets)
        if self._where is not _Where.REST:
            end = min(end, position + self._left)
            self._left -= end - position
        piece = octets[position:end]
        put: Put = _raw
        self._waiting.held(piece, put)
        written.append(self._waiting.fill(self._body.feed(piece)))
        if self._left == 0 and self._where is not _Where.REST:
            if self._where is _Where.BODY:
                self._end_body(written)
            else:
                self._where = _Where.CHUNK_END
        return end

    def _end_body(self, written: list[bytes]) -> None:
        written.append(self._waiting.fill(self._body.flush()))
        self._where = _Where.START
        self._begin()


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        return int(digits[-16:], 16)
    except ValueError:
        return 0
