"""SockJS over a WebSocket: frames both ways, the end of a session, silence, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stomp_sansio.errors import InvalidURI, LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.sockjs import SockJSLink
from stomp_sansio.links.sockjs_frames import encode_close, encode_messages
from stomp_sansio.links.sockjs_payload import decode_array, encode_array
from stomp_sansio.links.url import SessionIds, parse_url
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss, TCPAddress, TLSWish
from stomp_sansio.protocol.limits import Limits
from tests.links.driver import MemoryDriver, closing, data_of
from tests.links.websocket_help import KEY, close, ping, response, text, unframed

Driver = MemoryDriver[LinkEvent]
IDS = SessionIds("000", "abcdefgh")
LIMITS = Limits.client()


def stream_ids():
    return (StreamId(number) for number in count(1))


def client(url: str = "http://h/echo", **options) -> tuple[SockJSLink, Driver, StreamId]:
    """A link whose stream has opened."""
    options.setdefault("masking_key", lambda: KEY)
    link = SockJSLink(parse_url(url), IDS, stream_ids=stream_ids(), **options)
    link.start(0.0)
    driver: Driver = MemoryDriver(link)
    stream = driver.wish().stream
    driver.come_up(stream)
    return link, driver, stream


def upgraded(**options) -> tuple[SockJSLink, Driver, StreamId]:
    """A link whose WebSocket is open."""
    link, driver, stream = client(**options)
    driver.feed(stream, response(driver.pull(stream)))
    assert driver.take_events() == []
    return link, driver, stream


def opened(**options) -> tuple[SockJSLink, Driver, StreamId]:
    """A link whose session is open."""
    link, driver, stream = upgraded(**options)
    driver.feed(stream, text(b"o"))
    assert driver.take_events() == [LinkOpened("websocket")]
    return link, driver, stream


def ended(driver: Driver, stream: StreamId) -> LinkClosed:
    """The end of a link that wishes to close its stream."""
    assert driver.close_wish() == CloseStream(stream)
    driver.lose(stream)
    return closing(driver.take_events())


def said(driver: Driver, stream: StreamId) -> list[tuple[int, bytes]]:
    """What a client has written: opcode and payload of each frame, whatever its mask."""
    octets = driver.pull(stream)
    frames: list[tuple[int, bytes]] = []
    while octets:
        start = 2 if octets[1] & 0x7F < 126 else 4
        end = start + 4 + (octets[1] & 0x7F if start == 2 else int.from_bytes(octets[2:4], "big"))
        mask = octets[start : start + 4]
        frames += unframed(octets[:end], mask)
        octets = octets[end:]
    return frames


def test_is_a_link():
    link: Link = SockJSLink(parse_url("http://h"), IDS, stream_ids=stream_ids())
    assert link.carries("ä".encode())
    assert not link.carries("ä".encode()[:1])


def test_the_request_goes_to_the_url_of_the_session():
    link, driver, stream = client("https://user:secret@h/a/?t=1", headers=[("Authorization", "Bearer x")])
    lines = driver.pull(stream).decode().split("\r\n")
    assert lines[0] == "GET /a/000/abcdefgh/websocket?t=1 HTTP/1.1"
    assert "Host: h" in lines
    assert "Authorization: Bearer x" in lines
    assert not any("protocol" in line.lower() for line in lines), "SockJS offers no subprotocol"
    assert not any("secret" in line for line in lines)
    assert not link.finished


def test_the_way_there_may_have_tls_and_another_name():
    link = SockJSLink(parse_url("https://10.0.0.1"), IDS, stream_ids=stream_ids(), server_name="h.example")
    link.start(0.0)
    driver: Driver = MemoryDriver(link)
    wish = driver.wish()
    assert wish.address == TCPAddress("10.0.0.1", 443)
    assert driver.come_up(wish.stream) == TLSWish("h.example")


def test_it_needs_a_web_address():
    with pytest.raises(InvalidURI):
        SockJSLink(parse_url("stomp://h"), IDS, stream_ids=stream_ids())


def test_the_link_opens_with_the_session_not_with_the_websocket():
    link, driver, stream = upgraded()
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.NOT_CONNECTED
    driver.feed(stream, text(b"o"))
    assert driver.take_events() == [LinkOpened("websocket")]


def test_messages_come_as_octets_in_order():
    _, driver, stream = opened()
    driver.feed(
        stream, text(encode_messages([b"a", "ä".encode()])) + text(b'm"c"') + text(b"a[]") + text(b'a[""]')
    )
    assert driver.take_events() == [LinkData("aä".encode()), LinkData(b"c")]


def test_a_chunk_goes_as_one_frame():
    link, driver, stream = opened()
    link.send(b"SEND\n\n\0", 0.0)
    assert link.unsent > 0
    assert said(driver, stream) == [(1, b'["SEND\\n\\n\\u0000"]')]
    assert link.unsent == 0


def test_a_chunk_goes_in_several_frames_where_that_is_wished():
    link, driver, stream = opened(split_above=20)
    link.send("SEND\n\n12345678ä\0".encode(), 0.0)
    frames = said(driver, stream)
    assert len(frames) > 1
    assert {opcode for opcode, _ in frames} == {1}
    assert all(len(frame) <= 20 for _, frame in frames)
    pieces = [piece for _, frame in frames for piece in decode_array(frame, LIMITS)]
    assert b"".join(pieces).decode() == "SEND\n\n12345678ä\0"


def test_frames_that_hold_no_character_are_refused_at_once():
    with pytest.raises(ValueError, match="split_above is 15"):
        client(split_above=15)


def test_a_character_that_two_chunks_share_goes_whole():
    link, driver, stream = opened()
    octets = "ä".encode()
    link.send(octets[:1], 0.0)
    assert said(driver, stream) == []
    link.send(octets[1:], 0.0)
    assert said(driver, stream) == [(1, b'["\\u00e4"]')]


def test_what_is_no_text_is_refused_and_nothing_queued():
    link, driver, stream = opened()
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"\xff", 0.0)
    assert raised.value.misuse is Misuse.NOT_UTF8
    assert said(driver, stream) == []


# Ends


def test_the_server_closes_the_session():
    link, driver, stream = opened()
    driver.feed(stream, text(encode_messages([b"x"])) + text(encode_close(3000, "Go away!")) + text(b"h"))
    assert data_of(driver.take_events()) == b"x"
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", 0.0)
    assert raised.value.misuse is Misuse.CLOSED
    assert said(driver, stream) == [(8, b"\x03\xe8")]
    closed = ended(driver, stream)
    assert (closed.clean, closed.phase, closed.code) == (True, Phase.OPEN, 3000)
    assert "'Go away!'" in closed.reason


def test_a_session_may_be_closed_before_it_opens():
    _, driver, stream = upgraded()
    driver.feed(stream, text(encode_close(2010, "Another connection still open")))
    closed = ended(driver, stream)
    assert (closed.phase, closed.code) == (Phase.UPGRADE, 2010)


def test_a_second_open_means_that_the_session_is_lost():
    _, driver, stream = opened()
    driver.feed(stream, text(b"o"))
    closed = ended(driver, stream)
    assert (closed.clean, closed.code) == (False, 1006)
    assert "lost session" in closed.reason


def test_a_close_without_reason_says_its_code():
    _, driver, stream = opened()
    driver.feed(stream, text(encode_close(1000, "")))
    assert ended(driver, stream).reason.endswith("code 1000")


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"x", LinkFault.BAD_FRAME),
        (b'a["\\ud800"]', LinkFault.BAD_UNICODE),
        (b"a[", LinkFault.BAD_JSON),
        (b"<html>", LinkFault.BAD_FRAME),
    ],
)
def test_a_broken_frame_ends_the_link_with_a_goodbye(frame: bytes, fault: LinkFault):
    _, driver, stream = opened()
    driver.feed(stream, text(encode_messages([b"good"])) + text(frame) + text(encode_messages([b"never"])))
    assert data_of(driver.take_events()) == b"good"
    assert said(driver, stream) == [(8, b"\x03\xea" + b"not SockJS")]
    closed = ended(driver, stream)
    assert (closed.clean, closed.phase) == (False, Phase.OPEN)
    assert closed.error is not None
    assert closed.error.fault is fault


def test_messages_before_the_session_opens_are_a_fault():
    _, driver, stream = upgraded()
    driver.feed(stream, text(b'a["x"]'))
    closed = ended(driver, stream)
    assert closed.phase is Phase.UPGRADE
    assert closed.error is not None
    assert closed.error.fault is LinkFault.UNEXPECTED_FRAME


def test_the_websocket_closes_without_a_word_of_sockjs():
    _, driver, stream = opened()
    driver.feed(stream, close(1001))
    closed = ended(driver, stream)
    assert (closed.clean, closed.phase, closed.code) == (True, Phase.OPEN, 1001)


def test_the_websocket_closes_before_the_session_opens():
    _, driver, stream = upgraded()
    driver.feed(stream, close(1001))
    assert ended(driver, stream).phase is Phase.UPGRADE


def test_an_upgrade_that_is_refused():
    _, driver, stream = client()
    driver.feed(stream, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    closed = ended(driver, stream)
    assert (closed.phase, closed.status) == (Phase.UPGRADE, 404)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(status: int):
    _, driver, stream = client(headers=[("Authorization", "CANARY")])
    driver.feed(stream, b"HTTP/1.1 %d x\r\nLocation: http://evil/?t=CANARY\r\n\r\n" % status)
    closed = ended(driver, stream)
    assert closed.status == status
    assert "CANARY" not in closed.reason


def test_the_end_of_the_stream():
    _, driver, stream = opened()
    driver.eof(stream)
    closed = ended(driver, stream)
    assert closed.clean is False
    assert closed.error is not None
    assert closed.error.fault is LinkFault.CLOSED_ABNORMALLY


def test_closing_shakes_hands_over_the_websocket():
    link, driver, stream = opened()
    link.send(b"last", 0.0)
    link.close(0.0)
    driver.drain()
    assert said(driver, stream) == [(1, b'["last"]'), (8, b"\x03\xe8")]
    assert driver.take_actions() == []
    driver.feed(stream, text(encode_messages([b"late"])) + close(1000))
    closed = ended(driver, stream)
    assert closed.clean


def test_closing_has_a_deadline():
    link, driver, stream = opened(close_timeout=4.0)
    link.close(0.0)
    driver.drain()
    driver.pull(stream)
    driver.advance(3.9)
    assert driver.take_actions() == []
    driver.advance(0.1)
    assert ended(driver, stream).clean is False


def test_closing_before_the_session_opens():
    link, driver, stream = client()
    link.close(0.0)
    driver.drain()
    assert ended(driver, stream).phase is Phase.UPGRADE


# Silence


def test_silence_counts_once_a_beat_was_heard():
    _, driver, stream = opened()
    driver.advance(1000.0)
    driver.feed(stream, text(b"h"))
    driver.advance(50.9)
    assert driver.take_actions() == []
    driver.advance(0.1)
    closed = ended(driver, stream)
    assert (closed.clean, closed.loss) == (False, StreamLoss.TIMEOUT)
    assert "51 s" in closed.reason


def test_pings_are_beats_too():
    _, driver, stream = opened(silence=10.0)
    driver.feed(stream, ping(b"p"))
    assert said(driver, stream) == [(10, b"p")]
    driver.advance(9.0)
    assert driver.take_actions() == []
    driver.feed(stream, b"\x81")
    driver.advance(9.0)
    assert driver.take_actions() == [], "any octet is life"
    driver.advance(1.0)
    assert ended(driver, stream).loss is StreamLoss.TIMEOUT


def test_silence_does_not_count_while_reading_is_paused():
    link, driver, stream = opened(silence=10.0)
    driver.feed(stream, text(b"h"))
    link.pause_reading(driver.now)
    driver.advance(1000.0)
    assert driver.take_actions() == []
    link.resume_reading(driver.now)
    driver.advance(10.0)
    assert ended(driver, stream).loss is StreamLoss.TIMEOUT


def test_silence_does_not_count_while_closing():
    link, driver, stream = opened(silence=1.0, close_timeout=5.0)
    driver.feed(stream, text(b"h"))
    link.close(driver.now)
    driver.drain()
    driver.advance(5.0)
    assert ended(driver, stream).loss is None


# Limits


def test_escapes_may_make_a_frame_larger_than_a_websocket_message_may_be():
    limits = replace(LIMITS, max_body=1)
    _, driver, stream = opened(limits=limits)
    message = b"\x01" * limits.max_message
    frame = encode_messages([message])
    assert len(frame) > limits.max_message
    driver.feed(stream, text(frame))
    assert data_of(driver.take_events()) == message
    driver.feed(stream, text(encode_messages([message + b"x"])))
    closed = ended(driver, stream)
    assert closed.error is not None
    assert closed.error.fault is LinkFault.LIMIT


def test_a_frame_over_its_limit_is_refused_by_its_header():
    limits = replace(LIMITS, max_body=1)
    _, driver, stream = opened(limits=limits)
    driver.feed(stream, text(b"a" * (limits.max_sockjs_frame + 1))[:10])
    closed = ended(driver, stream)
    assert closed.error is not None
    assert closed.error.fault is LinkFault.LIMIT


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1), max_size=5), st.integers(1, 40))
def test_the_cut_never_matters(texts: list[str], cut: int):
    link, driver, stream = opened()
    chunks = [one.encode("utf-8") for one in texts]
    for chunk in chunks:
        link.send(chunk, 0.0)
    assert [decode_array(payload, LIMITS) for _, payload in said(driver, stream)] == [
        (chunk,) for chunk in chunks
    ]
    driver.feed(stream, b"".join(text(b"a" + encode_array([chunk])) for chunk in chunks), cut)
    assert data_of(driver.take_events()) == b"".join(chunks)
