"""What clients and operators get wrong with a broker on a port: each has its own answer, and another client,
which goes on meanwhile, notices nothing.

tests/broker/test_bad_input.py has in virtual time what needs no socket.
"""

from __future__ import annotations

import socket
import ssl
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import trustme

import stomp_asyncio
import stomp_trio
from stomp_sansio.broker.events import BrokerEvent, ClientConnected, ClientGone, StreamRefused
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.client.public import ConnectError
from tests.adapters.colours import COLOURS, Colour

SERVE: dict[str, Any] = {"trio": stomp_trio.serve, "asyncio": stomp_asyncio.serve}
SERVING = [colour for colour in COLOURS if colour.name in SERVE]

CONNECT = b"CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0"
PATIENCE = 20.0

Misbehave = Callable[[tuple[str, int]], Any]


@pytest.fixture(params=SERVING, ids=[colour.name for colour in SERVING])
def colour(request: pytest.FixtureRequest) -> Colour:
    chosen: Colour = request.param
    return chosen


def beside_a_witness(
    colour: Colour, misbehave: Misbehave, *, ssl: Any = None, trust: Any = None, **options: Any
) -> tuple[Any, list[BrokerEvent]]:
    """Let a client misbehave, in a thread, while another sends and receives all the time over the one
    connection that it has; return what the first one was told, and the broker's events.
    """
    events: list[BrokerEvent] = []
    told: list[Any] = []

    async def scenario() -> None:
        keywords = {"port": 0, "ssl": ssl, "close_timeout": 1.0, "on_event": events.append}
        async with SERVE[colour.name](**keywords, options=BrokerOptions(**options)) as server:
            url = server.urls[0].replace("127.0.0.1", "localhost")
            async with (
                colour.connect(url, proxy=None, ssl=trust, reconnect=None) as witness,
                witness.subscribe("/topic/witness") as messages,
                colour.tasks() as start,
            ):

                async def trouble() -> None:
                    told.append(await colour.in_thread(misbehave, server.addresses[0]))

                start(trouble)
                number = after = 0
                while after < 10:
                    number += 1
                    after += bool(told)
                    await witness.send("/topic/witness", str(number), receipt=True)
                    assert (await messages.receive()).text == str(number)

    colour.run(scenario)
    return told[0], events


def dial(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE)


def read_to_the_end(client: socket.socket) -> bytes:
    heard = b""
    try:
        while octets := client.recv(65536):
            heard += octets
    except ConnectionResetError:
        pass
    return heard


def converse(octets: bytes) -> Misbehave:
    """Say something, and return all that is answered."""

    def misbehave(address: tuple[str, int]) -> bytes:
        with dial(address) as client:
            client.sendall(octets)
            return read_to_the_end(client)

    return misbehave


def gone(events: list[BrokerEvent]) -> list[str]:
    """Return why clients went that did not say good-bye."""
    return [event.reason for event in events if isinstance(event, ClientGone) and not event.clean]


# Operators


def test_a_port_in_use(colour: Colour) -> None:
    async def scenario() -> None:
        async with SERVE[colour.name](port=0) as server, colour.connect(server.urls[0]) as witness:
            host, port = server.addresses[0]
            with pytest.raises(OSError, match=rf"cannot listen on {host}:{port}: .*in use"):
                async with SERVE[colour.name](port=port):
                    raise AssertionError("it listens")
            await witness.send("/queue/a", receipt=True)

    colour.run(scenario)


def test_a_context_that_is_for_clients(colour: Colour) -> None:
    with pytest.raises(ValueError, match=r"ssl= is a context for clients.*Purpose\.CLIENT_AUTH"):
        SERVE[colour.name](port=0, ssl=ssl.create_default_context())


def test_a_certificate_of_another_name(colour: Colour, client_context: Any, authority: Any) -> None:
    """The client that looks at it goes away, and says why; those that trust it go on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def scenario() -> None:
        async with SERVE[colour.name](port=0, ssl=context) as server:
            port = server.addresses[0][1]
            async with colour.connect(
                f"stomps://localhost:{port}", proxy=None, ssl=client_context
            ) as witness:
                with pytest.raises(ConnectError, match=r"127\.0\.0\.1"):
                    async with colour.connect(f"stomps://127.0.0.1:{port}", proxy=None, ssl=client_context):
                        raise AssertionError("it is connected")
                await witness.send("/queue/a", receipt=True)

    colour.run(scenario)


def test_a_certificate_that_nobody_trusts(colour: Colour, server_context: Any, client_context: Any) -> None:
    stranger = ssl.create_default_context()
    trustme.CA().configure_trust(stranger)

    def misbehave(address: tuple[str, int]) -> str:
        with dial(address) as client, pytest.raises(ssl.SSLCertVerificationError) as caught:
            stranger.wrap_socket(client, server_hostname="localhost")
        return str(caught.value)

    told, events = beside_a_witness(colour, misbehave, ssl=server_context, trust=client_context)
    assert "unable to get local issuer certificate" in told
    (refused,) = [event for event in events if isinstance(event, StreamRefused)]
    assert refused.reason.startswith("TLS failed: ")
    assert "unknown ca" in refused.reason


def test_a_plain_client_at_a_port_with_tls(colour: Colour, server_context: Any, client_context: Any) -> None:
    told, events = beside_a_witness(colour, converse(CONNECT), ssl=server_context, trust=client_context)
    assert b"CONNECTED" not in told
    (refused,) = [event for event in events if isinstance(event, StreamRefused)]
    assert refused.reason.startswith("TLS failed: ")


# Clients


def test_ten_gibibytes_of_header(colour: Colour) -> None:
    def misbehave(address: tuple[str, int]) -> tuple[int, bytes]:
        sent = 0
        with dial(address) as client:
            client.sendall(CONNECT + b"SEND\n")
            piece = (b"x" * 99 + b":" + b"y" * 899 + b"\n") * 65
            try:
                while sent < 10 * 2**30:
                    client.sendall(piece)
                    sent += len(piece)
            except OSError:
                pass
            try:
                return sent, client.recv(65536)
            except ConnectionResetError:
                return sent, b""

    (sent, _), events = beside_a_witness(colour, misbehave)
    assert sent < 64 * 2**20
    (reason,) = gone(events)
    assert "max_header_block" in reason


def test_one_that_never_reads(colour: Colour) -> None:
    def misbehave(address: tuple[str, int]) -> list[int]:
        with dial(address) as silent, dial(address) as talker:
            silent.sendall(CONNECT + b"SUBSCRIBE\nid:0\ndestination:/topic/a\nreceipt:r\n\n\0")
            heard = b""
            while b"RECEIPT" not in heard:
                heard += silent.recv(65536)
            talker.sendall(CONNECT)
            assert talker.recv(65536).startswith(b"CONNECTED")
            for number in range(1_000):
                talker.sendall(b"SEND\ndestination:/topic/a\nreceipt:%d\n\n" % number + b"x" * 50_000 + b"\0")
                while b"receipt-id:%d\n" % number not in talker.recv(65536):
                    pass
            talker.sendall(b"DISCONNECT\n\n\0")
            return [len(read_to_the_end(silent))]

    (read,), events = beside_a_witness(colour, misbehave)
    assert read < 40_000_000
    assert gone(events) == ["it was too far behind"]


HTTP = b"POST /sockjs/0/s/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
STATES = {
    "nothing said": b"",
    "half a command": b"CONN",
    "half a CONNECT": b"CONNECT\naccept-ver",
    "connected": CONNECT,
    "half a header": CONNECT + b"SEND\ndestin",
    "half a body": CONNECT + b"SEND\ndestination:/queue/a\ncontent-length:100\n\nabc",
    "subscribed": CONNECT + b"SUBSCRIBE\nid:0\ndestination:/topic/witness\n\n\0",
    "in a transaction": CONNECT
    + b"BEGIN\ntransaction:1\n\n\0SEND\ndestination:/queue/a\ntransaction:1\n\n\0",
    "said good-bye": CONNECT + b"DISCONNECT\nreceipt:1\n\n\0",
    "half an HTTP request": b"GET /ws HTTP/1.1\r\nHost: localh",
    "half a request's body": HTTP % (b"xhr_send", 99) + b"[",
    "listening over xhr": HTTP % (b"xhr_streaming", 0),
    "half a WebSocket frame": UPGRADE + b"\x81\xfe\x01",
}
ANSWERED = (CONNECT, UPGRADE, HTTP % (b"xhr_streaming", 0))


@pytest.mark.parametrize("abrupt", [False, True], ids=["closes", "resets"])
def test_one_that_disconnects_in_every_state(colour: Colour, abrupt: bool) -> None:
    def misbehave(address: tuple[str, int]) -> bool:
        for octets in STATES.values():
            with dial(address) as client:
                client.sendall(octets)
                if octets.startswith(ANSWERED):
                    # The server has got so far.
                    assert client.recv(1)
                if abrupt:
                    # Lingering for no time is a reset.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True

    beside_a_witness(colour, misbehave)


def test_one_that_is_gone_before_it_was_looked_at(colour: Colour) -> None:
    """Whatever the system then says of it is no trouble either."""

    def misbehave(address: tuple[str, int]) -> bool:
        for _ in range(200):
            with dial(address) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True

    beside_a_witness(colour, misbehave)


def test_ten_thousand_subscriptions(colour: Colour) -> None:
    subscribe = b"".join(b"SUBSCRIBE\nid:%d\ndestination:/topic/%d\n\n\0" % (n, n) for n in range(10_000))
    told, events = beside_a_witness(colour, converse(CONNECT + subscribe))
    (reason,) = gone(events)
    assert "1000 subscriptions" in reason
    assert b"1000 subscriptions" in told or told == b""


def test_one_that_says_more_than_it_may_and_listens_afterwards(colour: Colour) -> None:
    # Octets that nobody reads any more would make the system take back the ERROR with a reset.
    sends = b"SEND\ndestination:/queue/full\n\nx\0" * 200_000

    def misbehave(address: tuple[str, int]) -> bytes:
        with dial(address) as client:
            client.sendall(CONNECT)
            try:
                client.sendall(sends)
            except OSError:
                pytest.fail("the connection was cut while it was still saying something")
            return read_to_the_end(client)

    heard, events = beside_a_witness(colour, misbehave, max_queue_messages=10)
    assert b"'/queue/full' is full" in heard
    assert len(gone(events)) == 1


CHUNKED = b"POST /sockjs/0/s/xhr_send HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
DEFLATED = zlib.compress(bytes(2**24), 9, -15)
FLOODS = {
    "threat 4: an announced body of 10^19 octets": (
        b"POST /sockjs/0/s/xhr_send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1"
        + b"0" * 19
        + b"\r\n\r\n",
        b"HTTP/1.1 413 ",
    ),
    "threat 4: an announced chunk of 10^19 octets": (CHUNKED + b"8AC7230489E80000\r\n", b"HTTP/1.1 413 "),
    "threat 4: a WebSocket message of 2^62 octets": (
        UPGRADE + b"\x82\xff" + (2**62).to_bytes(8, "big") + bytes(4),
        b"\x03\xf1A WebSocket message has more than",
    ),
    "threat 5: a frame that inflates to 16 MiB": (
        UPGRADE + b"\xc1\xfe" + len(DEFLATED).to_bytes(2, "big") + bytes(4) + DEFLATED,
        b"\x03\xeaThe peer broke the WebSocket protocol: Reserved bit",
    ),
    "threat 6: chunks of an octet": (CHUNKED + b"1\r\nx\r\n" * 200_000, b"HTTP/1.1 413 "),
    "threat 6: fields behind the last chunk": (CHUNKED + b"0\r\n" + b"x:y\r\n" * 200_000, b"HTTP/1.1 431 "),
    "threat 6: fields of a head": (b"GET /ws HTTP/1.1\r\n" + b"x:y\r\n" * 200_000, b"HTTP/1.1 431 "),
    "threat 6: fragments of an octet": (
        UPGRADE + b"\x01\x81" + bytes(5) + (b"\x00\x81" + bytes(5)) * 2_000,
        b"\x03\xf1A WebSocket message came in more than 1024 fragments",
    ),
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_is_told_what_it_is(colour: Colour, what: str) -> None:
    octets, answer = FLOODS[what]
    told, events = beside_a_witness(colour, converse(octets))
    assert answer in told
    # Who got as far as a WebSocket was a client for a while, without a login.
    assert len(gone(events)) + sum(isinstance(event, StreamRefused) for event in events) == 1


def test_threat_4_pings_of_one_that_does_not_read(colour: Colour) -> None:
    """At most two PONGs wait for it, so it may go on for as long as it likes: until it has to log in."""

    def misbehave(address: tuple[str, int]) -> bool:
        with dial(address) as client:
            client.sendall(UPGRADE)
            heard = b""
            while b"\r\n\r\n" not in heard:
                heard += (piece := client.recv(65536))
                assert piece, "it was let in"
            client.settimeout(1.0)
            try:
                for _ in range(100):
                    client.sendall((b"\x89\xfd" + bytes(4 + 125)) * 500)
            except TimeoutError:
                pass
        return True

    _, events = beside_a_witness(colour, misbehave)
    assert len(gone(events)) == 1


def test_an_unknown_destination_prefix(colour: Colour) -> None:
    told, events = beside_a_witness(
        colour, converse(CONNECT + b"SEND\ndestination:/exchange/a\nreceipt:r\n\n\0")
    )
    assert told.count(b"\0") == 2
    assert b"\nmessage:unknown destination\n" in told
    assert b"\nreceipt-id:r\n" in told
    assert b"write /topic/NAME, /queue/NAME, /temp-queue/NAME" in told
    assert len(gone(events)) == 1


def test_an_acknowledgement_of_someone_elses_message(colour: Colour) -> None:
    def misbehave(address: tuple[str, int]) -> tuple[bytes, bytes]:
        with dial(address) as owner, dial(address) as thief:
            subscribe = b"SUBSCRIBE\nid:0\ndestination:/queue/a\nack:client\n\n\0"
            owner.sendall(CONNECT + subscribe + b"SEND\ndestination:/queue/a\n\nbody\0")
            heard = b""
            while b"MESSAGE" not in heard or not heard.endswith(b"\0"):
                heard += owner.recv(65536)
            (line,) = [line for line in heard.split(b"\n") if line.startswith(b"ack:")]
            thief.sendall(CONNECT + b"ACK\nid:" + line.removeprefix(b"ack:") + b"\n\n\0")
            told = read_to_the_end(thief)
            owner.sendall(b"ACK\nid:" + line.removeprefix(b"ack:") + b"\nreceipt:done\n\n\0")
            return told, owner.recv(65536)

    (told, kept), _ = beside_a_witness(colour, misbehave)
    assert b"no message awaits" in told
    assert b"receipt-id:done" in kept


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /ws",
        "GET /stomp/websocket",
        "GET /sockjs/info",
        "POST /sockjs/0/s/xhr",
        "POST /sockjs/0/s/xhr_streaming",
    ],
)
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_from_another_origin(colour: Colour, request_line: str, origin: str) -> None:
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    )
    head = f"{request_line} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n"
    end = (
        upgrade
        if request_line in ("GET /ws", "GET /stomp/websocket")
        else "Content-Length: 0\r\nConnection: close\r\n"
    )
    told, events = beside_a_witness(colour, converse((head + end + "\r\n").encode()))
    assert told.startswith(b"HTTP/1.1 403 ")
    assert b"origin" in told.lower()
    assert b"Access-Control-Allow-Origin" not in told
    assert sum(isinstance(event, ClientConnected) for event in events) == 1
