"""What a broker reports to whoever runs it: one class an event, frozen, made for `match`.

Only `LoginAsked` wants an answer; the others are for tools. This file must not know how a broker came to know
them.
"""

from __future__ import annotations

from typing import TypeAlias

from ..links.peers import PeerId, StreamRefused
from ..protocol.events import AckMode, ConnectRequest
from ..protocol.headers import Headers
from ..protocol.versions import Version
from ..records import field, record
from ..redaction import excerpt

__all__ = [
    "BrokerEvent",
    "ClientConnected",
    "ClientGone",
    "LoginAsked",
    "MessageDropped",
    "MessageSent",
    "StreamRefused",
    "Subscribed",
    "Unsubscribed",
]


@record(kw_only=True)
class LoginAsked:
    """A client wants to connect: answer with `Broker.accept` or `Broker.reject`, now or within the open
    timeout.
    """

    peer: PeerId
    request: ConnectRequest
    """Login and passcode; compare them with `logins.Logins`, or in constant time."""
    transport: str
    """How: "tcp", "websocket", "xhr-streaming" or "xhr-polling"."""
    address: str
    """Where it came from, for people."""
    http_headers: tuple[tuple[str, str], ...] = field(default=(), hidden=True)
    """The fields of the HTTP request that opened it, names in lower case: Cookie and Authorization among
    them.
    """


@record(kw_only=True)
class ClientConnected:
    """A client was accepted."""

    peer: PeerId
    session: str
    login: str | None
    vhost: str
    version: Version
    transport: str
    address: str


@record(kw_only=True)
class ClientGone:
    """A client that connected, or tried to, is gone. Its unacknowledged messages wait in their queues
    again.
    """

    peer: PeerId
    clean: bool
    """Whether it said good-bye."""
    reason: str
    """A sentence for people. Never a credential."""


@record(kw_only=True)
class Subscribed:
    """A client has subscribed."""

    peer: PeerId
    id: str | None
    destination: str
    ack: AckMode


@record(kw_only=True)
class Unsubscribed:
    """A client has ended a subscription."""

    peer: PeerId
    id: str | None
    destination: str


@record(kw_only=True)
class MessageSent:
    """A message has come, outside of a transaction or by its COMMIT."""

    peer: PeerId | None
    """Who sent it; None for the program that runs the broker."""
    vhost: str
    destination: str
    message_id: str
    headers: Headers
    """As receivers get them, but for what is theirs alone."""
    body: bytes
    receivers: int
    """How many subscriptions a topic had; 0 for queues, where it waits for one."""

    def __repr__(self) -> str:
        return (
            f"MessageSent(peer={self.peer!r}, vhost={self.vhost!r}, destination={self.destination!r}, "
            f"message_id={self.message_id!r}, headers={self.headers!r}, body={excerpt(self.body)}, "
            f"receivers={self.receivers!r})"
        )


@record(kw_only=True)
class MessageDropped:
    """A message does not reach somebody whom it was meant for."""

    destination: str
    message_id: str
    reason: str
    """A sentence for people."""
    moved_to: str | None = None
    """The queue of dead letters that has it now, if one has."""


BrokerEvent: TypeAlias = (
    LoginAsked
    | ClientConnected
    | ClientGone
    | Subscribed
    | Unsubscribed
    | MessageSent
    | MessageDropped
    | StreamRefused
)
