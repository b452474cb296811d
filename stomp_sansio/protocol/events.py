"""What a connection reports: one class an event, frozen, made for `match`.

This file must not know how a connection came to know them.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

from ..errors import RemoteProtocolError
from ..records import field, hot_record, record
from ..redaction import REDACTED, excerpt
from .headers import Headers
from .text import decode, decode_json
from .versions import Version

__all__ = [
    "Abort",
    "Ack",
    "AckMode",
    "Begin",
    "ClientEvent",
    "CloseReason",
    "Closed",
    "Commit",
    "ConnectRequest",
    "Connected",
    "Disconnect",
    "Error",
    "Message",
    "Nack",
    "Receipt",
    "Send",
    "ServerEvent",
    "Subscribe",
    "Unsubscribe",
]


class AckMode(Enum):
    """How the messages of a subscription are acknowledged (STOMP 1.2, "SUBSCRIBE ack Header")."""

    AUTO = "auto"
    """Not at all: the server counts a message as delivered once it is sent."""
    CLIENT = "client"
    """Cumulatively: an ACK or NACK covers all earlier messages of its subscription as well (1.1 and 1.2)."""
    CLIENT_INDIVIDUAL = "client-individual"
    """One by one."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        raise ValueError(f"ack is {value!r}: write 'auto', 'client' or 'client-individual'")


class CloseReason(Enum):
    """Why a connection is over."""

    DISCONNECT = "disconnect"
    """By DISCONNECT."""
    EOF = "eof"
    """The peer ended the stream."""
    ERROR = "error"
    """By an ERROR frame of the server."""
    HEARTBEAT_TIMEOUT = "heartbeat-timeout"
    """Nothing was heard for too long."""
    FAULT = "fault"
    """The peer broke a rule; `Closed.error` says which."""


class _Body:
    """What events with a body offer besides its octets."""

    __slots__ = ()

    headers: Headers
    body: bytes

    @property
    def content_type(self) -> str | None:
        """The `content-type` header: a MIME type, perhaps with a charset."""
        return self.headers.get("content-type")

    @property
    def text(self) -> str:
        """The body as text, in the charset that `content-type` names; UTF-8 when it names none.

        Raises:
            NotText: the octets are no text in that charset. The sender is to blame; `body` has them.
        """
        return decode(self.body, self.headers.get("content-type"))

    def json(self) -> Any:
        """Return the value of a JSON body.

        Raises:
            NotText: the octets are no text. The sender is to blame; `body` has them.
            ValueError: the text is no JSON. The sender is to blame.
        """
        return decode_json(self.body, self.headers.get("content-type"))


@record(kw_only=True)
class Connected:
    """The server has accepted the connection: frames may be sent now (STOMP 1.2, "CONNECTED Frame")."""

    version: Version
    """The negotiated version."""
    session: str | None
    """The server's name for this session."""
    server: str | None
    """The server's name and version, for people."""
    heartbeat: tuple[float, float]
    """Seconds: (we send at least every, we expect at least every); 0.0 is never."""
    headers: Headers = field(hidden=True)


@hot_record
class Message(_Body):
    """A message of a subscription (STOMP 1.2, "MESSAGE"). Pass it to `ack` or `nack` if its subscription
    wants that.
    """

    destination: str
    message_id: str
    subscription: str | None
    """The id of the subscription it belongs to; None only in 1.0."""
    ack: str | None
    """The id that an acknowledgement names in 1.2; None when the server wants none."""
    known: bool
    """Whether the subscription is one of ours: a message may still arrive after UNSUBSCRIBE."""
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        return (
            f"Message(destination={self.destination!r}, message_id={self.message_id!r}, "
            f"subscription={self.subscription!r}, ack={self.ack!r}, known={self.known!r}, "
            f"headers={self.headers!r}, body={excerpt(self.body)})"
        )


@record(kw_only=True)
class Receipt:
    """The server has processed the frame that asked for this receipt (STOMP 1.2, "RECEIPT")."""

    receipt_id: str
    known: bool
    """Whether a receipt of this id was awaited."""
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Error(_Body):
    """The server reports an error and ends the connection: `Closed` follows (STOMP 1.2, "ERROR")."""

    message: str | None
    """What the server says, in short."""
    receipt_id: str | None
    """The receipt that the offending frame asked for, if the server says so."""
    headers: Headers
    body: bytes = field(hidden=True)


@record(kw_only=True)
class Closed:
    """The connection is over. Comes last and exactly once. Write what `data_to_send` still has, then close
    the transport.
    """

    clean: bool
    """Whether it ended in order: by DISCONNECT, and by its RECEIPT where one was asked for."""
    reason: CloseReason
    error: RemoteProtocolError | None = None
    """The rule that the peer broke, when `reason` is FAULT."""


ClientEvent: TypeAlias = Connected | Message | Receipt | Error | Closed
"""What a client hears. The union is closed: a `match` over it can be complete."""


@record(kw_only=True)
class ConnectRequest:
    """A client asks for a connection: `accept` or `reject` it (STOMP 1.2, "CONNECT or STOMP Frame")."""

    version: Version
    """The version that `accept` would establish: the highest that both sides speak."""
    host: str | None
    """The virtual host that the client wants; many clients send none."""
    login: str | None
    passcode: str | None = field(hidden=True)
    """Compare it in constant time (`hmac.compare_digest`)."""
    heartbeat: tuple[float, float]
    """Seconds: (the client can send every, the client wants every); 0.0 is never."""
    headers: Headers = field(hidden=True)

    def __repr__(self) -> str:
        passcode = None if self.passcode is None else REDACTED
        return (
            f"ConnectRequest(version={self.version!r}, host={self.host!r}, login={self.login!r}, "
            f"passcode={passcode!r}, heartbeat={self.heartbeat!r})"
        )


@hot_record
class Send(_Body):
    """A client sends a message (STOMP 1.2, "SEND")."""

    destination: str
    transaction: str | None
    """The open transaction that the message waits for, if any."""
    receipt: str | None
    """Answer with `receipt` once the message is processed, if this is not None."""
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        return (
            f"Send(destination={self.destination!r}, transaction={self.transaction!r}, "
            f"receipt={self.receipt!r}, headers={self.headers!r}, body={excerpt(self.body)})"
        )


@record(kw_only=True)
class Subscribe:
    """A client subscribes (STOMP 1.2, "SUBSCRIBE")."""

    id: str | None
    """The client's name for the subscription; may be None only in 1.0."""
    destination: str
    ack: AckMode
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Unsubscribe:
    """A client ends a subscription (STOMP 1.2, "UNSUBSCRIBE")."""

    id: str | None
    """None only in 1.0, where `destination` may name the subscription."""
    destination: str | None
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Ack:
    """A client has consumed messages (STOMP 1.2, "ACK")."""

    subscription: str | None
    message_ids: tuple[str, ...]
    """Every message that this covers, oldest first: several where the subscription acknowledges cumulatively.
    """
    transaction: str | None
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Nack:
    """A client has not consumed messages (STOMP 1.2, "NACK")."""

    subscription: str | None
    message_ids: tuple[str, ...]
    """Every message that this covers, oldest first: several where the subscription acknowledges cumulatively.
    """
    transaction: str | None
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Begin:
    """A client begins a transaction (STOMP 1.2, "BEGIN")."""

    transaction: str
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Commit:
    """A client commits a transaction: what it sent and acknowledged in it takes effect now (STOMP 1.2,
    "COMMIT").
    """

    transaction: str
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Abort:
    """A transaction is rolled back (STOMP 1.2, "ABORT")."""

    transaction: str
    implicit: bool
    """Whether nobody asked: the connection ends while the transaction is open (STOMP 1.2, "BEGIN")."""
    receipt: str | None
    headers: Headers = field(hidden=True)


@record(kw_only=True)
class Disconnect:
    """A client says good-bye: answer with `receipt` if it asked for one. Nothing comes any more (STOMP 1.2,
    "DISCONNECT").
    """

    receipt: str | None
    headers: Headers = field(hidden=True)


ServerEvent: TypeAlias = (
    ConnectRequest
    | Send
    | Subscribe
    | Unsubscribe
    | Ack
    | Nack
    | Begin
    | Commit
    | Abort
    | Disconnect
    | Closed
)
"""What a server hears. The union is closed as well."""
