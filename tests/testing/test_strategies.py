"""What hypothesis is given: frames that can be written and read, whole streams, cuts that lose nothing."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Frame, FrameParser, Version, encode
from stomp_sansio.testing import strategies

ANY = strategies.versions()


def read(octets: list[bytes], version: Version) -> list[Frame]:
    parser = FrameParser(version)
    found: list[Frame] = []
    for piece in octets:
        parser.receive_data(piece)
        while (frame := parser.next_frame()) is not None:
            found.append(frame)
    assert not parser.pending
    return found


@given(st.data(), ANY)
def test_a_frame_can_be_written_and_comes_back(data: st.DataObject, version: Version) -> None:
    frame = data.draw(strategies.frames(version))
    (back,) = read([encode(frame, version, content_length=b"\0" in frame.body)], version)
    assert (back.command, back.body) == (frame.command, frame.body)
    assert [pair for pair in back.headers.pairs if pair[0] != "content-length"] == list(frame.headers.pairs)


@given(st.data(), ANY)
def test_only_the_commands_that_were_asked_for_are_made(data: st.DataObject, version: Version) -> None:
    assert data.draw(strategies.frames(version, "SEND", "ACK")).command in ("SEND", "ACK")


@given(st.data(), ANY)
def test_a_stream_is_whole_however_it_is_cut(data: st.DataObject, version: Version) -> None:
    octets = data.draw(strategies.streams(version))
    pieces = data.draw(strategies.cuts(octets))
    assert b"".join(pieces) == octets
    assert read(pieces, version) == read([octets], version)


def test_who_tests_without_hypothesis_does_not_need_it() -> None:
    program = "import sys; sys.modules['hypothesis'] = None; import stomp_sansio.testing"
    subprocess.run([sys.executable, "-c", program], check=True)
