"""`stomp-sansio trace`: what `--capture` wrote is shown, replayed, explained, and made a test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stomp_cli.exits import Exit
from stomp_sansio.capture import Kind, Record
from stomp_sansio.capture.records import line_of
from stomp_sansio.machine import StreamId, StreamLoss
from tests.adapters.loopback import OddServer
from tests.cli.programs import CANARY, OnTerminal, run

FAULT = b"CONNECTED\nversion:1.2\n\n\0MESSAGE\nmessage-id:1\na:\\t\n\n\0"


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """A capture of a fault."""
    one = StreamId(1)
    records = [
        Record(Kind.BEGIN),
        Record(Kind.OPEN, 0.0, one, about="broker:61613"),
        Record(Kind.OPENED, 0.01, one),
        Record(Kind.OUT, 0.02, one, b"CONNECT\naccept-version:1.2\nhost:/\npasscode:xxxx\n\n\0"),
        Record(Kind.IN, 0.03, one, FAULT),
        Record(Kind.CLOSE, 0.03, one),
        Record(Kind.LOST, 0.04, one, why=StreamLoss.CLOSED),
        Record(Kind.END, 0.04),
    ]
    path = tmp_path / "fault.jsonl"
    path.write_text("".join(line_of(record) + "\n" for record in records))
    return str(path)


def test_a_diagram(call, capture):
    said = call("trace", "show", capture)
    assert (said.code, said.err) == (Exit.OK, "")
    lines = said.out.splitlines()
    assert lines[0].split() == ["seconds", "frame", "client", "server"]
    assert [line.split("|")[1].split(" ")[1] for line in lines[3:5]] == ["CONNECT", "CONNECTED"]
    assert "! 28 octets that are no frame" in said.out
    assert {len(line) for line in lines[1:]} == {100}
    assert "\x1b" not in said.out
    narrow = call("trace", "show", "--width", "60", capture)
    assert {len(line) for line in narrow.out.splitlines()[1:]} == {60}


def test_a_diagram_on_a_terminal_has_its_width_and_colours(capture):
    with OnTerminal("trace", "show", capture) as terminal:
        assert terminal.end() == Exit.OK
    assert "\x1b[31m" in terminal.seen
    assert "CONNECTED version:1.2" in terminal.seen


def test_mermaid(call, capture):
    said = call("trace", "show", "--mermaid", capture)
    assert said.out.startswith("sequenceDiagram\n")
    assert "client->>server: 0.020 s CONNECT " in said.out


def test_a_picture(call, capture, tmp_path):
    said = call("trace", "show", "--svg", str(tmp_path / "out.svg"), capture)
    assert said.code == Exit.OK
    assert "out.svg is written" in said.err
    assert ElementTree.fromstring((tmp_path / "out.svg").read_text()).tag.endswith("svg")
    assert call("trace", "show", "--svg", "-", capture).out.startswith("<svg ")
    said = call("trace", "show", "--svg", str(tmp_path), capture)
    assert (said.code, "cannot be written" in said.err) == (Exit.USAGE, True)


def test_a_replay_shows_the_same_events_and_the_same_error(call, capture):
    said = call("trace", "replay", capture)
    assert said.code == Exit.OK
    assert "#1: client, tcp\n" in said.out
    assert "Connected(version=" in said.out
    assert said.out.splitlines()[-1].startswith("! bad-escape: ")


def test_a_replay_for_pipes(call, capture):
    rows = [json.loads(line) for line in call("trace", "replay", "--json", capture).out.splitlines()]
    assert [row.get("event") for row in rows] == ["Connected", "Closed", "Ending", None]
    assert rows[-1]["fault"] == "bad-escape"
    assert rows[0]["t"] == 0.03


def test_a_replay_in_which_nobody_breaks_a_rule(broker, call, tmp_path):
    path = str(tmp_path / "good.jsonl")
    assert call("send", broker.url, "/queue/a", "x", "--receipt", "--capture", path).code == Exit.OK
    said = call("trace", "replay", path)
    assert said.out.splitlines()[-1] == "nobody broke a rule"
    assert call("trace", "replay", "--json", path).code == Exit.OK


def test_an_explanation(call, capture):
    said = call("trace", "explain", capture)
    assert [line for line in said.out.splitlines() if line.startswith("frame")] != []
    assert "! bad-escape: " in said.out
    one = call("trace", "explain", "--frame", "2", capture).out
    assert one in said.out
    assert one.startswith("frame 2, server to client, 0.030 s")
    said = call("trace", "explain", "--frame", "9", capture)
    assert (said.code, "has no frame 9: it has 3" in said.err) == (Exit.FAILED, True)


def test_a_fault_becomes_a_test_in_one_command(call, capture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("trace", "test", capture).code == Exit.OK
    made = tmp_path / "test_fault.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(made)],
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout
    made.write_text(made.read_text().replace("bad-escape: ", "bad-header: "))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(made)],
        capture_output=True,
        text=True,
    )
    assert "1 failed" in done.stdout
    assert call("trace", "test", "-o", "-", capture).out.startswith('"""What came of fault.jsonl')


def test_everything_from_a_pipe(capture):
    octets = Path(capture).read_bytes()
    assert run("trace", "show", "-", stdin=octets).out == run("trace", "show", capture).out
    assert "test_capture" in run("trace", "test", "-", "-o", "-", stdin=octets).out
    said = run("trace", "show", "-", stdin=b"")
    assert (said.code, "the capture is empty" in said.err) == (Exit.FAILED, True)


@pytest.mark.parametrize("url", ["url", "websocket", "sockjs"])
def test_what_a_command_captured_holds_no_passcode(guarded, call, tmp_path, url):
    path = tmp_path / "capture.jsonl"
    environ = {"STOMP_PASSCODE": CANARY, "no_proxy": "*"}
    said = run(
        "send",
        getattr(guarded, url),
        "/queue/a",
        f"it is {CANARY}",
        "--login",
        "ada",
        "--receipt",
        "--capture",
        str(path),
        environ=environ,
    )
    assert said.code == Exit.OK, said.err
    assert CANARY not in path.read_text()
    shown = call("trace", "show", str(path))
    assert CANARY not in shown.out
    assert "SEND destination:/queue/a" in shown.out


def test_a_capture_of_a_command_that_failed_is_there(call, tmp_path):
    path = str(tmp_path / "fault.jsonl")
    with OddServer(FAULT) as server:
        said = call(
            "listen",
            f"stomp://127.0.0.1:{server.port}",
            "/queue/a",
            "--limit",
            "1",
            "--timeout",
            "5",
            "--capture",
            path,
        )
    assert said.code != Exit.OK
    assert "bad-escape: " in call("trace", "replay", path).out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "line 1 of the capture: it is no JSON"),
        ('{"t": 0, "kind": "begin", "capture": 9}\n', "line 1 of the capture: it is of another format"),
        ('{"t": 0, "kind": "begin", "capture": 1}\n{"t"\n', "line 2 of the capture: it is no JSON"),
        ('{"t": 0, "kind": "begin", "capture": 1}\n{"t"\n{"t": 0', "line 2 of the capture: it is no JSON"),
        ('{"t": 0, "kind": "beg', "line 1 of the capture: it is no JSON"),
        ("\xff\x1b[2J", "line 1 of the capture: it is no JSON"),
        ("x" * 3_000_000, "line 1 of the capture: it has more than"),
    ],
)
@pytest.mark.parametrize("what", ["show", "replay", "explain", "test"])
def test_what_is_no_capture_is_refused_with_its_line(call, tmp_path, text, why, what):
    path = tmp_path / "file"
    path.write_text(text)
    said = call("trace", what, str(path))
    assert said.code == Exit.FAILED
    assert why in said.err
    assert "\x1b[2J" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "what",
    [["show"], ["show", "--mermaid"], ["show", "--svg", "-"], ["replay"], ["explain"], ["test", "-o", "-"]],
)
def test_a_capture_that_was_cut_off_is_used_as_far_as_it_is_whole(call, capture, what):
    path = Path(capture)
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:-2]))
    expected = call("trace", *what, capture)
    assert (expected.code, expected.err) == (Exit.OK, "")
    for kept in (1, len(whole[-2]) // 2, len(whole[-2]) - 2):
        path.write_text("".join(whole[:-2]) + whole[-2][:kept])
        said = call("trace", *what, capture)
        assert (said.code, said.out) == (Exit.OK, expected.out)
        assert said.err.startswith(f"line {len(whole) - 1}, the last of the capture, is cut off: ")


def test_a_last_line_that_lacks_its_end_alone_is_whole(call, capture):
    expected = call("trace", "replay", capture)
    path = Path(capture)
    path.write_text(path.read_text().rstrip("\n"))
    assert call("trace", "replay", capture) == expected


def test_the_test_of_a_capture_that_was_cut_off_passes(capture, tmp_path):
    path = Path(capture)
    path.write_text(path.read_text()[:-10])
    written = tmp_path / "test_written.py"
    assert run("trace", "test", capture, "--output", str(written)).code == Exit.OK
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(written)])
    assert done.returncode == 0


def test_what_is_not_there_is_said(call, tmp_path):
    said = call("trace", "show", str(tmp_path / "nothing"))
    assert (said.code, "the capture cannot be read" in said.err) == (Exit.USAGE, True)
    assert call("trace").code == Exit.USAGE
    assert call("trace", "nonsense").code == Exit.USAGE
    assert call("trace", "show").code == Exit.USAGE
    assert call("trace", "show", "--help").code == Exit.OK


def test_octets_of_a_peer_control_no_terminal(call, tmp_path):
    one = StreamId(1)
    records = [
        Record(Kind.BEGIN),
        Record(Kind.OPEN, 0.0, one, about="h\x1b[2J:1"),
        Record(Kind.IN, 0.0, one, b"MESSAGE\ndestination:\x1b]0;title\x07\n\n\xe2\x80\xae\x1b[2J\0"),
        Record(Kind.LOST, 0.0, one, about="\x1b[2J", why=StreamLoss.RESET),
    ]
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(line_of(record) + "\n" for record in records))
    for what in (
        ["show"],
        ["show", "--mermaid"],
        ["show", "--svg", "-"],
        ["replay"],
        ["explain"],
        ["test", "-o", "-"],
    ):
        said = call("trace", *what, str(path))
        assert said.code == Exit.OK
        assert said.out.replace("\n", "").isprintable()


def test_a_test_that_is_there_is_not_written_over_unasked(call, capture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("trace", "test", capture).code == Exit.OK
    (written,) = tmp_path.glob("test_*.py")
    written.write_text("# changed by hand")
    said = call("trace", "test", capture)
    assert (said.code, "is there already" in said.err) == (Exit.USAGE, True)
    assert written.read_text() == "# changed by hand"
    assert call("trace", "test", capture, "--output", written.name).code == Exit.OK
    assert written.read_text() != "# changed by hand"
