"""How octets get from connections to their transports or writers, and who is behind in taking them.

This file must not know messages, nor what becomes of a peer that is too slow.
"""

from __future__ import annotations

from enum import Enum

from ..errors import LocalProtocolError
from ..machine import StreamId
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

    __slots__ = ("_changed", "_entrance", "_look_at", "_options", "behind")

    def __init__(self, entrance: Entrance, options: BrokerOptions) -> None:
        self._entrance = entrance
        self._options = options
        self._look_at: float | None = None
        self._changed: dict[StreamId, None] = {}
        self.behind: dict[Peer, None] = {}
        """Peers for whom octets wait."""

    def fill(self, peer: Peer, now: float) -> None:
        """Have what a peer is told written, as long as its writer keeps up."""
        if peer.gone:
            return
        connection = peer.connection
        unsent, waiting = connection.unsent, 0
        if peer.passage is not None:
            # Its writer comes for it.
            self._changed[peer.passage] = None
        else:
            entrance = self._entrance
            waiting = entrance.unsent(peer.id) if peer in self.behind else 0
            try:
                while unsent and waiting < AHEAD:
                    # Where messages carry the stream, a message is a frame: there are clients that read no
                    # second one.
                    octets = connection.frame_to_send(now)
                    entrance.send(peer.id, octets, now)
                    peer.moved += len(octets)
                    unsent -= len(octets)
                    waiting = entrance.unsent(peer.id)
            except LocalProtocolError:
                # It is closing: that it is gone, the entrance says next.
                self.give_up(peer)
                return
        if not unsent and not peer.closing and connection.wants_close:
            peer.closing = True
            self._entrance.close(peer.id, now)
        peer.full = unsent + waiting >= AHEAD
        if unsent or waiting:
            self.behind[peer] = None
            if self._look_at is None or peer.full:
                self._plan_look(peer, now)

    def take(self, peer: Peer, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets of a peer that has a passage, at most `max_bytes`. `look_after` it, if it
        is still behind.
        """
        connection = peer.connection
        octets = connection.data_to_send(now, max_bytes)
        taken = len(octets)
        peer.moved += taken
        # A piece that is shorter than it might be is all there is.
        if taken < max_bytes and taken < AHEAD and not (peer.full or connection.wants_close):
            self.behind.pop(peer, None)
            peer.behind_since = None
        else:
            # Perhaps it was told so much since it was last looked at.
            self.behind[peer] = None
        return octets

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams whose writer has to look again."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def give_up(self, peer: Peer) -> None:
        """Write nothing more to a peer."""
        peer.gone = True
        self.behind.pop(peer, None)
        if peer.passage is not None:
            self._changed.pop(peer.passage, None)

    def look_after(self, peer: Peer, taken: int, now: float) -> Progress:
        """Go on with a peer that was behind, and whose writer has taken so many octets since it was last
        looked at.
        """
        connection = peer.connection
        unsent = connection.unsent
        waiting = 0 if peer.passage is not None else self._entrance.unsent(peer.id)
        # It may have become full since, and queues have passed it over.
        was_full = peer.full or taken + unsent + waiting >= AHEAD
        if was_full or unsent or connection.wants_close:
            self.fill(peer, now)
            unsent = connection.unsent
            waiting = 0 if peer.passage is not None else self._entrance.unsent(peer.id)
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
        """Whether anything waits that a transport would not write if it were closed now."""
        return any(peer.connection.unsent for peer in self.behind if peer.passage is None)

    def _plan_look(self, peer: Peer, now: float) -> None:
        wait = self._options.slow_seconds / _LOOKS
        if peer.full and peer.transport.startswith("xhr"):
            wait = min(wait, _ROAMING_LOOK)
        if self._look_at is None or now + wait < self._look_at:
            self._look_at = now + wait
