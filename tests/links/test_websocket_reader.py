"""Frames to messages: whole ones, fragments, limits, faults; the same at every cut, beside wsproto's own
reading."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Request

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.link import LinkData
from stomp_sansio.links.websocket_reader import MessageReader, PeerClose, Ping, Received
from stomp_sansio.protocol.limits import Limits
from tests.links.websocket_help import KEY, binary, close, frame, ping, pong, text

SMALL = Limits(max_body=1000, max_message_fragments=4)
"""Messages of at most 41,960 octets."""


def connections() -> tuple[WSConnection, WSConnection]:
    """A client and a server of wsproto, both open."""
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="h", target="/")))
    assert len(list(server.events())) == 1
    client.receive_data(server.send(AcceptConnection()))
    assert len(list(client.events())) == 1
    return client, server


def reader(*, server: bool = False, any_text: bool = False, limits: Limits = SMALL) -> MessageReader:
    return MessageReader(connections()[server], any_text=any_text, limits=limits)


def read(
    reader: MessageReader, octets: bytes, cut: int | None = None
) -> tuple[list[Received], RemoteProtocolError | None]:
    """Everything that comes, up to the fault or the peer's Close."""
    received: list[Received] = []
    step = cut or len(octets) or 1
    for start in range(0, len(octets), step):
        reader.receive(octets[start : start + step])
        try:
            while (one := reader.next()) is not None:
                received.append(one)
                if isinstance(one, PeerClose):
                    return received, None
        except RemoteProtocolError as error:
            return received, error
    return received, None


def fault(octets: bytes, **options) -> LinkFault:
    received, error = read(reader(**options), octets)
    assert received == []
    assert error is not None
    assert isinstance(error.fault, LinkFault)
    return error.fault


@pytest.mark.parametrize("length", [1, 125, 126, 65535 - 25000, 41_960])
@pytest.mark.parametrize("cut", [None, 1, 1000])
def test_a_message_in_one_frame_is_delivered_whole(length: int, cut: int | None) -> None:
    payload = (b"0123456789" * (length // 10 + 1))[:length]
    assert read(reader(), text(payload) + binary(payload), cut) == ([LinkData(payload)] * 2, None)
    masked = text(payload, mask=KEY) + binary(payload, mask=KEY)
    assert read(reader(server=True), masked, cut) == ([LinkData(payload)] * 2, None)


def test_a_fragmented_message_is_put_together_around_control_frames() -> None:
    octets = (
        text(b"\xe2\x82", fin=False) + ping(b"?") + frame(0, b"", fin=False) + pong(b"!") + frame(0, b"\xac")
    )
    assert read(reader(), octets) == ([Ping(b"?"), LinkData("€".encode())], None)
    octets = binary(b"\xff", fin=False) + frame(0, b"\xfe") + text(b"next")
    assert read(reader(), octets) == ([LinkData(b"\xff\xfe"), LinkData(b"next")], None)


def test_messages_without_an_octet_say_nothing() -> None:
    octets = text(b"") + binary(b"") + text(b"", fin=False) + frame(0, b"") + text(b"x")
    assert read(reader(), octets) == ([LinkData(b"x")], None)


def test_a_server_unmasks_fragments_and_control_frames() -> None:
    octets = text(b"a", fin=False, mask=KEY) + ping(b"p", mask=KEY) + frame(0, b"b", mask=b"\0\0\0\0")
    assert read(reader(server=True), octets) == ([Ping(b"p"), LinkData(b"ab")], None)


@pytest.mark.parametrize(
    ("octets", "close_read"),
    [
        (close(None), PeerClose(1005, "")),
        (close(1000), PeerClose(1000, "")),
        (close(1011, b"tired"), PeerClose(1011, "tired")),
        (close(4999, "é".encode()), PeerClose(4999, "é")),
    ],
)
def test_reads_the_close_of_the_peer(octets: bytes, close_read: PeerClose) -> None:
    assert read(reader(), octets) == ([close_read], None)


MALFORMED = [
    text(b"x", reserved=4),
    text(b"x", reserved=1),
    frame(3, b"x"),
    frame(11),
    frame(0, b"x"),
    ping(b"x" * 126),
    frame(9, announced=1 << 40),
    ping(b"", fin=False),
    text(b"x", mask=KEY),
    ping(b"x", mask=KEY),
    b"\x81\x7e\x00\x05hello",
    b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello",
    close(None)[:1] + b"\x01\x03",
    close(999),
    close(1004),
    close(1005),
    close(1006),
    close(1015),
    close(2999),
    close(5000),
    text(b"a", fin=False) + text(b"b"),
    text(b"a", fin=False) + binary(b"b", fin=False),
]


@pytest.mark.parametrize("octets", MALFORMED)
@pytest.mark.parametrize("cut", [None, 1])
def test_trap_a_fault_that_wsproto_found_is_no_close_of_the_peer(octets: bytes, cut: int | None) -> None:
    received, error = read(reader(), text(b"good") + octets + text(b"never"), cut)
    assert received == [LinkData(b"good")]
    assert error is not None
    assert error.fault is LinkFault.PROTOCOL_ERROR


def test_trap_a_fault_while_we_are_closing_is_no_close_of_the_peer_either() -> None:
    ws = connections()[0]
    ws.send(CloseConnection(1000))
    received, error = read(MessageReader(ws, any_text=False, limits=SMALL), text(b"late") + frame(3, b"x"))
    assert received == [LinkData(b"late")]
    assert error is not None
    assert error.fault is LinkFault.PROTOCOL_ERROR


def test_a_close_is_read_while_we_are_closing() -> None:
    ws = connections()[0]
    ws.send(CloseConnection(1000))
    assert read(MessageReader(ws, any_text=False, limits=SMALL), close(1000)) == ([PeerClose(1000, "")], None)


def test_a_server_refuses_frames_without_a_mask() -> None:
    assert fault(text(b"x"), server=True) is LinkFault.PROTOCOL_ERROR
    assert fault(ping(), server=True) is LinkFault.PROTOCOL_ERROR


def test_text_that_is_no_utf8_is_a_fault_whole_or_in_fragments() -> None:
    assert fault(text(b"\xff")) is LinkFault.NOT_UTF8
    assert fault(text(b"\xff", fin=False) + frame(0, b"x")) is LinkFault.NOT_UTF8
    assert fault(text(b"\xed\xa0\x80", mask=KEY), server=True) is LinkFault.NOT_UTF8
    assert fault(close(1000, b"\xff")) is LinkFault.NOT_UTF8


def test_the_error_says_what_to_set_where_rabbitmq_is_to_blame() -> None:
    _, error = read(reader(), text(b"\xff"))
    assert "web_stomp.ws_frame = binary" in str(error)


def test_any_text_is_delivered_where_that_is_wanted_whole_or_in_fragments() -> None:
    octets = text(b"a\xff") + text(b"\xfe", fin=False) + frame(0, b"b")
    assert read(reader(any_text=True), octets) == ([LinkData(b"a\xff"), LinkData(b"\xfeb")], None)


def test_threat_6_one_fragment_more_than_allowed_is_a_fault() -> None:
    limits = Limits()
    octets = text(b"", fin=False) + frame(0, b"", fin=False) * (limits.max_message_fragments - 2)
    assert read(reader(limits=limits), octets + frame(0, b"x")) == ([LinkData(b"x")], None)
    assert fault(octets + frame(0, b"", fin=False) * 2, limits=limits) is LinkFault.LIMIT


def test_threat_6_a_million_empty_fragments_are_never_held() -> None:
    tiny = reader(limits=Limits())
    tracemalloc.start()
    try:
        _, error = read(tiny, text(b"", fin=False) + frame(0, b"", fin=False) * 1_000_000, 65536)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error is not None
    assert error.fault is LinkFault.LIMIT
    assert peak < 4 << 20  # the octets of the attack themselves have 2 MB


@pytest.mark.parametrize(
    "octets",
    [
        text(b"", announced=41_961),
        binary(b"", announced=1 << 62),
        text(b"x" * 40_000, fin=False) + frame(0, announced=1_961),
        text(b"x" * 40_000, fin=False) + frame(0, announced=1_961, fin=False),
    ],
)
def test_an_announced_size_meets_its_limit_before_its_payload(octets: bytes) -> None:
    assert fault(octets) is LinkFault.LIMIT


def test_limits_count_each_message_anew() -> None:
    one = text(b"x" * 30_000, fin=False) + frame(0, b"y" * 10_000)
    assert read(reader(), one * 3) == ([LinkData(b"x" * 30_000 + b"y" * 10_000)] * 3, None)


def test_threat_5_a_deflated_frame_is_refused_at_its_header_with_nothing_inflated() -> None:
    bomb = frame(2, b"\0" * 500_000, reserved=4, announced=500_000)
    tracemalloc.start()
    try:
        _, error = read(reader(limits=Limits()), bomb, 65536)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error is not None
    assert error.fault is LinkFault.PROTOCOL_ERROR
    assert peak < 2 << 20


def test_tells_whether_the_peer_is_inside_something() -> None:
    for octets, inside in (
        (b"", False),
        (text(b"x"), False),
        (ping(), False),
        (b"\x81", True),
        (text(b"x", announced=2), True),
        (text(b"x", fin=False), True),
        (text(b"x", fin=False) + ping(), True),
        (text(b"x", fin=False) + frame(0), False),
    ):
        one = reader()
        read(one, octets)
        assert one.incomplete is inside


payloads = st.sampled_from([b"", b"a", b"\xc3\xa9", b"\xff", b"x" * 125, b"x" * 126, b"y" * 70_000])
masks = st.sampled_from([None, KEY])
frames = st.one_of(
    st.builds(text, payloads, fin=st.booleans(), mask=masks),
    st.builds(binary, payloads, fin=st.booleans(), mask=masks),
    st.builds(
        lambda payload, fin, mask: frame(0, payload, fin=fin, mask=mask), payloads, st.booleans(), masks
    ),
    st.builds(ping, st.sampled_from([b"", b"p"]), mask=masks),
    st.builds(pong, st.just(b""), mask=masks),
    st.builds(close, st.sampled_from([None, 1000, 1005, 4000]), mask=masks),
    st.binary(min_size=1, max_size=4),
)


@given(st.lists(frames, max_size=6), st.integers(min_value=1, max_value=300), st.booleans(), st.booleans())
def test_any_cut_gives_the_same_messages_and_the_same_fault(
    parts: list[bytes], cut: int, server: bool, any_text: bool
) -> None:
    octets = b"".join(parts)
    whole = read(reader(server=server, any_text=any_text), octets)
    pieces = read(reader(server=server, any_text=any_text), octets, cut)
    assert pieces[0] == whole[0]
    assert str(pieces[1]) == str(whole[1])


@given(st.lists(frames, max_size=6), st.booleans())
def test_reads_what_wsproto_reads_alone(parts: list[bytes], server: bool) -> None:
    octets = b"".join(parts)
    ws = connections()[server]
    ws.receive_data(octets)
    messages: list[bytes] = []
    pieces: list[bytes] = []
    ended = False
    for event in ws.events():
        if isinstance(event, Message):
            pieces.append(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
            if event.message_finished:
                messages.append(b"".join(pieces))
                pieces.clear()
        ended = ended or isinstance(event, CloseConnection)
    one = reader(server=server, limits=Limits())
    received, error = read(one, octets)
    assert [message.data for message in received if isinstance(message, LinkData)] == [
        message for message in messages if message
    ]
    if error is not None and error.fault is LinkFault.LIMIT:
        return  # wsproto has none, and waits for more
    if error is not None or any(isinstance(message, PeerClose) for message in received):
        assert ended
    elif ended:
        # wsproto judges text octet by octet, this library once the message is whole.
        assert one.incomplete
