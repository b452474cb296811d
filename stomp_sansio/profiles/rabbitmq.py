"""RabbitMQ, its STOMP plugin and Web STOMP: queues and their kinds, durable topics, prefetch, expiry.

Source: https://www.rabbitmq.com/docs/stomp , and the header names that the plugin of 3.10 knows. This file
must not know any other server.
"""

from __future__ import annotations

from .said import milliseconds, said

__all__ = ["delete_durable_topic", "durable_topic", "nack", "queue", "send", "subscribe"]


def queue(
    *,
    kind: str | None = None,
    durable: bool | None = None,
    auto_delete: bool | None = None,
    exclusive: bool | None = None,
    name: str | None = None,
    message_ttl: float | None = None,
    expires: float | None = None,
    max_length: int | None = None,
    max_length_octets: int | None = None,
    max_priority: int | None = None,
    dead_letter_exchange: str | None = None,
    dead_letter_routing_key: str | None = None,
) -> dict[str, str]:
    """Return what declares a queue. Say the same in every SEND and SUBSCRIBE to it: the first of them
    declares it, and a later one that says something else is answered with ERROR (precondition_failed).

    `kind` is "classic", "quorum" or "stream"; a quorum queue needs `durable=True` and `auto_delete=False`.
    `message_ttl` and `expires` are seconds: how long a message may wait, and how long an unused queue lives.
    What outlives its time, or is refused with `nack(requeue=False)`, goes to `dead_letter_exchange`; "" with
    a routing key is the queue of that name.
    """
    return said(
        {
            "x-queue-type": kind,
            "durable": durable,
            "auto-delete": auto_delete,
            "exclusive": exclusive,
            "x-queue-name": name,
            "x-message-ttl": milliseconds(message_ttl),
            "x-expires": milliseconds(expires),
            "x-max-length": max_length,
            "x-max-length-bytes": max_length_octets,
            "x-max-priority": max_priority,
            "x-dead-letter-exchange": dead_letter_exchange,
            "x-dead-letter-routing-key": dead_letter_routing_key,
        }
    )


def subscribe(*, prefetch: int | None = None, stream_offset: str | None = None) -> dict[str, str]:
    """Return what SUBSCRIBE can say about delivery.

    `prefetch` is how many messages may await their ACK; the server's own default is no limit.
    `stream_offset`, for streams, is "first", "last", "next", "offset=N" or "timestamp=N".
    """
    return said({"prefetch-count": prefetch, "x-stream-offset": stream_offset})


def durable_topic(name: str) -> dict[str, str]:
    """Return what makes a subscription to a /topic/ or /exchange/ outlive its connection.

    Its messages are collected in a durable queue called `name`; subscribe with `on_exit="leave"`. Without a
    name the queue would be called after the subscription's id, which is another one in each session.
    """
    return said({"durable": True, "auto-delete": False, "x-queue-name": name})


def delete_durable_topic(name: str) -> dict[str, str]:
    """Return what UNSUBSCRIBE must say to end a durable subscription for good, with what it collected."""
    return said({"durable": True, "auto-delete": False, "x-queue-name": name})


def send(
    *,
    persistent: bool | None = None,
    expires_in: float | None = None,
    priority: int | None = None,
    correlation_id: str | None = None,
    reply_to: str | None = None,
    message_id: str | None = None,
    message_type: str | None = None,
) -> dict[str, str]:
    """Return what SEND can say about a message. Only what is `persistent` survives a restart of the server.

    `expires_in` is seconds from now. `priority` needs a queue with `max_priority`. `message_id` is the
    sender's own name for it, which receivers find as `amqp-message-id`: use it to know a message again that
    came twice.
    """
    return said(
        {
            "persistent": persistent,
            "expiration": milliseconds(expires_in),
            "priority": priority,
            "correlation-id": correlation_id,
            "reply-to": reply_to,
            "amqp-message-id": message_id,
            "type": message_type,
        }
    )


def nack(*, requeue: bool) -> dict[str, str]:
    """Return what NACK can say: whether the message goes back to its queue, or to its dead-letter
    exchange.
    """
    return said({"requeue": requeue})
