"""`stomp-sansio doctor`: whatever is wrong, the first step that fails is named, and what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import ssl

import pytest

from stomp_cli import doctor_attempt
from stomp_cli.connecting import Way
from stomp_cli.doctor_timeline import timeline
from stomp_cli.exits import Exit
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.capture import Kind, Record
from stomp_sansio.machine import StreamId
from stomp_sansio.protocol.events import Connected
from stomp_sansio.protocol.headers import Headers
from stomp_sansio.protocol.versions import Version
from tests.adapters.loopback import LoopbackBroker, OddServer, TunnelProxy
from tests.cli.programs import CANARY, Broker, OnTerminal, run

PLAIN = ["dns", "tcp", "connect"]
WEBSOCKET = ["dns", "tcp", "upgrade", "connect"]
SOCKJS = ["dns", "tcp", "info", "upgrade", "connect"]


def steps(value) -> dict[str, bool | None]:
    return {step["step"]: step["ok"] for step in value["steps"]}


def passed(names: list[str]) -> dict[str, bool]:
    return dict.fromkeys(names, True)


@pytest.mark.parametrize(("kind", "names"), [("url", PLAIN), ("websocket", WEBSOCKET), ("sockjs", SOCKJS)])
def test_a_server_that_is_well(kind, names, broker, call):
    said = call("doctor", getattr(broker, kind), "--json")
    assert (said.code, said.err) == (Exit.OK, "")
    value = json.loads(said.out)
    assert value["ok"] is True
    assert steps(value) == passed(names)
    assert all(step["ms"] >= 0 for step in value["steps"])
    assert value["versions"] == ["1.0", "1.1", "1.2"]
    assert value["heartbeat"] == [10.0, 10.0]
    if kind == "websocket":
        assert value["subprotocol"] == "v12.stomp"
    if kind == "sockjs":
        assert {tried["transport"]: tried["ok"] for tried in value["transports"]} == passed(
            ["websocket", "xhr-streaming", "xhr-polling"]
        )
    assert value["steps"][-1]["detail"] == "STOMP 1.2, stomp-sansio"


@pytest.mark.parametrize(("index", "names"), [(0, PLAIN), (1, WEBSOCKET), (2, SOCKJS)])
def test_tls_is_a_step_of_its_own(index, names, secure, certificates, call):
    url = secure.server.urls[index].replace("127.0.0.1", "localhost")
    said = call("doctor", url, "--json", "--cafile", str(certificates / "ca.pem"))
    assert said.code == Exit.OK
    value = json.loads(said.out)
    assert steps(value) == passed([*names[:2], "tls", *names[2:]])
    (tls,) = [step for step in value["steps"] if step["step"] == "tls"]
    assert tls["detail"].startswith("TLSv1.3, a certificate for localhost until ")


def test_for_people_it_has_ticks_and_milliseconds(broker):
    with OnTerminal("doctor", broker.sockjs) as terminal:
        assert terminal.end() == Exit.OK
    lines = terminal.text.splitlines()
    assert lines[0] == broker.sockjs
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["✓", "DNS"],
        ["✓", "TCP"],
        ["✓", "SockJS"],
        ["✓", "upgrade"],
        ["✓", "CONNECT"],
    ]
    assert all(" ms" in line for line in lines[1:6])
    assert any(line.split()[:2] == ["xhr-polling", "✓"] for line in lines)
    assert "\x1b[32m✓\x1b[0m" in terminal.seen


def test_an_output_without_ticks_has_other_marks(broker):
    said = run("doctor", broker.url, environ={"PYTHONIOENCODING": "ascii"})
    assert "  + CONNECT" in said.out
    said = run("doctor", "stomp://127.0.0.1:1", environ={"PYTHONIOENCODING": "ascii"})
    assert "  x TCP" in said.out


def failing(said) -> tuple[str, str, dict[str, bool | None]]:
    """Return the step that failed, its explanation, and all steps."""
    value = json.loads(said.out)
    assert value["ok"] is False
    ((name, why),) = [(step["step"], step["detail"]) for step in value["steps"] if step["ok"] is False]
    found = steps(value)
    # What comes before it was passed, what comes behind it was not reached.
    at = list(found).index(name)
    assert set(list(found.values())[:at]) <= {True}
    assert set(list(found.values())[at + 1 :]) <= {None}
    return name, why, found


def examined(call, url: str, *options: str):
    return call("doctor", url, "--json", "--connect-timeout", "5", *options)


def test_no_such_name(call):
    said = examined(call, "stomp://no-such-host.invalid")
    name, why, _ = failing(said)
    assert (said.code, name) == (Exit.NOT_CONNECTED, "dns")
    assert "could not be resolved" in why


def test_nobody_listens(call):
    said = examined(call, "ws://127.0.0.1:1/ws")
    name, why, found = failing(said)
    assert (said.code, name) == (Exit.NOT_CONNECTED, "tcp")
    assert "check that the server runs, its port, and firewalls" in why
    assert found == {"dns": True, "tcp": False, "upgrade": None, "connect": None}


@pytest.mark.parametrize("scheme", ["stomps", "wss", "https"])
def test_tls_to_a_port_without(scheme, broker, call):
    said = examined(call, f"{scheme}://127.0.0.1:{broker.port}/ws")
    name, why, _ = failing(said)
    assert (said.code, name) == (Exit.NOT_CONNECTED, "tls")
    assert {"stomps": "stomp://", "wss": "ws://", "https": "http://"}[scheme] in why


@pytest.mark.parametrize(("scheme", "step"), [("stomp", "connect"), ("ws", "upgrade"), ("http", "info")])
def test_no_tls_to_a_port_with(scheme, step, secure, call):
    said = examined(call, f"{scheme}://127.0.0.1:{secure.port}/ws")
    name, why, _ = failing(said)
    assert (said.code, name) == (Exit.NOT_CONNECTED, step)
    assert {"stomp": "stomps://", "ws": "wss://", "http": "https://"}[scheme] in why


def test_a_certificate_that_is_not_trusted(secure, call):
    name, why, _ = failing(examined(call, f"stomps://localhost:{secure.port}"))
    assert name == "tls"
    assert "name the certificate of its issuer with --cafile FILE" in why


def test_a_certificate_with_another_name(authority, certificates, call):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    with Broker(ssl=context) as broker:
        url = f"stomps://127.0.0.1:{broker.port}"
        name, why, _ = failing(examined(call, url, "--cafile", str(certificates / "ca.pem")))
    assert name == "tls"
    assert "use the name that it carries" in why


def test_a_wrong_passcode(guarded, call):
    said = examined(call, guarded.url.replace("//", f"//ada:not-{CANARY}@"))
    name, why, _ = failing(said)
    assert (said.code, name) == (Exit.REFUSED, "connect")
    assert "check --login, and the passcode that goes with it" in why
    assert CANARY not in said.out + said.err


def test_a_wrong_virtual_host(call):
    with Broker(options=BrokerOptions(vhosts=["/"])) as broker:
        said = examined(call, broker.url, "--vhost", "nowhere")
        name, why, _ = failing(said)
        assert (said.code, name) == (Exit.NOT_CONNECTED, "connect")
        assert "--vhost" in why
        assert examined(call, broker.url, "--vhost", "/").code == Exit.OK


@pytest.mark.parametrize(("scheme", "step"), [("ws", "upgrade"), ("http", "info")])
@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (b"401 Unauthorized", Exit.REFUSED, "--http-header"),
        (b"404 Not Found", Exit.NOT_CONNECTED, "http"),
        (b"503 Away", Exit.NOT_CONNECTED, "503"),
    ],
)
def test_an_http_status(scheme, step, status, code, advice, call):
    with OddServer(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n") as server:
        said = examined(call, f"{scheme}://127.0.0.1:{server.port}/app")
    name, why, _ = failing(said)
    assert (said.code, name) == (code, step)
    assert advice in why


def test_a_path_where_nothing_is(broker, call):
    name, why, _ = failing(examined(call, f"ws://127.0.0.1:{broker.port}/nowhere"))
    assert name == "upgrade"
    assert "404" in why


def test_somebody_else_answers(call):
    with OddServer(b"SSH-2.0-OpenSSH_9.2\r\n", greets=True) as server:
        name, why, _ = failing(examined(call, f"stomp://127.0.0.1:{server.port}"))
    assert name == "connect"
    assert why


def test_nobody_says_anything(call):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = call(
            "doctor", f"stomp://127.0.0.1:{silent.getsockname()[1]}", "--json", "--connect-timeout", "0.3"
        )
    name, why, _ = failing(said)
    assert (said.code, name) == (Exit.NOT_CONNECTED, "connect")
    assert "--connect-timeout" in why


@pytest.mark.parametrize("kind", ["url", "sockjs"])
def test_a_proxy_is_a_step(kind, broker, call):
    with TunnelProxy(broker.port) as proxy:
        said = examined(call, getattr(broker, kind), "--proxy", f"http://127.0.0.1:{proxy.port}")
    assert said.code == Exit.OK
    found = steps(json.loads(said.out))
    assert list(found)[:3] == ["dns", "tcp", "proxy"]
    assert set(found.values()) == {True}


def test_tls_inside_a_tunnel(secure, certificates, call):
    with TunnelProxy(secure.port) as proxy:
        url = f"stomps://localhost:{secure.port}"
        options = ("--proxy", f"http://127.0.0.1:{proxy.port}", "--cafile", str(certificates / "ca.pem"))
        said = examined(call, url, *options)
    value = json.loads(said.out)
    assert steps(value) == passed(["dns", "tcp", "proxy", "tls", "connect"])
    assert value["steps"][3]["detail"] == "TLSv1.3"


def test_a_proxy_that_refuses(broker, call):
    with OddServer(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n") as proxy:
        said = examined(call, broker.url, "--proxy", f"http://127.0.0.1:{proxy.port}")
    name, _, _ = failing(said)
    assert name == "proxy"


def test_a_proxy_of_the_environment_is_examined(broker, call, monkeypatch):
    with TunnelProxy(broker.port) as proxy:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        found = steps(json.loads(examined(call, broker.websocket).out))
        assert "proxy" in found
        without = steps(json.loads(examined(call, broker.websocket, "--proxy", "none").out))
        assert "proxy" not in without


def test_a_unix_socket(call, tmp_path):
    with LoopbackBroker(path=str(tmp_path / "s")):
        said = examined(call, f"stomp+unix://{tmp_path / 's'}")
    assert (said.code, steps(json.loads(said.out))) == (Exit.OK, passed(["tcp", "connect"]))


def test_each_server_of_a_list_is_examined(broker, call):
    said = examined(call, f"failover:(stomp://127.0.0.1:1,{broker.url})")
    first, second = map(json.loads, said.out.splitlines())
    assert (said.code, first["ok"], second["ok"]) == (Exit.NOT_CONNECTED, False, True)


def test_userinfo_of_a_list_is_used(guarded, call):
    url = guarded.url.replace("//", f"//ada:{CANARY}@")
    assert examined(call, f"failover:({url},{url})").code == Exit.OK


def test_what_it_did_can_be_captured(guarded, call, tmp_path):
    file = tmp_path / "capture"
    url = guarded.url.replace("//", f"//ada:{CANARY}@")
    assert examined(call, url, "--capture", str(file)).code == Exit.OK
    assert '"kind": "end"' in file.read_text(encoding="ascii").splitlines()[-1]
    assert CANARY not in file.read_text(encoding="ascii")


def test_a_transport_that_is_not_offered_is_said(call, monkeypatch):
    # A service whose /info says so, and that has nothing else.
    body = b'{"websocket":false,"origins":["*:*"],"cookie_needed":true,"entropy":1}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with OddServer(head + body) as server:
        said = examined(call, f"http://127.0.0.1:{server.port}/app")
    value = json.loads(said.out)
    (info,) = [step for step in value["steps"] if step["step"] == "info"]
    assert info["detail"] == "offers no WebSocket, wants cookies"
    assert value["ok"] is False


def test_hostile_words_are_not_obeyed():
    with (
        OddServer(b"\x1b[2J\x1b]0;title\x07\n\n\0", greets=True) as server,
        OnTerminal("doctor", f"stomp://127.0.0.1:{server.port}", environ={"NO_COLOR": "1"}) as terminal,
    ):
        assert terminal.end() == Exit.NOT_CONNECTED
    assert "\x1b" not in terminal.seen


@pytest.mark.parametrize("columns", [20, 40, 100])
def test_a_narrow_terminal_gets_it_in_lines_that_fit(columns, broker):
    with OnTerminal(
        "doctor", broker.sockjs.replace("stomp", "nothing"), environ={"COLUMNS": str(columns)}
    ) as terminal:
        assert terminal.end() == Exit.NOT_CONNECTED
    lines = terminal.text.splitlines()
    # A URL stays in one piece, for those who copy it.
    assert max(len(line) for line in lines if "://" not in line) <= columns
    assert terminal.seen.count("\x1b[32m✓\x1b[0m") == 2
    assert terminal.seen.count("\x1b[31m✗\x1b[0m") == 1
    whole = run("doctor", broker.sockjs.replace("stomp", "nothing"), environ={"COLUMNS": str(columns)}).out
    told = re.sub(r"[\d.]+ ms", "", " ".join(terminal.text.split()))
    assert told == re.sub(r"[\d.]+ ms", "", " ".join(whole.split()))
    # Who reads a pipe gets each finding in one line.
    assert [line.split()[1] for line in whole.splitlines()[1:4]] == ["DNS", "TCP", "SockJS"]


def test_a_server_with_one_version_only(call, monkeypatch):
    async def attempt(way, changes=None, capture=None):
        found = await doctor_attempt.attempt(way, changes, capture)
        if changes and changes.get("versions") == (Version.V1_0,):
            found.error = ConnectionError("not this one")
        return found

    monkeypatch.setattr("stomp_cli.doctor.attempt", attempt)
    with Broker() as broker:
        assert json.loads(call("doctor", broker.url, "--json").out)["versions"] == ["1.1", "1.2"]


# Reading a capture


def record(kind: Kind, time: float, octets: bytes = b"", stream: int = 1, about: str = "") -> Record:
    return Record(kind, time, StreamId(stream), octets=octets, about=about)


def test_an_info_whose_body_comes_behind_its_head():
    found = timeline(
        [
            record(Kind.OPENED, 1.0),
            record(Kind.OUT, 2.0, b"GET /app/info?x=1 HTTP/1.1\r\n\r\n"),
            record(Kind.IN, 3.0, b"HTTP/1.1 200 OK\r\n\r\n"),
            record(Kind.IN, 4.0, b'{"websocket":'),
            record(Kind.IN, 5.0, b"false}"),
        ]
    )
    assert found.took == {"info": 1.0}
    assert found.info is not None
    assert found.info.websocket is False


def test_octets_that_are_no_request_are_no_step():
    found = timeline(
        [
            record(Kind.OPENED, 1.0),
            record(Kind.OUT, 2.0, b"CONNECT\nhost:x HTTP/1.1\n\n\0"),
            record(Kind.IN, 3.0, b"CONNECTED\n\n\0"),
            record(Kind.OUT, 4.0, b"POST /x/xhr_send HTTP/1.1\r\n\r\n"),
        ]
    )
    assert (found.took, found.carries) == ({}, 1.0)


def test_an_info_that_is_none_is_left_to_the_link():
    found = timeline(
        [
            record(Kind.OUT, 2.0, b"GET /info HTTP/1.1\r\n\r\n"),
            record(Kind.IN, 3.0, b'HTTP/1.1 200 OK\r\n\r\n{"websocket":1}'),
        ]
    )
    assert found.info is None


def test_a_capture_that_is_written_late_does_not_shorten_a_step(monkeypatch):
    clock = [10.5]
    lines = [
        '{"t": 0.0, "capture": 1, "kind": "begin"}',
        '{"t": 0.6, "kind": "open", "stream": 1, "about": "there"}',
        '{"t": 0.6, "kind": "opened", "stream": 1, "about": "there"}',
    ]

    @contextlib.asynccontextmanager
    async def connecting(url, *, capture, incoming, **_):
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        for line, now in zip(lines, (10.5, 10.6, 10.6), strict=True):
            clock[0] = now
            capture(line)
        clock[0] = 10.75
        incoming(
            Connected(
                version=Version.V1_2, session=None, server=None, heartbeat=(0.0, 0.0), headers=Headers()
            )
        )
        yield

    monkeypatch.setattr(doctor_attempt, "connect", connecting)
    found = asyncio.run(doctor_attempt.attempt(Way("stomp://there")))
    assert found.greeted - found.timeline.carries == pytest.approx(0.15)
