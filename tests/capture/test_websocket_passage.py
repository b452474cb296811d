"""`WebSocketPassage`: what is said inside frames is hidden, and the frames stay what they are."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.sockjs_passage import MessagePassage
from stomp_sansio.capture.websocket_passage import WebSocketPassage
from stomp_sansio.links.websocket_frames import BINARY, FIN, TEXT, apply_mask, data_frame, read_header

from .around import Around, through

MASK = b"\x01\x80\x33\xff"


def passage(around: Around, *, from_client: bool = True) -> tuple[WebSocketPassage, list[tuple[int, bytes]]]:
    controls: list[tuple[int, bytes]] = []
    messages = MessagePassage(around, around.stomp(1, True), from_client=from_client)
    return WebSocketPassage(
        messages, around.secrets, lambda code, said: controls.append((code, said)), from_client=from_client
    ), controls


def payloads(octets: bytes) -> list[bytes]:
    """Return what frames carry, unmasked."""
    found: list[bytes] = []
    position = 0
    while position < len(octets):
        header = read_header(octets, position, len(octets))
        assert header is not None
        position += header.size
        said = octets[position : position + header.length]
        found.append(apply_mask(said, header.masking_key) if header.masking_key else said)
        position += header.length
    return found


def frame(first: int, payload: bytes, mask: bytes) -> bytes:
    octets = bytearray(data_frame(TEXT, payload, mask))
    octets[0] = first
    return bytes(octets)


@pytest.mark.parametrize(("mask", "size"), list(product([b"", MASK], [0, 1, 7])))
def test_a_secret_inside_frames_is_hidden_with_the_same_key(mask: bytes, size: int):
    said = b"CONNECT\npasscode:hunter2\n\n\0"
    octets = b"".join(
        [
            frame(TEXT, said[:20], mask),
            frame(FIN | 0x9, b"ping", mask),
            frame(FIN, said[20:], mask),
            data_frame(BINARY, b"SEND\n\n" + b"a" * 70_000 + b"hunter2\0", mask),
            frame(FIN | 0x8, b"\x03\xe8no, hunter2", mask),
            frame(FIN | 0xA, b"", mask),
            frame(FIN | TEXT, b"", mask),
        ]
    )
    around = Around()
    under_test, controls = passage(around, from_client=bool(mask))
    shown = through(under_test, octets, size)
    assert len(shown) == len(octets)
    assert payloads(shown) == [
        octets.replace(b"hunter2", b"xxxxxxx")
        .replace(said[:20], b"CONNECT\npasscode:xxx")
        .replace(b"ter2\n\n", b"xxxx\n\n")
        for octets in payloads(octets)
    ]
    assert controls == [(0x9, b"ping"), (0x8, b"\x03\xe8no, hunter2"), (0xA, b"")]
    if mask:
        assert shown[2:6] == mask


def test_a_flush_in_the_middle_changes_nothing_but_when():
    octets = frame(FIN | TEXT, b"CONNECT\npasscode:hunter2\n\n\0", MASK)
    octets += frame(FIN | 0x8, b"\x03\xe8no", MASK) + data_frame(BINARY, b"\n" * 300, MASK)
    for end in range(len(octets)):
        under_test, _ = passage(Around())
        first = under_test.feed(octets[:end]) + under_test.flush()
        assert len(first) == end
        shown = first + through(under_test, octets[end:])
        assert payloads(shown) == [b"CONNECT\npasscode:xxxxxxx\n\n\0", b"\x03\xe8no", b"\n" * 300]


@given(st.binary(max_size=40), st.integers(1, 5))
def test_any_octets_keep_their_number(octets: bytes, size: int):
    under_test, _ = passage(Around())
    shown = through(under_test, octets, size)
    assert len(shown) == len(octets)
    other, _ = passage(Around())
    assert through(other, octets) == shown


def test_a_secret_known_before_is_hidden_in_a_reason():
    under_test, _ = passage(Around("hunter2"))
    assert payloads(through(under_test, frame(FIN | 0x8, b"\x03\xe8hunter2", MASK))) == [b"\x03\xe8xxxxxxx"]


@pytest.mark.parametrize(
    "header",
    [
        frame(0xC1, b"", MASK),
        frame(FIN | 0x3, b"", MASK),
        frame(FIN | 0xB, b"", MASK),
        frame(0x8, b"", MASK),
        frame(FIN | 0x9, bytes(126), MASK)[:8],
        frame(FIN | TEXT, b"", b""),
        b"\x81\xfe\0\1" + MASK,
    ],
)
def test_behind_a_frame_that_no_reader_takes_nothing_is_shown(header: bytes):
    octets = header + b"CONNECT\npasscode:hunter2\n\n\0"
    for size in (0, 1):
        under_test, _ = passage(Around())
        shown = through(under_test, octets, size)
        assert shown == header + b"x" * (len(octets) - len(header))
