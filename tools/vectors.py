"""`./dev vectors [DIR]`: runs every file of conformance vectors in a directory; says which failed, and why.

The format is described in tests/vectors/README.md. This file must not know what a vector demands: each
kind of file has its runner.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tools import piping
from tools.vectors_format import BadVector, Failure, Vector
from tools.vectors_frames import run_encode, run_frames
from tools.vectors_sessions import run_session

__all__ = ["RUNNERS", "VECTORS", "Outcome", "load", "main", "run_one"]

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors"
"""The project's own vectors."""

Runner: TypeAlias = Callable[[Vector], list[str]]
"""Runs one vector: returns remarks about what is advisory and differs; raises Failure or BadVector."""


def _sockjs_runner() -> Runner | None:
    if importlib.util.find_spec("tools.vectors_sockjs") is None:
        return None
    runner: Runner = importlib.import_module("tools.vectors_sockjs").run_sockjs
    return runner


RUNNERS: dict[str, Runner | None] = {
    "encode.json": run_encode,
    "frames.json": run_frames,
    "sessions.json": run_session,
    "sockjs.json": _sockjs_runner(),
}
"""The runner of each file. None: the file is in the format, but this checkout cannot run it."""

PASSED, FAILED, MISUSED = 0, 1, 2
"""Exit statuses."""


class Outcome(NamedTuple):
    """What became of one vector."""

    id: str
    why: str | None
    """Why it failed, in one line; None: it passed."""
    remarks: list[str]


def load(path: Path) -> list[Vector]:
    """Return the vectors of a file, which is a JSON array of objects with different ids.

    Raises:
        BadVector: it is not.
    """
    try:
        vectors = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadVector(f"no JSON: {error}") from None
    if not isinstance(vectors, list) or not all(
        isinstance(vector, dict) and "id" in vector for vector in vectors
    ):
        raise BadVector("no array of objects with an id")
    ids = [vector["id"] for vector in vectors]
    if not all(isinstance(name, str) for name in ids) or len(set(ids)) != len(ids):
        raise BadVector("ids are not strings, or one of them is there twice")
    return vectors


def run_one(runner: Runner, vector: Vector, *, canonical: bool) -> Outcome:
    """Run one vector. With `canonical`, what would be a remark is a failure."""
    try:
        remarks = runner(vector)
    except Failure as failure:
        return Outcome(vector["id"], str(failure), [])
    except BadVector as error:
        return Outcome(vector["id"], f"not in the format: {error}", [])
    except Exception as error:  # an engine that raises anything else has failed the vector, not ended the run
        return Outcome(vector["id"], f"the engine raised {type(error).__name__}: {error}", [])
    if canonical and remarks:
        return Outcome(vector["id"], "; ".join(remarks), [])
    return Outcome(vector["id"], None, remarks)


def run_file(path: Path, *, canonical: bool) -> bool:
    """Run a file, print its figures and its failures; return whether all of its vectors passed."""
    if path.name not in RUNNERS:
        print(f"{path.name}: NOT RUN: no file of the format has this name")
        return False
    runner = RUNNERS[path.name]
    if runner is None:
        print(f"{path.name}: NOT RUN: there is no tools/vectors_sockjs.py, so nobody looked at its vectors")
        return False
    try:
        vectors = load(path)
    except BadVector as error:
        print(f"{path.name}: NOT RUN: {error}")
        return False
    outcomes = [run_one(runner, vector, canonical=canonical) for vector in vectors]
    failed = [outcome for outcome in outcomes if outcome.why is not None]
    print(f"{path.name}: {len(outcomes) - len(failed)} passed, {len(failed)} failed")
    for outcome in failed:
        print(f"  FAILED {outcome.id}: {outcome.why}")
    for outcome in outcomes:
        for remark in outcome.remarks:
            print(f"  remark {outcome.id}: {remark}")
    return not failed


def main(argv: Sequence[str]) -> int:
    """Run a directory; return the exit status: 0 only if there were vectors and all of them passed."""
    parser = argparse.ArgumentParser(
        prog="./dev vectors", description="Run a directory of conformance vectors."
    )
    parser.add_argument("directory", nargs="?", type=Path, default=VECTORS, metavar="DIR")
    parser.add_argument(
        "--canonical",
        action="store_true",
        help="where the format leaves a choice, demand the canonical octets and the kinds of local errors",
    )
    options = parser.parse_args(argv)
    if not options.directory.is_dir():
        print(f"./dev vectors: {options.directory} is no directory", file=sys.stderr)
        return MISUSED
    paths = sorted(options.directory.glob("*.json"))
    if not paths:
        print(
            f"./dev vectors: {options.directory} has no vector files ({', '.join(RUNNERS)})", file=sys.stderr
        )
        return MISUSED
    results = [run_file(path, canonical=options.canonical) for path in paths]
    return PASSED if all(results) else FAILED


if __name__ == "__main__":
    sys.exit(piping.run(main))
