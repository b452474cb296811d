"""How long a SockJS server may be silent: when to give it up.

What lives here is one deadline and the rules that move it. It must not know what was heard.
"""

from __future__ import annotations

__all__ = ["SILENCE", "SilenceWatch"]

SILENCE = 51.0
"""Seconds without an octet: two beats of the 25 s that servers use, and one second."""


class SilenceWatch:
    """Watches once a beat has been heard: servers that leave beating to STOMP are never given up.

    `deadline` is the instant when the server has been silent for too long, or None.
    """

    __slots__ = ("_armed", "_limit", "_paused", "deadline")

    deadline: float | None

    def __init__(self, limit: float) -> None:
        """`limit` is in seconds."""
        self._limit = limit
        self._armed = False
        self._paused = False
        self.deadline = None

    def heard_octets(self, now: float) -> None:
        """Take note of a sign of life, whatever it was."""
        if self._armed and not self._paused:
            self.deadline = now + self._limit

    def heard_beat(self, now: float) -> None:
        """Take note of a beat: from now on silence counts."""
        self._armed = True
        self.heard_octets(now)

    def pause(self) -> None:
        """Count no silence: nobody listens."""
        self._paused = True
        self.deadline = None

    def resume(self, now: float) -> None:
        """Count again, from now on."""
        self._paused = False
        self.heard_octets(now)

    def stop(self) -> None:
        """Count no silence any more."""
        self._armed = False
        self.deadline = None

    @property
    def reason(self) -> str:
        """What has happened at the deadline, for people."""
        return f"The server was silent for {self._limit:g} s, although it had sent SockJS heart-beats before"
