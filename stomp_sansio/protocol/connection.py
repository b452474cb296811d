"""`Connection`: the client side of one STOMP connection.

Methods write frames, octets come in, events come out. This file must not know what carries the octets, nor
any clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import LocalProtocolError, Misuse
from .client_hearing import CLIENT
from .conversation import Conversation
from .engine import Engine, extra_headers
from .events import AckMode, ClientEvent, CloseReason, Message
from .headers import HeaderPairs
from .heartbeat import heart_beat_header
from .ledger import Subscription, delivery_key
from .limits import Limits
from .send_heads import SendHeads
from .states import State
from .versions import ALL_VERSIONS, Version, accept_version_header

__all__ = ["Connection"]

# Looked up once: a member of an enumeration costs five times as much as a global name.
_CONNECTED = State.CONNECTED

# Headers that decide what our books say: never among the additional ones, even where the method writes none.
_RESERVED = {"SUBSCRIBE": ("id", "ack"), "UNSUBSCRIBE": ("id", "destination")}


class Connection(Conversation[ClientEvent]):
    """The client side of one STOMP connection: no socket, no clock, no thread.

    Call methods to say something, hand in octets with `receive_data`, then take events with `next_event`
    until it says None and octets with `data_to_send` until it has none, and come back at `next_deadline`. A
    method that raises has written nothing and changed nothing. What the peer does wrong never raises: it ends
    in a `Closed` event. `now` is seconds of a monotonic clock of any origin. An object serves one connection
    and is never used again.
    """

    __slots__ = ("_heads",)

    def __init__(
        self,
        *,
        versions: Iterable[Version] = ALL_VERSIONS,
        heartbeat: tuple[float, float] = (10.0, 10.0),
        heartbeat_tolerance: float = 2.0,
        limits: Limits | None = None,
    ) -> None:
        """Make a connection that has said nothing yet; call `connect` next.

        `versions` are those to offer. `heartbeat` is (how often we can send, how often we want to hear) in
        seconds, 0 for never. The server is given up after `heartbeat_tolerance` times the agreed interval and
        one second of silence. `limits` bounds what the server can make us hold.
        """
        super().__init__(
            Engine(
                role=CLIENT,
                versions=versions,
                heartbeat=heartbeat,
                heartbeat_tolerance=heartbeat_tolerance,
                limits=limits if limits is not None else Limits.client(),
            )
        )
        self._heads = SendHeads()

    # What the client says

    def connect(
        self,
        *,
        host: str | None = None,
        login: str | None = None,
        passcode: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """Send CONNECT; then wait for `Connected`, or for `Error` and `Closed`.

        `host` is the virtual host, which 1.1 and 1.2 ask for. Nothing here can be escaped: a header with an
        EOL is refused. Source: STOMP 1.2, "CONNECT or STOMP Frame".

        Raises:
            LocalProtocolError: it was called before, or a header cannot be represented.
        """
        engine = self._engine
        pairs: list[tuple[str, str]] = []
        if engine.versions != (Version.V1_0,):
            pairs.append(("accept-version", accept_version_header(engine.versions)))
            if host is not None:
                pairs.append(("host", host))
        if login is not None:
            pairs.append(("login", login))
        if passcode is not None:
            pairs.append(("passcode", passcode))
        heart_beat = heart_beat_header(engine.heartbeat.offer)
        if heart_beat is not None and engine.versions != (Version.V1_0,):
            pairs.append(("heart-beat", heart_beat))
        pairs += extra_headers(headers, "accept-version", "host", "login", "passcode", "heart-beat")
        engine.commit("CONNECT", engine.prepare("CONNECT", pairs))

    def send(
        self,
        destination: str,
        body: bytes = b"",
        *,
        transaction: str | None = None,
        receipt: str | None = None,
        content_type: str | None = None,
        headers: HeaderPairs = (),
        content_length: bool = True,
    ) -> None:
        """Send a message to a destination; `Receipt` follows if a `receipt` id is given.

        `content_length=False` leaves that header out, for brokers to which it means "bytes"; a body with a
        NUL needs it. Source: STOMP 1.2, "SEND".

        Raises:
            LocalProtocolError: not connected, an unknown transaction, a receipt id in use, or a header that
                the negotiated version cannot represent.
        """
        engine = self._engine
        plain = not headers and transaction is None and content_length
        if (
            plain
            and engine.state is _CONNECTED
            and (receipt is None or receipt not in engine.ledger.receipts)
        ):
            octets = self._heads.frame(destination, content_type, receipt, body)
            if octets is not None:
                engine.output.append(octets)
                if receipt is not None:
                    engine.ledger.receipts.add(receipt)
                return
        own = [("destination", destination)]
        octets = self._submit(
            "SEND", own, transaction, receipt, headers, body, content_type, content_length=content_length
        )
        if plain:
            self._heads.learn(destination, content_type, receipt, body, octets)

    def subscribe(
        self,
        destination: str,
        *,
        id: str | None = None,
        ack: AckMode | str | None = None,
        receipt: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """Subscribe to a destination; `Message` events follow.

        `id` names the subscription on this connection; only 1.0 can do without. `ack` is an `AckMode` or its
        value; None says nothing, which means "auto". Source: STOMP 1.2, "SUBSCRIBE".

        Raises:
            LocalProtocolError: not connected, an id in use, an unknown ack mode, or a header that cannot be
                represented.
        """
        self._engine.allow("SUBSCRIBE")
        try:
            mode = AckMode.AUTO if ack is None else AckMode(ack)
        except ValueError:
            known = ", ".join(repr(mode.value) for mode in AckMode)
            raise LocalProtocolError(
                Misuse.BAD_HEADER, f"ack is {ack!r}: it must be one of {known}"
            ) from None
        if id is None and self._engine.version.rules.subscription_id_required:
            raise LocalProtocolError(
                Misuse.BAD_HEADER, f"STOMP {self._engine.version.value} requires an id for a subscription"
            )
        ledger = self._engine.ledger
        if ledger.find(id, destination) is not None:
            name = repr(destination if id is None else id)
            raise LocalProtocolError(
                Misuse.DUPLICATE_SUBSCRIPTION,
                f"{name} is subscribed: unsubscribe it first, or use another id",
            )
        own = [] if id is None else [("id", id)]
        own.append(("destination", destination))
        if ack is not None:
            own.append(("ack", mode.value))
        self._submit("SUBSCRIBE", own, None, receipt, headers)
        ledger.subscribe(Subscription(id, destination, mode))

    def unsubscribe(
        self,
        id: str | None = None,
        *,
        destination: str | None = None,
        receipt: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """End a subscription, by its id; in 1.0 by its destination if it has none.

        Messages on their way still come, with `known=False`. Source: STOMP 1.2, "UNSUBSCRIBE".

        Raises:
            LocalProtocolError: not connected, nothing of that name is subscribed, or a header cannot be
                represented.
        """
        self._engine.allow("UNSUBSCRIBE")
        subscription = self._engine.ledger.find(id, destination)
        if subscription is None:
            name = repr(destination if id is None else id)
            hint = ": name it by its id" if id is None and destination is None else ""
            raise LocalProtocolError(Misuse.UNKNOWN_SUBSCRIPTION, f"{name} is not subscribed{hint}")
        own = [
            ("destination", subscription.destination) if subscription.id is None else ("id", subscription.id)
        ]
        self._submit("UNSUBSCRIBE", own, None, receipt, headers)
        self._engine.ledger.unsubscribe(subscription)

    def ack(
        self,
        message: Message,
        *,
        transaction: str | None = None,
        receipt: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """Say that a message was consumed; in `client` mode of 1.1 and 1.2 all earlier ones of its
        subscription as well.

        Source: STOMP 1.2, "ACK".

        Raises:
            LocalProtocolError: not connected, the message awaits no acknowledgement, or an unknown
                transaction.
        """
        self._acknowledge("ACK", message, transaction, receipt, headers)

    def nack(
        self,
        message: Message,
        *,
        transaction: str | None = None,
        receipt: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """Say that a message was not consumed: the counterpart of `ack`, since 1.1. Source: STOMP 1.2,
        "NACK".

        Raises:
            LocalProtocolError: not connected, the version is 1.0, the message awaits no acknowledgement, or
                an unknown transaction.
        """
        self._acknowledge("NACK", message, transaction, receipt, headers)

    def begin(self, transaction: str, *, receipt: str | None = None, headers: HeaderPairs = ()) -> None:
        """Begin a transaction of this name. Source: STOMP 1.2, "BEGIN".

        Raises:
            LocalProtocolError: not connected, the name is that of an open transaction, or it cannot be
                represented.
        """
        self._engine.allow("BEGIN")
        transactions = self._engine.ledger.transactions
        if transaction in transactions:
            raise LocalProtocolError(
                Misuse.DUPLICATE_TRANSACTION, f"transaction {transaction!r} is open already"
            )
        self._submit("BEGIN", [("transaction", transaction)], None, receipt, headers)
        transactions[transaction] = None

    def commit(self, transaction: str, *, receipt: str | None = None, headers: HeaderPairs = ()) -> None:
        """Commit an open transaction. Source: STOMP 1.2, "COMMIT".

        Raises:
            LocalProtocolError: not connected, or no transaction of this name is open.
        """
        self._end_transaction("COMMIT", transaction, receipt, headers)

    def abort(self, transaction: str, *, receipt: str | None = None, headers: HeaderPairs = ()) -> None:
        """Roll an open transaction back. Source: STOMP 1.2, "ABORT".

        Raises:
            LocalProtocolError: not connected, or no transaction of this name is open.
        """
        self._end_transaction("ABORT", transaction, receipt, headers)

    def disconnect(self, *, receipt: str | None = None, headers: HeaderPairs = ()) -> None:
        """Say good-bye. With a `receipt` id, `Closed` follows the server's RECEIPT; without, it follows at
        once.

        Only the RECEIPT tells that everything sent before was received. Source: STOMP 1.2, "DISCONNECT".

        Raises:
            LocalProtocolError: not connected, a receipt id in use, or a header that cannot be represented.
        """
        self._submit("DISCONNECT", [], None, receipt, headers)
        self._engine.ledger.farewell = receipt
        if receipt is None:
            self._engine.finish(CloseReason.DISCONNECT, clean=True)

    def forget_receipt(self, receipt: str) -> None:
        """Await a receipt no more: its id is free again, and if it comes after all it is not `known`.

        For whoever gives up waiting: there are servers that confirm only some frames, and a connection
        remembers each id until its RECEIPT comes. Harmless for an id that is not awaited.
        """
        self._engine.ledger.receipts.discard(receipt)

    # Saying

    def _submit(
        self,
        command: str,
        own: list[tuple[str, str]],
        transaction: str | None,
        receipt: str | None,
        headers: HeaderPairs,
        body: bytes = b"",
        content_type: str | None = None,
        *,
        content_length: bool = True,
    ) -> bytes:
        """Write a frame and return its octets, or raise and change nothing."""
        self._engine.allow(command)
        if transaction is not None:
            if transaction not in self._engine.ledger.transactions:
                raise LocalProtocolError(
                    Misuse.UNKNOWN_TRANSACTION, f"transaction {transaction!r} is not open: begin it first"
                )
            own.append(("transaction", transaction))
        if receipt is not None:
            if receipt in self._engine.ledger.receipts:
                raise LocalProtocolError(
                    Misuse.DUPLICATE_RECEIPT, f"receipt {receipt!r} is awaited already: use another id"
                )
            own.append(("receipt", receipt))
        if content_type is not None:
            own.append(("content-type", content_type))
        if headers:
            reserved = _RESERVED.get(command, ())
            own += extra_headers(headers, "transaction", "receipt", *reserved, *[name for name, _ in own])
        octets = self._engine.prepare(command, own, body, content_length=content_length)
        self._engine.commit(command, octets)
        if receipt is not None:
            self._engine.ledger.receipts.add(receipt)
        return octets

    def _acknowledge(
        self,
        command: str,
        message: Message,
        transaction: str | None,
        receipt: str | None,
        headers: HeaderPairs,
    ) -> None:
        self._engine.allow(command)
        version, ledger = self._engine.version, self._engine.ledger
        if command == "NACK" and not version.rules.has_nack:
            raise LocalProtocolError(
                Misuse.UNSUPPORTED_IN_VERSION, "STOMP 1.0 has no NACK: let the connection end instead"
            )
        try:
            key = delivery_key(version, message.subscription, message.message_id, message.ack)
        except AttributeError:
            kind = type(message).__name__
            raise TypeError(f"{command} wants the Message itself, and this is {kind}") from None
        if key is None or not ledger.awaits(key):
            subscription = ledger.find(message.subscription, message.destination)
            if subscription is not None and subscription.ack is AckMode.AUTO:
                raise LocalProtocolError(
                    Misuse.NOT_ACKABLE,
                    f"message {message.message_id!r}: its subscription is 'auto', which wants no {command}: "
                    "subscribe with ack='client-individual' for messages that do",
                )
            if key is None:
                raise LocalProtocolError(
                    Misuse.NOT_ACKABLE,
                    f"message {message.message_id!r} has no ack header: its server wants no acknowledgement",
                )
            raise LocalProtocolError(
                Misuse.UNKNOWN_MESSAGE,
                f"message {message.message_id!r} awaits no {command}: it never did, or has had one",
            )
        values = {"id": message.ack, "message-id": message.message_id, "subscription": message.subscription}
        own = [(name, values[name] or "") for name in version.rules.ack_headers]
        self._submit(command, own, transaction, receipt, headers)
        ledger.acknowledge(key, version)

    def _end_transaction(
        self, command: str, transaction: str, receipt: str | None, headers: HeaderPairs
    ) -> None:
        self._engine.allow(command)
        transactions = self._engine.ledger.transactions
        if transaction not in transactions:
            raise LocalProtocolError(Misuse.UNKNOWN_TRANSACTION, f"transaction {transaction!r} is not open")
        self._submit(command, [("transaction", transaction)], None, receipt, headers)
        del transactions[transaction]
