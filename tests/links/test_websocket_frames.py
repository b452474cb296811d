"""The header of a frame and its mask, against frames written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.websocket_frames import BINARY, TEXT, apply_mask, data_frame, read_header
from tests.links.websocket_help import KEY, frame


@given(st.binary(max_size=2000), st.binary(min_size=4, max_size=4))
def test_the_mask_is_the_one_of_the_specification_and_its_own_inverse(payload: bytes, key: bytes) -> None:
    masked = apply_mask(payload, key)
    assert masked == bytes(octet ^ key[place % 4] for place, octet in enumerate(payload))
    assert apply_mask(masked, key) == payload


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 70000])
@pytest.mark.parametrize("mask", [None, KEY])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_frame_is_written_as_by_hand_and_its_header_read_back(
    length: int, mask: bytes | None, opcode: int
) -> None:
    payload = bytes(range(256)) * (length // 256 + 1)
    octets = data_frame(opcode, payload[:length], mask or b"")
    assert octets == frame(opcode, payload[:length], mask=mask)
    header = read_header(b"??" + octets, 2, len(octets) + 2)
    assert header is not None
    assert (header.first, header.length, header.masking_key) == (0x80 | opcode, length, mask or b"")
    assert header.size + length == len(octets)
    assert header.plain
    for end in range(header.size):
        assert read_header(octets, 0, end) is None


@pytest.mark.parametrize(
    ("octets", "length"),
    [
        (b"\x81\x7e\x00\x7d", 125),
        (b"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 65535),
        (b"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1 << 63),
    ],
)
def test_a_length_that_the_specification_forbids_is_not_plain(octets: bytes, length: int) -> None:
    header = read_header(octets, 0, len(octets))
    assert header is not None
    assert header.length == length
    assert not header.plain
