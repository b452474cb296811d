"""SockJS over a WebSocket, server side: frames out, arrays in, beats, the close; against the client's layer
too."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.layer import Layer
from stomp_sansio.links.link import LinkClosed, LinkData, LinkOpened, Phase
from stomp_sansio.links.sockjs import SockJSLayer
from stomp_sansio.links.sockjs_server_layer import SockJSServerLayer
from stomp_sansio.links.websocket_layer import WebSocketLayer
from stomp_sansio.protocol.limits import Limits
from tests.links.websocket_help import KEY, LayerDriver, close, exchange, request, text, unframed

LIMITS = Limits(max_body=1, max_sockjs_messages=3)


def layer(**options) -> SockJSServerLayer:
    web = WebSocketLayer.server(subprotocols=(), close_timeout=7.0, handshake_timeout=3.0)
    return SockJSServerLayer(web, limits=LIMITS, **{"beat": 25.0} | options)


def opened() -> LayerDriver:
    driver = LayerDriver(layer())
    driver.feed(request())
    assert driver.take() == [LinkOpened("websocket")]
    assert driver.written().partition(b"\r\n\r\n")[2] == text(b"o")
    return driver


def test_is_a_layer() -> None:
    one: Layer = layer()
    assert one.carries("é".encode())
    assert not one.carries(b"\xff")
    one.pause_reading(0.0)
    one.resume_reading(0.0)


def test_each_chunk_goes_as_one_array() -> None:
    driver = opened()
    driver.layer.send(b"a", 0.0)
    driver.layer.send("é\0".encode(), 0.0)
    driver.layer.send(b"", 0.0)
    assert driver.layer.unsent > 0
    assert driver.written() == text(b'a["a"]') + text(b'a["\\u00e9\\u0000"]')


def test_a_character_that_two_chunks_share_goes_whole() -> None:
    driver = opened()
    driver.layer.send(b"\xc3", 0.0)
    assert driver.written() == b""
    driver.layer.send(b"\xa9", 0.0)
    assert driver.written() == text(b'a["\\u00e9"]')


def test_what_is_no_text_is_refused() -> None:
    driver = opened()
    with pytest.raises(LocalProtocolError) as caught:
        driver.layer.send(b"\xff", 0.0)
    assert caught.value.misuse is Misuse.NOT_UTF8
    assert driver.written() == b""


@pytest.mark.parametrize(
    ("payload", "data"),
    [
        (b'["a"]', b"a"),
        (b'["a","b\\u0000"]', b"ab\0"),
        (b'"alone"', b"alone"),
        (b"[]", b""),
        (b'["",""]', b""),
        (b"", b""),
    ],
)
def test_messages_of_the_client_are_octets_of_the_stream(payload: bytes, data: bytes) -> None:
    driver = opened()
    driver.feed(text(payload, mask=KEY))
    assert driver.events == ([LinkData(data)] if data else [])


@pytest.mark.parametrize(
    ("payload", "code", "fault"),
    [
        (b'["a', 3000, LinkFault.BAD_JSON),
        (b"{}", 3000, LinkFault.BAD_FRAME),
        (b"[1]", 3000, LinkFault.BAD_FRAME),
        (b'["\\ud800"]', 3000, LinkFault.BAD_UNICODE),
        (b'["1","2","3","4"]', 1009, LinkFault.LIMIT),
    ],
)
def test_broken_framing_closes_the_websocket(payload: bytes, code: int, fault: LinkFault) -> None:
    driver = opened()
    driver.feed(text(b'["good"]', mask=KEY) + text(payload, mask=KEY) + text(b'["late"]', mask=KEY))
    assert driver.messages == [b"good"]
    assert (driver.closed.code, driver.closed.clean) == (code, False)
    assert driver.closed.error is not None
    assert driver.closed.error.fault is fault
    ((opcode, reason),) = unframed(driver.written())
    assert (opcode, reason[:2]) == (8, code.to_bytes(2, "big"))


def test_beats_when_nothing_else_goes() -> None:
    driver = opened()
    assert driver.layer.next_deadline() == 25.0
    driver.layer.handle_timeout(24.9)
    driver.advance(20.0)
    driver.layer.send(b"a", driver.now)
    driver.advance(24.0)
    assert driver.written() == text(b'a["a"]')
    driver.advance(1.0)
    assert driver.written() == text(b"h")
    driver.advance(50.0)
    assert driver.written() == text(b"h") * 2


def test_this_side_closes() -> None:
    driver = opened()
    driver.layer.send(b"last", 0.0)
    driver.close()
    driver.close()
    assert driver.written() == text(b'a["last"]') + text(b'c[3000,"Go away!"]') + close(1000)
    with pytest.raises(LocalProtocolError) as caught:
        driver.layer.send(b"x", 0.0)
    assert caught.value.misuse is Misuse.CLOSED
    assert driver.layer.next_deadline() == 7.0
    driver.feed(close(1000, mask=KEY))
    assert driver.closed.clean
    assert driver.layer.next_deadline() is None


def test_sending_is_refused_before_the_hand_shake_and_after_the_end() -> None:
    driver = LayerDriver(layer())
    with pytest.raises(LocalProtocolError) as caught:
        driver.layer.send(b"x", 0.0)
    assert caught.value.misuse is Misuse.NOT_CONNECTED
    driver = opened()
    driver.eof()
    with pytest.raises(LocalProtocolError) as caught:
        driver.layer.send(b"x", 0.0)
    assert caught.value.misuse is Misuse.CLOSED


def test_a_client_that_does_not_answer_the_close_is_given_up() -> None:
    driver = opened()
    driver.close()
    driver.advance(7.0)
    assert not driver.closed.clean


def test_the_client_closes_or_vanishes() -> None:
    driver = opened()
    driver.feed(close(1001, mask=KEY))
    assert driver.closed == LinkClosed(
        True, Phase.OPEN, "The peer closed the WebSocket, code 1001", code=1001
    )
    assert driver.written() == close(1001)
    driver = opened()
    driver.eof()
    assert (driver.closed.code, driver.closed.clean) == (1006, False)


def test_closing_or_time_before_the_hand_shake_is_the_end() -> None:
    driver = LayerDriver(layer())
    driver.close()
    assert driver.closed.phase is Phase.UPGRADE
    assert driver.written() == b""
    driver = LayerDriver(layer())
    driver.advance(3.0)
    assert driver.closed.phase is Phase.UPGRADE


@pytest.mark.parametrize("cut", [None, 1, 13])
def test_the_clients_layer_understands(cut: int | None) -> None:
    web = WebSocketLayer.client(host="example.com", target="/stomp/1/2/websocket", subprotocols=())
    client = LayerDriver(SockJSLayer(web, limits=Limits.client()))
    server = LayerDriver(layer())
    exchange(client, server, cut)
    client.layer.send("grüß\0".encode(), 0.0)
    server.layer.send("€ 𝄞".encode(), 0.0)
    exchange(client, server, cut)
    assert client.take() == [LinkOpened("websocket"), LinkData("€ 𝄞".encode())]
    assert server.take() == [LinkOpened("websocket"), LinkData("grüß\0".encode())]
    server.close()
    exchange(client, server, cut)
    assert client.closed.code == 3000
    assert client.closed.clean
