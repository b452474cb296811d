"""`./dev interop`: real servers, every scenario over every transport in every adapter, and a matrix of it.

Servers that are missing are installed where that is possible, and otherwise skipped by name with the reason.
This file must not know what a scenario does, nor how a server is run.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.interop.endurance import Played, page, play_all, play_cluster_of_three
from tests.interop.matrix import matrix, summary
from tests.interop.running import Outcome, Result, run_server
from tests.interop.scenarios import SCENARIOS
from tests.interop.servers.all import SERVERS
from tests.interop.servers.process import DidNotStart
from tests.interop.servers.server import NotInstalled
from tools import piping

ROOT = Path(__file__).resolve().parent.parent
_ENDURING = ["rabbitmq", "activemq", "artemis"]
"""Servers that keep what they have confirmed."""

PAGES = ROOT / "docs" / "servers"


def _say(line: str) -> None:
    print(f"interop: {line}", flush=True)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev interop", description=__doc__)
    parser.add_argument(
        "servers",
        nargs="*",
        metavar="SERVER",
        help=f"which ones: {', '.join(SERVERS)} (default: all); 'clients': see its --help",
    )
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this one")
    parser.add_argument("--transport", action="append", default=[], metavar="NAME", help="only this one")
    parser.add_argument("--adapter", action="append", default=[], metavar="NAME", help="only this one")
    parser.add_argument("--no-install", action="store_true", help="skip what is not installed")
    parser.add_argument(
        "--required", action="store_true", help="a server that cannot be had is a failure, and no skip"
    )
    parser.add_argument("--keep", action="store_true", help="keep what the servers wrote")
    parser.add_argument("--write", action="store_true", help="write the page into docs/servers/")
    parser.add_argument("--faults", action="store_true", help="instead: many messages through faults")
    parser.add_argument("--cluster", action="store_true", help="instead: a cluster of three, one is killed")
    parser.add_argument(
        "--messages", type=int, default=20_000, help="of --faults and --cluster (%(default)s)"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios and exit")
    parser.add_argument("--verbose", action="store_true", help="print every result as it comes")
    options = parser.parse_args(argv)
    known = {
        "server": (options.servers, set(SERVERS)),
        "scenario": (options.scenario, {scenario.name for scenario in SCENARIOS}),
    }
    for what, (given, there) in known.items():
        if unknown := set(given) - there:
            parser.error(
                f"there is no {what} {', '.join(sorted(unknown))}; there are {', '.join(sorted(there))}"
            )
    return options


@dataclass
class Run:
    """What one call of the command finds out."""

    options: argparse.Namespace
    results: list[Result] = field(default_factory=list[Result])
    versions: dict[str, str] = field(default_factory=dict[str, str])
    skipped: dict[str, str] = field(default_factory=dict[str, str])

    def report(self, result: Result) -> None:
        """Print a result that people want to see at once."""
        if self.options.verbose or result.outcome is Outcome.FAILED:
            _say(f"{result} {result.seconds:.1f} s")

    def try_server(self, key: str, folder: Path) -> None:
        """Install, start, exercise and stop one server; skip it with its reason if it cannot be had."""
        kind = SERVERS[key]
        try:
            if not self.options.no_install:
                kind.install(_say)
            self.versions[kind.name] = kind.version()
            server = kind(folder / key)
            _say(f"{kind.name} {self.versions[kind.name]} starts")
        except NotInstalled as why:
            self.skipped[kind.name] = str(why)
            _say(f"{kind.name} is skipped: {why}")
            return
        began = time.monotonic()
        try:
            try:
                server.start()
            except DidNotStart as why:
                # Something of the machine's may have been in its way: a port, memory, time. Not twice.
                server.stop()
                _say(f"{why}\nonce more, in a folder and on ports of its own")
                server = kind(folder / f"{key}-again")
                server.start()
            found = run_server(
                server,
                names=self.options.scenario,
                transports=self.options.transport,
                adapters=self.options.adapter,
                report=self.report,
            )
        except DidNotStart as why:
            # It is installed: that it does not run is a failure, not a reason to skip it.
            found = [Result(kind.name, "", "", "start", Outcome.FAILED, str(why))]
            self.report(found[0])
        finally:
            server.stop()
        self.results += found
        _say(f"{kind.name}: {summary(found)}, {time.monotonic() - began:.0f} s")


def _try_clients(argv: Sequence[str], run: Callable[..., int]) -> int:
    """Let the clients of others talk to our broker."""
    parser = argparse.ArgumentParser(prog="./dev interop clients", description=_try_clients.__doc__)
    parser.add_argument("names", nargs="*", metavar="CLIENT", help="which ones (default: all)")
    parser.add_argument("--no-install", action="store_true", help="skip what is not installed")
    parser.add_argument(
        "--required", action="store_true", help="a client that cannot be had is a failure, and no skip"
    )
    parser.add_argument("--write", action="store_true", help="write the page into the documentation")
    options = parser.parse_args(argv)
    return run(
        required=options.required,
        install=not options.no_install,
        say=_say,
        names=options.names,
        write=options.write,
    )


def main(argv: Sequence[str]) -> int:
    """Run what is asked for; the exit status says whether all that was tried is as it should be."""
    if argv[:1] == ["clients"]:
        from tests.interop.clients.running import run

        return _try_clients(argv[1:], run)
    options = _arguments(argv)
    if options.list:
        for scenario in SCENARIOS:
            print(f"{scenario.name:26} {scenario.what}")
        return 0
    # Whoever ends us ends our servers too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="stomp-interop-"))
    try:
        if options.faults or options.cluster:
            return _endure(options, argv, folder)
        return _try_all(options, argv, folder)
    finally:
        if options.keep:
            _say(f"what the servers wrote is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _try_all(options: argparse.Namespace, argv: Sequence[str], folder: Path) -> int:
    """Play the scenarios."""
    started = time.monotonic()
    run = Run(options)
    for key in options.servers or SERVERS:
        run.try_server(key, folder)
    page_before = (
        (PAGES / "matrix.md").read_text() if options.write and (PAGES / "matrix.md").exists() else ""
    )
    text = matrix(run.results, run.versions, run.skipped, _command(argv), page_before)
    _publish(options, "matrix.md", text)
    took = time.monotonic() - started
    _say(f"{summary(run.results) or 'nothing was tried'}, {took:.0f} s")
    ran = [f"{name} {version}" for name, version in run.versions.items() if name not in run.skipped]
    _say(f"ran: {', '.join(ran) or 'none'}; skipped: {', '.join(run.skipped) or 'none'}")
    failed = sum(result.outcome is Outcome.FAILED for result in run.results)
    if options.required:
        failed += len(run.skipped)
        for name, why in run.skipped.items():
            _say(f"{name} is required: {why}")
    passed = sum(result.outcome in (Outcome.WORKS, Outcome.LACKS) for result in run.results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def _endure(options: argparse.Namespace, argv: Sequence[str], folder: Path) -> int:
    """Play faults, or the loss of a node."""
    keys = ["rabbitmq"] if options.cluster else options.servers or _ENDURING
    adapters = options.adapter or ["stomp_trio"]
    try:
        for key in keys:
            SERVERS[key].install(_say)
        versions = {SERVERS[key].name: SERVERS[key].version() for key in keys}
        if options.cluster:
            played = play_cluster_of_three(folder, adapters, options.messages, _say_played)
        else:
            played = play_all(keys, folder, adapters, options.transport, options.messages, _say_played)
    except (NotInstalled, DidNotStart) as why:
        _say(str(why))
        return 1
    name, title = "faults.md", "Faults, counted"
    if options.cluster:
        name, title = "cluster-figures.md", "A cluster's faults, counted"
    _publish(options, name, page(title, played, versions, _command(argv)))
    failed = sum(bool(one.problems) for one in played)
    print(f"{len(played) - failed} passed, {failed} failed")
    return 1 if failed or not played else 0


def _say_played(played: Played) -> None:
    _say(str(played))


def _command(argv: Sequence[str]) -> str:
    return " ".join(["./dev interop", *argv])


def _publish(options: argparse.Namespace, name: str, text: str) -> None:
    """Print a page, or write it to where it belongs."""
    if not options.write:
        print(text)
        return
    (PAGES / name).write_text(text)
    _say(f"written to {(PAGES / name).relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(piping.run(main))
