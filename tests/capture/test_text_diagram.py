"""The diagram in text: as wide as it may be, and nothing in it controls a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture import read, render_text
from stomp_sansio.capture.visible import width_of

from .scenes import SCENES, Said, Scene, capture_of


@pytest.mark.parametrize("width", [10, 60, 100, 200])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_all_lines_are_as_wide(scene: Scene, width: int):
    lines = render_text(read(capture_of(scene)), width=width).splitlines()
    assert {width_of(line) for line in lines[1:]} == {max(width, 40)}
    assert all(line.endswith("|") for line in lines[1:])
    assert lines[0].split() == ["seconds", "client", "server"]


def test_a_conversation_looks_like_this():
    said = (Said(1, True, b"CONNECT\nhost:/\n\n\0"), Said(1, False, b"ERROR\nmessage:no\n\n\0"))
    assert render_text(read(capture_of(Scene("", said))), width=60) == (
        "seconds client                                        server\n"
        "  0.000 |  connect to example.org:80                       |\n"
        "  0.000 |  connected                                       |\n"
        "  0.001 |-- CONNECT host:/ ------------------------------->|\n"
        "  0.002 |<- ! ERROR message:no ----------------------------|\n"
        "  0.002 |  closed                                          |\n"
    )


def test_streams_are_numbered_where_there_are_several():
    said = (Said(1, True, b"GET / HTTP/1.1\r\n\r\n"), Said(2, True, b"GET / HTTP/1.1\r\n\r\n"))
    text = render_text(read(capture_of(Scene("", said))), width=60)
    assert "  0.001 #1 |.. GET / HTTP/1.1 .." in text
    assert "  0.002    |  what HTTP and WebSocket said came again" in text


def test_frames_are_numbered_for_who_wants_one_explained():
    said = (Said(1, True, b"CONNECT\nhost:/\n\n\0"), Said(1, False, b"ERROR\nmessage:no\n\n\0"))
    assert render_text(read(capture_of(Scene("", said))), width=60, numbered=True) == (
        "seconds frame client                                  server\n"
        "  0.000       |  connect to example.org:80                 |\n"
        "  0.000       |  connected                                 |\n"
        "  0.001     1 |-- CONNECT host:/ ------------------------->|\n"
        "  0.002     2 |<- ! ERROR message:no ----------------------|\n"
        "  0.002       |  closed                                    |\n"
    )


@given(st.text(max_size=30))
def test_nothing_controls_a_terminal(text: str):
    octets = (
        b"MESSAGE\nsubscription:"
        + text.encode("utf-8", "replace").replace(b"\n", b"")
        + b"\n\n"
        + text.encode("utf-8", "replace")
        + b"\0"
    )
    for line in render_text(read(capture_of(Scene("", (Said(1, False, octets),))))).split("\n"):
        assert line.isprintable()
