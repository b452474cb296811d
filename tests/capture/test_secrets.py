"""`Secrets` and `Scanner`: what stands for a secret, and where a secret is found again."""

from __future__ import annotations

import html
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.secrets import MOST, NoSecrets, Scanner, Secrets, in_field, in_header

SECRET = "a:b\\c/d&é\n7"


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        (b"hunter2", b"xxxxxxx"),
        ("é€😀".encode(), b"xxxxxxxxx"),
        (b"a\\nb\\cc\\\\d\\re", b"x\\cx\\cx\\cx\\rx"),
        (b"\\t\\", b"\\x\\"),
        (b"\\\xff", b"\\\xff"),
        (b"a\r\0\n\xff", b"x\r\0\n\xff"),
        (b"", b""),
    ],
)
def test_what_a_parser_could_object_to_stays(value: bytes, hidden: bytes):
    assert in_header(value) == hidden


@given(st.binary())
def test_a_stand_in_has_the_length_of_what_it_hides(value: bytes):
    assert len(in_header(value)) == len(in_field(value)) == len(value)


def test_separators_of_fields_stay():
    assert in_field(b"a=b; c=d,\te\x00\xff") == b"x=x; x=x,\tx\x00x"


def test_the_same_value_has_the_same_stand_in_and_no_other_has():
    secrets = Secrets()
    first = secrets.stand_in(b"aaaa", b"xxxx")
    assert first == b"xxxx"
    others = [secrets.stand_in(b"v%d" % number, b"xxxx") for number in range(150)]
    assert others[0] == b"xxx1"
    assert len({first, *others}) == 151
    assert secrets.stand_in(b"v7", b"xxxx") == others[7]
    assert secrets.stand_in(b"a", b"x") == b"x", "there is no room for a number"
    assert secrets.stand_in(b"b", b"\0\0\0\0\0\0") == b"\0\0\0\0\0\0"


def test_numbers_begin_again_when_there_are_very_many():
    secrets = Secrets()
    for number in range(10_001):
        secrets.stand_in(b"%d" % number, b"xxxxxxxx")
    assert secrets.stand_in(b"new", b"xxxxxxxx") == b"xxxxxxxx"


@pytest.mark.parametrize(
    "form",
    [
        SECRET.encode(),
        SECRET.replace("\\", "\\\\").replace(":", "\\c").replace("\n", "\\n").encode(),
        quote(SECRET, safe="").encode(),
        json.dumps(SECRET)[1:-1].encode(),
        html.escape(SECRET).encode(),
    ],
)
def test_a_secret_is_found_in_every_form(form: bytes):
    escaped = SECRET.replace("\\", "\\\\").replace(":", "\\c").replace("\n", "\\n")
    for known in (SECRET, escaped):
        hidden = Secrets([known]).hidden(b"<<" + form + b">>")
        assert form not in hidden
        assert len(hidden) == len(form) + 4
        assert (hidden[:2], hidden[-2:]) == (b"<<", b">>")


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
def test_a_secret_is_found_inside_base64(encode: Callable[[bytes], bytes], before: int, after: int):
    secret = bytes([0xFB, 0xEF]) + SECRET.encode()
    encoded = encode(b"pppp"[:before] + secret + b"ssss"[:after])
    secrets = Secrets()
    secrets.learn(secret)
    hidden = secrets.hidden(b"<" + encoded + b">")[1:-1]
    assert len(hidden) == len(encoded)
    decoded = b64decode(hidden, altchars=b"-_" if encode is urlsafe_b64encode else None)
    assert not any(secret[at : at + 2] in decoded for at in range(1, len(secret) - 3))


def test_what_is_too_short_or_too_long_is_not_looked_for():
    secrets = Secrets(["abc", "x" * 9000, "   ", "True"])
    assert not secrets.known
    assert Scanner(secrets).feed(b"abc") == b"abc"
    assert secrets.hidden(b"abc") == b"abc"


def test_a_secret_can_be_forgotten():
    secrets = Secrets(["guest", "other"])
    secrets.learn(b" guest ")
    secrets.forget(b"guest")
    secrets.forget(b"guest")
    assert secrets.hidden(b"guest other") == b"guest xxxx1"


def test_the_oldest_secret_is_forgotten_when_there_are_too_many():
    secrets = Secrets([f"secret-{number:04}" for number in range(MOST + 1)])
    assert secrets.hidden(b"secret-0000") == b"secret-0000"
    assert secrets.hidden(b"secret-0001") != b"secret-0001"


TEXTS = st.lists(st.sampled_from(["abcd", "abcdef", "cdcd", "ab", "c", "d", "ef", " "]), max_size=12).map(
    "".join
)


@given(TEXTS, st.lists(st.integers(0, 40)))
def test_what_is_hidden_does_not_depend_on_the_cut(text: str, cuts: list[int]):
    secrets = Secrets(["abcd", "abcdef", "cdcdab"])
    octets = text.encode()
    edges = sorted({0, len(octets), *(min(cut, len(octets)) for cut in cuts)})
    scanner = Scanner(secrets)
    pieces = [scanner.feed(octets[start:end]) for start, end in pairwise(edges)]
    assert b"".join([*pieces, scanner.flush()]) == secrets.hidden(octets)


def test_the_beginning_of_a_secret_waits_and_is_hidden_when_nothing_follows():
    secrets = Secrets(["hunter2", "hunter2hunter3"])
    for end in range(1, 7):
        scanner = Scanner(secrets)
        assert scanner.feed(b"a" + b"hunter2"[:end]) == b"a"
        assert scanner.flush() == (b"hunter2"[:end] if end < 4 else b"x" * end)
        assert scanner.flush() == b""
    scanner = Scanner(secrets)
    assert scanner.feed(b"hunter2hun") == b""
    hidden = scanner.flush()
    assert len(hidden) == 10
    assert b"hunter2" not in hidden
    assert hidden.endswith(b"hun")


def test_what_waits_is_not_lost_when_its_secret_is_forgotten():
    secrets = Secrets(["hunter2"])
    scanner = Scanner(secrets)
    assert scanner.feed(b"hunt") == b""
    secrets.forget(b"hunter2")
    assert scanner.feed(b"er2") == b"hunter2"


def test_for_reading_there_are_no_secrets():
    secrets = NoSecrets()
    secrets.learn(b"hunter2")
    assert secrets.hidden(b"hunter2") == b"hunter2"
    assert secrets.stand_in(b"hunter2", b"xxxxxxx") == b"hunter2"
