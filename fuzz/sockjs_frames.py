"""Invariant: however a SockJS response is cut, its events and its verdict are the same, nothing but
documented faults is raised, an array means what the standard library's JSON says, and what was read can be
written again.

This file must not know HTTP or WebSocket.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from fuzz.octets import Octets, by_octet, random_cuts
from stomp_sansio.errors import Fault, LinkFault, RemoteProtocolError
from stomp_sansio.links.sockjs_frames import (
    ResponseLines,
    SockJSClose,
    SockJSEvent,
    SockJSMessages,
    SockJSReceiver,
    encode_messages,
)
from stomp_sansio.links.sockjs_payload import decode_array
from stomp_sansio.protocol.limits import Limits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["check", "strategy"]

LIMITS = (
    Limits(),
    Limits(max_body=1, max_sockjs_messages=3),
    Limits(max_body=1, max_sockjs_messages=1),
    Limits(max_body=100),
)
FAULTS = {
    LinkFault.BAD_FRAME,
    LinkFault.BAD_JSON,
    LinkFault.BAD_UNICODE,
    LinkFault.UNEXPECTED_FRAME,
    LinkFault.TRUNCATED,
    LinkFault.LIMIT,
}
PIECES = (
    *(b"o", b"h", b"hh", b"\n", b"\r\n", b"\r", b"a", b"m", b"c", b"[", b"]", b'"', b",", b" ", b"\\", b"u"),
    *(
        b"d800",
        b"\\udc00",
        b"\\ud83d\\ude00",
        b"1",
        b"-",
        b".5",
        b"NaN",
        b"null",
        b"{}",
        b"x",
        b"\x00",
        b"\x7f",
    ),
    *(b"\xff", b"\xe2\x80\xa8", b"\xed\xa0\x80", b'a["', b'"]\n', b'","', b'c[3000,"x"]\n', b'm"x"\n'),
    *(b"o\n", b"h\n", b"[" * 1100),
)
LONG = b"a" * 3_000


class Facts(NamedTuple):
    """All that is heard of a session. Two ways of cutting must give equal facts."""

    events: tuple[SockJSEvent, ...]
    verdict: tuple[Fault | LinkFault, str] | None


def check(data: bytes) -> None:
    """Read responses of one session in several cuts, and one payload beside them.

    Raises:
        AssertionError: the invariant is broken.
    """
    choices = Octets(data)
    limits = choices.choose(LIMITS)
    streaming = bool(choices.octet() & 1)
    seed = choices.octet()
    body = bytearray()
    while choices.left:
        piece = choices.octet()
        if piece < len(PIECES):
            body += PIECES[piece]
        elif piece == 255:
            body += LONG
        else:
            body += choices.take(piece & 7)
    wire = bytes(body)
    whole = listen([wire], limits, streaming=streaming)
    assert listen(by_octet(wire[:5_000]), limits, streaming=streaming) == listen(
        [wire[:5_000]], limits, streaming=streaming
    ), "octet by octet"
    cut = list(random_cuts(wire, seed))
    assert listen(cut, limits, streaming=streaming) == whole, f"cut into {len(cut)} pieces"
    for event in whole.events:
        if isinstance(event, SockJSMessages):
            check_messages(event.messages, limits)
    check_array(wire, limits)


def listen(chunks: Iterable[bytes], limits: Limits, *, streaming: bool) -> Facts:
    """Read one response to its end."""
    lines = ResponseLines(limits, streaming=streaming)
    receiver = SockJSReceiver(limits)
    events: list[SockJSEvent] = []

    def drain() -> None:
        while (frame := lines.next_frame()) is not None:
            event = receiver.receive(frame)
            if event != SockJSMessages(()):
                assert not events or not isinstance(events[-1], SockJSClose), "nothing counts behind a close"
                events.append(event)

    try:
        for chunk in chunks:
            lines.receive(chunk)
            drain()
        lines.end()
        drain()
    except RemoteProtocolError as error:
        return Facts(tuple(events), (documented(error), str(error)))
    return Facts(tuple(events), None)


def documented(error: RemoteProtocolError) -> Fault | LinkFault:
    """Return the fault of an error, which has to be one that framing has."""
    fault = error.fault
    assert fault in FAULTS, f"{fault} is no fault of a frame"
    return fault


def check_messages(messages: tuple[bytes, ...], limits: Limits) -> None:
    """What was read is within the limits, and can be written so that it is read again."""
    assert len(messages) <= limits.max_sockjs_messages
    assert sum(map(len, messages)) <= limits.max_message
    frame = encode_messages(messages)
    assert frame.isascii()
    if len(frame) - 1 <= limits.max_sockjs_frame:
        assert decode_array(frame[1:], limits) == messages


def check_array(payload: bytes, limits: Limits) -> None:
    """An array means what JSON says, or is refused."""
    try:
        messages = decode_array(payload, limits)
    except RemoteProtocolError as error:
        if documented(error) is not LinkFault.LIMIT:
            assert not is_array_of_text(payload), f"{payload!r} is an array of text"
    else:
        assert [message.decode("utf-8") for message in messages] == json.loads(payload)


def is_array_of_text(payload: bytes) -> bool:
    """Tell what the standard library makes of the payload."""
    try:
        value: object = json.loads(payload.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return False
    try:
        "".join(value).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def strategy() -> SearchStrategy[bytes]:
    """Return a strategy of inputs for `check`: mostly sequences of known pieces."""
    from hypothesis import strategies as st

    head = st.binary(min_size=3, max_size=3)
    piece = st.integers(0, len(PIECES) - 1).map(lambda number: bytes([number]))
    octets = st.binary(min_size=1, max_size=7).map(lambda some: bytes([0xA0 | len(some)]) + some)
    return st.builds(lambda first, rest: first + b"".join(rest), head, st.lists(piece | octets, max_size=40))
