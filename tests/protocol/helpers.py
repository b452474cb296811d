"""What tests of connections share: connections that are connected, what they say, and frames by hand.

This file must not know any test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from stomp_sansio import (
    ClientEvent,
    Closed,
    CloseReason,
    Connection,
    Fault,
    Frame,
    FrameParser,
    LocalProtocolError,
    Message,
    Misuse,
    RemoteProtocolError,
    ServerConnection,
    ServerEvent,
    Version,
)

_EventT = TypeVar("_EventT")


def wire(command: str, *lines: str, body: bytes = b"") -> bytes:
    """Return a frame by hand: nothing is escaped, nothing is checked."""
    return "\n".join([command, *lines, "", ""]).encode() + body + b"\0"


def client(version: Version = Version.V1_2, beats: str = "0,0", *, now: float = 0.0, **options) -> Connection:
    """Return a connection that was just accepted in a version by a server with these heart-beats."""
    connection = Connection(**options)
    connection.connect()
    connection.data_to_send(now)
    connection.receive_data(wire("CONNECTED", f"version:{version.value}", f"heart-beat:{beats}"), now)
    (event,) = client_events(connection)
    assert type(event).__name__ == "Connected"
    return connection


def server(
    version: Version = Version.V1_2, beats: str = "0,0", *, now: float = 0.0, **options
) -> ServerConnection:
    """Return a connection that has just accepted a client of one version with these heart-beats."""
    connection = ServerConnection(**options)
    connection.receive_data(wire("CONNECT", f"accept-version:{version.value}", f"heart-beat:{beats}"), now)
    (event,) = server_events(connection)
    assert type(event).__name__ == "ConnectRequest"
    connection.accept()
    connection.data_to_send(now)
    return connection


def client_events(connection: Connection) -> list[ClientEvent]:
    """Take all events of a client."""
    found: list[ClientEvent] = []
    while (event := connection.next_event()) is not None:
        found.append(event)
    return found


def server_events(connection: ServerConnection) -> list[ServerEvent]:
    """Take all events of a server."""
    found: list[ServerEvent] = []
    while (event := connection.next_event()) is not None:
        found.append(event)
    return found


def tell(connection: Connection, *octets: bytes, now: float = 0.0) -> list[ClientEvent]:
    """Hand octets to a client; take the events."""
    for piece in octets:
        connection.receive_data(piece, now)
    return client_events(connection)


def ask(connection: ServerConnection, *octets: bytes, now: float = 0.0) -> list[ServerEvent]:
    """Hand octets to a server; take the events."""
    for piece in octets:
        connection.receive_data(piece, now)
    return server_events(connection)


def one(events: list[_EventT]) -> _EventT:
    """Return the only event."""
    (event,) = events
    return event


def message(connection: Connection, *lines: str, body: bytes = b"") -> Message:
    """Hand a MESSAGE to a client and return it."""
    event = one(tell(connection, wire("MESSAGE", *lines, body=body)))
    assert isinstance(event, Message)
    return event


def frames(octets: bytes, version: Version | None = Version.V1_2) -> list[Frame]:
    """Read octets that must be whole frames."""
    parser = FrameParser(version)
    parser.receive_data(octets)
    found: list[Frame] = []
    while (frame := parser.next_frame()) is not None:
        found.append(frame)
    assert not parser.pending
    return found


def sent(connection: Connection | ServerConnection, now: float = 0.0) -> list[Frame]:
    """Take what a connection wants to write, as frames."""
    return frames(connection.data_to_send(now), connection.version)


def fault(event: object) -> RemoteProtocolError:
    """Return the error of a `Closed` that blames the peer."""
    assert isinstance(event, Closed)
    assert event.reason is CloseReason.FAULT
    assert not event.clean
    assert isinstance(event.error, RemoteProtocolError)
    assert isinstance(event.error.fault, Fault)
    return event.error


def snapshot(connection: Connection | ServerConnection) -> tuple[object, ...]:
    """Return the answers to every public query, octets that wait included."""
    return (
        connection.state,
        connection.version,
        connection.wants_read,
        connection.wants_close,
        connection.negotiated_heartbeat,
        connection.next_deadline(),
        connection.unsent,
        repr(connection),
    )


def refused(
    connection: Connection | ServerConnection, misuse: Misuse, call: Callable[..., None], *args, **kwargs
) -> str:
    """Make a call that must be refused, with nothing written and nothing changed; return what it says."""
    before = snapshot(connection)
    with pytest.raises(LocalProtocolError) as caught:
        call(*args, **kwargs)
    assert caught.value.misuse is misuse
    assert snapshot(connection) == before
    return str(caught.value)
