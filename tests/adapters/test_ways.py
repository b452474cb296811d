"""Every way from a client to a server beside a plain address: Unix sockets, proxies, several addresses, and
sockets that are open already.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import trio

from stomp_sansio import Disconnect, Send
from stomp_sansio.client.public import ConnectError, ConnectionClosed
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import LoopbackBroker, OddServer, TunnelProxy, nobody_listens


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


def test_a_unix_socket(colour: Colour, tmp_path: Path):
    path = str(tmp_path / "stomp.sock")

    async def scenario() -> None:
        async with colour.connect(f"stomp+unix://{path}") as client:
            await client.send("/queue/a", "x", receipt=True)

    with LoopbackBroker(path=path) as server:
        colour.run(scenario)
        assert len(server.saw(Disconnect)) == 1


@pytest.mark.parametrize("scheme", ["stomps", "wss", "https"])
def test_tls_inside_a_tunnel(colour, secure_server, client_context, scheme):
    async def scenario() -> None:
        url = f"{scheme}://localhost/stomp"
        where = f"http://ada:secret@127.0.0.1:{proxy.port}"
        async with colour.connect(url, ssl=client_context, proxy=where, vhost="/") as client:
            await client.send("/queue/a", "x" * 100_000, receipt=True)

    with TunnelProxy(secure_server.port) as proxy:
        colour.run(scenario)
        assert proxy.asked[0].startswith(b"CONNECT localhost:")
        assert b"Proxy-Authorization: Basic YWRhOnNlY3JldA==\r\n" in proxy.asked[0]
        assert len(secure_server.saw(Send)) == 1


def test_a_proxy_that_the_environment_names(colour, server, monkeypatch):
    async def scenario() -> None:
        async with colour.connect("stomp://broker.example.org") as client:
            await client.send("/queue/a", "x", receipt=True)

    with TunnelProxy(server.port) as proxy:
        monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        colour.run(scenario)
        assert proxy.asked[0].startswith(b"CONNECT broker.example.org:61613 ")


def test_tls_inside_a_tunnel_to_a_port_without_tls(colour, client_context):
    async def scenario() -> None:
        where = f"http://127.0.0.1:{proxy.port}"
        with pytest.raises(ConnectError, match="TLS"):
            async with colour.connect("stomps://localhost", ssl=client_context, proxy=where):
                pass

    with OddServer(b"ERROR\n\n\0", greets=True) as server, TunnelProxy(server.port) as proxy:
        colour.run(scenario)


def resolve_to(*addresses: tuple[int, Any]) -> Any:
    """Return what resolves every name to these addresses."""

    def getaddrinfo(*arguments: Any, **keywords: Any) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 0, "", where) for family, where in addresses]

    return getaddrinfo


def test_another_address_is_tried_when_one_refuses(colour, server, monkeypatch):
    async def scenario() -> None:
        async with colour.connect(f"stomp://twofold.example:{server.port}", proxy=None) as client:
            assert client.connected

    with nobody_listens() as port:
        here = ("127.0.0.1", server.port)
        fake = resolve_to((socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, here))
        if colour.name == "trio":
            colour.run(with_resolver, Resolver(fake), scenario)
        else:
            monkeypatch.setattr(socket, "getaddrinfo", fake)
            colour.run(scenario)


def test_a_name_with_no_address_that_answers(colour, monkeypatch):
    async def scenario() -> None:
        with pytest.raises(ConnectError, match="nobody accepted the connection"):
            async with colour.connect("stomp://twofold.example", proxy=None):
                pass

    with nobody_listens() as port:
        where = ("127.0.0.1", port)
        fake = resolve_to((socket.AF_INET, where), (socket.AF_INET, where))
        if colour.name == "trio":
            colour.run(with_resolver, Resolver(fake), scenario)
        else:
            monkeypatch.setattr(socket, "getaddrinfo", fake)
            colour.run(scenario)


class Resolver(trio.abc.HostnameResolver):
    """trio's own way to be told addresses."""

    def __init__(self, fake: Any) -> None:
        self.fake = fake

    async def getaddrinfo(self, *arguments: Any, **keywords: Any) -> Any:
        return self.fake(*arguments, **keywords)

    async def getnameinfo(self, *arguments: Any, **keywords: Any) -> Any:
        raise NotImplementedError


async def with_resolver(resolver: Resolver, scenario: Any) -> None:
    trio.socket.set_custom_hostname_resolver(resolver)
    await scenario()


@pytest.fixture
def connected(server):
    """A socket that is connected to the server."""
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        yield sock


async def injected(colour: Colour, sock: socket.socket) -> dict[str, Any]:
    if colour.name == "trio":
        return {"stream": trio.SocketStream(trio.socket.from_stdlib_socket(sock))}
    return {"sock": sock}


def test_a_socket_that_is_open_already(colour, server, connected):
    async def scenario() -> None:
        async with colour.connect(
            "stomp://broker.example.org/vhost", **await injected(colour, connected)
        ) as client:
            await client.send("/queue/a", "x", receipt=True)
            await colour.in_thread(server.drop_all)
            with pytest.raises(ConnectionClosed):
                await client.send("/queue/a", "y", receipt=True)

    colour.run(scenario)


def test_a_socket_that_is_open_already_may_get_tls(colour, secure_server, client_context):
    async def scenario() -> None:
        with socket.create_connection(("127.0.0.1", secure_server.port)) as sock:
            keywords = await injected(colour, sock)
            async with colour.connect("stomps://localhost", ssl=client_context, **keywords) as client:
                await client.send("/queue/a", "x", receipt=True)

    colour.run(scenario)
