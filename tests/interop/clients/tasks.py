"""What every client is asked to do with the broker, by name.

This file must not know how a client does any of it.
"""

from __future__ import annotations

__all__ = ["PAGE", "TASKS"]

PAGE = "page"
"""What only a browser can do."""

TASKS: dict[str, str] = {
    "connect-1.0": "connects in STOMP 1.0, and has a message acknowledged in it",
    "connect-1.1": "the same in 1.1",
    "connect-1.2": "the same in 1.2",
    "topic": "two subscribers of a topic, one by a pattern, get what a third client sends",
    "queue": "a queue keeps what is sent before anybody is subscribed, in order",
    "text": "text in several scripts, with its content-type",
    "unicode-headers": "headers in several scripts, names too, with a colon, a line end and a backslash",
    "binary": "a body of every octet, NUL among them",
    "receipts": "five messages are confirmed in their order",
    "ack-auto": "what was delivered does not come again",
    "ack-client": "an ACK of the second of three leaves the third alone",
    "ack-client-individual": "an ACK of the second of three leaves the others, said to be redelivered",
    "nack": "what is refused comes again, said to be redelivered",
    "commit": "what is sent, and acknowledged, in a transaction counts from COMMIT on",
    "abort": "what was sent in a transaction that is rolled back never comes",
    "heart-beats": "a second is agreed on, and four seconds of silence are survived by both sides",
    "disconnect": "DISCONNECT is confirmed",
    "error": "a message to an unknown destination is answered by an ERROR that names its receipt",
    PAGE: "the demo's page itself: it connects, sends with a receipt, shows, refuses, acknowledges, ends",
}
