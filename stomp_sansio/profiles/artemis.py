"""ActiveMQ Artemis: topics and queues by routing type, durable topics, windows, expiry, delayed delivery.

Source: https://activemq.apache.org/components/artemis/documentation/latest/stomp.html . This file must not
know any other server.
"""

from __future__ import annotations

from typing import Unpack

from .jms import MessageKeywords, connect, said_of_message
from .said import said

__all__ = ["connect", "delete_durable_topic", "durable_topic", "send", "subscribe"]


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


def send(*, topic: bool | None = None, **message: Unpack[MessageKeywords]) -> dict[str, str]:
    """Return what SEND can say about a message: see `MessageKeywords`. `topic` is as for `subscribe`."""
    return said({"destination-type": _routing(topic)}) | said_of_message(**message)


def _routing(topic: bool | None) -> str | None:
    return None if topic is None else "MULTICAST" if topic else "ANYCAST"
