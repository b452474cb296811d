"""`stomp-sansio shell`: somebody types, and messages come meanwhile."""

from __future__ import annotations

import signal
import stat
import threading
from pathlib import Path

import pytest

from stomp_cli import shell
from stomp_cli.exits import Exit, UsageError
from stomp_cli.shell_console import Console, history_file
from stomp_cli.shell_lines import COMMANDS, completions, holds_secret, parse
from stomp_sansio.broker.events import ClientGone, MessageSent
from tests.adapters.loopback import LoopbackBroker
from tests.cli.programs import CANARY, PATIENCE, OnTerminal, Result, run, without

PROMPT = "stomp> "


class Shell(OnTerminal):
    """A shell on a terminal, with a home of its own."""

    def __init__(self, url: str, home: Path, *options: str, **keywords):
        environ = {"XDG_STATE_HOME": str(home), "HOME": str(home)}
        super().__init__("shell", url, *options, environ=environ, **keywords)
        self.wait_for(PROMPT)

    def say(self, line: str, answer: str) -> str:
        """Type a line, and wait for its answer and the next prompt."""
        self.press(f"{line}\n")
        before = self.wait_for(answer)
        self.wait_for(PROMPT)
        return before

    def interrupt(self) -> None:
        self.press("\x03")
        self.wait_for(PROMPT)

    def leave(self) -> int:
        self.press("\x04")
        return self.end()


def script(url: str, *lines: str, options=()) -> Result:
    """Run a shell that reads lines from a pipe."""
    return run("shell", url, *options, stdin="".join(f"{line}\n" for line in lines).encode())


def test_messages_come_above_the_line_that_is_typed(broker, tmp_path):
    with Shell(broker.url, tmp_path) as terminal:
        terminal.say("subscribe /topic/a", "\r\n")
        broker.wait_for_subscribers()
        # The cursor stands before the last two letters.
        terminal.press("send /queue/b abcdef\x1b[D\x1b[D")
        terminal.wait_for("abcdef")
        broker.send("/topic/a", b"evil \x1b[2J text")
        terminal.wait_for("evil \\x1b[2J text")
        terminal.wait_for(f"{PROMPT}send /queue/b abcdef")
        terminal.say("X", "sent")
        assert terminal.leave() == Exit.OK
    # What was typed was kept, and so was the cursor.
    assert [event.body for event in broker.saw(MessageSent) if event.destination == "/queue/b"] == [
        b"abcdXef"
    ]
    assert "\x1b[2J" not in terminal.seen


def test_a_library_that_cannot_draw_anew_has_its_line_written_again(broker, tmp_path):
    with Shell(broker.url, tmp_path, program=without("ctypes")) as terminal:
        terminal.say("subscribe /topic/a", "\r\n")
        broker.wait_for_subscribers()
        terminal.press("send /queue/b abc")
        terminal.wait_for("abc")
        broker.send("/topic/a", b"news")
        terminal.wait_for("news")
        terminal.wait_for(f"{PROMPT}send /queue/b abc")
        terminal.say("d", "sent")
        assert terminal.leave() == Exit.OK
    assert broker.saw(MessageSent)[-1].body == b"abcd"


def test_without_readline_it_works_all_the_same(broker, tmp_path):
    with Shell(broker.url, tmp_path, program=without("readline")) as terminal:
        terminal.say("subscribe /topic/a", "\r\n")
        broker.wait_for_subscribers()
        broker.send("/topic/a", b"news")
        terminal.wait_for("news")
        terminal.wait_for(PROMPT)
        terminal.say("send /queue/a x", "sent")
        assert terminal.leave() == Exit.OK


def test_tab_completes_commands_and_destinations_that_were_seen(broker, tmp_path):
    with Shell(broker.url, tmp_path) as terminal:
        terminal.say("send /queue/some-where x", "sent")
        terminal.press("subs\t")
        terminal.wait_for("subscribe ")
        terminal.press("/qu\t")
        terminal.wait_for("/queue/some-where ")
        # Nothing is typed ahead of Ctrl-C: the terminal would throw it away while readline reads it.
        terminal.press("client-\t")
        terminal.wait_for("client-individual")
        terminal.interrupt()
        assert terminal.leave() == Exit.OK


def test_the_history_is_kept_and_holds_no_secret(guarded, tmp_path):
    url = guarded.url.replace("//", "//ada@")
    with OnTerminal("shell", url, environ={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("Passcode for ada: ")
        terminal.press(f"{CANARY}\n")
        terminal.wait_for(PROMPT)
        for line in (
            "send /queue/a hello",
            f"send /queue/a -H authorization:{CANARY}-2 x",
            f"send /queue/a {CANARY}",
            " send /queue/a private",
        ):
            terminal.press(f"{line}\n")
            terminal.wait_for("\r\nsent")
            terminal.wait_for(PROMPT)
        terminal.press("\x04")
        assert terminal.end() == Exit.OK
    history = tmp_path / "stomp-sansio" / "history"
    assert history.read_text().split("\n") == ["send /queue/a hello", ""]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
    with OnTerminal(
        "shell", url, environ={"XDG_STATE_HOME": str(tmp_path), "STOMP_PASSCODE": CANARY}
    ) as terminal:
        terminal.wait_for(PROMPT)
        terminal.press("\x1b[A")
        terminal.wait_for("send /queue/a hello")


def test_a_home_that_cannot_be_written_is_no_reason_to_end(broker, tmp_path):
    (tmp_path / "stomp-sansio").write_text("in the way")
    with Shell(broker.url, tmp_path) as terminal:
        terminal.say("send /queue/a x", "sent")
        assert terminal.leave() == Exit.OK


def test_ctrl_c_drops_the_line_and_not_the_shell(broker, tmp_path):
    with Shell(broker.url, tmp_path) as terminal:
        terminal.press("send /queue/a never")
        terminal.wait_for("never")
        terminal.interrupt()
        # It ends what takes too long as well.
        terminal.press("request /queue/rpc ping\n")
        broker.wait_for(lambda: bool(broker.saw(MessageSent)))
        terminal.interrupt()
        assert terminal.leave() == Exit.OK
    assert "Traceback" not in terminal.seen
    assert broker.saw(ClientGone)[0].clean


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_sigterm_disconnects(number, broker, tmp_path):
    with Shell(broker.url, tmp_path) as terminal:
        terminal.signal(number)
        assert terminal.end() == Exit.TERMINATED
    broker.wait_for(lambda: bool(broker.saw(ClientGone)))
    assert broker.saw(ClientGone)[0].clean
    assert "Traceback" not in terminal.seen


def test_a_script_sends_and_ends_well(broker):
    said = script(
        broker.url, "send /queue/a -H x:y -H content-type:text/x hello you", "", "quit", "send /queue/a no"
    )
    assert (said.code, said.out, said.err) == (Exit.OK, "sent\n", "")
    (message,) = broker.saw(MessageSent)
    assert (message.body, message.headers["x"]) == (b"hello you", "y")


def test_a_message_is_acknowledged_by_its_number(broker):
    broker.send("/queue/a", b"first")
    broker.send("/queue/a", b"second")
    with OnTerminal("shell", broker.url, environ={"NO_COLOR": "1", "HOME": ""}) as terminal:
        terminal.wait_for(PROMPT)
        terminal.press("subscribe /queue/a client-individual\n")
        terminal.wait_for("[1] /queue/a")
        terminal.wait_for("[2] /queue/a")
        terminal.press("status\n")
        terminal.wait_for("subscribed to /queue/a")
        terminal.wait_for("not acknowledged: 1, 2")
        for line in ("ack 1", "nack 2", "unsubscribe /queue/a", "status"):
            terminal.wait_for(PROMPT)
            terminal.press(f"{line}\n")
        terminal.wait_for("connected to")
        terminal.wait_for(PROMPT)
        terminal.press("\x04")
        assert terminal.end() == Exit.OK
    broker.wait_for(lambda: broker.waiting("/queue/a") == 1)


def test_what_makes_no_sense_is_said_and_remembered_by_the_exit_code(broker):
    lines = (
        "bogus",
        "send",
        "subscribe",
        "subscribe /queue/a nonsense",
        "unsubscribe /queue/a",
        "ack x",
        "ack 1",
    )
    said = script(broker.url, *lines, "send /queue/a -H nocolon x", "quit now", "help extra", "help")
    assert said.code == Exit.USAGE
    answers = said.out.splitlines()
    assert answers[:2] == [
        "there is no command 'bogus': help lists them",
        "write: send DEST [-H NAME:VALUE ...] BODY",
    ]
    assert sum(answer.startswith("write: ") for answer in answers) >= 3
    assert all(usage in said.out for usage, _ in COMMANDS.values())


def test_twice_the_same_subscription(broker):
    said = script(broker.url, "subscribe /queue/a", "subscribe /queue/a")
    assert "there is a subscription to /queue/a already" in said.out


def test_an_answer_is_written(answering):
    said = script(answering.url, "request /queue/rpc ping")
    assert (said.code, said.out) == (Exit.OK, "\\x1b[2Jre: ping\n")


def test_the_end_of_the_session_is_said():
    with LoopbackBroker() as server:
        url = f"stomp://127.0.0.1:{server.port}"
        with OnTerminal("shell", url, "--no-reconnect", environ={"HOME": ""}) as terminal:
            terminal.wait_for(PROMPT)
            server.drop_all()
            terminal.wait_for("(ended: ")
            terminal.press("status\n")
            terminal.wait_for("no connection at the moment")
            assert terminal.end() == Exit.NOT_CONNECTED


def test_a_connection_that_is_lost_is_said_and_made_again():
    with (
        LoopbackBroker() as server,
        Shell(f"stomp://127.0.0.1:{server.port}", Path("/nonexistent")) as terminal,
    ):
        server.drop_all()
        terminal.wait_for("next attempt in")
        terminal.wait_for("(connected to stomp://127.0.0.1")
        assert terminal.leave() == Exit.OK


def test_a_subscription_that_is_refused_is_said(broker, tmp_path):
    with Shell(broker.url, tmp_path) as terminal:
        terminal.press("subscribe /bogus\n")
        terminal.wait_for("there is no destination '/bogus' here")
        terminal.wait_for("(/bogus: ")
        assert terminal.leave() == Exit.OK


def test_the_oldest_of_too_many_unacknowledged_is_forgotten(broker, monkeypatch, capfd):
    lines = ["subscribe /queue/a client", "ack 1", "ack 2"]
    shown = threading.Event()
    post = Console.post

    def post_and_tell(console: Console, text: str) -> None:
        post(console, text)
        if "[2]" in text:
            shown.set()

    def ask(console: Console) -> str | None:
        # Once the second is shown, it has pushed out the first.
        assert len(lines) == 3 or shown.wait(PATIENCE)
        return lines.pop(0) if lines else None

    monkeypatch.setattr(shell, "_UNSETTLED", 1)
    monkeypatch.setattr(Console, "post", post_and_tell)
    monkeypatch.setattr(Console, "ask", ask)
    broker.send("/queue/a", b"first")
    broker.send("/queue/a", b"second")
    assert shell.run(_arguments(broker.url)) == Exit.USAGE
    out, _ = capfd.readouterr()
    assert "there is no message 1" in out
    assert "there is no message 2" not in out


def _arguments(url: str):
    import argparse

    parser = argparse.ArgumentParser()
    shell.add_arguments(parser)
    return parser.parse_args([url])


# What a line says


def test_a_body_is_the_rest_of_the_line():
    line = parse("send /queue/a -H a:b -H c:  two  words ")
    assert line is not None
    assert (line.words, line.headers, line.body) == (["/queue/a"], [("a", "b"), ("c", "")], " two  words")


@pytest.mark.parametrize("text", ["nothing", "send", "request ", "send /queue/a -H x y"])
def test_a_line_that_says_nothing(text):
    with pytest.raises(UsageError):
        parse(text)


def test_an_empty_line_is_none():
    assert parse("  ") is None


@pytest.mark.parametrize(
    ("before", "word", "found"),
    [
        ("", "s", ["send ", "subscribe ", "status "]),
        ("send ", "/q", ["/queue/a "]),
        ("send ", "/x", []),
        ("subscribe /queue/a ", "client", ["client", "client-individual"]),
        ("ack ", "", []),
        ("send /queue/a ", "", []),
    ],
)
def test_completions(before, word, found):
    destinations = ["/queue/a", "/topic/b c", "/queue\x1b[2J"]
    assert completions(before, word, destinations) == found


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("send /queue/a x", False),
        (" send /queue/a x", True),
        ("send /queue/a -H X-Auth-Token:y x", True),
        ("send /queue/a -H x:y z", False),
        (f"send /queue/a {CANARY}", True),
    ],
)
def test_what_is_not_remembered(line, held):
    assert holds_secret(line, (CANARY,)) is held


def test_where_the_history_is():
    assert history_file({"XDG_STATE_HOME": "/state"}) == Path("/state/stomp-sansio/history")
    assert history_file({"XDG_STATE_HOME": "relative", "HOME": "/home"}) == Path(
        "/home/.local/state/stomp-sansio/history"
    )
    assert history_file({}) is None
