"""Clients that nobody here wrote, against our broker, where they are installed; and that no end passes for
another.

`./dev interop clients` installs them, and tries them with both runtimes and through heart-beats, which take
time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop.clients import running
from tests.interop.clients.foreign import CLIENTS, ForeignClient
from tests.interop.clients.playing import Outcome, Played, play
from tests.interop.clients.table import page
from tests.interop.clients.tasks import PAGE, TASKS
from tests.interop.servers.server import NotInstalled

WELL = """
import json, sys
print(json.dumps({"version": "7"}))
"""
EACH = """
for task in %r:
    print(json.dumps({"task": task, "outcome": %r, "why": %r}))
"""


def program(text: str, *, require: Callable[[], None] = lambda: None) -> ForeignClient:
    """Return a client that is a few lines of Python."""
    return ForeignClient(
        "toy", lambda say: None, require, lambda port: [sys.executable, "-c", text, str(port)]
    )


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_of_others_gets_along_with_our_broker(name: str, tmp_path: Path) -> None:
    client = CLIENTS[name]
    try:
        client.require()
    except NotInstalled as why:
        pytest.skip(f"{client.name}: {why}")
    played = play(client, "asyncio", tmp_path, leave_out=["heart-beats"])
    assert played.failures == []
    assert set(played.outcomes) == set(client.tasks) - {"heart-beats"}


def test_what_a_program_does_not_speak_of_has_failed(tmp_path: Path) -> None:
    text = WELL + EACH % (["text"], "works", "") + "sys.exit('it fell over')"
    played = play(program(text), "asyncio", tmp_path)
    assert played.version == "7"
    assert played.outcomes["text"] == (Outcome.WORKS, "")
    outcome, why = played.outcomes["topic"]
    assert outcome is Outcome.FAILED
    assert why == "its program ended with 1 before it: it fell over"
    assert len(played.failures) == len(TASKS) - 2, "all but text, and the page, which it was not asked for"


def test_what_a_program_says_counts(tmp_path: Path) -> None:
    text = WELL + EACH % (["text"], "failed", "octets") + EACH % (["binary"], "cannot", "no octets")
    played = play(program(text), "trio", tmp_path, leave_out=set(TASKS) - {"text", "binary"})
    assert played.failures == ["toy, trio: text: octets"]
    assert played.outcomes["binary"] == (Outcome.CANNOT, "no octets")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., object]:
    """Run the command with one client; return its exit status and the last line that it printed."""
    monkeypatch.setattr(running, "RUNTIMES", ("asyncio",))

    def run(client: ForeignClient, *, required: bool = False, names: Sequence[str] = ()) -> tuple[int, str]:
        monkeypatch.setattr(running, "CLIENTS", {"toy": client})
        status = running.run(required=required, install=True, say=lambda line: None, names=names)
        lines = capsys.readouterr().out.splitlines()
        return status, lines[-1] if lines else ""

    return run


def test_all_that_works_is_counted(ran: Callable[..., object]) -> None:
    tasks = [task for task in TASKS if task != PAGE]
    assert ran(program(WELL + EACH % (tasks, "works", ""))) == (0, f"{len(tasks)} passed, 0 failed")


def test_one_failure_fails_the_command(ran: Callable[..., object]) -> None:
    tasks = [task for task in TASKS if task != PAGE]
    text = WELL + EACH % (tasks[1:], "works", "") + EACH % (tasks[:1], "failed", "no")
    assert ran(program(text)) == (1, f"{len(tasks) - 1} passed, 1 failed")


def test_what_cannot_be_had_is_skipped_unless_it_is_required(ran: Callable[..., object]) -> None:
    def absent() -> None:
        raise NotInstalled("not here")

    assert ran(program("", require=absent)) == (1, "0 passed, 0 failed"), "nothing was tried"
    assert ran(program("", require=absent), required=True) == (1, "0 passed, 1 failed")
    optional = replace(program("", require=absent), may_be_missing=True)
    assert ran(optional, required=True) == (1, "0 passed, 0 failed")


def test_an_unknown_name_is_told(ran: Callable[..., object]) -> None:
    assert ran(program(""), names=["nobody"]) == (2, "")


def test_the_page_shows_what_failed_with_either_runtime() -> None:
    good = Played(
        "toy", "asyncio", "7", {"text": (Outcome.WORKS, ""), "nack": (Outcome.CANNOT, "it has none")}
    )
    bad = Played("toy", "trio", "7", {"text": (Outcome.FAILED, "octets")})
    text = page([good, bad], {"other": "there is no go here"}, "./dev interop clients")
    assert "| `text` | **FAILED** |" in text
    assert "| `nack` | no |" in text
    assert "| `topic` | - |" in text
    assert "- toy, `text`: octets" in text
    assert "- other: not tried: there is no go here" in text
