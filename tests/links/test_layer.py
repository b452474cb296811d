"""What every layer promises to the floor above, whichever it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stomp_sansio.errors import LocalProtocolError
from stomp_sansio.links.layer import Layer
from stomp_sansio.links.link import LinkClosed, LinkEvent
from stomp_sansio.links.plain import PlainLayer
from stomp_sansio.links.sockjs import SockJSLayer
from stomp_sansio.links.websocket_layer import WebSocketLayer
from stomp_sansio.protocol.limits import Limits


def client() -> WebSocketLayer:
    return WebSocketLayer.client(host="h", target="/")


def server() -> WebSocketLayer:
    return WebSocketLayer.server()


def sockjs() -> SockJSLayer:
    return SockJSLayer(client(), limits=Limits.client())


Make = Callable[[], Layer]
every_layer = pytest.mark.parametrize("make", [PlainLayer, client, server, sockjs])
layer_with_a_handshake = pytest.mark.parametrize("make", [client, server, sockjs])


def events(layer: Layer) -> list[LinkEvent]:
    taken: list[LinkEvent] = []
    while (event := layer.next_event()) is not None:
        taken.append(event)
    return taken


@every_layer
def test_nothing_is_said_before_start(make: Make):
    layer = make()
    assert layer.next_event() is None
    assert layer.unsent == 0
    assert layer.data_to_send(0.0, 100) == b""
    layer.handle_timeout(1e9)
    layer.pause_reading(0.0)
    layer.resume_reading(0.0)
    assert layer.next_event() is None
    assert layer.carries(b"text")


@every_layer
def test_the_end_of_the_stream_is_the_last_event(make: Make):
    layer = make()
    layer.start(0.0)
    layer.receive_eof(0.0)
    said = events(layer)
    assert isinstance(said[-1], LinkClosed)
    assert sum(isinstance(event, LinkClosed) for event in said) == 1


@layer_with_a_handshake
def test_closing_before_the_handshake_is_done_is_the_end_at_once(make: Make):
    layer = make()
    layer.start(0.0)
    layer.close(0.0)
    (closed,) = events(layer)
    assert isinstance(closed, LinkClosed)
    assert not closed.clean


@layer_with_a_handshake
def test_nothing_is_sent_before_the_handshake_is_done(make: Make):
    layer = make()
    layer.start(0.0)
    unsent = layer.unsent
    with pytest.raises(LocalProtocolError):
        layer.send(b"x", 0.0)
    assert layer.unsent == unsent


@every_layer
def test_handing_octets_over_makes_no_event(make: Make):
    layer = make()
    layer.start(0.0)
    events(layer)
    pieces = b""
    while piece := layer.data_to_send(0.0, 7):
        assert len(piece) <= 7
        pieces += piece
    assert layer.unsent == 0
    assert events(layer) == []
