"""The proxy passes octets on, and does to them what it was told: each fault is one that sockets can tell."""

import socket
import threading
import time

import pytest

from tests.adapters.loopback import nobody_listens
from tests.interop.proxy import Proxy
from tests.interop.servers.process import HOST


@pytest.fixture
def echo():
    """The port of a server that sends back what comes."""
    listener = socket.create_server((HOST, 0))

    def serve(stream):
        with stream:
            try:
                while data := stream.recv(4096):
                    stream.sendall(data)
            except OSError:
                pass

    def accept():
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(stream,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def through(proxy, seconds=10.0):
    stream = socket.create_connection((HOST, proxy.port), 10)
    stream.settimeout(seconds)
    return stream


def test_octets_pass_both_ways_and_so_does_the_end(echo):
    with Proxy(echo) as proxy, through(proxy) as stream:
        stream.sendall(b"there")
        assert stream.recv(100) == b"there"
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(100) == b""
        assert (proxy.accepted, proxy.cut) == (1, 0)


def test_it_knows_since_when_the_server_is_silent(echo):
    with Proxy(echo) as proxy:
        assert proxy.silent_since is None
        with through(proxy) as stream:
            before = time.monotonic()
            stream.sendall(b"there")
            assert stream.recv(100) == b"there"
            since = proxy.silent_since
            assert since is not None
            assert before <= since <= time.monotonic()


def test_reset_is_told_as_a_reset(echo):
    with Proxy(echo) as proxy, through(proxy) as stream:
        stream.sendall(b"there")
        assert stream.recv(100) == b"there"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            stream.recv(100)


def test_a_connection_is_reset_after_so_many_octets(echo):
    def talk(stream):
        for _ in range(1000):
            stream.sendall(b"x" * 100)
            assert stream.recv(100)

    with Proxy(echo, reset_after=1000) as proxy, through(proxy) as stream:
        with pytest.raises(ConnectionError):
            talk(stream)
        assert proxy.cut == 1


def test_a_silent_connection_is_cut(echo):
    with Proxy(echo, idle=0.2) as proxy, through(proxy) as stream:
        with pytest.raises(ConnectionResetError):
            stream.recv(100)
        assert proxy.cut >= 1


def test_what_was_held_back_passes_when_it_flows_again(echo):
    with Proxy(echo) as proxy, through(proxy) as stream:
        stream.sendall(b"before")
        assert stream.recv(100) == b"before"
        proxy.stall()
        stream.sendall(b"held back")
        stream.settimeout(0.3)
        with pytest.raises(TimeoutError):
            stream.recv(100)
        stream.settimeout(10)
        proxy.flow()
        assert stream.recv(100) == b"held back"


def test_who_cannot_be_reached_is_a_reset():
    # it may come before the client's own connect has returned
    with (
        nobody_listens() as closed,
        Proxy(closed) as proxy,
        pytest.raises(ConnectionResetError),
        through(proxy) as stream,
    ):
        stream.recv(100)
