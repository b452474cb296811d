"""SockJS frames: what the vectors do not say, that the cut never matters, and the limits at their edges."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.sockjs_frames import (
    HEARTBEAT_FRAME,
    OPEN_FRAME,
    PRELUDE,
    ResponseLines,
    SockJSClose,
    SockJSEvent,
    SockJSHeartbeat,
    SockJSMessages,
    SockJSOpen,
    SockJSReceiver,
    encode_close,
    encode_messages,
)
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits.client()
SMALL = replace(LIMITS, max_body=1)


def receive_all(frames: list[bytes], limits: Limits = LIMITS) -> list[SockJSEvent]:
    receiver = SockJSReceiver(limits)
    return [receiver.receive(frame) for frame in frames]


def lines_of(
    data: bytes,
    *,
    streaming: bool = True,
    end: bool = True,
    cut: list[int] | None = None,
    limits: Limits = LIMITS,
):
    """Return the frames of a response and the fault that ended it, if one did."""
    lines = ResponseLines(limits, streaming=streaming)
    frames: list[bytes] = []
    fault: RemoteProtocolError | None = None
    try:
        for start, stop in pairwise([0, *sorted(cut or []), len(data)]):
            lines.receive(data[start:stop])
            drain(lines, frames)
        if end:
            lines.end()
            drain(lines, frames)
    except RemoteProtocolError as error:
        fault = error
    if fault is None:
        return frames, None
    with pytest.raises(RemoteProtocolError) as again:
        lines.next_frame()
    assert again.value is fault
    return frames, (fault.fault, str(fault))


def drain(lines: ResponseLines, frames: list[bytes]) -> None:
    while (frame := lines.next_frame()) is not None:
        frames.append(frame)


def test_a_session_from_open_to_close():
    frames = [
        OPEN_FRAME,
        b"",
        HEARTBEAT_FRAME,
        encode_messages([b"a", b"b"]),
        b'm"c"',
        encode_close(3000, "Go"),
        b"x",
    ]
    assert receive_all(frames) == [
        SockJSOpen(),
        SockJSMessages(()),
        SockJSHeartbeat(),
        SockJSMessages((b"a", b"b")),
        SockJSMessages((b"c",)),
        SockJSClose(3000, "Go"),
        SockJSMessages(()),
    ]


def test_a_second_open_says_that_the_session_was_lost():
    assert receive_all([OPEN_FRAME, OPEN_FRAME, OPEN_FRAME])[1:] == [
        SockJSClose(1006, "Server lost session", clean=False),
        SockJSMessages(()),
    ]


@pytest.mark.parametrize("frame", [b"ox", b"o\n", b"hh", b"x", b"\x00", b"\xff", b"[", b'["x"]', b"O"])
def test_what_is_no_frame_is_a_fault_for_good(frame: bytes):
    receiver = SockJSReceiver(LIMITS)
    receiver.receive(OPEN_FRAME)
    with pytest.raises(RemoteProtocolError) as raised:
        receiver.receive(frame)
    assert raised.value.fault is LinkFault.BAD_FRAME
    with pytest.raises(RemoteProtocolError) as again:
        receiver.receive(HEARTBEAT_FRAME)
    assert again.value is raised.value


@pytest.mark.parametrize("frame", [b'a["x"]', b'm"x"', b"a", b"a[]"])
def test_messages_before_open_are_a_fault(frame: bytes):
    receiver = SockJSReceiver(LIMITS)
    with pytest.raises(RemoteProtocolError) as raised:
        receiver.receive(frame)
    assert raised.value.fault is LinkFault.UNEXPECTED_FRAME


def test_a_bad_close_closes_nothing():
    receiver = SockJSReceiver(LIMITS)
    with pytest.raises(RemoteProtocolError):
        receiver.receive(b"c[]")
    assert not receiver.closed


def test_a_frame_may_be_as_long_as_the_limit_says():
    most = SMALL.max_sockjs_frame
    frame = b"a[" + b" " * (most - 3) + b"]"
    assert len(frame) == most
    assert receive_all([OPEN_FRAME, frame], SMALL)[1] == SockJSMessages(())
    with pytest.raises(RemoteProtocolError) as raised:
        receive_all([OPEN_FRAME, frame[:-1] + b" ]"], SMALL)
    assert raised.value.fault is LinkFault.LIMIT


# Lines


def test_the_prelude_is_the_first_line_of_a_streaming_response_alone():
    assert lines_of(PRELUDE + b"o\nh\n") == ([b"o", b"h"], None)
    assert lines_of(b"hh\r\no\n") == ([b"o"], None)
    assert lines_of(b"h\no\n") == ([b"h", b"o"], None)
    assert lines_of(b"o\nhh\n") == ([b"o", b"hh"], None)
    assert lines_of(b"hh\nhh\n") == ([b"hh"], None)
    assert lines_of(b"hx\n") == ([b"hx"], None)
    assert lines_of(b"hh\n", streaming=False) == ([b"hh"], None)
    assert lines_of(b"\n\r\nhh\no\n") == ([b"o"], None), "blank lines mean nothing"


def test_one_carriage_return_belongs_to_the_end_of_a_line():
    assert lines_of(b"o\r\n\r\na\r\r\n\rh\n") == ([b"o", b"a\r", b"\rh"], None)


@pytest.mark.parametrize("rest", [b"a", b'a["x"]', b"\r", b"hh"])
def test_a_response_that_ends_inside_a_line_is_truncated(rest: bytes):
    frames, error = lines_of(b"o\n" + rest)
    assert frames == [b"o"]
    assert error is not None
    assert error[0] is LinkFault.TRUNCATED
    assert lines_of(b"o\n" + rest, end=False) == ([b"o"], None)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("by_octet", [True, False])
def test_a_line_may_be_as_long_as_the_limit_says(ending: bytes, by_octet: bool):
    line = b"a" * SMALL.max_sockjs_frame
    cut = list(range(len(line) - 2, len(line) + 3)) if by_octet else None
    assert lines_of(b"o\n" + line + ending, limits=SMALL, cut=cut) == ([b"o", line], None)
    for longer in (line + b"a" + ending, line + b"aa", line + b"a", line + b"\ra"):
        frames, error = lines_of(b"o\n" + longer, limits=SMALL, cut=cut)
        assert frames == [b"o"]
        assert error is not None
        assert error[0] is LinkFault.LIMIT


def test_a_line_that_never_ends_is_not_kept():
    lines = ResponseLines(SMALL, streaming=False)
    for _ in range(SMALL.max_sockjs_frame // 1000):
        lines.receive(b"a" * 1000)
        assert lines.next_frame() is None
    lines.receive(b"a" * 1000)
    with pytest.raises(RemoteProtocolError):
        lines.next_frame()


@given(
    st.lists(
        st.sampled_from([b"o", b"h", b"hh", b"\n", b"\r\n", b"\r", b'a["x"]', b"c[", "é".encode(), b"\xff"])
    ),
    st.lists(st.integers(0, 60)),
    st.booleans(),
    st.booleans(),
)
def test_the_cut_never_matters(pieces: list[bytes], cut: list[int], streaming: bool, end: bool):
    data = b"".join(pieces)
    whole = lines_of(data, streaming=streaming, end=end)
    assert lines_of(data, streaming=streaming, end=end, cut=[min(place, len(data)) for place in cut]) == whole
    assert lines_of(data, streaming=streaming, end=end, cut=list(range(len(data)))) == whole
