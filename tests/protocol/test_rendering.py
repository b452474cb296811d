"""One line a frame: what it says, what it hides, and that nobody forges another line with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    Connected,
    Connection,
    Error,
    Headers,
    Message,
    Receipt,
    Send,
    Version,
)
from stomp_sansio.protocol.rendering import FrameLines


def message(headers, body=b""):
    return Message(
        destination="/queue/a",
        message_id="1",
        subscription="0",
        ack=None,
        known=True,
        headers=Headers(headers),
        body=body,
    )


def error(headers, body=b""):
    return Error(message=None, receipt_id=None, headers=Headers(headers), body=body)


def sent(**keywords) -> bytes:
    connection = Connection()
    connection.connect(host="h", **keywords)
    return connection.data_to_send(0.0)


def test_a_frame_that_is_sent_shows_command_headers_and_size():
    line = FrameLines().line(b"SEND\ndestination:/queue/a\nx:a\\cb\n\nbody\n\nmore\0")
    assert line == "SEND destination='/queue/a' x='a\\\\cb' (10 octets)"


def test_a_frame_without_headers():
    assert FrameLines().line(b"DISCONNECT\n\n\0") == "DISCONNECT (0 octets)"


@pytest.mark.parametrize("octets", [b"\n", b"\r\n"])
def test_a_beat(octets):
    assert FrameLines().line(octets) == "heart-beat"


def test_half_a_frame_is_shown_as_far_as_it_goes():
    assert FrameLines().line(b"SEND\ndesti") == "SEND desti='' (0 octets)"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (message({"a": "b"}, b"abc"), "MESSAGE a='b' (3 octets)"),
        (error({"message": "no"}, b"x"), "ERROR message='no' (1 octets)"),
        (
            Send(destination="/a", transaction=None, receipt=None, headers=Headers({"c": "d"}), body=b""),
            "SEND c='d' (0 octets)",
        ),
    ],
)
def test_an_event_with_a_body_shows_its_headers_and_size(event, line):
    assert FrameLines().line(event) == line


@pytest.mark.parametrize(
    "event",
    [
        Receipt(receipt_id="1", known=True, headers=Headers()),
        Connected(version=Version.V1_2, session=None, server=None, heartbeat=(0, 0), headers=Headers()),
    ],
)
def test_other_events_are_shown_as_they_show_themselves(event):
    assert FrameLines().line(event) == repr(event)


@pytest.mark.parametrize("name", ["passcode", "Authorization", "X-Auth-Token", "cookie"])
def test_secrets_are_hidden_by_their_names(name):
    lines = FrameLines()
    assert "canary" not in lines.line(f"SEND\n{name}:canary\n\n\0".encode())
    assert "canary" not in lines.line(message({name: "canary"}))
    assert "canary" not in lines.line(error({name: "canary"}))


@pytest.mark.parametrize("command", [b"CONNECT", b"STOMP"])
def test_an_error_that_quotes_a_secret_of_connect_does_not_show_it(command):
    lines = FrameLines()
    said = sent(login="ada", passcode="it's\\me", headers={"authorization": "it's\\me too"})
    assert "it" not in lines.line(said.replace(b"CONNECT", command, 1))
    quoted = lines.line(error({"message": "ada, it's\\me and it's\\me too are wrong"}))
    assert quoted == 'ERROR message="ada, [redacted] and [redacted] are wrong" (0 octets)'


def test_what_others_say_is_shown_even_if_it_looks_like_a_secret():
    lines = FrameLines()
    lines.line(sent(login="ada", passcode="a"))
    assert lines.line(message({"x": "a"})) == "MESSAGE x='a' (0 octets)"


def test_a_passcode_that_is_the_login_is_no_secret():
    lines = FrameLines()
    lines.line(sent(login="guest", passcode="guest"))
    assert "guest" in lines.line(error({"message": "no guest here"}))


def test_an_empty_passcode_hides_nothing():
    lines = FrameLines()
    lines.line(sent(login="ada", passcode=""))
    assert lines.line(error({"message": "no"})) == "ERROR message='no' (0 octets)"


@given(st.dictionaries(st.text(), st.text()))
def test_no_header_makes_a_second_line(headers):
    line = FrameLines().line(message(headers))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
