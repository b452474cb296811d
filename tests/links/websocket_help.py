"""Frames and hand-shakes written by hand, and a driver for one layer: what the WebSocket tests share.

The frames are built from RFC 6455 with nothing of the library, so that no mistake can cancel another.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from stomp_sansio.links.layer import Layer
from stomp_sansio.links.link import LinkClosed, LinkData, LinkEvent, LinkOpened
from stomp_sansio.links.websocket_layer import WebSocketLayer

KEY = b"\x01\x02\x03\x04"

REQUEST_LINES = (
    "GET /ws HTTP/1.1",
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = None,
    announced: int | None = None,
) -> bytes:
    """One frame of RFC 6455, section 5.2; `announced` lies about the length."""
    length = len(payload) if announced is None else announced
    head = bytearray([(0x80 if fin else 0) | reserved << 4 | opcode])
    masked = 0 if mask is None else 0x80
    if length < 126:
        head.append(masked | length)
    elif length < 0x10000:
        head.append(masked | 126)
        head += length.to_bytes(2, "big")
    else:
        head.append(masked | 127)
        head += length.to_bytes(8, "big")
    if mask is not None:
        head += mask
        payload = bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload))
    return bytes(head) + payload


def text(payload: bytes, **options) -> bytes:
    return frame(1, payload, **options)


def binary(payload: bytes, **options) -> bytes:
    return frame(2, payload, **options)


def close(code: int | None = 1000, reason: bytes = b"", **options) -> bytes:
    return frame(8, b"" if code is None else code.to_bytes(2, "big") + reason, **options)


def ping(payload: bytes = b"", **options) -> bytes:
    return frame(9, payload, **options)


def pong(payload: bytes = b"", **options) -> bytes:
    return frame(10, payload, **options)


def request(*extra: str, without: str = "", first: str = REQUEST_LINES[0]) -> bytes:
    """An upgrade request with further lines, and without the one whose name is given."""
    lines = [first, *REQUEST_LINES[1:]]
    kept = [line for line in lines if not without or not line.lower().startswith(without.lower() + ":")]
    return "\r\n".join([*kept, *extra, "", ""]).encode("latin-1")


def accept_for(request_octets: bytes) -> str:
    """The Sec-WebSocket-Accept that answers a request."""
    fields = dict(line.split(": ", 1) for line in request_octets.decode("latin-1").split("\r\n")[1:-2])
    key = fields["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()


def response(request_octets: bytes, *extra: str, status: str = "HTTP/1.1 101 Switching Protocols") -> bytes:
    """The answer of a server that agrees."""
    accept = f"Sec-WebSocket-Accept: {accept_for(request_octets)}"
    return "\r\n".join([status, "Upgrade: websocket", "Connection: Upgrade", accept, *extra, "", ""]).encode(
        "latin-1"
    )


class LayerDriver:
    """Drives one layer, and watches over what a layer promises."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.now = 0.0
        self.events: list[LinkEvent] = []
        layer.start(0.0)
        self.drain()

    def drain(self) -> None:
        while (event := self.layer.next_event()) is not None:
            assert not any(isinstance(earlier, LinkClosed) for earlier in self.events), (
                "LinkClosed is the last"
            )
            assert not isinstance(event, LinkData) or event.data, "no octets, no event"
            self.events.append(event)

    def feed(self, octets: bytes, cut: int | None = None) -> None:
        step = cut or len(octets) or 1
        for start in range(0, len(octets), step):
            self.layer.receive_data(octets[start : start + step], self.now)
            self.drain()

    def eof(self) -> None:
        self.layer.receive_eof(self.now)
        self.drain()

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while (deadline := self.layer.next_deadline()) is not None and deadline <= until:
            self.now = deadline
            self.layer.handle_timeout(self.now)
            self.drain()
        self.now = until

    def close(self) -> None:
        self.layer.close(self.now)
        self.drain()

    def written(self, max_bytes: int = 65536) -> bytes:
        pieces: list[bytes] = []
        while piece := self.layer.data_to_send(self.now, max_bytes):
            assert len(piece) <= max_bytes
            pieces.append(piece)
        self.drain()
        return b"".join(pieces)

    def take(self) -> list[LinkEvent]:
        taken, self.events = self.events, []
        return taken

    @property
    def messages(self) -> list[bytes]:
        return [event.data for event in self.events if isinstance(event, LinkData)]

    @property
    def closed(self) -> LinkClosed:
        assert isinstance(self.events[-1], LinkClosed)
        return self.events[-1]


def client_driver(**options) -> LayerDriver:
    """A client whose hand-shake is done; its masking key is `KEY`."""
    options.setdefault("masking_key", lambda: KEY)
    driver = LayerDriver(WebSocketLayer.client(host="example.com", target="/ws", **options))
    driver.feed(response(driver.written()))
    (event,) = driver.take()
    assert isinstance(event, LinkOpened)
    return driver


def server_driver(**options) -> LayerDriver:
    """A server whose hand-shake is done."""
    driver = LayerDriver(WebSocketLayer.server(**options))
    driver.feed(request())
    (event,) = driver.take()
    assert isinstance(event, LinkOpened)
    assert driver.written().startswith(b"HTTP/1.1 101 ")
    return driver


def exchange(one: LayerDriver, other: LayerDriver, cut: int | None = None) -> None:
    """Carry octets both ways until nobody has any."""
    moved = True
    while moved:
        moved = False
        for source, sink in ((one, other), (other, one)):
            octets = source.written()
            sink.feed(octets, cut)
            moved = moved or bool(octets)


def unframed(octets: bytes, mask: bytes | None = None) -> Iterable[tuple[int, bytes]]:
    """Split octets into (opcode, payload) of frames that all have FIN."""
    at = 0
    while at < len(octets):
        opcode, length = octets[at] & 0x0F, octets[at + 1] & 0x7F
        assert octets[at] & 0xF0 == 0x80
        assert bool(octets[at + 1] & 0x80) is (mask is not None)
        at += 2
        if length > 125:
            size = 2 if length == 126 else 8
            length = int.from_bytes(octets[at : at + size], "big")
            at += size
        if mask is not None:
            assert octets[at : at + 4] == mask
            at += 4
        payload = octets[at : at + length]
        at += length
        yield opcode, payload if mask is None else bytes(o ^ mask[i % 4] for i, o in enumerate(payload))
