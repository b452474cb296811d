"""`import`: what `stomp_sansio` costs over a bare interpreter, `stomp_asyncio` over asyncio, as CPU time.

This file must not import what it measures.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from .peers import FOLDER, Peers
from .report import Report

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent


def _cpu_seconds(statement: str) -> float:
    """Return user and system time of a new interpreter that runs one statement."""
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; sys.path.append({str(FOLDER / 'python')!r})"
    # A machine that is told to write no compiled files would compile ours each time, but not Python's own.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", f"{paths}\n{statement}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def run(report: Report, *, rounds: int, peers: Peers) -> None:
    """Measure with compiled files warm, interleaved, and print a table."""
    modules = ["stomp_sansio", "asyncio", "stomp_asyncio"]
    modules += [
        name for name in ("stomp", "stompman") if any(peer.name.startswith(name) for peer in peers.parsers)
    ]
    statements = {"": "pass"} | {name: f"import {name}" for name in modules}
    for statement in statements.values():
        _cpu_seconds(statement)
    samples: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(max(3, 2 * rounds)):
        for name, statement in statements.items():
            samples[name].append(_cpu_seconds(statement))
    bare = statistics.median(samples[""])
    rows = [["(a bare interpreter)", f"{bare * 1e3:.1f}", ""]]
    for name in modules:
        milliseconds = (statistics.median(samples[name]) - bare) * 1e3
        rows.append([name, f"{milliseconds:.1f}", report.figure(f"import {name}", milliseconds, "ms")])
    over = (statistics.median(samples["stomp_asyncio"]) - statistics.median(samples["asyncio"])) * 1e3
    name = "stomp_asyncio over asyncio"
    rows.append([name, f"{over:.1f}", report.figure(f"import {name}", over, "ms")])
    report.table("import, CPU time over a bare interpreter", ["module", "ms", "target"], rows)
