"""A message for many: the shared rest is what `encode` makes of it, once a version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Frame, FrameParser, LocalProtocolError, Version
from stomp_sansio.protocol.shared_message import SharedMessage, header_lines

versions = st.sampled_from(list(Version))


def read(octets: bytes, version: Version) -> Frame:
    parser = FrameParser(version)
    parser.receive_data(octets)
    frame = parser.next_frame()
    assert frame is not None
    assert parser.next_frame() is None
    return frame


@given(versions, st.binary(max_size=50), st.text("ab:\\ é", min_size=1, max_size=9))
def test_what_is_its_own_and_what_is_shared_make_one_frame(version: Version, body: bytes, value: str) -> None:
    message = SharedMessage("/topic/a", "m-1", body, headers={"x": value.strip() or "v"})
    octets = b"MESSAGE\n" + header_lines([("subscription", "0")], version) + message.octets(version)
    frame = read(octets, version)
    length = [("content-length", str(len(body)))] if body else []
    assert list(frame.headers.pairs) == [
        ("subscription", "0"),
        ("message-id", "m-1"),
        ("destination", "/topic/a"),
        ("x", value.strip() or "v"),
        *length,
    ]
    assert frame.body == body


@given(versions)
def test_no_header_is_no_line(version: Version) -> None:
    assert header_lines([], version) == b""


def test_a_version_is_encoded_once() -> None:
    message = SharedMessage("/topic/a", "m-1", b"x" * 9)
    assert message.octets(Version.V1_2) is message.octets(Version.V1_2)


def test_what_one_version_cannot_say_another_can() -> None:
    message = SharedMessage("/topic/a", "m-1", headers={"x": "two\nlines"})
    with pytest.raises(LocalProtocolError):
        message.octets(Version.V1_0)
    assert b"x:two\\nlines\n" in message.octets(Version.V1_1)


def test_by_another_name_it_is_the_same_message() -> None:
    message = SharedMessage("/topic/a", "m-1", b"body", headers={"x": "y"})
    frame = read(b"MESSAGE\nsubscription:0\n" + message.renamed("m-2").octets(Version.V1_2), Version.V1_2)
    assert (frame.headers["message-id"], frame.headers["x"], frame.body) == ("m-2", "y", b"body")
