"""The way out for messages of which nothing more will be heard, while nothing whatever is in their way.

What lives here proves with a few looks that a message can be written at once; whoever is turned away asks
`Session.send`, which knows why. This file must not know what may be in the way, nor any clock.
"""

from __future__ import annotations

from .epoch import Epoch
from .lifeline import Lifeline
from .outbox import size_of
from .sending import Sending

__all__ = ["Door"]


class Door:
    """Open while there is a connection and nothing waits; whoever changes that closes it first."""

    __slots__ = ("_lifeline", "_room", "_sending", "epoch")

    def __init__(self, lifeline: Lifeline, sending: Sending) -> None:
        """Make a door that is closed."""
        self._lifeline = lifeline
        self._sending = sending
        self.epoch: Epoch | None = None
        """The connection that messages may be written on; None while something is in the way."""
        # Octets that may be written before one has to look again whether the peer reads.
        self._room = 0

    def close(self) -> None:
        """Let nothing through until `judge`."""
        self.epoch = None

    def judge(self, established: Epoch | None, *, draining: bool) -> None:
        """Open for a connection if nothing is in the way of messages now."""
        if established is None or established.paused or draining or not self._sending.clear:
            self.epoch = None
        else:
            self.epoch = established
            self._room = 0

    def written(self, established: Epoch | None, octets: int, *, draining: bool) -> None:
        """Take note that so many octets were written otherwise, or wait to be."""
        if self.epoch is None or self._sending.waits:
            self.judge(established, draining=draining)
        else:
            self._room -= octets

    def through(self) -> Epoch | None:
        """Return the connection if something can be written on it at once; None when that is not certain."""
        epoch = self.epoch
        if epoch is None or epoch.mute:
            return None
        if self._room <= 0:
            self._room = self._sending.room(epoch)
        return epoch if self._room > 0 else None

    def send(self, now: float, destination: str, body: bytes, content_type: str | None = None) -> bool:
        """Send a message without receipt or other headers, and return True, if that is certain to be possible
        now; else return False, and change nothing.

        Raises:
            LocalProtocolError: it cannot be represented.
        """
        epoch, lifeline = self.epoch, self._lifeline
        if epoch is None or epoch.mute or self._room <= 0:
            epoch = self.through()
        if epoch is None or not lifeline.carries(body):
            return False
        epoch.connection.send(destination, body, content_type=content_type)
        self._room -= len(body) if type(body) is bytes else size_of(body)
        lifeline.flush(now)
        return True
