"""`ServerConnection`: the server side of one STOMP connection, the mirror of `Connection`.

Octets come in, events come out, methods answer. This file must not know what carries the octets, what a
broker does with messages, nor any clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fault, LocalProtocolError, Misuse, RemoteProtocolError
from .conversation import Conversation
from .engine import Engine, extra_headers
from .events import (
    AckMode,
    CloseReason,
    ServerEvent,
)
from .headers import HeaderPairs
from .heartbeat import heart_beat_header
from .ledger import DeliveryKey, Subscription, delivery_key
from .limits import Limits
from .server_hearing import SERVER
from .shared_message import SharedMessage, header_lines
from .states import State, next_state
from .versions import ALL_VERSIONS, Version

__all__ = ["ServerConnection"]


class ServerConnection(Conversation[ServerEvent]):
    """The server side of one STOMP connection: no socket, no clock, no thread.

    Hand in octets with `receive_data`, then take events with `next_event` until it says None, answer them
    with the methods, take octets with `data_to_send` until it has none, and come back at `next_deadline`. The
    first event is a `ConnectRequest`: until it is answered with `accept` or `reject`, what comes behind it
    waits unparsed. Receipts are never sent by themselves: call `receipt` once a frame is processed. A client
    that breaks a rule gets an ERROR frame and the connection ends in a `Closed` event; only the caller's own
    mistakes raise, and change nothing. `now` is seconds of a monotonic clock of any origin.
    """

    __slots__ = ()

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
        super().__init__(
            Engine(
                role=SERVER,
                versions=versions,
                heartbeat=heartbeat,
                heartbeat_tolerance=heartbeat_tolerance,
                limits=limits if limits is not None else Limits.server(),
            )
        )

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
        engine, proposal = self._engine, self._engine.proposal
        if engine.state is not State.CONNECTING or proposal is None:
            raise self._no_request("accept")
        version = proposal.version
        pairs: list[tuple[str, str]] = []
        # STOMP 1.0 has no version header: it is for those who asked.
        if proposal.names_version:
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
        engine.establish(version, proposal.heartbeat)

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
        engine, version = self._engine, self._engine.parser.version
        target = self._subscription(subscription, destination)
        assert version is not None, "a subscription exists only on an established connection"
        pairs = [] if subscription is None else [("subscription", subscription)]
        pairs += [("message-id", message_id), ("destination", destination)]
        ack = message_id if ack is None else ack
        key = self._owed(target, version, message_id, ack)
        if key is not None and version is Version.V1_2:
            pairs.append(("ack", ack))
        if headers:
            pairs += extra_headers(headers, "subscription", "message-id", "destination", "ack")
        octets = engine.prepare("MESSAGE", pairs, body, content_length=content_length)
        if key is None or self._owe(target, key, message_id):
            engine.commit("MESSAGE", octets)

    def deliver(
        self,
        subscription: str | None,
        message: SharedMessage,
        *,
        ack: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """Send a message that others get as well: as `message`, but what is shared is encoded once for all.

        `ack` is as there; `headers` are those that this receiver alone gets.

        Raises:
            LocalProtocolError: as `message`.
        """
        engine, version = self._engine, self._engine.parser.version
        target = self._subscription(subscription, message.destination)
        assert version is not None, "a subscription exists only on an established connection"
        head = target.head
        if head is None:
            lines = b"" if subscription is None else header_lines([("subscription", subscription)], version)
            head = target.head = b"MESSAGE\n" + lines
        key = None
        if target.ack is not AckMode.AUTO or headers:
            ack = message.message_id if ack is None else ack
            key = self._owed(target, version, message.message_id, ack)
            pairs = [("ack", ack)] if key is not None and version is Version.V1_2 else []
            # A content-length in front of the shared one would win, and cut the body elsewhere.
            own = ("subscription", "message-id", "destination", "ack", "content-length")
            pairs += extra_headers(headers, *own)
            head += header_lines(pairs, version)
        octets = message.octets(version)
        if key is None or self._owe(target, key, message.message_id):
            engine.output.append_parts(head, octets)

    def grant_subscription(self, id: str, destination: str) -> None:
        """Open a subscription (`ack:auto`) that the client has not asked for, as servers do for replies.

        The client may end it with UNSUBSCRIBE.

        Raises:
            LocalProtocolError: not connected, or the client has a subscription of this id.
        """
        engine = self._engine
        if next_state(engine.state, "MESSAGE") is None:
            raise engine.refusal("MESSAGE")
        if engine.ledger.find(id, None) is not None:
            raise LocalProtocolError(
                Misuse.DUPLICATE_SUBSCRIPTION, f"the client has a subscription {id!r} already"
            )
        engine.ledger.subscribe(Subscription(id, destination, AckMode.AUTO))

    def receipt(self, receipt_id: str) -> None:
        """Tell the client that a frame which asked for this receipt is processed. After DISCONNECT, `Closed`
        follows.

        Source: STOMP 1.2, "RECEIPT".

        Raises:
            LocalProtocolError: not connected, or the id cannot be represented.
        """
        engine = self._engine
        engine.commit("RECEIPT", engine.prepare("RECEIPT", [("receipt-id", receipt_id)]))
        if engine.state is State.DISCONNECTING and receipt_id == engine.ledger.farewell:
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

    @property
    def unacknowledged(self) -> int:
        """Messages that await an acknowledgement, over all subscriptions: at most
        `Limits.max_unacknowledged`.
        """
        return self._engine.ledger.unacknowledged

    # After DISCONNECT the client only listens

    def receive_data(self, data: bytes, now: float) -> None:
        """Hand in octets from the client; call `next_event` next, until it says None. b"" is nothing; EOF is
        `receive_eof`.
        """
        if self._engine.state is not State.DISCONNECTING:
            super().receive_data(data, now)

    # Saying

    def _subscription(self, id: str | None, destination: str) -> Subscription:
        engine = self._engine
        if next_state(engine.state, "MESSAGE") is None:
            raise engine.refusal("MESSAGE")
        target = engine.ledger.find(id, destination)
        if target is None:
            name = repr(destination if id is None else id)
            raise LocalProtocolError(Misuse.UNKNOWN_SUBSCRIPTION, f"the client has no subscription {name}")
        return target

    def _owed(self, target: Subscription, version: Version, message_id: str, ack: str) -> DeliveryKey | None:
        """Return the name by which the client will acknowledge a message, or None if it need not."""
        if target.ack is AckMode.AUTO:
            return None
        if version is Version.V1_2 and self._engine.ledger.awaits(ack):
            raise LocalProtocolError(
                Misuse.BAD_HEADER, f"ack {ack!r} names another unacknowledged message: use another id"
            )
        return delivery_key(version, target.id, message_id, ack)

    def _owe(self, target: Subscription, key: DeliveryKey, message_id: str) -> bool:
        """Note that a message awaits an acknowledgement; end the connection instead if there are too
        many.
        """
        engine, ledger = self._engine, self._engine.ledger
        limit = engine.limits.max_unacknowledged
        if not ledger.has_room(key, limit):
            message = f"more than {limit} messages without an acknowledgement"
            engine.fail(RemoteProtocolError(Fault.LIMIT_PENDING, message))
            return False
        ledger.deliver(target, key, message_id)
        return True

    def _no_request(self, method: str) -> LocalProtocolError:
        state = self._engine.state
        if state is State.CLOSED:
            return LocalProtocolError(Misuse.CLOSED, f"{method}: this connection is closed")
        if state is State.IDLE:
            return LocalProtocolError(Misuse.NOT_CONNECTED, f"{method} before a ConnectRequest has come")
        return LocalProtocolError(
            Misuse.ALREADY_CONNECTED, f"{method}: the ConnectRequest was answered already"
        )
