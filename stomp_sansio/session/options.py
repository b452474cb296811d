"""What a session is told once: where to go, as whom, and how patient to be.

This file must not know how any of it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..links.link import Link
from ..machine import StreamId
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.limits import Limits
from ..protocol.versions import ALL_VERSIONS, Version
from ..records import field, record
from .backoff import Backoff

__all__ = ["Credentials", "SessionOptions", "Target"]


@record
class Credentials:
    """Who to be: asked for before every attempt, where a hook gives them."""

    login: str | None = None
    passcode: str | None = field(default=None, hidden=True)
    connect_headers: HeaderPairs = field(default=(), hidden=True)
    """More headers for CONNECT, such as `authorization`."""
    http_headers: Mapping[str, str] = field(default_factory=dict[str, str], hidden=True)
    """More headers for the HTTP requests of WebSocket and SockJS, in place of those of the same name."""

    def __post_init__(self) -> None:
        # They are said on every connection, and an iterable may give them only once.
        object.__setattr__(self, "connect_headers", Headers(self.connect_headers))


@record
class Target:
    """One server to try."""

    name: str
    """What to call it in messages: its URL without credentials."""
    vhost: str | None
    """The `host` header of CONNECT."""
    make_link: Callable[[Iterator[StreamId], Credentials], Link]
    """Makes a fresh link to it, which takes its stream ids from the iterator."""
    login: str | None = None
    """Who to be at this server alone, where the session has no login."""
    passcode: str | None = field(default=None, hidden=True)
    carries: Callable[[bytes], bool] = lambda body: True
    """Whether every transport to it can carry a body: SockJS carries UTF-8 text only."""


@record(kw_only=True)
class SessionOptions:
    """How a session behaves. All times are seconds."""

    targets: tuple[Target, ...]
    """The servers, in the order of preference; the next one is tried when one fails."""
    credentials: Credentials = Credentials()
    ask_credentials: bool = False
    """Whether to ask for credentials before every attempt (`CredentialsWanted`)."""
    versions: tuple[Version, ...] = ALL_VERSIONS
    heartbeat: tuple[float, float] = (10.0, 10.0)
    limits: Limits = field(default_factory=Limits.client)
    open_timeout: float = 10.0
    """For one attempt: TCP, TLS, HTTP and CONNECTED together."""
    close_timeout: float = 10.0
    """For the good-bye: DISCONNECT and its RECEIPT."""
    receipt_timeout: float = 30.0
    """For a confirmation, and for room in the outbox."""
    reconnect: Backoff | None = field(default_factory=Backoff)
    """None ends the session with its first connection."""
    retry_first: bool = False
    """Whether the very first connection is tried again too, instead of reporting its failure at once."""
    should_retry: Callable[[Exception, bool], bool] | None = None
    """Decides instead of us: gets the error and our decision."""
    max_outbox_messages: int = 10_000
    max_outbox_octets: int = 64 * 1024 * 1024
    max_unconfirmed: int = 10_000
    """Messages that may be written and await their receipts; the others of the outbox wait to be written."""
    max_queue_octets: int = 64 * 1024 * 1024
    """Octets that may wait in all subscriptions together, with some for each message, whatever is awaited."""
    max_backlog: int = 1024 * 1024
    """Octets that may wait to be written before `send` waits."""
