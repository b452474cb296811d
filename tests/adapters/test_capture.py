"""`capture=`: the same in every colour and over every transport; what is replayed is what was lived."""

from __future__ import annotations

import ast
import inspect
import logging
from pathlib import Path
from typing import Any

import pytest

from stomp_sansio.capture import Kind, read, render_text, replay
from stomp_sansio.client import keywords, opening
from stomp_sansio.client.public import AuthenticationError, Backoff, BrokerError, ConnectError
from stomp_sansio.protocol.events import ClientEvent
from stomp_sansio.serving import ServeKeywords, ServerCore
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import OddServer
from tests.adapters.test_serve import SERVE, SERVING, TRANSPORTS, url

CANARY = "cAn4rY-7f3a"
STAND_IN = "x" * len(CANARY)


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request: pytest.FixtureRequest) -> Colour:
    chosen: Colour = request.param
    return chosen


@pytest.fixture(params=SERVING, ids=[colour.name for colour in SERVING])
def serving(request: pytest.FixtureRequest) -> Colour:
    chosen: Colour = request.param
    return chosen


def shown(events: list[Any]) -> list[str]:
    """Return events as they are compared: without the secret."""
    return [repr(event).replace(CANARY, STAND_IN) for event in events]


def replayed(lines: list[str]) -> list[Any]:
    """Return the events of a capture's last connection, without the ending of its transport."""
    return [event for _, event in replay(read(lines)).connections[-1].events[:-1]]


@pytest.mark.parametrize(("scheme", "more"), TRANSPORTS)
def test_what_is_replayed_is_what_was_lived_through(
    serving: Colour, scheme: str, more: dict[str, Any]
) -> None:
    ours: list[str] = []
    theirs: list[str] = []
    lived: list[ClientEvent] = []

    async def scenario() -> None:
        async with (
            SERVE[serving.name](port=0, capture=theirs.append) as server,
            serving.connect(
                url(server, scheme),
                login="ada",
                passcode=CANARY,
                additional_headers={"Authorization": f"Bearer {CANARY}"},
                connect_headers={"x-token": CANARY},
                capture=ours.append,
                incoming=lived.append,
                **more,
            ) as client,
        ):
            async with client.subscribe("/queue/a", ack="client-individual") as messages:
                for body in ("grüße", f"{CANARY} 😀", "x" * 100_000):
                    await client.send("/queue/a", body, headers={"about": CANARY}, receipt=True)
                    message = await messages.receive()
                    async with message.process():
                        assert message.text == body
            with pytest.raises(BrokerError):
                await client.send(f"/nowhere/{CANARY}", "x", receipt=True)

    serving.run(scenario)
    assert CANARY not in "".join([*ours, *theirs])
    for lines in (ours, theirs):
        assert CANARY not in render_text(read(lines))
        assert list(read(lines))[-1].kind is Kind.END
    assert shown(replayed(ours)) == shown(list(lived))
    kinds = [type(event).__name__ for event in replayed(theirs)]
    assert kinds[:4] == ["ConnectRequest", "Subscribe", "Send", "Ack"]
    assert kinds[-1] == "Closed"


FAULTS = [
    (b"CONNECTED\nversion:1.2\n\n\0MESSAGE\na:\\t\n\n\0", "bad-escape"),
    (b"CONNECTED\nversion:1.2\n\n\0MESSAGE\na:b\n", "incomplete-frame"),
    (b"CONNECTED\nversion:9\n\n\0", "unsupported-version"),
    (b"HTTP/1.1 400 Bad\r\n\r\n", "malformed-command"),
]


@pytest.mark.parametrize(("answer", "fault"), FAULTS)
def test_a_capture_of_a_fault_has_the_same_fault(colour: Colour, answer: bytes, fault: str) -> None:
    lines: list[str] = []

    async def scenario() -> None:
        with OddServer(answer) as server:
            where = f"stomp://127.0.0.1:{server.port}"
            try:
                async with (
                    colour.connect(where, capture=lines.append, reconnect=None) as client,
                    client.subscribe("/queue/a") as messages,
                ):
                    await messages.receive()
            except Exception as error:
                errors.append(error)

    errors: list[Exception] = []
    colour.run(scenario)
    assert len(errors) == 1
    (found,) = replay(read(lines)).errors
    assert found.startswith(f"{fault}: ")
    assert found.partition(": ")[2] in str(errors[0]) or isinstance(errors[0], ConnectError)


def test_a_login_that_is_refused_and_quoted_is_hidden(colour: Colour) -> None:
    lines: list[str] = []
    answer = f"ERROR\nmessage:Bad CONNECT: {CANARY}\n\nAccess refused for ada with {CANARY}\0".encode()

    async def scenario() -> None:
        with OddServer(answer) as server, pytest.raises(AuthenticationError):
            async with colour.connect(
                f"stomp://ada:{CANARY}@127.0.0.1:{server.port}",
                capture=lines.append,
                reconnect=None,
            ):
                raise AssertionError("it is connected")

    try:
        colour.run(scenario)
    except ConnectError:
        pass
    assert lines
    assert CANARY not in "".join(lines)
    assert f"refused for ada with {STAND_IN}" in "".join(lines)


def test_a_capture_goes_on_over_connections(colour: Colour, server: Any) -> None:
    lines: list[str] = []

    async def scenario() -> None:
        where = f"stomp://127.0.0.1:{server.port}"
        async with colour.connect(where, capture=lines.append, reconnect=Backoff(initial=0.01)) as client:
            life = client.lifecycle()
            await colour.in_thread(server.drop_all)
            await anext(life)
            await client.wait_ready()

    colour.run(scenario)
    assert [connection.name for connection in replay(read(lines)).connections] == ["#1", "#2"]


def test_what_capture_raises_is_logged_and_harms_nobody(
    colour: Colour, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        where = f"stomp://127.0.0.1:{server.port}"
        async with colour.connect(where, capture=lambda line: 1 / 0) as client:
            await client.send("/queue/a", "x", receipt=True)

    colour.run(scenario)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "capture= raised"
    ]


def test_what_capture_raises_is_logged_by_a_server(serving: Colour, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with (
            SERVE[serving.name](port=0, capture=lambda line: 1 / 0) as server,
            serving.connect(url(server, "stomp")) as client,
        ):
            await client.send("/queue/a", "x", receipt=True)

    serving.run(scenario)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "capture= raised"
    ]


def test_without_a_capture_nothing_stands_between(serving: Colour) -> None:
    async def scenario() -> None:
        async with SERVE[serving.name](port=0) as server:
            assert server.machine is server.broker
            async with serving.connect(url(server, "stomp")) as client:
                runner = client._runner  # noqa: SLF001  # what is driven shows nowhere else
                assert runner.machine is runner.session

    serving.run(scenario)


def explanation(where: type, name: str) -> str:
    """Return what stands under a keyword."""
    tree = ast.parse(Path(inspect.getfile(where)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == where.__name__:
            for field, following in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and ast.unparse(field.target) == name:
                    assert isinstance(following, ast.Expr)
                    return ast.unparse(following)
    raise AssertionError(f"{name} is no keyword of {where.__name__}")


def test_clients_and_servers_explain_it_in_the_same_words() -> None:
    assert explanation(keywords.ConnectKeywords, "capture") == explanation(ServeKeywords, "capture")
    for function in (opening.connect, ServerCore.__init__):
        assert inspect.signature(function).parameters["capture"].default is None
