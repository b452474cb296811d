"""A passcode goes to the server, and nowhere else: not into output, captures, the history or an argument."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from stomp_cli.exits import Exit
from stomp_sansio.broker.events import ClientConnected
from tests.adapters.loopback import LoopbackBroker
from tests.cli.programs import CANARY, Broker, Piped, run

SECRETS = {"STOMP_PASSCODE": CANARY}

COMMANDS = {
    "send": ["/queue/a", "x", "--receipt", "--json"],
    "listen": ["/queue/a", "--timeout", "0.2"],
    "request": ["/queue/a", "x", "--timeout", "0.2"],
    "shell": [],
    "bench": ["--seconds", "0.1"],
    "doctor": ["--json"],
}


@pytest.mark.parametrize("kind", ["url", "websocket", "sockjs"])
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_passcode_shows_nowhere(name: str, kind: str, guarded: Broker, tmp_path: Path):
    url = getattr(guarded, kind)
    options = [
        "--login",
        "ada",
        "--capture",
        str(tmp_path / "capture"),
        "--http-header",
        f"@{tmp_path / 'h'}",
    ]
    (tmp_path / "h").write_text(f"Authorization: Bearer {CANARY}-token\n")
    environ = SECRETS | {"XDG_STATE_HOME": str(tmp_path), "PYTHONASYNCIODEBUG": "1"}
    done = run(name, url, *COMMANDS[name], *options, environ=environ, stdin=b"status\n")
    assert done.code in (Exit.OK, Exit.TIMEOUT), done.err
    assert guarded.saw(ClientConnected)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "h"]
    assert written
    for text in (done.octets, done.err.encode(), *written):
        assert CANARY.encode() not in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_server_that_repeats_it_is_not_quoted(name: str):
    with LoopbackBroker() as server:
        server.broker.users = {}
        url = f"stomp://ada@127.0.0.1:{server.port}"
        done = run(name, url, *COMMANDS[name], environ=SECRETS)
    assert done.code == Exit.REFUSED
    assert CANARY not in done.out + done.err


def test_a_passcode_stands_in_no_argument(guarded: Broker):
    with Piped("listen", guarded.url, "/topic/a", "--login", "ada", environ=SECRETS) as listener:
        guarded.wait_for_subscribers()
        arguments = Path(f"/proc/{listener.pid}/cmdline")
        if not arguments.exists():
            pytest.skip("this system does not show the arguments of a process in /proc")
        assert CANARY.encode() not in arguments.read_bytes()


def test_a_broker_keeps_its_passcode_to_itself(tmp_path: Path):
    options = ("--login", "ada", "--json", "--capture", str(tmp_path / "capture"))
    with Piped("broker", "--listen", "127.0.0.1:0", *options, environ=SECRETS) as broker:
        url = json.loads(broker.line())["urls"][0]
        assert run("send", url, "/queue/a", "x", "--login", "ada", environ=SECRETS).code == Exit.OK
        refused = run("send", url, "/queue/a", "x", "--login", "ada", environ={"STOMP_PASSCODE": "wrong"})
        assert refused.code == Exit.REFUSED
        assert CANARY not in refused.out + refused.err
        broker.signal(signal.SIGTERM)
        ended = broker.end()
    assert CANARY not in ended.out + ended.err + (tmp_path / "capture").read_text(encoding="ascii")
