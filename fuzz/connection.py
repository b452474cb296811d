"""Invariant: whatever a server sends, whatever the caller asks and whenever, a client connection raises
nothing but `LocalProtocolError` for a call, which then changes nothing; it ends once, writes nothing that
breaks a rule, keeps its deadlines, and goes alike however its input is cut.

This file must not know the server's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from fuzz.conversation import BODIES, COMMON, HEADERS, NAMES, WIRE_NAMES, Operation, Play, play_twice
from stomp_sansio import AckMode, Connection, Message, Sender

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["check", "strategy"]

MODES: Sequence[AckMode | str | None] = (
    AckMode.CLIENT,
    "client-individual",
    None,
    "auto",
    "client",
    "individual",
)
LINES = (
    *(b"", b"x:1\n", b"x:1\nx:2\n", b"receipt-id:r\n", b"nocolon\n", b"passcode:p\n", b"content-length:1\n"),
    *(
        b"content-length:0\n",
        b"content-type:text/plain;charset=latin-1\n",
        b":\n",
        b"x:\\t\n",
        b"receipt:\\c\n",
    ),
)
VERSION_LINES = (
    b"version:1.2\n",
    b"version:1.1\n",
    b"version:1.0\n",
    b"",
    b"version:2.0\n",
    b"version:1.2\r\n",
)
HEART_BEAT_LINES = (
    b"",
    b"heart-beat:250,500\n",
    b"heart-beat:0,1000\n",
    b"heart-beat:10000,0\n",
    b"heart-beat:1\n",
)


def check(data: bytes) -> None:
    """Play a client.

    Raises:
        AssertionError: the invariant is broken.
    """
    play_twice(data, Sender.CLIENT, Connection, OPENINGS, OPERATIONS)


def client(side: Play) -> Connection:
    return cast("Connection", side.connection)


# What the caller asks


def connect(side: Play) -> None:
    host, login = side.choices.choose((None, *NAMES)), side.choices.choose((None, *NAMES))
    headers = side.choices.choose(HEADERS)
    side.attempt(lambda: client(side).connect(host=host, login=login, passcode=login, headers=headers))


def asking(method: Callable[..., None], *given: str) -> Operation:
    """Return the step that calls a method with a name, and perhaps with a receipt, a transaction, headers."""

    def step(side: Play) -> None:
        name, extra = side.choices.choose(NAMES), side.choices.octet()
        arguments: dict[str, object] = {}
        if extra & 1:
            arguments["receipt"] = side.choices.choose(NAMES)
        if extra & 2 and "transaction" in given:
            arguments["transaction"] = side.choices.choose(NAMES)
        if extra & 4:
            arguments["headers"] = side.choices.choose(HEADERS)
        if "body" in given:
            arguments["body"] = side.choices.choose(BODIES)
            arguments["content_length"] = not extra & 8
        if "id" in given:
            arguments["id"] = None if extra & 16 else side.choices.choose(NAMES)
            arguments["ack"] = side.choices.choose(MODES)
        side.attempt(lambda: method(client(side), name, **arguments))

    return step


def unsubscribe(side: Play) -> None:
    name, extra = side.choices.choose(NAMES), side.choices.octet()
    receipt = side.choices.choose(NAMES) if extra & 1 else None
    if extra & 2:
        side.attempt(lambda: client(side).unsubscribe(destination=name, receipt=receipt))
    else:
        side.attempt(lambda: client(side).unsubscribe(name, receipt=receipt))


def disconnect(side: Play) -> None:
    receipt = side.choices.choose((None, *NAMES))
    side.attempt(lambda: client(side).disconnect(receipt=receipt))


def acknowledging(method: Callable[..., None]) -> Operation:
    """Return the step that acknowledges one of the messages that came."""

    def step(side: Play) -> None:
        number, extra = side.choices.octet(), side.choices.octet()
        messages = [event for event in side.events if isinstance(event, Message)]
        if not messages:
            return
        message = messages[number % len(messages)]
        arguments: dict[str, object] = {}
        if extra & 1:
            arguments["receipt"] = side.choices.choose(NAMES)
        if extra & 2:
            arguments["transaction"] = side.choices.choose(NAMES)
        side.attempt(lambda: method(client(side), message, **arguments))

    return step


# What the server sends


def frame(command: bytes, *headers: bytes) -> Operation:
    """Return the step that receives a frame with these headers, each of a chosen value, perhaps with more."""

    def step(side: Play) -> None:
        lines = [b"%b:%b\n" % (name, side.choices.choose(WIRE_NAMES)) for name in headers]
        lines.append(side.choices.choose(LINES))
        body = side.choices.choose(BODIES)
        side.receive(b"%b\n%b\n%b\0" % (command, b"".join(lines), body))

    return step


def connected(side: Play) -> None:
    version, beats = side.choices.choose(VERSION_LINES), side.choices.choose(HEART_BEAT_LINES)
    side.receive(b"CONNECTED\n%b%b%b\n\0" % (version, beats, side.choices.choose(LINES)))


def opened(version: bytes) -> Operation:
    """Return the opening that is connected in a version already, if it is one of those offered."""

    def step(side: Play) -> None:
        side.attempt(lambda: client(side).connect())
        side.write(None)
        side.receive(b"CONNECTED\nversion:%b\n%b\n\0" % (version, side.choices.choose(HEART_BEAT_LINES)))
        side.drain()

    return step


def not_opened(side: Play) -> None:
    """Begin with nothing."""


SEND = asking(Connection.send, "transaction", "body")
SUBSCRIBE = asking(Connection.subscribe, "id")
ACK = acknowledging(Connection.ack)
NACK = acknowledging(Connection.nack)
BEGIN = asking(Connection.begin)
COMMIT = asking(Connection.commit)
ABORT = asking(Connection.abort)

OPENINGS: tuple[Operation, ...] = (opened(b"1.2"), opened(b"1.1"), opened(b"1.0"), not_opened)
OPERATIONS: tuple[Operation, ...] = (
    *COMMON,
    *(connect, SEND, SUBSCRIBE, SUBSCRIBE, unsubscribe, ACK, ACK, NACK, BEGIN, COMMIT, ABORT, disconnect),
    connected,
    frame(b"MESSAGE", b"subscription", b"message-id", b"destination", b"ack"),
    frame(b"MESSAGE", b"subscription", b"message-id", b"destination"),
    frame(b"MESSAGE", b"message-id", b"destination"),
    frame(b"RECEIPT", b"receipt-id"),
    frame(b"RECEIPT", b"receipt-id"),
    frame(b"ERROR", b"message", b"receipt-id"),
    frame(b"ERROR"),
    frame(b"SEND", b"destination"),
)


def strategy() -> SearchStrategy[bytes]:
    """Make conversations."""
    from hypothesis import strategies as st

    step = st.tuples(st.integers(0, len(OPERATIONS) - 1), st.binary(max_size=6))
    return st.builds(
        lambda start, steps: start + b"".join(bytes([number]) + rest for number, rest in steps),
        st.binary(min_size=6, max_size=7),
        st.lists(step, max_size=20),
    )
