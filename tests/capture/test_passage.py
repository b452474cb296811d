"""`Waiting`: what has an inside waits for it, and what has none keeps its place."""

from __future__ import annotations

from stomp_sansio.capture.passage import Waiting


def upper(before: bytes, after: bytes) -> bytes:
    return after.upper()


def test_order_is_kept():
    waiting = Waiting()
    waiting.literal(b"1")
    waiting.held(b"ab", upper)
    waiting.literal(b"")
    waiting.literal(b"2")
    waiting.held(b"", upper)
    assert waiting.fill(b"") == b"1"
    assert waiting.fill(b"x") == b"X"
    assert waiting.fill(b"yz") == b"Y2"
    waiting.held(b"c", upper)
    assert waiting.fill(b"") == b"Z", "what came back early is kept"


def test_what_is_whole_comes_whole():
    waiting = Waiting()
    seen: list[tuple[bytes, bytes]] = []

    def put(before: bytes, after: bytes) -> bytes:
        seen.append((before, after))
        return b"!"

    waiting.held(b"abc", put, whole=True)
    assert waiting.fill(b"ab") == b""
    assert waiting.fill(b"d") == b"!"
    assert seen == [(b"abc", b"abd")]
