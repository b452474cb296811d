"""A broker in numbers, at one moment.

This file must not know how any of them comes about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..records import record
from .exchange import Exchange
from .peers import Peer

__all__ = ["QueueStatistics", "Statistics", "take_statistics"]


@record(kw_only=True)
class QueueStatistics:
    """One queue."""

    waiting: int
    """Messages that nobody has."""
    octets: int
    """What they cost to keep, about."""
    unacknowledged: int
    """Messages that consumers have, and have not acknowledged."""
    consumers: int


@record(kw_only=True)
class Statistics:
    """What there is, and what has been since the broker began."""

    connections: int
    subscriptions: int
    sent: int
    """Messages that came, those of open transactions aside."""
    delivered: int
    """Messages that went out, counted for each subscription."""
    dropped: int
    """Messages that somebody whom they were meant for did not get."""
    backlog: int
    """Octets that wait to be written, of all clients."""
    queues: Mapping[tuple[str, str], QueueStatistics]
    """By virtual host and destination; temp queues aside."""


def take_statistics(exchange: Exchange, peers: Collection[Peer]) -> Statistics:
    """Look at everything once."""
    return Statistics(
        connections=sum(peer.vhost is not None and not peer.closed for peer in peers),
        subscriptions=sum(len(peer.subscriptions) for peer in peers),
        sent=exchange.sent,
        delivered=exchange.delivered,
        dropped=exchange.dropped,
        backlog=sum(peer.backlog for peer in peers),
        queues={
            (vhost.name, queue.name): QueueStatistics(
                waiting=len(queue),
                octets=queue.octets,
                unacknowledged=queue.unsettled,
                consumers=len(queue.consumers),
            )
            for vhost in exchange.vhosts()
            for queue in vhost.queues.values()
        },
    )
