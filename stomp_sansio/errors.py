"""Who is to blame, and for what: the closed lists of faults and the exceptions that carry them.

Every error of the library starts here. This file must not know how a rule is checked, nor which layer checks
it.
"""

from __future__ import annotations

from enum import Enum

__all__ = [
    "Fault",
    "InvalidURI",
    "LinkFault",
    "LocalProtocolError",
    "Misuse",
    "NotText",
    "RemoteProtocolError",
    "StompError",
]


class Fault(Enum):
    """A rule of STOMP that the peer broke. The list is closed: a `match` over it can be complete."""

    MALFORMED_COMMAND = "malformed-command"
    """The first line of a frame is no STOMP command, or a NUL or a lone CR stands between frames."""
    UNEXPECTED_COMMAND = "unexpected-command"
    """A STOMP command that this role, this version or this state does not allow."""
    BAD_HEADER = "bad-header"
    """A header line that cannot be one: no colon, an empty name, a NUL, a lone CR, a value out of its range.
    """
    BAD_ESCAPE = "bad-escape"
    """A backslash sequence that the version does not define."""
    NOT_UTF8 = "not-utf8"
    """Header octets that are no UTF-8, sent to a strict parser."""
    BAD_CONTENT_LENGTH = "bad-content-length"
    """A content-length that is not one or more US-ASCII digits."""
    MISSING_NUL = "missing-nul"
    """The octet after a body of announced length is not NUL."""
    MISSING_HEADER = "missing-header"
    """A header that the version requires for the command is absent."""
    BODY_NOT_ALLOWED = "body-not-allowed"
    """A body on a frame other than SEND, MESSAGE and ERROR (1.1 and 1.2)."""
    LIMIT_HEADERS = "limit-headers"
    """More header lines, or a larger header block, than `Limits` allows."""
    LIMIT_LINE = "limit-line"
    """A command or header line longer than `Limits` allows."""
    LIMIT_BODY = "limit-body"
    """A body larger than `Limits` allows, or announced as such."""
    LIMIT_PENDING = "limit-pending"
    """More subscriptions, transactions, unacknowledged messages or unread octets than `Limits` allows."""
    INCOMPLETE_FRAME = "incomplete-frame"
    """The stream ended inside a frame."""
    BAD_HEART_BEAT = "bad-heart-beat"
    """A heart-beat header that is not two numbers."""
    UNSUPPORTED_VERSION = "unsupported-version"
    """The server chose a version that was not offered."""
    NO_COMMON_VERSION = "no-common-version"
    """The client offers no version that this server speaks."""
    DUPLICATE_SUBSCRIPTION = "duplicate-subscription"
    """SUBSCRIBE with an id that is in use."""
    DUPLICATE_TRANSACTION = "duplicate-transaction"
    """BEGIN of a transaction that is open."""
    UNKNOWN_SUBSCRIPTION = "unknown-subscription"
    """UNSUBSCRIBE of something that is not subscribed."""
    UNKNOWN_TRANSACTION = "unknown-transaction"
    """A frame names a transaction that is not open."""
    UNKNOWN_MESSAGE = "unknown-message"
    """ACK or NACK of a message that awaits none."""


class LinkFault(Enum):
    """A rule of the transport under STOMP that the peer broke. The list is closed."""

    BAD_FRAME = "bad-frame"
    """Something that is no SockJS frame."""
    BAD_JSON = "bad-json"
    """A SockJS payload that is no JSON of the right shape."""
    BAD_UNICODE = "bad-unicode"
    """A lone surrogate in a SockJS message: STOMP over SockJS is UTF-8 text."""
    UNEXPECTED_FRAME = "unexpected-frame"
    """A SockJS frame that its place does not allow."""
    TRUNCATED = "truncated"
    """A response or a stream that ended in the middle of something."""
    LIMIT = "limit"
    """Something larger than `Limits` allows."""
    NOT_UTF8 = "not-utf8"
    """Text that is no UTF-8."""
    BAD_URL = "bad-url"
    """An address that cannot be used."""
    BAD_ID = "bad-id"
    """A SockJS server or session id that cannot stand in a path."""
    BAD_INFO = "bad-info"
    """An answer to /info that is no SockJS information."""
    HTTP_STATUS = "http-status"
    """An HTTP answer whose status refuses the request."""
    BAD_HANDSHAKE = "bad-handshake"
    """A WebSocket upgrade, or a proxy's answer, that broke its protocol."""
    PROTOCOL_ERROR = "protocol-error"
    """WebSocket or HTTP octets that broke their protocol after the hand-shake."""
    CLOSED_ABNORMALLY = "closed-abnormally"
    """The transport ended without its closing hand-shake."""


class Misuse(Enum):
    """A rule that the caller broke. Nothing was written, nothing changed. The list is closed."""

    ALREADY_CONNECTED = "already-connected"
    """It was begun before: an object serves one connection."""
    NOT_CONNECTED = "not-connected"
    """The hand-shake is not done: wait for `Connected`, or for `ConnectRequest`."""
    CLOSED = "closed"
    """The connection is over, or the good-bye is said: make a new one."""
    BAD_HEADER = "bad-header"
    """A header that the version cannot represent, or that a method writes by itself."""
    BAD_CONTENT_LENGTH = "bad-content-length"
    """A content-length that is not that of the body, or none where the body has a NUL."""
    BODY_NOT_ALLOWED = "body-not-allowed"
    """A body on a frame other than SEND, MESSAGE and ERROR."""
    MALFORMED_COMMAND = "malformed-command"
    """A frame whose command STOMP does not have."""
    UNEXPECTED_COMMAND = "unexpected-command"
    """A command that the version does not have."""
    NOT_UTF8 = "not-utf8"
    """Text that cannot be UTF-8, or a body that its transport can only carry as text."""
    DUPLICATE_RECEIPT = "duplicate-receipt"
    """A receipt of this id is awaited already."""
    DUPLICATE_SUBSCRIPTION = "duplicate-subscription"
    """A subscription of this id is open already."""
    DUPLICATE_TRANSACTION = "duplicate-transaction"
    """A transaction of this name is open already."""
    UNKNOWN_SUBSCRIPTION = "unknown-subscription"
    """No subscription of this id, or to this destination, is open."""
    UNKNOWN_TRANSACTION = "unknown-transaction"
    """No transaction of this name is open: begin it first."""
    UNKNOWN_MESSAGE = "unknown-message"
    """The message awaits no acknowledgement: it has had one."""
    NOT_ACKABLE = "not-ackable"
    """The message never wanted an acknowledgement: its subscription is "auto", or it is a reply."""
    UNSUPPORTED_IN_VERSION = "unsupported-in-version"
    """The version has nothing of the kind, as 1.0 has no NACK."""


class StompError(Exception):
    """The base of every error that this library raises on purpose."""


class LocalProtocolError(StompError):
    """The caller asked for something that STOMP does not allow here.

    Nothing was written and no state changed: correct the call and go on with the same object.
    """

    misuse: Misuse
    """Which rule was broken."""

    def __init__(self, misuse: Misuse, message: str) -> None:
        super().__init__(message)
        self.misuse = misuse

    def __reduce__(self) -> tuple[type[LocalProtocolError], tuple[Misuse, str]]:
        return type(self), (self.misuse, str(self))


class RemoteProtocolError(StompError):
    """The peer broke a rule. The stream cannot be trusted any more and ends with this error.

    A parser raises it, and raises the same one again when asked again; a connection reports it inside its
    `Closed` event. The message shows where it happened and what was expected, never a credential.
    """

    fault: Fault | LinkFault
    """Which rule was broken."""

    receipt: str | None
    """The `receipt` header of the offending frame, if its header block had arrived whole."""

    def __init__(self, fault: Fault | LinkFault, message: str, *, receipt: str | None = None) -> None:
        super().__init__(message)
        self.fault = fault
        self.receipt = receipt

    def __reduce__(self) -> tuple[object, tuple[Fault | LinkFault, str, str | None]]:
        return _remote_protocol_error, (self.fault, str(self), self.receipt)


def _remote_protocol_error(
    fault: Fault | LinkFault, message: str, receipt: str | None
) -> RemoteProtocolError:
    return RemoteProtocolError(fault, message, receipt=receipt)


class InvalidURI(StompError, ValueError):
    """An address that cannot be used.

    The message says what is wrong and what to write instead, never a password.
    """

    fault: LinkFault
    """`BAD_URL`, or `BAD_ID` when it is a SockJS server or session id that cannot stand in a path."""

    def __init__(self, message: str, fault: LinkFault = LinkFault.BAD_URL) -> None:
        super().__init__(message)
        self.fault = fault

    def __reduce__(self) -> tuple[type[InvalidURI], tuple[str, LinkFault]]:
        return type(self), (str(self), self.fault)


class NotText(StompError, ValueError):
    """A body was asked for as text, but its octets are none in the charset it names.

    The message itself is whole: read `body`, or decode it with the charset that you know to be right.
    """
