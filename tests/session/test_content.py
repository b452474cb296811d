"""What an application may give as a body, and what type of content it then is."""

import math

import pytest

from stomp_sansio.session.content import MISSING, content_of


@pytest.mark.parametrize(
    "body", [b"ab", bytearray(b"ab"), memoryview(b"ab")], ids=lambda body: type(body).__name__
)
def test_octets_are_sent_as_they_are_and_without_a_type(body):
    octets, content_type = content_of(body, MISSING, None)
    assert (octets, content_type) == (b"ab", None)
    assert type(octets) is bytes


def test_text_is_sent_as_utf8_and_says_so():
    assert content_of("é", MISSING, None) == ("é".encode(), "text/plain;charset=utf-8")


def test_a_type_that_is_given_counts():
    assert content_of("a", MISSING, "text/html")[1] == "text/html"
    assert content_of(b"", {}, "application/vnd.x+json")[1] == "application/vnd.x+json"


@pytest.mark.parametrize(
    ("value", "octets"),
    [({"a": [1, None]}, b'{"a":[1,null]}'), (None, b"null"), ("é", '"é"'.encode()), (0, b"0")],
)
def test_json_is_compact_utf8(value, octets):
    assert content_of(b"", value, None) == (octets, "application/json")


def test_a_body_and_json_contradict_each_other():
    with pytest.raises(TypeError, match="pass one of them"):
        content_of(b"x", {}, None)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_json_does_not_have_are_refused(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        content_of(b"", value, None)


def test_what_is_neither_text_nor_octets_is_refused_with_a_hint():
    with pytest.raises(TypeError, match="the body is int: pass bytes or text, or json="):
        content_of(5, MISSING, None)  # type: ignore[arg-type]


def test_what_was_not_given_says_so():
    assert repr(MISSING) == "MISSING"
