"""The embedded broker on a port: every transport, each colour that serves, and clients of this library."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import sys
from typing import Any

import pytest
import trio

import stomp_asyncio
import stomp_trio
from stomp_sansio.broker.events import (
    BrokerEvent,
    ClientConnected,
    ClientGone,
    MessageSent,
    StreamRefused,
)
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.client.public import (
    AuthenticationError,
    Backoff,
    BrokerError,
    ConnectError,
    Interrupted,
    Ready,
)
from stomp_sansio.protocol.events import ConnectRequest
from stomp_sansio.serving import Page, ServerCore
from tests.adapters.colours import COLOURS, Colour

SERVE: dict[str, Any] = {"trio": stomp_trio.serve, "asyncio": stomp_asyncio.serve}
SERVING = [colour for colour in COLOURS if colour.name in SERVE]
TRANSPORTS: list[tuple[str, dict[str, Any]]] = [("stomp", {}), ("ws", {})] + [
    ("http", {"transports": (name,)}) for name in ("websocket", "xhr-streaming", "xhr-polling")
]


@pytest.fixture(params=SERVING, ids=[colour.name for colour in SERVING])
def colour(request: pytest.FixtureRequest) -> Colour:
    chosen: Colour = request.param
    return chosen


def serve(colour: Colour, **keywords: Any) -> Any:
    return SERVE[colour.name](port=0, **keywords)


def url(server: ServerCore, scheme: str) -> str:
    (found,) = [each for each in server.urls if each.startswith(scheme)]
    return found.replace("127.0.0.1", "localhost") if "s://" in found else found


@pytest.mark.parametrize(("scheme", "keywords"), TRANSPORTS)
def test_one_port_for_every_transport(colour: Colour, scheme: str, keywords: dict[str, Any]) -> None:
    async def scenario() -> None:
        events: list[BrokerEvent] = []
        async with serve(colour, on_event=events.append) as server:
            async with colour.connect(url(server, scheme), **keywords) as client:
                async with client.subscribe("/topic/*") as messages:
                    await client.send("/topic/a", "grüße".encode(), receipt=True)
                    assert (await messages.receive()).text == "grüße"
                    server.send("/topic/b", b"from the server", headers={"x": "y"})
                    message = await messages.receive()
                    assert (message.body, message.headers["x"]) == (b"from the server", "y")
                assert server.statistics().connections == 1
            assert server.statistics().sent == 2
        (connected,) = [event for event in events if isinstance(event, ClientConnected)]
        assert (
            connected.transport == {"stomp": "tcp", "ws": "websocket"}.get(scheme)
            or keywords["transports"][0]
        )
        assert [event.clean for event in events if isinstance(event, ClientGone)] == [True]
        assert [event.destination for event in events if isinstance(event, MessageSent)] == [
            "/topic/a",
            "/topic/b",
        ]

    colour.run(scenario)


@pytest.mark.parametrize(
    ("path", "ways"),
    [
        (None, ["ws:/ws", "ws:/stomp", "ws:/stomp/websocket", "http:/sockjs", "http:/stomp", "http:/ws"]),
        ("/any/prefix/", ["ws:/any/prefix", "http:/any/prefix"]),
        (["/a", "/b"], ["ws:/a", "http:/b"]),
    ],
)
def test_several_paths_on_one_port(colour: Colour, path: Any, ways: list[str]) -> None:
    async def scenario() -> None:
        async with serve(colour, **({} if path is None else {"path": path})) as server:
            host, port = server.addresses[0]
            for way in ways:
                async with colour.connect(way.replace(":", f"://{host}:{port}", 1), proxy=None) as client:
                    await client.send("/topic/a", b"body", receipt=True)
            assert server.statistics().sent == len(ways)

    colour.run(scenario)


@pytest.mark.parametrize("scheme", ["stomps", "wss", "https"])
def test_the_same_in_tls(colour: Colour, scheme: str, server_context: Any, client_context: Any) -> None:
    async def scenario() -> None:
        async with serve(colour, ssl=server_context) as server:
            async with colour.connect(url(server, scheme), ssl=client_context) as client:
                await client.send("/queue/a", b"secret", receipt=True)
            assert server.statistics().queues["/", "/queue/a"].waiting == 1

    colour.run(scenario)


@pytest.mark.parametrize("name", ["stomp-sansio", "RabbitMQ/4.1"])
def test_requests_are_answered_whoever_subscribes_to_the_replies(colour: Colour, name: str) -> None:
    """The client subscribes to its temp queue itself, unless the server's name says that it need not."""

    async def scenario() -> None:
        async with serve(colour, options=BrokerOptions(server=name)) as server:  # noqa: SIM117
            async with colour.connect(server.urls[0]) as asks, colour.connect(server.urls[1]) as answers:
                async with (
                    answers.subscribe("/queue/rpc", ack="client-individual") as requests,
                    colour.tasks() as start,
                ):

                    async def answer() -> None:
                        for _ in range(2):
                            request = await requests.receive()
                            async with request.process():
                                headers = {"correlation-id": request.headers["correlation-id"]}
                                await answers.send(
                                    request.headers["reply-to"], request.body * 2, headers=headers
                                )

                    start(answer)
                    for body in (b"a", b"b"):
                        assert (await asks.request("/queue/rpc", body, timeout=10)).body == body * 2

    colour.run(scenario)


LOGINS = {"ada": "secret"}


@pytest.mark.parametrize("login", [LOGINS, lambda request: LOGINS.get(request.login) == request.passcode])
def test_who_may_not_enter_is_told_so(colour: Colour, login: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with serve(colour, login=login) as server:
            async with colour.connect(server.urls[0], login="ada", passcode="secret"):
                pass
            with pytest.raises(AuthenticationError):
                async with colour.connect(server.urls[0], login="ada", passcode="a-canary"):
                    raise AssertionError("it was let in")

    colour.run(scenario)
    assert "LoginAsked" in caplog.text
    assert "secret" not in caplog.text
    assert "a-canary" not in caplog.text


def test_what_was_sent_is_written_before_the_end(colour: Colour) -> None:
    async def scenario() -> None:
        async with colour.tasks() as start, serve(colour) as server:
            client = socket.create_connection(server.addresses[0])
            subscribe = b"SUBSCRIBE\nid:0\ndestination:/topic/a\nreceipt:r\n\n\0"
            client.sendall(b"CONNECT\naccept-version:1.2\n\n\0" + subscribe)
            heard: list[bytes] = [b""]
            while b"RECEIPT" not in heard[0]:
                heard[0] += await colour.in_thread(client.recv, 65536)
            start(colour.in_thread, read_to_the_end, client, heard)
            for number in range(1_000):
                server.send("/topic/a", b"%d" % number)
        bodies = [int(frame.rpartition(b"\n")[2]) for frame in b"".join(heard).split(b"\0")[2:-1]]
        assert bodies == list(range(1_000))
        client.close()

    colour.run(scenario)


def read_to_the_end(client: socket.socket, heard: list[bytes]) -> None:
    while octets := client.recv(65536):
        heard.append(octets)


def test_a_client_can_be_expelled_or_dropped(colour: Colour) -> None:
    async def scenario() -> None:
        peers: list[Any] = []

        def remember(event: BrokerEvent) -> None:
            if isinstance(event, ClientConnected):
                peers.append(event.peer)

        async with serve(colour, on_event=remember) as server:
            async with colour.connect(server.urls[0], reconnect=Backoff(initial=0.01)) as client:
                life = client.lifecycle()
                server.expel(peers[-1], "maintenance", details="come back soon")
                interrupted = await anext(life)
                assert isinstance(interrupted, Interrupted)
                assert isinstance(interrupted.error, BrokerError)
                assert "maintenance" in str(interrupted.error)
                assert isinstance(await anext(life), Ready)
                server.drop(peers[-1])
                assert isinstance(await anext(life), Interrupted)
                assert isinstance(await anext(life), Ready)
            assert len(peers) == 3

    colour.run(scenario)


def test_pages_are_shown_beside_everything_else(colour: Colour) -> None:
    pages = {"/": Page("text/html; charset=utf-8", "grüße".encode())}

    def ask(port: int, method: str, path: str) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers["content-type"], answer.read()
        finally:
            connection.close()

    async def scenario() -> None:
        async with serve(colour, pages=pages) as server:
            port = server.addresses[0][1]
            for method, body in (("GET", pages["/"].body), ("HEAD", b"")):
                answer = await in_thread(colour, lambda method=method: ask(port, method, "/?a"))
                assert answer == (200, "text/html; charset=utf-8", body)
            assert (await in_thread(colour, lambda: ask(port, "GET", "/late")))[0] == 404
            pages["/late"] = Page("text/plain", b"late")
            assert (await in_thread(colour, lambda: ask(port, "GET", "/late")))[2] == b"late"

    colour.run(scenario)


async def in_thread(colour: Colour, function: Any) -> Any:
    wait: Any = {"trio": trio.to_thread.run_sync, "asyncio": asyncio.to_thread}[colour.name]
    return await wait(function)


def test_a_client_that_takes_nothing_does_not_hold_up_the_end(colour: Colour) -> None:
    async def scenario() -> None:
        async with serve(colour, close_timeout=0.1) as server:
            silent = socket.create_connection(server.addresses[0])
            silent.sendall(b"CONNECT\naccept-version:1.2\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0")
            async with colour.connect(server.urls[0]) as client:
                while server.statistics().subscriptions == 0:
                    await client.send("/topic/b", receipt=True)
                for _ in range(10):
                    await client.send("/topic/a", bytes(1_000_000), receipt=True)
        silent.close()

    colour.run(scenario)


def test_an_error_in_the_block_goes_on_as_it_is(colour: Colour) -> None:
    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            async with serve(colour):
                raise ZeroDivisionError

    colour.run(scenario)


def test_what_a_listener_raises_is_logged_and_changes_nothing(
    colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    def listen(event: BrokerEvent) -> None:
        raise ZeroDivisionError("on purpose")

    async def scenario() -> None:
        async with serve(colour, on_event=listen) as server, colour.connect(server.urls[0]) as client:
            await client.send("/queue/a", receipt=True)

    colour.run(scenario)
    assert "on_event= raised" in caplog.text
    assert "ZeroDivisionError: on purpose" in caplog.text


def test_a_login_function_that_raises_lets_nobody_in_and_ends_nothing(
    colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    passcodes = {"ada": "secret"}

    def login(request: ConnectRequest) -> bool:
        return passcodes[request.login or ""] == request.passcode

    async def scenario() -> None:
        async with serve(colour, login=login) as server:
            (where, *_) = server.urls
            async with colour.connect(where, login="ada", passcode="secret") as client:
                with pytest.raises(AuthenticationError):
                    async with colour.connect(where, login="nobody", passcode="secret", reconnect=None):
                        pass
                await client.send("/queue/a", receipt=True)

    colour.run(scenario)
    assert "login= raised" in caplog.text
    assert "KeyError: 'nobody'" in caplog.text


def test_a_login_function_says_true_or_it_lets_nobody_in(
    colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    def login(request: ConnectRequest) -> Any:
        return "a promise to look it up"  # as a coroutine would be

    async def scenario() -> None:
        async with serve(colour, login=login) as server:
            with pytest.raises(AuthenticationError, match="could not be checked"):
                async with colour.connect(server.urls[0], login="ada", reconnect=None):
                    pass

    colour.run(scenario)
    assert "it must return True or False, at once" in caplog.text


def test_who_is_one_too_many_is_told_so(colour: Colour) -> None:
    async def scenario() -> None:
        async with (
            serve(colour, options=BrokerOptions(max_connections=2)) as server,
            colour.connect(server.urls[0]),
            colour.connect(server.urls[1]) as client,
        ):
            for address in server.urls[:2]:
                with pytest.raises(ConnectError, match="too many connections"):
                    async with colour.connect(address, reconnect=None):
                        pass
            await client.send("/queue/a", receipt=True)

    colour.run(scenario)


def test_every_interface_has_the_same_port(colour: Colour) -> None:
    async def scenario() -> None:
        async with SERVE[colour.name](None, 0) as server:
            assert len({port for _, port in server.addresses}) >= 1
            async with colour.connect(server.urls[0]):
                pass

    colour.run(scenario)


def test_a_package_that_is_missing_is_told(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stomp_sansio.links.server", None)
    with pytest.raises(ImportError, match="pip install"):
        serve(colour)


def test_a_port_that_is_taken_is_told_and_nothing_stays_open(colour: Colour) -> None:
    # Taken on one kind of address alone: that of the other kind is let go again.
    taken = socket.create_server(("::", 0), family=socket.AF_INET6)
    port = taken.getsockname()[1]

    async def scenario() -> None:
        with pytest.raises(OSError, match=rf"cannot listen on .*:{port}"):
            async with SERVE[colour.name](None, port):
                raise AssertionError("it listens")

    colour.run(scenario)
    taken.close()
    socket.create_server(("0.0.0.0", port)).close()


def test_a_good_bye_that_takes_too_long_is_cut_off(colour: Colour) -> None:
    async def scenario() -> None:
        async with serve(colour, options=BrokerOptions(slow_octets=2**30)) as server:
            silent = socket.create_connection(server.addresses[0])
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.sendall(b"CONNECT\naccept-version:1.2\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0")
            async with colour.connect(server.urls[0]) as client:
                while server.statistics().subscriptions == 0:
                    await client.send("/topic/b", receipt=True)
                for _ in range(10):
                    await client.send("/topic/a", bytes(1_000_000), receipt=True)
            # The transports' own good-bye may take ten seconds; nobody waits for that here.
            server.close_timeout = 0.05
        silent.close()

    colour.run(scenario)


def deny(request: ConnectRequest) -> bool:
    return False


class Nowhere(ServerCore):
    def do(self, command: Any) -> Any:
        return command(0.0)


@pytest.mark.parametrize(
    ("addresses", "tls", "urls"),
    [
        (
            [("10.0.0.1", 1)],
            False,
            ["stomp://10.0.0.1:1/", "ws://10.0.0.1:1/x/websocket", "http://10.0.0.1:1/x"],
        ),
        ([("::", 1)], True, ["stomps://[::1]:1/", "wss://[::1]:1/x/websocket", "https://[::1]:1/x"]),
    ],
)
def test_urls_can_be_used(addresses: list[tuple[str, int]], tls: bool, urls: list[str]) -> None:
    server = Nowhere(bytes, logging.getLogger(), tls=tls, path="/x/", login=deny)
    server.addresses = addresses
    assert server.urls == urls


def test_sockets_of_ones_own_share_a_broker(colour: Colour) -> None:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]

    async def scenario() -> None:
        async with SERVE[colour.name](sockets=sockets) as server:
            first, second = (f"stomp://127.0.0.1:{port}" for _, port in server.addresses)
            async with colour.connect(first) as sender, colour.connect(second) as receiver:
                await sender.send("/queue/a", b"across", receipt=True)
                async with receiver.subscribe("/queue/a") as messages:
                    assert (await messages.receive()).body == b"across"

    colour.run(scenario)
    for sock in sockets:
        sock.close()


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def browse(address: tuple[str, int], method: str, path: str, host: str, origin: bool) -> tuple[int, str]:
    """Ask as a browser does for a page that it loaded from `host`; return the status and the answer."""
    client = http.client.HTTPConnection(*address, timeout=20)
    host = f"{host}:{address[1]}"
    fields = {"Host": host} | ({"Origin": f"http://{host}"} if origin else {})
    try:
        client.request(method, path, headers=fields | (UPGRADE if path == "/ws" else {}))
        answer = client.getresponse()
        return answer.status, "" if answer.status == 101 else answer.read().decode()
    finally:
        client.close()


@pytest.mark.parametrize(
    "listens",
    [
        "127.0.0.1",
        pytest.param(
            "::1",
            marks=pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6"),
        ),
    ],
)
def test_a_page_whose_name_was_made_to_mean_this_machine_gets_nothing(colour: Colour, listens: str) -> None:
    """DNS rebinding, as the server sees it: a page of evil.example, and a stream from loopback."""
    events: list[BrokerEvent] = []
    ways = [("GET", "/ws", True), ("POST", "/sockjs/0/s/xhr", True), ("GET", "/", False)]

    async def scenario() -> None:
        pages = {"/": Page("text/html", b"<p>tea")}
        async with serve(colour, host=listens, pages=pages, hosts=None, on_event=events.append) as server:
            address = server.addresses[0]
            for method, path, origin in ways:
                evil = await colour.in_thread(browse, address, method, path, "evil.example", origin)
                assert evil[0] == 421
                assert "allow the name with hosts=" in evil[1]
                literal = f"[{listens}]" if ":" in listens else listens
                for own in ("localhost", "LOCALHOST.", literal):
                    status, _ = await colour.in_thread(browse, address, method, path, own, origin)
                    assert status == (101 if path == "/ws" else 200), own
        async with serve(colour, host=listens, hosts=["dev.example"], pages=pages) as server:
            for method, path, origin in ways:
                allowed = await colour.in_thread(
                    browse, server.addresses[0], method, path, "dev.example", origin
                )
                assert allowed[0] == (101 if path == "/ws" else 200)

    colour.run(scenario)
    refused = [event for event in events if isinstance(event, StreamRefused) and event.status == 421]
    literal = f"[{listens}]:" if ":" in listens else f"{listens}:"
    assert [event.address.startswith(literal) for event in refused] == [True] * len(ways)


def test_a_name_that_is_none_cannot_be_allowed(colour: Colour) -> None:
    with pytest.raises(ValueError, match=r"is no host name: write it alone, as dev\.example"):
        serve(colour, hosts=["*.example"])
