"""Asking a SockJS service for its /info: one request on a stream of its own, with a deadline of its own.

What lives here is that exchange; it must not know what will be done with the answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TypeAlias

from ..errors import LocalProtocolError, Misuse, RemoteProtocolError
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.deadlines import Deadlines
from ..protocol.limits import Limits
from ..records import record
from .cookies import CookieJar
from .extra_headers import checked_headers
from .http_client import ResponseData, ResponseHead
from .http_stream import HttpStream
from .http_streams import HttpStreams
from .info import SockJSInfo, parse_info
from .link import WAITS, LinkClosed, Phase
from .opening import route_to
from .proxy import Proxy
from .sockjs_status import Outcome, judge_status, refused_request
from .url import Endpoint, sockjs_endpoint

__all__ = ["INFO_TIMEOUT", "InfoEvent", "InfoReceived", "InfoRequest"]

INFO_TIMEOUT = 8.0
"""Seconds for /info, from the wish for a stream to the last octet: as long as browsers' clients give it."""


@record
class InfoReceived:
    """The service has answered."""

    info: SockJSInfo
    took: float
    """Seconds from the wish for a stream to the end of the answer: TCP and TLS are in it."""


InfoEvent: TypeAlias = InfoReceived | LinkClosed


class _When(Enum):
    GIVE_UP = "when the answer must be there"


class InfoRequest:
    """A `Machine` that asks once. Its one event is `InfoReceived`, or `LinkClosed` with what went wrong."""

    __slots__ = (
        "_answered",
        "_body",
        "_cookies",
        "_deadlines",
        "_events",
        "_fields",
        "_limits",
        "_refused",
        "_route",
        "_started_at",
        "_stream",
        "_streams",
        "_target",
        "_timeout",
    )

    def __init__(
        self,
        base: Endpoint,
        *,
        stream_ids: Iterator[StreamId],
        headers: Iterable[tuple[str, str]] = (),
        cookies: CookieJar | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
        timeout: float = INFO_TIMEOUT,
    ) -> None:
        """Prepare the request for the service at `base`.

        `headers` go along, and so does what `cookies` holds; it keeps what the answer sets. `timeout` is in
        seconds.

        Raises:
            InvalidURI: the base is no web address.
            LocalProtocolError: a header field cannot be sent.
        """
        headers = list(headers)
        self._limits = limits or Limits.client()
        self._target = sockjs_endpoint(base, "info")
        self._route = route_to(self._target, proxy=proxy, server_name=server_name)
        self._cookies = cookies or CookieJar(path=base.path, secure=base.tls, headers=headers)
        self._fields = checked_headers(self._cookies.headers(headers))
        self._timeout = timeout
        self._streams = HttpStreams(stream_ids, self._limits)
        self._stream: HttpStream | None = None
        self._events: deque[InfoEvent] = deque()
        self._deadlines: Deadlines[_When] = Deadlines()
        self._started_at = 0.0
        self._refused: int | None = None
        self._body = bytearray()
        self._answered = False

    def start(self, now: float) -> None:
        """Begin. Call it once."""
        self._started_at = now
        self._deadlines.set(_When.GIVE_UP, now + self._timeout)
        self._stream = self._streams.open(self._route)
        self._stream.request("GET", self._target, self._fields)

    def abort(self, now: float) -> None:
        """Give up: nothing is reported any more but that it was given up."""
        self._end(LinkClosed(False, self.phase, "This side gave the link up while it asked for /info"))

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self._stream is None:
            return Phase.TCP
        return self._stream.phase or Phase.INFO

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Take note that the stream carries octets."""
        living = self._streams.get(stream)
        if living is not None:
            self._streams.opened(living)
            self._streams.touch(living)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Refuse: this machine accepts no streams.

        Raises:
            LocalProtocolError: always.
        """
        raise LocalProtocolError(Misuse.ALREADY_CONNECTED, "A request accepts no streams")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Take note that TLS is done."""
        living = self._streams.get(stream)
        if living is not None:
            living.tls_started()
            self._streams.touch(living)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that the stream is gone."""
        living = self._streams.forget(stream)
        if living is not None:
            self._end(living.lost(Phase.INFO, why, detail))

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets."""
        living = self._streams.get(stream)
        if living is not None:
            self._streams.receive_data(living, data)
            self._listen(living, now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that no more octets come."""
        living = self._streams.get(stream)
        if living is not None:
            living.receive_eof()
            self._listen(living, now)

    def handle_timeout(self, now: float) -> None:
        """Give up when it is time."""
        if self._deadlines.pop_due(now) is not None:
            reason = f"There was no /info within {self._timeout:g} s: {WAITS[self.phase]}"
            self._end(LinkClosed(False, self.phase, reason, loss=StreamLoss.TIMEOUT))

    def run(self, now: float) -> None:
        """Do nothing: this machine leaves no work over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish, or None."""
        return self._streams.next_action()

    def next_event(self) -> InfoEvent | None:
        """Return the event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write."""
        living = self._streams.get(stream)
        return b"" if living is None else living.data_to_send(max_bytes)

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether the stream should be read."""
        living = self._streams.get(stream)
        return living is not None and living.wants_read

    def changed_streams(self) -> list[StreamId]:
        """Return the streams to look at again."""
        return self._streams.changed_streams()

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._deadlines.soonest

    def wants_run(self) -> bool:
        """Return False: this machine leaves no work over."""
        return False

    @property
    def finished(self) -> bool:
        """Whether everything is over."""
        return self._answered and self._streams.gone

    # Inside

    def _listen(self, stream: HttpStream, now: float) -> None:
        try:
            while not self._answered and (event := stream.next_event()) is not None:
                if isinstance(event, ResponseHead):
                    self._take_head(event)
                elif isinstance(event, ResponseData):
                    self._take_data(event.data)
                else:
                    self._take_end(now)
        except RemoteProtocolError as error:
            status = stream.status if self._refused is None else self._refused
            self._end(LinkClosed(False, stream.phase or Phase.INFO, str(error), status=status, error=error))

    def _take_head(self, head: ResponseHead) -> None:
        self._cookies.store(head.get_all("set-cookie"))
        if judge_status("info", head.status) is not Outcome.OK:
            self._refused = head.status
            raise refused_request("info", head.status, head.location)

    def _take_data(self, data: bytes) -> None:
        # One octet too many is enough for the document to be refused.
        self._body += data[: self._limits.max_info_body + 1 - len(self._body)]
        if len(self._body) > self._limits.max_info_body:
            parse_info(200, bytes(self._body), self._limits)

    def _take_end(self, now: float) -> None:
        self._end(InfoReceived(parse_info(200, bytes(self._body), self._limits), now - self._started_at))

    def _end(self, event: InfoEvent) -> None:
        if not self._answered:
            self._answered = True
            self._events.append(event)
        self._deadlines.clear()
        self._streams.close_all()
