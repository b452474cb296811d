"""Who is there, whose stream is whose, and when to come back to each.

This file must not know what happens then, nor what passes a stream.
"""

from __future__ import annotations

from collections.abc import Collection

from ..links.peers import PeerId
from ..links.schedule import Schedule
from ..machine import StreamId
from ..protocol.states import State
from .peers import Peer

__all__ = ["Guests"]


class Guests:
    """The peers of a broker, from their coming to the end of their transport."""

    __slots__ = ("_peers", "_refused", "_schedule", "passages")

    def __init__(self) -> None:
        self._peers: dict[PeerId, Peer] = {}
        self._refused: set[PeerId] = set()
        self._schedule: Schedule[PeerId] = Schedule()
        self.passages: dict[StreamId, Peer] = {}
        """Those who read and write a stream themselves, with nothing between."""

    def __len__(self) -> int:
        """How many there are, but for those who were turned away and have not gone yet."""
        return len(self._peers) - len(self._refused)

    def __getitem__(self, id: PeerId) -> Peer:
        return self._peers[id]

    def get(self, id: PeerId | None) -> Peer | None:
        """Return a peer, or None if there is none of that name."""
        return None if id is None else self._peers.get(id)

    def all(self) -> Collection[Peer]:
        """Return everybody."""
        return self._peers.values()

    def add(self, peer: Peer) -> None:
        """Take note that a peer has come."""
        self._peers[peer.id] = peer
        if peer.passage is not None:
            self.passages[peer.passage] = peer
        self.arm(peer)

    def turn_away(self, peer: Peer) -> None:
        """Take note that a peer is one too many."""
        self._refused.add(peer.id)

    def remove(self, peer: Peer) -> None:
        """Take note that a peer's transport is gone."""
        del self._peers[peer.id]
        self._refused.discard(peer.id)
        self.end_passage(peer)
        self._schedule.set(peer.id, None)

    def end_passage(self, peer: Peer) -> None:
        """Leave a peer's stream to its transport. Harmless when it has no passage."""
        if peer.passage is not None:
            self.passages.pop(peer.passage, None)

    def arm(self, peer: Peer) -> None:
        """Set when to come back to a peer: when its heart has to beat, or when it must have come in."""
        waits = peer.connection.state in (State.IDLE, State.CONNECTING)
        instant = peer.open_until if waits else peer.connection.next_deadline()
        if instant != peer.armed:
            peer.armed = instant
            self._schedule.set(peer.id, instant)

    def next_due(self, now: float) -> Peer | None:
        """Return a peer to come back to now; ask again until None, and arm each that was returned."""
        id = self._schedule.pop_due(now)
        if id is None:
            return None
        peer = self._peers[id]
        peer.armed = None
        return peer

    def next_deadline(self) -> float | None:
        """Return when the next peer is due."""
        return self._schedule.earliest()
