"""Octets leave in order, in pieces of the size that is asked for, and are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.octet_queue import OctetQueue


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(min_value=1, max_value=30), min_size=1))
def test_what_went_in_comes_out_in_pieces_that_fit(pieces: list[bytes], sizes: list[int]) -> None:
    queue = OctetQueue()
    for piece in pieces:
        queue.append(piece)
    whole = b"".join(pieces)
    taken = b""
    turn = 0
    while queue:
        assert len(queue) == len(whole) - len(taken)
        piece = queue.take(sizes[turn % len(sizes)])
        assert 0 < len(piece) <= sizes[turn % len(sizes)]
        taken += piece
        turn += 1
        assert queue.handed_over == len(taken)
    assert taken == whole
    assert queue.take(10) == b""


def test_asking_for_nothing_takes_nothing() -> None:
    queue = OctetQueue()
    queue.append(b"abc")
    assert queue.take(0) == b""
    assert len(queue) == 3


def test_what_is_small_leaves_together() -> None:
    queue = OctetQueue()
    for piece in (b"a", b"bc", b"def", b"ghij"):
        queue.append(piece)
    assert queue.take(6) == b"abcdef"
    assert queue.take(6) == b"ghij"


def test_clearing_forgets_what_was_not_handed_over() -> None:
    queue = OctetQueue()
    queue.append(b"abcdef")
    assert queue.take(2) == b"ab"
    queue.clear()
    assert len(queue) == 0
    queue.append(b"x")
    assert queue.take(9) == b"x"
    assert queue.handed_over == 3
