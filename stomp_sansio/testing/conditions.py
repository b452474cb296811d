"""How well a connection of the virtual network carries what it is given: latency, pieces, and what breaks it.

This file must not know who talks, nor how the network brings any of it about.
"""

from __future__ import annotations

import math
from enum import Enum

from ..machine import StreamLoss
from ..records import record

__all__ = ["Conditions", "Cut", "Path"]


class Cut(Enum):
    """What happens to a direction of a connection when so many octets have passed."""

    RESET = "reset"
    """The connection breaks: both sides are told, and what is on its way is lost."""
    TRUNCATE = "truncate"
    """What follows is lost, and the receiver is told that the stream has ended: over plain TCP as if in order
    (`receive_eof`), over TLS as a stream without its closing alert (`StreamLoss.TRUNCATED`).
    """
    SILENCE = "silence"
    """Nothing passes in this direction any more, and nobody is told: the connection is half-open."""


@record(kw_only=True)
class Path:
    """One direction of a connection."""

    latency: float = 0.001
    """Seconds from one end to the other."""
    jitter: float = 0.0
    """Up to so many seconds more, at random for each piece; octets never overtake each other."""
    piece: int | None = None
    """How many octets come at once, at most: each piece has between 1 and that many, at random. None leaves
    them as they were written.
    """
    octets_per_second: float = math.inf
    window: int = 64 * 1024
    """Octets that may be on their way, or wait to be read, before the writer has to wait."""
    cut_after: int | None = None
    """How many octets pass before `cut` happens: with 0 nothing passes. None: it never happens."""
    cut: Cut = Cut.RESET


@record(kw_only=True)
class Conditions:
    """What becomes of one attempt to connect, and of the connection that comes of it."""

    refusal: StreamLoss | None = None
    """Why the attempt fails, if it does."""
    opening: float = 0.001
    """Seconds until the attempt is answered; `math.inf` is never."""
    tls_refusal: StreamLoss | None = None
    """Why TLS on an open stream (`StartTLS`) fails, if it does."""
    there: Path = Path()
    """From the side that connects."""
    back: Path = Path()
    """To the side that connects."""
