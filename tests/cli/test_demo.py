"""The demo, whole: through pipes and on a terminal, to its end and interrupted, right and wrong."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import stomp_blocking
from tests.adapters.loopback import nobody_listens

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "stomp_cli", "demo"]
PATIENCE = 60.0
"""Seconds after which something is taken to hang: never what is measured."""


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Return the environment of a demo: captures go where the test's files are."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")
    }
    return kept | {
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "adapters")]),
        **more,
    }


def run(tmp_path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(tmp_path, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@contextmanager
def running(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Reading a line has no limit of its own.
    limit = threading.Timer(2 * PATIENCE, process.kill)
    limit.start()
    try:
        yield process
    finally:
        # In order, where it has not ended: so what is measured of it is written down.
        process.terminate()
        process.communicate()
        limit.cancel()


def next_json(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """Read lines up to the one of this event."""
    assert process.stdout is not None
    for line in process.stdout:
        value: dict[str, Any] = json.loads(line)
        if value["event"] == event:
            return value
    raise AssertionError(f"it ended without {event}: {process.stderr and process.stderr.read()}")


def test_through_a_pipe_it_says_in_plain_lines_that_all_is_right(tmp_path: Path) -> None:
    # Wide enough for the picture, in which numbers have more digits when others are faster.
    done = run(tmp_path, "--seconds", "4", COLUMNS="120")
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
    assert "\x1b" not in done.stdout
    first, *_ = done.stdout.splitlines()
    assert first.startswith("stomp-sansio: a broker and six clients")
    for words in (
        "TCP",
        "WebSocket",
        "SockJS websocket",
        "SockJS xhr-streaming",
        "trio",
        "asyncio",
        "blocking",
    ):
        assert words in done.stdout
    for words in ("is cut, without a word", "has subscribed again", "came again after", "as redelivered"):
        assert words in done.stdout
    sums = re.search(r"RIGHT: ([\d,]+) messages in, ([\d,]+) out: none is lost", done.stdout)
    assert sums is not None
    assert sums[1] == sums[2] != "0"
    # The picture of one session has everything that it did, once.
    picture = done.stdout.partition("What the quiet session said and heard:")[2]
    for words in ("CONNECT", "SUBSCRIBE", "SEND", "RECEIPT", "MESSAGE", "NACK", "redelivered", "DISCONNECT"):
        assert words in picture
    (path,) = re.findall(r"It is kept in (\S+)", done.stdout)
    assert Path(path).is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == [Path(path).parent]
    assert list(Path(path).parent.iterdir()) == [Path(path)]
    assert Path(path).read_text(encoding="ascii").count("\n") > 10
    assert re.search(r"demo --forever\n", done.stdout)
    assert f"trace explain {path}" in done.stdout


def test_as_json_the_counts_can_be_checked(tmp_path: Path) -> None:
    done = run(tmp_path, "--seconds", "4", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = [line["event"] for line in lines]
    assert events[0] == "started"
    assert [
        name for name in ("nack", "cut", "back", "numbers", "result", "capture") if name not in events
    ] == []
    (result,) = [line for line in lines if line["event"] == "result"]
    assert result["ok"] is True
    assert result["complaints"] == []
    assert [row["over"] for row in result["rows"]] == [
        "TCP",
        "WebSocket",
        "SockJS websocket",
        "SockJS xhr-streaming",
        "TCP, mostly quiet",
    ]
    assert all(row["sent"] == row["came"] > 0 for row in result["rows"])
    assert result["whole"]["sent"] == sum(row["sent"] for row in result["rows"])
    assert result["whole"]["again"] >= 1
    assert result["beats_sent"] >= 1
    assert result["beats_heard"] >= 1
    assert 0 < result["whole"]["p50"] <= result["whole"]["p99"]


def test_a_message_that_is_lost_is_noticed(tmp_path: Path) -> None:
    """Somebody else at the same queue gets messages that its consumer then never sees."""
    with running(tmp_path, "--seconds", "3", "--json") as process:
        started = next_json(process, "started")
        with (
            stomp_blocking.connect(started["urls"][0]) as thief,
            thief.subscribe("/queue/demo.1") as messages,
        ):
            stolen = int(messages.receive(timeout=PATIENCE).headers["number"])
        result = next_json(process, "result")
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
    assert result["ok"] is False
    (complaint,) = result["complaints"]
    assert re.match(rf"/queue/demo\.1: \d+ of \d+ sent never came out \(number {stolen}\b", complaint)


@pytest.mark.parametrize(
    ("after", "number", "code"),
    [
        ("started", signal.SIGINT, 130),
        ("nack", signal.SIGTERM, 143),
        ("numbers", signal.SIGINT, 130),
    ],
)
def test_ctrl_c_and_sigterm_end_it_cleanly(
    tmp_path: Path, after: str, number: signal.Signals, code: int
) -> None:
    with running(tmp_path, "--json") as process:
        next_json(process, after)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        assert re.fullmatch(r"interrupted: [\d,]+ messages in, [\d,]+ out so far\n", said)
    # Nobody was told of a capture: none is left.
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"stomp-sansio demo: cannot listen on 127.0.0.1:{port}: another program listens there: "
        "end it, or take another port (0 is any that is free)\n"
    )
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said) == (141, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seconds", "0"],
        ["--seconds", "x"],
        ["--port", "70000"],
        ["--login", "ada"],
        ["--vhost", "/"],
        ["--capture", "x"],
        ["--connect-header", "a:b"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert arguments[0] in done.stderr


# Forever


def test_the_terminal_and_whoever_is_at_the_other_end_hear_each_other(tmp_path: Path) -> None:
    with running(tmp_path, "--seconds", "1", "--json", "--forever") as process:
        waiting = next_json(process, "waiting")
        url = waiting["page"].replace("http", "ws") + "stomp/websocket"
        with stomp_blocking.connect(url) as client, client.subscribe(waiting["destination"]) as messages:
            client.send(waiting["destination"], "hello, \x1b[2Jterminal", receipt=True)
            assert next_json(process, "chat")["text"] == r"hello, \x1b[2Jterminal"
            assert messages.receive(timeout=PATIENCE).text.startswith("hello")
            assert process.stdin is not None
            process.stdin.write("grüße\n\n")
            process.stdin.flush()
            assert messages.receive(timeout=PATIENCE).text == "grüße"
            process.stdin.close()
        process.stdin = None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said) == (0, "")


# A terminal


def on_a_terminal(
    tmp_path: Path, arguments: Sequence[str], *, press: str = "", at: str = "", **more: str
) -> tuple[int, str]:
    """Run it on a pseudo-terminal; return its exit code, and all that it wrote.

    `press` is typed once it has written `at`.
    """
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(tmp_path, COLUMNS="80", LINES="40", **more),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: control(theirs),
    )
    os.close(theirs)
    octets = b""
    until = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            octets += piece
            if press and at.encode() in octets:
                os.write(ours, press.encode())
                press = ""
        return process.wait(PATIENCE), octets.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def control(terminal: int) -> None:
    """Make a terminal the one whose Ctrl-C this process gets."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


COLOUR = re.compile(r"\x1b\[[\d;]*[1-9][\d;]*m")


def test_on_a_terminal_the_table_changes_in_its_place(tmp_path: Path) -> None:
    pytest.importorskip("rich", reason="the live table needs rich")
    code, shown = on_a_terminal(tmp_path, ["--seconds", "1.2"], TERM="xterm-256color")
    assert code == 0
    assert "RIGHT" in shown
    assert shown.count("per s") > 1  # the head of the table, drawn again
    assert "\x1b[?25h" in shown.rpartition("RIGHT")[0]  # the cursor is back
    assert COLOUR.search(shown)
    assert "…" not in shown  # nothing is cut off


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, [], TERM="xterm-256color", press="\x03", at="heart-beats")
    assert code == 130
    assert shown.rpartition("\x1b[?25h")[0]
    assert "\x1b[?25l" not in shown.rpartition("\x1b[?25h")[2]
    assert "interrupted: " in shown
    assert "Traceback" not in shown


def test_no_color_is_respected(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, ["--seconds", "1.2"], TERM="xterm-256color", NO_COLOR="1")
    assert code == 0
    assert "RIGHT" in shown
    assert re.findall(r"\x1b\[[\d;]*3\d[\d;]*m", shown) == []


@pytest.mark.parametrize(("arguments", "term"), [(["--plain"], "xterm-256color"), ([], "dumb")])
def test_a_terminal_that_shall_or_can_show_lines_alone_gets_lines(
    tmp_path: Path, arguments: list[str], term: str
) -> None:
    code, shown = on_a_terminal(tmp_path, ["--seconds", "1.2", *arguments], TERM=term)
    assert code == 0
    assert "RIGHT" in shown
    assert re.findall(r"\x1b\[[\d;]*[A-HJKf]|\x1b\[\?25", shown) == []


# A broker of somebody's own


@pytest.fixture
def urls(tmp_path: Path) -> Iterator[list[str]]:
    with running(tmp_path, "--seconds", "0.5", "--json", "--forever") as process:
        yield next_json(process, "started")["urls"]


def test_with_a_url_messages_go_there_and_back(tmp_path: Path, urls: list[str]) -> None:
    for url in urls:
        done = run(tmp_path, url)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("the same came back") == 4
        assert "RIGHT: 4 messages in, 4 out the same" in done.stdout
        assert "SUBSCRIBE" in done.stdout


def test_with_a_url_it_writes_a_capture(tmp_path: Path, urls: list[str]) -> None:
    capture = tmp_path / "capture"
    assert run(tmp_path, urls[0], "--capture", str(capture), "--heartbeat", "1").returncode == 0
    kinds = [json.loads(line)["kind"] for line in capture.read_text().splitlines()]
    assert (kinds[0], kinds[-1]) == ("begin", "end")


def test_with_a_url_that_nobody_listens_at_it_says_so(tmp_path: Path) -> None:
    with nobody_listens() as port:
        done = run(tmp_path, f"stomp://127.0.0.1:{port}")
    assert done.returncode == 3
    assert done.stderr.startswith("stomp-sansio demo: ")
    assert done.stderr.count("\n") == 1
