"""What holds octets is as good as bytes; what holds none is told what to pass."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from stomp_sansio import Connection, FrameParser, ServerConnection
from stomp_sansio.protocol.octets import octets_of
from tests.protocol.helpers import client

FRAME = b"SEND\ndestination:/q\n\n\0"


@pytest.mark.parametrize("holder", [bytearray(FRAME), memoryview(FRAME), array("B", FRAME), FRAME])
def test_whatever_holds_octets_is_taken(holder: Any):
    assert octets_of(holder, "it") == FRAME
    parser = FrameParser()
    parser.receive_data(holder)
    frame = parser.next_frame()
    assert frame is not None
    assert frame.command == "SEND"


@pytest.mark.parametrize("holder", ["text", 5, None, ["a"], [1, 2], 5.0])
def test_what_holds_none_is_refused_and_changes_nothing(holder: Any):
    told = f"{type(holder).__name__}, not bytes: encode text first, as in text.encode\\(\\)"
    for connection in (Connection(), ServerConnection()):
        with pytest.raises(TypeError, match=f"what was received is {told}"):
            connection.receive_data(holder, 0.0)
    fresh, begun = FrameParser(), FrameParser()
    begun.receive_data(FRAME[:5])
    for parser in (fresh, begun):
        with pytest.raises(TypeError, match=f"what was received is {told}"):
            parser.receive_data(holder)
    fresh.receive_data(FRAME)
    begun.receive_data(FRAME[5:])
    assert fresh.next_frame() == begun.next_frame() is not None
    with pytest.raises(TypeError, match=f"the body is {told}"):
        client().send("/q", holder)
