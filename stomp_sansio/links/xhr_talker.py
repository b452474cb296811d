"""The talking half of SockJS over xhr: one xhr_send in flight, what is queued meanwhile in the next.

What lives here keeps order and asks; it must not know what a message says.
"""

from __future__ import annotations

from collections import deque

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from .http_client import ResponseData, ResponseEnd, ResponseEvent
from .http_stream import HttpStream
from .http_streams import HttpStreams
from .opening import Route
from .sockjs_payload import encode_array
from .sockjs_status import Outcome, judge_status, refused_request
from .url import Endpoint
from .xhr_listener import Fields

__all__ = ["XhrTalker"]

_KEEP_ALIVE = 3.0
"""Seconds after which an idle stream is not used again: some servers close it after 5.

Whether a request that crosses their close was heard, nobody can tell.
"""
_BATCH = 64 * 1024
"""Octets of messages that go in one request, unless one of them has more alone."""
_MAX_ANSWER = 64 * 1024
"""Octets of an answer's body, which nobody reads: real ones have two."""


class XhrTalker:
    """Queues messages; at most one request is out."""

    __slots__ = (
        "_answered",
        "_deadline",
        "_endpoint",
        "_fields",
        "_idle_since",
        "_limits",
        "_queue",
        "_queued",
        "_route",
        "_streams",
        "_timeout",
        "refused_status",
        "stream",
        "talking",
    )

    stream: HttpStream | None
    talking: bool
    """Whether a request is out."""
    refused_status: int | None
    """The status that ended the session, once there is one."""

    def __init__(
        self,
        endpoint: Endpoint,
        streams: HttpStreams,
        route: Route,
        fields: Fields,
        limits: Limits,
        timeout: float,
    ) -> None:
        """`endpoint` is `xhr_send`; `timeout` is for an answer, in seconds from the last octet written."""
        self._endpoint = endpoint
        self._streams = streams
        self._route = route
        self._fields = fields
        self._limits = limits
        self._timeout = timeout
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._idle_since = 0.0
        self._deadline: float | None = None
        self._answered = 0
        self.stream = None
        self.talking = False
        self.refused_status = None

    def queue(self, message: bytes) -> None:
        """Put a message at the end; then `talk`."""
        self._queue.append(message)
        self._queued += len(message)

    @property
    def done(self) -> bool:
        """Whether every message was taken by the server."""
        return not self.talking and not self._queue

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return self._queued + (0 if self.stream is None else self.stream.unsent)

    @property
    def deadline(self) -> float | None:
        """The instant when the answer must be there, None when none is awaited."""
        return self._deadline

    def talk(self, now: float) -> None:
        """Send what is queued, unless a request is out."""
        if self.talking or not self._queue:
            return
        stream = self.stream
        if stream is not None and (not stream.idle or now - self._idle_since > _KEEP_ALIVE):
            self._streams.close(stream)
            stream = None
        if stream is None:
            stream = self.stream = self._streams.open(self._route)
        fields = [*self._fields(), (b"Content-Type", b"application/json")]
        stream.request("POST", self._endpoint, fields, encode_array(self._batch()))
        self._streams.touch(stream)
        self.talking = True
        self._answered = 0
        self._deadline = now + self._timeout

    def wrote(self, now: float) -> None:
        """Take note that octets were handed over: the answer's time begins anew."""
        if self.talking:
            self._deadline = now + self._timeout

    def take(self, event: ResponseEvent, now: float) -> None:
        """Take in an event of the answer; after its end the next request goes.

        Raises:
            RemoteProtocolError: the server refused the messages, or answers endlessly.
        """
        if isinstance(event, ResponseEnd):
            self.talking = False
            self._deadline = None
            self._idle_since = now
            self.talk(now)
        elif isinstance(event, ResponseData):
            self._answered += len(event.data)
            if self._answered > _MAX_ANSWER:
                raise RemoteProtocolError(
                    LinkFault.LIMIT, f"The answer to xhr_send is larger than {_MAX_ANSWER} octets"
                )
        elif judge_status("xhr_send", event.status) is not Outcome.OK:
            self.refused_status = event.status
            raise refused_request("xhr_send", event.status, event.location)

    def forget_idle(self) -> None:
        """Close the stream if the server has ended it while it was idle: the next message gets a new one."""
        if self.stream is not None and not self.talking and not self.stream.idle:
            self._streams.close(self.stream)
            self.stream = None

    def _batch(self) -> list[bytes]:
        batch = [self._queue.popleft()]
        room = _BATCH - len(batch[0])
        while self._queue and len(self._queue[0]) <= room and len(batch) < self._limits.max_sockjs_messages:
            room -= len(self._queue[0])
            batch.append(self._queue.popleft())
        self._queued -= sum(map(len, batch))
        return batch
