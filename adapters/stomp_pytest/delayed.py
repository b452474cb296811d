"""A broker that hears late: for tests of what a program does while it waits.

What lives here holds octets back for a while. It must not know what they say, nor who runs the broker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from stomp_sansio.broker.broker import Broker
from stomp_sansio.broker.entrance import Entrance
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.machine import StreamId, StreamLoss

__all__ = ["DelayedBroker"]


class _Held(NamedTuple):
    due: float
    stream: StreamId
    data: bytes | None
    """None for the end of the stream."""


class DelayedBroker(Broker):
    """Takes in octets `delay` seconds after they came, in their order; so do the ends of streams."""

    __slots__ = ("_held_back", "delay")

    def __init__(
        self, entrance: Entrance, token: Callable[[], str], options: BrokerOptions | None = None
    ) -> None:
        super().__init__(entrance, token, options)
        self.delay = 0.0
        """Seconds; set it at any time. What is held back already keeps its time."""
        self._held_back: deque[_Held] = deque()

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets, now or later."""
        self._hold_back(_Held(now + self.delay, stream, data), now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note of the end, behind all octets."""
        self._hold_back(_Held(now + self.delay, stream, None), now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Hear at once what is held back of the stream, since it was said before."""
        said = [held for held in self._held_back if held.stream == stream]
        self._held_back = deque(held for held in self._held_back if held.stream != stream)
        for held in said:
            self._pass_on(held, now)
        super().stream_lost(stream, why, now, detail)

    def handle_timeout(self, now: float) -> None:
        """Hear what has waited long enough, and do what else is due."""
        while self._held_back and self._held_back[0].due <= now:
            self._pass_on(self._held_back.popleft(), now)
        super().handle_timeout(now)

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        deadline = super().next_deadline()
        if not self._held_back:
            return deadline
        return self._held_back[0].due if deadline is None else min(deadline, self._held_back[0].due)

    def _hold_back(self, held: _Held, now: float) -> None:
        if self._held_back:
            # Never before what came earlier, whatever the delay is now.
            self._held_back.append(held._replace(due=max(held.due, self._held_back[-1].due)))
        elif held.due > now:
            self._held_back.append(held)
        else:
            self._pass_on(held, now)

    def _pass_on(self, held: _Held, now: float) -> None:
        if held.data is None:
            super().receive_eof(held.stream, now)
        else:
            super().receive_data(held.stream, held.data, now)
