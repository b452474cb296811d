"""`stomp-sansio listen`: what comes, who acknowledges it, and when it ends."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import threading
from pathlib import Path

import pytest

from stomp_cli import running
from stomp_cli.exits import Exit
from stomp_cli.running import awaited
from stomp_sansio.broker.events import ClientGone, Subscribed
from stomp_sansio.protocol.events import AckMode
from tests.cli.programs import CANARY, OnTerminal, Piped


def test_messages_for_people_cannot_pass_for_others(broker, call):
    broker.send(
        "/queue/a", b"one\ntwo /queue/b\r\n\x1b]0;title\x07", headers={"x": "y\x1b[2J", "token": CANARY}
    )
    said = call("listen", broker.url, "/queue/a", "--limit", "1")
    assert said.code == Exit.OK
    first, *rest = said.out.splitlines()
    assert first.startswith("/queue/a  ")
    assert "x:y\\x1b[2J" in first
    assert "token:[redacted]" in first
    assert rest == ["    one", "    two /queue/b", "    \\x1b]0;title\\x07"]
    assert CANARY not in said.out + said.err


def test_what_is_no_text_is_counted(broker, call):
    broker.send("/queue/a", b"\xff" * 100)
    said = call("listen", broker.url, "/queue/a", "--limit", "1")
    assert "    (100 octets, no text) ff ff" in said.out
    assert said.out.endswith("ff...\n")


def test_lines_of_json_have_everything(broker, call):
    broker.send("/queue/a", "grüße\x1b".encode(), headers=[("x", "1"), ("x", "2"), ("token", "t")])
    broker.send("/queue/a", b"\xff\x00")
    said = call("listen", broker.url, "/queue/a", "--limit", "2", "--json")
    text, octets = map(json.loads, said.out.splitlines())
    assert (text["destination"], text["body"], text["headers"]["x"]) == ("/queue/a", "grüße\x1b", "1")
    assert ["x", "2"] in text["pairs"]
    # Whoever reads JSON wants what came.
    assert text["headers"]["token"] == "t"
    assert base64.b64decode(octets["body_base64"]) == b"\xff\x00"
    assert "body" not in octets
    assert said.out.isascii()
    assert "\x1b" not in said.out


def test_several_destinations_and_a_limit_for_all(broker, call):
    for number in range(4):
        broker.send(f"/queue/{number % 2}", b"%d" % number)
    said = call("listen", broker.url, "/queue/0", "/queue/1", "--limit", "3", "--json")
    assert len(said.out.splitlines()) == 3
    # What was not written was not acknowledged, and stays.
    broker.wait_for(lambda: broker.waiting("/queue/0") + broker.waiting("/queue/1") == 1)


def test_a_limit_that_is_not_met_in_time(broker, call):
    broker.send("/queue/a", b"x")
    said = call("listen", broker.url, "/queue/a", "--limit", "2", "--timeout", "0.3")
    assert said.code == Exit.TIMEOUT
    assert "1 of 2 messages came within 0.3 s" in said.err


def test_a_time_without_a_limit_is_just_that(broker, call):
    assert call("listen", broker.url, "/queue/a", "--timeout", "0.2").code == Exit.OK


@pytest.mark.parametrize("mode", [mode.value for mode in AckMode])
def test_the_mode_is_passed_on(mode, broker, call):
    broker.send("/queue/a", b"x")
    assert call("listen", broker.url, "/queue/a", "--ack", mode, "--limit", "1").code == Exit.OK
    assert broker.saw(Subscribed)[0].ack.value == mode
    assert broker.waiting("/queue/a") == 0


def test_headers_of_subscribe(broker, call):
    said = call("listen", broker.url, "/queue/a", "-H", "prefetch-count:x", "--timeout", "5")
    assert said.code == Exit.BROKER_ERROR


def test_a_command_gets_the_body_and_the_headers(broker, call, monkeypatch):
    monkeypatch.setenv("STOMP_PASSCODE", CANARY)
    broker.send("/queue/a", b"body", headers={"my-header": "$(echo pwned)\n;", "content-type": "text/x"})
    variables = ("STOMP_DESTINATION", "STOMP_HEADER_MY_HEADER", "STOMP_HEADER_CONTENT_TYPE", "STOMP_PASSCODE")
    command = "cat; printf '|%s|%s|%s|%s' " + " ".join(f'"${name}"' for name in variables)
    said = call("listen", broker.url, "/queue/a", "--limit", "1", "--exec", command)
    assert (said.code, said.err) == (Exit.OK, "")
    assert said.out == "body|/queue/a|$(echo pwned)\n;|text/x|"


def test_a_command_that_fails_refuses_its_message(broker, call):
    broker.send("/queue/a", b"x")
    said = call("listen", broker.url, "/queue/a", "--limit", "1", "--exec", "exit 7")
    assert said.code == Exit.FAILED
    assert said.err == "the command failed (exit status 7): the message is refused\n"
    broker.wait_for(lambda: broker.waiting("/queue/a") == 1)
    lost = call("listen", broker.url, "/queue/a", "--limit", "1", "--exec", "exit 7", "--ack", "auto")
    assert lost.err == "the command failed (exit status 7): the message is lost, as --ack auto has it\n"
    broker.send("/queue/a", b"x")
    killed = call("listen", broker.url, "/queue/a", "--limit", "1", "--exec", "kill -9 $$")
    assert "(signal 9)" in killed.err


def test_ctrl_c_ends_a_command_too_and_its_message_stays(broker, tmp_path):
    started = tmp_path / "started"
    os.mkfifo(started)
    broker.send("/queue/a", b"x")
    with Piped("listen", broker.url, "/queue/a", "--exec", f"echo > {started}; exec sleep 600") as listener:
        started.read_text()
        listener.signal(signal.SIGINT)
        ended = listener.end()
    assert (ended.code, ended.err) == (Exit.INTERRUPTED, "")
    broker.wait_for(lambda: broker.waiting("/queue/a") == 1)


def test_sigterm_lets_the_command_finish(broker, tmp_path):
    started, gate = tmp_path / "started", tmp_path / "gate"
    os.mkfifo(started)
    os.mkfifo(gate)
    broker.send("/queue/a", b"x")
    command = f"echo > {started}; cat {gate}; cat"
    with Piped("listen", broker.url, "/queue/a", "--exec", command) as listener:
        started.read_text()
        listener.signal(signal.SIGTERM)
        gate.write_text("finished ")
        ended = listener.end()
    assert (ended.code, ended.out, ended.err) == (Exit.OK, "finished x", "")
    assert broker.waiting("/queue/a") == 0


STUBBORN = "trap '' TERM; echo $$ > {started}; while :; do sleep 0.05; done"


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Nobody may have asked yet how it ended.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_command_that_will_not_end_is_killed_by_the_second_signal(broker, tmp_path):
    started = tmp_path / "started"
    os.mkfifo(started)
    broker.send("/queue/a", b"x")
    with Piped("listen", broker.url, "/queue/a", "--exec", STUBBORN.format(started=started)) as listener:
        pid = int(started.read_text())
        listener.signal(signal.SIGINT)
        assert listener.remark() == awaited("the command for a message to finish", bounded=False)
        listener.signal(signal.SIGINT)
        ended = listener.end()
    assert (ended.code, ended.err) == (Exit.INTERRUPTED, "")
    broker.wait_for(lambda: is_gone(pid))
    broker.wait_for(lambda: broker.waiting("/queue/a") == 1)


def test_a_command_that_will_not_end_is_killed_in_the_end(broker, call, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.1)
    started = tmp_path / "started"
    broker.send("/queue/a", b"x")
    command = STUBBORN.format(started=f"{started}.new; mv {started}.new {started}")

    def interrupt() -> None:
        broker.wait_for(started.exists)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    said = call("listen", broker.url, "/queue/a", "--exec", command)
    assert said.code == Exit.INTERRUPTED
    broker.wait_for(lambda: is_gone(int(started.read_text())))


def test_ctrl_c_while_a_command_begins_ends_it_in_order_too(broker, call, monkeypatch):
    begin, children = asyncio.create_subprocess_shell, []

    async def begin_and_be_interrupted(*arguments, **keywords):
        children.append(await begin(*arguments, **keywords))
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.1)
        return children[0]

    monkeypatch.setattr(asyncio, "create_subprocess_shell", begin_and_be_interrupted)
    broker.send("/queue/a", b"x")
    assert call("listen", broker.url, "/queue/a", "--exec", "exec sleep 600").code == Exit.INTERRUPTED
    assert [child.returncode for child in children] == [-signal.SIGTERM]
    broker.wait_for(lambda: broker.waiting("/queue/a") == 1)


@pytest.mark.parametrize("limited", [False, True])
def test_sigterm_ends_in_order(limited, broker):
    limit = ["--limit", "2"] if limited else []
    with Piped("listen", broker.url, "/topic/a", *limit) as listener:
        broker.wait_for_subscribers()
        listener.signal(signal.SIGTERM)
        ended = listener.end()
    # Without a limit it has no other end.
    assert (ended.code, ended.err) == (Exit.TERMINATED if limited else Exit.OK, "")


def test_ctrl_c_ends_quietly(broker):
    with OnTerminal("listen", broker.url, "/topic/a") as terminal:
        terminal.wait_for("listening; Ctrl-C ends")
        broker.wait_for_subscribers()
        terminal.press("\x03")
        assert terminal.end() == Exit.INTERRUPTED
    assert "Traceback" not in terminal.seen


def test_what_is_larger_than_a_pipe_comes_whole_and_in_order(broker):
    with Piped("listen", broker.url, "/topic/a", "--json", "--limit", "3") as listener:
        broker.wait_for_subscribers()
        for size in (1, 300_000, 2):
            broker.send("/topic/a", b"x" * size)
        ended = listener.end()
    assert [len(json.loads(line)["body"]) for line in ended.out.splitlines()] == [1, 300_000, 2]
    assert ended.code == Exit.OK


def test_a_reader_that_goes_in_the_middle_of_a_message(broker):
    with Piped("listen", broker.url, "/queue/a") as listener:
        broker.send("/queue/a", b"x" * 300_000)
        assert listener.line().startswith("/queue/a")
        listener.close_output()
        ended = listener.end()
    assert (ended.code, ended.err) == (Exit.BROKEN_PIPE, "")
    # It was not written, and so not acknowledged.
    broker.wait_for(lambda: broker.waiting("/queue/a") == 1)


def test_a_terminal_gets_messages_as_they_come(broker):
    with OnTerminal("listen", broker.url, "/topic/a") as terminal:
        terminal.wait_for("listening; Ctrl-C ends")
        broker.wait_for_subscribers()
        broker.send("/topic/a", b"\x1b]0;title\x07")
        terminal.wait_for("\\x1b]0;title\\x07")
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == Exit.OK


def test_ctrl_c_while_nobody_reads(broker):
    # The pipe is full, and the thread that writes waits for ever: the end must not.
    with Piped("listen", broker.url, "/topic/a") as listener:
        broker.wait_for_subscribers()
        for _ in range(10):
            broker.send("/topic/a", b"x" * 100_000)
        assert listener.line().startswith("/topic/a")
        listener.signal(signal.SIGINT)
        broker.wait_for(lambda: bool(broker.saw(ClientGone)))
        assert broker.saw(ClientGone)[0].clean
        assert listener.end().code == Exit.INTERRUPTED
