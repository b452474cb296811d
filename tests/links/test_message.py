"""STOMP over somebody else's WebSocket: messages in, messages out, the end; and never a WebSocket library."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.message import MessageLink
from stomp_sansio.protocol.limits import Limits


def events(link: MessageLink) -> list[LinkEvent]:
    return list(iter(link.next_event, None))


def messages(link: MessageLink) -> list[str | bytes]:
    return list(iter(link.next_message, None))


def opened(**options) -> MessageLink:
    link = MessageLink(**options)
    assert events(link) == [LinkOpened("websocket", options.get("subprotocol"))]
    return link


def test_the_link_is_open_at_once() -> None:
    opened()
    opened(subprotocol="v12.stomp")
    assert opened().carries(b"\xff")
    assert opened().is_open


def test_messages_of_either_kind_are_octets_of_the_stream() -> None:
    link = opened()
    link.receive_message("grüß\0")
    link.receive_message(b"\xff")
    link.receive_message("")
    link.receive_message(b"")
    assert events(link) == [LinkData("grüß\0".encode()), LinkData(b"\xff")]


def test_what_is_utf8_goes_as_text_and_the_rest_as_binary() -> None:
    link = opened()
    for chunk in ("é".encode(), b"\xff", b""):
        link.send(chunk)
    assert messages(link) == ["é", b"\xff"]
    link = opened(binary=True)
    link.send("é".encode())
    assert messages(link) == ["é".encode()]


@given(st.text(max_size=40), st.integers(min_value=4, max_value=9))
def test_large_chunks_go_in_pieces_where_that_is_wanted(chunk: str, split_above: int) -> None:
    link = opened(split_above=split_above)
    link.send(chunk.encode())
    pieces = messages(link)
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == chunk
    assert all(isinstance(piece, str) and len(piece.encode()) <= split_above for piece in pieces)


def test_too_small_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        MessageLink(split_above=3)


def test_the_peer_closes() -> None:
    link = opened()
    link.send(b"lost")
    link.receive_close(1001, "bye \ud800")
    assert events(link) == [
        LinkClosed(True, Phase.OPEN, "The peer closed the WebSocket, code 1001: 'bye ?'", code=1001)
    ]
    link.receive_close(1006)
    link.receive_message("late")
    link.close()
    assert events(link) == []
    assert link.close_wish is None


@pytest.mark.parametrize("code", [None, 1006])
def test_a_websocket_that_broke_is_not_clean(code: int | None) -> None:
    link = opened()
    link.receive_close(code)
    (end,) = events(link)
    assert isinstance(end, LinkClosed)
    assert (end.clean, end.code) == (False, 1006)
    assert end.error is not None
    assert end.error.fault is LinkFault.CLOSED_ABNORMALLY


def test_this_side_closes_behind_what_was_queued() -> None:
    link = opened()
    link.send(b"last")
    assert link.close_wish is None
    link.close()
    link.close(1011, "again")
    assert messages(link) == ["last"]
    assert link.close_wish == (1000, "")
    link.receive_message("late, but heard")
    assert events(link) == [LinkData(b"late, but heard")]
    link.receive_close(1000)
    assert events(link) == [
        LinkClosed(True, Phase.OPEN, "Both sides closed the WebSocket, code 1000", code=1000)
    ]


def test_sending_is_refused_while_closing_and_when_closed() -> None:
    closing, closed = opened(), opened()
    closing.close()
    closed.receive_close(1000)
    for link in (closing, closed):
        with pytest.raises(LocalProtocolError) as caught:
            link.send(b"x")
        assert caught.value.misuse is Misuse.CLOSED
        assert not link.is_open
        assert messages(link) == []


@pytest.mark.parametrize(
    ("message", "fault", "code"),
    [
        ("x" * 40_970, LinkFault.LIMIT, 1009),
        (b"x" * 40_970, LinkFault.LIMIT, 1009),
        ("é" * 20_485, LinkFault.LIMIT, 1009),
        ("a\ud800", LinkFault.BAD_UNICODE, 1007),
    ],
)
def test_a_message_that_cannot_be_taken_is_the_end(message: str | bytes, fault: LinkFault, code: int) -> None:
    link = opened(limits=Limits(max_body=1))
    link.receive_message("x" * 40_961)
    link.receive_message(message)
    link.receive_message("late")
    data, end = events(link)
    assert data == LinkData(b"x" * 40_961)
    assert isinstance(end, LinkClosed)
    assert end.error is not None
    assert (end.error.fault, end.code, end.clean) == (fault, code, False)
    assert link.close_wish == (code, end.reason)
    link.receive_close(1000)
    assert events(link) == []


def test_needs_no_websocket_library() -> None:
    program = (
        "import sys\n"
        "import stomp_sansio.links.message, stomp_sansio.links.subprotocols\n"
        "sys.exit(' '.join({'wsproto', 'h11', 'websockets'} & set(sys.modules)) or None)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
