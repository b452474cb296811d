"""Each accepted stream is a peer, by the link of its listener."""

from __future__ import annotations

from itertools import count

import pytest

from stomp_sansio import ClientEvent, Connected, Connection, LocalProtocolError, Misuse
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.events import LoginAsked
from stomp_sansio.links.link import LinkData
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened, StreamRefused
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.url import parse_url
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss, TLSInfo
from tests.broker.world import World

STREAM, PEER = StreamId(7), PeerId(7)


def entrance() -> StreamEntrance:
    return StreamEntrance([PlainLink.accepted, WebSocketLink.accepted])


def opened(made: StreamEntrance) -> StreamEntrance:
    made.stream_accepted(STREAM, 0, "somewhere", 0.0)
    assert events(made) == [PeerOpened(PEER, "tcp", "somewhere", 0)]
    made.changed_streams()
    return made


def events(made: StreamEntrance) -> list[PeerEvent]:
    found: list[PeerEvent] = []
    while (event := made.next_event()) is not None:
        found.append(event)
    return found


def test_it_needs_a_listener() -> None:
    with pytest.raises(ValueError, match="accepts is empty"):
        StreamEntrance([])


def test_octets_go_both_ways() -> None:
    made = opened(entrance())
    made.receive_data(STREAM, b"there", 0.0)
    assert events(made) == [PeerData(PEER, b"there")]
    assert made.changed_streams() == []
    made.send(PEER, b"back", 0.0)
    assert made.unsent(PEER) == 4
    assert made.changed_streams() == [STREAM]
    assert made.changed_streams() == []
    assert made.data_to_send(STREAM, 0.0) == b"back"
    assert made.unsent(PEER) == 0
    assert made.carries(PEER, b"\xff")
    assert made.peer_on(STREAM) == PEER
    assert made.passage(PEER) == STREAM
    assert made.passage(PeerId(8)) is None


def test_reading_stops_and_goes_on() -> None:
    made = opened(entrance())
    made.pause_reading(PEER, 0.0)
    assert not made.wants_read(STREAM)
    made.resume_reading(PEER, 0.0)
    assert made.wants_read(STREAM)
    assert made.changed_streams() == [STREAM]


@pytest.mark.parametrize("abort", [False, True])
def test_a_peer_is_ended(abort: bool) -> None:
    made = opened(entrance())
    (made.abort if abort else made.close)(PEER, 0.0)
    assert made.next_action() == CloseStream(STREAM, abort=abort)
    assert made.next_action() is None
    made.stream_lost(STREAM, StreamLoss.CLOSED, 0.0)
    (closed,) = events(made)
    assert isinstance(closed, PeerClosed)
    assert closed.how.clean is not abort
    assert not made.finished


def test_a_peer_goes_by_itself() -> None:
    made = opened(entrance())
    made.receive_eof(STREAM, 0.0)
    assert made.next_action() == CloseStream(STREAM)
    made.stream_lost(STREAM, StreamLoss.CLOSED, 0.0)
    (closed,) = events(made)
    assert isinstance(closed, PeerClosed)


def test_who_is_gone_is_no_trouble() -> None:
    made = entrance()
    for command in (made.pause_reading, made.resume_reading, made.close, made.abort):
        command(PEER, 0.0)
    assert made.unsent(PEER) == 0
    assert not made.carries(PEER, b"")
    with pytest.raises(LocalProtocolError) as caught:
        made.send(PEER, b"x", 0.0)
    assert caught.value.misuse is Misuse.CLOSED
    assert (made.next_action(), made.next_event()) == (None, None)


def test_a_stream_that_becomes_no_peer_is_refused() -> None:
    made = entrance()
    made.stream_accepted(STREAM, 1, "somewhere", 0.0)
    made.receive_data(STREAM, b"GET / HTTP/1.0\r\n\r\n", 0.0)
    assert isinstance(made.next_action(), CloseStream)
    made.stream_lost(STREAM, StreamLoss.CLOSED, 0.0)
    (refused,) = events(made)
    assert isinstance(refused, StreamRefused)
    assert (refused.address, refused.listener, refused.status) == ("somewhere", 1, 400)


def test_links_have_their_time() -> None:
    made = entrance()
    assert made.next_deadline() is None
    made.stream_accepted(STREAM, 1, "somewhere", 100.0)
    assert made.next_deadline() == 110.0
    made.handle_timeout(109.0)
    assert made.next_action() is None
    made.handle_timeout(110.0)
    assert isinstance(made.next_action(), CloseStream)


def test_after_the_end_nobody_comes_in() -> None:
    made = opened(entrance())
    made.shut_down(0.0)
    assert made.next_action() == CloseStream(STREAM)
    made.stream_accepted(StreamId(8), 0, "late", 0.0)
    assert made.next_action() == CloseStream(StreamId(8), abort=True)
    for stream in (STREAM, StreamId(8)):
        assert not made.finished
        made.stream_lost(stream, StreamLoss.CLOSED, 0.0)
    assert made.finished


def test_nothing_is_opened_and_nothing_left_over() -> None:
    made = entrance()
    for answer in (
        lambda: made.stream_opened(STREAM, 0.0),
        lambda: made.tls_started(STREAM, TLSInfo(), 0.0),
    ):
        with pytest.raises(LocalProtocolError, match="whose wish was this"):
            answer()
    assert not made.wants_run()
    made.run(0.0)


def test_a_broker_on_websockets() -> None:
    """The client's side is a `WebSocketLink`, driven by hand: only STOMP is looked at here."""
    world = World(entrance=entrance())
    link = WebSocketLink(parse_url("ws://localhost/"), stream_ids=iter(map(StreamId, count(1))))
    link.start(0.0)
    client = Connection()
    client.connect()
    mine = StreamId(1)
    link.stream_opened(mine, 0.0)
    world.broker.stream_accepted(mine, 1, "somewhere", 0.0)
    heard: list[ClientEvent] = []
    for _ in range(10):
        if octets := link.data_to_send(mine, 0.0):
            world.broker.receive_data(mine, octets, 0.0)
        while (event := world.broker.next_event()) is not None:
            if isinstance(event, LoginAsked):
                world.broker.accept(event.peer, 0.0)
        if octets := world.broker.data_to_send(mine, 0.0):
            link.receive_data(mine, octets, 0.0)
        while (told := link.next_event()) is not None:
            if isinstance(told, LinkData):
                client.receive_data(told.data, 0.0)
            else:
                link.send(client.data_to_send(0.0), 0.0)
        while (said := client.next_event()) is not None:
            heard.append(said)
    assert [type(event) for event in heard] == [Connected]
