"""The page of recipes: every program on it runs as a process of its own, in Python's development mode with
warnings as errors, and does what the page says.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import stomp_blocking
from stomp_sansio import Ack, ConnectRequest, Disconnect, Nack, Send, Subscribe, Unsubscribe
from tests.adapters.loopback import LoopbackBroker

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(
    re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
)
PATIENCE = 60


class Program:
    """A recipe that runs."""

    def __init__(self, source: str, broker: LoopbackBroker) -> None:
        self.broker = broker
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-X",
                "dev",
                "-W",
                "error",
                "-c",
                source.replace("localhost:61613", f"127.0.0.1:{broker.port}"),
            ],
            cwd=ROOT,
            env={**os.environ, "no_proxy": "*"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        # Nothing that waits for it waits for ever.
        self.watchdog = threading.Timer(PATIENCE, self.process.kill)
        self.watchdog.start()

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def has_subscribed(self, destination: str) -> None:
        self.broker.wait_for(lambda: bool(self.broker.saw(Subscribe, destination=destination)))

    def publish(self, destination: str, body: str) -> None:
        with stomp_blocking.connect(f"stomp://127.0.0.1:{self.broker.port}", proxy=None) as client:
            client.send(destination, body, receipt=True)

    def end(self, number: int | None = None) -> str:
        """Wait for its end, perhaps after a signal; return what it has printed since."""
        if number is not None:
            self.process.send_signal(number)
        printed, said = self.process.communicate(timeout=PATIENCE)
        # asyncio, in debug mode, tells of every step that a busy machine makes slow.
        said = "\n".join(line for line in said.splitlines() if not line.startswith("Executing <"))
        assert (said, self.process.returncode) == ("", 0)
        return printed.strip()


@pytest.fixture
def run(server: LoopbackBroker) -> Iterator[Callable[[str], Program]]:
    programs: list[Program] = []

    def start(title: str) -> Program:
        programs.append(Program(RECIPES[title], server))
        return programs[-1]

    yield start
    for program in programs:
        program.watchdog.cancel()
        program.process.kill()
        program.process.communicate()


def test_all_recipes_are_known():
    assert len(RECIPES) == PAGE.count("\n## ") == PAGE.count("```python") == 12


def test_a_service_in_asyncio(run, server):
    program = run("A service in asyncio")
    program.has_subscribed("/queue/orders")
    program.publish("/queue/orders", '{"tea": "Assam"}')
    assert program.line() == "invoiced Assam"
    assert program.end(signal.SIGTERM) == ""
    assert [event.body for event in server.saw(Send, destination="/queue/invoices")] == [b'{"for":"Assam"}']
    assert [type(event) for event in server.events if isinstance(event, Ack | Nack | Unsubscribe)] == [
        Ack,
        Unsubscribe,
    ]


def test_a_service_in_trio(run, server):
    program = run("A service in trio")
    assert program.line() == "audit: the service is up"
    server.wait_for(lambda: bool(server.saw(Ack)))
    server.drop_all()
    assert program.line().startswith("interrupted")
    assert program.line() == f"connected to stomp://127.0.0.1:{server.port}"
    assert program.end(signal.SIGTERM) == "ended"
    assert len(server.saw(Disconnect)) == 1


def test_a_service_in_threads(run, server):
    program = run("A service in threads")
    program.has_subscribed("/queue/audit")
    program.publish("/queue/audit", "one")
    assert program.line() == "audit: one"
    assert program.end(signal.SIGTERM) == ""
    assert len(server.saw(Ack)) == 1


def test_a_web_application_in_threads(run, server):
    program = run("A web application in threads")
    port = program.line().removeprefix("listening on ")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=b"tea", method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE) as response:
        assert response.status == 202
    assert [event.body for event in server.saw(Send)] == [b"tea"]


@pytest.mark.parametrize(
    ("title", "printed"),
    [
        ("A window, a game, a loop of somebody else's", r"\['hello'\]"),
        ("Tokens that expire", "sent with a fresh token"),
        ("Several servers", r"sent by <Client of <Session stomp://127\.0\.0\.1:\d+: ready>>"),
        ("Questions and answers", "HOW MUCH"),
        ("Many messages, each confirmed", r"1000 confirmed, 0 to be looked at: \[\]"),
        ("Traces and counts", r"00-4bf9\S+-01\n\{.*'SEND': 1.*\}"),
    ],
)
def test_a_program_that_ends_by_itself(run, title, printed):
    assert re.fullmatch(printed, run(title).end())


def test_tokens_go_where_they_should(run, server):
    run("Tokens that expire").end()
    (request,) = server.saw(ConnectRequest)
    assert (request.login, request.passcode) == ("shop", "token-1")


def test_spring(run, server):
    program = run("Spring, over SockJS, with an answer for one user")
    server.wait_for(lambda: bool(server.saw(Send, destination="/app/private")))
    program.publish("/user/queue/private", "for Ada alone")
    assert program.end() == "for Ada alone"


def test_a_certificate_of_your_own(secure_server, authority, tmp_path):
    certificate = authority.issue_cert("ada@example.com")
    files = {
        "ca": authority.cert_pem,
        "certificate": certificate.cert_chain_pems[0],
        "key": certificate.private_key_pem,
    }
    for name, blob in files.items():
        blob.write_to_path(tmp_path / name)
    source = RECIPES["A certificate of your own"]
    names: dict[str, Any] = {}
    exec(source.replace("localhost:61614", f"localhost:{secure_server.port}"), names)
    with names["connect"](*(str(tmp_path / name) for name in files)) as client:
        assert client.connected
