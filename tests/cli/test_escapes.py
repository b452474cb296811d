"""Text from elsewhere: whatever it is, no terminal obeys what is shown of it."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from stomp_cli.escapes import escaped

HARMLESS = {"\u200c", "\u200d"}


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text):
    shown = escaped(text)
    assert not [
        character
        for character in shown
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in HARMLESS
    ]


@given(st.text())
def test_with_lines_only_line_feeds_and_tabs_are_left(text):
    assert {c for c in escaped(text, lines=True) if unicodedata.category(c) == "Cc"} <= {"\n", "\t"}


def test_what_is_harmless_stays():
    assert escaped("Grüße, 漢字 👩\u200d🚀!") == "Grüße, 漢字 👩\u200d🚀!"


def test_what_is_not_is_written_as_python_writes_it():
    assert escaped("\x1b]0;title\x07 \u202e\n\x9b") == "\\x1b]0;title\\x07 \\u202e\\n\\x9b"
