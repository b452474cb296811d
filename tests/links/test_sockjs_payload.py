"""The JSON of SockJS: strict, within limits, never showing what it holds, never a surprise of the JSON
library."""

from __future__ import annotations

import json
import sys
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from stomp_sansio.links.sockjs_payload import (
    WholeCharacters,
    check_array_split,
    decode_array,
    decode_close,
    decode_message,
    encode_array,
    encode_arrays,
    encode_string,
)
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits.client()


def fault_of(payload: bytes, limits: Limits = LIMITS) -> LinkFault:
    with pytest.raises(RemoteProtocolError) as raised:
        decode_array(payload, limits)
    assert isinstance(raised.value.fault, LinkFault)
    return raised.value.fault


@given(st.lists(st.text()))
def test_what_is_written_is_read(texts: list[str]):
    messages = tuple(text.encode("utf-8") for text in texts)
    octets = encode_array(messages)
    assert octets.isascii()
    assert b"\x7f" not in octets
    assert decode_array(octets, LIMITS) == messages
    assert json.loads(octets) == texts
    assert octets == b"[" + b",".join(encode_array([message])[1:-1] for message in messages) + b"]"


@given(st.lists(st.text(), min_size=1), st.sampled_from(["", " ", "\t\n\r "]))
def test_blanks_between_and_raw_characters_are_json_too(texts: list[str], blank: str):
    written = f"{blank},{blank}".join(json.dumps(text, ensure_ascii=False) for text in texts)
    octets = f"{blank}[{blank}{written}{blank}]{blank}".encode()
    assert decode_array(octets, LIMITS) == tuple(text.encode("utf-8") for text in texts)


def test_an_empty_array_has_no_messages():
    assert decode_array(b" [ ] ", LIMITS) == ()


ARRAYS = [
    (b"", LinkFault.BAD_JSON),
    (b" ", LinkFault.BAD_JSON),
    (b"[", LinkFault.BAD_JSON),
    (b'["x"', LinkFault.BAD_JSON),
    (b'["x",', LinkFault.BAD_JSON),
    (b'["x",]', LinkFault.BAD_JSON),
    (b'[,"x"]', LinkFault.BAD_JSON),
    (b'["x" "y"]', LinkFault.BAD_JSON),
    (b'["x"]]', LinkFault.BAD_JSON),
    (b'["x"] x', LinkFault.BAD_JSON),
    (b'["x\n"]', LinkFault.BAD_JSON),
    (b'["\\x"]', LinkFault.BAD_JSON),
    (b'["\\u00g0"]', LinkFault.BAD_JSON),
    (b"['x']", LinkFault.BAD_JSON),
    (b"[NaN]", LinkFault.BAD_JSON),
    (b"[-Infinity]", LinkFault.BAD_JSON),
    (b"[01]", LinkFault.BAD_JSON),
    (b"\xef\xbb\xbf[]", LinkFault.BAD_JSON),
    (b'"x"', LinkFault.BAD_FRAME),
    (b"{}", LinkFault.BAD_FRAME),
    (b'{"a":1,"a":2}', LinkFault.BAD_FRAME),
    (b"null", LinkFault.BAD_FRAME),
    (b"1.5", LinkFault.BAD_FRAME),
    (b'["x",1]', LinkFault.BAD_FRAME),
    (b'["x",["y"]]', LinkFault.BAD_FRAME),
    (b'["\\ud800"]', LinkFault.BAD_UNICODE),
    (b'["\\udc00\\ud800"]', LinkFault.BAD_UNICODE),
    (b'["\xff"]', LinkFault.BAD_UNICODE),
    (b'["\xed\xa0\x80"]', LinkFault.BAD_UNICODE),
]


@pytest.mark.parametrize(("payload", "fault"), ARRAYS)
def test_what_is_no_array_of_strings(payload: bytes, fault: LinkFault):
    assert fault_of(payload) is fault


@pytest.mark.parametrize(
    "deep", [b"[" * 100_000, b"[" * 60_000, b"[" * 20_000 + b"]" * 20_000, b'["x",' + b"[" * 9_000]
)
def test_deep_nesting_is_a_fault_like_any_other(deep: bytes):
    assert fault_of(deep) in (LinkFault.BAD_JSON, LinkFault.BAD_FRAME)


def test_endless_digits_are_a_fault_like_any_other():
    digits = b"9" * (sys.get_int_max_str_digits() + 1)
    assert fault_of(b"[" + digits + b"]") is LinkFault.BAD_JSON
    with pytest.raises(RemoteProtocolError) as raised:
        decode_close(b"[" + digits + b',""]')
    assert raised.value.fault is LinkFault.BAD_JSON


def test_the_number_of_messages_has_a_limit():
    limits = replace(LIMITS, max_sockjs_messages=3)
    assert len(decode_array(b'["","",""]', limits)) == 3
    assert fault_of(b'["","","",""]', limits) is LinkFault.LIMIT
    assert fault_of(b'["","","","",broken', limits) is LinkFault.LIMIT, "it strikes before the rest is read"


def test_the_octets_of_the_messages_have_a_limit():
    limits = replace(LIMITS, max_body=1)
    most = limits.max_message
    assert decode_array(encode_array([b"x" * (most - 1), b"y"]), limits)[1] == b"y"
    assert fault_of(encode_array([b"x" * most, b"y"]), limits) is LinkFault.LIMIT
    assert decode_message(encode_string("x" * most).encode(), limits) == (b"x" * most,)
    with pytest.raises(RemoteProtocolError) as raised:
        decode_message(encode_string("x" * (most + 1)).encode(), limits)
    assert raised.value.fault is LinkFault.LIMIT


def test_the_octets_of_the_payload_have_a_limit():
    limits = replace(LIMITS, max_body=1)
    blanks = b" " * (limits.max_sockjs_frame - 2)
    assert decode_array(b"[" + blanks + b"]", limits) == ()
    assert fault_of(b"[" + blanks + b" ]", limits) is LinkFault.LIMIT


def test_a_flood_of_empty_messages_costs_no_more_memory_than_it_has_octets():
    flood = b"[" + b'"",' * 1_000_000 + b'""]'
    tracemalloc.start()
    try:
        assert fault_of(flood) is LinkFault.LIMIT
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(flood)


MESSAGES = [
    (b'"x" ', b"x"),
    (b'"\\u00e9\\n"', "é\n".encode()),
    (b"", LinkFault.BAD_JSON),
    (b'"x"y', LinkFault.BAD_JSON),
    (b"1", LinkFault.BAD_FRAME),
    (b'["x"]', LinkFault.BAD_FRAME),
    (b'"\\ud800"', LinkFault.BAD_UNICODE),
]


@pytest.mark.parametrize(("payload", "expected"), MESSAGES)
def test_a_single_message(payload: bytes, expected: bytes | LinkFault):
    if isinstance(expected, bytes):
        assert decode_message(payload, LIMITS) == (expected,)
    else:
        with pytest.raises(RemoteProtocolError) as raised:
            decode_message(payload, LIMITS)
        assert raised.value.fault is expected


CLOSES = [
    (b'[3000,"Go away!"]', (3000, "Go away!")),
    (b' [ -1 , "" ] ', (-1, "")),
    (b'[1000,"\\ud800"]', (1000, "?")),
    (b"", LinkFault.BAD_JSON),
    (b'[1000,"x"', LinkFault.BAD_JSON),
    (b'[NaN,"x"]', LinkFault.BAD_JSON),
    (b"[" * 8000, LinkFault.BAD_JSON),
    (b'[true,"x"]', LinkFault.BAD_FRAME),
    (b'[1e3,"x"]', LinkFault.BAD_FRAME),
    (b'["1000","x"]', LinkFault.BAD_FRAME),
    (b"[1000]", LinkFault.BAD_FRAME),
    (b"[1000,1]", LinkFault.BAD_FRAME),
    (b'[1000,"x","y"]', LinkFault.BAD_FRAME),
    (b'{"1000":"x"}', LinkFault.BAD_FRAME),
    (b'[1000,"\xff"]', LinkFault.BAD_UNICODE),
    (b'[1000,"' + b"x" * 8192 + b'"]', LinkFault.LIMIT),
]


@pytest.mark.parametrize(("payload", "expected"), CLOSES)
def test_a_close(payload: bytes, expected: tuple[int, str] | LinkFault):
    if isinstance(expected, tuple):
        assert decode_close(payload) == expected
    else:
        with pytest.raises(RemoteProtocolError) as raised:
            decode_close(payload)
        assert raised.value.fault is expected


def test_what_is_no_text_cannot_be_written():
    with pytest.raises(LocalProtocolError) as raised:
        encode_array([b"fine", b"\xff"])
    assert raised.value.misuse is Misuse.NOT_UTF8
    assert "base64" in str(raised.value)


@given(st.text(), st.integers(16, 60))
def test_a_message_in_pieces_is_the_message_and_no_piece_is_too_long(text: str, split_above: int):
    message = text.encode("utf-8")
    arrays = list(encode_arrays(message, split_above))
    assert b"".join(piece for array in arrays for piece in decode_array(array, LIMITS)) == message
    assert max(map(len, arrays)) <= split_above


def test_pieces_are_as_long_as_they_may_be_where_escapes_are_spread_evenly():
    lengths = [len(array) for array in encode_arrays(b"x" * 100_000, 8192)]
    assert lengths[:-1] == [8192] * (len(lengths) - 1)


def test_what_fits_goes_whole():
    assert list(encode_arrays(b"SEND\n\n\0", 1000)) == [encode_array([b"SEND\n\n\0"])]


def test_the_widest_character_must_fit():
    check_array_split(None)
    check_array_split(16)
    assert list(encode_arrays("🎉".encode(), 16)) == [b'["\\ud83c\\udf89"]']
    with pytest.raises(ValueError, match="pass at least 16"):
        check_array_split(15)


@given(st.text(), st.lists(st.integers(0, 60)))
def test_a_character_that_chunks_share_goes_when_it_is_whole(text: str, cut: list[int]):
    octets = text.encode("utf-8")
    characters = WholeCharacters()
    places = [0, *sorted(min(place, len(octets)) for place in cut), len(octets)]
    taken = [characters.take(octets[start:stop]) for start, stop in pairwise(places)]
    assert b"".join(taken) == octets
    assert "".join(piece.decode("utf-8") for piece in taken) == text


@pytest.mark.parametrize("chunk", [b"\xff", b"x\xc3\xff", b"\xed\xa0\x80", b"\xa4\xc3", b"\xf5\x80"])
def test_what_will_never_be_text_is_refused_and_changes_nothing(chunk: bytes):
    characters = WholeCharacters()
    assert characters.take("ä".encode()[:1]) == b""
    with pytest.raises(LocalProtocolError) as raised:
        characters.take(chunk if chunk[0] != 0xA4 else b"\xa4\xc3\x28")
    assert raised.value.misuse is Misuse.NOT_UTF8
    assert characters.take("ä".encode()[1:]) == "ä".encode()


def test_a_malformed_payload_too_large_to_look_into_is_named_by_its_shape():
    assert fault_of(b"[" + b"1," * 40_000 + b"1]") is LinkFault.BAD_FRAME
    assert fault_of(b"[" + b"1," * 40_000) is LinkFault.BAD_FRAME


@pytest.mark.parametrize(
    "payload", [b'["passcode:CANARY', b'["passcode:CANARY"', b'["CANARY",1]', b'["CANARY\\ud800"]']
)
def test_errors_show_nothing_of_the_contents(payload: bytes):
    with pytest.raises(RemoteProtocolError) as raised:
        decode_array(payload, LIMITS)
    error = raised.value
    assert "CANARY" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
