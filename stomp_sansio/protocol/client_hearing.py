"""What a client makes of the frames of a server: each becomes an event, and an entry in the books.

This file must not know how frames are read, nor what a client may say.
"""

from __future__ import annotations

from ..errors import Fault, RemoteProtocolError
from .commands import Sender
from .engine import Engine, Role
from .events import AckMode, ClientEvent, CloseReason, Connected, Error, Message, Receipt
from .frames import Frame
from .heartbeat import offer_in
from .ledger import delivery_key
from .states import State
from .versions import accept_version_header

__all__ = ["CLIENT"]


def _message(engine: Engine[ClientEvent], frame: Frame) -> None:
    ledger, headers = engine.ledger, frame.headers.first
    destination, message_id = headers["destination"], headers["message-id"]
    id, ack = headers.get("subscription"), headers.get("ack")
    subscription = ledger.find(None, destination) if id is None else ledger.subscriptions.get(id)
    if subscription is not None and subscription.ack is not AckMode.AUTO:
        key = delivery_key(engine.version, id, message_id, ack)
        if key is not None:
            limit = engine.limits.max_unacknowledged
            if not ledger.has_room(key, limit):
                raise RemoteProtocolError(
                    Fault.LIMIT_PENDING,
                    f"more than {limit} messages without an acknowledgement (Limits.max_unacknowledged): "
                    "acknowledge them, or ask the server for a prefetch limit",
                )
            ledger.deliver(subscription, key, message_id)
    engine.events.append(
        Message(destination, message_id, id, ack, subscription is not None, frame.headers, frame.body)
    )


def _receipt(engine: Engine[ClientEvent], frame: Frame) -> None:
    ledger, receipt_id = engine.ledger, frame.headers.first["receipt-id"]
    known = receipt_id in ledger.receipts
    ledger.receipts.discard(receipt_id)
    engine.events.append(Receipt(receipt_id=receipt_id, known=known, headers=frame.headers))
    if engine.state is State.DISCONNECTING and receipt_id == ledger.farewell:
        engine.finish(CloseReason.DISCONNECT, clean=True)


def _error(engine: Engine[ClientEvent], frame: Frame) -> None:
    headers = frame.headers
    engine.events.append(
        Error(
            message=headers.get("message"),
            receipt_id=headers.get("receipt-id"),
            headers=headers,
            body=frame.body,
        )
    )
    # STOMP 1.2, "ERROR": the server closes after it. Some do not, and talk on: nobody listens.
    engine.finish(CloseReason.ERROR)


def _connected(engine: Engine[ClientEvent], frame: Frame) -> None:
    headers = frame.headers
    name = headers.get("version", "1.0")
    version = next((version for version in engine.versions if version.value == name), None)
    if version is None:
        # STOMP 1.2, "Protocol Negotiation": the server picks one of those offered; none means 1.0.
        offered = accept_version_header(engine.versions)
        raise RemoteProtocolError(
            Fault.UNSUPPORTED_VERSION, f"the server chose STOMP {name[:20]!r}, and {offered} was offered"
        )
    theirs = offer_in(headers) if version.rules.has_heart_beats else (0.0, 0.0)
    engine.establish(version, theirs)
    engine.events.append(
        Connected(
            version=version,
            session=headers.get("session"),
            server=headers.get("server"),
            heartbeat=engine.heartbeat.negotiated,
            headers=headers,
        )
    )


CLIENT: Role[ClientEvent] = Role(
    peer=Sender.SERVER,
    tolerant=True,
    hear={"CONNECTED": _connected, "MESSAGE": _message, "RECEIPT": _receipt, "ERROR": _error},
    # STOMP 1.2, "ERROR", is a server's frame: a client that was wronged just leaves.
    goodbye=lambda engine, error: None,
    last_words=lambda engine: (),
)
"""The side of a client."""
