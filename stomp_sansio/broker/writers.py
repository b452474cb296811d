"""How octets get from connections to their transports, and who is behind in taking them.

This file must not know messages, nor what becomes of a peer that is too slow.
"""

from __future__ import annotations

from enum import Enum

from ..errors import LocalProtocolError
from .entrance import Entrance
from .options import BrokerOptions
from .peers import AHEAD, Peer

__all__ = ["Progress", "Writers"]

# How often it is looked whether somebody takes too little, as a part of the time that is allowed; and, in
# seconds, whether one has caught up whose stream is not known.
_LOOKS = 4
_ROAMING_LOOK = 0.25


class Progress(Enum):
    """What has become of a peer that was behind."""

    WAITING = "octets wait, as they may"
    CAUGHT_UP = "it was far behind, and is no more"
    STUCK = "octets have waited for too long"


class Writers:
    """The way out of a broker."""

    __slots__ = ("_entrance", "_look_at", "_options", "behind")

    def __init__(self, entrance: Entrance, options: BrokerOptions) -> None:
        self._entrance = entrance
        self._options = options
        self._look_at: float | None = None
        self.behind: dict[Peer, None] = {}
        """Peers for whom octets wait."""

    def fill(self, peer: Peer, now: float) -> None:
        """Move octets to a peer's transport, as long as its writer keeps up."""
        if peer.gone:
            return
        connection, entrance = peer.connection, self._entrance
        framed = peer.transport != "tcp"
        # Both are asked for once at most and kept by hand: this runs for every delivery of a fan-out.
        unsent = connection.unsent
        waiting = entrance.unsent(peer.id) if peer in self.behind else 0
        try:
            while unsent and waiting < AHEAD:
                # Where messages carry the stream, a message is a frame: there are clients that read no second
                # one.
                octets = connection.frame_to_send(now) if framed else connection.data_to_send(now, AHEAD)
                entrance.send(peer.id, octets, now)
                peer.moved += len(octets)
                unsent -= len(octets)
                waiting = entrance.unsent(peer.id) if framed else waiting + len(octets)
        except LocalProtocolError:
            # It is closing: that it is gone, the entrance says next.
            self.give_up(peer)
            return
        if not unsent and not peer.closing and connection.wants_close:
            peer.closing = True
            entrance.close(peer.id, now)
        peer.full = unsent + waiting >= AHEAD
        if unsent or waiting:
            self.behind[peer] = None
            self._plan_look(peer, now)

    def give_up(self, peer: Peer) -> None:
        """Write nothing more to a peer."""
        peer.gone = True
        self.behind.pop(peer, None)

    def look_after(self, peer: Peer, now: float) -> Progress:
        """Go on with a peer that was behind."""
        was_full, unsent = peer.full, peer.connection.unsent
        if was_full or unsent:
            self.fill(peer, now)
            unsent = peer.connection.unsent
        waiting = self._entrance.unsent(peer.id)
        if peer.gone or not (waiting or unsent):
            self.behind.pop(peer, None)
            peer.behind_since = None
        # Octets up to the mark are gone when as many were moved and do not wait at the transport.
        elif peer.behind_since is None or peer.moved - waiting >= peer.mark:
            peer.behind_since, peer.mark = now, peer.moved + unsent
        elif now - peer.behind_since >= self._options.slow_seconds:
            return Progress.STUCK
        return Progress.CAUGHT_UP if was_full and not peer.full else Progress.WAITING

    def take_due(self, now: float) -> list[Peer]:
        """Return the peers to look after at `now`, if it is time for that."""
        if self._look_at is None or self._look_at > now:
            return []
        self._look_at = None
        for peer in self.behind:
            self._plan_look(peer, now)
        return list(self.behind)

    def next_deadline(self) -> float | None:
        """Return when it is time to look."""
        return self._look_at if self.behind else None

    @property
    def unmoved(self) -> bool:
        """Whether anything waits that its transport has not got yet."""
        return any(peer.connection.unsent for peer in self.behind)

    def _plan_look(self, peer: Peer, now: float) -> None:
        wait = self._options.slow_seconds / _LOOKS
        if peer.full and peer.transport.startswith("xhr"):
            wait = min(wait, _ROAMING_LOOK)
        if self._look_at is None or now + wait < self._look_at:
            self._look_at = now + wait
