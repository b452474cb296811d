"""How octets of peers become events, in turns: one frame of each, so that nobody keeps the others waiting.

This file must not know what an event means.
"""

from __future__ import annotations

from collections import deque

from ..protocol.events import ServerEvent
from .entrance import Entrance
from .peers import AHEAD, Peer

__all__ = ["Readers"]


class Readers:
    """The way into a broker."""

    __slots__ = ("_entrance", "_listed", "_stopped")

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._listed: deque[Peer] = deque()
        self._stopped = False

    def __bool__(self) -> bool:
        """Whether a peer waits for its turn."""
        return bool(self._listed)

    def receive(self, peer: Peer, data: bytes, now: float) -> None:
        """Take in octets of a peer, and stop reading from it when many are unread."""
        peer.unread += len(data)
        peer.connection.receive_data(data, now)
        if peer.unread > AHEAD:
            self._pause(peer, now)
        self.enlist(peer)

    def enlist(self, peer: Peer) -> None:
        """Give a peer a turn: it may have said something."""
        if not peer.listed:
            peer.listed = True
            self._listed.append(peer)

    def next_event(self, now: float) -> tuple[Peer, ServerEvent] | None:
        """Give the next peer its turn; return what it said, or None if it had nothing to say. Ask only while
        one waits.
        """
        peer = self._listed.popleft()
        if peer.closed or (peer.full and not peer.gone and not peer.connection.wants_close):
            # A peer that does not take its answers gets no more of them: it is enlisted when it has caught
            # up.
            peer.listed = False
            return None
        event = peer.connection.next_event()
        if event is None:
            peer.listed = False
            peer.unread = 0
            self._resume(peer, now)
            return None
        self._listed.append(peer)
        return peer, event

    def stop(self, peers: list[Peer], now: float) -> None:
        """Read nothing more from anybody."""
        self._stopped = True
        for peer in peers:
            self._pause(peer, now)

    def _pause(self, peer: Peer, now: float) -> None:
        if not (peer.paused or peer.gone):
            peer.paused = True
            self._entrance.pause_reading(peer.id, now)
            peer.connection.suspend_reading()

    def _resume(self, peer: Peer, now: float) -> None:
        if peer.paused and not (peer.gone or self._stopped):
            peer.paused = False
            self._entrance.resume_reading(peer.id, now)
            peer.connection.resume_reading(now)
