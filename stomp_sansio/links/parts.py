"""Several machines behind one driver: whose stream is whose, what all wish, which is due first.

What lives here is book-keeping; it must not know what the machines are for, nor what they say.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar

from ..machine import Machine, OpenStream, StreamAction, StreamId, StreamLoss

__all__ = ["Part", "Parts"]

_EventT = TypeVar("_EventT")
_EventT_co = TypeVar("_EventT_co", covariant=True)


class Part(Machine[_EventT_co], Protocol):
    """A machine that can be given up."""

    def abort(self, now: float) -> None:
        """End at once, writing nothing more."""
        ...


class Parts(Generic[_EventT]):
    """Machines that come and go.

    Route what the driver says to `owner`, then `collect` until nobody speaks.
    """

    __slots__ = ("_actions", "_changed", "_owners", "_parts")

    def __init__(self) -> None:
        self._parts: list[Part[_EventT]] = []
        self._owners: dict[StreamId, Part[_EventT]] = {}
        self._actions: deque[StreamAction] = deque()
        self._changed: dict[StreamId, None] = {}

    def add(self, part: Part[_EventT]) -> None:
        """Take a machine in. It leaves by itself when it is finished."""
        self._parts.append(part)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def owner(self, stream: StreamId) -> Part[_EventT]:
        """Return the machine that wished for a stream."""
        return self._owners[stream]

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str) -> None:
        """Pass on the end of a stream."""
        self._changed.pop(stream, None)
        self._owners.pop(stream).stream_lost(stream, why, now, detail)

    def collect(self) -> list[tuple[Part[_EventT], _EventT]]:
        """Take what the machines wish and say; forget those that are finished."""
        said: list[tuple[Part[_EventT], _EventT]] = []
        for part in self._parts:
            while (action := part.next_action()) is not None:
                if isinstance(action, OpenStream):
                    self._owners[action.stream] = part
                self._actions.append(action)
            for stream in part.changed_streams():
                self._changed[stream] = None
            while (event := part.next_event()) is not None:
                said.append((part, event))
        self._parts = [part for part in self._parts if not part.finished]
        return said

    def abort(self, now: float) -> None:
        """Give all of them up."""
        for part in self._parts:
            part.abort(now)

    def handle_timeout(self, now: float) -> None:
        """Let all of them do what is due."""
        for part in self._parts:
            part.handle_timeout(now)

    def next_deadline(self) -> float | None:
        """Return the earliest deadline, or None."""
        instants = (part.next_deadline() for part in self._parts)
        return min((instant for instant in instants if instant is not None), default=None)

    def next_action(self) -> StreamAction | None:
        """Return the next wish, or None."""
        return self._actions.popleft() if self._actions else None

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams to look at."""
        changed = list(self._changed)
        self._changed.clear()
        return changed
