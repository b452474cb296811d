"""`stomp-sansio request`: a question and its answer."""

from __future__ import annotations

import json
import signal

import pytest

from stomp_cli.exits import Exit
from stomp_sansio.broker.events import MessageSent
from tests.cli.programs import OnTerminal, Piped, run


def test_a_pipe_gets_the_octets(answering):
    answered = run("request", answering.url, "/queue/rpc", "-", stdin=b"\xff")
    assert (answered.code, answered.octets, answered.err) == (Exit.OK, b"\x1b[2Jre: \xff", "")


def test_programs_get_the_whole_answer(answering, call):
    answered = call("request", answering.url, "/queue/rpc", "ping", "--json")
    value = json.loads(answered.out)
    assert (answered.code, value["body"], value["headers"]["x"]) == (Exit.OK, "\x1b[2Jre: ping", "y")
    assert "\x1b" not in answered.out


def test_a_terminal_obeys_no_answer(answering):
    with OnTerminal("request", answering.url, "/queue/rpc", "ping") as terminal:
        assert terminal.end() == Exit.OK
    assert terminal.seen == "\\x1b[2Jre: ping\r\n"


def test_nobody_answers(broker, call):
    said = call("request", broker.url, "/queue/rpc", "ping", "--timeout", "0.2")
    assert said.code == Exit.TIMEOUT
    assert "no answer in time" in said.err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGINT, Exit.INTERRUPTED)]
)
def test_it_need_not_be_waited_for(number, code, broker):
    with Piped("request", broker.url, "/queue/rpc", "ping") as asking:
        broker.wait_for(lambda: bool(broker.saw(MessageSent)))
        asking.signal(number)
        ended = asking.end()
    assert (ended.code, ended.out, ended.err) == (code, "", "")
