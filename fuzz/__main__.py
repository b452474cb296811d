"""`./dev fuzz NAME --seconds N`: searches for octets that break an invariant, and sums up what it found.

The search is libFuzzer's, in a process of its own that this one starts and sums up. This file must not know
what any invariant says.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import fuzz
from tools import piping

__all__ = ["CORPUS", "FINDINGS", "main", "names", "replay"]

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
"""A folder of seeds for each fuzzer."""
FINDINGS = ROOT / "fuzz" / "findings"
"""Inputs that broke an invariant, each in a file that can be replayed."""

PASSED, FOUND, MISUSED = 0, 1, 2
"""Exit statuses."""

SEARCH = "--search"
"""The first argument of the process that searches."""
LONGEST = 600
"""Octets of an input: small limits are met by small inputs, and many of these are tried in the same time."""
SLOWEST = 20
"""Seconds for one input: more is a finding."""
NOISE = re.compile(r'stat::|INFO: |#\d+\s+(NEW|REDUCE|RELOAD)\b|######|"|Done |Dictionary: ')
"""What libFuzzer says that nobody needs: each new path, its statistics, which are summed up, its advice."""


def names() -> list[str]:
    """Return the fuzzers there are: every module of this package that can check and make octets."""
    found: list[str] = []
    for module in pkgutil.iter_modules(fuzz.__path__):
        source = Path(fuzz.__path__[0], f"{module.name}.py")
        if source.exists() and re.search(r"^def check\(", source.read_text(), re.MULTILINE):
            found.append(module.name)
    return sorted(found)


def load(name: str) -> ModuleType:
    """Return the module of a fuzzer."""
    return importlib.import_module(f"fuzz.{name}")


def replay(name: str, paths: Sequence[Path]) -> int:
    """Check the octets of files; print what each broke. Return how many broke something."""
    check: Callable[[bytes], None] = load(name).check
    broken = 0
    for path in paths:
        try:
            check(path.read_bytes())
        except Exception:
            broken += 1
            print(f"--- {path}: breaks the invariant")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"--- {path}: keeps the invariant")
    return broken


def search(name: str, arguments: Sequence[str]) -> None:
    """Search, with these arguments of libFuzzer, and never return. Findings are saved; the search goes on."""
    import atheris
    from atheris.import_hook import instrument_imports

    with instrument_imports(include=["stomp_sansio"]):
        check: Callable[[bytes], None] = load(name).check
    places: set[tuple[str, tuple[tuple[str, int | None], ...]]] = set()

    def try_one(data: bytes) -> None:
        try:
            check(data)
        except Exception as error:
            steps = traceback.extract_tb(error.__traceback__)[1:]
            place = (type(error).__name__, tuple((step.filename, step.lineno) for step in steps))
            if place in places:
                return
            places.add(place)
            path = FINDINGS / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
            path.write_bytes(data)
            print(f"finding: {path.relative_to(ROOT)}: {type(error).__name__}: {error}", file=sys.stderr)

    atheris.Setup([sys.argv[0], *arguments], try_one)
    atheris.Fuzz()


def search_apart(name: str, seconds: int, kept: Path | None) -> int:
    """Search in another process, show what it says, sum it up; return the exit status."""
    FINDINGS.mkdir(exist_ok=True)
    seeds = CORPUS / name
    with tempfile.TemporaryDirectory() as scratch:
        words = Path(scratch, "words")
        tokens: Sequence[bytes] = getattr(load(name), "TOKENS", ())
        words.write_text("".join(f'"{escaped(word)}"\n' for word in tokens if word))
        grown = Path(scratch, "corpus") if kept is None else kept
        grown.mkdir(exist_ok=True, parents=True)
        command = [
            *(sys.executable, "-P", "-m", "fuzz", SEARCH, name),
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST}",
            f"-timeout={SLOWEST}",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            f"-artifact_prefix={FINDINGS}{os.sep}{name}-",
            *([f"-dict={words}"] if words.stat().st_size else []),
            str(grown),
            *([str(seeds)] if seeds.is_dir() else []),
        ]
        executions, found, start = 0, 0, time.monotonic()
        with subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as searching:
            assert searching.stderr is not None
            for line in searching.stderr:
                counted = re.match(r"stat::number_of_executed_units:\s*(\d+)", line)
                if counted:
                    executions = int(counted[1])
                found += line.startswith("finding: ")
                if not NOISE.match(line):
                    print(line, end="", flush=True)
        died = searching.returncode != 0
        seconds = round(time.monotonic() - start)
    print(
        f"{name}: {executions} executions in {seconds} s, {found} findings"
        + (", and it ended early" if died else "")
    )
    if died:
        print(f"{name}: the search ended with exit status {searching.returncode}: what it said is above")
    if found:
        print(f"look at one: ./dev fuzz {name} {FINDINGS.relative_to(ROOT)}/{name}-...")
    return FOUND if found or died else PASSED


def escaped(word: bytes) -> str:
    """Return octets as libFuzzer's dictionaries write them."""
    return "".join(f"\\x{octet:02x}" for octet in word)


def main(argv: Sequence[str]) -> int:
    """Search, or look again at inputs; return the exit status: 0 if every invariant held."""
    if argv[:1] == [SEARCH]:
        search(argv[1], argv[2:])
    parser = argparse.ArgumentParser(
        prog="./dev fuzz", description="Search for octets that break an invariant."
    )
    parser.add_argument("name", metavar="NAME", choices=names(), help=f"one of: {', '.join(names())}")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="inputs to look at again")
    parser.add_argument("--seconds", type=int, default=30, metavar="N", help="how long to search (30)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="where to keep what the search learns")
    options = parser.parse_args(argv)
    if options.files:
        return FOUND if replay(options.name, options.files) else PASSED
    if importlib.util.find_spec("atheris") is None:
        print(
            "the fuzzing engine is not installed: there are builds of atheris for CPython on Linux x86-64 "
            "(pip install 'stomp-sansio[fuzz]'). Elsewhere ./dev test searches a little with hypothesis.",
            file=sys.stderr,
        )
        return MISUSED
    return search_apart(options.name, options.seconds, options.corpus)


if __name__ == "__main__":
    sys.exit(piping.run(main))
