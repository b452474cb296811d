"""The life of one WebSocket: hand-shake, messages, close and every other end, against frames written by hand,
wsproto and the sans-I/O halves of `websockets`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto import events as wsproto_events

from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.layer import Layer
from stomp_sansio.links.link import LinkClosed, LinkData, LinkOpened, Phase
from stomp_sansio.links.origin import OriginPolicy
from stomp_sansio.links.websocket_layer import WebSocketLayer
from stomp_sansio.protocol.limits import Limits
from tests.links.websocket_help import (
    KEY,
    LayerDriver,
    binary,
    client_driver,
    close,
    exchange,
    frame,
    ping,
    pong,
    request,
    response,
    server_driver,
    text,
    unframed,
)


def pair(**options) -> tuple[LayerDriver, LayerDriver]:
    client = LayerDriver(WebSocketLayer.client(host="example.com", target="/ws", **options))
    return client, LayerDriver(WebSocketLayer.server())


def test_is_a_layer() -> None:
    layer: Layer = WebSocketLayer.client(host="h", target="/")
    assert layer.carries(b"\xff\0")
    layer.pause_reading(0.0)
    layer.resume_reading(0.0)
    assert layer.next_event() is None
    assert layer.next_deadline() is None


# Opening


@pytest.mark.parametrize("cut", [None, 1, 7])
def test_a_client_and_a_server_open_talk_and_close(cut: int | None) -> None:
    client, server = pair()
    exchange(client, server, cut)
    assert client.take() == server.take() == [LinkOpened("websocket", "v12.stomp")]
    client.layer.send("grüß\0".encode(), 0.0)
    server.layer.send(b"\xff\xfe", 0.0)
    exchange(client, server, cut)
    assert (client.messages, server.messages) == ([b"\xff\xfe"], ["grüß\0".encode()])
    client.close()
    exchange(client, server, cut)
    assert client.closed == LinkClosed(
        True, Phase.OPEN, "Both sides closed the WebSocket, code 1000", code=1000
    )
    assert server.closed == LinkClosed(
        True, Phase.OPEN, "The peer closed the WebSocket, code 1000", code=1000
    )


def test_a_peer_that_takes_no_message_so_large_is_told_with_what_to_do():
    driver = client_driver()
    driver.feed(close(1009, b"too big"))
    assert driver.closed.reason == (
        "The peer closed the WebSocket, code 1009: 'too big'; pass split_above= to send in smaller messages"
    )


def test_messages_may_follow_the_hand_shake_in_the_same_read() -> None:
    client = LayerDriver(WebSocketLayer.client(host="example.com", target="/ws"))
    client.feed(response(client.written()) + text(b"a") + text(b"b"))
    assert client.events == [LinkOpened("websocket"), LinkData(b"a"), LinkData(b"b")]


def test_the_request_is_known_once_it_is_open() -> None:
    server = LayerDriver(layer := WebSocketLayer.server(origins=OriginPolicy(["https://a.example"])))
    assert layer.request is None
    server.feed(request("Origin: https://a.example"))
    assert layer.request is not None
    assert layer.request.origin == "https://a.example"


def test_threat_10_a_page_of_another_origin_is_answered_403() -> None:
    server = LayerDriver(WebSocketLayer.server())
    server.feed(request("Origin: https://evil.example"))
    assert server.written().startswith(b"HTTP/1.1 403 ")
    assert (server.closed.status, server.closed.phase) == (403, Phase.UPGRADE)


def test_a_refused_upgrade_is_the_end() -> None:
    client, _ = pair()
    client.feed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nNope")
    assert client.closed.status == 404
    assert client.closed.error is not None
    assert client.closed.error.fault is LinkFault.HTTP_STATUS
    assert not client.closed.clean
    client.feed(b"more")
    client.eof()
    assert len(client.events) == 1


def test_slow_upgrade_requests_end_at_a_deadline() -> None:
    server = LayerDriver(WebSocketLayer.server(handshake_timeout=10.0))
    for octet in request()[:10]:
        server.feed(bytes([octet]))
        server.advance(0.9)
    assert server.events == []
    server.advance(1.0)
    assert server.closed == LinkClosed(False, Phase.UPGRADE, "The hand-shake was not done within 10 s")
    assert server.layer.next_deadline() is None


def test_a_client_has_a_deadline_for_the_hand_shake_only_where_it_is_given_one() -> None:
    assert LayerDriver(WebSocketLayer.client(host="h", target="/")).layer.next_deadline() is None
    client = LayerDriver(WebSocketLayer.client(host="h", target="/", handshake_timeout=3.0))
    assert client.layer.next_deadline() == 3.0
    client.feed(response(client.written()))
    assert client.layer.next_deadline() is None


def test_a_timeout_that_comes_early_or_late_does_no_harm() -> None:
    server = server_driver()
    server.layer.handle_timeout(99.0)
    server.drain()
    assert server.events == []


@pytest.mark.parametrize("split_above", [-1, 0, 3])
def test_too_small_pieces_are_refused(split_above: int) -> None:
    with pytest.raises(ValueError, match="at least 4"):
        WebSocketLayer.client(host="h", target="/", split_above=split_above)


# The end of the stream, anywhere


def test_trap_the_end_of_the_stream_at_every_octet_of_the_hand_shake_tells_its_cause() -> None:
    probe = LayerDriver(WebSocketLayer.client(host="example.com", target="/ws"))
    length = len(response(probe.written()))
    for offset in range(length):
        client = LayerDriver(WebSocketLayer.client(host="example.com", target="/ws"))
        client.feed(response(client.written())[:offset])
        client.eof()
        assert client.closed.phase is Phase.UPGRADE
        assert client.closed.error is not None
        assert client.closed.error.fault is (LinkFault.TRUNCATED if offset else LinkFault.CLOSED_ABNORMALLY)
        assert len(client.events) == 1
    for offset in range(len(request())):
        server = LayerDriver(WebSocketLayer.server())
        server.feed(request()[:offset])
        server.eof()
        assert server.closed.phase is Phase.UPGRADE
        assert server.written() == b""


def test_the_end_of_the_stream_without_a_close_is_not_clean() -> None:
    client = client_driver()
    client.feed(text(b"last"))
    client.eof()
    assert client.messages == [b"last"]
    assert (client.closed.clean, client.closed.code) == (False, 1006)
    assert client.closed.error is not None
    assert client.closed.error.fault is LinkFault.CLOSED_ABNORMALLY


def test_the_end_of_the_stream_inside_a_message_delivers_nothing_of_it() -> None:
    whole = text(b"abc", fin=False) + ping() + frame(0, b"def")
    boundary = 0
    for offset in range(1, len(whole)):
        client = client_driver()
        client.feed(whole[:offset])
        client.eof()
        assert client.messages == []
        assert client.closed.error is not None
        assert client.closed.error.fault is LinkFault.TRUNCATED
        boundary += 1
    assert boundary == len(whole) - 1


def test_trap_the_end_of_the_stream_after_the_close_is_no_second_close() -> None:
    client = client_driver()
    client.feed(close(1000))
    assert client.closed.clean
    client.eof()
    assert len(client.events) == 1


# Closing


def test_our_close_follows_what_was_queued_and_waits_for_the_answer() -> None:
    client = client_driver(close_timeout=5.0)
    client.layer.send(b"last", 0.0)
    client.close()
    client.close()
    octets, last = client.written(), text(b"last", mask=KEY)
    assert octets[: len(last) + 2] == last + b"\x88\x82"  # wsproto masks the Close with a key of its own
    assert len(octets) == len(last) + 8
    assert client.events == []
    client.feed(text(b"late"))
    assert client.messages == [b"late"]
    client.feed(ping())
    assert client.written() == b""
    client.feed(close(1001, b"bye"))
    assert client.closed == LinkClosed(
        True, Phase.OPEN, "Both sides closed the WebSocket, code 1001: 'bye'", code=1001
    )
    assert client.layer.next_deadline() is None


def test_a_peer_that_does_not_answer_our_close_is_given_up() -> None:
    client = client_driver(close_timeout=5.0)
    client.now = 100.0
    client.close()
    assert client.layer.next_deadline() == 105.0
    client.advance(5.0)
    assert (client.closed.clean, client.closed.code, client.closed.error) == (False, 1006, None)
    assert "did not answer the close within 5 s" in client.closed.reason


def test_a_peer_that_ends_the_stream_instead_of_answering_is_not_clean() -> None:
    client = client_driver()
    client.close()
    client.eof()
    assert not client.closed.clean
    assert "without an answer to our close" in client.closed.reason


def test_closing_before_it_is_open_is_the_end_at_once() -> None:
    client, _ = pair()
    client.close()
    assert client.closed == LinkClosed(
        False, Phase.UPGRADE, "This side closed the WebSocket before it had opened"
    )
    client.feed(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    client.close()
    assert len(client.events) == 1


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 1013, 3000, 4999])
def test_the_close_of_the_peer_is_answered_with_its_code(code: int | None) -> None:
    server = server_driver()
    server.feed(close(code, b"" if code is None else b"r", mask=KEY))
    assert server.written() == close(code)
    assert server.closed.clean
    assert server.closed.code == (1005 if code is None else code)


def test_trap_octets_behind_the_close_of_the_peer_are_ignored() -> None:
    server = server_driver()
    server.feed(close(1000, mask=KEY) + text(b"late", mask=KEY) + b"\xff\xff")
    assert server.messages == []
    assert server.closed.clean
    server.feed(b"\xff")
    assert len(server.events) == 1


@pytest.mark.parametrize(
    ("octets", "code", "fault"),
    [
        (frame(3, b"x", mask=KEY), 1002, LinkFault.PROTOCOL_ERROR),
        (text(b"x"), 1002, LinkFault.PROTOCOL_ERROR),
        (text(b"\xff", mask=KEY), 1007, LinkFault.NOT_UTF8),
        (text(b"", mask=KEY, announced=2 << 20), 1009, LinkFault.LIMIT),
        (text(b"", fin=False, mask=KEY) + frame(0, b"", fin=False, mask=KEY) * 1024, 1009, LinkFault.LIMIT),
    ],
)
def test_trap_a_fault_is_answered_with_our_own_close_and_reported_as_a_fault(
    octets: bytes, code: int, fault: LinkFault
) -> None:
    server = server_driver()
    server.feed(text(b"good", mask=KEY) + octets + text(b"bad", mask=KEY))
    assert server.messages == [b"good"]
    ((opcode, payload),) = unframed(server.written())
    assert (opcode, payload[:2]) == (8, code.to_bytes(2, "big"))
    assert server.closed.reason.startswith(payload[2:].decode())
    assert not server.closed.clean
    assert server.closed.code == code
    assert server.closed.error is not None
    assert server.closed.error.fault is fault


def test_a_fault_while_closing_is_reported_and_nothing_more_is_said() -> None:
    server = server_driver()
    server.close()
    assert server.written() == close(1000)
    server.feed(frame(3, mask=KEY))
    assert server.written() == b""
    assert server.closed.error is not None


# Messages


def test_sending_is_refused_before_it_is_open_and_after_it_is_closed() -> None:
    client, _ = pair()
    with pytest.raises(LocalProtocolError) as early:
        client.layer.send(b"x", 0.0)
    assert early.value.misuse is Misuse.NOT_CONNECTED
    client = client_driver()
    client.close()
    with pytest.raises(LocalProtocolError) as late:
        client.layer.send(b"x", 0.0)
    assert late.value.misuse is Misuse.CLOSED


def test_trap_pings_are_answered_and_counted() -> None:
    layer = WebSocketLayer.server()
    server = LayerDriver(layer)
    server.feed(request() + ping(b"1", mask=KEY) + pong(b"x", mask=KEY))
    assert server.written().endswith(pong(b"1"))
    server.feed(ping(b"2", mask=KEY) + ping(b"3", mask=KEY))
    assert layer.unsent == len(pong(b"2"))
    assert server.written() == pong(b"2") + pong(b"3")
    assert layer.pings == 3


def test_octets_leave_in_pieces_of_the_size_asked_for() -> None:
    server = server_driver()
    server.layer.send(b"x" * 1000, 0.0)
    assert server.layer.unsent == 1004
    assert server.written(7) == text(b"x" * 1000)
    assert server.layer.unsent == 0


def test_the_options_reach_reader_and_writer() -> None:
    client = client_driver(binary=True, split_above=4, any_text=True, limits=Limits(max_body=1))
    client.layer.send(b"abcdef", 0.0)
    assert client.written() == binary(b"abcd", mask=KEY) + binary(b"ef", mask=KEY)
    client.feed(text(b"\xff"))
    assert client.messages == [b"\xff"]
    client.feed(text(b"", announced=50_000))
    assert client.closed.code == 1009


chunks = st.lists(st.binary(max_size=300) | st.text(max_size=100).map(str.encode), max_size=6)


@given(chunks, chunks, st.none() | st.integers(1, 50), st.none() | st.integers(4, 40), st.booleans())
def test_what_one_side_says_the_other_hears_at_any_cut(
    ours: list[bytes], theirs: list[bytes], cut: int | None, split_above: int | None, by_wsproto: bool
) -> None:
    client, server = pair(split_above=split_above, masking_key=None if by_wsproto else lambda: KEY)
    exchange(client, server, cut)
    for chunk in ours:
        client.layer.send(chunk, 0.0)
    for chunk in theirs:
        server.layer.send(chunk, 0.0)
    exchange(client, server, cut)
    assert b"".join(server.messages) == b"".join(ours)
    assert client.messages == [chunk for chunk in theirs if chunk]
    server.close()
    exchange(client, server, cut)
    assert client.closed.clean
    assert server.closed.clean


# Against other implementations

PAYLOADS = [b"a", "é".encode(), b"x" * 125, b"x" * 126, b"\xff" * 65535, b"y" * 65536]


def test_a_client_talks_to_the_server_of_wsproto() -> None:
    client = client_of_ours()
    peer = WSConnection(ConnectionType.SERVER)
    peer.receive_data(client.written())
    asked = next(peer.events())
    assert isinstance(asked, wsproto_events.Request)
    assert (asked.host, asked.target) == ("example.com:8080", "/ws?x=1")
    assert asked.subprotocols == ["v12.stomp", "v11.stomp", "v10.stomp"]
    assert asked.extensions == []
    assert (b"authorization", b"Bearer x") in asked.extra_headers
    client.feed(peer.send(wsproto_events.AcceptConnection(subprotocol="v11.stomp")))
    assert client.take() == [LinkOpened("websocket", "v11.stomp")]
    heard: list[bytes] = []
    for payload in PAYLOADS:
        client.layer.send(payload, 0.0)
        client.feed(bytes(peer.send(wsproto_events.BytesMessage(payload))), 1000)
    client.feed(bytes(peer.send(wsproto_events.Ping(b"p"))))
    client.close()
    peer.receive_data(client.written())
    pieces: list[bytes] = []
    for event in peer.events():
        if isinstance(event, wsproto_events.Message):
            pieces.append(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
            if event.message_finished:
                heard.append(b"".join(pieces))
                pieces.clear()
        elif isinstance(event, wsproto_events.CloseConnection):
            client.feed(bytes(peer.send(event.response())))
        else:
            assert event == wsproto_events.Pong(b"p")
    assert heard == client.messages == PAYLOADS
    assert client.closed.clean


def client_of_ours() -> LayerDriver:
    return LayerDriver(
        WebSocketLayer.client(
            host="example.com:8080", target="/ws?x=1", headers=[("Authorization", "Bearer x")]
        )
    )


def test_a_client_talks_to_the_server_of_websockets() -> None:
    client = client_of_ours()
    peer = ServerProtocol(subprotocols=[Subprotocol("v12.stomp")])
    peer.receive_data(client.written())
    (opening,) = peer.events_received()
    assert isinstance(opening, Request)
    assert opening.headers["Authorization"] == "Bearer x"
    peer.send_response(peer.accept(opening))
    client.feed(b"".join(peer.data_to_send()))
    assert client.take() == [LinkOpened("websocket", "v12.stomp")]
    for payload in PAYLOADS:
        client.layer.send(payload, 0.0)
        peer.send_binary(payload)
    peer.send_ping(b"p")
    client.feed(b"".join(peer.data_to_send()), 999)
    peer.receive_data(client.written())
    heard = [event for event in peer.events_received() if isinstance(event, Frame)]
    assert [event.data for event in heard] == [*PAYLOADS, b"p"]
    assert client.messages == PAYLOADS
    client.close()
    peer.receive_data(client.written())
    client.feed(b"".join(peer.data_to_send()))
    assert client.closed.clean
    assert peer.state is State.CLOSING  # it closed, and waits for the end of the stream
    peer.receive_eof()
    assert peer.close_code == 1000


def test_a_server_talks_to_the_client_of_websockets() -> None:
    layer = WebSocketLayer.server()
    server = LayerDriver(layer)
    peer = ClientProtocol(
        parse_uri("ws://example.com/ws"), subprotocols=[Subprotocol("v10.stomp"), Subprotocol("v12.stomp")]
    )
    peer.send_request(peer.connect())
    server.feed(b"".join(peer.data_to_send()), 10)
    assert server.take() == [LinkOpened("websocket", "v12.stomp")]
    peer.receive_data(server.written())
    (answer,) = peer.events_received()
    assert isinstance(answer, Response)
    assert answer.status_code == 101
    assert peer.subprotocol == "v12.stomp"
    for payload in PAYLOADS:
        layer.send(payload, 0.0)
        peer.send_binary(payload, fin=False)
        peer.send_ping(b"")
        peer.send_continuation(payload, fin=True)
    server.feed(b"".join(peer.data_to_send()), 999)
    assert server.messages == [payload * 2 for payload in PAYLOADS]
    assert layer.pings == len(PAYLOADS)
    peer.receive_data(server.written())
    heard = [event.data for event in peer.events_received() if isinstance(event, Frame)]
    assert [octets for octets in heard if octets] == PAYLOADS
    peer.send_close(1001, "bye")
    server.feed(b"".join(peer.data_to_send()))
    assert server.closed.reason == "The peer closed the WebSocket, code 1001: 'bye'"
    peer.receive_data(server.written())
    peer.receive_eof()
    assert peer.state is State.CLOSED
    assert peer.close_code == 1001


def test_a_server_that_offers_compression_back_unasked_is_at_fault() -> None:
    client = client_of_ours()
    client.feed(response(client.written(), "Sec-WebSocket-Extensions: permessage-deflate"))
    assert client.closed.error is not None
    assert client.closed.error.fault is LinkFault.BAD_HANDSHAKE
    assert "though none was offered" in client.closed.reason
