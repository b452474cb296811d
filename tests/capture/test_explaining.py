"""`explain`: the parts of a frame are its octets, each with what it means, and a fault stands where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture import CaptureError, explain, read
from stomp_sansio.capture.explaining import Part, parts_of
from stomp_sansio.capture.listening import Said, listen

from .scenes import SCENES, Scene, capture_of
from .scenes import Said as Saying

CONNECTED = {version: f"CONNECTED\nversion:{version}\n\n\0".encode() for version in ("1.0", "1.1", "1.2")}


def of(*octets: bytes, from_client: bool = False) -> Scene:
    return Scene("", tuple(Saying(1, from_client, piece) for piece in octets))


def frames(scene: Scene) -> list[Said]:
    return [item for item in listen(read(capture_of(scene))) if isinstance(item, Said)]


def meanings(*octets: bytes) -> list[tuple[bytes, str]]:
    return [(part.octets, part.meaning) for part in parts_of(frames(of(*octets))[-1])]


def test_each_part_has_its_meaning():
    frame = b"MESSAGE\nsubscription:0\nx-token:abcd\na\\cb:\n\nhi\0"
    assert meanings(CONNECTED["1.2"], frame) == [
        (b"MESSAGE", "the command, MESSAGE"),
        (b"\n", "the end of the line (EOL)"),
        (b"subscription", "the name of a header"),
        (b":", "the colon between name and value"),
        (b"0", "its value: the subscription that the message belongs to"),
        (b"\n", "the end of the line (EOL)"),
        (b"x-token", "the name of a header"),
        (b":", "the colon between name and value"),
        (b"xxxx", "its value: a secret; hidden when this was written"),
        (b"\n", "the end of the line (EOL)"),
        (b"a\\cb", "the name of a header; \\c is a colon"),
        (b":", "the colon between name and value"),
        (b"\n", "the end of the line (EOL)"),
        (b"\n", "the blank line that ends the headers"),
        (b"hi", "the body, 2 octets"),
        (b"\0", "NUL, which ends the frame"),
    ]


@pytest.mark.parametrize(
    ("version", "value", "meaning"),
    [
        ("1.2", b"a\\n\\\\n\\r\\n", "\\n is a line feed, \\\\ is a backslash, \\r is a carriage return"),
        ("1.2", b"\\t", "\\t is nothing in STOMP 1.2"),
        ("1.1", b"\\r", "\\r is nothing in STOMP 1.1"),
        ("1.1", b"\\", "\\ is nothing in STOMP 1.1"),
        ("1.0", b"\\n", "backslashes mean themselves here"),
    ],
)
def test_escapes_are_those_of_the_version(version: str, value: bytes, meaning: str):
    frame = b"MESSAGE\na:" + value + b"\n\n\0"
    assert meanings(CONNECTED[version], frame)[4] == (value, f"its value; {meaning}")


def test_before_a_version_backslashes_mean_themselves():
    assert meanings(b"ERROR\nmessage:\\n\n\n\0")[4][1].endswith("; backslashes mean themselves here")


def test_odd_frames_have_parts_too():
    assert meanings(b"ERROR\nno colon\r\n\r\n\0")[2:] == [
        (b"no colon\r", "a line without a colon: this is no header"),
        (b"\n", "the end of the line (EOL)"),
        (b"\r\n", "the blank line that ends the headers"),
        (b"\0", "NUL, which ends the frame"),
    ]
    assert meanings(b"ERROR\nmessage") == [
        (b"ERROR", "the command, ERROR"),
        (b"\n", "the end of the line (EOL)"),
        (b"message", "a line without a colon: this is no header"),
    ]
    assert meanings(b"ERROR\n\na")[-1] == (b"a", "the body, 1 octet")
    assert meanings(b"ERR") == [(b"ERR", "the command, ERR")]
    assert meanings(b"ERROR\n\n")[-1] == (b"\n", "the blank line that ends the headers")


@given(
    st.lists(
        st.binary(max_size=6) | st.sampled_from([b"\n", b"\0", b"a:b\n", b"ERROR\n", b"content-length:3\n"])
    )
)
def test_parts_are_all_there_is(pieces: list[bytes]):
    for frame in frames(of(b"".join(pieces))):
        parts = parts_of(frame)
        assert b"".join(part.octets for part in parts) == frame.octets
        assert [part.start for part in parts] == [
            sum(len(part.octets) for part in parts[:at]) for at in range(len(parts))
        ]
        assert all(part.meaning.isprintable() for part in parts)


@pytest.mark.parametrize(
    ("octets", "blamed"),
    [
        (b"NONSENSE\n\n\0", b"\n"),
        (b"ERROR\na\n\n\0", b"\n"),
        (b"ERROR\ncontent-length:1\n\nab\0", b"ab"),
        (b"MESSAGE\na:\\t\n\n\0", b"\n"),
    ],
)
def test_a_fault_stands_where_it_becomes_certain(octets: bytes, blamed: bytes):
    (*_, frame) = frames(of(CONNECTED["1.2"], octets))
    assert frame.error is not None
    (fault,) = [part for part in parts_of(frame) if part.fault]
    assert fault.octets == blamed
    text = explain(read(capture_of(of(CONNECTED["1.2"], octets))), 2)
    assert f"! {frame.error.fault.value}: " in text
    assert [line for line in text.splitlines() if line.startswith("! ")]


def test_all_frames_are_explained_or_one():
    lines = capture_of(SCENES[0])
    whole = explain(read(lines))
    assert [line.split(",")[0] for line in whole.splitlines() if line.startswith("frame")] == [
        f"frame {number}" for number in range(1, 9)
    ]
    one = explain(read(lines), 3)
    assert one.splitlines()[0].startswith("frame 3, client to server, 0.003 s, stream #1, STOMP 1.2, ")
    assert one in whole
    assert "before a version was agreed on" in whole.splitlines()[0]
    assert all(line.isprintable() for line in whole.splitlines())


def test_a_frame_without_an_end_says_so():
    assert "  ! incomplete-frame: its end did not come" in explain(read(capture_of(of(b"ERROR\n"))))


@pytest.mark.parametrize(
    ("size", "rows", "more"), [(16, 1, []), (144, 9, []), (160, 8, ["... 32 more octets"])]
)
def test_long_bodies_are_shortened(size: int, rows: int, more: list[str]):
    lines = explain(read(capture_of(of(b"ERROR\n\n" + b"a" * size + b"\0")))).splitlines()
    assert len([line for line in lines if "aaaa" in line]) == rows
    assert [line.strip() for line in lines if "more octets" in line] == more


def test_what_is_not_there_is_said():
    with pytest.raises(CaptureError, match="the capture has no frame 9: it has 8"):
        explain(read(capture_of(SCENES[0])), 9)
    with pytest.raises(CaptureError, match=r"the capture has no frame$"):
        explain(read(capture_of(of(b"\n"))))


def test_one_octet_is_one():
    assert "1 octet\n" in explain(read(capture_of(of(b"x"))))
    assert Part(0, b"", "").fault is False
