"""`./dev NAME | head` ends without a word: whoever read has gone, and that is no fault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PROGRAMS = [
    ["tools.vectors"],
    ["tools.replay", "tests/transcripts"],
    ["tools.import_rules"],
    ["tools.check", "imports"],
    ["benchmarks", "import", "--rounds", "1"],
]


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("program", PROGRAMS, ids=" ".join)
def test_a_reader_that_has_gone_ends_a_program_quietly(program: list[str], buffered: bool):
    reader, writer = os.pipe()
    os.close(reader)
    environment = os.environ | ({} if buffered else {"PYTHONUNBUFFERED": "1"})
    done = subprocess.run(
        [sys.executable, "-m", *program],
        cwd=ROOT,
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 141
