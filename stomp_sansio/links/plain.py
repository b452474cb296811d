"""STOMP over TCP, TLS or a Unix socket: the octets of the stream as they are.

What lives here adds and removes nothing; it must not know STOMP frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..machine import StreamId
from ..protocol.limits import Limits
from .link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from .octet_queue import OctetQueue
from .opening import route_to
from .proxy import Proxy
from .stream_link import Stage, StreamLink
from .url import Endpoint

__all__ = ["PlainLayer", "PlainLink"]


_OPEN = Stage.OPEN


class PlainLayer:
    """The layer that changes nothing."""

    __slots__ = ("_events", "_out")

    def __init__(self) -> None:
        self._events: deque[LinkEvent] = deque()
        self._out = OctetQueue()

    def start(self, now: float) -> None:
        """Report that the link is open: a plain stream has no hand-shake."""
        self._events.append(LinkOpened("tcp"))

    def receive_data(self, data: bytes, now: float) -> None:
        """Pass the octets on."""
        if data:
            self._events.append(LinkData(data))

    def receive_eof(self, now: float) -> None:
        """Report a clean end: a plain stream has no closing hand-shake of its own."""
        self._events.append(LinkClosed(True, Phase.OPEN, "The peer closed the connection"))

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def send(self, chunk: bytes, now: float) -> None:
        """Queue octets."""
        self._out.append(chunk)

    def carries(self, chunk: bytes) -> bool:
        """Return True: a plain stream carries any octets."""
        return True

    @property
    def unsent(self) -> int:
        """How many octets are queued."""
        return len(self._out)

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write."""
        return self._out.take(max_bytes)

    def pause_reading(self, now: float) -> None:
        """Do nothing: this layer counts no silence."""

    def resume_reading(self, now: float) -> None:
        """Do nothing: this layer counts no silence."""

    def close(self, now: float) -> None:
        """Report the end: what is queued is written before the stream ends."""
        self._events.append(LinkClosed(True, Phase.OPEN, "This side closed the connection"))

    def next_deadline(self) -> float | None:
        """Return None: this layer waits for nothing."""
        return None

    def handle_timeout(self, now: float) -> None:
        """Do nothing: this layer waits for nothing."""


class _BareLink(StreamLink):
    """A link that adds and removes nothing, whoever opened its stream."""

    __slots__ = ()

    @property
    def passage(self) -> StreamId | None:
        """The stream, while it is open: nothing is added or removed."""
        return self._stream if self._stage is _OPEN else None


class PlainLink(_BareLink):
    """A `Link` that carries STOMP as it is.

    Call `start`, then drive it as any `Machine`; `LinkOpened` says "tcp".
    """

    __slots__ = ()

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        stream_ids: Iterator[StreamId],
        server_name: str | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
        close_timeout: float = 10.0,
    ) -> None:
        """Prepare a link to an endpoint.

        `stream_ids` gives fresh names for streams. `server_name` is the name that the certificate must carry,
        where it is not the URL's host. `proxy` is an HTTP proxy to go through. `close_timeout` is how long,
        in seconds, what is queued may take to be written at the end.
        """
        super().__init__(
            PlainLayer(),
            next(stream_ids),
            route=route_to(endpoint, proxy=proxy, server_name=server_name),
            limits=limits,
            close_timeout=close_timeout,
        )

    @classmethod
    def accepted(
        cls, stream: StreamId, now: float, *, peer: str = "the peer", close_timeout: float = 10.0
    ) -> StreamLink:
        """Return a link on an accepted stream that the driver knows by this name; it is open at once."""
        return _BareLink.adopt(PlainLayer(), stream, now, peer=peer, close_timeout=close_timeout)
