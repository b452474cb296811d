"""The options that all commands share which connect."""

from __future__ import annotations

import argparse
import ssl

import pytest

from stomp_cli.connecting import add_connect_arguments, way
from stomp_cli.exits import Exit, UsageError
from stomp_sansio.errors import InvalidURI
from tests.cli.programs import CANARY, Broker, run, without


def made(*arguments: str, environ: dict[str, str] | None = None):
    parser = argparse.ArgumentParser()
    add_connect_arguments(parser)
    return way(parser.parse_args(arguments), environ or {})


def test_nothing_said_is_nothing_passed():
    plain = made("stomp://localhost")
    assert plain.keywords == {"vhost": None, "connect_headers": [], "additional_headers": []}
    assert (plain.url, plain.ssl, plain.capture) == ("stomp://localhost", None, None)


def test_every_option_is_a_keyword():
    full = made(
        *(
            "stomp://localhost",
            "--vhost",
            "/",
            "--heartbeat",
            "5,7",
            "--transports",
            "websocket, xhr-polling",
        ),
        *("--connect-timeout", "3", "--no-reconnect", "--proxy", "http://proxy:3128"),
        *("--connect-header", "client-id:me", "--http-header", "Cookie: a=b", "--capture", "file"),
    )
    assert full.keywords == {
        "vhost": "/",
        "heartbeat": (5.0, 7.0),
        "transports": ("websocket", "xhr-polling"),
        "open_timeout": 3.0,
        "reconnect": None,
        "proxy": "http://proxy:3128",
        "connect_headers": [("client-id", "me")],
        "additional_headers": [("Cookie", "a=b")],
    }
    assert full.capture == "file"
    assert full.secrets == ("a=b",)


def test_one_heartbeat_is_both():
    assert made("stomp://localhost", "--heartbeat", "0").keywords.get("heartbeat") == (0.0, 0.0)


def test_no_proxy_at_all():
    assert made("stomp://localhost", "--proxy", "none").keywords.get("proxy") is None


def test_headers_from_a_file(tmp_path):
    (tmp_path / "headers").write_text(f"Authorization: Bearer {CANARY}\n\nX-Other: y\n")
    read = made("stomp://localhost", "--http-header", f"@{tmp_path / 'headers'}")
    assert read.keywords.get("additional_headers") == [
        ("Authorization", f"Bearer {CANARY}"),
        ("X-Other", "y"),
    ]
    assert CANARY not in repr(read)
    assert read.secrets == (f"Bearer {CANARY}",)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--connect-header", "no-colon"),
        ("--http-header", ":no-name"),
        ("--http-header", "@/does/not/exist"),
        ("--cafile", "/does/not/exist"),
    ],
)
def test_what_cannot_be_used_is_said(arguments):
    with pytest.raises(UsageError):
        made("stomp://localhost", *arguments)


def test_a_url_that_cannot_be_used_says_what_to_write(call):
    with pytest.raises(InvalidURI):
        made("localhost:61613")
    said = call("send", "localhost:61613", "/queue/a", "x")
    assert said.code == Exit.USAGE
    assert "write stomp://HOST" in said.err


@pytest.mark.parametrize("value", ["x", "0", "-1", "inf", "nan", ""])
def test_seconds_are_more_than_nothing(value, call):
    assert call("send", "stomp://localhost", "/queue/a", f"--connect-timeout={value}").code == Exit.USAGE


@pytest.mark.parametrize("value", ["x", "1,2,3", ""])
def test_heartbeats_are_one_number_or_two(value, call):
    said = call("send", "stomp://localhost", "/queue/a", f"--heartbeat={value}")
    assert (said.code, "write seconds" in said.err) == (Exit.USAGE, True)


def test_a_passcode_file_alone_is_a_token(tmp_path):
    (tmp_path / "token").write_text(CANARY)
    read = made("stomp://localhost", "--passcode-file", str(tmp_path / "token"))
    assert (read.keywords.get("login"), read.keywords.get("passcode")) == (None, CANARY)


def test_the_environment_alone_is_no_reason_to_log_in():
    assert "passcode" not in made("stomp://localhost", environ={"STOMP_PASSCODE": CANARY}).keywords


def test_a_login_comes_before_that_of_the_url():
    read = made("stomp://bob:x@localhost", "--login", "ada", environ={"STOMP_PASSCODE": CANARY})
    assert (read.keywords.get("login"), read.keywords.get("passcode")) == ("ada", CANARY)
    assert set(read.secrets) == {CANARY, "x"}


@pytest.mark.parametrize("kind", ["url", "websocket", "sockjs"])
def test_every_kind_of_url_is_connected_to(kind, broker, call):
    assert call("send", getattr(broker, kind), "/queue/a", "x", "--receipt").code == Exit.OK
    assert broker.waiting("/queue/a") == 1


def test_certificates_of_ones_own(secure, certificates, call):
    url = secure.url.replace("127.0.0.1", "localhost")
    refused = call("send", url, "/queue/a", "x")
    assert refused.code == Exit.NOT_CONNECTED
    assert "--cafile FILE" in refused.err
    assert call("send", url, "/queue/a", "x", "--cafile", str(certificates / "ca.pem")).code == Exit.OK


def test_a_server_that_asks_for_a_certificate_sees_ours(authority, certificates, call, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("ada@example.com")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "ada.pem")
    ours.private_key_pem.write_to_path(tmp_path / "ada.key")
    with Broker(ssl=context) as broker:
        url = broker.url.replace("127.0.0.1", "localhost")
        arguments = ["send", url, "/queue/a", "x", "--cafile", str(certificates / "ca.pem")]
        assert call(*arguments).code == Exit.NOT_CONNECTED
        shown = ["--cert", str(tmp_path / "ada.pem"), "--key", str(tmp_path / "ada.key")]
        assert call(*arguments, *shown).code == Exit.OK
        exchanged = call("demo", url, "--cafile", str(certificates / "ca.pem"), *shown)
        assert "RIGHT: 4 messages in, 4 out the same" in exchanged.out
    lonely = call(*arguments, "--key", str(tmp_path / "ada.key"))
    assert (lonely.code, "--key needs --cert FILE" in lonely.err) == (Exit.USAGE, True)


def test_the_first_that_answers_of_a_list(broker, call):
    assert call("send", f"failover:({broker.url},stomp://127.0.0.1:1)", "/queue/a", "x").code == Exit.OK


def test_what_is_missing_is_named(broker):
    said = run("send", broker.websocket, "/queue/a", "x", program=without("wsproto"))
    assert said.code == Exit.USAGE
    assert "pip install 'stomp-sansio[ws]'" in said.err
    assert run("send", broker.url, "/queue/a", "x", program=without("wsproto")).code == Exit.OK


def test_a_capture_holds_what_passed_but_no_secret(guarded, call, tmp_path):
    file = tmp_path / "capture"
    url = guarded.url.replace("//", f"//ada:{CANARY}@")
    assert call("send", url, "/queue/a", "hello", "--receipt", "--capture", str(file)).code == Exit.OK
    lines = file.read_text(encoding="ascii").splitlines()
    assert '"kind": "begin"' in lines[0]
    assert '"kind": "end"' in lines[-1]
    assert any("SEND" in line and "hello" in line for line in lines)
    assert CANARY not in file.read_text(encoding="ascii")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_capture_that_cannot_be_written_is_said_at_once(broker, call, tmp_path):
    said = call("send", broker.url, "/queue/a", "x", "--capture", str(tmp_path / "no" / "file"))
    assert (said.code, "the capture cannot be written" in said.err) == (Exit.USAGE, True)
    assert broker.waiting("/queue/a") == 0
