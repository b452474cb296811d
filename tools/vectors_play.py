"""Turns the words of a session vector into calls of a connection, and its events into the words of a vector.

One function per direction and role. This file must not know what is expected: `vectors_sessions` compares.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

from stomp_sansio import (
    Abort,
    Ack,
    Begin,
    ClientEvent,
    Closed,
    Commit,
    Connected,
    Connection,
    ConnectRequest,
    Disconnect,
    Error,
    Headers,
    Message,
    Nack,
    Receipt,
    Send,
    ServerConnection,
    ServerEvent,
    Subscribe,
    Unsubscribe,
    Version,
)
from tools.vectors_format import Vector, header_pairs, octets_of

__all__ = [
    "Delivered",
    "client_facts",
    "do_as_client",
    "do_as_server",
    "make_client",
    "make_server",
    "milliseconds",
    "server_facts",
]


Delivered: TypeAlias = Mapping[tuple[str | None, str], Message]
"""Messages by subscription and message id."""


def make_client(config: Vector) -> Connection:
    """Make the client connection that a vector configures."""
    return Connection(versions=_versions(config), heartbeat=_heartbeat(config))


def make_server(config: Vector) -> ServerConnection:
    """Make the server connection that a vector configures."""
    return ServerConnection(versions=_versions(config), heartbeat=_heartbeat(config))


def _versions(config: Vector) -> list[Version]:
    return [Version(name) for name in config["versions"]]


def _heartbeat(config: Vector) -> tuple[float, float]:
    send, want = config.get("heartbeat", [0, 0])
    return send / 1000, want / 1000


def milliseconds(seconds: float) -> int:
    """Return an interval in the unit of the vectors, rounded to the nearest."""
    return round(seconds * 1000)


# --- operations ---------------------------------------------------------------------------------------------


def do_as_client(connection: Connection, operation: Vector, config: Vector, delivered: Delivered) -> None:
    """Call the method that an operation names; `delivered` has the messages that came so far.

    Raises:
        LocalProtocolError: the connection refuses the operation.
    """
    destination, receipt, transaction = (
        operation.get("destination"),
        operation.get("receipt"),
        operation.get("transaction"),
    )
    headers = header_pairs(operation.get("headers", []), "headers")
    match operation["op"]:
        case "connect":
            connection.connect(
                host=config.get("host"), login=config.get("login"), passcode=config.get("passcode")
            )
        case "send":
            body = octets_of(operation.get("body", ""), "body")
            connection.send(
                operation["destination"], body, transaction=transaction, receipt=receipt, headers=headers
            )
        case "subscribe":
            connection.subscribe(
                operation["destination"],
                id=operation.get("id"),
                ack=operation.get("ack"),
                receipt=receipt,
                headers=headers,
            )
        case "unsubscribe":
            connection.unsubscribe(operation.get("id"), destination=destination, receipt=receipt)
        case "ack":
            connection.ack(_message(operation, delivered), transaction=transaction, receipt=receipt)
        case "nack":
            connection.nack(_message(operation, delivered), transaction=transaction, receipt=receipt)
        case "begin":
            connection.begin(operation["transaction"], receipt=receipt)
        case "commit":
            connection.commit(operation["transaction"], receipt=receipt)
        case "abort":
            connection.abort(operation["transaction"], receipt=receipt)
        case "disconnect":
            connection.disconnect(receipt=receipt)
        case name:  # an operation that the table lists and nobody performs would be skipped in silence
            raise AssertionError(name)


def _message(operation: Vector, delivered: Delivered) -> Message:
    """Return the message that was delivered under this id, or one that no server ever sent, made by hand."""
    message_id, subscription = operation["message_id"], operation["subscription"]
    for key in (
        (subscription, message_id),
        (None, message_id),
    ):  # a 1.0 server need not name the subscription
        if key in delivered:
            return delivered[key]
    return Message(
        destination="/never/delivered",
        message_id=message_id,
        subscription=subscription,
        ack=message_id,
        known=False,
        headers=Headers([("message-id", message_id)]),
        body=b"",
    )


def do_as_server(connection: ServerConnection, operation: Vector) -> None:
    """Call the method that an operation names.

    Raises:
        LocalProtocolError: the connection refuses the operation.
    """
    body = octets_of(operation.get("body", ""), "body")
    match operation["op"]:
        case "accept":
            connection.accept(session=operation.get("session"), server=operation.get("server"))
        case "reject":
            connection.reject(operation["message"], body=body)
        case "error":
            connection.error(operation["message"], receipt_id=operation.get("receipt_id"), body=body)
        case "receipt":
            connection.receipt(operation["receipt_id"])
        case "message":
            connection.message(
                operation["subscription"],
                operation["message_id"],
                operation["destination"],
                body,
                ack=operation.get("ack"),
                headers=header_pairs(operation.get("headers", []), "headers"),
            )
        case name:
            raise AssertionError(name)


# --- events -------------------------------------------------------------------------------------------------


def client_facts(event: ClientEvent) -> dict[str, Any]:
    """Return what a vector can ask about a client's event."""
    match event:
        case Connected():
            send_every, expect_every = event.heartbeat
            return {
                "event": "Connected",
                "version": event.version.value,
                "session": event.session,
                "server": event.server,
                "send_every_ms": milliseconds(send_every),
                "expect_every_ms": milliseconds(expect_every),
                "headers": _pairs(event.headers),
            }
        case Message():
            return {
                "event": "Message",
                "subscription": event.subscription,
                "message_id": event.message_id,
                "destination": event.destination,
                "ack": event.ack,
                "known": event.known,
                "headers": _pairs(event.headers),
                "body": _base64(event.body),
            }
        case Receipt():
            return {
                "event": "Receipt",
                "receipt_id": event.receipt_id,
                "known": event.known,
                "headers": _pairs(event.headers),
            }
        case Error():
            return {
                "event": "Error",
                "message": event.message,
                "receipt_id": event.receipt_id,
                "headers": _pairs(event.headers),
                "body": _base64(event.body),
            }
        case Closed():
            return {"event": "Closed", "clean": event.clean, "reason": event.reason.value}


def server_facts(event: ServerEvent) -> dict[str, Any]:
    """Return what a vector can ask about a server's event."""
    if isinstance(event, Closed):
        return {"event": "Closed", "clean": event.clean, "reason": event.reason.value}
    return _request_facts(event) | {"event": type(event).__name__, "headers": _pairs(event.headers)}


def _request_facts(
    event: ConnectRequest | Send | Subscribe | Unsubscribe | Ack | Nack | Begin | Commit | Abort | Disconnect,
) -> dict[str, Any]:
    match event:
        case ConnectRequest():
            return {
                "version": event.version.value,
                "host": event.host,
                "login": event.login,
                "passcode": event.passcode,
                "heartbeat": [milliseconds(seconds) for seconds in event.heartbeat],
            }
        case Send():
            return {
                "destination": event.destination,
                "body": _base64(event.body),
                "transaction": event.transaction,
                "receipt": event.receipt,
            }
        case Subscribe():
            return {
                "id": event.id,
                "destination": event.destination,
                "ack": event.ack.value,
                "receipt": event.receipt,
            }
        case Unsubscribe():
            return {"id": event.id, "destination": event.destination, "receipt": event.receipt}
        case Ack() | Nack():
            return {
                "subscription": event.subscription,
                "message_ids": list(event.message_ids),
                "transaction": event.transaction,
                "receipt": event.receipt,
            }
        case Begin() | Commit():
            return {"transaction": event.transaction, "receipt": event.receipt}
        case Abort():
            return {"transaction": event.transaction, "implicit": event.implicit, "receipt": event.receipt}
        case Disconnect():
            return {"receipt": event.receipt}


def _pairs(headers: Headers) -> list[list[str]]:
    return [[name, value] for name, value in headers.pairs]


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
