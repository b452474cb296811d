"""SockJS messages: STOMP inside JSON strings is hidden, escaped as it was, and broken JSON stays broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture.sockjs_passage import LinesPassage, MessagePassage
from stomp_sansio.errors import RemoteProtocolError
from stomp_sansio.links.sockjs_frames import SockJSEvent, SockJSReceiver
from stomp_sansio.links.sockjs_payload import decode_array
from stomp_sansio.protocol.limits import Limits

from .around import Around, through

SECRET = 'hü"/€😀\x7f'
HEAD = "CONNECT\npasscode:"


def client(around: Around | None = None, *, sockjs: bool | None = None) -> MessagePassage:
    around = around or Around()
    return MessagePassage(around, around.stomp(1, True), from_client=True, sockjs=sockjs)


def server(around: Around | None = None) -> MessagePassage:
    around = around or Around()
    return MessagePassage(around, around.stomp(1, False), from_client=False)


def one(passage: MessagePassage, octets: bytes, size: int = 0) -> bytes:
    return passage.start_message() + through(passage, octets, size)


def escapes(text: str) -> str:
    return "".join(
        f"\\u{int.from_bytes(text.encode('utf-16-be')[at : at + 2], 'big'):04X}"
        for at in range(0, len(text.encode("utf-16-be")), 2)
    )


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize(
    "written",
    [
        json.dumps(HEAD + SECRET + "\n\n\0"),
        json.dumps(HEAD + SECRET + "\n\n\0", ensure_ascii=False),
        f'"{escapes(HEAD + SECRET)}\\n\\n\\u0000"',
        f'"{escapes(HEAD)}a\\/b\\t\\b\\f\\r\\n\\n\\u0000"',
    ],
)
def test_a_secret_in_a_string_is_hidden_and_the_string_says_as_much(written: str, size: int):
    octets = f"[{written}]".encode()
    shown = one(client(), octets, size)
    assert len(shown) == len(octets)
    before, after = json.loads(octets)[0], json.loads(shown)[0]
    assert len(after.encode()) == len(before.encode())
    assert after.startswith(HEAD)
    assert after[-3:] == "\n\n\0"
    secret = before[len(HEAD) : -3].strip("\r")
    assert not set(after[len(HEAD) : -3].strip("\r")) & (set(secret) - set("/"))


def test_a_frame_may_span_strings_and_messages():
    passage = client()
    first = one(passage, b'["CONNECT\\npass","code:hun"]')
    second = passage.start_message() + passage.feed(b'["ter2\\n\\n\\u0000"]')
    assert first == b'["CONNECT\\npass","code:xxx"]'
    assert second == b'["xxxx\\n\\n\\u0000"]'


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "octets",
    [
        b"o",
        b"h",
        b"hhhh",
        b"",
        b'a["CONNECTED\\n\\n\\u0000", "\\n"]',
        b'm"SEND\\n\\n\\u0000"',
        b'c[3000,"Go away!"]',
        b"a[true,false,null,1e5,-0.5E3,{}]",
        b"x",
    ],
)
def test_what_holds_no_secret_stays(octets: bytes, size: int):
    passage = MessagePassage(around := Around(), around.stomp(1, False), from_client=False, sockjs=True)
    assert one(passage, octets, size) == octets


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"a[hunter2]", b"a[xxxxxx2]"),
        (b"a[tru]", b"a[xxx]"),
        (b'a["\\hunter"', b'a["\\xxxxxx"'),
        (b'a["\\u12g4hunter"', b'a["\\u12xxxxxxxx"'.replace(b"xxxxxxxx", b"x4xxxxxx")),
        (b"passcode", b"pxxxxxxx"),
        (b'a["\\ud800\\u0041"]', b'a["\\ud800\\u0041"]'),
        (b'a["\\ud800"]', b'a["\\ud800"]'),
        (b'a["\\ud800\\u00"', b'a["\\ud800\\u00"'),
        (b'a["\\ud800\\n"]', b'a["\\ud800\\n"]'),
        (b'a["token:\\ud800\\udc00\\udc00"]', b'a["token:\\ud83d\\udd12\\udc00"]'),
    ],
)
def test_broken_frames_stay_broken_and_show_no_words(octets: bytes, shown: bytes, size: int):
    passage = server()
    passage.start_message()
    passage.feed(b"o")
    assert one(passage, octets, size) == shown


def test_the_end_of_a_session_says_nothing_of_stomp_and_is_noted():
    around = Around("hunter2")
    passage = server(around)
    passage.start_message()
    assert passage.feed(b"o") == b"o"
    assert one(passage, b'c[3000,"no, hunter2"]') == b'c[3000,"no, xxxxxxx"]'
    assert one(passage, b'c[3000,"again"]') == b'c[3000,"again"]'
    assert around.notes == [(False, 'SockJS close [3000,"no, hunter2"]')]


def test_a_websocket_that_is_no_sockjs_carries_stomp_as_it_is():
    passage = client()
    assert passage.feed(b"") == b""
    assert one(passage, b"CONNECT\ntoken:abcd\n\n\0") == b"CONNECT\ntoken:xxxx\n\n\0"
    assert one(passage, b"[\0") == b"[\0"
    assert one(server(), b"CONNECTED\ntoken:abcd\n\n\0") == b"CONNECTED\ntoken:xxxx\n\n\0"


def test_a_message_that_breaks_off_is_decided_when_the_next_one_begins():
    passage = client(sockjs=True)
    passage.start_message()
    assert passage.feed(b"[tru") == b"["
    assert passage.start_message() == b"xxx"
    assert passage.feed(b'["a\\u00') == b'["'
    assert passage.start_message() + passage.flush() == b"a\\u00"
    assert one(passage, b'["\\n"]') == b'["\\n"]'


def test_a_letter_that_is_cut_off_ends_as_it_stands():
    passage = client(sockjs=True)
    assert one(passage, b'["SEND\\') == b'["SEND\\'
    assert passage.feed(b"hunter") == b"xxxxxx"


@pytest.mark.parametrize("size", [0, 1, 7])
def test_lines_of_a_response_are_messages(size: int):
    around = Around()
    body = b"h" * 2048 + b"\no\n" + b'a["MESSAGE\\ntoken:abcd\\n\\n\\u0000"]\r\n\n' + b'c[1,"x"]\n'
    passage = LinesPassage(around, around.stomp(1, False))
    assert through(passage, body, size) == body.replace(b"abcd", b"xxxx")


def verdict(frames: list[bytes]) -> list[SockJSEvent | str]:
    receiver = SockJSReceiver(Limits())
    found: list[SockJSEvent | str] = []
    for octets in frames:
        try:
            found.append(receiver.receive(octets))
        except RemoteProtocolError as error:
            return [*found, str(error)]
    return found


PIECES = st.sampled_from(
    [
        b"a",
        b"[",
        b"]",
        b'"',
        b",",
        b"\\",
        b"\\u00e9",
        b"\\ud83d\\ude00",
        b"\\ud83d",
        b"token:",
        b"hunter",
        b"\\n",
        b"true",
        b"1",
        b" ",
        b"c[1,",
        b"\xff",
        b"\xc3\xa9",
        b"\\x",
    ]
)


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(1, 4))
def test_the_verdict_on_a_frame_stays(octets: bytes, size: int):
    octets = b"a" + octets
    passage = server()
    passage.start_message()
    passage.feed(b"o")
    shown = one(passage, octets, size)
    assert len(shown) == len(octets)
    assert [type(event) for event in verdict([b"o", shown])] == [
        type(event) for event in verdict([b"o", octets])
    ]
    assert [event for event in verdict([b"o", shown]) if isinstance(event, str)] == [
        event for event in verdict([b"o", octets]) if isinstance(event, str)
    ]


@given(st.lists(st.text(max_size=8), max_size=4))
def test_any_strings_keep_their_lengths(texts: list[str]):
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    octets = json.dumps(["CONNECT\npasscode:", *texts]).encode()
    shown = one(client(), octets)
    lengths = [len(message) for message in decode_array(octets, Limits())]
    assert [len(message) for message in decode_array(shown, Limits())] == lengths
