"""A client of the broker: its connection, what it subscribed to, what it owes, how far behind it is.

This file must not know how messages are routed, nor streams.
"""

from __future__ import annotations

from typing import TypeAlias

from ..errors import LocalProtocolError
from ..links.peers import PeerOpened
from ..protocol.events import AckMode, ConnectRequest
from ..protocol.headers import HeaderPairs
from ..protocol.limits import KIB
from ..protocol.server_connection import ServerConnection
from ..protocol.states import State
from ..protocol.versions import Version
from .destinations import Kind
from .entrance import Entrance
from .messages import StoredMessage, reduced
from .options import BrokerOptions
from .queues import Queue
from .transactions import Transaction

__all__ = ["AHEAD", "Delivery", "Peer", "PeerQueue", "Subscription", "TempQueue"]

AHEAD = 64 * KIB
"""Octets that wait for a peer before messages of queues are kept for somebody faster, and before what it
says is left unread: what a writer takes at once.
"""


class Subscription:
    """One subscription of a peer."""

    __slots__ = (
        "ack",
        "active",
        "destination",
        "id",
        "kind",
        "name",
        "peer",
        "prefetch",
        "queue",
        "unsettled",
    )

    def __init__(
        self, peer: Peer, id: str | None, destination: str, kind: Kind, name: str, ack: AckMode, prefetch: int
    ) -> None:
        self.peer = peer
        self.id = id
        self.destination = destination
        self.kind = kind
        self.name = name
        """The destination without its prefix."""
        self.ack = ack
        self.prefetch = prefetch
        self.queue: PeerQueue | None = None
        """Where its messages come from; None for topics."""
        self.unsettled = 0
        """Messages it has that await an acknowledgement."""
        self.active = True
        """Whether it has not ended."""

    @property
    def ready(self) -> bool:
        """Whether it would take one more message from its queue now."""
        peer = self.peer
        if not self.active or not peer.can_hear or peer.backlog >= AHEAD:
            return False
        return self.ack is AckMode.AUTO or (self.unsettled < self.prefetch and not peer.at_limit)


PeerQueue: TypeAlias = Queue[Subscription]


class Delivery:
    """A message of a queue that a peer has, and has not acknowledged."""

    __slots__ = ("message", "subscription")

    def __init__(self, subscription: Subscription, message: StoredMessage) -> None:
        self.subscription = subscription
        self.message = message

    @property
    def queue(self) -> PeerQueue:
        """Where it came from."""
        queue = self.subscription.queue
        assert queue is not None, "topics keep no deliveries"
        return queue


class TempQueue:
    """A queue for replies to one peer."""

    __slots__ = ("queue", "token")

    def __init__(self, queue: PeerQueue, token: str) -> None:
        self.queue = queue
        self.token = token
        """By which others name it."""


class Peer:
    """One client."""

    __slots__ = (
        "_acks",
        "_entrance",
        "_options",
        "address",
        "armed",
        "behind_since",
        "closed",
        "closing",
        "connection",
        "full",
        "gone",
        "http_headers",
        "id",
        "in_flight",
        "listed",
        "lost",
        "mark",
        "moved",
        "open_until",
        "passage",
        "paused",
        "reason",
        "request",
        "slow",
        "subscriptions",
        "temp_queues",
        "text_only",
        "transactions",
        "transport",
        "unread",
        "vhost",
    )

    def __init__(self, opened: PeerOpened, entrance: Entrance, options: BrokerOptions, now: float) -> None:
        self._entrance = entrance
        self._options = options
        self._acks = 0
        self.id = opened.peer
        self.transport = opened.transport
        self.address = opened.address
        self.http_headers = opened.headers
        self.connection = ServerConnection(
            heartbeat=options.heartbeat,
            heartbeat_tolerance=options.heartbeat_tolerance,
            limits=options.limits,
        )
        self.passage = entrance.passage(opened.peer)
        """The stream that its octets pass as they are: its writer takes them from the connection. None where
        a transport is given them.
        """
        self.text_only = not entrance.carries(opened.peer, b"\xff")
        """Whether its transport carries text alone."""
        self.request: ConnectRequest | None = None
        """What it asked for, while that is not answered."""
        self.vhost: str | None = None
        """The name of its virtual host, once it was accepted."""
        self.subscriptions: dict[tuple[str | None, str | None], Subscription] = {}
        """By id, or, without one, by destination."""
        self.in_flight: dict[tuple[str | None, str], Delivery] = {}
        """What awaits an acknowledgement, by subscription and message id."""
        self.transactions: dict[str, Transaction[Delivery]] = {}
        self.temp_queues: dict[str, TempQueue] = {}
        # How it is going
        self.gone = False
        """Whether nothing can be sent to it any more."""
        self.lost = False
        """Whether its transport is gone as well."""
        self.closed = False
        """Whether its connection has ended, and was cleared away."""
        self.closing = False
        """Whether its transport was told to close."""
        self.slow = False
        """Whether it fell too far behind, and is to be dropped."""
        self.reason: str | None = None
        """Why it is gone, where the transport knows."""
        # Reading
        self.listed = False
        """Whether it stands among those whose frames are to be read."""
        self.unread = 0
        """Octets that came since its frames were last read to the end, at most."""
        self.paused = False
        """Whether its transport is not read."""
        # Writing
        self.full = False
        """Whether it was more than `AHEAD` behind when it was last looked at."""
        self.moved = 0
        """Octets given to its transport, or to its writer."""
        self.behind_since: float | None = None
        """Since when the octets up to `mark` wait."""
        self.mark = 0
        # Time
        self.open_until = now + options.open_timeout
        self.armed: float | None = None

    @property
    def backlog(self) -> int:
        """Octets that wait for it."""
        unsent = self.connection.unsent
        return unsent if self.passage is not None else unsent + self._entrance.unsent(self.id)

    @property
    def at_limit(self) -> bool:
        """Whether it may have no more messages without an acknowledgement."""
        return self.connection.unacknowledged >= self._options.limits.max_unacknowledged

    @property
    def can_hear(self) -> bool:
        """Whether it can be sent frames: it was accepted, and has not ended."""
        return not self.gone and self.connection.state in (State.CONNECTED, State.DISCONNECTING)

    def falls_behind(self, message: StoredMessage) -> bool:
        """Tell whether a message would be too much for it, and note that it is slow."""
        size, limit = message.size, self._options.slow_octets
        # Most peers are not behind: their transport had less than this when it was last looked at.
        if not self.full and self.connection.unsent + size + AHEAD <= limit:
            return False
        # One or two large messages are no sign of slowness.
        self.slow = self.can_hear and self.backlog + (size if size < limit // 4 else 0) > limit
        return self.slow

    def deliver(self, subscription: Subscription, message: StoredMessage) -> str | None:
        """Queue a message for it; return why that cannot be, in words, or None."""
        connection, shared = self.connection, message.shared
        if self.text_only and not message.is_text:
            return f"the body is no text, and {self.transport} carries nothing else here"
        ack: str | None = None
        headers: HeaderPairs = ()
        if subscription.ack is not AckMode.AUTO:
            self._acks += 1
            ack = str(self._acks)
            if connection.version is Version.V1_0 and subscription.queue is None:
                # 1.0 acknowledges by message id alone, and two subscriptions may have this message.
                shared = shared.renamed(f"{shared.message_id}-{ack}")
        if message.redelivered:
            headers = (("redelivered", "true"),)
        try:
            connection.deliver(subscription.id, shared, ack=ack, headers=headers)
        except LocalProtocolError:
            version = connection.version or Version.V1_2
            try:
                connection.deliver(subscription.id, reduced(shared, version), ack=ack, headers=headers)
            except LocalProtocolError as error:
                return f"STOMP {version.value} cannot represent it: {error}"
        if ack is not None and not self.can_hear:
            return "it was one too many without an acknowledgement"
        return None

    def confirm(self, receipt: str) -> None:
        """Send a receipt, if it can still hear it."""
        if self.can_hear:
            try:
                self.connection.receipt(receipt)
            except LocalProtocolError as error:
                self.refuse("the receipt id cannot be written back", str(error))

    def refuse(self, message: str, details: str, receipt: str | None = None) -> None:
        """Send ERROR, which ends the connection.

        Raises:
            LocalProtocolError: the message cannot be represented. Nothing has changed.
        """
        if self.gone or self.connection.state is State.CLOSED:
            return
        body, headers = details.encode("utf-8", "replace"), {"content-type": "text/plain"}
        try:
            self.connection.error(message, receipt_id=receipt, body=body, headers=headers)
        except LocalProtocolError:
            # A receipt id that was read cannot always be written.
            self.connection.error(message, body=body, headers=headers)
        self.reason = self.reason or f"{message}: {details}"
