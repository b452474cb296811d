"""What ActiveMQ Classic and Artemis have in common: their STOMP speaks of JMS, in the same words.

Sources: https://activemq.apache.org/components/classic/documentation/stomp and
https://activemq.apache.org/components/artemis/documentation/latest/stomp.html . This file must not know what
one of them alone wants.
"""

from __future__ import annotations

from typing import TypedDict

from .said import milliseconds, said

__all__ = ["MessageKeywords", "connect", "said_of_message"]


class MessageKeywords(TypedDict, total=False):
    """What SEND can say about a message to both servers.

    A body is bytes to JMS, and with `content_length=False` of the client's `send` it is text.
    """

    persistent: bool | None
    """Whether it survives a restart of the server; what does not say so does not."""
    expires_at: float | None
    """When it is no longer worth delivering, in seconds since the epoch."""
    priority: int | None
    """0 to 9; 4 is usual."""
    correlation_id: str | None
    """What a reply must repeat."""
    reply_to: str | None
    """Where a reply is wanted."""
    message_type: str | None
    """What receivers with JMS find as its type."""
    group: str | None
    """Messages of one group go to one consumer."""
    delay: float | None
    """Seconds to wait before it is delivered. ActiveMQ Classic needs `schedulerSupport`."""


def connect(*, client_id: str) -> dict[str, str]:
    """Return what CONNECT must say for durable topics: a name that no other connection uses at that time."""
    return said({"client-id": client_id})


def said_of_message(
    *,
    persistent: bool | None = None,
    expires_at: float | None = None,
    priority: int | None = None,
    correlation_id: str | None = None,
    reply_to: str | None = None,
    message_type: str | None = None,
    group: str | None = None,
    delay: float | None = None,
) -> dict[str, str]:
    """Return the headers of SEND for `MessageKeywords`."""
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
        }
    )
