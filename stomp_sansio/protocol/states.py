"""The conversation as one table: which frame may follow in which state, by who sends it.

The table is blind to roles: both sides go through the same states, one by sending a frame, the other by
receiving it. The pictures in the documentation are made from it. This file must not know octets or the
methods of any role.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

__all__ = ["ENDINGS", "TRANSITIONS", "Ending", "State", "next_state"]


class State(Enum):
    """How far the conversation of a client and a server has come."""

    # A member is one object: its identity says as much as its name, and costs no call of a Python method.
    __hash__ = object.__hash__

    IDLE = "idle"
    """Nothing was said yet: the client must begin."""
    CONNECTING = "connecting"
    """The client has sent CONNECT or STOMP, and the server has not answered."""
    CONNECTED = "connected"
    """The server has sent CONNECTED."""
    DISCONNECTING = "disconnecting"
    """The client has sent DISCONNECT: it only listens, and the server only finishes."""
    CLOSED = "closed"
    """Over, for whatever reason. A connection is never used again."""


class Ending(Enum):
    """What ends a conversation without a frame, in every state but CLOSED."""

    EOF = "end of stream"
    FAULT = "rule broken by the peer"
    SILENCE = "nothing heard for too long"
    FAREWELL = "good-bye complete"


_IDLE, _CONNECTING, _CONNECTED, _DISCONNECTING, _CLOSED = State
_SESSION_FRAMES = ("SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT")

TRANSITIONS: Mapping[tuple[State, str], State] = MappingProxyType(
    {
        (_IDLE, "CONNECT"): _CONNECTING,
        (_IDLE, "STOMP"): _CONNECTING,
        (_CONNECTING, "CONNECTED"): _CONNECTED,
        **{(_CONNECTED, command): _CONNECTED for command in _SESSION_FRAMES},
        (_CONNECTED, "DISCONNECT"): _DISCONNECTING,
        (_CONNECTED, "MESSAGE"): _CONNECTED,
        (_CONNECTED, "RECEIPT"): _CONNECTED,
        # What was on its way when the client said good-bye, and the RECEIPT for that.
        (_DISCONNECTING, "MESSAGE"): _DISCONNECTING,
        (_DISCONNECTING, "RECEIPT"): _DISCONNECTING,
        # STOMP 1.2, "ERROR": the server closes right after it. It may refuse even before it was asked.
        (_IDLE, "ERROR"): _CLOSED,
        (_CONNECTING, "ERROR"): _CLOSED,
        (_CONNECTED, "ERROR"): _CLOSED,
        (_DISCONNECTING, "ERROR"): _CLOSED,
    }
)
"""(state, command) -> the state after it. What is not listed is not allowed."""

ENDINGS: Mapping[Ending, tuple[State, ...]] = MappingProxyType(
    {
        Ending.EOF: (_IDLE, _CONNECTING, _CONNECTED, _DISCONNECTING),
        Ending.FAULT: (_IDLE, _CONNECTING, _CONNECTED, _DISCONNECTING),
        Ending.SILENCE: (_CONNECTED, _DISCONNECTING),
        Ending.FAREWELL: (_DISCONNECTING,),
    }
)
"""What ends a conversation without a frame, and the states in which it can. All of them lead to CLOSED."""


def next_state(state: State, command: str) -> State | None:
    """Return the state after a frame, or None when the frame is not allowed in this state."""
    return TRANSITIONS.get((state, command))
