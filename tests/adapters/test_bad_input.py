"""What users and servers get wrong: each has an exception of its own, which says what to do next, in every
colour. Nothing waits for ever.
"""

from __future__ import annotations

from typing import Any

import pytest

from stomp_sansio import LocalProtocolError, Misuse, NotText, Version
from stomp_sansio.client.public import AuthenticationError, ConnectError, ConnectionClosed
from stomp_sansio.errors import InvalidURI
from stomp_sansio.links.link import Phase
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import OddServer, nobody_listens


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


def failure(colour: Colour, url: str, **keywords: Any) -> Exception:
    """Return what a client is told that cannot connect."""

    async def scenario() -> None:
        async with colour.connect(url, proxy=keywords.pop("proxy", None), **keywords):
            raise AssertionError("it is connected")

    try:
        colour.run(scenario)
    except (OSError, LocalProtocolError) as error:
        return error
    raise AssertionError("nothing was raised")


def refused(colour: Colour, url: str, **keywords: Any) -> ConnectError:
    error = failure(colour, url, **keywords)
    assert isinstance(error, ConnectError), error
    return error


def given_up(colour: Colour, url: str, phase: Phase) -> str:
    """Return what is told when the time for a connection is over in a phase that never ends.

    On a busy machine a short time may be over before that phase is reached: then it is given more.
    """
    for seconds in (0.1, 1, 10, 100):
        error = refused(colour, url, open_timeout=seconds)
        start = f"no connection within {seconds:g} s (open_timeout): "
        assert str(error).find(start) >= 0, error
        if error.phase is phase:
            return str(error).partition(start)[2]
    raise AssertionError(f"{phase} was never reached: {error}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("localhost:61613", "stomp://"),
        ("ftp://localhost", "ftp"),
        ("stomp://", "host"),
        ("stomp://localhost:port", "port"),
        ("", "stomp"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_at_once(colour, url, told):
    with pytest.raises(InvalidURI, match=told):
        colour.connect(url)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"open_timeout": 0}, "open_timeout is 0"),
        ({"close_timeout": -1}, "close_timeout is -1"),
        ({"receipt_timeout": float("nan")}, "receipt_timeout is nan"),
        ({"max_queue": 0}, "max_queue is 0"),
        ({"max_unconfirmed": 0}, "max_unconfirmed is 0"),
        ({"transports": ("carrier-pigeon",)}, "xhr-polling"),
        ({"heartbeat": (-1, 0)}, "heart"),
    ],
)
def test_keywords_that_make_no_sense_are_told_at_once(colour, keywords, told):
    with pytest.raises(ValueError, match=told):
        colour.connect("http://localhost/stomp", **keywords)


def test_keywords_that_do_not_exist_are_told_at_once(colour):
    with pytest.raises(TypeError, match="passwort"):
        colour.connect("stomp://localhost", passwort="x")


@pytest.mark.parametrize("headers", [{"bad name": "x"}, {"x": "a\r\nb: c"}])
def test_http_headers_that_cannot_be_sent_are_told_at_once(colour, headers):
    for url in ("ws://localhost/stomp", "http://localhost/stomp"):
        with pytest.raises(LocalProtocolError) as caught:
            colour.connect(url, additional_headers=headers)
        assert caught.value.misuse is Misuse.BAD_HEADER


def test_credentials_that_cannot_be_sent_are_told_at_once(colour):
    with pytest.raises(LocalProtocolError, match="passcode") as caught:
        colour.connect("stomp://localhost", login="ada", passcode="a\nb")
    assert caught.value.misuse is Misuse.BAD_HEADER


def test_a_port_where_nobody_listens(colour):
    with nobody_listens() as port:
        error = refused(colour, f"stomp://127.0.0.1:{port}")
    assert error.phase is Phase.TCP
    assert "check that the server runs, its port, and firewalls" in str(error)
    assert "[Errno 111]" in str(error) or "Connection refused" in str(error)


def test_a_host_that_does_not_exist(colour):
    error = refused(colour, "stomp://does-not-exist.invalid", open_timeout=30)
    assert error.phase is Phase.DNS
    assert "check its spelling" in str(error)


def test_a_unix_socket_that_does_not_exist(colour):
    error = refused(colour, "stomp+unix:///nowhere/at/all")
    assert error.phase is Phase.TCP
    assert "/nowhere/at/all" in str(error)


SCHEMES = [("stomp", "stomps", ""), ("ws", "wss", "/stomp/websocket"), ("http", "https", "/stomp")]


@pytest.mark.parametrize(("plain", "secure", "path"), SCHEMES)
def test_tls_to_a_plain_port(colour, server, plain, secure, path):
    error = refused(colour, f"{secure}://127.0.0.1:{server.port}{path}")
    assert error.phase is Phase.TLS
    assert f"if this port does without TLS, write {plain}://" in str(error)


@pytest.mark.parametrize(("plain", "secure", "path"), SCHEMES)
def test_tls_to_a_port_that_says_nothing(colour, plain, secure, path):
    with OddServer(b"", hangs_up=False) as server:
        told = given_up(colour, f"{secure}://127.0.0.1:{server.port}{path}", Phase.TLS)
    assert told.startswith("the TLS hand-shake was not answered")


@pytest.mark.parametrize(("plain", "secure", "path"), SCHEMES)
def test_a_tls_port_that_hangs_up_on_those_who_speak_without(colour, secure_server, plain, secure, path):
    error = refused(colour, f"{plain}://127.0.0.1:{secure_server.port}{path}")
    assert f"if this port wants TLS, write {secure}://" in str(error)


@pytest.mark.parametrize(
    "answer", [b"\x15\x03\x03\x00\x02\x02\x16", b"HTTP/1.1 400 TLS, please\r\n\r\n"], ids=["alert", "400"]
)
@pytest.mark.parametrize(("plain", "secure", "path"), SCHEMES)
def test_a_tls_port_that_answers_those_who_speak_without(colour, plain, secure, path, answer):
    with OddServer(answer) as server:
        error = refused(colour, f"{plain}://127.0.0.1:{server.port}{path}")
    # Whoever answers STOMP in HTTP may want a WebSocket.
    assert f"{secure}://" in str(error) or "wss://" in str(error)


@pytest.mark.parametrize(("plain", "secure", "path"), SCHEMES)
def test_a_request_that_nobody_answers(colour, plain, secure, path):
    with OddServer(b"", hangs_up=False) as server:
        phases = {"stomp": Phase.CONNECT, "ws": Phase.UPGRADE, "http": Phase.INFO}
        told = given_up(colour, f"{plain}://127.0.0.1:{server.port}{path}", phases[plain])
    assert told.startswith("the se")


def test_a_certificate_of_somebody_else(colour, secure_server):
    error = refused(colour, f"stomps://localhost:{secure_server.port}")
    assert error.phase is Phase.TLS
    assert "pass an SSL context that trusts its issuer" in str(error)


def test_a_virtual_host_that_does_not_exist(colour, server):
    server.broker.vhost = "/"
    error = refused(colour, f"stomp://127.0.0.1:{server.port}")
    assert not isinstance(error, AuthenticationError)
    assert "pass vhost=" in str(error)


def test_a_wrong_password(colour, server):
    server.broker.users = {"ada": "right"}
    error = failure(colour, f"stomp://127.0.0.1:{server.port}", login="ada", passcode="wrong")
    assert isinstance(error, AuthenticationError)
    assert "check login= and passcode=" in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, AuthenticationError, "additional_headers"),
        (403, AuthenticationError, "403"),
        (404, ConnectError, "URL"),
        (407, AuthenticationError, "407"),
        (302, ConnectError, "302"),
        (503, ConnectError, "later"),
    ],
)
@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_an_http_request_that_is_refused(colour, scheme, status, kind, told):
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with OddServer(answer) as server:
        error = failure(colour, f"{scheme}://127.0.0.1:{server.port}/stomp")
    assert type(error) is kind
    assert str(status) in str(error)
    assert told in str(error)


def test_a_websocket_url_for_a_sockjs_service(colour, server):
    error = refused(colour, f"ws://127.0.0.1:{server.port}/elsewhere")
    assert "404" in str(error)
    assert "http" in str(error)


def test_a_sockjs_url_for_something_else(colour):
    with OddServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello") as server:
        error = refused(colour, f"http://127.0.0.1:{server.port}/stomp")
    assert error.phase is Phase.INFO


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.org ESMTP\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-ERR unknown command\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x03\x00\x02\x02\x16",
        b"\x00" * 20,
    ],
    ids=["smtp", "http", "redis", "ssh", "tls", "zeros"],
)
@pytest.mark.parametrize("greets", [True, False])
def test_a_server_that_speaks_another_protocol(colour, answer, greets):
    with OddServer(answer, greets=greets) as server:
        error = refused(colour, f"stomp://127.0.0.1:{server.port}")
    assert error.phase is Phase.CONNECT
    assert "does not speak STOMP" in str(error)
    assert "check host and port" in str(error) or " that is " in str(error)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "that is an SSH server: check host and port"),
        (b"ERROR\nmessage:Bad command\n\n\0", "that is plain STOMP: write stomp:// or stomps://"),
    ],
    ids=["ssh", "stomp"],
)
@pytest.mark.parametrize("hangs_up", [True, False])
@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_server_that_speaks_no_http(colour, scheme, answer, told, hangs_up):
    with OddServer(answer, hangs_up=hangs_up) as server:
        error = refused(colour, f"{scheme}://127.0.0.1:{server.port}/stomp")
    assert told in str(error)


def test_a_server_that_hangs_up_after_connect(colour):
    with OddServer(b"") as server:
        error = refused(colour, f"stomp://127.0.0.1:{server.port}")
    assert server.heard[0].startswith(b"CONNECT\n")
    assert "CONNECT was not answered" in str(error)


def test_a_proxy_that_refuses(colour):
    with OddServer(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as proxy:
        error = failure(colour, "stomp://example.org", proxy=f"http://127.0.0.1:{proxy.port}")
    assert isinstance(error, AuthenticationError)
    assert error.phase is Phase.PROXY
    assert "http://LOGIN:PASSWORD@HOST:PORT" in str(error)
    assert proxy.heard[0].startswith(b"CONNECT example.org:61613 HTTP/1.1\r\n")


def test_a_socks_proxy_is_declined(colour):
    with pytest.raises(InvalidURI, match="SOCKS"):
        colour.connect("stomp://example.org", proxy="socks5://127.0.0.1:1080")


def test_an_acknowledgement_of_what_awaits_none(colour, server):
    async def scenario() -> None:
        async with colour.connect(f"stomp://127.0.0.1:{server.port}") as client:
            async with client.subscribe("/queue/a") as automatic:
                await client.send("/queue/a", "x", receipt=True)
                with pytest.raises(LocalProtocolError, match="ack='client-individual'") as caught:
                    await (await automatic.receive()).ack()
                assert caught.value.misuse is Misuse.NOT_ACKABLE
            async with client.subscribe("/queue/b", ack="client-individual") as individual:
                await client.send("/queue/b", "x", receipt=True)
                message = await individual.receive()
                await message.ack()
                with pytest.raises(LocalProtocolError) as caught:
                    await message.ack()
                assert caught.value.misuse is Misuse.UNKNOWN_MESSAGE
                await client.send("/queue/c", receipt=True)

    colour.run(scenario)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"ack": "sometimes"}, "ack is 'sometimes': write 'auto', 'client' or 'client-individual'"),
        ({"overflow": "drop"}, "overflow is 'drop': write 'pause', 'drop-oldest' or 'end'"),
        ({"on_exit": "stay"}, "on_exit is 'stay': write 'unsubscribe' or 'leave'"),
    ],
)
def test_a_choice_that_there_is_not(colour, server, keywords, told):
    async def scenario() -> None:
        async with colour.connect(f"stomp://127.0.0.1:{server.port}") as client:
            with pytest.raises(ValueError, match=told):
                client.subscribe("/queue/a", **keywords)

    colour.run(scenario)


def test_sending_after_the_end(colour, server):
    async def scenario() -> None:
        async with colour.connect(f"stomp://127.0.0.1:{server.port}") as client:
            pass
        for receipt in (True, False):
            with pytest.raises(ConnectionClosed, match="the session was closed or drained: connect again"):
                await client.send("/queue/a", "late", receipt=receipt)

    colour.run(scenario)


def test_nack_in_1_0(colour, server):
    async def scenario() -> None:
        url = f"stomp://127.0.0.1:{server.port}"
        async with (
            colour.connect(url, versions=[Version.V1_0]) as client,
            client.subscribe("/queue/a", ack="client") as messages,
        ):
            await client.send("/queue/a", "x", receipt=True)
            message = await messages.receive()
            with pytest.raises(LocalProtocolError, match=r"1\.0") as caught:
                await message.nack()
            assert caught.value.misuse is Misuse.UNSUPPORTED_IN_VERSION
            # What cannot be said does not hide why the block failed.
            with pytest.raises(LookupError, match="on purpose"):
                await fail(message)

    async def fail(message: Any) -> None:
        async with message.process():
            raise LookupError("on purpose")

    colour.run(scenario)


def test_a_body_that_is_no_text(colour, server):
    async def scenario() -> None:
        async with (
            colour.connect(f"stomp://127.0.0.1:{server.port}") as client,
            client.subscribe("/queue/a") as messages,
        ):
            await client.send("/queue/a", b"\xff\xfe", receipt=True)
            message = await messages.receive()
            with pytest.raises(NotText, match=r"read \.body"):
                _ = message.text
            with pytest.raises(NotText):
                message.json()
            assert message.body == b"\xff\xfe"
            await client.send("/queue/a", "no json", receipt=True)
            with pytest.raises(ValueError, match="line 1"):
                (await messages.receive()).json()

    colour.run(scenario)


@pytest.mark.parametrize(
    ("body", "keywords", "kind", "told"),
    [
        (7, {}, TypeError, "pass bytes or text, or json="),
        (None, {}, TypeError, "pass bytes or text, or json="),
        ("x", {"json": {}}, TypeError, "pass one of them"),
        (b"", {"json": float("nan")}, ValueError, "JSON"),
        (b"", {"json": {1, 2}}, TypeError, "set"),
        (b"x", {"headers": {"a\0": "b"}}, LocalProtocolError, "NUL"),
        (b"x", {"reciept": True}, TypeError, "reciept"),
        ("\ud800", {}, ValueError, "surrogate"),
    ],
)
def test_a_message_that_cannot_be_sent(colour, server, body, keywords, kind, told):
    async def scenario() -> None:
        async with colour.connect(f"stomp://127.0.0.1:{server.port}") as client:
            with pytest.raises(kind, match=told):
                await client.send("/queue/a", body, **keywords)
            await client.send("/queue/a", "still there", receipt=True)

    colour.run(scenario)


def test_a_body_that_sockjs_cannot_carry(colour, server):
    async def scenario() -> None:
        async with colour.connect(f"http://127.0.0.1:{server.port}/stomp", proxy=None) as client:
            with pytest.raises(LocalProtocolError, match="SockJS carries text") as caught:
                await client.send("/queue/a", b"\xff", receipt=True)
            assert caught.value.misuse is Misuse.NOT_UTF8
            await client.send("/queue/a", b"\xc3\xa9", receipt=True)

    colour.run(scenario)


def test_processing_is_cancelled_in_one_of_two_ways(colour, server):
    async def scenario() -> None:
        async with (
            colour.connect(f"stomp://127.0.0.1:{server.port}") as client,
            client.subscribe("/queue/a", ack="client-individual") as messages,
        ):
            await client.send("/queue/a", "x", receipt=True)
            message = await messages.receive()
            with pytest.raises(ValueError, match="'leave' or 'nack'"):
                await message.process(on_cancel="maybe").__aenter__()
            await message.ack()

    colour.run(scenario)
