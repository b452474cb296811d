"""What a server makes of the frames of a client: each becomes an event, and an entry in the books.

This file must not know how frames are read, nor when a server answers.
"""

from __future__ import annotations

from ..errors import Fault, LocalProtocolError, RemoteProtocolError
from .commands import Sender
from .engine import Engine, Proposal, Role
from .events import (
    Abort,
    Ack,
    AckMode,
    Begin,
    CloseReason,
    Commit,
    ConnectRequest,
    Disconnect,
    Nack,
    Send,
    ServerEvent,
    Subscribe,
    Unsubscribe,
)
from .frames import Frame
from .headers import Headers
from .heartbeat import offer_in
from .ledger import Subscription, delivery_key
from .states import State
from .versions import accept_version_header, highest_common

__all__ = ["SERVER"]


def _requested(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    version = highest_common(headers.get("accept-version"), engine.versions)
    if version is None:
        asked = headers.get("accept-version", "1.0")[:80]
        ours = accept_version_header(engine.versions)
        raise RemoteProtocolError(
            Fault.NO_COMMON_VERSION,
            f"the client speaks STOMP {asked!r}, this server {ours}",
            receipt=headers.get("receipt"),
        )
    heartbeat = offer_in(headers) if version.rules.has_heart_beats else (0.0, 0.0)
    engine.enter(State.CONNECTING)
    engine.held = True
    engine.proposal = Proposal(version, heartbeat, names_version="accept-version" in headers)
    engine.events.append(
        ConnectRequest(
            version=version,
            host=headers.get("host"),
            login=headers.get("login"),
            passcode=headers.get("passcode"),
            heartbeat=heartbeat,
            headers=headers,
        )
    )


def _message(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    engine.events.append(
        Send(
            destination=headers.first["destination"],
            transaction=_open_transaction(engine, headers),
            receipt=headers.first.get("receipt"),
            headers=headers,
            body=frame.body,
        )
    )


def _subscribed(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    receipt = headers.get("receipt")
    id, destination = headers.get("id"), headers["destination"]
    try:
        ack = AckMode(headers.get("ack", "auto"))
    except ValueError:
        # STOMP 1.2, "SUBSCRIBE ack Header": one of three values.
        known = ", ".join(mode.value for mode in AckMode)
        message = f"ack is {headers['ack'][:80]!r}: it must be one of {known}"
        raise RemoteProtocolError(Fault.BAD_HEADER, message, receipt=receipt) from None
    if engine.ledger.find(id, destination) is not None:
        name = repr((destination if id is None else id)[:80])
        raise RemoteProtocolError(
            Fault.DUPLICATE_SUBSCRIPTION, f"{name} is subscribed already", receipt=receipt
        )
    if len(engine.ledger) >= engine.limits.max_subscriptions:
        message = f"more than {engine.limits.max_subscriptions} subscriptions"
        raise RemoteProtocolError(Fault.LIMIT_PENDING, message, receipt=receipt)
    engine.ledger.subscribe(Subscription(id, destination, ack))
    engine.events.append(Subscribe(id=id, destination=destination, ack=ack, receipt=receipt, headers=headers))


def _unsubscribed(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    receipt = headers.get("receipt")
    id, destination = headers.get("id"), headers.get("destination")
    subscription = engine.ledger.find(id, destination)
    if subscription is None:
        name = repr((id or destination or "")[:80])
        raise RemoteProtocolError(Fault.UNKNOWN_SUBSCRIPTION, f"{name} is not subscribed", receipt=receipt)
    engine.ledger.unsubscribe(subscription)
    engine.events.append(Unsubscribe(id=id, destination=destination, receipt=receipt, headers=headers))


def _acknowledged(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    receipt = headers.get("receipt")
    transaction = _open_transaction(engine, headers)
    version = engine.version
    key = delivery_key(version, headers.get("subscription"), headers.get("message-id", ""), headers.get("id"))
    if key is None or not engine.ledger.awaits(key):
        name = ", ".join(f"{name}:{headers[name][:80]!r}" for name in version.rules.ack_headers)
        raise RemoteProtocolError(
            Fault.UNKNOWN_MESSAGE, f"no message awaits {frame.command} for {name}", receipt=receipt
        )
    subscription, message_ids = engine.ledger.acknowledge(key, version)
    event = Ack if frame.command == "ACK" else Nack
    engine.events.append(
        event(
            subscription=subscription.id,
            message_ids=message_ids,
            transaction=transaction,
            receipt=receipt,
            headers=headers,
        )
    )


def _begun(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    receipt, transaction = headers.get("receipt"), headers["transaction"]
    transactions = engine.ledger.transactions
    if transaction in transactions:
        message = f"transaction {transaction[:80]!r} is open already"
        raise RemoteProtocolError(Fault.DUPLICATE_TRANSACTION, message, receipt=receipt)
    if len(transactions) >= engine.limits.max_transactions:
        message = f"more than {engine.limits.max_transactions} open transactions"
        raise RemoteProtocolError(Fault.LIMIT_PENDING, message, receipt=receipt)
    transactions[transaction] = None
    engine.events.append(Begin(transaction=transaction, receipt=receipt, headers=headers))


def _committed(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    transaction = _end_transaction(engine, headers)
    engine.events.append(Commit(transaction=transaction, receipt=headers.get("receipt"), headers=headers))


def _aborted(engine: Engine[ServerEvent], frame: Frame) -> None:
    headers = frame.headers
    transaction = _end_transaction(engine, headers)
    engine.events.append(
        Abort(transaction=transaction, implicit=False, receipt=headers.get("receipt"), headers=headers)
    )


def _disconnected(engine: Engine[ServerEvent], frame: Frame) -> None:
    receipt = frame.headers.get("receipt")
    engine.events.extend(_implicit_aborts(engine))
    engine.events.append(Disconnect(receipt=receipt, headers=frame.headers))
    engine.enter(State.DISCONNECTING)
    engine.held = True
    # STOMP 1.2, "DISCONNECT": the client must send nothing more, so its silence means nothing.
    engine.heartbeat.stop_listening()
    engine.ledger.farewell = receipt
    if receipt is None:
        engine.finish(CloseReason.DISCONNECT, clean=True)


def _end_transaction(engine: Engine[ServerEvent], headers: Headers) -> str:
    transaction = _open_transaction(engine, headers) or ""
    del engine.ledger.transactions[transaction]
    return transaction


def _open_transaction(engine: Engine[ServerEvent], headers: Headers) -> str | None:
    transaction = headers.get("transaction")
    if transaction is not None and transaction not in engine.ledger.transactions:
        message = f"transaction {transaction[:80]!r} is not open"
        raise RemoteProtocolError(Fault.UNKNOWN_TRANSACTION, message, receipt=headers.get("receipt"))
    return transaction


def _implicit_aborts(engine: Engine[ServerEvent]) -> list[ServerEvent]:
    """Return an `Abort` for each open transaction, and forget them: STOMP 1.2, "BEGIN"."""
    transactions = list(engine.ledger.transactions)
    engine.ledger.transactions.clear()
    return [Abort(transaction=name, implicit=True, receipt=None, headers=Headers()) for name in transactions]


def _goodbye(engine: Engine[ServerEvent], error: RemoteProtocolError) -> None:
    """Queue the ERROR frame for a client that broke a rule: what in the header, where and why in the body."""
    pairs = [("message", str(error.fault.value)), ("content-type", "text/plain")]
    if error.fault is Fault.NO_COMMON_VERSION:
        # STOMP 1.2, "Protocol Negotiation".
        pairs.append(("version", accept_version_header(engine.versions)))
    body = str(error).encode("utf-8", "replace")
    if error.receipt is not None:
        try:
            engine.output.append(
                engine.prepare("ERROR", [pairs[0], ("receipt-id", error.receipt), *pairs[1:]], body)
            )
            return
        except LocalProtocolError:
            # The client wrote it in a way that the version cannot write back.
            pass
    engine.output.append(engine.prepare("ERROR", pairs, body))


SERVER: Role[ServerEvent] = Role(
    peer=Sender.CLIENT,
    tolerant=False,
    hear={
        "CONNECT": _requested,
        "STOMP": _requested,
        "SEND": _message,
        "SUBSCRIBE": _subscribed,
        "UNSUBSCRIBE": _unsubscribed,
        "ACK": _acknowledged,
        "NACK": _acknowledged,
        "BEGIN": _begun,
        "COMMIT": _committed,
        "ABORT": _aborted,
        "DISCONNECT": _disconnected,
    },
    goodbye=_goodbye,
    last_words=_implicit_aborts,
)
"""The side of a server."""
