"""A pair hears, whole or in pieces, what its sides say; time passes when a test says so."""

import pytest

from stomp_sansio import (
    Closed,
    CloseReason,
    Connected,
    Connection,
    ConnectRequest,
    Disconnect,
    Error,
    LocalProtocolError,
    Message,
    Receipt,
    Send,
    ServerConnection,
    Subscribe,
    Version,
)
from stomp_sansio.testing import Pair


@pytest.mark.parametrize("piece", [None, 1, 7])
def test_what_one_side_says_the_other_hears(piece):
    pair = Pair(piece=piece)
    assert pair.establish().version is Version.V1_2
    pair.client.subscribe("/queue/a", id="0")
    pair.client.send("/queue/a", b"hello", receipt="r")
    subscribe, send = pair.exchange().server
    assert isinstance(subscribe, Subscribe)
    assert isinstance(send, Send)
    pair.server.message("0", "m", "/queue/a", send.body)
    pair.server.receipt("r")
    message, receipt = pair.exchange().client
    assert isinstance(message, Message)
    assert message.body == b"hello"
    assert isinstance(receipt, Receipt)
    assert pair.exchange() == ([], [])


def test_the_hand_shake_carries_what_it_is_told():
    pair = Pair()
    pair.client.connect(host="h", login="l", passcode="p", headers={"x": "y"})
    (request,) = pair.exchange().server
    assert isinstance(request, ConnectRequest)
    assert (request.host, request.login, request.passcode, request.headers["x"]) == ("h", "l", "p", "y")
    pair.server.reject("not today")
    error, closed = pair.exchange().client
    assert isinstance(error, Error)
    assert isinstance(closed, Closed)


def test_establish_passes_on_who_connects():
    pair = Pair()
    connected = pair.establish(host="v", login="l", passcode="p", headers=[("x", "y")])
    assert isinstance(connected, Connected)


def test_establish_is_for_the_first_time_only():
    pair = Pair()
    pair.establish()
    with pytest.raises(LocalProtocolError):
        pair.establish()


def test_connections_can_be_given():
    pair = Pair(Connection(versions=[Version.V1_1]), ServerConnection(heartbeat=(0, 0)))
    connected = pair.establish()
    assert connected.version is Version.V1_1
    assert connected.heartbeat == (0.0, 0.0)


def test_hearts_beat_as_time_passes():
    pair = Pair(Connection(heartbeat=(1.0, 1.0)), ServerConnection(heartbeat=(1.0, 1.0)))
    pair.establish()
    assert pair.advance(1000.0) == ([], [])
    assert pair.now == 1000.0


def test_time_may_pass_where_nobody_waits_for_anything():
    pair = Pair(Connection(heartbeat=(0, 0)))
    pair.establish()
    pair.client.disconnect()
    heard = pair.advance(5.0)
    assert isinstance(heard.server[0], Disconnect)
    assert pair.now == 5.0


def test_silence_is_noticed_in_time():
    pair = Pair(Connection(heartbeat=(0, 1.0)), ServerConnection(heartbeat=(1.0, 0)))
    pair.establish()
    # A server whose clock does not run: what it would have to say is never asked for.
    pair.server = ServerConnection()
    (closed,) = pair.advance(10.0).client
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.HEARTBEAT_TIMEOUT


def test_a_lost_stream_ends_both_sides():
    pair = Pair()
    pair.establish()
    client, server = pair.lose()
    assert [type(event) for event in client] == [type(event) for event in server] == [Closed]


def test_a_piece_has_at_least_one_octet():
    with pytest.raises(ValueError, match="at least 1 octet"):
        Pair(piece=0)
