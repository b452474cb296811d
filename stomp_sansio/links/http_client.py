"""HTTP/1.1 requests and their responses, one after the other, on one stream: the client side, on h11.

What lives here keeps the limits that h11 leaves to its users, so that no verdict depends on the cut. It must
not know what is asked for, nor who opened the stream. Its errors quote nothing but a first word: heads hold
cookies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

import h11

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from ..records import hot_record, record
from ..redaction import redacted
from .http_head import HeadReader, shown_start
from .strangers import what_answers

__all__ = ["HttpClient", "ResponseData", "ResponseEnd", "ResponseEvent", "ResponseHead", "ResponseHeads"]

_MAX_INFORMATIONAL = 8
"""Answers 1xx before the real one: more of them are no conversation."""
_PIECE = 4096
"""Octets that h11 gets at once, and may hold without an event: a chunk's head, or trailers."""


@record
class ResponseHead:
    """The status and the header fields of a response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, repetitions kept. Credentials among them: do not show."""

    def get_all(self, name: str) -> list[str]:
        """Return the values of the fields of this name (lower case), in order."""
        return [value for field, value in self.headers if field == name]

    @property
    def location(self) -> str | None:
        """Where a redirect points."""
        return next(iter(self.get_all("location")), None)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}: {redacted(name, value)}" for name, value in self.headers)
        return f"ResponseHead(status={self.status}, headers=<{shown}>)"


@hot_record
class ResponseData:
    """Octets of the body."""

    data: bytes


@record
class ResponseEnd:
    """The response is whole."""


ResponseEvent: TypeAlias = ResponseHead | ResponseData | ResponseEnd


class ResponseHeads:
    """Reads heads of responses: each within limits, whole, counted, and only then by h11."""

    __slots__ = ("_connection", "_fault", "_head", "_informational", "_who")

    def __init__(self, connection: h11.Connection, limits: Limits, *, who: str, fault: LinkFault) -> None:
        """`who` speaks, for people; `fault` is that of a head which is no HTTP."""
        self._connection = connection
        self._head = HeadReader(limits)
        self._informational = 0
        self._who = who
        self._fault = fault

    def receive(self, data: bytes) -> None:
        """Take in octets. Nothing is judged before `next_response`."""
        self._head.receive(data)

    @property
    def pending(self) -> bool:
        """Whether a head has begun and is not whole."""
        return self._head.pending > 0

    def take_rest(self) -> bytes:
        """Return, and forget, the octets behind the head."""
        return self._head.take_rest()

    def next_response(self) -> h11.Response | None:
        """Return the response whose head is whole now, or None. Answers 1xx are passed over.

        Raises:
            RemoteProtocolError: a head is over a limit, or no HTTP.
        """
        while True:
            if (error := self.foreign()) is not None:
                raise error
            if (head := self._head.next_head()) is None:
                return None
            self._connection.receive_data(head)
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError:
                raise self._is_none(head) from None
            if isinstance(event, h11.Response):
                self._informational = 0
                return event
            self._informational += 1
            if self._informational > _MAX_INFORMATIONAL:
                raise RemoteProtocolError(
                    LinkFault.LIMIT, f"{self._who} sends one 1xx answer after the other"
                )

    def foreign(self, *, ended: bool = False) -> RemoteProtocolError | None:
        """Return what is wrong with an answer that is no HTTP, as soon as that is certain; at the end of the
        stream it is.
        """
        start = self._head.foreign_start(ended=ended)
        return None if start is None else self._is_none(start)

    def _is_none(self, head: bytes) -> RemoteProtocolError:
        sentence = f"{self._who}'s answer is no HTTP response to the request: it begins with"
        return RemoteProtocolError(self._fault, f"{sentence} {shown_start(head)}; {what_answers(head)}")


class HttpClient:
    """One connection.

    Ask with `request` while `idle`; feed what comes; take `next_event` until it says None.
    """

    __slots__ = (
        "_body",
        "_connection",
        "_early",
        "_error",
        "_events",
        "_heads",
        "_held",
        "_limits",
        "_requested",
        "ended",
    )

    ended: bool
    """Whether no further request can be made here: the server said so, or closed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._prepare()
        self._events: deque[ResponseEvent] = deque()
        self._error: RemoteProtocolError | None = None
        self._requested = False
        self._early = b""
        self.ended = False

    def _prepare(self) -> None:
        """Make what one exchange needs.

        Nothing of the last one is left in it, not even octets that came early.
        """
        # What reaches h11 was counted before: a size limit of its own would never strike.
        self._connection = h11.Connection(h11.CLIENT, self._limits.max_http_header_block + _PIECE)
        self._heads = ResponseHeads(
            self._connection, self._limits, who="The server", fault=LinkFault.PROTOCOL_ERROR
        )
        self._body = False
        self._held = 0

    @property
    def idle(self) -> bool:
        """Whether a request can be made: none is out, and the server keeps the connection."""
        return not (self._requested or self.ended or self._error)

    def request(
        self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes = b""
    ) -> bytes:
        """Return the octets of a request. Only while `idle`."""
        self._prepare()
        self._requested = True
        octets = self._connection.send(h11.Request(method=method, target=target, headers=list(headers)))
        if body:
            octets += self._connection.send(h11.Data(data=body))
        octets += self._connection.send(h11.EndOfMessage())
        early, self._early = self._early, b""
        self.receive_data(early)
        return octets

    def receive_data(self, data: bytes) -> None:
        """Take in octets; then ask `next_event`."""
        if self._error is not None or not data:
            return
        try:
            if not self._requested:
                self._early += data
            elif self._body:
                self._read_body(data)
            else:
                self._read_head(data)
        except RemoteProtocolError as error:
            self._error = error
            self.ended = True

    def receive_eof(self) -> None:
        """Take note that no more octets come; then ask `next_event`."""
        self.ended = True
        if self._error is not None or not self._requested:
            return
        if self._body:
            # A body without a length ends here; any other one is cut short.
            self._connection.receive_data(b"")
            try:
                self._drain_body()
            except RemoteProtocolError:
                self._error = RemoteProtocolError(
                    LinkFault.TRUNCATED, "The server closed in the middle of a response"
                )
        elif self._heads.pending:
            self._error = self._heads.foreign(ended=True) or RemoteProtocolError(
                LinkFault.TRUNCATED, "The server closed in the middle of a response's head"
            )
        else:
            self._error = RemoteProtocolError(
                LinkFault.CLOSED_ABNORMALLY, "The server closed without answering a request"
            )

    def next_event(self) -> ResponseEvent | None:
        """Return the next event, or None when more octets are needed.

        Raises:
            RemoteProtocolError: the server broke the protocol or a limit, or closed too early; the same error
                comes again when asked again. What came before was delivered.
        """
        if self._events:
            return self._events.popleft()
        if self._early and not self._requested and self._error is None:
            # Whoever had something to ask has done so by now, and would have got these octets as the answer.
            self._error = _fault("The server sent octets that answer no request")
        if self._error is not None:
            raise self._error
        return None

    def _read_head(self, data: bytes) -> None:
        self._heads.receive(data)
        response = self._heads.next_response()
        if response is None:
            return
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        self._events.append(ResponseHead(response.status_code, fields))
        self._body = True
        self._drain_body()
        rest = self._heads.take_rest()
        if rest:
            self._read_body(rest)

    def _read_body(self, data: bytes) -> None:
        """Feed h11 so that a chunk's head is within one piece, or comes octet by octet and is counted."""
        position = 0
        while self._body and position < len(data):
            end = position + (1 if self._held else _PIECE)
            self._connection.receive_data(data[position:end])
            position = end
            self._drain_body()
        self._early += data[position:]

    def _drain_body(self) -> None:
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError:
                raise _fault("The server broke the framing of a response's body") from None
            if isinstance(event, h11.Data):
                self._events.append(ResponseData(bytes(event.data)))
            elif isinstance(event, h11.EndOfMessage):
                self._finish()
                return
            else:
                break
        self._held = len(self._connection.trailing_data[0])
        if self._held > _PIECE:
            raise RemoteProtocolError(
                LinkFault.LIMIT,
                f"A chunk's head, or the trailers, of a response are larger than {_PIECE} octets",
            )

    def _finish(self) -> None:
        self._body = self._requested = False
        self.ended = self.ended or self._connection.their_state is not h11.DONE
        self._early = self._connection.trailing_data[0]
        self._events.append(ResponseEnd())


def _fault(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(LinkFault.PROTOCOL_ERROR, what)
