"""One stream that carries HTTP requests: its way up, then one exchange after the other.

What lives here joins `StreamOpening` and `HttpClient`; it must not know what is asked for. Whoever owns it
owns the stream, and closes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..errors import RemoteProtocolError
from ..machine import OpenStream, StartTLS, StreamId, StreamLoss
from ..protocol.limits import Limits
from .http_client import HttpClient, ResponseEvent
from .link import LinkClosed, Phase
from .octet_queue import OctetQueue
from .opening import Route, StreamOpening, lost_stream
from .url import Endpoint

__all__ = ["HttpStream"]


class HttpStream:
    """Wish for `open_wish`, `request` at once; the request is written when the stream is ready for it."""

    __slots__ = ("_client", "_failure", "_opening", "_out", "_wishes", "open_wish", "stream", "where")

    stream: StreamId
    open_wish: OpenStream
    where: str
    """The server, for people."""

    def __init__(self, stream: StreamId, route: Route, limits: Limits) -> None:
        self.stream = stream
        self._opening: StreamOpening | None = StreamOpening(stream, route, limits)
        self.open_wish = self._opening.open_wish
        self.where = self._opening.where
        self._client = HttpClient(limits)
        self._out = OctetQueue()
        self._wishes: deque[StartTLS] = deque()
        self._failure: RemoteProtocolError | None = None

    @property
    def idle(self) -> bool:
        """Whether a request can be made."""
        return self._client.idle and self._failure is None

    @property
    def ready(self) -> bool:
        """Whether the stream has come all its way up."""
        return self._opening is None

    @property
    def phase(self) -> Phase | None:
        """The step of the way up that is being made; None when the stream is ready."""
        return None if self._opening is None else self._opening.phase

    @property
    def status(self) -> int | None:
        """The status of a proxy that refused, if one did."""
        return None if self._opening is None else self._opening.status

    def request(
        self,
        method: str,
        endpoint: Endpoint,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | None = None,
    ) -> None:
        """Ask for what `endpoint` names. Only while `idle`."""
        fields = [(b"Host", endpoint.authority.encode("ascii")), *headers]
        if body is not None:
            fields.append((b"Content-Length", b"%d" % len(body)))
        self._out.append(self._client.request(method, endpoint.request_target, fields, body or b""))

    def opened(self) -> None:
        """Take note of `stream_opened`."""
        if self._opening is not None:
            self._wish(self._opening.opened())
            self._climb(self._opening)

    def tls_started(self) -> None:
        """Take note of the answer to `StartTLS`."""
        if self._opening is not None:
            self._opening.tls_started()
            self._climb(self._opening)

    def receive_data(self, data: bytes) -> None:
        """Take in octets; then ask `next_wish` and `next_event`."""
        if self._opening is None:
            self._client.receive_data(data)
            return
        try:
            wish = self._opening.receive_data(data)
        except RemoteProtocolError as error:
            self._failure = error
            return
        self._wish(wish)
        self._climb(self._opening)

    def receive_eof(self) -> None:
        """Take note that no more octets come; then ask `next_event`."""
        if self._opening is None:
            self._client.receive_eof()
        else:
            self._failure = self._opening.receive_eof()

    def next_wish(self) -> StartTLS | None:
        """Return the wish for TLS, once, when its time has come."""
        return self._wishes.popleft() if self._wishes else None

    def next_event(self) -> ResponseEvent | None:
        """Return the next event of a response, or None.

        Raises:
            RemoteProtocolError: the server, or a proxy, broke a rule; the same error comes again when asked
            again.
        """
        if self._failure is not None:
            raise self._failure
        return self._client.next_event()

    @property
    def wants_read(self) -> bool:
        """Whether the stream should be read."""
        return True if self._opening is None else self._opening.wants_read

    def data_to_send(self, max_bytes: int) -> bytes:
        """Hand over the next octets to write."""
        return self._out.take(max_bytes) if self._opening is None else self._opening.data_to_send(max_bytes)

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over, now or when the stream is ready."""
        return len(self._out) + (0 if self._opening is None else self._opening.unsent)

    def lost(self, phase: Phase, why: StreamLoss, detail: str) -> LinkClosed:
        """Return the end of a link that loses this stream when it has come to `phase`."""
        if self._opening is not None:
            return self._opening.lost(why, detail)
        return lost_stream(phase, why, detail, self.where)

    def _wish(self, tls: StartTLS | None) -> None:
        if tls is not None:
            self._wishes.append(tls)

    def _climb(self, opening: StreamOpening) -> None:
        if opening.ready:
            self._opening = None
            self._client.receive_data(opening.leftover)
