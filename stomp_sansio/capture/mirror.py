"""Our own side of a recorded conversation, said again to a new engine: so that its books are what they were.

What lives here turns frames into calls, and events into comparable ones. It must not know streams or links.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..errors import LocalProtocolError
from ..protocol.connection import Connection
from ..protocol.events import ClientEvent, Message, ServerEvent
from ..protocol.frames import Frame
from ..protocol.limits import Limits
from ..protocol.server_connection import ServerConnection
from ..protocol.versions import ALL_VERSIONS, Version

__all__ = ["ClientMirror", "Mirror", "ServerMirror"]

Event: TypeAlias = ClientEvent | ServerEvent


def _pairs(frame: Frame, *without: str) -> list[tuple[str, str]]:
    """Return the headers of a frame that no argument says, each as it was."""
    return [pair for pair in frame.headers.pairs if pair[0] not in without and pair[0] != "content-length"]


def _heartbeat(frame: Frame | None) -> tuple[float, float]:
    """Return what a side offered, in seconds."""
    first, _, second = ("0,0" if frame is None else frame.headers.get("heart-beat", "0,0")).partition(",")
    if not (first.isdigit() and second.isdigit() and len(first + second) < 20):
        return 0.0, 0.0
    return int(first) / 1000, int(second) / 1000


class ClientMirror:
    """A client's side. `greeting` is the CONNECT that it sent, if it came to that."""

    def __init__(self, greeting: Frame | None, answer: Frame | None, limits: Limits | None) -> None:
        self.connection = Connection(
            versions=_offered(greeting), heartbeat=_heartbeat(greeting), limits=limits or Limits.client()
        )
        self._delivered: dict[str | tuple[str | None, str], Message] = {}
        if greeting is None:
            self.connection.connect()

    def next_event(self, now: float) -> Event | None:
        """Return the next event."""
        event = self.connection.next_event()
        if isinstance(event, Message):
            self._delivered[event.subscription, event.message_id] = event
            self._delivered[event.ack or event.message_id] = event
        return event

    def say(self, frame: Frame) -> None:
        """Say a frame that the client said.

        Raises:
            LocalProtocolError: it cannot be said now: this side knows another conversation.
        """
        get, connection = frame.headers.get, self.connection
        receipt, transaction = get("receipt"), get("transaction")
        common = "receipt", "transaction"
        match frame.command:
            case "CONNECT" | "STOMP":
                connection.connect(
                    host=get("host"),
                    login=get("login"),
                    passcode=get("passcode"),
                    headers=_pairs(frame, "accept-version", "host", "login", "passcode", "heart-beat"),
                )
            case "SEND":
                connection.send(
                    get("destination", ""),
                    frame.body,
                    transaction=transaction,
                    receipt=receipt,
                    headers=_pairs(frame, "destination", *common),
                    content_length="content-length" in frame.headers,
                )
            case "SUBSCRIBE":
                connection.subscribe(
                    get("destination", ""),
                    id=get("id"),
                    ack=get("ack"),
                    receipt=receipt,
                    headers=_pairs(frame, "destination", "id", "ack", *common),
                )
            case "UNSUBSCRIBE":
                connection.unsubscribe(get("id"), destination=get("destination"), receipt=receipt)
            case "ACK" | "NACK":
                name = get("message-id", "")
                message = self._delivered.get((get("subscription"), name)) or self._delivered.get(
                    get("id") or name
                )
                if message is not None:
                    acknowledge = connection.ack if frame.command == "ACK" else connection.nack
                    acknowledge(message, transaction=transaction, receipt=receipt)
            case "BEGIN":
                connection.begin(transaction or "", receipt=receipt)
            case "COMMIT":
                connection.commit(transaction or "", receipt=receipt)
            case "ABORT":
                connection.abort(transaction or "", receipt=receipt)
            case _:
                connection.disconnect(receipt=receipt)


def _offered(greeting: Frame | None) -> Sequence[Version]:
    if greeting is None:
        return ALL_VERSIONS
    names = [name.strip() for name in greeting.headers.get("accept-version", "1.0").split(",")]
    return [version for version in Version if version.value in names] or ALL_VERSIONS


class ServerMirror:
    """A server's side. `answer` is what it said to CONNECT, if it came to that."""

    def __init__(self, greeting: Frame | None, answer: Frame | None, limits: Limits | None) -> None:
        spoken = ALL_VERSIONS
        if answer is not None and answer.command == "CONNECTED":
            chosen = answer.headers.get("version", "1.0")
            spoken = tuple(version for version in Version if version.value <= chosen) or ALL_VERSIONS
        self.connection = ServerConnection(
            versions=spoken, heartbeat=_heartbeat(answer), limits=limits or Limits.server()
        )

    def next_event(self, now: float) -> Event | None:
        """Return the next event."""
        return self.connection.next_event()

    def say(self, frame: Frame) -> None:
        """Say a frame that the server said.

        Raises:
            LocalProtocolError: it cannot be said now: the engine has ended the conversation itself.
        """
        get, connection = frame.headers.get, self.connection
        match frame.command:
            case "CONNECTED":
                connection.accept(
                    session=get("session"),
                    server=get("server"),
                    headers=_pairs(frame, "version", "session", "server", "heart-beat"),
                )
            case "MESSAGE":
                subscription, destination = get("subscription"), get("destination", "")
                try:
                    self._deliver(frame, subscription, destination)
                except LocalProtocolError:
                    # Servers open subscriptions for replies that nobody asked for.
                    connection.grant_subscription(subscription or "", destination)
                    self._deliver(frame, subscription, destination)
            case "RECEIPT":
                connection.receipt(get("receipt-id", ""))
            case _:
                connection.error(
                    get("message", ""),
                    receipt_id=get("receipt-id"),
                    body=frame.body,
                    headers=_pairs(frame, "message", "receipt-id"),
                )

    def _deliver(self, frame: Frame, subscription: str | None, destination: str) -> None:
        get = frame.headers.get
        self.connection.message(
            subscription,
            get("message-id", ""),
            destination,
            frame.body,
            ack=get("ack"),
            headers=_pairs(frame, "subscription", "message-id", "destination", "ack"),
            content_length="content-length" in frame.headers,
        )


Mirror: TypeAlias = ClientMirror | ServerMirror
