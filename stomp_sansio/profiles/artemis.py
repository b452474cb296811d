"""ActiveMQ Artemis: topics and queues by routing type, durable topics, windows, expiry, delayed delivery.

Source: https://activemq.apache.org/components/artemis/documentation/latest/stomp.html . This file must not
know any other server.
"""

from __future__ import annotations

from .said import milliseconds, said

__all__ = ["connect", "delete_durable_topic", "durable_topic", "send", "subscribe"]


def connect(*, client_id: str) -> dict[str, str]:
    """Return what CONNECT must say for durable topics: a name that no other connection uses at that time."""
    return said({"client-id": client_id})


def durable_topic(name: str) -> dict[str, str]:
    """Return what makes a subscription to a topic outlive its connection; it belongs to the `client-id`.

    Subscribe with `on_exit="leave"`.
    """
    return said({"durable-subscription-name": name})


def delete_durable_topic(name: str) -> dict[str, str]:
    """Return what UNSUBSCRIBE must say to end a durable subscription for good."""
    return said({"durable-subscription-name": name})


def subscribe(
    *,
    topic: bool | None = None,
    selector: str | None = None,
    window: int | None = None,
    no_local: bool | None = None,
) -> dict[str, str]:
    """Return what SUBSCRIBE can say about delivery.

    `topic` says which of the two a name means where neither a prefix nor the server's settings do. `selector`
    is a condition on headers, as "colour = 'red'". `window` is how many octets of messages may await their
    ACK; the server's own default is 10 KiB.
    """
    return said(
        {
            "subscription-type": _routing(topic),
            "selector": selector,
            "consumer-window-size": window,
            "no-local": no_local,
        }
    )


def send(
    *,
    topic: bool | None = None,
    persistent: bool | None = None,
    expires_at: float | None = None,
    priority: int | None = None,
    correlation_id: str | None = None,
    reply_to: str | None = None,
    message_type: str | None = None,
    group: str | None = None,
    delay: float | None = None,
) -> dict[str, str]:
    """Return what SEND can say about a message. Only what is `persistent` survives a restart of the server.

    `expires_at` is seconds since the epoch. `priority` is 0 to 9. `delay` is seconds. Messages of one `group`
    go to one consumer.

    A body is bytes to JMS, and with `content_length=False` of `send` it is text.
    """
    return said(
        {
            "destination-type": _routing(topic),
            "persistent": persistent,
            "expires": milliseconds(expires_at),
            "priority": priority,
            "correlation-id": correlation_id,
            "reply-to": reply_to,
            "type": message_type,
            "JMSXGroupID": group,
            "AMQ_SCHEDULED_DELAY": milliseconds(delay),
        }
    )


def _routing(topic: bool | None) -> str | None:
    return None if topic is None else "MULTICAST" if topic else "ANYCAST"
