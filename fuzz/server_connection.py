"""Invariant: whatever a client sends, whatever the caller answers and whenever, a server connection raises
nothing but `LocalProtocolError` for a call, which then changes nothing; it ends once, writes nothing that
breaks a rule, keeps its deadlines, and goes alike however its input is cut.

This file must not know the client's connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from fuzz.connection import HEART_BEAT_LINES, LINES, frame, not_opened
from fuzz.conversation import BODIES, COMMON, HEADERS, NAMES, Operation, Play, play_twice
from stomp_sansio import ConnectRequest, Disconnect, Sender, ServerConnection
from stomp_sansio.protocol.shared_message import SharedMessage

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["check", "strategy"]

OFFERS = (
    *(
        b"accept-version:1.2\n",
        b"accept-version:1.1\n",
        b"",
        b"accept-version:1.0\n",
        b"accept-version:2.0\n",
    ),
    *(b"accept-version:1.0,1.1,1.2\n", b"accept-version:\n", b"accept-version: 1.1 ,x\n"),
)
MODES = (b"", b"ack:client\n", b"ack:client-individual\n", b"ack:auto\n", b"ack:\n")


def check(data: bytes) -> None:
    """Play a server.

    Raises:
        AssertionError: the invariant is broken.
    """
    play_twice(data, Sender.SERVER, ServerConnection, OPENINGS, OPERATIONS)


def server(side: Play) -> ServerConnection:
    return cast("ServerConnection", side.connection)


# What the caller answers


def accept(side: Play) -> None:
    name, headers = side.choices.choose((None, *NAMES)), side.choices.choose(HEADERS)
    side.attempt(lambda: server(side).accept(session=name, server=name, headers=headers))


def refusing(method: Callable[..., None]) -> Operation:
    """Return the step that sends an ERROR by one of the two methods."""

    def step(side: Play) -> None:
        name, body = side.choices.choose(NAMES), side.choices.choose(BODIES)
        headers = side.choices.choose(HEADERS)
        side.attempt(lambda: method(server(side), name, body=body, headers=headers))

    return step


def message(side: Play) -> None:
    subscription, message_id = side.choices.choose((*NAMES, None)), side.choices.choose(NAMES)
    destination, ack = side.choices.choose(NAMES), side.choices.choose((None, None, *NAMES))
    body, headers = side.choices.choose(BODIES), side.choices.choose(HEADERS)
    length = side.choices.octet() & 1 == 0
    side.attempt(
        lambda: server(side).message(
            subscription, message_id, destination, body, ack=ack, headers=headers, content_length=length
        )
    )


def deliver(side: Play) -> None:
    subscription, message_id = side.choices.choose((*NAMES, None)), side.choices.choose(NAMES)
    destination, ack = side.choices.choose(NAMES), side.choices.choose((None, None, *NAMES))
    body, headers = side.choices.choose(BODIES), side.choices.choose(HEADERS)
    own = side.choices.choose(HEADERS)
    side.attempt(
        lambda: server(side).deliver(
            subscription, SharedMessage(destination, message_id, body, headers=headers), ack=ack, headers=own
        )
    )


def grant(side: Play) -> None:
    id, destination = side.choices.choose(NAMES), side.choices.choose(NAMES)
    side.attempt(lambda: server(side).grant_subscription(id, destination))


def receipt(side: Play) -> None:
    name = side.choices.choose(NAMES)
    side.attempt(lambda: server(side).receipt(name))


def last_receipt(side: Play) -> None:
    asked = [event.receipt for event in side.events if isinstance(event, Disconnect) and event.receipt]
    if asked:
        side.attempt(lambda: server(side).receipt(asked[-1]))


# What the client sends


def connect(side: Play) -> None:
    offer, beats = side.choices.choose(OFFERS), side.choices.choose(HEART_BEAT_LINES)
    command = side.choices.choose((b"CONNECT", b"STOMP", b"CONNECT\r"))
    side.receive(b"%b\n%b%b%b\n\0" % (command, offer, beats, side.choices.choose(LINES)))


def subscribe(side: Play) -> None:
    name = side.choices.choose((b"id:s\n", b"id:t\n", b"id:r\n", b"", b"id:\\c\n"))
    mode, receipt = side.choices.choose(MODES), side.choices.choose((b"", b"receipt:r\n"))
    side.receive(b"SUBSCRIBE\ndestination:/q\n%b%b%b\n\0" % (name, mode, receipt))


def opened(version: bytes) -> Operation:
    """Return the opening that has accepted a client of one version already, if it is one of ours."""

    def step(side: Play) -> None:
        offer = b"CONNECT\naccept-version:%b\n%b\n\0" % (version, side.choices.choose(HEART_BEAT_LINES))
        side.receive(offer)
        side.drain()
        if any(isinstance(event, ConnectRequest) for event in side.events):
            side.attempt(lambda: server(side).accept())

    return step


REJECT = refusing(ServerConnection.reject)
ERROR = refusing(ServerConnection.error)

OPENINGS: tuple[Operation, ...] = (opened(b"1.2"), opened(b"1.1"), opened(b"1.0"), not_opened)
OPERATIONS: tuple[Operation, ...] = (
    *COMMON,
    accept,
    REJECT,
    ERROR,
    message,
    message,
    deliver,
    grant,
    receipt,
    last_receipt,
    connect,
    subscribe,
    subscribe,
    frame(b"SEND", b"destination"),
    frame(b"SEND", b"destination", b"transaction", b"receipt"),
    frame(b"SUBSCRIBE", b"destination", b"id", b"ack"),
    frame(b"UNSUBSCRIBE", b"id"),
    frame(b"UNSUBSCRIBE", b"destination"),
    frame(b"ACK", b"id"),
    frame(b"ACK", b"subscription", b"message-id"),
    frame(b"NACK", b"id", b"transaction"),
    frame(b"NACK", b"subscription", b"message-id"),
    frame(b"BEGIN", b"transaction"),
    frame(b"BEGIN", b"transaction", b"receipt"),
    frame(b"COMMIT", b"transaction"),
    frame(b"ABORT", b"transaction"),
    frame(b"DISCONNECT", b"receipt"),
    frame(b"DISCONNECT"),
    frame(b"MESSAGE", b"destination"),
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
