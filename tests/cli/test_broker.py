"""`stomp-sansio broker`: where it listens, who may come in, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket

import pytest

import stomp_blocking
from stomp_cli.exits import Exit
from tests.cli.programs import CANARY, OnTerminal, Piped, run, without


def test_it_says_where_it_is_reached_and_is(tmp_path):
    capture = tmp_path / "capture"
    with Piped(
        "broker", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--capture", str(capture)
    ) as broker:
        urls = [broker.line().strip() for _ in range(6)]
        assert [url.partition(":")[0] for url in urls] == ["stomp", "ws", "http"] * 2
        with stomp_blocking.connect(urls[0]) as sender, stomp_blocking.connect(urls[5]) as receiver:
            sender.send("/queue/a", b"x", receipt=True)
            with receiver.subscribe("/queue/a") as messages:
                assert messages.receive(timeout=10).body == b"x"
        broker.signal(signal.SIGTERM)
        ended = broker.end()
    assert ended.code == Exit.OK
    assert ended.err.endswith("ending: clients get what is queued\nended: 1 messages came, 1 went out\n")
    assert '"kind": "end"' in capture.read_text(encoding="ascii").splitlines()[-1]


def test_programs_get_lines_of_json():
    with Piped("broker", "--listen", "127.0.0.1:0", "--json") as broker:
        listening = json.loads(broker.line())
        assert listening["event"] == "listening"
        with stomp_blocking.connect(listening["urls"][0]) as client:
            client.send("/queue/a", b"x", receipt=True)
            numbers = json.loads(broker.line())
        assert (numbers["event"], numbers["sent"], numbers["waiting"]) == ("statistics", 1, 1)
        broker.signal(signal.SIGINT)
        ended = broker.end()
    last = json.loads(ended.out.splitlines()[-1])
    assert (ended.code, last["event"], last["sent"]) == (Exit.OK, "ended", 1)


def test_numbers_are_shown_while_somebody_looks():
    with OnTerminal("broker", "--listen", "127.0.0.1:0") as broker:
        url = broker.wait_for("/\r\n")
        broker.wait_for("0 clients, 0 subscriptions; in 0 (0/s), out 0 (0/s), dropped 0")
        with stomp_blocking.connect(url) as client:
            client.send("/queue/a", b"x", receipt=True)
            broker.wait_for("1 clients, 0 subscriptions; in 1 (1/s)")
            broker.wait_for("1 queues: 1 waiting")
        # What happens is told above the numbers, which come back.
        with pytest.raises(stomp_blocking.BrokerError), stomp_blocking.connect(url) as client:
            client.send("/bogus", b"", receipt=True)
        broker.wait_for("a client is gone: unknown destination")
        broker.wait_for("0 clients")
        broker.press("\x03")
        assert broker.end() == Exit.OK
    assert "Traceback" not in broker.seen


def test_only_who_knows_the_passcode_comes_in(tmp_path):
    (tmp_path / "passcode").write_text(CANARY)
    options = ("--login", "ada", "--passcode-file", str(tmp_path / "passcode"))
    with Piped("broker", "--listen", "127.0.0.1:0", *options) as broker:
        url = broker.line().strip()
        with stomp_blocking.connect(url, login="ada", passcode=CANARY):
            pass
        with pytest.raises(stomp_blocking.AuthenticationError):
            stomp_blocking.connect(url, login="ada", passcode="wrong").__enter__()
        broker.signal(signal.SIGTERM)
        ended = broker.end()
    assert "a client is gone: access refused" in ended.err
    assert CANARY not in ended.out + ended.err


def test_tls_and_other_paths(certificates):
    options = (
        "--cert",
        str(certificates / "server.pem"),
        "--path",
        "/messages",
        "--origin",
        "https://a.example",
    )
    with Piped("broker", "--listen", "localhost:0", *options) as broker:
        urls = [broker.line().strip().replace("127.0.0.1", "localhost") for _ in range(3)]
        assert [url.partition(":")[0] for url in urls] == ["stomps", "wss", "https"]
        assert urls[2].endswith("/messages")
        for url in urls:
            sent = run("send", url, "/queue/a", "x", "--cafile", str(certificates / "ca.pem"))
            assert (sent.code, sent.err) == (Exit.OK, "")


def test_a_port_in_use_is_said(broker, call):
    said = call("broker", "--listen", "127.0.0.1:0", "--listen", f"127.0.0.1:{broker.port}")
    assert said.code == Exit.FAILED
    assert f"cannot listen on 127.0.0.1:{broker.port}: another program listens there" in said.err


def test_an_address_of_another_machine_is_said(call):
    # TEST-NET-1 of RFC 5737 is nobody's.
    said = call("broker", "--listen", "192.0.2.1:0")
    assert (said.code, "this machine has no such address" in said.err) == (Exit.FAILED, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may listen on every port")
def test_a_port_of_the_administrator_is_said(call):
    said = call("broker", "--listen", "127.0.0.1:1")
    assert (said.code, "ports below 1024" in said.err) == (Exit.FAILED, True)


def test_every_interface():
    with Piped("broker", "--listen", ":0") as broker:
        assert broker.line().startswith("stomp://127.0.0.1:")
        broker.signal(signal.SIGTERM)
        assert broker.end().code == Exit.OK


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_ipv6():
    with Piped("broker", "--listen", "[::1]:0") as broker:
        assert broker.line().startswith("stomp://[::1]:")


@pytest.mark.parametrize("address", ["x", "", "host:", "host:x", "host:65536", "host:-1"])
def test_addresses_that_make_no_sense(address, call):
    said = call("broker", f"--listen={address}")
    assert (said.code, "write HOST:PORT" in said.err) == (Exit.USAGE, True)


def test_certificates_that_do_not_fit(certificates, authority, call, tmp_path):
    other = authority.issue_cert("other.example")
    other.private_key_pem.write_to_path(tmp_path / "other.key")
    server = str(certificates / "server.pem")
    for options, said in [
        (
            ("--cert", server, "--key", str(tmp_path / "other.key")),
            "the key does not belong to the certificate",
        ),
        (("--cert", str(tmp_path / "none.pem")), "there is no file"),
        (("--cert", str(certificates / "ca.pem")), "cannot be used"),
        (("--key", server), "--key needs --cert"),
        (("--passcode-file", server), "--passcode-file needs --login"),
    ]:
        refused = call("broker", "--listen", "127.0.0.1:0", *options)
        assert (refused.code, said in refused.err) == (Exit.USAGE, True), refused.err


def test_what_is_missing_is_named():
    said = run("broker", "--listen", "127.0.0.1:0", program=without("h11"))
    assert (said.code, "pip install 'stomp-sansio[ws]'" in said.err) == (Exit.USAGE, True)


def test_a_client_that_takes_nothing_does_not_hold_it_up():
    with Piped("broker", "--listen", "127.0.0.1:0", "--close-timeout", "0.2") as broker:
        url = broker.line()
        port = int(url.rpartition(":")[2].strip("/\n"))
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.sendall(
                b"CONNECT\naccept-version:1.2\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\nreceipt:r\n\n\0"
            )
            heard = b""
            while b"RECEIPT" not in heard:
                heard += silent.recv(4096)
            assert run("send", url.strip(), "/topic/a", "-", stdin=bytes(900_000)).code == Exit.OK
            broker.signal(signal.SIGTERM)
            assert broker.end().code == Exit.OK


@pytest.mark.parametrize(
    ("options", "status"), [((), 421), (("--allow-host", "dev.example", "--allow-host", "x.example"), 200)]
)
def test_names_by_which_browsers_may_come(options, status):
    with Piped("broker", "--listen", "127.0.0.1:0", *options) as broker:
        _, _, url = (broker.line().strip() for _ in range(3))
        fields = {"Host": "dev.example:80", "Origin": "http://dev.example"}
        client = http.client.HTTPConnection(url.split("/")[2], timeout=30)
        client.request("GET", "/stomp/info", headers=fields)
        answer = client.getresponse()
        assert (answer.status, b"--allow-host" in answer.read()) == (status, status == 421)
        client.close()
        broker.signal(signal.SIGTERM)
        ended = broker.end()
    assert ("a client was refused: Pages at 'dev.example:80' get nothing" in ended.err) is (status == 421)


@pytest.mark.parametrize("command", ["broker", "demo"])
@pytest.mark.parametrize("name", ["*", "http://dev.example", "dev.example:80", ""])
def test_what_is_no_name_cannot_be_allowed(command, name, call):
    said = call(command, "--allow-host", name)
    assert (said.code, "is no host name: write it alone, as dev.example" in said.err) == (Exit.USAGE, True)
