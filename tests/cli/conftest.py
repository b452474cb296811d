"""What the tests of the command line share: brokers, certificates, and the program called in this process.

It must not know any command.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable

import pytest
import trustme

import stomp_blocking
from stomp_cli.main import main
from tests.cli.programs import CANARY, PATIENCE, Broker, Result, without_waiting


@pytest.fixture
def broker():
    with Broker() as broker:
        yield broker


@pytest.fixture
def guarded():
    """A broker that lets in only ada."""
    with Broker(login={"ada": CANARY}) as broker:
        yield broker


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def certificates(authority, tmp_path_factory):
    """A folder with ca.pem, and server.pem with its key."""
    folder = tmp_path_factory.mktemp("certificates")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@pytest.fixture
def secure(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")
    with Broker(ssl=context) as broker:
        yield broker


@pytest.fixture
def call(capfd, monkeypatch) -> Callable[..., Result]:
    """Call the command line in this process."""
    monkeypatch.delenv("STOMP_PASSCODE", raising=False)
    monkeypatch.setenv("no_proxy", "*")

    def call(*arguments: str) -> Result:
        capfd.readouterr()
        code = main(arguments)
        out, err = capfd.readouterr()
        return Result(code, out, without_waiting(err))

    return call


@pytest.fixture
def answering(broker):
    """A broker with somebody who answers at /queue/rpc."""
    ready = threading.Event()

    def answer() -> None:
        with stomp_blocking.connect(broker.url) as client, client.subscribe("/queue/rpc") as questions:
            ready.set()
            question = questions.receive(timeout=PATIENCE)
            client.send(
                question.headers["reply-to"],
                b"\x1b[2Jre: " + question.body,
                headers={"correlation-id": question.headers["correlation-id"], "x": "y"},
                receipt=True,
            )

    thread = threading.Thread(target=answer)
    thread.start()
    ready.wait(PATIENCE)
    yield broker
    thread.join(PATIENCE)
