"""`./dev check`: every judgement that a change must pass, one after the other, all of them even if one fails.

Each step is a program that says what is wrong and exits with it. This file must not know what they look for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import piping

ROOT = Path(__file__).resolve().parent.parent

SOURCES = ("dev", "stomp_sansio", "adapters", "tools", "tests", "benchmarks", "fuzz", "examples")


def steps() -> dict[str, list[str]]:
    """Lists the steps in order: what a person calls each, and the arguments for this Python."""
    sources = [source for source in SOURCES if (ROOT / source).exists()]
    return {
        "format": ["-m", "ruff", "format", "--check", "--quiet", "."],
        "lint": ["-m", "ruff", "check", "."],
        "imports": ["-m", "tools.import_rules"],
        "mypy": ["-m", "mypy", *sources],
        "pyright": ["-m", "pyright"],
        "pictures": ["-m", "tools.pictures", "--check"],
        "rooms": ["-m", "tools.rooms", "--check"],
        "growth": ["-m", "benchmarks", "gate"],
        "tests": ["-m", "coverage", "run", "-m", "pytest", "-p", "tools.coverage_by_file", "-q"],
        "coverage": ["-m", "tools.coverage_gate"],
    }


def run(chosen: Mapping[str, Sequence[str]]) -> list[str]:
    """Runs the steps, each with its output and its time; returns the names of those that failed."""
    # pyright asks the package index for its newest release, unless told to let it be
    environment = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    failed: list[str] = []
    for name, arguments in chosen.items():
        print(f"--- {name}", flush=True)
        start = time.monotonic()
        code = subprocess.run([sys.executable, "-P", *arguments], cwd=ROOT, env=environment).returncode
        verdict = "ok" if code == 0 else f"FAILED (exit status {code})"
        print(f"--- {name}: {verdict}, {time.monotonic() - start:.1f} s\n", flush=True)
        if code != 0:
            failed.append(name)
    return failed


def main(argv: Sequence[str]) -> int:
    """Runs the named steps, or all; the exit status says whether all passed."""
    known = steps()
    unknown = [name for name in argv if name not in known]
    if unknown:
        print(f"there is no step {', '.join(unknown)}; the steps are: {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = {name: arguments for name, arguments in known.items() if name in argv or not argv}
    failed = run(chosen)
    for name in failed:
        print(f"failed: {name} (alone: ./dev check {name})")
    print(f"check: {len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(piping.run(main))
