"""The embedded broker in a process of its own, for clients of others: one port, all transports.

Run as a program it is the broker, in the runtime that is named; imported, it is how to start one. This file
must not know any client.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

import stomp_asyncio
import stomp_trio
from stomp_cli.demo_page import pages
from stomp_sansio.broker.options import BrokerOptions

from ..servers.process import HOST, Process, answers_stomp, free_ports

__all__ = ["RUNTIMES", "Broker"]

RUNTIMES = ("asyncio", "trio")


class Broker:
    """A broker that runs from `start` to `stop`."""

    def __init__(self, runtime: str, folder: Path, libraries: Path | None = None) -> None:
        """With `libraries`, a folder that has node_modules, it serves the demo's page, and lets everybody
        in: the page does not know a passcode.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        self._command = [sys.executable, "-P", "-m", f"{__package__}.broker", runtime, str(self.port)]
        self._command += [] if libraries is None else [str(libraries)]
        self._folder = folder
        self._process: Process | None = None

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            DidNotStart: it did not come up.
        """
        self._process = Process("broker", self._command, folder=self._folder)
        self._process.wait_for(lambda: answers_stomp(self.port, "guest", "guest", "/"))

    def last_words(self) -> str:
        """Return the end of what it wrote: nothing, if all is well."""
        return "" if self._process is None else self._process.last_words()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.stop()


def main(argv: Sequence[str]) -> None:
    """Serve until the end: RUNTIME PORT [FOLDER]."""
    runtime, port, *folder = argv
    # Clients name what virtual host they like, and beat as often as they offer.
    options = BrokerOptions(heartbeat=(1.0, 1.0))
    shown = pages(Path(folder[0])) if folder else {}
    login = None if folder else {"guest": "guest"}

    async def with_asyncio() -> None:
        async with stomp_asyncio.serve(HOST, int(port), login=login, options=options, pages=shown):
            await asyncio.Event().wait()

    async def with_trio() -> None:
        async with stomp_trio.serve(HOST, int(port), login=login, options=options, pages=shown):
            await trio.sleep_forever()

    if runtime == "trio":
        trio.run(with_trio)
    else:
        asyncio.run(with_asyncio())


if __name__ == "__main__":
    main(sys.argv[1:])
