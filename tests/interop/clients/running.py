"""./dev interop clients`: every foreign client that can be had, against the broker in each runtime.

What is missing is installed where that is possible, and otherwise skipped by name with the reason. This file
must not know what a client does.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..servers.process import DidNotStart
from ..servers.server import NotInstalled, Say
from .broker import RUNTIMES
from .foreign import CLIENTS
from .playing import Outcome, Played, play
from .table import page

__all__ = ["PAGE", "run"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "servers" / "clients.md"


def run(
    *,
    required: bool,
    install: bool,
    say: Say,
    names: Sequence[str] = (),
    write: bool = False,
) -> int:
    """Try the named clients, or all; return the exit status.

    `required` makes a failure of what cannot be had, unless it needs a toolchain that nothing here installs.
    `write` writes the page into the documentation, else it is printed.
    """
    if unknown := set(names) - set(CLIENTS):
        say(f"there is no client {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}")
        return 2
    if write and names:
        say("--write writes about all clients: name none")
        return 2
    results: list[Played] = []
    skipped: dict[str, str] = {}
    folder = Path(tempfile.mkdtemp(prefix="stomp-clients-"))
    try:
        for name in names or CLIENTS:
            _try(name, results, skipped, folder, install, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(
        results, skipped, " ".join(["./dev interop clients", *names, *(["--write"] if write else [])])
    )
    if write:
        PAGE.write_text(text)
        say(f"written to docs/{PAGE.parent.name}/{PAGE.name}")
    else:
        print(text)  # noqa: T201  # what it is run for
    outcomes = [outcome for played in results for outcome, _ in played.outcomes.values()]
    missing = [
        client.name for client in CLIENTS.values() if client.name in skipped and not client.may_be_missing
    ]
    failed = outcomes.count(Outcome.FAILED) + (len(missing) if required else 0)
    passed = len(outcomes) - outcomes.count(Outcome.FAILED)
    tried = dict.fromkeys(f"{played.client} {played.version}" for played in results)
    say(f"ran: {'; '.join(tried) or 'none'}; skipped: {', '.join(skipped) or 'none'}")
    print(f"{passed} passed, {failed} failed")  # noqa: T201  # its closing line
    return 1 if failed or not passed else 0


def _try(
    name: str, results: list[Played], skipped: dict[str, str], folder: Path, install: bool, say: Say
) -> None:
    client = CLIENTS[name]
    try:
        if install:
            client.install(say)
        client.require()
    except NotInstalled as why:
        skipped[client.name] = str(why)
        say(f"{client.name} is skipped: {why}")
        return

    def against(runtime: str) -> tuple[Played, float]:
        began = time.monotonic()
        try:
            played = play(client, runtime, folder / f"{name}-{runtime}")
        except DidNotStart as why:
            played = Played(client.name, runtime, outcomes={"broker": (Outcome.FAILED, str(why))})
        return played, time.monotonic() - began

    # Side by side: much of it is waiting.
    with ThreadPoolExecutor(len(RUNTIMES)) as pool:
        for played, took in pool.map(against, RUNTIMES):
            results.append(played)
            for failure in played.failures:
                say(failure)
            failed = len(played.failures)
            fine = len(played.outcomes) - failed
            say(f"{client.name}, {played.runtime}: {fine} fine, {failed} failed, {took:.0f} s")
