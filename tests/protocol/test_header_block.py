"""The head of a frame: every fault is named, shown where it is, at the octet that makes it certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Fault, Frame, FrameParser, Limits, RemoteProtocolError, Version

SMALL = Limits(max_command_line=12, max_line=10, max_headers=3, max_header_block=30, max_body=9)

A1_0, A1_1, A1_2 = Version


def refusal(octets: bytes, version: Version | None = A1_2, **options) -> RemoteProtocolError:
    """Read octets that have a fault in their last frame."""
    parser = FrameParser(version, **options)
    parser.receive_data(octets)

    def read_all() -> None:
        while parser.next_frame() is not None:
            pass

    with pytest.raises(RemoteProtocolError) as caught:
        read_all()
    return caught.value


def head(octets: bytes, version: Version | None = A1_2, **options) -> Frame:
    """Read octets that are one good frame."""
    parser = FrameParser(version, **options)
    parser.receive_data(octets)
    frame = parser.next_frame()
    assert frame is not None
    return frame


def certain_at(octets: bytes, version: Version | None = A1_2, **options) -> int:
    """Return how many octets must have come before the fault is reported."""
    parser = FrameParser(version, **options)
    for count in range(1, len(octets) + 1):
        parser.receive_data(octets[count - 1 : count])
        try:
            parser.next_frame()
        except RemoteProtocolError:
            return count
    raise AssertionError("no fault")


# Escapes


@pytest.mark.parametrize(
    ("version", "escaped", "meant"),
    [
        (A1_2, "\\n\\c\\r\\\\", "\n:\r\\"),
        (A1_1, "\\n\\c\\\\", "\n:\\"),
        (A1_1, "\\\\r", "\\r"),
        (A1_2, "\\\\\\\\n", "\\\\n"),
        (A1_2, "a\\\\\\nb", "a\\\nb"),
        (A1_0, "\\n\\t\\", "\\n\\t\\"),
    ],
)
def test_escapes_are_resolved_once_from_left_to_right_in_names_and_values(
    version: Version, escaped: str, meant: str
):
    frame = head(f"MESSAGE\nx{escaped}:{escaped}\n\n\0".encode(), version)
    assert frame.headers.pairs == ((f"x{meant}", meant),)


@given(st.text(st.sampled_from("\\ncrt:a"), max_size=12), st.sampled_from([A1_1, A1_2]))
def test_an_escape_is_resolved_or_refused_as_one_pass_over_the_octets_decides(text: str, version: Version):
    known = {"\\n": "\n", "\\c": ":", "\\\\": "\\"} | ({"\\r": "\r"} if version is A1_2 else {})
    meant, rest, good = "", text, True
    while rest and good:
        step = 2 if rest[0] == "\\" else 1
        good = step == 1 or rest[:2] in known
        meant += known.get(rest[:2], "") if step == 2 else rest[0]
        rest = rest[step:]
    octets = f"SEND\na:{text}\nb:b\n\n\0".encode()
    if good:
        assert head(octets, version).headers["a"] == meant
    else:
        assert refusal(octets, version).fault is Fault.BAD_ESCAPE


@pytest.mark.parametrize(
    ("version", "line", "defined"),
    [
        (A1_2, b"a:\\t", "\\n \\c \\\\ \\r"),
        (A1_2, b"a:b\\", "\\n \\c \\\\ \\r"),
        (A1_2, b"a\\x:b", "\\n \\c \\\\ \\r"),
        (A1_1, b"a:\\r", "\\n \\c \\\\"),
        (A1_1, b"a:\\\\\\", "\\n \\c \\\\"),
    ],
)
def test_an_undefined_escape_is_refused_and_shown(version: Version, line: bytes, defined: str):
    error = refusal(b"SEND\nreceipt:r\n" + line + b"\n\n\0", version)
    assert (error.fault, error.receipt) == (Fault.BAD_ESCAPE, "r")
    message = f"header line 2: a backslash sequence that is none of {defined}: {line!r}"
    assert str(error) == message


@pytest.mark.parametrize("command", ["CONNECT", "STOMP", "CONNECTED"])
@pytest.mark.parametrize("version", [None, *Version])
def test_the_hand_shake_is_never_unescaped(command: str, version: Version | None):
    octets = f"{command}\nversion:1.2\naccept-version:1.2\na:\\n\\t\\\n\n\0".encode()
    assert head(octets, version).headers["a"] == "\\n\\t\\"


# Lines


@pytest.mark.parametrize("version", [None, *Version])
@pytest.mark.parametrize("command", ["CONNECT", "CONNECTED", "STOMP"])
def test_the_hand_shake_may_have_cr_lf_in_every_version(command: str, version: Version | None):
    frame = head(f"{command}\r\nhost:a\r\n\r\n\0".encode(), version)
    assert frame == Frame(command, {"host": "a"})


@pytest.mark.parametrize("version", [A1_0, A1_1])
def test_a_cr_is_an_ordinary_octet_of_a_header_before_1_2(version: Version):
    assert head(b"SEND\na\r:b\rc\r\n\n\0", version).headers.pairs == (("a\r", "b\rc\r"),)


@pytest.mark.parametrize("version", [A1_0, A1_1])
def test_a_blank_line_of_1_2_is_refused_at_once_where_no_other_may_come(version: Version):
    octets = b"SEND\na:b\n\r\n"
    assert certain_at(octets, version) == len(octets)
    message = "header line 2: no colon between name and value: b'\\r'"
    assert str(refusal(octets, version)) == message


@pytest.mark.parametrize("version", [A1_0, A1_1])
def test_a_command_with_a_cr_gets_a_hint_before_1_2(version: Version):
    error = refusal(b"SEND\r\n", version)
    assert error.fault is Fault.MALFORMED_COMMAND
    assert str(error) == "not a STOMP command: b'SEND\\r'; this version of STOMP ends lines with LF alone"


@pytest.mark.parametrize("line", [b"a\rb:c", b"a:\rb", b"a:b\r\r", b"\r"])
def test_a_cr_inside_a_line_is_refused_in_1_2(line: bytes):
    error = refusal(b"SEND\n" + line + b"\r\n\r\n\0")
    assert error.fault is Fault.BAD_HEADER
    assert str(error).startswith("header line 1: a CR that is not part of the line's end: ")


@pytest.mark.parametrize("version", [A1_1, A1_2])
def test_only_the_first_colon_separates(version: Version):
    assert head(b"MESSAGE\nmessage-id:ID:host-1:2\n\n\0", version).headers["message-id"] == "ID:host-1:2"


@pytest.mark.parametrize(
    ("octets", "version", "value"),
    [
        (b"SEND\na: \t b \n\n\0", A1_0, "b "),
        (b"SEND\na: b \n\n\0", A1_1, " b "),
        (b"SEND\na: b \n\n\0", A1_2, " b "),
        (b"CONNECT\na: b \n\n\0", A1_2, "b "),
        (b"CONNECT\naccept-version:1.2\na: b \n\n\0", A1_0, " b "),
        (b"CONNECTED\na: b \n\n\0", None, "b "),
        (b"CONNECTED\nversion:1.1\na: b \n\n\0", None, " b "),
        (b"ERROR\na: b \n\n\0", None, " b "),
    ],
)
def test_leading_blanks_of_a_value_are_padding_in_1_0_alone(
    octets: bytes, version: Version | None, value: str
):
    assert head(octets, version).headers["a"] == value


def test_names_are_never_trimmed():
    assert head(b"SEND\n a :b\n\n\0", A1_0).headers.pairs == ((" a ", "b"),)


def test_utf_8_is_kept_as_it_is():
    text = "\ufeffe\u0301\u2028\u0085\u00a0\U0001f600"
    assert head(f"SEND\n{text}:{text}\n\n\0".encode()).headers.pairs == ((text, text),)


# Faults of a line, in wire order, told at the blank line


@pytest.mark.parametrize(
    ("line", "fault", "message"),
    [
        (b"nocolon", Fault.BAD_HEADER, "no colon between name and value: b'nocolon'"),
        (b":value", Fault.BAD_HEADER, "an empty name: b':value'"),
        (b"a:\xff", Fault.NOT_UTF8, "octet 3 is not UTF-8: b'a:\\xff'"),
        (b"\xed\xa0\x80:a", Fault.NOT_UTF8, "octet 1 is not UTF-8: b'\\xed\\xa0\\x80:a'"),
        (b"x" * 99, Fault.BAD_HEADER, f"no colon between name and value: {b'x' * 80!r}..."),
    ],
)
def test_a_faulty_line_is_numbered_shown_and_told_at_the_blank_line(line: bytes, fault: Fault, message: str):
    octets = b"SEND\nreceipt:r\\c1\nok:1\n" + line + b"\nx:\xff\n\n"
    assert certain_at(octets) == len(octets)
    error = refusal(octets)
    assert (error.fault, error.receipt) == (fault, "r:1")
    assert str(error) == f"header line 3: {message}"


@pytest.mark.parametrize(
    ("lines", "receipt"),
    [
        (b"receipt:1\nnocolon\nreceipt:2\n", "1"),
        (b"nocolon\nreceipt:2\n", "2"),
        (b"nocolon\nreceipt:\\t\nreceipt:3\n", None),
        (b"nocolon\nreceipts:2\n", None),
    ],
)
def test_the_receipt_of_a_refused_frame_is_its_first_one_if_that_is_good(lines: bytes, receipt: str | None):
    assert refusal(b"SEND\n" + lines + b"\n").receipt == receipt


def test_the_version_does_not_matter_to_a_receipt_before_there_is_one():
    assert refusal(b"CONNECT\nreceipt:a\\t\nnocolon\n\n", None).receipt == "a\\t"


# Commands


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"send\n", "b'send'"),
        (b"SEND \n", "b'SEND '"),
        (b" SEND\n", "b' SEND'"),
        (b"PING\n", "b'PING'"),
        (b"\xef\xbb\xbfSEND\n", "b'\\xef\\xbb\\xbfSEND'"),
        (b"SEND\r\r\n", "b'SEND\\r\\r'"),
        (b"GET / HTTP/1.1\r\n", "b'GET / HTTP/1.1\\r'"),
    ],
)
@pytest.mark.parametrize("tolerant", [False, True])
def test_a_line_that_is_no_command_is_refused_as_soon_as_it_has_come(
    octets: bytes, shown: str, tolerant: bool
):
    assert certain_at(octets, tolerant=tolerant) == len(octets)
    error = refusal(octets, tolerant=tolerant)
    assert error.fault is Fault.MALFORMED_COMMAND
    assert str(error).startswith(f"not a STOMP command: {shown}")


@pytest.mark.parametrize("tolerant", [False, True])
@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"SEND\n\n\0\0", "a NUL octet where a frame must begin: b'\\x00'"),
        (b"\n\0", "a NUL octet where a frame must begin: b'\\x00'"),
        (b"SE\0", "a NUL octet in a command line: b'SE\\x00'"),
    ],
)
def test_a_nul_outside_of_a_frame_or_in_a_command_is_refused_at_once(
    octets: bytes, message: str, tolerant: bool
):
    error = refusal(octets, tolerant=tolerant)
    assert error.fault is Fault.MALFORMED_COMMAND
    assert str(error) == message


# A NUL in a header


@pytest.mark.parametrize("octets", [b"SEND\n\0", b"SEND\na:b\nc:\0", b"SEND\na:b\nc\0"])
def test_a_nul_in_a_header_strikes_at_once_for_the_strict_parser(octets: bytes):
    assert certain_at(octets) == len(octets)
    error = refusal(octets)
    assert error.fault is Fault.BAD_HEADER
    line = octets.count(b"\n")
    assert str(error) == f"a NUL octet in header line {line}: no header can have one"


def test_a_nul_comes_before_all_other_faults_of_a_block():
    error = refusal(b"SEND\nreceipt:r\nnocolon\na:\0\n\n\0")
    assert (error.fault, str(error)) == (
        Fault.BAD_HEADER,
        "a NUL octet in header line 3: no header can have one",
    )
    assert error.receipt is None


@pytest.mark.parametrize("version", [None, *Version])
def test_a_tolerant_parser_keeps_nul_empty_names_and_what_is_no_utf_8(version: Version | None):
    frame = head(b"ERROR\na\0:\0\n:b\nc:\xff\xe2\x82!\n\n\0", version, tolerant=True)
    assert frame.headers.pairs == (("a\0", "\0"), ("", "b"), ("c", "\ufffd\ufffd!"))


def test_a_tolerant_parser_wants_a_colon_all_the_same():
    assert refusal(b"MESSAGE\na\n\n\0", tolerant=True).fault is Fault.BAD_HEADER


# Limits: each strikes at the octet that is too much, whatever follows


@pytest.mark.parametrize(
    ("octets", "fault", "message"),
    [
        (b"UNSUBSCRIBE__", Fault.LIMIT_LINE, "a command line of more than 12 octets: b'UNSUBSCRIBE_'"),
        (
            b"SEND\na:3456789__",
            Fault.LIMIT_LINE,
            "header line 1 has more than 10 octets (Limits.max_line): b'a:3456789_'",
        ),
        (b"SEND\na:1\nb:2\nc:3\nd:4\n", Fault.LIMIT_HEADERS, "more than 3 header lines (Limits.max_headers)"),
        (
            b"SEND\na:3456789\nb:3456789\nc:3456789\n__",
            Fault.LIMIT_HEADERS,
            "a header block of more than 30 octets (Limits.max_header_block)",
        ),
        (
            b"SEND\na:34567890\nb:34567890\nc:345678\n\n",
            Fault.LIMIT_HEADERS,
            "a header block of more than 30 octets (Limits.max_header_block)",
        ),
    ],
)
def test_a_limit_strikes_at_the_octet_that_is_too_much(octets: bytes, fault: Fault, message: str):
    error = refusal(octets, limits=SMALL)
    assert (error.fault, str(error)) == (fault, message)
    assert certain_at(octets, limits=SMALL) == len(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"UNSUBSCRIBE\r\nid:1\r\n\r\n\0",
        b"SEND\na:34567890\n\n\0",
        b"SEND\r\na:34567890\r\n\r\n\0",
        b"SEND\na:1\nb:2\nc:3\n\n\0",
        b"SEND\na:3456789\nb:3456789\nc:3456789\n\n\0",
        b"SEND\r\na:345678\r\nb:345678\r\nc:345678\r\n\r\n\0",
    ],
)
def test_what_is_as_large_as_a_limit_is_good(octets: bytes):
    parser = FrameParser(limits=SMALL)
    for octet in octets[:-1]:
        parser.receive_data(bytes([octet]))
        assert parser.next_frame() is None
    parser.receive_data(octets[-1:])
    assert parser.next_frame() == head(octets, limits=SMALL)


@pytest.mark.parametrize(
    ("octets", "version", "count"),
    [
        # the CR may belong to the EOL: wait one octet more
        (b"SEND\na:34567890\r_", A1_2, 17),
        (b"SEND\na:34567890\r", A1_1, 16),
        (b"UNSUBSCRIBE_\r_", A1_2, 14),
        (b"UNSUBSCRIBE_\r", A1_1, 13),
    ],
)
def test_a_cr_at_the_limit_of_a_line_waits_where_it_may_end_the_line(
    octets: bytes, version: Version, count: int
):
    assert certain_at(octets, version, limits=SMALL) == count
    assert refusal(octets, version, limits=SMALL).fault is Fault.LIMIT_LINE


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"SEND\na:345\0_______", Fault.BAD_HEADER),
        (b"SEND\na:34567890\0", Fault.BAD_HEADER),
        (b"SEND\na:34567890_\0", Fault.LIMIT_LINE),
        (b"UNSUB\0_________", Fault.MALFORMED_COMMAND),
        (b"UNSUBSCRIBE__\0", Fault.LIMIT_LINE),
    ],
)
def test_of_a_nul_and_a_limit_the_first_in_the_stream_decides(octets: bytes, fault: Fault):
    assert refusal(octets, limits=SMALL).fault is fault
    certain = octets[: certain_at(octets, limits=SMALL)]
    assert refusal(certain, limits=SMALL).fault is fault


def test_repeated_headers_count_each():
    assert refusal(b"SEND\na:1\na:2\na:3\na:4\n", limits=SMALL).fault is Fault.LIMIT_HEADERS


def test_a_line_is_measured_in_octets_before_unescaping():
    euros = "\u20ac" * 3
    assert refusal(f"SEND\na:{euros}\n".encode(), limits=SMALL).fault is Fault.LIMIT_LINE
    assert head(b"SEND\na:\\n\\n\\n\\n\n\n\0", limits=SMALL).headers["a"] == "\n\n\n\n"


# content-length


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "b''"),
        ("+3", "b'+3'"),
        ("3 ", "b'3 '"),
        ("\u0663", "b'\\xd9\\xa3'"),
        ("x" * 100, f"{b'x' * 80!r}..."),
    ],
)
def test_a_length_that_is_no_number_is_shown(value: str, shown: str):
    error = refusal(f"SEND\nreceipt:r\ncontent-length:{value}\n\n".encode())
    assert (error.fault, error.receipt) == (Fault.BAD_CONTENT_LENGTH, "r")
    assert str(error) == f"content-length is {shown}: it must be ASCII digits and nothing else"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10", "10"),
        ("0010", "10"),
        ("10000000000000000000", "10000000000000000000"),
        ("1" * 21, "a number of 21 digits"),
        ("9" * 8_000, "a number of 8000 digits"),
    ],
)
def test_a_length_beyond_the_limit_is_refused_however_huge(value: str, shown: str):
    limits = Limits(max_body=9)
    error = refusal(f"SEND\ncontent-length:{value}\n\n".encode(), limits=limits)
    assert error.fault is Fault.LIMIT_BODY
    assert str(error) == f"content-length announces {shown} octets: Limits.max_body is 9"


@pytest.mark.parametrize("value", ["9", "09", "0" * 5_000 + "9"])
def test_leading_zeros_of_a_length_are_fine(value: str):
    octets = f"SEND\ncontent-length:{value}\n\n".encode() + b"123456789\0"
    assert head(octets, limits=Limits(max_body=9)).body == b"123456789"


# Secrets


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (b"passcode:CANARY\xff\n", "b'passcode:' [redacted]"),
        (b"Authorization:Bearer CANARY\r!\n", "b'Authorization:' [redacted]"),
        (b"x-auth-token:CANARY\\t\n", "b'x-auth-token:' [redacted]"),
        (b"passcode CANARY\n", "[redacted]"),
        (b"passcode=CANARY\n", "[redacted]"),
        (b"?token=CANARY&url=http://\xff\n", "[redacted]"),
        (b"passcode:1\nCANARY\n", "[redacted]"),
        (b"passcode:1\nlogin:2\nCANARY\n", "[redacted]"),
        (b"cookie:1\n CANARY=CANARY; x:\xff\n", "[redacted]"),
        (b"login:1\nno colon here\n", "b'no colon here'"),
        (b"passcode:1\nlogin:2\na:\xff\n", "b'a:\\xff'"),
    ],
)
def test_a_faulty_line_is_shown_without_secrets(lines: bytes, shown: str):
    error = refusal(b"SEND\n" + lines + b"\n")
    assert str(error).endswith(f": {shown}")
    assert "CANARY" not in str(error)


@pytest.mark.parametrize("octets", [b"passcode:CANARY\n", b"GET /?token=CANARY HTTP/1.1\r\n"])
def test_a_line_in_the_place_of_a_command_is_shown_without_secrets(octets: bytes):
    error = refusal(octets)
    assert "[redacted]" in str(error)
    assert "CANARY" not in str(error)
