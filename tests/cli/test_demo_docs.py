"""What README and the page about the demo show is what the demo shows, but for figures; the example runs."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")

SHOWN = re.compile(r"```text\n(stomp-sansio: .*?)```", re.DOTALL)


def shapes(output: str) -> set[str]:
    """Return what the lines of an output look like, whatever the figures in them are."""
    found: set[str] = set()
    for line in output.splitlines():
        shape = re.sub(r"\S*/session\.jsonl", "PATH", line)
        shape = re.sub(r"\S*stomp-sansio (?=trace|broker|shell|demo )", "stomp-sansio ", shape)
        shape = re.sub(r"\./dev demo(?= --)", "stomp-sansio demo", shape)
        shape = re.sub(r"(receipt(?:-id)?):\S+.*", r"\1", shape)
        shape = re.sub(r"\d[\d.,]*", "N", shape)
        shape = re.sub(r"[ -]+", " ", shape).strip()
        # In the picture of a session, lines are cut off where the longest fits, which depends on figures.
        found.add(shape[:36] if shape.startswith("N |") else shape)
    return found


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("demo")
    path = os.pathsep.join([str(ROOT), str(ROOT / "adapters")])
    done = subprocess.run(
        [sys.executable, "-m", "stomp_cli", "demo", "--plain", "--seconds", "4"],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONPATH": path, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_shows_what_a_run_shows(output: str) -> None:
    (shown,) = SHOWN.findall(PAGE)
    assert shapes(shown) == shapes(output)


def test_readme_shows_a_part_of_that(output: str) -> None:
    (shown,) = SHOWN.findall(README)
    assert shapes(shown) <= shapes(output)
    assert "RIGHT: " in shown


@pytest.mark.parametrize("text", [README, PAGE], ids=["README.md", "demo.md"])
def test_the_figures_that_are_shown_add_up(text: str) -> None:
    (shown,) = SHOWN.findall(text)
    table = re.findall(
        r"^(\w+) .*? ([\d,]+) +([\d,]+) +[\d,]+ +[\d,]+ +[\d.,]+ +[\d.,]+$", shown, re.MULTILINE
    )
    counts = [(name, int(sent.replace(",", "")), int(came.replace(",", ""))) for name, sent, came in table]
    *rows, (last, sent, came) = counts
    assert (len(rows), last) == (5, "all")
    assert sent == came == sum(row[1] for row in rows) == sum(row[2] for row in rows)
    assert f"RIGHT: {sent:,} messages in, {came:,} out: none is lost" in shown


def test_the_pictures_are_there_and_are_small() -> None:
    named = re.findall(r"\((screenshots/[\w-]+\.png)\)", PAGE)
    assert sorted(named) == sorted(
        f"screenshots/{path.name}"
        for path in (ROOT / "docs" / "screenshots").iterdir()
        if path.name != "demo-phone-dark.png"
    )
    assert [path for path in (ROOT / "docs" / "screenshots").iterdir() if path.stat().st_size > 200_000] == []


def test_the_example_prints_what_is_shown() -> None:
    ((source, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "demo.md", "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == shown


def test_every_option_is_explained() -> None:
    import argparse

    from stomp_cli import demo

    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    options = set(re.findall(r"--[\w-]+", parser.format_help())) - {"--help"}
    explained = set(re.findall(r"--[a-z][\w-]*", PAGE.partition("## Options")[2].partition("## The page")[0]))
    assert options == explained
