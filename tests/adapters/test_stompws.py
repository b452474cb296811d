"""The API of StompWS: the calls of its README as they stand there, what it left open, and what was broken."""

from __future__ import annotations

import io
import logging
import queue
import threading
from typing import Any

import pytest

import stomp_blocking.stompws
from stomp_blocking.stompws import Stomp
from stomp_sansio import Disconnect, Send, Subscribe, Unsubscribe
from stomp_sansio.client.public import AuthenticationError, ConnectError, NotConnected
from stomp_sansio.errors import InvalidURI
from tests.adapters.loopback import LoopbackBroker, OddServer

PATIENCE = 60


@pytest.fixture
def host(server: LoopbackBroker, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("no_proxy", "*")
    return f"127.0.0.1:{server.port}/stomp"


def wait(messages: queue.Queue[Any]) -> Any:
    return messages.get(timeout=PATIENCE)


def test_the_calls_of_its_readme(host, server, capsys):
    hostname_endpoint, destination, message = host, "/topic/some-destination", "Hello"
    printed = threading.Event()

    stomp = Stomp(hostname_endpoint, sockjs=True, wss=False)
    stomp.connect()

    # define the callback function that should act upon the message
    def do_something(msg):
        print(msg)  # noqa: T201  # as it stands there
        printed.set()

    # subscribe to a destination and pass the callback function
    stomp.subscribe("/topic/some-destination", do_something)
    stomp.send(destination, message)

    assert printed.wait(PATIENCE)
    assert capsys.readouterr().out == "Hello\n"
    stomp.unsubscribe(destination)
    stomp.disconnect()
    assert len(server.saw(Unsubscribe)) == 1
    assert len(server.saw(Disconnect)) == 1


@pytest.mark.parametrize(
    ("sockjs", "path"),
    [(False, "/stomp/websocket"), (True, "/stomp"), ("auto", "/stomp"), ("auto", "/stomp/")],
)
def test_each_kind_of_endpoint(server, host, sockjs, path):
    got: queue.Queue[str] = queue.Queue()
    stomp = Stomp(host.replace("/stomp", path), sockjs=sockjs, wss=False)
    stomp.connect()
    stomp.subscribe("/topic/a", got.put)
    stomp.send("/topic/a", "x")
    assert wait(got) == "x"
    stomp.disconnect()


@pytest.mark.parametrize("sockjs", [True, "auto"])
def test_tls_is_the_default_and_is_checked(secure_server, sockjs, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    stomp = Stomp(f"localhost:{secure_server.port}/stomp", sockjs=sockjs)
    with pytest.raises(ConnectError, match="the certificate"):
        stomp.connect()


def test_every_subscription_has_its_own_callback(host, server):
    got: queue.Queue[tuple[str, str]] = queue.Queue()
    stomp = Stomp(host, True, False)
    stomp.connect()
    stomp.subscribe("/topic/a", lambda text: got.put(("a", text)))
    stomp.subscribe("/topic/b", lambda text: got.put(("b", text)))
    stomp.send("/topic/b", "1")
    assert wait(got) == ("b", "1")
    stomp.send("/topic/a", "2")
    assert wait(got) == ("a", "2")
    assert len({event.id for event in server.saw(Subscribe)}) == 2
    assert {event.ack.value for event in server.saw(Subscribe)} == {"auto"}
    stomp.disconnect()


@pytest.mark.parametrize("text", ["several\nlines\n\n", "a\0b", "größer 🎉", "", "colon: value"])
def test_bodies_come_as_they_went(host, text):
    got: queue.Queue[str] = queue.Queue()
    stomp = Stomp(host, sockjs=True, wss=False)
    stomp.connect()
    stomp.subscribe("/topic/a:b", got.put)
    stomp.send("/topic/a:b", text)
    assert wait(got) == text
    stomp.disconnect()


def test_octets_that_are_no_text_are_shown_as_well_as_can_be(host):
    got: queue.Queue[str] = queue.Queue()
    stomp = Stomp(host, sockjs=True, wss=False)
    stomp.connect()
    stomp.subscribe("/topic/a", got.put)
    stomp.send("/topic/a", b"a\xffb")
    assert wait(got) == "a\ufffdb"
    stomp.disconnect()


def test_a_callback_that_raises_is_logged_and_the_next_message_comes(host, caplog):
    got: queue.Queue[str] = queue.Queue()

    def callback(text: str) -> None:
        got.put(text)
        if text == "bad":
            raise LookupError("on purpose")

    stomp = Stomp(host, sockjs=True, wss=False)
    stomp.connect()
    stomp.subscribe("/topic/a", callback)
    stomp.send("/topic/a", "bad")
    stomp.send("/topic/a", "good")
    assert [wait(got), wait(got)] == ["bad", "good"]
    stomp.disconnect()
    assert "the callback for /topic/a raised" in caplog.text
    assert "on purpose" in caplog.text


def test_what_is_unsubscribed_gets_nothing_more(host, server):
    got: queue.Queue[str] = queue.Queue()
    stomp = Stomp(host, sockjs=True, wss=False)
    stomp.connect()
    stomp.subscribe("/topic/a", got.put)
    stomp.subscribe("/topic/b", got.put)
    stomp.unsubscribe("/topic/a")
    stomp.send("/topic/a", "1")
    stomp.send("/topic/b", "2")
    assert wait(got) == "2"
    with pytest.raises(ValueError, match="call subscribe"):
        stomp.unsubscribe("/topic/a")
    stomp.disconnect()


def test_calls_before_connect_and_after_disconnect_say_so(host):
    stomp = Stomp(host, sockjs=True, wss=False)
    stomp.disconnect()
    for _ in range(2):
        with pytest.raises(NotConnected, match="call connect"):
            stomp.send("/topic/a", "x")
        with pytest.raises(NotConnected, match="call connect"):
            stomp.subscribe("/topic/a", print)
        stomp.connect()
        stomp.send("/topic/a", "x")
        stomp.disconnect()
        stomp.disconnect()


def test_a_callback_may_disconnect(host, server):
    done = threading.Event()
    stomp = Stomp(host, sockjs=True, wss=False)

    def callback(text: str) -> None:
        stomp.disconnect()
        done.set()

    stomp.connect()
    stomp.subscribe("/topic/a", callback)
    stomp.send("/topic/a", "x")
    assert done.wait(PATIENCE)
    assert len(server.saw(Disconnect)) == 1


def test_a_refusal_is_an_error_and_no_endless_wait(host, server):
    server.broker.users = {"ada": "right"}
    stomp = Stomp(host, sockjs=True, wss=False, login="ada", passcode="wrong")
    with pytest.raises(AuthenticationError, match="passcode="):
        stomp.connect()
    server.broker.users = {"ada": "wrong"}
    stomp.connect()
    stomp.disconnect()


def test_a_server_that_is_no_websocket_is_an_error():
    with OddServer(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") as odd:
        stomp = Stomp(f"127.0.0.1:{odd.port}/stomp", wss=False, proxy=None)
        with pytest.raises(ConnectError, match="SockJS endpoint"):
            stomp.connect()


def test_a_subscription_that_is_refused_is_logged(host, server, caplog):
    server.broker.refused.add("/queue/forbidden")
    got: queue.Queue[str] = queue.Queue()
    stomp = Stomp(host, sockjs=True, wss=False)
    stomp.connect()
    stomp.subscribe("/topic/a", got.put)
    stomp.subscribe("/queue/forbidden", got.put)
    server.wait_for(lambda: len(server.saw(Subscribe, destination="/queue/forbidden")) >= 2)
    while not server.saw(Send):
        try:
            stomp.send("/topic/a", "x")
        except NotConnected:
            continue
        server.wait_for(lambda: bool(server.saw(Send)) or not server.broker.clients)
    assert wait(got) == "x"
    stomp.disconnect()
    assert "no access to /queue/forbidden" in caplog.text


def test_a_lost_connection_is_made_again(host, server):
    got: queue.Queue[str] = queue.Queue()
    stomp = Stomp(host, sockjs=True, wss=False, reconnect=stomp_blocking.Backoff(initial=0.01))
    stomp.connect()
    stomp.subscribe("/queue/a", got.put)
    server.wait_for(lambda: len(server.saw(Subscribe)) == 1)
    server.drop_all()
    server.wait_for(lambda: len(server.saw(Subscribe)) == 2)
    stomp.send("/queue/a", "x")
    assert wait(got) == "x"
    stomp.disconnect()


def test_trace_shows_every_frame(host, monkeypatch):
    logger = logging.getLogger("stomp_blocking")
    shown = io.StringIO()
    before = logger.level, list(logger.handlers), logger.propagate
    # pytest's own handlers listen at the root, where a program may have none.
    logger.propagate = False
    monkeypatch.setattr("sys.stderr", shown)
    try:
        stomp = Stomp(host, sockjs=True, wss=False, trace=True, login="ada", passcode="secret")
        Stomp(host, trace=True)
        stomp.connect()
        stomp.send("/topic/a", "x")
        stomp.disconnect()
        assert len(logger.handlers) == 1
    finally:
        logger.level, logger.handlers, logger.propagate = before
    lines = shown.getvalue().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("> ")] == ["CONNECT", "SEND", "DISCONNECT"]
    assert "secret" not in shown.getvalue()


def test_a_host_that_cannot_be_used_is_told_at_once():
    with pytest.raises(InvalidURI):
        Stomp("")
    assert stomp_blocking.stompws.__all__ == ["Stomp"]


@pytest.mark.parametrize("host", ["http://there/stomp", "wss://there/stomp"])
def test_a_host_with_a_scheme_is_told_what_to_pass(host):
    with pytest.raises(InvalidURI, match="leave out the scheme"):
        Stomp(host)
