"""ActiveMQ Classic: durable topics, prefetch, expiry, delayed delivery.

Sources: https://activemq.apache.org/components/classic/documentation/stomp and its pages "Delay and Schedule
Message Delivery" and "Message Redelivery and DLQ Handling". This file must not know any other server.
"""

from __future__ import annotations

from typing import Unpack

from .jms import MessageKeywords, connect, said_of_message
from .said import milliseconds, said

__all__ = ["DEAD_LETTERS", "connect", "delete_durable_topic", "durable_topic", "send", "subscribe"]

DEAD_LETTERS = "/queue/ActiveMQ.DLQ"
"""Where refused and expired messages go, unless the server is told otherwise; persistent ones only."""


def durable_topic(name: str) -> dict[str, str]:
    """Return what makes a subscription to a /topic/ outlive its connection; it belongs to the `client-id`.

    Subscribe with `on_exit="leave"`.
    """
    return said({"activemq.subscriptionName": name})


def delete_durable_topic(name: str) -> dict[str, str]:
    """Return what UNSUBSCRIBE must say to end a durable subscription for good."""
    return said({"activemq.subscriptionName": name})


def subscribe(
    *,
    prefetch: int | None = None,
    selector: str | None = None,
    exclusive: bool | None = None,
    no_local: bool | None = None,
    priority: int | None = None,
    retroactive: bool | None = None,
) -> dict[str, str]:
    """Return what SUBSCRIBE can say about delivery.

    `prefetch` is how many messages may await their ACK. `selector` is a condition on headers in JMS's
    language, as "colour = 'red'".
    """
    return said(
        {
            "activemq.prefetchSize": prefetch,
            "selector": selector,
            "activemq.exclusive": exclusive,
            "activemq.noLocal": no_local,
            "activemq.priority": priority,
            "activemq.retroactive": retroactive,
        }
    )


def send(
    *, period: float | None = None, repeat: int | None = None, **message: Unpack[MessageKeywords]
) -> dict[str, str]:
    """Return what SEND can say about a message: see `MessageKeywords`.

    A message with a `delay` comes `repeat` times more, each `period` seconds after the one before.
    """
    return said_of_message(**message) | said(
        {"AMQ_SCHEDULED_PERIOD": milliseconds(period), "AMQ_SCHEDULED_REPEAT": repeat}
    )
