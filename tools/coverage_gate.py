"""The coverage gate: each module of a gated room has every branch taken by its own test file, and each module
of an adapter, and of what adapters share, nearly every one by some test.

Reads what a run with `tools.coverage_by_file` left. It must not run a test, nor know why a branch exists.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coverage

from tools import piping

ROOT = Path(__file__).resolve().parent.parent

GATED = (
    *("protocol", "links", "session", "broker", "capture"),
    *("driver", "errors", "machine", "records", "redaction", "targets", "tls"),
)
"""Rooms of the core, and single modules at its front, in which no branch goes untested."""

ADAPTERS = (
    *("stomp_sansio/client", "stomp_sansio/profiles"),
    *("adapters/stomp_asyncio", "adapters/stomp_blocking", "adapters/stomp_trio"),
)
"""Packages that touch the world, and what they share: what a loop does on a bad day cannot always be had in a
test.
"""
LEAST = 95.0
"""Percent of lines and branches of each of their modules that tests reach together."""


def own_test_file(module: str) -> str:
    """Maps `stomp_sansio/protocol/frames.py` to `tests/protocol/test_frames.py`."""
    room, _, name = module.removeprefix("stomp_sansio/").rpartition("/")
    return "/".join(filter(None, ("tests", room, f"test_{name}")))


def failures(root: Path, rooms: Sequence[str], data_file: Path) -> list[str]:
    """Judges every module of the rooms; returns one line for each that its own test file does not exhaust.

    Lines that ran while nothing was being tested count: importing a module is nobody's test.
    """
    found: list[str] = []
    for room in rooms:
        place = root / "stomp_sansio" / room
        single = place.with_suffix(".py")
        modules = [single] if single.exists() else sorted(place.rglob("*.py"))
        if not modules:
            found.append(f"stomp_sansio/{room} has no module: there is nothing to measure")
        for path in modules:
            module = path.relative_to(root).as_posix()
            if path.name == "__init__.py":
                found += shortfalls(module, "any test", report(path, None, data_file))
            elif not (root / own_test_file(module)).exists():
                found.append(f"{module} has no test file of its own: write {own_test_file(module)}")
            else:
                own = own_test_file(module)
                found += shortfalls(module, own, report(path, [rf"^{re.escape(own)}$", "^$"], data_file))
    return found


def adapter_failures(root: Path, packages: Sequence[str], data_file: Path) -> list[str]:
    """Judges every module of the adapters; returns one line for each of which tests reach too little."""
    found: list[str] = []
    for package in packages:
        modules = sorted((root / package).rglob("*.py"))
        if not modules:
            found.append(f"{package} has no module: there is nothing to measure")
        for path in modules:
            found += too_little(path.relative_to(root).as_posix(), report(path, None, data_file))
    return found


def report(module: Path, contexts: list[str] | None, data_file: Path) -> dict[str, Any]:
    """Asks coverage about one module, as far as the given contexts (regular expressions) reached it."""
    measured = coverage.Coverage(data_file=data_file, config_file=ROOT / "pyproject.toml")
    measured.load()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        measured.json_report(morfs=[str(module)], outfile=file.name, contexts=contexts)
        files: dict[str, dict[str, Any]] = json.loads(Path(file.name).read_bytes())["files"]
    (answer,) = files.values()
    return answer


def shortfalls(module: str, tests: str, answer: dict[str, Any]) -> list[str]:
    """Puts into one line which lines and branches of a module the tests leave out, if there are any."""
    missing = [str(line) for line in answer["missing_lines"]]
    missing += [
        f"{start}->{'exit' if end < 0 else end}"
        for start, end in answer["missing_branches"]
        if start not in answer["missing_lines"]  # an untested line has untested branches: once is enough
    ]
    return [f"{module}: {tests} does not reach {', '.join(missing)}"] if missing else []


def too_little(module: str, answer: dict[str, Any]) -> list[str]:
    """Puts into one line how much of a module tests reach, and what not, if it is too little."""
    percent: float = answer["summary"]["percent_covered"]
    if percent >= LEAST:
        return []
    return [f"{line}: {percent:.1f} % of {LEAST:g} %" for line in shortfalls(module, "any test", answer)]


def main() -> int:
    """Prints each module that falls short; the exit status says whether there was one."""
    data_file = ROOT / ".coverage"
    if not data_file.exists():
        print("nothing was measured: run the tests under coverage first")
        return 1
    core, adapters = failures(ROOT, GATED, data_file), adapter_failures(ROOT, ADAPTERS, data_file)
    for line in core + adapters:
        print(line)
    print(f"100 % of the branches of {', '.join(GATED)}: {verdict(core)}")
    print(f"{LEAST:g} % of each module of {', '.join(ADAPTERS)}: {verdict(adapters)}")
    return 1 if core or adapters else 0


def verdict(found: Sequence[str]) -> str:
    return f"{len(found)} module(s) short" if found else "reached"


if __name__ == "__main__":
    sys.exit(piping.run(lambda argv: main()))
