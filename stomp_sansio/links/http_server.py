"""The server's side of HTTP/1 on one stream: one request after the other, answered whole or piece by piece,
on h11.

What lives here guards h11 and keeps time; it must not know what is asked for. Heads reach h11 whole and
counted, bodies up to a length that is looked at first, chunks never, and each exchange has an h11 connection
of its own: so the verdict depends on no cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus

import h11

from ..errors import RemoteProtocolError
from ..protocol.limits import Limits
from ..records import record, replace
from ..redaction import redacted
from .chunked import BadChunks, ChunkedBody
from .http_answer import plain_answer
from .http_head import HeadReader
from .octet_queue import OctetQueue

__all__ = ["HeaderFields", "HttpRequest", "HttpServer"]

HEAD_TIMEOUT = 10.0
"""Seconds from the first octet of a head to its end; for the first one, from the beginning of the stream."""
BODY_TIMEOUT = 30.0
"""Seconds for a body: a mebibyte at the pace of a slow telephone line."""
IDLE_TIMEOUT = 30.0
"""Seconds between requests. A client that asks just when a server gives up sees a broken stream, so it is no
shorter."""

HeaderFields = Iterable[tuple[str, str]]


@record
class HttpRequest:
    """A whole request."""

    method: str
    target: str
    """As it stands in the first line: path and query."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in order. Credentials among them: do not show."""
    body: bytes
    head: bytes
    """The octets of the head, for a protocol that reads it once more."""
    upgrade: bool
    """Whether it asks for a WebSocket: then call `take_rest`, which has what follows the head, or
    `decline_upgrade`."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """Return the first value of a field, or None."""
        return next((value for field, value in self.headers if field == name), None)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}: {redacted(name, value)}" for name, value in self.headers)
        return f"HttpRequest({self.method} {self.path}, headers=<{shown}>, body=<{len(self.body)} octets>)"


class _State(Enum):
    HEAD = "a head is read, or nothing has come"
    BODY = "a body is read"
    ANSWERING = "a request was handed out"
    OVER = "no request follows"


class _Refusal(Exception):
    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class HttpServer:
    """Reads requests and writes answers. After each input ask `next_request` until it says None.

    Answer a request with `respond`, or with `begin`, `write` and `end`; the next one is read only then. When
    `wants_close` is True, write what `data_to_send` has and close the stream.
    """

    __slots__ = (
        "_body",
        "_chunked",
        "_deadline",
        "_eof",
        "_exchange",
        "_head",
        "_head_until",
        "_idle_until",
        "_limits",
        "_max_body",
        "_out",
        "_request",
        "_state",
        "refusal",
        "wants_close",
    )

    refusal: str | None
    """What was wrong with a request that was refused here, for people."""
    wants_close: bool
    """Whether the stream should be closed, once everything is written."""

    def __init__(self, limits: Limits, *, max_body: int, since: float) -> None:
        """Begin on a stream that is there `since` that instant; `max_body` is how many octets the body of a
        request may have."""
        self._limits = limits
        self._max_body = max_body
        self._head = HeadReader(limits)
        self._exchange = self._new_exchange()
        self._request: HttpRequest | None = None
        self._body = bytearray()
        self._chunked: ChunkedBody | None = None
        self._state = _State.HEAD
        self._out = OctetQueue()
        self._eof = False
        self._idle_until = since + HEAD_TIMEOUT
        self._head_until: float | None = self._idle_until
        self._deadline: float | None = self._idle_until
        self.refusal = None
        self.wants_close = False

    # Inputs

    def receive_data(self, data: bytes) -> None:
        """Take in octets. Nothing is judged before `next_request`; what follows a request waits for its
        answer."""
        if self._state is not _State.OVER:
            self._head.receive(data)

    def receive_eof(self) -> None:
        """Take note that no more octets come: a request that is not whole never will be."""
        self._eof = True
        if self._state is not _State.ANSWERING:
            self._over()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`: give up a request that does not come, or does not end."""
        if self._deadline is None or self._deadline > now:
            return
        if self._state is _State.BODY or self._head.pending:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not come to its end in time")
        else:
            self._over()

    # Outputs

    def next_request(self, now: float) -> HttpRequest | None:
        """Return the next request, or None: it is not whole, or the one before is not answered."""
        try:
            if self._state is _State.HEAD and not self._read_head(now):
                return None
            if self._state is _State.BODY:
                return self._read_body(now)
        except RemoteProtocolError as error:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, str(error))
        except (_Refusal, BadChunks) as refusal:
            self._refuse(refusal.status, str(refusal))
        except h11.RemoteProtocolError as error:
            # Its message quotes the line, which may hold a credential.
            self._refuse(HTTPStatus(error.error_status_hint), "The request is malformed")
        return None

    def take_rest(self) -> bytes:
        """Return what followed the head of a request for a WebSocket. Nothing follows here."""
        self._over()
        self.wants_close = False
        return self._head.take_rest()

    def decline_upgrade(self, now: float) -> None:
        """Say that there is no WebSocket: the request comes again, read to its end, as any other."""
        assert self._request is not None
        self._request = replace(self._request, upgrade=False)
        self._state = _State.BODY
        self._deadline = now + BODY_TIMEOUT

    def data_to_send(self, max_bytes: int) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        return self._out.take(max_bytes)

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return len(self._out)

    @property
    def deadline(self) -> float | None:
        """The instant when `handle_timeout` is wanted, or None."""
        return self._deadline

    @property
    def answering(self) -> bool:
        """Whether a request was handed out and is not answered to the end."""
        return self._state is _State.ANSWERING

    @property
    def wants_read(self) -> bool:
        """Whether the stream should be read: while a request is answered, only to see its end."""
        return not self._eof and self._head.pending <= self._limits.max_http_header_block

    # Answers

    def respond(self, status: int, headers: HeaderFields, body: bytes, now: float) -> None:
        """Answer the request that was handed out, whole."""
        fields = [*headers]
        if status != HTTPStatus.NO_CONTENT:
            fields.append(("Content-Length", str(len(body))))
        self.begin(status, fields)
        if self._request is not None and self._request.method != "HEAD":
            self.write(body)
        self.end(now)

    def begin(self, status: int, headers: HeaderFields) -> None:
        """Begin the answer to the request that was handed out; without a Content-Length its body ends with
        `end`."""
        fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
        reason = HTTPStatus(status).phrase.encode("ascii")
        self._send(h11.Response(status_code=status, headers=fields, reason=reason))

    def write(self, data: bytes) -> None:
        """Write a piece of the body of the answer that was begun."""
        if data:
            self._send(h11.Data(data=data))

    def end(self, now: float) -> None:
        """End the answer that was begun. The next request is read, unless one side wants the stream
        closed."""
        exchange = self._exchange
        self._send(h11.EndOfMessage())
        if self._eof or exchange.our_state is not h11.DONE:
            self._over()
            return
        self._exchange = self._new_exchange()
        self._request = None
        self._state = _State.HEAD
        self._idle_until = now + IDLE_TIMEOUT
        self._head_until = None
        self._await_head(now)

    # Inside

    def _read_head(self, now: float) -> bool:
        head = self._head.next_head()
        while head is not None and not head.strip(b"\r\n"):
            # RFC 9112, section 2.2: empty lines before a request are ignored.
            head = self._head.next_head()
        if head is None:
            self._await_head(now)
            return False
        self._exchange.receive_data(head)
        event = self._exchange.next_event()
        assert isinstance(event, h11.Request)
        self._request = HttpRequest(
            method=event.method.decode("ascii"),
            target=event.target.decode("ascii"),
            headers=tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers),
            body=b"",
            head=head,
            upgrade=_wants_websocket(event),
        )
        self._body.clear()
        self._chunked = None
        self._state = _State.BODY
        self._deadline = now + BODY_TIMEOUT
        return True

    def _await_head(self, now: float) -> None:
        """A head has its time from its first octet. Blank lines begin none: they would buy time for ever."""
        if not self._head.pending:
            self._head_until = None
            self._deadline = self._idle_until
        elif self._head_until is None:
            self._deadline = self._head_until = now + HEAD_TIMEOUT

    def _read_body(self, now: float) -> HttpRequest | None:
        request = self._request
        assert request is not None
        if request.upgrade:
            return self._hand_out(request)
        length = request.header("content-length")
        if length is not None and request.header("transfer-encoding") is not None:
            # RFC 9112, section 6.3: two servers that believe different ones can be made to disagree on
            # requests.
            raise _Refusal(
                HTTPStatus.BAD_REQUEST, "The request has both Content-Length and Transfer-Encoding"
            )
        if length is not None and int(length) > self._max_body:
            sentence = f"The body has more than {self._max_body} octets"
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        if request.header("transfer-encoding") is not None:
            # h11 has looked: it is "chunked", alone.
            body = self._read_chunks(self._head.take_rest())
        else:
            # What follows the body is not touched: requests may come by the thousand, and be short.
            missing = 0 if length is None else int(length) - len(self._body)
            body = self._read_length(self._head.take(missing))
        if body is not None:
            return self._hand_out(replace(request, body=body))
        if self._exchange.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))
        return None

    def _read_length(self, octets: bytes) -> bytes | None:
        if octets:
            self._exchange.receive_data(octets)
        while isinstance(event := self._exchange.next_event(), h11.Data):
            self._body += event.data
        return bytes(self._body) if isinstance(event, h11.EndOfMessage) else None

    def _read_chunks(self, octets: bytes) -> bytes | None:
        self._chunked = self._chunked or ChunkedBody(self._limits, max_body=self._max_body)
        if not self._chunked.receive(octets):
            return None
        self._head.receive(self._chunked.rest)
        return bytes(self._chunked.body)

    def _hand_out(self, request: HttpRequest) -> HttpRequest:
        self._request = request
        self._state = _State.ANSWERING
        self._deadline = None
        return request

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self.refusal = sentence
        self._out.append(plain_answer(status, sentence))
        self._over()

    def _over(self) -> None:
        self._state = _State.OVER
        self._deadline = None
        self.wants_close = True

    def _send(self, event: h11.Response | h11.InformationalResponse | h11.Data | h11.EndOfMessage) -> None:
        self._out.append(self._exchange.send(event) or b"")

    def _new_exchange(self) -> h11.Connection:
        # It is given whole heads, and octets of bodies that it hands out at once: nothing stays in there.
        return h11.Connection(h11.SERVER)


def _wants_websocket(request: h11.Request) -> bool:
    """RFC 9110, section 7.8: Upgrade counts where Connection names it too."""
    return (
        request.method == b"GET"
        and _has_token(request, b"upgrade", b"websocket")
        and _has_token(request, b"connection", b"upgrade")
    )


def _has_token(request: h11.Request, name: bytes, token: bytes) -> bool:
    return any(
        token == item.strip().lower()
        for field, value in request.headers
        if field == name
        for item in value.split(b",")
    )
