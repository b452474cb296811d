"""The server for tests: it accepts, confirms, and says what a test lets it say."""

import math

from stomp_sansio import (
    Closed,
    Connection,
    ConnectRequest,
    Disconnect,
    Error,
    Receipt,
    Send,
    ServerConnection,
    Subscribe,
)
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss, TLSInfo
from stomp_sansio.testing import Server

STREAM = StreamId(-1)


def served(server, connection, now=0.0):
    """Carry octets both ways until both are quiet; return what the client heard, and what is wished."""
    heard, wishes = [], []
    while (said := connection.data_to_send(now)) + (answer := server.data_to_send(STREAM, now)):
        connection.receive_data(answer, now)
        server.receive_data(STREAM, said, now)
        while (event := connection.next_event()) is not None:
            heard.append(event)
        while (wish := server.next_action()) is not None:
            wishes.append(wish)
    return heard, wishes


def connected(server):
    server.stream_accepted(STREAM, 0, "somebody", 0.0)
    connection = Connection()
    connection.connect()
    served(server, connection)
    return connection


def test_by_itself_it_accepts_and_confirms_everything():
    server = Server()
    connection = connected(server)
    connection.send("/a", b"")
    connection.subscribe("/a", id="0", receipt="s")
    connection.send("/a", b"hello", receipt="r")
    heard, _ = served(server, connection)
    assert [event.receipt_id for event in heard if isinstance(event, Receipt)] == ["s", "r"]
    server.next_event()  # has nothing to tell
    assert not server.wants_run()
    server.run(0.0)


def test_a_test_answers_in_its_place():
    def answer(connection: ServerConnection, event):
        match event:
            case ConnectRequest():
                connection.accept(session="mine")
            case Send():
                connection.message("0", "m", event.destination, event.body)

    server = Server(answer)
    connection = connected(server)
    connection.subscribe("/a", id="0")
    connection.send("/a", b"back")
    (message,), _ = served(server, connection)
    assert message.body == b"back"


def test_connections_are_made_as_a_test_wants_them():
    server = Server(make=lambda: ServerConnection(heartbeat=(0, 0)))
    assert connected(server).negotiated_heartbeat == (0.0, 0.0)
    assert server.next_deadline() is None


def test_a_stream_closes_behind_its_connection():
    server = Server()
    connection = connected(server)
    connection.disconnect(receipt="bye")
    heard, wishes = served(server, connection)
    assert [type(event) for event in heard] == [Receipt, Closed]
    assert wishes == [CloseStream(STREAM)]
    assert server.wants_read(STREAM)
    server.stream_lost(STREAM, StreamLoss.CLOSED, 0.0)
    assert server.connections == {}
    assert server.next_action() is None


def test_what_is_said_by_hand_is_written_too():
    server = Server()
    connection = connected(server)
    server.connections[STREAM].error("enough")
    assert server.changed_streams() == [STREAM]
    assert server.next_action() == CloseStream(STREAM)
    heard, _ = served(server, connection)
    assert [type(event) for event in heard] == [Error, Closed]


def test_the_end_of_a_stream_ends_its_connection():
    events = []

    def answer(connection: ServerConnection, event):
        events.append(event)
        if isinstance(event, ConnectRequest):
            connection.accept()

    for end in ("receive_eof", "stream_lost"):
        server = Server(answer)
        connected(server)
        if end == "receive_eof":
            server.receive_eof(STREAM, 0.0)
        else:
            server.stream_lost(STREAM, StreamLoss.RESET, 0.0)
        assert isinstance(events[-1], Closed)


def test_it_keeps_time_for_all_its_connections():
    server = Server()
    connection = connected(server)
    deadline = server.next_deadline()
    assert deadline is not None
    server.handle_timeout(deadline)
    assert server.data_to_send(STREAM, deadline) == b"\n"
    assert 0 < deadline < math.inf
    connection.disconnect()
    served(server, connection, deadline)


def test_events_of_a_subscription_and_a_farewell_reach_the_test():
    events = []

    def answer(connection: ServerConnection, event):
        events.append(type(event))
        if isinstance(event, ConnectRequest):
            connection.accept()

    server = Server(answer)
    connection = connected(server)
    connection.subscribe("/a", id="0")
    connection.disconnect()
    served(server, connection)
    assert events == [ConnectRequest, Subscribe, Disconnect, Closed]


def test_what_concerns_other_machines_changes_nothing():
    server = Server()
    server.stream_opened(STREAM, 0.0)
    server.tls_started(STREAM, TLSInfo(), 0.0)
    assert server.connections == {}
