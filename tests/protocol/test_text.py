"""A body as text and as JSON: the charset that its sender names, or a clear refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Headers, Message, NotText


def message(body: bytes, content_type: str | None = None) -> Message:
    return Message(
        destination="/q",
        message_id="1",
        subscription="s",
        ack=None,
        known=True,
        headers=Headers() if content_type is None else Headers({"content-type": content_type}),
        body=body,
    )


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False), st.text()
    ),
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(st.text(), values, max_size=3)),
    max_leaves=8,
)


@given(st.text())
def test_text_is_utf_8_by_default(text: str):
    assert message(text.encode()).text == text


@given(st.binary(), st.text(max_size=30))
def test_a_body_is_text_or_is_refused_whatever_its_type_says(body: bytes, name: str):
    event = message(body, f"text/plain;charset={name}")
    try:
        text = event.text
    except NotText:
        return
    assert isinstance(text, str)


@given(json_values)
def test_json_is_read(value: object):
    assert message(json.dumps(value).encode(), "application/json").json() == value


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (None, "\u00e4".encode(), "\u00e4"),
        ("text/plain", "\u00e4".encode(), "\u00e4"),
        ("text/plain;charset=utf-8", "\u00e4".encode(), "\u00e4"),
        ("text/plain; Charset=ISO-8859-1", b"\xe4", "\u00e4"),
        ('text/plain;format=flowed; charset="latin-1" ', b"\xe4", "\u00e4"),
        ("text/plain;charset=utf-16", "\u00e4".encode("utf-16"), "\u00e4"),
        ("text/plain;charset=", "\u00e4".encode(), "\u00e4"),
        ("text/plain;charset", "\u00e4".encode(), "\u00e4"),
        ("charset=latin-1", "\u00e4".encode(), "\u00e4"),
        (";charset=latin-1;charset=utf-8", b"\xe4", "\u00e4"),
    ],
)
def test_the_charset_is_a_parameter_of_content_type(content_type: str | None, body: bytes, text: str):
    assert message(body, content_type).text == text


@pytest.mark.parametrize(
    ("content_type", "why"),
    [
        (None, "octet 3 of 3 is not utf-8"),
        ("text/plain;charset=us-ascii", "octet 3 of 3 is not us-ascii"),
        ("text/plain;charset=nonsense", "its content-type names the charset 'nonsense', which is not known"),
        ("text/plain;charset=rot13", "its content-type names the charset 'rot13', which is not known"),
        ("text/plain;charset=zlib", "its content-type names the charset 'zlib', which is not known"),
        ("text/plain;charset=idna", "its content-type names the charset 'idna', which is not known"),
        (
            "text/plain;charset=unicode-escape",
            "its content-type names the charset 'unicode-escape', which is not known",
        ),
        ("text/plain;charset=a\0b", "its content-type names the charset 'a\\x00b', which is not known"),
        (
            f"text/plain;charset={'x' * 99}",
            f"its content-type names the charset {'x' * 40!r}, which is not known",
        ),
    ],
)
def test_what_is_no_text_is_refused_and_shown(content_type: str | None, why: str):
    with pytest.raises(NotText) as caught:
        _ = message(b"ab\xff", content_type).text
    assert str(caught.value) == f"the body is no text: {why}; read .body, which is b'ab\\xff'"


def test_a_long_body_is_shown_in_part():
    with pytest.raises(NotText, match=r"x\.\.\.|'\.\.\."):
        _ = message(b"\xff" + b"x" * 500).text


def test_what_is_no_json_is_a_value_error():
    with pytest.raises(ValueError, match="Expecting property name"):
        message(b"{").json()


def test_json_that_is_no_text_is_not_text():
    with pytest.raises(NotText):
        message(b"\xff").json()


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000])
def test_json_that_is_nested_too_deeply_is_a_value_error(body: bytes):
    with pytest.raises(ValueError, match="nested too deeply"):
        message(body).json()
