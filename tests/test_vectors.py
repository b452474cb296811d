"""Every vector of tests/vectors is a test of its own, run as `./dev vectors --canonical` runs it."""

from __future__ import annotations

from functools import cache

import pytest

from tools.vectors import RUNNERS, VECTORS, load, run_one
from tools.vectors_format import Vector

FILES = sorted(path.name for path in VECTORS.glob("*.json"))


@cache
def _vectors(file: str) -> dict[str, Vector]:
    return {vector["id"]: vector for vector in load(VECTORS / file)}


CASES = [(file, name) for file in FILES if RUNNERS[file] is not None for name in _vectors(file)]


def test_every_file_of_the_format_is_there():
    assert sorted(RUNNERS) == FILES


@pytest.mark.parametrize("file", FILES)
def test_every_file_has_a_runner(file: str):
    if RUNNERS[file] is None:
        pytest.skip(f"none of the {len(_vectors(file))} vectors of {file} is run: it has no runner yet")


@pytest.mark.parametrize(("file", "name"), CASES)
def test_vector(file: str, name: str):
    runner = RUNNERS[file]
    assert runner is not None
    outcome = run_one(runner, _vectors(file)[name], canonical=True)
    assert outcome.why is None


@pytest.mark.parametrize("file", FILES)
def test_vectors_are_sorted_by_id(file: str):
    names = list(_vectors(file))
    assert names == sorted(names)
