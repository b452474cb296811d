"""One link and one connection: octets go back and forth, frames stay whole where messages carry them."""

import itertools

from stomp_sansio import Closed, Connected, Connection, Error, Frame, Message, Receipt, Version, encode
from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.machine import StreamId
from stomp_sansio.session.epoch import Epoch
from stomp_sansio.session.options import Credentials

from .world import HandLink


def make(*, observe=None, heartbeat=(0.0, 0.0)):
    link = HandLink(map(StreamId, itertools.count(1)), Credentials())
    epoch = Epoch(7, link, Connection(heartbeat=heartbeat), lambda fresh: fresh.connect(), observe)
    return epoch, link


def connected(transport="tcp", **options):
    epoch, link = make(**options)
    link.opened(transport)
    link.hear(frame("CONNECTED", {"version": "1.2"}))
    assert isinstance(next_event(epoch), Connected)
    epoch.fill(0.0)
    link.sent.clear()
    link.chunks.clear()
    return epoch, link


def next_event(epoch):
    """Take the next event, as a session does."""
    while (event := epoch.connection.next_event()) is None:
        if not epoch.listen(0.0):
            return None
    if not isinstance(event, Message | Receipt):
        epoch.note(event)
    return event


def frame(command, headers, body=b""):
    return encode(Frame(command, headers, body), Version.V1_2)


def test_connect_is_sent_once_the_link_is_open():
    epoch, link = make()
    epoch.fill(0.0)
    assert next_event(epoch) is None
    assert not epoch.established
    link.opened("websocket")
    assert next_event(epoch) is None
    epoch.fill(0.0)
    assert link.sent.startswith(b"CONNECT\n")
    assert epoch.transport == "websocket"


def test_how_the_server_began_to_speak_is_kept():
    epoch, link = make()
    link.opened()
    for octets in (b"SSH", b"-2.0-Open", b"SSH_9.2p1 Debian-2\r\n", b"more"):
        link.hear(octets)
        next_event(epoch)
    assert epoch.first_octets == b"SSH-2.0-OpenSSH_9.2p"


def test_what_the_server_said_is_kept():
    epoch, link = connected()
    assert epoch.established
    assert epoch.connected is not None
    link.hear(frame("MESSAGE", {"destination": "/a", "message-id": "1", "subscription": "0"}))
    assert isinstance(next_event(epoch), Message)
    link.hear(frame("ERROR", {"message": "no"}))
    assert next_event(epoch) is epoch.error
    assert isinstance(epoch.error, Error)
    assert next_event(epoch) is epoch.closed
    assert isinstance(epoch.closed, Closed)
    assert not epoch.established


def test_receipts_pass():
    epoch, link = connected()
    link.hear(frame("RECEIPT", {"receipt-id": "r"}))
    assert isinstance(next_event(epoch), Receipt)


def test_the_end_of_the_link_is_the_end_of_the_connection():
    epoch, link = connected()
    end = LinkClosed(False, Phase.OPEN, "it broke")
    link.lost(end)
    assert isinstance(next_event(epoch), Closed)
    assert epoch.link_closed is end
    epoch.connection.unsent  # noqa: B018  # a query
    epoch.fill(0.0)
    assert link.sent == b""


def test_plain_streams_are_written_in_large_pieces():
    epoch, link = connected()
    for _ in range(3):
        epoch.connection.send("/a", b"x")
    epoch.fill(0.0)
    assert len(link.chunks) == 1


def test_messages_carry_one_frame_each():
    epoch, link = connected("websocket")
    for _ in range(3):
        epoch.connection.send("/a", b"x")
    epoch.fill(0.0)
    assert len(link.chunks) == 3


def test_who_observes_is_shown_each_frame_on_its_own():
    shown: list[bytes] = []
    epoch, link = connected(observe=shown.append)
    shown.clear()
    for _ in range(2):
        epoch.connection.send("/a", b"x")
    epoch.fill(0.0)
    assert shown == link.chunks
    assert len(shown) == 2


def test_the_link_is_given_no_more_than_its_writer_takes():
    epoch, link = connected()
    link.slow = True
    epoch.connection.send("/a", bytes(300_000))
    epoch.fill(0.0)
    assert 0 < link.unsent < 200_000
    assert epoch.backlog > 300_000
    while octets := link.data_to_send(link.stream, 0.0):
        assert octets
        epoch.fill(0.0)
    assert epoch.backlog == 0


def test_a_link_that_takes_nothing_any_more_is_as_good_as_lost():
    """Its peer has ended the stream, and it has yet to say so."""
    epoch, link = connected()
    link.deaf = True
    epoch.connection.send("/a", b"lost")
    epoch.fill(0.0)
    assert not epoch.established
    link.deaf = False
    epoch.fill(0.0)
    assert link.sent == b""


def test_reading_pauses_once_and_goes_on_once():
    epoch, link = connected()
    for paused in (False, True, True, False, False):
        epoch.pause(0.0, paused)
        assert epoch.paused is paused
    assert link.calls == ["pause", "resume"]
    assert epoch.connection.wants_read


def test_a_plain_stream_carries_the_octets_as_they_are_unless_somebody_looks():
    for observe, transport, direct in (
        (None, "tcp", True),
        (None, "websocket", False),
        (print, "tcp", False),
    ):
        epoch, link = make(observe=observe)
        link.passage = link.stream
        assert epoch.passage is None
        link.opened(transport)
        assert next_event(epoch) is None
        assert epoch.passage is None
        link.hear(frame("CONNECTED", {"version": "1.2"}))
        next_event(epoch)
        assert epoch.passage == (link.stream if direct else None)
        link.passage = None
        assert epoch.passage is None
