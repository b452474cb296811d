"""Invariant: however a WebSocket's octets are cut, its events, its answers and its verdict are the same; they
are those that a slow reading of RFC 6455 explains; nothing else is raised, and what waits to be written stays
small.

This file must not know STOMP.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from fuzz.octets import Octets, by_octet, random_cuts
from stomp_sansio.errors import Fault, LinkFault
from stomp_sansio.links.link import LinkClosed, LinkData, LinkOpened, Phase
from stomp_sansio.links.websocket import WebSocketLayer
from stomp_sansio.protocol.limits import Limits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["TOKENS", "check", "strategy"]

LIMITS = (
    Limits(),
    Limits(max_body=1, max_message_fragments=3),
    Limits(max_body=1, max_message_fragments=1, max_http_headers=7, max_http_header_block=300),
)
KEY = b"\x05\x00\xff\x80"
ACCEPT = b"{accept}"
"""Stands for what the key of the request demands, since that key is random."""

REQUEST = (
    b"GET /ws HTTP/1.1\r\n",
    b"Host: example.com\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: Upgrade\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"Sec-WebSocket-Version: 13\r\n",
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: Upgrade\r\n",
    b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n",
)
LINES = (
    *REQUEST,
    *RESPONSE,
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\x00", b"\xff", b"\r\n\r\n"),
    *(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 302 Found\r\n",
        b"HTTP/1.0 101 x\r\n",
        b"POST /ws HTTP/1.1\r\n",
    ),
    *(b"Location: http://u:p@h/?q\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Sec-WebSocket-Protocol: v12.stomp\r\n", b"Sec-WebSocket-Protocol: a, v10.stomp,\xff\r\n"),
    *(
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
        b"Sec-WebSocket-Version: 8\r\n",
        b"Upgrade: h2c\r\n",
    ),
    *(b"Host: xn--a..b\r\n", b"Host: \xfc\r\n", b"Origin: null\r\n", b"Origin: http://example.com:80\r\n"),
    *(b"X: " + b"y" * 200 + b"\r\n", b"Z: z\r\n" * 40),
)
FAULTS = frozenset(
    {
        *(LinkFault.BAD_HANDSHAKE, LinkFault.HTTP_STATUS, LinkFault.LIMIT, LinkFault.TRUNCATED),
        *(LinkFault.CLOSED_ABNORMALLY, LinkFault.PROTOCOL_ERROR, LinkFault.NOT_UTF8),
    }
)
PAYLOADS = (
    *(b"", b"a", b"\xc3\xa9", b"\xc3", b"\xff", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xed", b"\x03"),
    *(b"\x0f\xa0\xff", b"x" * 125, b"x" * 126, b"x" * 41_961, b"\xe2\x82\xac" * 30_000),
)

TOKENS = (
    bytes([*range(6), LINES.index(b"\r\n")]),
    bytes([*range(6, 10), LINES.index(b"\r\n")]),
    *(bytes([0, first, 1]) for first in (0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89)),
)
"""Of an input: a hand-shake of either side, and frames."""


class Facts(NamedTuple):
    """All that a layer says of a stream. Two ways of cutting it must give equal facts."""

    opened: LinkOpened | None
    messages: tuple[bytes, ...]
    pings: int
    closed: LinkClosed
    fault: Fault | LinkFault | None
    written: bytes | int
    """What a server writes; only how much of it for a client, whose masks are random."""


class Explained(NamedTuple):
    """What RFC 6455 says of the octets behind the hand-shake."""

    messages: tuple[bytes, ...]
    pings: int
    code: int | None
    """The code of the peer's Close, if it came to that."""
    fault: LinkFault | None


def check(data: bytes) -> None:
    """Read a stream in several cuts.

    Raises:
        AssertionError: the invariant is broken.
    """
    choices = Octets(data)
    mode = choices.octet()
    server, shake, any_text = bool(mode & 1), bool(mode & 2), bool(mode & 4)
    limits = LIMITS[(mode >> 3) % len(LIMITS)]
    seed = choices.octet()
    if shake:
        octets, frames = lines(choices), None
    else:
        frames = frames_of(choices, server=server)
        octets = b"".join((*(REQUEST if server else RESPONSE), b"\r\n", frames))
    whole = listen(lambda wire: [wire], octets, limits, server=server, any_text=any_text)
    cut = listen(lambda wire: random_cuts(wire, seed), octets, limits, server=server, any_text=any_text)
    assert drop(cut) == drop(whole), "cut at random"
    if len(octets) < 5_000:
        cut = listen(by_octet, octets, limits, server=server, any_text=any_text)
        assert drop(cut) == drop(whole), "octet by octet"
    if frames is not None and whole.opened is not None:
        explained = explain(frames, limits, masked=server, any_text=any_text and not server)
        heard = Explained(whole.messages, whole.pings, peer_code(whole), fault_of(whole))
        assert heard == explained, f"heard {heard}, explained {explained}"


def drop(facts: Facts) -> tuple[object, ...]:
    """Return facts without the error itself: two errors are never equal, their sentences are."""
    closed = facts.closed
    reason = closed.reason.partition(" begins with ")[0]  # what follows may hold an answer to a random key
    return (
        *facts[:3],
        *(closed.clean, closed.phase, reason, closed.code, closed.status),
        *facts[4:],
    )


def peer_code(facts: Facts) -> int | None:
    return facts.closed.code if facts.closed.clean else None


def fault_of(facts: Facts) -> LinkFault | None:
    assert not isinstance(facts.fault, Fault)
    return facts.fault


def lines(choices: Octets) -> bytes:
    """A head made of known lines and of octets, in any order."""
    octets = b""
    while choices.left:
        piece = choices.octet()
        octets += LINES[piece] if piece < len(LINES) else choices.take(piece & 7)
    return octets


def frames_of(choices: Octets, *, server: bool) -> bytes:
    """Frames, good and bad; a shape of 0 is good."""
    octets = b""
    while choices.left:
        shape = choices.octet()
        if shape >= 0xF0:
            octets += choices.take(shape & 0x0F)
            continue
        first = choices.octet()
        payload = choices.choose(PAYLOADS)
        masked = server is not bool(shape & 1)
        announced = (len(payload), len(payload), len(payload), 1 << 62, 1 << 63, 70_000)[(shape >> 1) % 6]
        octets += header(first, announced, masked, long_form=shape & 0x20 != 0)
        octets += apply(payload, KEY) if masked else payload
    return octets


def header(first: int, length: int, masked: bool, *, long_form: bool) -> bytes:
    bit = 0x80 if masked else 0
    if length < 126 and not long_form:
        octets = bytes([first, bit | length])
    elif length < 0x10000:
        octets = bytes([first, bit | 126]) + length.to_bytes(2, "big")
    else:
        octets = bytes([first, bit | 127]) + length.to_bytes(8, "big")
    return octets + KEY if masked else octets


def apply(payload: bytes, key: bytes) -> bytes:
    repeated = key * (len(payload) // 4 + 1)
    return bytes(octet ^ other for octet, other in zip(payload, repeated, strict=False))


def listen(
    cut: Callable[[bytes], Iterable[bytes]], octets: bytes, limits: Limits, *, server: bool, any_text: bool
) -> Facts:
    """Read a stream to its end, and write what there is only then."""
    if server:
        layer = WebSocketLayer.server(limits=limits)
    else:
        layer = WebSocketLayer.client(
            host="example.com", target="/ws", limits=limits, any_text=any_text, masking_key=lambda: KEY
        )
    layer.start(0.0)
    written = b""
    if not server:
        written = layer.data_to_send(0.0)
        octets = octets.replace(ACCEPT, accept_for(written))
    events: list[LinkOpened | LinkData | LinkClosed] = []
    pieces: Iterable[bytes] = cut(octets)
    for piece in pieces:
        layer.receive_data(piece, 0.0)
        drain(layer, events)
    layer.receive_eof(0.0)
    drain(layer, events)
    assert layer.unsent < 2_000, "what waits to be written stays small"
    while some := layer.data_to_send(0.0, 100):
        written += some
    *others, closed = events
    assert isinstance(closed, LinkClosed), "the end comes last"
    opened = others.pop(0) if others else None
    assert opened is None or isinstance(opened, LinkOpened), "the opening comes first"
    messages = [event.data for event in others if isinstance(event, LinkData)]
    assert len(messages) == len(others), "in between there are messages"
    assert all(0 < len(message) <= limits.max_message for message in messages)
    assert (closed.phase is Phase.OPEN) == (opened is not None)
    fault = None if closed.error is None else closed.error.fault
    assert fault is None or fault in FAULTS, f"{fault} is not documented"
    assert closed.clean == (fault is None), "clean, or somebody's fault"
    if server and opened is None:
        assert written == b"" or written[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5")
    return Facts(opened, tuple(messages), layer.pings, closed, fault, written if server else len(written))


def drain(layer: WebSocketLayer, events: list[LinkOpened | LinkData | LinkClosed]) -> None:
    while (event := layer.next_event()) is not None:
        assert not events or not isinstance(events[-1], LinkClosed), "nothing comes behind the end"
        events.append(event)


def accept_for(request: bytes) -> bytes:
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def explain(wire: bytes, limits: Limits, *, masked: bool, any_text: bool) -> Explained:
    """Read frames that are there as a whole, slowly."""
    messages: list[bytes] = []
    parts: list[bytes] | None = None
    text, pings, position = False, 0, 0

    def end(fault: LinkFault | None, code: int | None = None) -> Explained:
        return Explained(tuple(messages), pings, code, fault)

    while position < len(wire):
        octets = wire[position:]
        size = 2 if len(octets) < 2 else 2 + {126: 2, 127: 8}.get(octets[1] & 127, 0) + (octets[1] >> 7) * 4
        if len(octets) < size:
            return end(LinkFault.TRUNCATED)
        first, second = octets[:2]
        opcode, fin, short = first & 15, first >> 7, second & 127
        extended = octets[2 : 4 if short == 126 else 10] if short > 125 else b""
        length = int.from_bytes(extended, "big") if extended else short
        if opcode < 8:
            held = sum(map(len, parts or []))
            if held + length > limits.max_message or len(parts or []) >= limits.max_message_fragments:
                return end(LinkFault.LIMIT)
        shortest = short == (length if length < 126 else 126 if length < 65536 else 127) and length < 1 << 63
        control = opcode >= 8
        if (
            first & 0x70
            or opcode not in (0, 1, 2, 8, 9, 10)
            or (control and (not fin or length > 125))
            or not shortest
            or bool(second >> 7) is not masked
        ):
            return end(LinkFault.PROTOCOL_ERROR)
        payload = octets[size : size + length]
        if len(payload) < length:
            return end(LinkFault.TRUNCATED)
        position += size + length
        if masked:
            payload = apply(payload, octets[size - 4 : size])
        if opcode == 8:
            return explain_close(payload, end)
        if control:
            pings += opcode == 9
            continue
        if (opcode == 0) is (parts is None):
            return end(LinkFault.PROTOCOL_ERROR)
        if parts is None:
            parts, text = [], opcode == 1
        parts.append(payload)
        if fin:
            message, parts = b"".join(parts), None
            if text and not any_text and message != message.decode("utf-8", "ignore").encode():
                return end(LinkFault.NOT_UTF8)
            messages += [message] if message else []
    return end(LinkFault.CLOSED_ABNORMALLY if parts is None else LinkFault.TRUNCATED)


def explain_close(payload: bytes, end: Callable[[LinkFault | None, int | None], Explained]) -> Explained:
    """Section 7.4.1: which codes may stand in a Close."""
    if not payload:
        return end(None, 1005)
    code = int.from_bytes(payload[:2], "big")
    known = code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013)
    if len(payload) == 1 or not (known or 3000 <= code < 5000):
        return end(LinkFault.PROTOCOL_ERROR, None)
    if payload[2:] != payload[2:].decode("utf-8", "ignore").encode():
        return end(LinkFault.NOT_UTF8, None)
    return end(None, code)


def strategy() -> SearchStrategy[bytes]:
    """Return a strategy of inputs for `check`: hand-shakes of known lines, and sequences of frames."""
    from hypothesis import strategies as st

    def joined(head: bytes, rest: list[bytes]) -> bytes:
        return head + b"".join(rest)

    def listed(numbers: list[int]) -> bytes:
        return bytes(numbers)

    limits = st.sampled_from([0, 0, 0, *range(len(LIMITS))]).map(lambda number: number << 3)
    seeds = st.binary(min_size=1, max_size=1)

    def heads(modes: list[int]) -> SearchStrategy[bytes]:
        low = st.sampled_from(modes)
        return st.builds(lambda mode, high, seed: bytes([mode | high]) + seed, low, limits, seeds)

    octets = st.binary(min_size=1, max_size=7).map(lambda some: bytes([0xF8 | len(some)]) + some)
    # A hand-shake: a good one with lines put in, repeated or left out, and what follows it.
    line = st.integers(0, len(LINES) - 1)
    blank = LINES.index(b"\r\n")
    request, response = range(len(REQUEST)), range(len(REQUEST), len(REQUEST) + len(RESPONSE))
    kept = st.lists(st.sampled_from([True] * 19 + [False]), min_size=6, max_size=6)

    def shake(mode: list[int], good: range) -> SearchStrategy[bytes]:
        def written(keep: list[bool], extra: list[int], junk: list[bytes]) -> bytes:
            numbers = [number for number, stays in zip(good, keep, strict=False) if stays]
            return listed([*numbers, *extra, blank]) + b"".join(junk)

        known = st.builds(written, kept, st.lists(line, max_size=3), st.lists(octets, max_size=2))
        anything = st.lists(line.map(lambda number: bytes([number])) | octets, max_size=20).map(b"".join)
        return st.builds(joined, heads(mode), st.one_of(known, known, anything).map(lambda one: [one]))

    # Frames: whole messages, fragments of one, control frames, and now and then something else.
    payload = st.integers(0, len(PAYLOADS) - 1)

    def frame(firsts: list[int]) -> SearchStrategy[bytes]:
        return st.builds(lambda first, which: listed([0, first, which]), st.sampled_from(firsts), payload)

    fragments = st.builds(
        lambda first, between, last: first + b"".join(between) + last,
        frame([0x01, 0x02]),
        st.lists(frame([0x00, 0x89]), max_size=3),
        frame([0x80]),
    )
    odd = st.builds(
        lambda shape, first, which: listed([shape, first, which]),
        st.sampled_from([0, 0, 1, 6, 8, 10, 0x20]),
        st.sampled_from([0xC1, 0xA2, 0x91, 0x83, 0x8B, 0x09]) | st.integers(0, 255),
        payload,
    )
    good = st.one_of(frame([0x81, 0x82]), frame([0x81, 0x82, 0x89, 0x8A]), fragments)
    stream = st.builds(
        lambda some, last: b"".join([*some, *last]),
        st.lists(good, max_size=12),
        st.lists(st.one_of(odd, octets, frame([0x88]), frame([0x01, 0x80])), max_size=3),
    )
    framed = st.builds(joined, heads([0, 1, 4]), stream.map(lambda one: [one]))
    return st.one_of(framed, framed, shake([2], response), shake([3], request))
