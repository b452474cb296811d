"""Every fuzzer of this checkout: a short search with hypothesis, its committed seeds, and its teeth."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import connection, conversation, frames, server_connection
from fuzz.__main__ import CORPUS, ROOT, load, main, names
from stomp_sansio import Connection, FrameParser, Sender, ServerConnection
from tools import fuzz_corpus

NAMES = names()
SEEDS = [(path.parent.name, path) for path in sorted(CORPUS.glob("*/*"))]


def test_the_fuzzers_of_the_protocol_are_there():
    assert {"frames", "connection", "server_connection"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_fuzzer_states_its_invariant_first(name: str):
    assert str(load(name).__doc__).startswith("Invariant: ")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_the_invariant_holds(name: str, data: st.DataObject):
    module = load(name)
    module.check(data.draw(module.strategy()))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(octets=st.binary(max_size=100))
def test_the_invariant_holds_for_any_octets(name: str, octets: bytes):
    load(name).check(octets)


@pytest.mark.parametrize(("name", "path"), SEEDS, ids=[f"{name}/{path.name}" for name, path in SEEDS])
def test_the_invariant_holds_for_every_seed(name: str, path: Path):
    load(name).check(path.read_bytes())


# The seeds


def test_the_seeds_of_the_protocol_are_those_that_the_vectors_give():
    assert fuzz_corpus.main(["--check"]) == 0


@pytest.mark.parametrize("name", ["frames", "connection", "server_connection"])
def test_the_seeds_are_few_and_small(name: str):
    sizes = [path.stat().st_size for owner, path in SEEDS if owner == name]
    assert 20 <= len(sizes) <= 100
    assert max(sizes) < 4_096


@pytest.mark.parametrize(
    ("module", "known"),
    [
        (connection, {"Connected", "Message", "Receipt", "Error", "Closed"}),
        (
            server_connection,
            {
                "ConnectRequest",
                "Send",
                "Subscribe",
                "Ack",
                "Begin",
                "Commit",
                "Abort",
                "Disconnect",
                "Closed",
            },
        ),
    ],
)
def test_the_seeds_are_conversations(module: Any, known: set[str]):
    """They mean something: most kinds of events come up when they are played."""
    name = module.__name__.rpartition(".")[2]
    made: Callable[..., Any] = Connection if module is connection else ServerConnection
    sender = Sender.CLIENT if module is connection else Sender.SERVER
    seen: set[str] = set()
    for owner, path in SEEDS:
        if owner == name:
            tables = module.OPENINGS, module.OPERATIONS
            side = conversation.play(path.read_bytes(), sender, made, *tables, cut=False, without=frozenset())
            seen |= {type(event).__name__ for event in side.events}
    assert known <= seen


# Their teeth: each kind of mistake, made on purpose, is found in one of the seeds or by a short search


def is_found(name: str) -> bool:
    """Tell whether some seed breaks the invariant now."""
    broken = False
    for owner, path in SEEDS:
        if owner == name:
            try:
                load(name).check(path.read_bytes())
            except Exception:
                broken = True
    return broken


class Forgetful(FrameParser):
    """Loses a line feed when a chunk begins with one."""

    def receive_data(self, data: bytes) -> None:
        super().receive_data(data[1:] if data[:1] == b"\n" and len(data) < 9 else data)


class Loud(FrameParser):
    """Raises what no caller expects."""

    def receive_data(self, data: bytes) -> None:
        data.decode()
        super().receive_data(data)


@pytest.mark.parametrize("parser", [Forgetful, Loud])
def test_a_parser_with_a_mistake_is_found(parser: type[FrameParser], monkeypatch: pytest.MonkeyPatch):
    assert not is_found("frames")
    monkeypatch.setattr(frames, "FrameParser", parser)
    assert is_found("frames")


def late(self: Any) -> float | None:
    return 1e12


def twice(self: Any, now: float, max_bytes: int | None = None) -> bytes:
    octets: bytes = self._engine.data_to_send(now, max_bytes)
    return octets + octets[-1:]


@pytest.mark.parametrize(
    ("name", "kind", "method", "wrong"),
    [
        ("connection", Connection, "next_deadline", late),
        ("connection", Connection, "data_to_send", twice),
        ("server_connection", ServerConnection, "next_deadline", late),
        ("server_connection", ServerConnection, "data_to_send", twice),
    ],
)
def test_a_connection_with_a_mistake_is_found(
    name: str, kind: type, method: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
):
    assert not is_found(name)
    monkeypatch.setattr(kind, method, wrong)
    assert is_found(name)


# The program


def test_an_input_can_be_looked_at_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "input"
    path.write_bytes(b"\0\0SEND\n\n\0")
    assert main(["frames", str(path)]) == 0
    assert "keeps the invariant" in capsys.readouterr().out


def test_an_input_that_breaks_an_invariant_is_said_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "input"
    path.write_bytes(b"\0\0\n\nSEND\n\n\0")
    monkeypatch.setattr(frames, "FrameParser", Forgetful)
    assert main(["frames", str(path)]) == 1
    said = capsys.readouterr().out
    assert "breaks the invariant" in said
    assert "AssertionError" in said


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2
    assert "frames" in capsys.readouterr().err


def test_without_the_engine_the_search_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["frames", "--seconds", "1"]) == 2
    assert "stomp-sansio[fuzz]" in capsys.readouterr().err


def test_the_search_runs_and_sums_up():
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: ./dev fuzz installs it")
    command = [sys.executable, "-P", "-m", "fuzz", "frames", "--seconds", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"frames: [1-9]\d* executions in \d+ s, 0 findings", last)
