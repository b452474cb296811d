"""The parser: the same frames and the same verdict however a stream is cut, and nothing but that."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.frames import explain
from stomp_sansio import Fault, Frame, FrameParser, Limits, RemoteProtocolError, Version, encode
from stomp_sansio.protocol.header_block import Grammar
from tests.protocol.strategies import (
    SMALL,
    cut,
    faulty_streams,
    limits,
    possible_frames,
    sizes,
    streams,
    versions,
)

versions_or_none = st.sampled_from([None, *Version])


def facts(frame: Frame) -> tuple[object, ...]:
    return frame.command, frame.headers.pairs, frame.body


def hear(chunks: Iterable[bytes], parser: FrameParser, *, lazily: bool = False) -> dict[str, Any]:
    """Hand chunks to a parser; take the frames after each, or after the last alone; return all it says."""
    said: dict[str, Any] = {"frames": [], "verdict": None}

    def take() -> None:
        try:
            while (frame := parser.next_frame()) is not None:
                said["frames"].append(facts(frame))
        except RemoteProtocolError as error:
            said["verdict"] = error.fault, str(error), error.receipt

    for chunk in chunks:
        parser.receive_data(chunk)
        if not lazily:
            take()
    take()
    said |= {"heartbeats": parser.heartbeats, "pending": parser.pending, "unread": parser.unread}
    parser.receive_eof()
    take()
    said["verdict at the end"] = said["verdict"]
    return said


def read(octets: bytes, version: Version | None = Version.V1_2, **options) -> list[Frame]:
    """Read octets that have no fault."""
    parser = FrameParser(version, **options)
    parser.receive_data(octets)
    found: list[Frame] = []
    while (frame := parser.next_frame()) is not None:
        found.append(frame)
    return found


def refusal(octets: bytes, version: Version | None = Version.V1_2, **options) -> RemoteProtocolError:
    """Read octets whose first frame has a fault."""
    parser = FrameParser(version, **options)
    parser.receive_data(octets)
    with pytest.raises(RemoteProtocolError) as caught:
        parser.next_frame()
    return caught.value


# Properties


@given(st.data(), versions)
def test_what_was_written_is_read(data: st.DataObject, version: Version):
    written = data.draw(st.lists(possible_frames(version), max_size=4))
    octets = b"\n".join(encode(frame, version) for frame in written)
    parser = FrameParser(version)
    parser.receive_data(octets)
    for frame in written:
        length = [("content-length", str(len(frame.body)))] if frame.body else []
        again = parser.next_frame()
        assert again == Frame(frame.command, [*frame.headers.pairs, *length], frame.body)
    assert parser.next_frame() is None
    assert not parser.pending
    assert parser.heartbeats == max(0, len(written) - 1)


@given(st.data(), versions, versions_or_none, st.booleans(), limits, sizes)
def test_any_cut_gives_the_same_frames_and_the_same_verdict(
    data: st.DataObject,
    written: Version,
    version: Version | None,
    tolerant: bool,
    limits: Limits,
    sizes: list[int],
):
    octets = data.draw(faulty_streams(written))
    whole = hear([octets], FrameParser(version, limits, tolerant=tolerant))
    pieces = list(cut(octets, sizes))
    assert hear(pieces, FrameParser(version, limits, tolerant=tolerant)) == whole
    assert hear(pieces, FrameParser(version, limits, tolerant=tolerant), lazily=True) == whole
    assert hear(cut(octets, [1]), FrameParser(version, limits, tolerant=tolerant)) == whole


@given(st.data(), versions, versions_or_none, st.booleans(), limits)
def test_the_fast_path_agrees_with_the_explanation(
    data: st.DataObject, written: Version, version: Version | None, tolerant: bool, limits: Limits
):
    octets = data.draw(faulty_streams(written))
    said = hear([octets], FrameParser(version, limits, tolerant=tolerant))
    frames, heartbeats, fault = explain(octets, Grammar(version, limits, tolerant))
    verdict = said["verdict"] if fault is not None else None
    assert said["frames"] == list(frames)
    assert said["heartbeats"] == heartbeats
    assert fault == (None if verdict is None else (verdict[0], verdict[2]))


@given(st.data(), versions_or_none, st.booleans(), limits)
def test_asking_raises_nothing_but_the_fault_of_the_peer_and_always_the_same_one(
    data: st.DataObject, version: Version | None, tolerant: bool, limits: Limits
):
    octets = data.draw(st.one_of(st.binary(max_size=60), faulty_streams(Version.V1_2)))
    parser = FrameParser(version, limits, tolerant=tolerant)
    parser.receive_data(octets)
    first: RemoteProtocolError | None = None
    try:
        while parser.next_frame() is not None:
            pass
        parser.receive_eof()
        parser.next_frame()
    except RemoteProtocolError as error:
        first = error
    if first is not None:
        parser.receive_data(b"SEND\n\n\0")
        with pytest.raises(RemoteProtocolError) as caught:
            parser.next_frame()
        assert caught.value is first
        assert parser.unread == 0


@given(streams(Version.V1_2), sizes, st.integers(0, 1_000))
def test_unread_counts_what_is_not_returned_yet(octets: bytes, sizes: list[int], place: int):
    parser = FrameParser()
    received = 0
    for piece in cut(octets[: place % (len(octets) + 1)], sizes):
        parser.receive_data(piece)
        received += len(piece)
        assert parser.unread <= received
        before = parser.unread
        parser.next_frame()
        assert parser.unread <= before
    while parser.next_frame() is not None:
        pass
    assert parser.pending or not parser.unread


# Frames one after the other


def test_frames_come_one_by_one_and_those_before_a_fault_come_first():
    parser = FrameParser()
    parser.receive_data(b"SEND\na:1\n\n\0SEND\na:2\n\n\0SENT\na:3\n\n\0")
    assert parser.next_frame() == Frame("SEND", {"a": "1"})
    assert parser.next_frame() == Frame("SEND", {"a": "2"})
    with pytest.raises(RemoteProtocolError) as caught:
        parser.next_frame()
    assert caught.value.fault is Fault.MALFORMED_COMMAND


def test_the_raised_error_does_not_grow_a_traceback_with_each_question():
    parser = FrameParser()
    parser.receive_data(b"SENT\n")
    lengths: list[int] = []
    for _ in range(3):
        with pytest.raises(RemoteProtocolError) as caught:
            parser.next_frame()
        lengths.append(len(caught.traceback))
    assert lengths[1] == lengths[2]


def test_octets_are_kept_though_the_caller_changes_his_buffer():
    parser = FrameParser()
    buffer = bytearray(b"SEND\n\n1\0SEND\n\n2\0")
    view: Any = memoryview(buffer)
    parser.receive_data(view[:8])
    parser.receive_data(view[8:])
    buffer[:] = bytes(len(buffer))
    assert parser.next_frame() == Frame("SEND", (), b"1")
    assert parser.next_frame() == Frame("SEND", (), b"2")


def test_nothing_is_nothing():
    parser = FrameParser()
    parser.receive_data(b"")
    assert parser.next_frame() is None
    assert not parser.pending
    assert parser.unread == 0


@pytest.mark.parametrize("version", ["1.2", 1.2, "V1_2"])
def test_a_version_that_is_none_is_refused_and_changes_nothing(version: Any):
    with pytest.raises(TypeError, match="pass a member of Version"):
        FrameParser(version)
    parser = FrameParser(Version.V1_0)
    with pytest.raises(TypeError, match=f"version is {version!r}"):
        parser.version = version
    assert parser.version is Version.V1_0


def test_the_version_may_change_between_frames_of_one_chunk():
    parser = FrameParser(None)
    parser.receive_data(b"CONNECTED\nversion:1.1\nx:a\\nb\n\n\0MESSAGE\nx:a\\nb\n\n\0MESSAGE\nx:a\\rb\n\n\0")
    assert parser.version is None
    assert facts_of_next(parser) == ("CONNECTED", (("version", "1.1"), ("x", "a\\nb")), b"")
    parser.version = Version.V1_1
    assert parser.version is Version.V1_1
    assert facts_of_next(parser) == ("MESSAGE", (("x", "a\nb"),), b"")
    parser.version = Version.V1_2
    assert facts_of_next(parser) == ("MESSAGE", (("x", "a\rb"),), b"")


def facts_of_next(parser: FrameParser) -> tuple[object, ...]:
    frame = parser.next_frame()
    assert frame is not None
    return facts(frame)


def test_before_a_version_is_negotiated_nothing_is_unescaped_and_lines_may_end_in_crlf():
    (frame,) = read(b"ERROR\r\nmessage:a\\tb\r\n\r\n\0", None)
    assert frame == Frame("ERROR", {"message": "a\\tb"})


# Heart-beats


@pytest.mark.parametrize("count", [1, 2, 1_023, 1_024, 1_025, 3_000])
@pytest.mark.parametrize("version", [None, *Version])
def test_every_line_feed_between_frames_is_counted(count: int, version: Version | None):
    parser = FrameParser(version)
    parser.receive_data(b"\n" * count + b"RECEIPT\n\n\0" + b"\n" * count)
    assert parser.next_frame() == Frame("RECEIPT")
    assert parser.heartbeats == count
    assert parser.next_frame() is None
    assert parser.heartbeats == 2 * count
    assert not parser.pending


@pytest.mark.parametrize("version", [None, Version.V1_2])
def test_a_cr_lf_between_frames_is_one_heart_beat(version: Version | None):
    said = hear([b"\r\n\n\r\nSEND\n\n\0\r\n"], FrameParser(version))
    assert (said["heartbeats"], len(said["frames"]), said["verdict"]) == (4, 1, None)


def test_a_cr_may_begin_an_eol_and_so_is_pending():
    parser = FrameParser()
    parser.receive_data(b"\n\r")
    assert parser.next_frame() is None
    assert (parser.heartbeats, parser.pending) == (1, True)
    parser.receive_data(b"\n")
    assert parser.next_frame() is None
    assert (parser.heartbeats, parser.pending) == (2, False)


@pytest.mark.parametrize(
    ("version", "octets", "hint"),
    [
        (Version.V1_2, b"\rSEND\n\n\0", "it must be followed by LF"),
        (None, b"\n\r\r", "it must be followed by LF"),
        (Version.V1_1, b"\r\n", "this version of STOMP ends lines with LF alone"),
        (Version.V1_0, b"\n\r", "this version of STOMP ends lines with LF alone"),
    ],
)
def test_a_lone_cr_between_frames_is_refused(version: Version | None, octets: bytes, hint: str):
    error = refusal(octets, version)
    assert error.fault is Fault.MALFORMED_COMMAND
    assert str(error) == f"a CR between frames: {hint}"


# Bodies


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"SEND\ncontent-length:7\n\n", b"a\0b\n\n\0c"),
        (b"SEND\ncontent-length:007\n\n", b"a\0b\n\n\0c"),
        (b"SEND\ncontent-length:0\n\n", b""),
        (b"SEND\n\n", b"until the NUL"),
        (b"SEND\n\n", b""),
        (b"SEND\ncontent-length:2\ncontent-length:+9\n\n", b"ab"),
        (b"SEND\nContent-Length:9\n\n", b"ab"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 1_000])
def test_a_body_has_its_announced_length_or_ends_at_the_first_nul(head: bytes, body: bytes, size: int):
    octets = head + body + b"\0" + b"SEND\n\nnext\0"
    parser = FrameParser()
    said = hear(cut(octets, [size]), parser)
    assert [frame[2] for frame in said["frames"]] == [body, b"next"]


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_what_follows_a_body_of_announced_length_must_be_nul(size: int):
    said = hear(cut(b"SEND\nreceipt:r\ncontent-length:3\n\nabcd\0", [size]), FrameParser())
    message = "b'd' where the NUL behind a body of 3 octets must be: content-length is wrong"
    assert said["verdict"] == (Fault.MISSING_NUL, message, "r")


def test_a_body_that_comes_in_many_pieces_is_put_together_once():
    pieces = [bytes([octet]) * 1_000 for octet in range(1, 200)]
    parser = FrameParser()
    parser.receive_data(b"SEND\n\n")
    for piece in pieces:
        parser.receive_data(piece)
        assert parser.next_frame() is None
    assert parser.pending
    assert parser.unread == 199_000
    parser.receive_data(b"\0")
    assert parser.next_frame() == Frame("SEND", (), b"".join(pieces))
    assert parser.unread == 0


@pytest.mark.parametrize("head", [b"SEND\n\n", b"SEND\ncontent-length:4\n\n"])
@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_body_may_be_as_large_as_the_limit(head: bytes, size: int):
    parser = FrameParser(limits=Limits(max_body=4))
    assert hear(cut(head + b"abcd\0\n", [size]), parser)["frames"][0][2] == b"abcd"


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_body_without_a_length_is_refused_at_the_octet_that_is_too_much(size: int):
    said = hear(cut(b"SEND\nreceipt:r\n\nabcde", [size]), FrameParser(limits=Limits(max_body=4)))
    message = "a body of more than 4 octets (Limits.max_body), and no NUL that ends it"
    assert said["verdict"] == (Fault.LIMIT_BODY, message, "r")


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes():
    error = refusal(b"SEND\nreceipt:r\ncontent-length:5\n\n", limits=Limits(max_body=4))
    assert (error.fault, error.receipt) == (Fault.LIMIT_BODY, "r")
    assert str(error) == "content-length announces 5 octets: Limits.max_body is 4"


# The end of the stream


@pytest.mark.parametrize(
    ("octets", "where", "receipt"),
    [
        (b"S", "the head of a frame, after 1 octets of it", None),
        (b"SEND\nreceipt:r\n", "the head of a frame, after 15 octets of it", None),
        (b"SEND\nreceipt:r\n\n", "the body of SEND, after 0 octets of it", "r"),
        (b"SEND\n\nbody", "the body of SEND, after 4 octets of it", None),
        (b"SEND\ncontent-length:3\n\nab\0", "the body of SEND, after 3 octets of it", None),
        (b"\r", "the head of a frame, after 1 octets of it", None),
    ],
)
def test_the_end_inside_a_frame_is_a_fault(octets: bytes, where: str, receipt: str | None):
    parser = FrameParser()
    parser.receive_data(octets)
    assert parser.next_frame() is None
    parser.receive_eof()
    with pytest.raises(RemoteProtocolError) as caught:
        parser.next_frame()
    assert (caught.value.fault, caught.value.receipt) == (Fault.INCOMPLETE_FRAME, receipt)
    assert str(caught.value) == f"the stream ended inside {where}"


@pytest.mark.parametrize("octets", [b"", b"\n\n", b"SEND\n\n\0", b"SEND\n\n\0\n"])
def test_the_end_between_frames_is_none(octets: bytes):
    parser = FrameParser()
    parser.receive_data(octets)
    parser.receive_eof()
    while parser.next_frame() is not None:
        pass
    assert not parser.pending
    parser.receive_data(b"SENT\n")
    assert parser.next_frame() is None


# What the fast path must not accept


@pytest.mark.parametrize(
    ("octets", "frame"),
    [
        (b"SEND\na:1\na:2\n\n\0", Frame("SEND", [("a", "1"), ("a", "2")])),
        (b"SEND\r\na:1\r\n\r\n\0", Frame("SEND", {"a": "1"})),
        (b"SEND\na:1\n\r\n\0", Frame("SEND", {"a": "1"})),
        (b"SEND\n\\c:1\n\\n:2\n\n\0", Frame("SEND", {":": "1", "\n": "2"})),
        (b"SEND\na:\\\\n\nb:x\n\n\0", Frame("SEND", {"a": "\\n", "b": "x"})),
        (b"SEND\na:b:c\n\n\0", Frame("SEND", {"a": "b:c"})),
        (b"SEND\na:\n\n\0", Frame("SEND", {"a": ""})),
        (b"STOMP\na:\\t\n\n\0", Frame("STOMP", {"a": "\\t"})),
    ],
)
def test_frames_that_look_odd_and_are_good(octets: bytes, frame: Frame):
    assert read(octets) == [frame]


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"SEND\na\n\n\0", Fault.BAD_HEADER),
        (b"SEND\na\\n:b\nc\n\n\0", Fault.BAD_HEADER),
        (b"SEND\n:b\n\n\0", Fault.BAD_HEADER),
        (b"SEND\na:b\rc\n\n\0", Fault.BAD_HEADER),
        (b"SEND\na:\0\n\n\0", Fault.BAD_HEADER),
        (b"SEND\na:\\t\n\n\0", Fault.BAD_ESCAPE),
        (b"SEND\n\\t:a\n\n\0", Fault.BAD_ESCAPE),
        (b"SEND\na:\xff\n\n\0", Fault.NOT_UTF8),
        (b"SENT\na:b\n\n\0", Fault.MALFORMED_COMMAND),
        (b"SEND\xff\na:b\n\n\0", Fault.MALFORMED_COMMAND),
    ],
)
def test_frames_that_look_nearly_good(octets: bytes, fault: Fault):
    assert refusal(octets).fault is fault


@pytest.mark.parametrize(
    ("octets", "frame"),
    [
        (b"MESSAGE\n:b\n\n\0", Frame("MESSAGE", {"": "b"})),
        (b"MESSAGE\na:\0\n\n\0", Frame("MESSAGE", {"a": "\0"})),
        (b"MESSAGE\na:\xff\n\n\0", Frame("MESSAGE", {"a": "\ufffd"})),
    ],
)
def test_a_tolerant_parser_keeps_what_brokers_relay(octets: bytes, frame: Frame):
    assert read(octets, tolerant=True) == [frame]


@pytest.mark.parametrize("command", ["MESSAGE", "UNSUBSCRIBE", "ACK"])
def test_a_command_longer_than_its_limit_is_refused_though_it_is_a_good_one(command: str):
    octets = f"{command}\na:b\n\n\0".encode()
    limit = len(command)
    assert read(octets, limits=Limits(max_command_line=limit)) == [Frame(command, {"a": "b"})]
    if limit > 1:
        assert refusal(octets, limits=Limits(max_command_line=limit - 1)).fault is Fault.LIMIT_LINE


# A head that trickles in


@given(sizes, st.integers(0, 3))
def test_a_head_that_is_never_finished_is_refused_at_its_limit(sizes: list[int], kind: int):
    parser = FrameParser(limits=SMALL)
    endless = (b"a:" + b"b" * 1_000, b"a:b\n" * 50, b"S" * 100, b"a:" + b"b" * 20 + b"\nc:" + b"d" * 100)[
        kind
    ]
    said = hear(cut((b"" if kind == 2 else b"SEND\n") + endless, sizes), parser)
    expected = (Fault.LIMIT_LINE, Fault.LIMIT_HEADERS, Fault.LIMIT_LINE, Fault.LIMIT_LINE)[kind]
    assert said["verdict"][0] is expected
    assert said["frames"] == []


def test_what_waits_never_exceeds_the_limits_by_more_than_the_chunk():
    limits = Limits(max_line=1_000, max_headers=64, max_header_block=8_000, max_body=20_000)
    chunk = b"x" * 700
    head = limits.max_command_line + limits.max_header_block
    for start, largest in ((b"SEND\na:", head), (b"SEND\n\n", limits.max_body)):
        parser = FrameParser(limits=limits)
        parser.receive_data(start)
        parser.next_frame()
        refused = False
        while not refused:
            parser.receive_data(chunk)
            assert parser.unread <= largest + len(chunk)
            try:
                parser.next_frame()
            except RemoteProtocolError:
                refused = True
        assert parser.unread == 0


def test_a_refused_stream_is_let_go():
    parser = FrameParser()
    parser.receive_data(b"SEND\n\n" + b"x" * 1_000_000)
    assert parser.next_frame() is None
    parser.receive_data(b"\0SENT\n")
    parser.next_frame()
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            parser.next_frame()
        parser.receive_data(b"x" * 1_000_000)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert parser.unread == 0
    assert held < 100_000


def test_a_head_that_has_begun_is_judged_by_the_version_that_is_set_meanwhile():
    parser = FrameParser(Version.V1_1)
    parser.receive_data(b"SEND\na:\\r")
    assert parser.next_frame() is None
    parser.version = Version.V1_2
    parser.receive_data(b"\n\n\0")
    assert parser.next_frame() == Frame("SEND", {"a": "\r"})
