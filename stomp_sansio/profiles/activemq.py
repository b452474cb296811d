"""ActiveMQ Classic: durable topics, prefetch, expiry, delayed delivery.

Sources: https://activemq.apache.org/components/classic/documentation/stomp and its pages "Delay and Schedule
Message Delivery" and "Message Redelivery and DLQ Handling". This file must not know any other server.
"""

from __future__ import annotations

from .said import milliseconds, said

__all__ = ["DEAD_LETTERS", "connect", "delete_durable_topic", "durable_topic", "send", "subscribe"]

DEAD_LETTERS = "/queue/ActiveMQ.DLQ"
"""Where refused and expired messages go, unless the server is told otherwise; persistent ones only."""


def connect(*, client_id: str) -> dict[str, str]:
    """Return what CONNECT must say for durable topics: a name that no other connection uses at that time."""
    return said({"client-id": client_id})


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
    *,
    persistent: bool | None = None,
    expires_at: float | None = None,
    priority: int | None = None,
    correlation_id: str | None = None,
    reply_to: str | None = None,
    message_type: str | None = None,
    group: str | None = None,
    delay: float | None = None,
    period: float | None = None,
    repeat: int | None = None,
) -> dict[str, str]:
    """Return what SEND can say about a message. Only what is `persistent` survives a restart of the server.

    `expires_at` is seconds since the epoch. `priority` is 0 to 9. `delay` and `period` are seconds, and
    `repeat` how many more times: the server needs `schedulerSupport`. Messages of one `group` go to one
    consumer.

    A body is bytes to JMS, and with `content_length=False` of `send` it is text.
    """
    return said(
        {
            "persistent": persistent,
            "expires": milliseconds(expires_at),
            "priority": priority,
            "correlation-id": correlation_id,
            "reply-to": reply_to,
            "type": message_type,
            "JMSXGroupID": group,
            "AMQ_SCHEDULED_DELAY": milliseconds(delay),
            "AMQ_SCHEDULED_PERIOD": milliseconds(period),
            "AMQ_SCHEDULED_REPEAT": repeat,
        }
    )
