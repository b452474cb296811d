"""The streams that one machine uses for HTTP: who is alive, who is being closed, what is wished for them.

What lives here is book-keeping between a machine and its driver; it must not know what is asked on which
stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..machine import CloseStream, StreamAction, StreamId
from ..protocol.limits import Limits
from .http_stream import HttpStream
from .opening import Route

__all__ = ["HttpStreams"]


class HttpStreams:
    """A machine's streams. Those that were closed by `close` are not heard any more, but are awaited."""

    __slots__ = ("_actions", "_changed", "_closing", "_limits", "_living", "_stream_ids")

    def __init__(self, stream_ids: Iterator[StreamId], limits: Limits) -> None:
        self._stream_ids = stream_ids
        self._limits = limits
        self._living: dict[StreamId, HttpStream] = {}
        self._closing: set[StreamId] = set()
        self._actions: deque[StreamAction] = deque()
        self._changed: dict[StreamId, None] = {}

    def open(self, route: Route) -> HttpStream:
        """Wish for a stream, and return it."""
        stream = HttpStream(next(self._stream_ids), route, self._limits)
        self._living[stream.stream] = stream
        self._actions.append(stream.open_wish)
        return stream

    def close(self, stream: HttpStream) -> None:
        """Wish for the end of a stream: nothing more is written to it or heard of it."""
        del self._living[stream.stream]
        self._changed.pop(stream.stream, None)
        self._closing.add(stream.stream)
        self._actions.append(CloseStream(stream.stream, abort=True))

    def close_all(self) -> None:
        """Wish for the end of every stream."""
        for stream in list(self._living.values()):
            self.close(stream)

    @property
    def gone(self) -> bool:
        """Whether there is no stream left, not even one that is being closed."""
        return not self._living and not self._closing

    def get(self, stream: StreamId) -> HttpStream | None:
        """Return the stream of this name, None if it is being closed."""
        return self._living.get(stream)

    def forget(self, stream: StreamId) -> HttpStream | None:
        """Take note that a stream is lost; return it if it was alive."""
        self._closing.discard(stream)
        self._changed.pop(stream, None)
        return self._living.pop(stream, None)

    def opened(self, stream: HttpStream) -> None:
        """Tell a stream that it carries octets."""
        stream.opened()
        self._look_at(stream)

    def receive_data(self, stream: HttpStream, data: bytes) -> None:
        """Hand octets to a stream."""
        stream.receive_data(data)
        self._look_at(stream)

    def _look_at(self, stream: HttpStream) -> None:
        """Take what a stream wishes now, if it does, and note whether the driver should look at it."""
        wish = stream.next_wish()
        if wish is not None:
            self._actions.append(wish)
        if not stream.ready or stream.unsent:
            self.touch(stream)

    def touch(self, stream: HttpStream) -> None:
        """Take note that a stream has something to write, or that it is to be read again, or no more."""
        self._changed[stream.stream] = None

    def next_action(self) -> StreamAction | None:
        """Return the next wish, or None."""
        return self._actions.popleft() if self._actions else None

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams that were touched."""
        changed = list(self._changed)
        self._changed.clear()
        return changed
