"""The listening half of SockJS over xhr: one request after the other, whose responses are lines of frames.

What lives here asks, judges statuses and cuts lines; it must not know what a frame says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from .http_client import ResponseData, ResponseEnd, ResponseEvent
from .http_stream import HttpStream
from .http_streams import HttpStreams
from .opening import Route
from .sockjs_frames import ResponseLines
from .sockjs_status import Outcome, judge_status, refused_request
from .url import Endpoint

__all__ = ["Fields", "XhrListener"]

Fields: TypeAlias = Callable[[], list[tuple[bytes, bytes]]]
"""The header fields that a request carries now: cookies change."""

_HASTY = 1.0
"""Seconds within which a response without a frame has ended too soon to be of use."""
_MAX_HASTY = 5
"""Such responses in a row: asking on would be a loop."""


class XhrListener:
    """At most one request is out.

    The next one is asked when a response has ended: never two receivers at once.
    """

    __slots__ = (
        "_asked_at",
        "_endpoint",
        "_fields",
        "_frames",
        "_hasty",
        "_limits",
        "_lines",
        "_request",
        "_route",
        "_streams",
        "_timeout",
        "refused_status",
        "stream",
    )

    stream: HttpStream | None
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
        """`endpoint` is `xhr_streaming` or `xhr`; `timeout` is for a further stream to open, in seconds."""
        self._endpoint = endpoint
        self._request = endpoint.path.rpartition("/")[2]
        self._streams = streams
        self._route = route
        self._fields = fields
        self._limits = limits
        self._timeout = timeout
        self._lines = ResponseLines(limits, streaming=False)
        self._asked_at = 0.0
        self._frames = 0
        self._hasty = 0
        self.stream = None
        self.refused_status = None

    def ask(self, now: float) -> None:
        """Ask, on the same stream if the server keeps it, else on a new one."""
        stream = self.stream
        if stream is None or not stream.idle:
            if stream is not None:
                self._streams.close(stream)
            stream = self.stream = self._streams.open(self._route)
        stream.request("POST", self._endpoint, self._fields(), b"")
        self._streams.touch(stream)
        self._lines = ResponseLines(self._limits, streaming=self._request == "xhr_streaming")
        self._asked_at = now
        self._frames = 0

    @property
    def deadline(self) -> float | None:
        """The instant when the stream must have opened, None if it has."""
        return None if self.stream is None or self.stream.ready else self._asked_at + self._timeout

    def take(self, event: ResponseEvent, *, opened: bool) -> None:
        """Take in an event of the response; then ask `next_frame`. `opened` says whether the session is open.

        Raises:
            RemoteProtocolError: the status refuses.
        """
        if isinstance(event, ResponseData):
            self._lines.receive(event.data)
        elif isinstance(event, ResponseEnd):
            self._lines.end()
        elif judge_status(self._request, event.status) is not Outcome.OK:
            self.refused_status = event.status
            raise refused_request(self._request, event.status, event.location, opened=opened)

    def next_frame(self) -> bytes | None:
        """Return the next frame, or None.

        Raises:
            RemoteProtocolError: a line is over its limit, or the response ended inside one.
        """
        frame = self._lines.next_frame()
        if frame is not None:
            self._frames += 1
        return frame

    def go_on(self, now: float) -> None:
        """Ask again: the response has ended, as those of streaming do when they have become large.

        Raises:
            RemoteProtocolError: the server answers at once and says nothing, again and again.
        """
        self._hasty = 0 if self._frames or now - self._asked_at >= _HASTY else self._hasty + 1
        if self._hasty >= _MAX_HASTY:
            raise RemoteProtocolError(
                LinkFault.PROTOCOL_ERROR,
                f"The server answered {_MAX_HASTY} times in a row at once and without a SockJS frame",
            )
        self.ask(now)
