"""The command line: which benchmark, on what, how often.

This file must not measure anything.
"""

from __future__ import annotations

import argparse
import gc
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import piping

from . import encoding, gate, imports, links, memory, parse
from .corpora import CORPORA
from .peers import Peers, install
from .report import Report

NAMES = (
    "parse",
    "encode",
    "memory",
    "import",
    "links",
    "growth",
    "gate",
    "client",
    "broker",
    "servers",
    "all",
)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Measure the library beside floors of the same run; compare ratios of one run only",
    )
    parser.add_argument(
        "name",
        nargs="?",
        default="all",
        choices=NAMES,
        help="gate fails when something is quadratic; servers starts a RabbitMQ",
    )
    parser.add_argument(
        "--corpus", default=",".join(CORPORA), help="of parse, by comma (default: %(default)s)"
    )
    parser.add_argument(
        "--chunk",
        default=",".join(map(str, parse.CHUNKS)),
        help="octets a read, of parse, by comma (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds", type=int, default=9, help="samples of each, interleaved (default: %(default)s)"
    )
    parser.add_argument(
        "--peers", action="store_true", help="install other libraries into .bench/ and measure them beside"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to a file")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args(argv)
    options.corpus = options.corpus.split(",")
    if unknown := set(options.corpus) - set(CORPORA):
        parser.error(f"no corpus {', '.join(sorted(unknown))}; there are {', '.join(CORPORA)}")
    try:
        options.chunk = [int(size) for size in options.chunk.split(",")]
    except ValueError:
        parser.error(f"--chunk takes numbers of octets, by comma, not {options.chunk!r}")
    if min(options.chunk) < 1 or options.rounds < 1:
        parser.error("chunks and rounds are at least 1")
    return options


def main(argv: Sequence[str]) -> int:
    """Run what is asked for and return the exit status."""
    options = _arguments(argv)
    report = Report()
    if options.name == "gate":
        return 0 if gate.gate(report) else 1
    about = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "rounds": str(options.rounds),
    }
    peers = install(report.say) if options.peers else Peers()
    about["peers"] = ", ".join(peers.versions) or "none"
    report.say(f"{about['python']}, {options.rounds} rounds, peers: {about['peers']}")
    wanted = NAMES[:6] if options.name == "all" else (options.name,)
    gc.collect()
    gc.freeze()
    if "parse" in wanted:
        parse.run(report, corpora=options.corpus, chunks=options.chunk, rounds=options.rounds, peers=peers)
    if "encode" in wanted:
        encoding.run(report, rounds=options.rounds, peers=peers)
    if "memory" in wanted:
        memory.run(report, rounds=options.rounds, peers=peers)
    if "import" in wanted:
        imports.run(report, rounds=options.rounds, peers=peers)
    if "links" in wanted:
        links.run(report, rounds=options.rounds)
    if "growth" in wanted:
        gate.run(report)
    if "client" in wanted:
        # Imported here: it wants every adapter.
        from . import client

        client.run(report, rounds=options.rounds)
    if "broker" in wanted:
        # Imported here: it wants adapters.
        from . import broker

        broker.run(report, rounds=options.rounds, others=options.peers)
    if "servers" in wanted:
        # Imported here: it wants every adapter, and what only tests of real servers need.
        from . import servers

        servers.run(report, rounds=options.rounds)
    reached = report.summary()
    if options.json is not None:
        report.write_json(options.json, about)
    return 1 if options.gate and not reached else 0


if __name__ == "__main__":
    sys.exit(piping.run(main))
