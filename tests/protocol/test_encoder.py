"""The encoder: what it writes is read as what was meant, and by everybody; all else it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Frame, FrameParser, Limits, LocalProtocolError, Misuse, Version, encode
from tests.protocol.strategies import any_frames, possible_frames, versions

AMPLE = Limits(max_line=1 << 20, max_headers=1 << 12, max_header_block=1 << 22)

A1_0, A1_1, A1_2 = Version


def refusal(frame: Frame, version: Version = A1_2, **options) -> LocalProtocolError:
    with pytest.raises(LocalProtocolError) as caught:
        encode(frame, version, **options)
    return caught.value


# Properties


@given(any_frames, versions, st.booleans())
def test_what_is_written_is_read_as_what_was_meant_or_it_is_refused(
    frame: Frame, version: Version, content_length: bool
):
    try:
        octets = encode(frame, version, content_length=content_length)
    except LocalProtocolError:
        return
    parser = FrameParser(version, AMPLE)
    parser.receive_data(octets)
    again = parser.next_frame()
    appended = bool(frame.body) and content_length and "content-length" not in frame.headers
    length = [("content-length", str(len(frame.body)))] if appended else []
    assert again == Frame(frame.command, [*frame.headers.pairs, *length], frame.body)
    assert parser.next_frame() is None
    assert not parser.pending
    assert parser.heartbeats == 0


@given(st.data(), versions)
def test_what_a_version_can_represent_is_not_refused(data: st.DataObject, version: Version):
    assert encode(data.draw(possible_frames(version)), version).endswith(b"\0")


@given(any_frames, versions)
def test_what_is_written_has_no_line_end_but_lf_and_no_nul_but_one_and_those_of_the_body(
    frame: Frame, version: Version
):
    try:
        octets = encode(frame, version)
    except LocalProtocolError:
        return
    head, _, rest = octets.partition(b"\n\n")
    assert b"\r" not in head
    assert b"\0" not in head
    assert rest == frame.body + b"\0"
    assert all(b":" in line for line in head.split(b"\n")[1:])


# Canonical octets


@pytest.mark.parametrize(
    ("frame", "version", "octets"),
    [
        (Frame("SEND", {"a": "1", "b": "2"}, b"x"), A1_2, b"SEND\na:1\nb:2\ncontent-length:1\n\nx\0"),
        (Frame("SEND", {"a": ""}), A1_0, b"SEND\na:\n\n\0"),
        (Frame("SEND", {"a:b": "c:d\\\n\r"}), A1_2, b"SEND\na\\cb:c\\cd\\\\\\n\\r\n\n\0"),
        (Frame("SEND", {"a:b": "c:d\\\n"}), A1_1, b"SEND\na\\cb:c\\cd\\\\\\n\n\n\0"),
        (Frame("SEND", {"a": "b:c\\ \\n"}), A1_0, b"SEND\na:b:c\\ \\n\n\n\0"),
        (Frame("CONNECT", {"a": "b:c\\"}), A1_2, b"CONNECT\na:b:c\\\n\n\0"),
        (
            Frame("CONNECT", {"accept-version": "1.2", "a": " b"}),
            A1_0,
            b"CONNECT\naccept-version:1.2\na: b\n\n\0",
        ),
        (Frame("CONNECTED", {"version": "1.2", "a": " b"}), A1_2, b"CONNECTED\nversion:1.2\na: b\n\n\0"),
        (Frame("STOMP"), A1_0, b"STOMP\n\n\0"),
        (Frame("SEND", [("a", "1"), ("a", "2")]), A1_2, b"SEND\na:1\na:2\n\n\0"),
        (Frame("SEND", {"\u00e4": "\U0001f600"}), A1_2, "SEND\n\u00e4:\U0001f600\n\n\0".encode()),
        (Frame("SEND", {"a": " b"}), A1_1, b"SEND\na: b\n\n\0"),
        (Frame("SEND", {"a": "\1:b", "c": ""}), A1_2, b"SEND\na:\1\\cb\nc:\n\n\0"),
        (Frame("SEND", {"a": "", "b": "\n:"}), A1_2, b"SEND\na:\nb:\\n\\c\n\n\0"),
        (Frame("SEND", [("a", ":"), ("a", ":")]), A1_1, b"SEND\na:\\c\na:\\c\n\n\0"),
    ],
)
def test_a_frame_has_one_canonical_form(frame: Frame, version: Version, octets: bytes):
    assert encode(frame, version) == octets


# content-length


@pytest.mark.parametrize("given", ["3", "03", "00003"])
def test_a_given_length_that_is_right_is_kept(given: str):
    octets = encode(Frame("SEND", {"content-length": given, "a": "b"}, b"abc"), A1_2)
    assert octets == f"SEND\ncontent-length:{given}\na:b\n\nabc\0".encode()


@pytest.mark.parametrize("given", ["0", "000"])
def test_a_given_length_of_no_body_is_zero(given: str):
    assert encode(Frame("SEND", {"content-length": given}), A1_2).endswith(b"\n\n\0")


@pytest.mark.parametrize("given", ["", "2", "4", "+3", " 3", "3 ", "3.0", "0x3", "\u0663", "30", "x" * 200])
def test_a_given_length_that_is_wrong_is_refused(given: str):
    error = refusal(Frame("SEND", {"content-length": given}, b"abc"))
    assert error.misuse is Misuse.BAD_CONTENT_LENGTH
    assert str(error) == f"content-length is {given[:80]!r}, but the body has 3 octets: leave the header out"


def test_a_given_length_must_be_right_each_time_it_is_repeated():
    right, wrong = ("content-length", "3"), ("content-length", "4")
    assert encode(Frame("SEND", [right, right], b"abc"), A1_2).count(b"content-length:3\n") == 2
    for pairs in ([right, wrong], [wrong, right]):
        assert refusal(Frame("SEND", pairs, b"abc")).misuse is Misuse.BAD_CONTENT_LENGTH


def test_the_length_can_be_left_out_unless_the_body_has_a_nul():
    assert encode(Frame("SEND", (), b"abc"), A1_2, content_length=False) == b"SEND\n\nabc\0"
    assert encode(Frame("SEND"), A1_2, content_length=False) == b"SEND\n\n\0"
    error = refusal(Frame("SEND", (), b"a\0c"), content_length=False)
    assert error.misuse is Misuse.BAD_CONTENT_LENGTH
    assert str(error) == "the body has a NUL: it cannot be sent without content-length"


# Refusals


@pytest.mark.parametrize("command", ["send", "", "SEND ", "SEND\n", "PING", "\ud800"])
def test_a_command_that_is_none_is_refused(command: str):
    error = refusal(Frame(command))
    assert error.misuse is Misuse.MALFORMED_COMMAND
    assert str(error) == f"{command!r} is no STOMP command; commands are in capitals"


def test_nack_is_refused_in_1_0():
    error = refusal(Frame("NACK", {"message-id": "1"}), A1_0)
    assert (error.misuse, str(error)) == (Misuse.UNEXPECTED_COMMAND, "STOMP 1.0 has no NACK")


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("command", ["CONNECT", "CONNECTED", "RECEIPT", "SUBSCRIBE", "DISCONNECT"])
def test_a_body_is_refused_where_it_is_not_allowed(command: str, version: Version):
    error = refusal(Frame(command, (), b"\n"), version)
    assert error.misuse is Misuse.BODY_NOT_ALLOWED
    assert str(error) == f"{command} may have no body; SEND, MESSAGE and ERROR may"


@pytest.mark.parametrize(
    ("frame", "version", "what"),
    [
        (Frame("SEND", {"a": "\0"}), A1_2, "a NUL, which ends the frame for several receivers"),
        (Frame("SEND", {"a\0": ""}), A1_1, "a NUL, which ends the frame for several receivers"),
        (Frame("SEND", {"a": "\0"}), A1_0, "a NUL, which ends the frame for several receivers"),
        (Frame("CONNECT", {"a": "\0"}), A1_2, "a NUL, which ends the frame for several receivers"),
        (Frame("SEND", {"a": "\n"}), A1_0, "an EOL, which cannot be escaped here"),
        (Frame("SEND", {"a": "\r"}), A1_0, "an EOL, which cannot be escaped here"),
        (Frame("SEND", {"a\n": ""}), A1_0, "an EOL, which cannot be escaped here"),
        (Frame("SEND", {"a\r": ""}), A1_0, "an EOL, which cannot be escaped here"),
        (Frame("CONNECT", {"a": "b\nc:d"}), A1_2, "an EOL, which cannot be escaped here"),
        (Frame("CONNECTED", {"a": "\r"}), A1_2, "an EOL, which cannot be escaped here"),
        (Frame("STOMP", {"a\n": ""}), A1_1, "an EOL, which cannot be escaped here"),
        (Frame("SEND", {"a:": "b"}), A1_0, "a colon in its name, which cannot be escaped here"),
        (Frame("CONNECT", {"a:": "b"}), A1_2, "a colon in its name, which cannot be escaped here"),
        (Frame("SEND", {"a": " b"}), A1_0, "a leading blank, which STOMP 1.0 takes for padding"),
        (Frame("SEND", {"a": "\tb"}), A1_0, "a leading blank, which STOMP 1.0 takes for padding"),
        (Frame("CONNECT", {"a": " b"}), A1_2, "a leading blank, which STOMP 1.0 takes for padding"),
        (Frame("CONNECTED", {"a": " b"}), A1_2, "a leading blank, which STOMP 1.0 takes for padding"),
        (Frame("SEND", {"a": "\r"}), A1_1, "a CR, which STOMP 1.1 cannot escape"),
        (Frame("SEND", {"a\r": ""}), A1_1, "a CR, which STOMP 1.1 cannot escape"),
    ],
)
def test_what_cannot_be_represented_is_refused_and_named(frame: Frame, version: Version, what: str):
    error = refusal(frame, version)
    (name,) = frame.headers
    assert error.misuse is Misuse.BAD_HEADER
    assert str(error) == f"header {name!r} of {frame.command} (STOMP {version.value}) has {what}"


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("command", ["SEND", "CONNECT"])
def test_an_empty_name_is_refused(command: str, version: Version):
    error = refusal(Frame(command, {"": "b"}), version)
    assert error.misuse is Misuse.BAD_HEADER
    assert str(error) == f"a header of {command} has an empty name"


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("pair", [("a", "b\ud800"), ("a\udfff", "b")])
def test_a_lone_surrogate_is_refused_and_nothing_of_the_frame_hangs_on_the_error(
    pair: tuple[str, str], version: Version
):
    error = refusal(Frame("SEND", [("passcode", "CANARY"), pair]), version)
    assert error.misuse is Misuse.NOT_UTF8
    assert str(error).startswith("SEND: a lone surrogate in a header, U+D")
    assert error.__context__ is None


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("command", ["CONNECT", "SEND"])
def test_a_header_that_is_no_text_is_named_but_not_shown(command: str, version: Version):
    secret: Any = b"CANARY"
    with pytest.raises(
        TypeError, match=r"^header 'passcode' is bytes: values are str, so write it as text first$"
    ):
        encode(Frame(command, {"login": "ada", "passcode": secret}), version)
    number: Any = 7
    with pytest.raises(TypeError, match=r"^a header has the name 7, which is int: names are str$"):
        encode(Frame(command, {number: "x"}), version)


@pytest.mark.parametrize("version", ["1.2", "1.0", None])
def test_a_version_that_is_none_is_refused(version: Any):
    with pytest.raises(TypeError, match=r"pass a member of Version, such as Version.V1_2"):
        encode(Frame("SEND", {"destination": "/q"}), version)


@pytest.mark.parametrize("body", ["text", ["a"]])
def test_a_body_that_is_no_octets_is_refused(body: Any):
    with pytest.raises(TypeError, match=r"the body is .*, not bytes: encode text first"):
        encode(Frame("SEND", {"destination": "/q"}, body), Version.V1_2)
