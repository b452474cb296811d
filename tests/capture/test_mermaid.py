"""The diagram for Mermaid: one line a step, and no text that means something to Mermaid."""

from __future__ import annotations

import re

import pytest

from stomp_sansio.capture import read, render_mermaid

from .scenes import SCENES, Said, Scene, capture_of


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_line_is_one_that_mermaid_knows(scene: Scene):
    first, *lines = render_mermaid(read(capture_of(scene))).splitlines()
    assert first == "sequenceDiagram"
    assert lines[:2] == ["    participant client", "    participant server"]
    for line in lines[2:]:
        assert re.fullmatch(
            r"    (note over client,server|(client|server)--?>>(client|server)): ([^;<>{}\"%#]|#\d+;)*",
            line,
        )


def test_a_conversation_looks_like_this():
    said = (
        Said(1, True, b"SEND\ndestination:a;b\n\n<\xc3\xa9>\0"),
        Said(1, False, b"ERROR\nmessage:no\n\n\0"),
        Said(1, False, b"\n"),
    )
    assert render_mermaid(read(capture_of(Scene("", said)))).splitlines()[3:] == [
        "    note over client,server: 0.000 s connect to example.org:80",
        "    note over client,server: 0.000 s connected",
        "    client->>server: 0.001 s SEND destination:a#59;b (4 octets) #60;#233;#62;",
        "    server->>client: 0.002 s ! ERROR message:no",
        "    server-->>client: 0.003 s heart-beat",
        "    note over client,server: 0.003 s closed",
    ]
