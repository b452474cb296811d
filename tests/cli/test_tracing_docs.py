"""The page about captures: its commands write what it shows, its programs run, its picture is made so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stomp_sansio.capture import Kind, read, render_svg
from tests.adapters.loopback import LoopbackBroker

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
CAPTURE = ROOT / "docs" / "captures" / "fault.jsonl"
COMMANDS = re.findall(r"```console\n\$ stomp-sansio (trace .*?)\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command.split()[1] for command, _ in COMMANDS])
def test_a_command_writes_what_is_shown(call, monkeypatch, command, shown):
    monkeypatch.chdir(ROOT)
    said = call(*command.split())
    assert said.code == 0
    assert said.out == shown or (not shown and said.out)


def test_the_commands_are_found():
    assert [command.split()[1] for command, _ in COMMANDS] == ["show", "replay", "explain", "test"]


def test_the_picture_is_the_one_that_is_made():
    assert (ROOT / "docs" / "captures" / "fault.svg").read_text(encoding="utf-8") == render_svg(
        read(CAPTURE.read_text(encoding="ascii").splitlines())
    )


def test_the_programs_run(tmp_path, monkeypatch, capsys):
    capturing, reading = PROGRAMS
    monkeypatch.setenv("no_proxy", "*")
    with LoopbackBroker() as server:
        monkeypatch.chdir(tmp_path)
        exec(capturing.replace("localhost:61613", f"127.0.0.1:{server.port}"), {"__name__": "__main__"})
    captured = list(read((tmp_path / "capture.jsonl").read_text(encoding="ascii").splitlines()))
    assert captured[-1].kind is Kind.END
    monkeypatch.chdir(ROOT)
    exec(reading, {"__name__": "__main__"})
    assert capsys.readouterr().out.split()[-1] == "bad-escape"


def test_every_kind_is_explained():
    table = PAGE[PAGE.index("| `kind` |") :]
    named = {
        name
        for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
        for name in re.findall(r"`(.*?)`", row)
    }
    assert named - {"kind"} == {kind.value for kind in Kind}
