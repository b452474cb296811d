"""WebSocket messages through `WebSocketLink` beside the same messages through bare wsproto, in both
directions and roles.

What would be timed is read back and compared first. This file must not know how time is taken.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Message, Request, TextMessage

from stomp_sansio.links.link import LinkData, LinkOpened
from stomp_sansio.links.sockjs import SockJSLink
from stomp_sansio.links.sockjs_server_layer import SockJSServerLayer
from stomp_sansio.links.stream_link import StreamLink
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.links.websocket_layer import WebSocketLayer
from stomp_sansio.machine import StreamId
from stomp_sansio.protocol.limits import Limits

from .measure import InProcess, interleave
from .report import Report

__all__ = ["run"]

READ = 65536
"""Octets of one read or write at most, as the drivers have it."""

STREAM = StreamId(1)

Pass = Callable[[], int]
"""One pass; returns how many octets of messages it moved."""


class Shape:
    """Which messages, how many of them in a pass, and how a reader finds them."""

    def __init__(
        self,
        name: str,
        size: int,
        count: int,
        *,
        text: bool,
        one_a_read: bool = False,
        sockjs: bool = False,
    ) -> None:
        self.name = name
        self.text = text
        self.one_a_read = one_a_read
        self.sockjs = sockjs
        head = b"MESSAGE\nsubscription:0\nmessage-id:7\ndestination:/topic/a\n\n"
        body = b'{"id":1}' if text else b"\x89PNG\r\n"
        self.message = (head + body * size)[: size - 1] + b"\0"
        self.count = count

    def reads(self, frame: bytes) -> list[bytes]:
        """The octets of all messages, cut as a socket gives them."""
        if self.one_a_read:
            return [frame] * self.count
        stream = frame * self.count
        return [stream[at : at + READ] for at in range(0, len(stream), READ)]


SHAPES = (
    Shape("200 B", 200, 300, text=True),
    Shape("200 B, one a read", 200, 300, text=True, one_a_read=True),
    Shape("200 B SockJS", 200, 300, text=True, sockjs=True),
    Shape("200 B binary", 200, 300, text=False),
    Shape("64 KiB", 65536, 16, text=True),
    Shape("64 KiB binary", 65536, 16, text=False),
)


def _links(shape: Shape, *, masking: bool = True) -> tuple[StreamLink, StreamLink]:
    """Return a client's and a server's link, both open; what is no text goes through links that are told
    so."""
    key = (lambda: secrets.token_bytes(4)) if masking else None
    ids = iter([STREAM])
    if shape.sockjs:
        client: StreamLink = SockJSLink(
            parse_url("http://localhost/"), SessionIds("0", "s"), stream_ids=ids, masking_key=key
        )
        web = WebSocketLayer.server(subprotocols=())
        layer = SockJSServerLayer(web, limits=Limits.server(), beat=25.0)
        server = StreamLink.adopt(layer, STREAM, 0.0)
    else:
        client = WebSocketLink(
            parse_url("ws://localhost/"), stream_ids=ids, binary=not shape.text, masking_key=key
        )
        server = WebSocketLink.accepted(STREAM, 0.0, binary=not shape.text)
    client.start(0.0)
    client.next_action()
    client.stream_opened(STREAM, 0.0)
    server.receive_data(STREAM, client.data_to_send(STREAM, 0.0), 0.0)
    while octets := server.data_to_send(STREAM, 0.0):
        client.receive_data(STREAM, octets, 0.0)
    assert isinstance(client.next_event(), LinkOpened)
    assert isinstance(server.next_event(), LinkOpened)
    return client, server


def _bare() -> tuple[WSConnection, WSConnection]:
    """Return a client and a server of wsproto, both open."""
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="localhost", target="/")))
    list(server.events())
    client.receive_data(server.send(AcceptConnection()))
    list(client.events())
    return client, server


def _sent_by_link(link: StreamLink, shape: Shape) -> bytes:
    link.send(shape.message, 0.0)
    octets = b""
    while piece := link.data_to_send(STREAM, 0.0, READ):
        octets += piece
    return octets


def _event(shape: Shape) -> TextMessage | BytesMessage:
    return TextMessage(shape.message.decode()) if shape.text else BytesMessage(shape.message)


def _receive_link(link: StreamLink, reads: Sequence[bytes]) -> Pass:
    def work() -> int:
        octets = 0
        for read in reads:
            link.receive_data(STREAM, read, 0.0)
            while isinstance(event := link.next_event(), LinkData):
                octets += len(event.data)
        return octets

    return work


def _receive_bare(ws: WSConnection, reads: Sequence[bytes]) -> Pass:
    def work() -> int:
        octets = 0
        for read in reads:
            ws.receive_data(read)
            for event in ws.events():
                if isinstance(event, Message):
                    octets += len(event.data)
        return octets

    return work


def _send_link(link: StreamLink, shape: Shape) -> Pass:
    def work() -> int:
        for _ in range(shape.count):
            link.send(shape.message, 0.0)
            while link.data_to_send(STREAM, 0.0, READ):
                pass
        return shape.count * len(shape.message)

    return work


def _send_bare(ws: WSConnection, shape: Shape) -> Pass:
    event = _event(shape)

    def work() -> int:
        for _ in range(shape.count):
            bytes(ws.send(event))
        return shape.count * len(shape.message)

    return work


def _cases(shape: Shape) -> dict[str, tuple[Callable[[], Pass], Callable[[], Pass]]]:
    """Return, by name, what makes a pass through the link and what makes one through bare wsproto."""
    client, server = _links(shape)
    plain, _ = _links(shape, masking=False)
    bare_client, bare_server = _bare()
    to_server = shape.reads(bytes(_bare()[0].send(_event(shape))))
    to_client = shape.reads(bytes(_bare()[1].send(_event(shape))))
    link_to_server = shape.reads(_sent_by_link(_links(shape)[0], shape)) if shape.sockjs else to_server
    link_to_client = shape.reads(_sent_by_link(_links(shape)[1], shape)) if shape.sockjs else to_client
    return {
        "client receives": (
            lambda: _receive_link(client, link_to_client),
            lambda: _receive_bare(bare_client, to_client),
        ),
        "server receives": (
            lambda: _receive_link(server, link_to_server),
            lambda: _receive_bare(bare_server, to_server),
        ),
        "client sends": (lambda: _send_link(client, shape), lambda: _send_bare(bare_client, shape)),
        "client sends, wsproto masks": (
            lambda: _send_link(plain, shape),
            lambda: _send_bare(bare_client, shape),
        ),
        "server sends": (lambda: _send_link(server, shape), lambda: _send_bare(bare_server, shape)),
    }


def _check(shape: Shape) -> None:
    """Let wsproto read what the links write, and the links what wsproto writes; or the links each other."""
    for role in (0, 1):
        other = 1 - role
        if shape.sockjs:
            pair = _links(shape)
            pair[other].receive_data(STREAM, _sent_by_link(pair[role], shape), 0.0)
            event = pair[other].next_event()
            if not isinstance(event, LinkData) or event.data != shape.message:
                raise AssertionError(f"{shape.name}: the links do not hear each other")
            continue
        links, bare = _links(shape), _bare()
        bare[other].receive_data(_sent_by_link(links[role], shape))
        heard = b"".join(
            event.data.encode() if isinstance(event.data, str) else bytes(event.data)
            for event in bare[other].events()
            if isinstance(event, Message)
        )
        links[other].receive_data(STREAM, bytes(bare[role].send(_event(shape))), 0.0)
        event = links[other].next_event()
        if heard != shape.message or not isinstance(event, LinkData) or event.data != shape.message:
            raise AssertionError(f"{shape.name}: links and wsproto do not hear the same")


def run(report: Report, *, rounds: int) -> None:
    """Print how many times as fast as bare wsproto the links are, by shape, role and direction."""
    rows: list[list[str]] = []
    for shape in SHAPES:
        _check(shape)
        for name, (through_link, through_bare) in _cases(shape).items():
            timings = interleave(
                [InProcess("link", through_link), InProcess("bare", through_bare)], rounds=rounds
            )
            link, bare = timings["link"].median, timings["bare"].median
            ratio = bare / link
            microseconds = 1e6 / shape.count
            target = report.figure(f"links {shape.name} {name}", ratio, "x bare wsproto")
            rows.append(
                [
                    f"{shape.name}, {name}",
                    f"{link * microseconds:.2f}",
                    f"{bare * microseconds:.2f}",
                    f"{ratio:.2f}",
                    target,
                ]
            )
    report.table(
        "Links over WebSocket beside bare wsproto",
        ["messages", "us a message", "bare, us", "x bare", "target"],
        rows,
    )
