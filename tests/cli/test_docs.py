"""The page about the command line: its examples run, its tables say what the program says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import stomp_blocking
from stomp_cli.exits import EXIT_CODES
from stomp_cli.main import COMMANDS
from tests.cli.programs import ENVIRONMENT, PATIENCE, Broker

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def test_the_table_of_commands_is_that_of_the_program():
    assert dict(re.findall(r"^\| \[`(\w+)`\]\([^)]+\) \| (.*) \|$", PAGE, re.MULTILINE)) == COMMANDS


def test_the_table_of_exit_codes_is_that_of_the_program():
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(str(code.value), meaning) for code, meaning in EXIT_CODES.items()]


def test_every_command_is_explained_here_or_on_a_page_of_its_own():
    linked = dict(re.findall(r"^\| \[`(\w+)`\]\(([^)#]*)", PAGE, re.MULTILINE))
    assert set(COMMANDS) == set(SECTIONS) | {name for name, page in linked.items() if page}
    assert all((DOCS / page).exists() for page in linked.values() if page)


def examples(text: str) -> list[tuple[str, str]]:
    """Return the commands of the examples, each with the output that is shown."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            found.append((command, output))
    return found


def alike(text: str) -> list[str]:
    """Return what the lines of an output are like, whatever was measured."""
    without_ports = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    without_ports = re.sub(r"port \d+", "port PORT", without_ports)
    measured = re.sub(r"\d[\d,]*\.?\d*(?= ms|,? |\n|})", "N", without_ports)
    return [re.sub(r"\s+", " ", line).strip() for line in measured.splitlines()]


@pytest.fixture
def programs(tmp_path):
    """A folder in which `stomp-sansio` is this checkout's."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "stomp-sansio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m stomp_cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed, which an example uses")
@pytest.mark.parametrize("name", ["send", "listen", "bench", "doctor", "request"])
def test_examples_run_and_write_what_is_shown(name, programs):
    with Broker() as broker:
        answerer = threading.Thread(target=answer, args=(broker.url,))
        if name == "request":
            answerer.start()
            broker.wait_for_subscribers()
        if name == "listen":
            run_all(SECTIONS["send"], programs, broker)
        run_all(SECTIONS[name], programs, broker)
        if name == "request":
            answerer.join(PATIENCE)


def test_examples_of_the_readme_run_and_write_what_is_shown(programs):
    with Broker() as broker:
        run_all(README, programs, broker)


def run_all(text: str, folder: Path, broker: Broker) -> None:
    shown = examples(text)
    assert shown
    for command, output in shown:
        done = subprocess.run(
            command.replace("127.0.0.1:61613", f"127.0.0.1:{broker.port}"),
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=ENVIRONMENT | {"PATH": f"{folder / 'bin'}:{ENVIRONMENT['PATH']}"},
            timeout=PATIENCE,
        )
        # A failure that is shown is meant.
        assert (done.returncode != 0) is ("failed" in output), done.stdout
        assert alike(done.stdout) == alike(output), command


def answer(url: str) -> None:
    with stomp_blocking.connect(url) as client, client.subscribe("/queue/price") as questions:
        question = questions.receive(timeout=PATIENCE)
        headers = {"correlation-id": question.headers["correlation-id"]}
        client.send(question.headers["reply-to"], b"12\n", headers=headers, receipt=True)
