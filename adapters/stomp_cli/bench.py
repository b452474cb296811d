"""`stomp-sansio bench`: how many messages a server carries for one client, and how long they take.

What lives here knows how to send and count; it must not know how figures are shown.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

from stomp_asyncio import Client, Subscription

from .bench_figures import Figures, Samples
from .connecting import Way, add_connect_arguments, seconds, way
from .connection import connected
from .escapes import escaped
from .exits import Exit, UsageError
from .live import Live
from .running import Stopping
from .running import run as run_in_loop
from .table import table
from .terminal import Terminal

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "measure throughput and latency of a server"

_INTERVAL = 0.25
"""Seconds between two looks at the figures."""

_PATIENCE = 30.0
"""Seconds that the last messages may take to come back."""

_MARK = 16
"""Octets at the beginning of a body that say which message it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what is measured."""
    add_connect_arguments(parser, reconnects=False)
    parser.add_argument(
        "--destination",
        metavar="DEST",
        help="what is sent to and listened to; nobody else should (default: a topic of its own)",
    )
    parser.add_argument(
        "--seconds", metavar="S", type=seconds, default=5.0, help="of each of the two parts (default: 5)"
    )
    parser.add_argument(
        "--size", metavar="OCTETS", type=_size, default=200, help="of a body, 16 at least (default: 200)"
    )
    parser.add_argument(
        "--window",
        metavar="N",
        type=_whole,
        default=100,
        help="how many may be under way at once when throughput is measured (default: 100)",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the distribution of latencies as SVG")
    parser.add_argument("--json", action="store_true", help="write the figures as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Measure."""
    target = way(arguments)
    if arguments.plot is not None:
        # Known now, not when all is measured.
        try:
            Path(arguments.plot).touch()
        except OSError as error:
            raise UsageError(f"the plot cannot be written: {error}") from error
    terminal = Terminal()
    figures = Figures(arguments.size, arguments.window)
    code = run_in_loop(lambda stopping: _bench(arguments, target, figures, terminal, stopping))
    if code != Exit.OK:
        return code
    if arguments.json:
        terminal.json(figures.as_json())
    else:
        terminal.text(figures.as_text())
    if arguments.plot is not None:
        from .bench_plot import plot

        Path(arguments.plot).write_text(plot(figures, destination=target.name), encoding="utf-8")
        terminal.remark(f"{arguments.plot} shows the distribution\n")
    return code


async def _bench(
    arguments: argparse.Namespace, target: Way, figures: Figures, terminal: Terminal, stopping: Stopping
) -> int:
    live = Live(terminal)
    destination = arguments.destination or f"/topic/stomp-sansio.bench.{secrets.token_hex(8)}"
    async with connected(target, live, stopping) as client, client.subscribe(destination) as messages:
        if client.server and client.version and not arguments.json:
            terminal.remark(f"{escaped(client.server)}, STOMP {client.version.value}\n")
        run = _Run(client, messages, destination, arguments.size)
        with table(live, figures.recent_rows) as show:
            # One after the other: what a message takes where nothing stands before it.
            await run.part(figures.alone, 1, arguments.seconds, stopping, show)
            await run.part(figures.together, arguments.window, arguments.seconds, stopping, show)
    return Exit.TERMINATED if stopping else Exit.OK


class _Run:
    """Sends messages and awaits them, never more than a window of them under way."""

    def __init__(self, client: Client, messages: Subscription, destination: str, size: int) -> None:
        self._client = client
        self._messages = messages
        self._destination = destination
        self._filler = b"." * (size - _MARK)
        self._number = 0

    async def part(
        self, samples: Samples, window: int, seconds: float, stopping: Stopping, show: Callable[[], None]
    ) -> None:
        """Measure for so many seconds."""
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(window)
        under_way: dict[bytes, float] = {}
        end = loop.time() + seconds
        samples.start = loop.time()

        async def send() -> None:
            while loop.time() < end and not stopping:
                await room.acquire()
                mark = b"%0*d" % (_MARK, self._number)
                self._number += 1
                under_way[mark] = loop.time()
                await self._client.send(self._destination, mark + self._filler)

        async def receive() -> None:
            looked = 0.0
            while not sending.done() or under_way:
                async with asyncio.timeout(_PATIENCE):
                    message = await self._messages.receive()
                now = loop.time()
                sent = under_way.pop(message.body[:_MARK], None)
                if sent is None:
                    continue  # somebody else's
                samples.add(now - sent, now)
                room.release()
                if now - looked >= _INTERVAL:
                    looked = now
                    show()

        sending = asyncio.ensure_future(send())
        receiving = asyncio.ensure_future(receive())
        try:
            await asyncio.gather(sending, receiving)
        except TimeoutError:
            raise TimeoutError(
                f"{len(under_way):,} messages did not come back within {_PATIENCE:g} s: "
                "does somebody else listen to the destination?"
            ) from None
        finally:
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            show()


def _size(text: str) -> int:
    size = _whole(text)
    if size < _MARK:
        raise argparse.ArgumentTypeError(f"{text!r} is too small: {_MARK} octets say which message it is")
    return size


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)
