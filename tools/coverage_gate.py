"""The coverage gate: each module of a gated room has every branch taken by its own test file.

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

ROOT = Path(__file__).resolve().parent.parent

GATED = ("protocol", "links", "session", "broker")
"""Rooms of the core in which no branch goes untested."""


def own_test_file(module: str) -> str:
    """Maps `stomp_sansio/protocol/frames.py` to `tests/protocol/test_frames.py`."""
    room, _, name = module.removeprefix("stomp_sansio/").rpartition("/")
    return f"tests/{room}/test_{name}"


def failures(root: Path, rooms: Sequence[str], data_file: Path) -> list[str]:
    """Judges every module of the rooms; returns one line for each that its own test file does not exhaust.

    Lines that ran while nothing was being tested count: importing a module is nobody's test.
    """
    found: list[str] = []
    for room in rooms:
        modules = sorted((root / "stomp_sansio" / room).rglob("*.py"))
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


def main() -> int:
    """Prints each module that falls short; the exit status says whether there was one."""
    data_file = ROOT / ".coverage"
    if not data_file.exists():
        print("nothing was measured: run the tests under coverage first")
        return 1
    found = failures(ROOT, GATED, data_file)
    for line in found:
        print(line)
    print(
        f"100 % of the branches of {', '.join(GATED)}: "
        + (f"{len(found)} module(s) short" if found else "reached")
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
