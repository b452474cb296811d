"""How much a peer may make us hold: every limit, its default, and why that number.

One frozen object is passed to everything that buffers. This file must not know what is buffered where.
"""

from __future__ import annotations

from ..records import names_of, record

__all__ = ["Limits"]

KIB = 1024
MIB = 1024 * KIB


@record(kw_only=True)
class Limits:
    """Bounds on what a peer can make a connection hold. None of them can be switched off.

    Sizes are in octets. Every limit is checked before the octets it forbids are kept: a line before its end
    has come, an announced body before its first octet. STOMP 1.2, "Size Limits", lets an endpoint set them.
    """

    max_command_line: int = 32
    """Octets of a command line without its EOL. The longest command, UNSUBSCRIBE, has 11."""

    max_line: int = 8 * KIB
    """Octets of a header line without its EOL and before unescaping. HTTP and WebSocket libraries allow 8
    KiB.
    """

    max_headers: int = 128
    """Header lines of a frame, repetitions included: as many as WebSocket libraries allow in a hand-shake."""

    max_header_block: int = 64 * KIB
    """Octets of all header lines of a frame, EOLs included. Five lines of 8 KiB fit."""

    max_body: int = 16 * MIB
    """Octets of a body. Brokers relay messages of this size; a server meant for the open uses
    `Limits.server()`.
    """

    max_subscriptions: int = 1_000
    """Subscriptions that a client may hold open."""

    max_transactions: int = 100
    """Transactions that a client may hold open."""

    max_unacknowledged: int = 10_000
    """Messages delivered and not yet acknowledged, over all subscriptions of a connection. Those of ended
    subscriptions are forgotten first.
    """

    max_message_fragments: int = 1_024
    """Fragments of one WebSocket message: more of them are an attack, whatever their size."""

    max_sockjs_messages: int = 1_000
    """Messages in one SockJS array frame."""

    max_http_headers: int = 128
    """Header fields of an HTTP response or request."""

    max_http_header_block: int = 64 * KIB
    """Octets of the head of an HTTP response or request."""

    max_info_body: int = 4 * KIB
    """Octets of a SockJS /info answer: real ones have about 80."""

    max_streaming_response: int = 128 * KIB
    """Octets of an xhr_streaming response before a server ends it, so that a browser can free it: as
    sockjs-node and Spring.
    """

    def __post_init__(self) -> None:
        for name in names_of(self):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"Limits.{name} is {value!r}: pass a whole number of at least 1")

    @classmethod
    def client(cls) -> Limits:
        """Return the defaults of the client role."""
        return cls()

    @classmethod
    def server(cls) -> Limits:
        """Return the defaults of the server role: bodies of at most 1 MiB, since anybody may send them."""
        return cls(max_body=1 * MIB)

    @property
    def max_message(self) -> int:
        """Octets of one WebSocket message, or of the decoded messages of one SockJS frame: a body and 40 KiB
        for its head.
        """
        return self.max_body + 40 * KIB

    @property
    def max_sockjs_frame(self) -> int:
        """Octets of one SockJS frame as it travels: JSON makes six octets of a control character."""
        return 6 * self.max_message + 4 * KIB

    @property
    def max_unread(self) -> int:
        """Octets that may wait unread behind a frame that is being answered: one frame of the largest size,
        and a chunk.
        """
        return self.max_body + self.max_header_block + 256 * KIB
