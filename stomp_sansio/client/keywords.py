"""The keywords that calls share, in every colour: what each means, in one place.

This file must not know what is done with them, nor what the default values are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypedDict

from ..machine import Capture
from ..protocol.events import AckMode, ClientEvent
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.limits import Limits
from ..protocol.versions import Version
from ..session.backoff import Backoff
from ..session.subscription import OnExit, OverflowPolicy

__all__ = [
    "AckKeywords",
    "ConnectKeywords",
    "ContentKeywords",
    "Incoming",
    "Outgoing",
    "SubscribeKeywords",
]

Outgoing: TypeAlias = Callable[[str, Headers], HeaderPairs]
"""Is told the command and the headers of a frame that the application is about to send, in the task that
sends it, and returns headers to add (`()` for none). What it raises, the caller of the method gets, and
nothing is sent.
"""

Incoming: TypeAlias = Callable[[ClientEvent], object]
"""Is told every frame that comes, as its event, before anybody else sees it. It must not wait; what it raises
is logged.
"""


class ConnectKeywords(TypedDict, total=False):
    """What `connect` can be told. All times are seconds."""

    login: str | None
    """Who to be; None says nothing, or what the URL says."""
    passcode: str | None
    """The secret that goes with `login`."""
    vhost: str | None
    """The `host` header of CONNECT, such as "/"; None takes the path of a stomp:// URL, or the host name."""
    connect_headers: HeaderPairs
    """More headers for CONNECT."""
    additional_headers: HeaderPairs
    """More headers for the HTTP requests of WebSocket and SockJS: Authorization, Cookie, Origin."""
    heartbeat: tuple[float, float]
    """(we send at least every, we expect at least every); 0 is never. Both 10 by default."""
    versions: Sequence[Version]
    """The versions of STOMP to offer; all by default."""
    transports: Sequence[str]
    """The transports of SockJS to try, in order: "websocket", "xhr-streaming", "xhr-polling"."""
    server_hostname: str | None
    """The name that certificates must carry, where it is not the URL's host."""
    proxy: str | bool | None
    """An HTTP proxy's URL; True, the default, takes what the environment names; None goes directly."""
    open_timeout: float
    """For one attempt: TCP, TLS, HTTP and CONNECTED together. 10 by default."""
    close_timeout: float
    """For the good-bye: DISCONNECT, its receipt, and the last octets. 10 by default."""
    receipt_timeout: float
    """For a confirmation, and for room in the outbox. 30 by default."""
    reconnect: Backoff | None
    """How long to wait before each new attempt; None ends the session with its first connection."""
    retry_first: bool
    """Whether the first connection is tried again and again too, instead of its failure being raised."""
    should_retry: Callable[[Exception, bool], bool] | None
    """Is told an error and our decision, whether another attempt may help, and decides instead of us."""
    limits: Limits | None
    """How much the server may make us hold."""
    split_above: int | None
    """How many octets a WebSocket message may have, for servers that take no larger ones: a frame goes in
    several then, which the server must put together. None, the default, sends each frame as one.
    """
    max_queue: int
    """How many messages of a subscription may wait to be taken, where it does not say. 64 by default."""
    max_outbox_messages: int
    """How many messages may await their confirmation before `send` waits for room. 10,000 by default."""
    max_outbox_octets: int
    """How many octets these may have. 64 MiB by default."""
    max_unconfirmed: int
    """How many of these may be on their way at a time; the others follow as receipts come. 10,000 by default.
    What is on its way when a connection is lost is sent again and may come twice: this bounds how much that
    is.
    """
    outgoing: Outgoing | None
    """An interceptor of what the application sends: trace context, metrics."""
    incoming: Incoming | None
    """An interceptor of what comes: metrics."""
    capture: Capture | None
    """Where a record of everything that passes goes, line by line; None, the default, keeps none."""


class ContentKeywords(TypedDict, total=False):
    """What a message is made of, beside its destination and body."""

    json: Any
    """A value to send as JSON, in place of a body."""
    content_type: str | None
    """The MIME type; None says nothing for octets, text/plain for text, application/json for JSON."""
    headers: HeaderPairs
    """More headers, in this order."""
    content_length: bool
    """Whether to say the length, as by default; ActiveMQ takes a message without one for text."""


class AckKeywords(TypedDict, total=False):
    """How a message is acknowledged or refused."""

    headers: HeaderPairs
    """More headers for ACK or NACK."""
    receipt: bool
    """Whether to wait until the server has confirmed it; otherwise nobody learns whether it arrived."""


class SubscribeKeywords(TypedDict, total=False):
    """How a subscription is made."""

    ack: AckMode | str
    """ "auto", "client" (an ack covers all earlier messages) or "client-individual"."""
    id: str | None
    """The name of a durable subscription, where the server wants to be told one; made up by default."""
    headers: HeaderPairs
    """More headers for SUBSCRIBE."""
    max_queue: int | None
    """How many messages may wait to be taken before `overflow` applies; None is what `connect` was told."""
    overflow: OverflowPolicy | str
    """ "pause" stops reading, "drop-oldest" drops and counts, "end" ends the subscription."""
    on_exit: OnExit | str
    """ "unsubscribe", or "leave": a durable subscription goes on collecting at the server."""
