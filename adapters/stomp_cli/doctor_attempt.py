"""One connection with the library's own client, with everything that can be learnt from it.

What lives here knows how a client is made and watched; it must not know how findings are shown.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from stomp_asyncio import ConnectKeywords, connect
from stomp_sansio.capture import read
from stomp_sansio.errors import StompError
from stomp_sansio.protocol.events import ClientEvent, Connected

from .connecting import Way
from .doctor_timeline import Timeline, timeline

__all__ = ["Attempt", "attempt"]


class Attempt:
    """What became of one connection."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.connected: Connected | None = None
        self.timeline = Timeline()
        self.greeted = 0.0
        """Seconds from the beginning to CONNECTED."""
        self.took = 0.0
        """Seconds that all of it took, or until it failed."""


async def attempt(
    way: Way, changes: ConnectKeywords | None = None, capture: Callable[[str], object] | None = None
) -> Attempt:
    """Connect and disconnect; what fails is told, not raised.

    Raises:
        ValueError: an argument cannot be used.
    """
    loop = asyncio.get_running_loop()
    found = Attempt()
    lines: list[str] = []
    start = loop.time()

    def write(line: str) -> None:
        nonlocal start
        # A line is written after the instant that it names: the least late one tells when its clock began.
        begun = loop.time() - float(json.loads(line)["t"])
        start = min(start, begun) if lines else begun
        lines.append(line)
        if capture is not None:
            capture(line)

    def hear(event: ClientEvent) -> None:
        if isinstance(event, Connected):
            found.connected = event
            found.greeted = loop.time() - start

    keywords = way.keywords | ConnectKeywords(capture=write, incoming=hear, reconnect=None)
    if changes is not None:
        keywords |= changes
    try:
        async with connect(way.url, ssl=way.ssl, **keywords):
            found.took = loop.time() - start
    except (StompError, OSError) as error:
        found.took = found.took or loop.time() - start
        found.error = error
    found.timeline = timeline(read(lines))
    return found
