"""A frame is a value: equal by what it says, shown without secrets."""

from __future__ import annotations

import pytest

from stomp_sansio import Frame, Headers

FRAME = Frame("SEND", [("a", "1"), ("a", "2")], b"body")


def test_a_frame_has_what_it_was_given():
    assert FRAME.command == "SEND"
    assert FRAME.headers["a"] == "1"
    assert FRAME.headers.pairs == (("a", "1"), ("a", "2"))
    assert FRAME.body == b"body"


def test_headers_and_body_may_be_left_out():
    frame = Frame("RECEIPT")
    assert frame.headers.pairs == ()
    assert frame.body == b""


def test_headers_are_taken_as_they_are_or_made():
    headers = Headers({"a": "1"})
    assert Frame("SEND", headers).headers is headers
    assert Frame("SEND", {"a": "1"}).headers.pairs == headers.pairs


def test_equal_frames_say_the_same():
    assert Frame("SEND", (("a", "1"), ("a", "2")), b"body") == FRAME
    assert Frame("SEND", Headers(FRAME.headers), b"body") == FRAME


@pytest.mark.parametrize(
    "other",
    [
        Frame("MESSAGE", FRAME.headers, b"body"),
        Frame("SEND", [("a", "1")], b"body"),
        Frame("SEND", [("a", "2"), ("a", "1")], b"body"),
        Frame("SEND", FRAME.headers, b""),
        "SEND",
        None,
    ],
)
def test_frames_that_differ_in_anything_are_not_equal(other: object):
    assert other != FRAME


def test_its_repr_hides_secrets_and_cuts_the_body():
    frame = Frame("CONNECT", {"login": "me", "passcode": "CANARY"}, b"x" * 100)
    assert repr(frame) == (
        "Frame('CONNECT', Headers([('login', 'me'), ('passcode', '[redacted]')]), " + repr(b"x" * 80) + "...)"
    )
