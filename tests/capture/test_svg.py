"""The picture: an SVG document that needs nothing else, and shows text as text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from stomp_sansio.capture import read, render_svg

from .scenes import SCENES, Said, Scene, capture_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_it_is_a_document_with_a_row_for_each_step(scene: Scene):
    lines = capture_of(scene)
    root = ElementTree.fromstring(render_svg(read(lines)))
    assert root.tag == f"{SVG}svg"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "style",
        "title",
        "rect",
        "text",
        "line",
        "path",
    }
    assert not any(
        "href" in name or name.startswith("on") for element in root.iter() for name in element.attrib
    )
    _, _, width, height = map(int, root.attrib["viewBox"].split())
    for element in root.iter():
        for name in ("x", "x1", "x2"):
            assert 0 <= int(element.get(name, 0)) <= width
        for name in ("y", "y1", "y2"):
            assert 0 <= int(element.get(name, 0)) <= height


def test_text_is_text_and_what_has_no_room_is_there_for_who_points_at_it():
    said = (
        Said(1, True, b'SEND\ndestination:<script>&"\n\n\0'),
        Said(1, False, b"ERROR\nmessage:" + b"no " * 50 + b"\nreceipt-id:" + b"a" * 60 + b"\n\nbody\0"),
        Said(2, True, b"GET / HTTP/1.1\r\n\r\n"),
    )
    root = ElementTree.fromstring(render_svg(read(capture_of(Scene("", said)))))
    texts = list(root.iter(f"{SVG}text"))
    assert any(element.text == 'SEND destination:<script>&"' for element in texts)
    (long,) = [element for element in texts if (element.text or "").startswith("ERROR")]
    assert (long.text or "").endswith("...")
    assert len(long[0].text or "") > len(long.text or "")
    assert any(element.text == "0.001 #1" for element in texts)


def test_it_is_readable_in_the_dark():
    assert "prefers-color-scheme: dark" in render_svg(read(capture_of(SCENES[0])))
