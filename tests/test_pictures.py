"""The pictures of the states are those that the tables give, say all that the tables say, and can be read."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stomp_sansio import Sender, State
from stomp_sansio.protocol.commands import COMMANDS
from stomp_sansio.protocol.states import ENDINGS, TRANSITIONS
from tools import pictures

SVG = "{http://www.w3.org/2000/svg}"
ROLES = pytest.mark.parametrize("role", list(Sender))


def test_the_pictures_are_those_that_the_tables_give():
    assert pictures.main(["--check"]) == 0


def test_a_stale_picture_is_noticed_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    monkeypatch.setattr(pictures, "DOCS", tmp_path / "docs")
    assert pictures.main(["--check"]) == 1
    assert capsys.readouterr().out.count("is stale: python -m tools.pictures") == 3
    assert pictures.main([]) == 0
    assert pictures.main(["--check"]) == 0
    (tmp_path / "docs" / "states.md").write_text("old")
    assert pictures.main(["--check"]) == 1


@ROLES
def test_a_diagram_says_all_that_the_tables_say_and_nothing_else(role: Sender):
    table: dict[tuple[State, str], State] = {}
    endings: set[tuple[str, State]] = set()
    for line in pictures.mermaid(role).splitlines():
        match = re.fullmatch(r" {4}(\w+) --> (\w+): (.*)", line)
        if match is None:
            continue
        start, end = State[match[1]], State[match[2]]
        for said in match[3].split("<br/>"):
            frames = re.fullmatch(r"we (send|receive) (.*)", said)
            if frames is None:
                assert end is State.CLOSED
                endings.add((said, start))
                continue
            for command in re.split(", | or ", frames[2]):
                assert (COMMANDS[command].sender is role) == (frames[1] == "send")
                table[start, command] = end
    assert table == TRANSITIONS
    assert endings == {(ending.value, state) for ending, states in ENDINGS.items() for state in states}


@ROLES
def test_a_picture_says_what_its_diagram_says(role: Sender):
    drawn = " ".join(
        element.text or "" for element in ElementTree.fromstring(pictures.svg(role)).iter(f"{SVG}text")
    )
    words = re.findall(r"[A-Z]{3,}", drawn)
    named = [command for _, command in TRANSITIONS] + [state.name for state in State]
    assert sorted(words) == sorted(named)
    for ending, states in ENDINGS.items():
        assert drawn.count(ending.value) == len(states)


@ROLES
def test_a_picture_can_be_read(role: Sender):
    """Every text lies inside, and no two lines of text on the same side lie on each other."""
    root = ElementTree.fromstring(pictures.svg(role))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    taken: list[tuple[float, float, float]] = []
    for element in root.iter(f"{SVG}text"):
        text, x, y = element.text or "", float(element.attrib["x"]), float(element.attrib["y"])
        # DejaVu Sans, 14 px: at most some 9 px a character
        size = len(text) * 9
        anchor = element.attrib.get(
            "text-anchor", "middle" if element.attrib.get("class") == "state" else "start"
        )
        left = {"start": x, "middle": x - size / 2, "end": x - size}[anchor]
        assert left >= 0
        assert left + size <= width
        assert 20 <= y <= height - 10
        for other_left, other_right, other_y in taken:
            apart = left >= other_right or left + size <= other_left or abs(y - other_y) >= 14
            assert apart, f"{text} lies on another text"
        taken.append((left, left + size, y))
