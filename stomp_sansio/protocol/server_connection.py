"""`ServerConnection`: the server side of one STOMP connection, the mirror of `Connection`.

Octets come in, events come out, methods answer. This file must not know what carries the octets, what a
broker does with messages, nor any clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fault, LocalProtocolError, Misuse, RemoteProtocolError
from .commands import Sender
from .engine import Engine, extra_headers
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
from .headers import HeaderPairs, Headers
from .heartbeat import heart_beat_header, offer_in
from .ledger import Subscription, delivery_key
from .limits import Limits
from .states import State, next_state
from .versions import ALL_VERSIONS, Version, accept_version_header, highest_common

__all__ = ["ServerConnection"]


class ServerConnection:
    """The server side of one STOMP connection: no socket, no clock, no thread.

    Hand in octets with `receive_data`, then take events with `next_event` until it says None, answer them
    with the methods, take octets with `data_to_send` until it has none, and come back at `next_deadline`. The
    first event is a `ConnectRequest`: until it is answered with `accept` or `reject`, what comes behind it
    waits unparsed. Receipts are never sent by themselves: call `receipt` once a frame is processed. A client
    that breaks a rule gets an ERROR frame and the connection ends in a `Closed` event; only the caller's own
    mistakes raise, and change nothing. `now` is seconds of a monotonic clock of any origin.
    """

    __slots__ = ("_engine", "_request", "_farewell")

    def __init__(
        self,
        *,
        versions: Iterable[Version] = ALL_VERSIONS,
        heartbeat: tuple[float, float] = (10.0, 10.0),
        heartbeat_tolerance: float = 2.0,
        limits: Limits | None = None,
    ) -> None:
        """Make a connection that has heard nothing yet.

        `versions` are those to speak. `heartbeat` is (how often we can send, how often we want to hear) in
        seconds, 0 for never. A client is given up after `heartbeat_tolerance` times the agreed interval and
        one second of silence. `limits` bounds what the client can make us hold.
        """
        self._engine: Engine[ServerEvent] = Engine(
            peer=Sender.CLIENT,
            tolerant=False,
            versions=versions,
            heartbeat=heartbeat,
            heartbeat_tolerance=heartbeat_tolerance,
            limits=limits if limits is not None else Limits.server(),
            goodbye=_goodbye,
            last_words=_implicit_aborts,
        )
        self._request: Headers | None = None
        self._farewell: str | None = None

    # What the server says

    def accept(
        self, *, session: str | None = None, server: str | None = None, headers: HeaderPairs = ()
    ) -> None:
        """Answer a `ConnectRequest` with CONNECTED, in the version that it names; then take the events that
        follow.

        `session` names the session, `server` the software, as in "name/1.0". Source: STOMP 1.2, "CONNECTED
        Frame".

        Raises:
            LocalProtocolError: there is no request to answer, or a header cannot be represented.
        """
        engine, request = self._engine, self._request
        if engine.state is not State.CONNECTING or request is None:
            raise self._no_request("accept")
        version = highest_common(request.get("accept-version"), engine.versions)
        assert version is not None, "a request without a common version is never reported"
        pairs: list[tuple[str, str]] = []
        # STOMP 1.0 has no version header: it is for those who asked.
        if "accept-version" in request:
            pairs.append(("version", version.value))
        if session is not None:
            pairs.append(("session", session))
        if server is not None:
            pairs.append(("server", server))
        heart_beat = heart_beat_header(engine.heartbeat.offer)
        if heart_beat is not None and version.rules.has_heart_beats:
            pairs.append(("heart-beat", heart_beat))
        pairs += extra_headers(headers, "version", "session", "server", "heart-beat")
        engine.commit("CONNECTED", engine.prepare("CONNECTED", pairs))
        self._request = None
        engine.parser.version = version
        engine.held = False
        theirs = offer_in(request) if version.rules.has_heart_beats else (0.0, 0.0)
        engine.heartbeat.start(theirs, unsaid=True)

    def reject(self, message: str, *, body: bytes = b"", headers: HeaderPairs = ()) -> None:
        """Answer a `ConnectRequest` with ERROR; `Closed` follows. Source: STOMP 1.2, "ERROR".

        Raises:
            LocalProtocolError: there is no request to answer, or a header cannot be represented.
        """
        if self._engine.state is not State.CONNECTING:
            raise self._no_request("reject")
        self.error(message, body=body, headers=headers)

    def message(
        self,
        subscription: str | None,
        message_id: str,
        destination: str,
        body: bytes = b"",
        *,
        ack: str | None = None,
        headers: HeaderPairs = (),
        content_length: bool = True,
    ) -> None:
        """Send a message to a subscription of the client. Source: STOMP 1.2, "MESSAGE".

        `subscription` is its id; None, in 1.0, means the one without an id for this destination. `ack` is the
        id by which 1.2 acknowledges the message; where it is not given, and the subscription wants one, the
        message id serves. A client that has `Limits.max_unacknowledged` messages unacknowledged gets an ERROR
        instead, and the connection ends.

        Raises:
            LocalProtocolError: not connected, an unknown subscription, an ack id in use, or a header that the
                version cannot represent.
        """
        engine = self._engine
        if next_state(engine.state, "MESSAGE") is None:
            raise engine.refusal("MESSAGE")
        version, ledger = self._version, engine.ledger
        target = ledger.find(subscription, destination)
        if target is None:
            name = repr(destination if subscription is None else subscription)
            raise LocalProtocolError(Misuse.UNKNOWN_SUBSCRIPTION, f"the client has no subscription {name}")
        pairs = [] if subscription is None else [("subscription", subscription)]
        pairs += [("message-id", message_id), ("destination", destination)]
        key = None
        if target.ack is not AckMode.AUTO:
            ack = message_id if ack is None else ack
            key = delivery_key(version, subscription, message_id, ack)
            if version is Version.V1_2:
                if ledger.awaits(ack):
                    raise LocalProtocolError(
                        Misuse.BAD_HEADER, f"ack {ack!r} names another unacknowledged message: use another id"
                    )
                pairs.append(("ack", ack))
        if headers:
            pairs += extra_headers(headers, "subscription", "message-id", "destination", "ack")
        octets = engine.prepare("MESSAGE", pairs, body, content_length=content_length)
        if key is not None:
            if ledger.unacknowledged >= engine.limits.max_unacknowledged and not ledger.awaits(key):
                limit = engine.limits.max_unacknowledged
                engine.fail(
                    RemoteProtocolError(
                        Fault.LIMIT_PENDING, f"more than {limit} messages without an acknowledgement"
                    )
                )
                return
            ledger.deliver(target, key, message_id)
        engine.commit("MESSAGE", octets)

    def receipt(self, receipt_id: str) -> None:
        """Tell the client that a frame which asked for this receipt is processed. After DISCONNECT, `Closed`
        follows.

        Source: STOMP 1.2, "RECEIPT".

        Raises:
            LocalProtocolError: not connected, or the id cannot be represented.
        """
        engine = self._engine
        engine.commit("RECEIPT", engine.prepare("RECEIPT", [("receipt-id", receipt_id)]))
        if engine.state is State.DISCONNECTING and receipt_id == self._farewell:
            engine.finish(CloseReason.DISCONNECT, clean=True)

    def error(
        self, message: str, *, receipt_id: str | None = None, body: bytes = b"", headers: HeaderPairs = ()
    ) -> None:
        """Send ERROR; the connection is over, and `Closed` follows. Source: STOMP 1.2, "ERROR".

        `receipt_id` is the receipt that the offending frame asked for, if it did.

        Raises:
            LocalProtocolError: the connection is closed, or a header cannot be represented.
        """
        engine = self._engine
        pairs = [("message", message)]
        if receipt_id is not None:
            pairs.append(("receipt-id", receipt_id))
        pairs += extra_headers(headers, "message", "receipt-id")
        engine.commit("ERROR", engine.prepare("ERROR", pairs, body))
        engine.finish(CloseReason.ERROR)

    # What the world says

    def receive_data(self, data: bytes, now: float) -> None:
        """Hand in octets from the client; call `next_event` next, until it says None. b"" is nothing; EOF is
        `receive_eof`.
        """
        if self._engine.state is not State.DISCONNECTING:
            self._engine.receive_data(data, now)

    def receive_eof(self, now: float) -> None:
        """Report that the client ended the stream; call `next_event` next: what came before is still
        reported, then `Closed`.
        """
        if self._engine.state is State.DISCONNECTING:
            self._engine.finish(CloseReason.DISCONNECT, clean=True)
        else:
            self._engine.receive_eof()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`; then look at `data_to_send` and `next_event`. Too early or too late is
        harmless.
        """
        self._engine.handle_timeout(now)

    def suspend_reading(self) -> None:
        """Say that nothing will be read for a while, by the caller's choice: until `resume_reading`, silence
        is not counted.
        """
        self._engine.suspend_reading()

    def resume_reading(self, now: float) -> None:
        """Say that reading goes on; silence counts from now."""
        self._engine.resume_reading(now)

    # What comes out

    def next_event(self) -> ServerEvent | None:
        """Return the next event, or None when there is none: then more octets are needed, or an answer is.
        `Closed` is the last.

        At most one frame is parsed for an event, so a caller that stops asking is not flooded.
        """
        engine = self._engine
        events = engine.events
        while not events:
            frame = engine.next_frame()
            if frame is None:
                if not events:
                    return None
                break
            try:
                self._hear(frame)
            except RemoteProtocolError as error:
                engine.fail(error)
        return events.popleft()

    def data_to_send(self, now: float, max_bytes: int | None = None) -> bytes:
        """Hand over octets to write, at most `max_bytes` of them; b"" when there are none. Write them in this
        order.

        Calling it is what counts as having spoken at `now`, for the heart-beat.
        """
        return self._engine.data_to_send(now, max_bytes)

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None. Any other call may change it."""
        return self._engine.heartbeat.next_deadline()

    @property
    def wants_read(self) -> bool:
        """Whether octets should be read from the transport now."""
        return self._engine.wants_read

    @property
    def wants_close(self) -> bool:
        """Whether the transport should be closed, once `data_to_send` has nothing more."""
        return self._engine.state is State.CLOSED

    @property
    def state(self) -> State:
        """How far the conversation has come."""
        return self._engine.state

    @property
    def version(self) -> Version | None:
        """The version in use; None before `accept`."""
        return self._engine.parser.version

    @property
    def negotiated_heartbeat(self) -> tuple[float, float]:
        """Seconds: (we send at least every, we expect at least every); 0.0 for never, and before `accept`."""
        return self._engine.heartbeat.negotiated

    def __repr__(self) -> str:
        version = "" if self.version is None else f" STOMP {self.version.value}"
        return f"<ServerConnection {self.state.value}{version}>"

    # Hearing

    @property
    def _version(self) -> Version:
        version = self._engine.parser.version
        assert version is not None, "only asked while connected"
        return version

    def _no_request(self, method: str) -> LocalProtocolError:
        state = self._engine.state
        if state is State.CLOSED:
            return LocalProtocolError(Misuse.CLOSED, f"{method}: this connection is closed")
        if state is State.IDLE:
            return LocalProtocolError(Misuse.NOT_CONNECTED, f"{method} before a ConnectRequest has come")
        return LocalProtocolError(
            Misuse.ALREADY_CONNECTED, f"{method}: the ConnectRequest was answered already"
        )

    def _hear(self, frame: Frame) -> None:
        engine, headers = self._engine, frame.headers
        receipt = headers.get("receipt")
        match frame.command:
            case "SEND":
                engine.events.append(
                    Send(
                        destination=headers["destination"],
                        transaction=self._open_transaction(headers),
                        receipt=receipt,
                        headers=headers,
                        body=frame.body,
                    )
                )
            case "ACK" | "NACK":
                self._acknowledged(frame)
            case "SUBSCRIBE":
                self._subscribed(headers)
            case "UNSUBSCRIBE":
                id, destination = headers.get("id"), headers.get("destination")
                subscription = engine.ledger.find(id, destination)
                if subscription is None:
                    name = repr((id or destination or "")[:80])
                    raise RemoteProtocolError(
                        Fault.UNKNOWN_SUBSCRIPTION, f"{name} is not subscribed", receipt=receipt
                    )
                engine.ledger.unsubscribe(subscription)
                engine.events.append(
                    Unsubscribe(id=id, destination=destination, receipt=receipt, headers=headers)
                )
            case "BEGIN":
                self._begun(headers)
            case "COMMIT":
                transaction = self._end_transaction(headers)
                engine.events.append(Commit(transaction=transaction, receipt=receipt, headers=headers))
            case "ABORT":
                transaction = self._end_transaction(headers)
                engine.events.append(
                    Abort(transaction=transaction, implicit=False, receipt=receipt, headers=headers)
                )
            case "DISCONNECT":
                engine.events.extend(_implicit_aborts(engine))
                engine.events.append(Disconnect(receipt=receipt, headers=headers))
                engine.state = State.DISCONNECTING
                engine.held = True
                # STOMP 1.2, "DISCONNECT": the client must send nothing more, so its silence means nothing.
                engine.heartbeat.suspend()
                self._farewell = receipt
                if receipt is None:
                    engine.finish(CloseReason.DISCONNECT, clean=True)
            case _:
                self._requested(headers)

    def _requested(self, headers: Headers) -> None:
        engine = self._engine
        version = highest_common(headers.get("accept-version"), engine.versions)
        if version is None:
            asked = headers.get("accept-version", "1.0")[:80]
            ours = accept_version_header(engine.versions)
            raise RemoteProtocolError(
                Fault.NO_COMMON_VERSION, f"the client speaks STOMP {asked!r}, this server {ours}"
            )
        heartbeat = offer_in(headers) if version.rules.has_heart_beats else (0.0, 0.0)
        engine.state = State.CONNECTING
        engine.held = True
        self._request = headers
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

    def _subscribed(self, headers: Headers) -> None:
        engine, receipt = self._engine, headers.get("receipt")
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
        engine.events.append(
            Subscribe(id=id, destination=destination, ack=ack, receipt=receipt, headers=headers)
        )

    def _acknowledged(self, frame: Frame) -> None:
        engine, headers = self._engine, frame.headers
        receipt = headers.get("receipt")
        transaction = self._open_transaction(headers)
        version = self._version
        key = delivery_key(
            version, headers.get("subscription"), headers.get("message-id", ""), headers.get("id")
        )
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

    def _begun(self, headers: Headers) -> None:
        engine, receipt, transaction = self._engine, headers.get("receipt"), headers["transaction"]
        transactions = engine.ledger.transactions
        if transaction in transactions:
            message = f"transaction {transaction[:80]!r} is open already"
            raise RemoteProtocolError(Fault.DUPLICATE_TRANSACTION, message, receipt=receipt)
        if len(transactions) >= engine.limits.max_transactions:
            message = f"more than {engine.limits.max_transactions} open transactions"
            raise RemoteProtocolError(Fault.LIMIT_PENDING, message, receipt=receipt)
        transactions[transaction] = None
        engine.events.append(Begin(transaction=transaction, receipt=receipt, headers=headers))

    def _end_transaction(self, headers: Headers) -> str:
        transaction = self._open_transaction(headers) or ""
        del self._engine.ledger.transactions[transaction]
        return transaction

    def _open_transaction(self, headers: Headers) -> str | None:
        transaction = headers.get("transaction")
        if transaction is not None and transaction not in self._engine.ledger.transactions:
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
