"""`StompPassage`: the values of secret headers are hidden and learned, whatever else is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.secrets import Secrets
from stomp_sansio.capture.stomp_passage import LONGEST_LINE, StompPassage


def through(octets: bytes, secrets: Secrets | None = None, size: int = 0) -> bytes:
    passage = StompPassage(secrets or Secrets())
    size = size or len(octets) or 1
    pieces = [passage.feed(octets[at : at + size]) for at in range(0, len(octets), size)]
    return b"".join([*pieces, passage.flush()])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"CONNECT\nlogin:ada\npasscode:hunter2\n\n\0", b"CONNECT\nlogin:ada\npasscode:xxxxxxx\n\n\0"),
        (b"CONNECT\r\npasscode:hunter2\r\n\r\n\0\r\n", b"CONNECT\r\npasscode:xxxxxxx\r\n\r\n\0\r\n"),
        (b"\n\nSEND\nX_Auth_Token : a\\cb\\n\n\n\0", b"\n\nSEND\nX_Auth_Token :xx\\cx\\c\n\n\0"),
        (b"passcode:hunter2\n\n\0", b"passcode:xxxxxxx\n\n\0"),
        (b"SEND\nno colon\n:empty\n\n\0", b"SEND\nno colon\n:empty\n\n\0"),
        (b"SEND\n\npasscode:hunter2\n\0", b"SEND\n\npasscode:hunter2\n\0"),
        (b"SEND\ncontent-length:3\n\na\0b\0\npasscode:x", b"SEND\ncontent-length:3\n\na\0b\0\npasscode:x"),
        (
            b"SEND\ncontent-length:1\n\nabc\0S\ntoken:abcd\n",
            b"SEND\ncontent-length:1\n\nabc\0S\ntoken:xxxx\n",
        ),
        (
            b"SEND\ncontent-length:x\n\nabc\0S\ntoken:abcd\n",
            b"SEND\ncontent-length:x\n\nabc\0S\ntoken:xxxx\n",
        ),
        (
            b"SEND\ncontent-length:0000000000000000000000001\n\n\0\0",
            b"SEND\ncontent-length:0000000000000000000000001\n\n\0\0",
        ),
    ],
)
def test_only_secrets_are_hidden(before: bytes, after: bytes):
    assert through(before) == after
    assert through(before, size=1) == after


def test_what_was_hidden_is_hidden_wherever_it_appears_again():
    secrets = Secrets()
    through(b"CONNECT\nlogin:ada\npasscode:hunter2\n\n\0", secrets)
    echo = b"ERROR\nmessage:bad hunter2\nhunter2:1\nhunter2\n\nada, hunter2\0"
    hidden = through(echo, secrets)
    assert b"hunter2" not in hidden
    assert hidden == echo.replace(b"hunter2", b"xxxxxxx")
    command = through(b"hunter2\n\n\0", secrets)
    assert command == b"xxxxxxx\n\n\0"


def test_structure_is_no_secret_even_where_it_is_one():
    secrets = Secrets(["10000", "message", "CONNECTED"])
    octets = b"CONNECTED\nheart-beat:10000,10000\nmessage:a\ncontent-length:10000\n\n" + b"a" * 10_000 + b"\0"
    assert through(octets, secrets) == octets


@pytest.mark.parametrize("head", [b"login:guest\npasscode:guest\n", b"passcode:guest\nlogin:guest\n"])
def test_a_passcode_that_is_the_login_is_not_looked_for(head: bytes):
    secrets = Secrets()
    through(b"STOMP\n" + head + b"\n\0", secrets)
    assert (
        through(b"SEND\ndestination:/queue/guest\n\n\0", secrets) == b"SEND\ndestination:/queue/guest\n\n\0"
    )


def test_a_login_elsewhere_shows_nothing():
    secrets = Secrets()
    through(b"CONNECT\nlogin:ada\npasscode:hunter2\n\n\0MESSAGE\nlogin:hunter2\n\n\0", secrets)
    assert b"hunter2" not in through(b"ERROR\n\nhunter2\0", secrets)


def test_a_line_that_is_too_long_is_hidden_to_its_end():
    line = b"about:" + b"a" * 2 * LONGEST_LINE
    hidden = through(b"SEND\n" + line + b"aa\nb:c\n\n\0")
    assert hidden == b"SEND\n" + b"x" * (len(line) + 2) + b"\nb:c\n\n\0"
    assert through(b"SEND\n" + line + b"aa\nb:c\n\n\0", size=1000) == hidden
    assert through(line * 3) == b"x" * len(line * 3)


def test_a_flush_decides_what_has_come_and_the_rest_in_the_same_way():
    octets = b"CONNECT\npasscode:hunter2\nabout:me\n\nbody\0"
    for end in range(len(octets)):
        passage = StompPassage(Secrets())
        first = passage.feed(octets[:end]) + passage.flush()
        assert len(first) == end
        assert first + passage.feed(octets[end:]) + passage.flush() == octets.replace(b"hunter2", b"xxxxxxx")


@given(
    st.lists(
        st.binary(max_size=9) | st.sampled_from([b"\n", b"\0", b"token:", b"content-length:4\n", b"SEND\n"])
    )
)
def test_what_goes_in_comes_out_in_length(chunks: list[bytes]):
    octets = b"".join(chunks)
    hidden = through(octets)
    assert len(hidden) == len(octets)
    assert through(octets, size=1) == hidden
