"""`stomp-sansio send`: a message, or many of the same.

What lives here knows how fast and how often; it must not know how a message is confirmed.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque

from stomp_asyncio import Client, Ticket

from .connecting import Way, add_connect_arguments, way
from .connection import connected
from .content import Content, add_content_arguments, content
from .exits import Exit
from .live import Live
from .progress import progress
from .running import Stage, Stopping
from .running import run as run_in_loop
from .terminal import Terminal

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "send a message, once or many times"

_WINDOW = 1_000
"""Messages that may await their receipts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what is sent, where, and how often."""
    add_connect_arguments(parser)
    parser.add_argument("destination", metavar="DEST", help="where to, as /queue/orders or /topic/news")
    add_content_arguments(parser)
    parser.add_argument(
        "--receipt",
        action="store_true",
        help="have each confirmed, and send again what was not when the connection was lost",
    )
    parser.add_argument("--count", metavar="N", type=_count, default=1, help="how many (default: 1)")
    parser.add_argument(
        "--rate", metavar="R", type=_rate, help="how many a second, at most (default: as fast as it goes)"
    )
    parser.add_argument("--json", action="store_true", help="write what was done as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Send."""
    target, sent = way(arguments), content(arguments)
    if not arguments.receipt:
        # What a lost connection has swallowed nobody knows: better to fail than to go on.
        target.keywords["reconnect"] = None
    return run_in_loop(lambda stopping: _Sending(arguments, sent, stopping).run(target))


class _Sending:
    def __init__(self, arguments: argparse.Namespace, content: Content, stopping: Stopping) -> None:
        self._arguments = arguments
        self._content = content
        self._stopping = stopping
        self._terminal = Terminal()
        self._sent = 0
        self._confirmed = 0
        self._tickets: deque[Ticket] = deque()

    async def run(self, target: Way) -> int:
        loop = asyncio.get_running_loop()
        live = Live(self._terminal)
        start = loop.time()
        try:
            # Without receipts, the one for DISCONNECT says that the server has all of it.
            unconfirmed = not self._arguments.receipt
            async with connected(target, live, self._stopping, must_confirm=unconfirmed) as client:
                verb = "confirm" if self._arguments.receipt else "take"
                self._stopping.enter(Stage.WORKING, f"the server to {verb} what was sent")
                with progress(live, "sent", self._arguments.count) as advance:
                    while self._sent < self._arguments.count and not await self._pause(start):
                        await self._send(client)
                        advance(self._confirmed if self._arguments.receipt else self._sent)
                    while self._tickets:
                        await self._settle(client)
                        advance(self._confirmed)
        finally:
            self._report(loop.time() - start)
        return Exit.OK if self._sent == self._arguments.count else Exit.TERMINATED

    async def _pause(self, start: float) -> bool:
        """Wait until the next one is due; tell whether it is time to end instead."""
        loop = asyncio.get_running_loop()
        if self._arguments.rate is not None:
            wait = start + self._sent / self._arguments.rate - loop.time()
            if wait > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._stopping.asked.wait()
                except TimeoutError:
                    pass
        return bool(self._stopping)

    async def _send(self, client: Client) -> None:
        destination, content = self._arguments.destination, self._content
        if self._arguments.receipt:
            if len(self._tickets) >= _WINDOW:
                await self._settle(client)
            self._tickets.append(client.send_soon(destination, content.body, **content.keywords))
            # Receipts that came meanwhile are counted as they come.
            while self._tickets and self._tickets[0].outcome is not None:
                await self._settle(client)
            if self._arguments.rate is None and self._sent % 64 == 63:
                await asyncio.sleep(0)
        else:
            await client.send(destination, content.body, **content.keywords)
        self._sent += 1

    async def _settle(self, client: Client) -> None:
        await client.settled(self._tickets.popleft())
        self._confirmed += 1

    def _report(self, seconds: float) -> None:
        if self._arguments.json:
            done: dict[str, int | float] = {"sent": self._sent}
            if self._arguments.receipt:
                done["confirmed"] = self._confirmed
            self._terminal.json(done | {"seconds": round(seconds, 3)})
        elif self._arguments.count > 1:
            confirmed = f", {self._confirmed:,} confirmed" if self._arguments.receipt else ""
            self._terminal.remark(f"{self._sent:,} sent{confirmed} in {seconds:.1f} s\n")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return rate
