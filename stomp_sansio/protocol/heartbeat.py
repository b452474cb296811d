"""Heart-beats: what was agreed, when we must speak, and since when the peer is silent.

This file must not know frames other than their heart-beat header, nor what happens when the peer is given up.
"""

from __future__ import annotations

from enum import Enum
from typing import cast

from ..errors import Fault, RemoteProtocolError
from .deadlines import Deadlines
from .headers import Headers

__all__ = ["Heartbeat", "Timer", "heart_beat_header", "negotiate", "offer_in"]

# STOMP 1.2, "Heart-beating", asks for something every n milliseconds and leaves the margin to us. Speaking
# after three quarters leaves the network a quarter, and never doubles the traffic of a peer that counts
# strictly.
_SPEAK_AFTER = 0.75
_GRACE = 1.0
_FOREVER = 10**15
_INFINITY = float("inf")


class Timer(Enum):
    """What a heart-beat waits for."""

    SPEAK = "to send something, so that the peer knows we are alive"
    SILENCE = "to give up a peer that says nothing"


def offer_in(headers: Headers) -> tuple[float, float]:
    """Return what the heart-beat header of a hand-shake frame offers, in seconds: (can send every, wants to
    hear every).

    STOMP 1.2, "Heart-beating": two numbers of milliseconds with a comma between; no header is as good as 0,0.

    Raises:
        RemoteProtocolError: the header is something else. The peer is to blame.
    """
    value = headers.get("heart-beat", "0,0")
    numbers = value.split(",")
    if len(numbers) != 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        message = f"heart-beat is {value[:80]!r}: it must be two numbers with a comma between"
        raise RemoteProtocolError(Fault.BAD_HEART_BEAT, message, receipt=headers.get("receipt"))
    # Beyond some thirty thousand years all intervals are alike: huge numbers are never turned into integers.
    first, second = (
        int(digits or "0") if len(digits) < 16 else _FOREVER for digits in (n.lstrip("0") for n in numbers)
    )
    return first / 1000, second / 1000


def heart_beat_header(offer: tuple[float, float]) -> str | None:
    """Return the heart-beat header for an offer in seconds, or None for one that offers and wants nothing."""
    send, want = (round(seconds * 1000) for seconds in offer)
    return f"{send},{want}" if send or want else None


def negotiate(ours: tuple[float, float], theirs: tuple[float, float]) -> tuple[float, float]:
    """Return what two offers (can send, want to get; seconds) agree on: (we send every, we expect every), 0.0
    for never.

    STOMP 1.2, "Heart-beating": none if either side says 0, else the larger of the two.
    """
    send = max(ours[0], theirs[1]) if ours[0] and theirs[1] else 0.0
    expect = max(ours[1], theirs[0]) if ours[1] and theirs[0] else 0.0
    return send, expect


def _is_offer(offer: object) -> bool:
    try:
        send, want = cast("tuple[float, float]", offer)
        return all(seconds == 0 or 0.001 <= seconds < _INFINITY for seconds in (send, want))
    except (TypeError, ValueError):
        return False


class Heartbeat:
    """Watches both directions of one connection, in seconds of the caller's clock."""

    __slots__ = (
        "_allowed",
        "_done",
        "_expect",
        "_send",
        "_sent",
        "_suspended",
        "_unsaid",
        "deadlines",
        "heard",
        "offer",
        "tolerance",
    )

    def __init__(self, offer: tuple[float, float], tolerance: float) -> None:
        if not _is_offer(offer):
            raise ValueError(
                f"heartbeat is {offer!r}: pass two numbers of seconds, 0 for never and else at least 0.001"
            )
        if not 1 <= tolerance < _INFINITY:
            raise ValueError(f"heartbeat_tolerance is {tolerance!r}: pass a factor of at least 1")
        self.offer = offer
        self.tolerance = tolerance
        self.deadlines: Deadlines[Timer] = Deadlines()
        """When something may be due."""
        self._send = self._expect = self._allowed = 0.0
        self._sent = 0.0
        self.heard = 0.0
        """When the peer was heard last: whoever takes octets in sets it, and any octet is a sign of life."""
        self._unsaid = False
        self._suspended = False
        self._done = False

    @property
    def negotiated(self) -> tuple[float, float]:
        """Seconds: (we send at least every, we expect at least every); 0.0 for never, and before the
        hand-shake.
        """
        return self._send, self._expect

    def start(self, theirs: tuple[float, float], *, unsaid: bool) -> None:
        """Agree with the peer's offer. `unsaid`: our part of the hand-shake is not handed over yet, so the
        peer's silence means nothing, and there is no instant yet from which ours could count.
        """
        self._send, self._expect = negotiate(self.offer, theirs)
        self._allowed = self._expect * self.tolerance + _GRACE
        self._unsaid = unsaid
        if not unsaid:
            self._watch()

    def _watch(self) -> None:
        if self._send:
            self.deadlines.set(Timer.SPEAK, self._sent + self._send * _SPEAK_AFTER)
        if self._expect and not self._done:
            self.deadlines.set(Timer.SILENCE, self.heard + self._allowed)

    def stop_listening(self) -> None:
        """Count silence no more: the peer has said all that it will."""
        self._done = True
        self.deadlines.set(Timer.SILENCE, None)

    def stop(self) -> None:
        """Count nothing any more."""
        self.deadlines.clear()
        self._unsaid = False

    def sent(self, now: float) -> None:
        """Note octets handed over to the transport."""
        self._sent = now
        if self._unsaid:
            self._unsaid = False
            self.heard = max(self.heard, now)
            self._watch()

    def suspend(self) -> None:
        """Do not count silence: we do not listen."""
        self._suspended = True

    def resume(self, now: float) -> None:
        """Count silence again, from now on."""
        if self._suspended:
            self._suspended = False
            self.heard = now

    def excuse(self, now: float) -> None:
        """Count the silence from now on: it was not the peer's."""
        self.heard = now
        self.deadlines.set(Timer.SILENCE, now + self._allowed)

    def due(self, now: float) -> Timer | None:
        """Return what is due at `now`; ask again until None. Deadlines are armed lazily, so most of them only
        move on.
        """
        while (timer := self.deadlines.pop_due(now)) is not None:
            if timer is Timer.SPEAK:
                instant = self._sent + self._send * _SPEAK_AFTER
                if instant > now:
                    self.deadlines.set(timer, instant)
                    continue
                # A clock's numbers may be so large that the interval vanishes in them: any later one will do.
                # A library of its own, that nothing else here needs: it is loaded when a heart beats.
                from math import nextafter

                later = nextafter(now, _INFINITY)
                self.deadlines.set(timer, max(now + self._send * _SPEAK_AFTER, later))
            else:
                if self._suspended:
                    self.heard = now
                instant = self.heard + self._allowed
                if instant > now:
                    self.deadlines.set(timer, instant)
                    continue
            return timer
        return None
