"""Which chunk is text, and where it may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.chunks import check_split, is_utf8, split_chunk


@given(st.binary(max_size=20) | st.text(max_size=20).map(str.encode))
def test_knows_utf8(octets: bytes) -> None:
    try:
        octets.decode("utf-8")
        valid = True
    except UnicodeDecodeError:
        valid = False
    assert is_utf8(octets) is valid


@pytest.mark.parametrize("split_above", [-1, 0, 3])
def test_pieces_too_small_for_a_character_are_refused(split_above: int) -> None:
    with pytest.raises(ValueError, match="at least 4"):
        check_split(split_above)
    check_split(None)
    check_split(4)


@given(st.text(max_size=60).map(str.encode), st.integers(min_value=4, max_value=20))
def test_pieces_of_text_are_text_and_small_enough(chunk: bytes, limit: int) -> None:
    pieces = list(split_chunk(chunk, limit, text=True))
    assert b"".join(pieces) == chunk
    for piece in pieces:
        assert 0 < len(piece) <= limit
        assert is_utf8(piece)


@given(st.binary(max_size=60), st.integers(min_value=4, max_value=20))
def test_other_octets_are_cut_anywhere(chunk: bytes, limit: int) -> None:
    pieces = list(split_chunk(chunk, limit, text=False))
    assert b"".join(pieces) == chunk
    assert all(len(piece) == limit for piece in pieces[:-1])
