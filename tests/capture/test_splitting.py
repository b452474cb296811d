"""`FrameSplitter`: frames are cut where a parser ends them, and not an octet is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.splitting import FrameSplitter

from .scenes import CLIENT_SAYS, MESSAGE, SERVER_SAYS

FRAMES = [*CLIENT_SAYS, *SERVER_SAYS[:1], MESSAGE]


@pytest.mark.parametrize(
    "pieces",
    [
        FRAMES,
        [b"\n", b"\r\n", FRAMES[0], b"\n"],
        [b"SEND\r\ncontent-length: 3 \r\n\r\na\0b\0"],
        [b"SEND\ncontent-length:x\n\nab\0", b"\n"],
        [b"SEND\ncontent-length:00\n\nab\0"],
        [b"SEND\ncontent-length:1\ncontent-length:9\n\na\0"],
        [b"MESSAGE\na:\0b\n\nbody\0"],
    ],
)
def test_pieces_come_back_however_they_are_cut(pieces):
    wire = b"".join(pieces)
    splitter = FrameSplitter()
    assert splitter.feed(wire) == pieces
    splitter = FrameSplitter()
    assert [piece for at in range(len(wire)) for piece in splitter.feed(wire[at : at + 1])] == pieces
    assert splitter.rest == b""


@given(st.lists(st.binary(max_size=8) | st.sampled_from([b"\n", b"\n\n", b"\0", b"content-length:2\n"])))
def test_nothing_is_lost(chunks):
    splitter = FrameSplitter()
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    assert b"".join([*pieces, splitter.rest]) == b"".join(chunks)


def test_what_has_begun_is_the_rest():
    splitter = FrameSplitter()
    assert splitter.feed(b"SEND\ncontent-length:5\n\nabc") == []
    assert splitter.rest == b"SEND\ncontent-length:5\n\nabc"
    assert splitter.feed(b"de") == []
    assert splitter.feed(b"\0\n") == [b"SEND\ncontent-length:5\n\nabcde\0", b"\n"]


def test_a_long_body_in_small_pieces_is_looked_at_once():
    splitter = FrameSplitter()
    splitter.feed(b"SEND\n\n")
    for _ in range(20_000):
        splitter.feed(b"abcdefgh")
    assert len(splitter.feed(b"\0")[0]) == 160_007
