"""The table of states: every frame in every state of both roles, and every ending."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stomp_sansio import (
    Closed,
    CloseReason,
    Connection,
    ConnectRequest,
    Fault,
    Headers,
    Limits,
    LocalProtocolError,
    Message,
    Misuse,
    Receipt,
    Sender,
    ServerConnection,
    State,
    Version,
)
from stomp_sansio.protocol.commands import COMMANDS
from stomp_sansio.protocol.states import ENDINGS, TRANSITIONS, Ending, next_state
from tests.protocol.helpers import (
    ask,
    client,
    client_events,
    fault,
    one,
    server,
    server_events,
    snapshot,
    tell,
    wire,
)

IDLE, CONNECTING, CONNECTED, DISCONNECTING, CLOSED = State

# How to get somewhere: connected ones have a subscription s, a transaction t and a message m to acknowledge.


def client_in(state: State) -> tuple[Connection, Message | None]:
    """Return a client in a state, and the message that awaits its acknowledgement."""
    connection = Connection()
    if state is IDLE:
        return connection, None
    if state is CONNECTING:
        connection.connect()
        connection.data_to_send(0.0)
        return connection, None
    connection = client(beats="1000,1000", heartbeat=(1, 1))
    connection.subscribe("/q", id="s", ack="client")
    connection.begin("t")
    octets = wire("MESSAGE", "subscription:s", "message-id:1", "destination:/q", "ack:m")
    message = one(tell(connection, octets))
    assert isinstance(message, Message)
    if state is DISCONNECTING:
        connection.disconnect(receipt="bye")
    if state is CLOSED:
        connection.disconnect()
        assert isinstance(one(client_events(connection)), Closed)
    connection.data_to_send(0.0)
    return connection, message


def server_in(state: State) -> ServerConnection:
    """Return a server in a state."""
    connection = ServerConnection()
    if state is IDLE:
        return connection
    if state is CONNECTING:
        assert isinstance(one(ask(connection, wire("CONNECT", "accept-version:1.2"))), ConnectRequest)
        return connection
    connection = server(beats="1000,1000", heartbeat=(1, 1), limits=Limits(max_unacknowledged=3))
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"), wire("BEGIN", "transaction:t"))
    connection.message("s", "1", "/q", ack="m")
    if state is DISCONNECTING:
        ask(connection, wire("DISCONNECT", "receipt:bye"))
    if state is CLOSED:
        connection.error("enough")
        server_events(connection)
    connection.data_to_send(0.0)
    return connection


FROM_SERVER = {
    "CONNECTED": wire("CONNECTED", "version:1.2"),
    "MESSAGE": wire("MESSAGE", "subscription:s", "message-id:2", "destination:/q", "ack:n"),
    "RECEIPT": wire("RECEIPT", "receipt-id:r"),
    "ERROR": wire("ERROR", "message:m"),
}
FROM_CLIENT = {
    "CONNECT": wire("CONNECT", "accept-version:1.2"),
    "STOMP": wire("STOMP", "accept-version:1.2"),
    "SEND": wire("SEND", "destination:/q"),
    "SUBSCRIBE": wire("SUBSCRIBE", "id:n", "destination:/q"),
    "UNSUBSCRIBE": wire("UNSUBSCRIBE", "id:s"),
    "ACK": wire("ACK", "id:m"),
    "NACK": wire("NACK", "id:m"),
    "BEGIN": wire("BEGIN", "transaction:n"),
    "COMMIT": wire("COMMIT", "transaction:t"),
    "ABORT": wire("ABORT", "transaction:t"),
    "DISCONNECT": wire("DISCONNECT", "receipt:bye"),
}
EVENTS = {
    "CONNECT": "ConnectRequest",
    "STOMP": "ConnectRequest",
    **{
        command: command.capitalize()
        for command in (*FROM_SERVER, *FROM_CLIENT)
        if command[:4] not in ("CONN", "STOM")
    },
    "CONNECTED": "Connected",
}
SOME_MESSAGE = Message(
    destination="/q",
    message_id="1",
    subscription="s",
    ack="m",
    known=True,
    headers=Headers(),
    body=b"",
)

CLIENT_SAYS: dict[str, Callable[[Connection, Message], None]] = {
    "CONNECT": lambda connection, message: connection.connect(),
    "SEND": lambda connection, message: connection.send("/q"),
    "SUBSCRIBE": lambda connection, message: connection.subscribe("/q", id="n"),
    "UNSUBSCRIBE": lambda connection, message: connection.unsubscribe("s"),
    "ACK": lambda connection, message: connection.ack(message),
    "NACK": lambda connection, message: connection.nack(message),
    "BEGIN": lambda connection, message: connection.begin("n"),
    "COMMIT": lambda connection, message: connection.commit("t"),
    "ABORT": lambda connection, message: connection.abort("t"),
    "DISCONNECT": lambda connection, message: connection.disconnect(receipt="bye"),
}
SERVER_SAYS: dict[str, Callable[[ServerConnection], None]] = {
    "CONNECTED": lambda connection: connection.accept(),
    "MESSAGE": lambda connection: connection.message("s", "2", "/q"),
    "RECEIPT": lambda connection: connection.receipt("r"),
    "ERROR": lambda connection: connection.error("enough"),
}


def misuse_in(state: State, command: str) -> Misuse:
    """Return how a call must be refused that would write a frame which the table does not allow."""
    if state in (DISCONNECTING, CLOSED) and command != "CONNECTED":
        return Misuse.CLOSED
    if command == "CONNECTED":
        return {IDLE: Misuse.NOT_CONNECTED, CLOSED: Misuse.CLOSED}.get(state, Misuse.ALREADY_CONNECTED)
    return Misuse.ALREADY_CONNECTED if command == "CONNECT" else Misuse.NOT_CONNECTED


def test_every_command_is_swept():
    assert {*FROM_SERVER, *FROM_CLIENT} == set(COMMANDS)
    assert {*CLIENT_SAYS, "STOMP"} == set(FROM_CLIENT)
    assert set(SERVER_SAYS) == set(FROM_SERVER)


# Every frame in every state


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("command", list(CLIENT_SAYS))
def test_a_client_says_what_the_table_allows(command: str, state: State):
    connection, message = client_in(state)
    before = snapshot(connection)
    expected = TRANSITIONS.get((state, command))
    if expected is not None:
        CLIENT_SAYS[command](connection, message or SOME_MESSAGE)
        assert connection.state is expected
        assert connection.unsent > 0
        return
    with pytest.raises(LocalProtocolError) as caught:
        CLIENT_SAYS[command](connection, message or SOME_MESSAGE)
    assert caught.value.misuse is misuse_in(state, command)
    assert snapshot(connection) == before


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("command", list(SERVER_SAYS))
def test_a_server_says_what_the_table_allows(command: str, state: State):
    connection = server_in(state)
    before = snapshot(connection)
    expected = TRANSITIONS.get((state, command))
    if expected is not None:
        SERVER_SAYS[command](connection)
        assert connection.state is expected
        assert connection.unsent > 0
        return
    with pytest.raises(LocalProtocolError) as caught:
        SERVER_SAYS[command](connection)
    assert caught.value.misuse is misuse_in(state, command)
    assert snapshot(connection) == before


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_client_hears_what_the_table_allows(command: str, state: State):
    connection, _ = client_in(state)
    events = tell(connection, (FROM_SERVER | FROM_CLIENT)[command])
    expected = TRANSITIONS.get((state, command)) if command in FROM_SERVER else None
    if state is CLOSED:
        assert events == []
    elif expected is not None:
        assert type(events[0]).__name__ == EVENTS[command]
        assert isinstance(events[-1], Closed) == (expected is CLOSED)
        assert connection.state is expected
    else:
        assert fault(one(events)).fault is Fault.UNEXPECTED_COMMAND
        assert connection.state is CLOSED
    assert connection.unsent == 0


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_server_hears_what_the_table_allows(command: str, state: State):
    connection = server_in(state)
    events = ask(connection, (FROM_SERVER | FROM_CLIENT)[command])
    expected = TRANSITIONS.get((state, command)) if command in FROM_CLIENT else None
    if state in (CONNECTING, DISCONNECTING, CLOSED):
        # It waits for the answer, or nobody listens any more.
        assert events == []
        assert connection.state is state
    elif expected is not None:
        assert [
            type(event).__name__ for event in events if type(event).__name__ != "Abort" or command == "ABORT"
        ] == [EVENTS[command]]
        assert connection.state is expected
        assert connection.unsent == 0
    else:
        assert fault(events[-1]).fault is Fault.UNEXPECTED_COMMAND
        assert connection.state is CLOSED
        assert b"ERROR\nmessage:unexpected-command\n" in connection.data_to_send(0.0)


# Every ending in every state


def garbage(connection: Connection | ServerConnection) -> None:
    connection.receive_data(b"nonsense\n", 0.0)
    if isinstance(connection, ServerConnection) and connection.state is DISCONNECTING:
        # What a client says now is not heard: all it can do wrong is to acknowledge nothing.
        for number in range(4):
            if connection.state is DISCONNECTING:
                connection.message("s", f"x{number}", "/q")


def ends_by(ending: Ending, role: Sender, state: State) -> CloseReason | None:
    """Let a conversation end in some way, if it does; return the reason that is reported."""
    connection = client_in(state)[0] if role is Sender.CLIENT else server_in(state)
    if ending is Ending.EOF:
        connection.receive_eof(0.0)
    elif ending is Ending.FAULT:
        garbage(connection)
    elif ending is Ending.SILENCE:
        connection.handle_timeout(1_000.0)
    elif isinstance(connection, Connection):
        connection.receive_data(wire("RECEIPT", "receipt-id:bye") if state is DISCONNECTING else b"", 0.0)
    elif state is DISCONNECTING:
        connection.receipt("bye")
    if isinstance(connection, ServerConnection) and state is CONNECTING and ending is not Ending.FAREWELL:
        assert connection.next_event() is None
        connection.accept()
    reason: CloseReason | None = None
    while (event := connection.next_event()) is not None:
        if isinstance(event, Closed):
            reason = event.reason
    assert (connection.state is CLOSED) == (reason is not None or state is CLOSED)
    return reason


REASONS = {
    Ending.EOF: {CloseReason.EOF, CloseReason.DISCONNECT},
    Ending.FAULT: {CloseReason.FAULT},
    Ending.SILENCE: {CloseReason.HEARTBEAT_TIMEOUT},
    Ending.FAREWELL: {CloseReason.DISCONNECT},
}


@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("state", list(State))
def test_a_conversation_ends_without_a_frame_where_the_table_says_so(ending: Ending, state: State):
    reasons = {ends_by(ending, role, state) for role in Sender} - {None}
    if state in ENDINGS[ending]:
        assert reasons
        assert reasons <= REASONS[ending]
    else:
        assert not reasons


def test_nothing_leads_out_of_closed_and_everything_leads_there():
    assert all(state is not CLOSED for state, _ in TRANSITIONS)
    assert all(CLOSED not in states for states in ENDINGS.values())
    for state in (IDLE, CONNECTING, CONNECTED, DISCONNECTING):
        assert next_state(state, "ERROR") is CLOSED
        assert state in ENDINGS[Ending.EOF]


@pytest.mark.parametrize("state", list(State))
def test_next_state_is_the_table(state: State):
    for command in COMMANDS:
        assert next_state(state, command) is TRANSITIONS.get((state, command))


# Before a connection is accepted a server reports nothing but the request


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ("CONNECT", "STOMP")])
@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_a_frame_before_connect_is_refused_and_one_before_the_answer_waits(command: str, version: str):
    frame = (FROM_SERVER | FROM_CLIENT)[command]
    connection = ServerConnection()
    assert fault(one(ask(connection, frame))).fault is Fault.UNEXPECTED_COMMAND
    connection = ServerConnection()
    events = ask(connection, wire("CONNECT", f"accept-version:{version}") + frame, frame)
    assert [type(event).__name__ for event in events] == ["ConnectRequest"]
    connection.reject("no")
    assert [type(event).__name__ for event in server_events(connection)] == ["Closed"]


@pytest.mark.parametrize("version", list(Version))
def test_a_receipt_is_what_completes_a_good_bye(version: Version):
    connection = client(version)
    connection.disconnect(receipt="bye")
    first, second, last = tell(
        connection, wire("RECEIPT", "receipt-id:other"), wire("RECEIPT", "receipt-id:bye")
    )
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert last == Closed(clean=True, reason=CloseReason.DISCONNECT)
