"""Text that is shown obeys nobody but the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.visible import shortened, visible, width_of


@given(st.text())
def test_what_is_visible_is_printable_and_in_one_line(text: str):
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本 😀", "plain é 日本 😀"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\0", "a\\nb\\x00"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_controls_is_escaped(text: str, shown: str):
    assert visible(text) == shown


@given(st.text(), st.integers(3, 20))
def test_what_is_shortened_has_room(text: str, width: int):
    short = shortened(text, width)
    assert width_of(short) <= width
    assert short == text or short.endswith("...")


def test_wide_characters_take_two_columns():
    assert width_of("日本") == 4
    assert shortened("日本日本", 7) == "日本..."
