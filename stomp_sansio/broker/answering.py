"""What the broker does for each thing that a client says: one function a frame.

This file must not know streams or time, nor how messages travel.
"""

from __future__ import annotations

from ..errors import LocalProtocolError
from ..protocol.events import (
    Abort,
    Ack,
    AckMode,
    Begin,
    Commit,
    ConnectRequest,
    Disconnect,
    Nack,
    Send,
    ServerEvent,
    Subscribe,
    Unsubscribe,
)
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.shared_message import header_lines
from ..protocol.versions import Version
from .destinations import Kind, UnusableDestination, for_sending, for_subscribing, is_pattern
from .events import ClientConnected, LoginAsked, Subscribed, Unsubscribed
from .exchange import Exchange
from .messages import relayed_headers
from .options import BrokerOptions
from .peers import Delivery, Peer, Subscription
from .transactions import Settlement, Transaction, Transfer
from .vhosts import NoRoom

__all__ = ["admit", "answer", "ask_login"]

_REPLY_TO = "reply-to"


class _BadRequest(Exception):
    """A client asks for something that this broker cannot do; the message says what it can."""


def ask_login(exchange: Exchange, peer: Peer, request: ConnectRequest) -> None:
    """Ask whether a client may come in."""
    peer.request = request
    exchange.events.append(
        LoginAsked(
            peer=peer.id,
            request=request,
            transport=peer.transport,
            address=peer.address,
            http_headers=peer.http_headers,
        )
    )
    # Nobody asks for them again, and they may be as long as a whole head.
    peer.http_headers = ()


def admit(
    exchange: Exchange,
    peer: Peer,
    request: ConnectRequest,
    session: str,
    server: str,
    headers: HeaderPairs,
) -> None:
    """Let a client in to the virtual host that it names; refuse it if there is none of that name.

    Raises:
        LocalProtocolError: a header cannot be represented. Nothing has changed.
    """
    vhost = exchange.find_vhost(request.host)
    if vhost is None:
        peer.refuse("unknown virtual host", f"there is no virtual host {(request.host or '')[:80]!r} here")
        return
    peer.connection.accept(session=session, server=server, headers=headers)
    peer.vhost = vhost.name
    exchange.events.append(
        ClientConnected(
            peer=peer.id,
            session=session,
            login=request.login,
            vhost=vhost.name,
            version=request.version,
            transport=peer.transport,
            address=peer.address,
        )
    )


def answer(exchange: Exchange, options: BrokerOptions, peer: Peer, event: ServerEvent) -> None:
    """Do what a client asks, and promise the receipt if it wants one; or refuse, which ends its
    connection.
    """
    receipt: str | None = getattr(event, "receipt", None)
    try:
        match event:
            case Send():
                _send(exchange, options, peer, event)
            case Ack() | Nack():
                _settle(exchange, options, peer, event)
            case Subscribe():
                _subscribe(exchange, options, peer, event)
                return
            case Unsubscribe():
                _unsubscribe(exchange, peer, event)
            case Begin():
                peer.transactions[event.transaction] = Transaction()
            case Commit():
                _commit(exchange, peer, peer.transactions.pop(event.transaction))
            case Abort(implicit=True):
                # The end follows, and all that the client has goes back together, in order.
                pass
            case Abort():
                # STOMP does not say what becomes of a message whose ACK is rolled back: nobody has consumed
                # it.
                exchange.put_back(peer, peer.transactions.pop(event.transaction).deliveries())
            case Disconnect():
                exchange.release(peer)
            case _:
                raise AssertionError(f"{event} is not said by who was accepted")
    except UnusableDestination as error:
        peer.refuse("unknown destination", str(error), receipt)
    except NoRoom as error:
        peer.refuse("limit reached", str(error), receipt)
    except _BadRequest as error:
        peer.refuse("bad request", str(error), receipt)
    else:
        exchange.confirm(peer, receipt)


def _send(exchange: Exchange, options: BrokerOptions, peer: Peer, event: Send) -> None:
    destination = for_sending(event.destination)
    headers = relayed_headers(event.headers)
    if _REPLY_TO in event.headers:
        headers = _with_reply_address(exchange, options, peer, event.headers[_REPLY_TO], headers)
    transfer = Transfer(destination, exchange.make_message(event.destination, event.body, headers))
    if event.transaction is None:
        vhost = exchange.vhost_of(peer)
        exchange.check_room(vhost, peer, [transfer])
        exchange.publish(vhost, peer, transfer)
        return
    transaction = peer.transactions[event.transaction]
    transaction.send(transfer)
    octets = sum(each.octets for each in peer.transactions.values())
    if octets > options.max_transaction_octets:
        raise NoRoom(f"the open transactions have more than {options.max_transaction_octets} octets")
    _check_length(transaction, options)


def _with_reply_address(
    exchange: Exchange, options: BrokerOptions, peer: Peer, address: str, headers: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Put an address that others can send to in place of a temp queue, and let the client have what comes.

    As RabbitMQ does: a client need not subscribe to a temp queue. The subscription's id is the address that
    it wrote.
    """
    if not address.startswith(Kind.TEMP_QUEUE.value):
        return headers
    name = for_sending(address).name
    temp = exchange.vhost_of(peer).temp_queue(peer, name)
    if not temp.queue.consumers:
        subscription = Subscription(
            peer, address, address, Kind.TEMP_QUEUE, name, AckMode.AUTO, options.prefetch
        )
        _check_subscriptions(options, peer)
        try:
            peer.connection.grant_subscription(address, address)
        except LocalProtocolError as error:
            raise _BadRequest(f"reply-to {address[:80]!r}: {error}") from None
        peer.subscriptions[address, None] = subscription
        exchange.subscribe(subscription)
    return [
        (name, f"{Kind.REPLY_QUEUE.value}{temp.token}" if name == _REPLY_TO else value)
        for name, value in headers
    ]


def _settle(exchange: Exchange, options: BrokerOptions, peer: Peer, event: Ack | Nack) -> None:
    found = [
        delivery
        for message_id in event.message_ids
        # What topics sent is settled by having been acknowledged: it waits nowhere.
        if (delivery := peer.in_flight.pop((event.subscription, message_id), None)) is not None
    ]
    settlement = Settlement(isinstance(event, Ack), found)
    if event.transaction is None:
        exchange.settle(peer, settlement)
    else:
        transaction = peer.transactions[event.transaction]
        transaction.settle(settlement)
        _check_length(transaction, options)
    # Whoever was at the limit of all its subscriptions together is ready again in each of them.
    if peer.connection.unacknowledged + len(event.message_ids) >= options.limits.max_unacknowledged:
        exchange.offer_all(peer)


def _check_length(transaction: Transaction[Delivery], options: BrokerOptions) -> None:
    if len(transaction.steps) > options.max_transaction_frames:
        raise NoRoom(f"the transaction has more than {options.max_transaction_frames} frames")


def _commit(exchange: Exchange, peer: Peer, transaction: Transaction[Delivery]) -> None:
    vhost = exchange.vhost_of(peer)
    try:
        exchange.check_room(vhost, peer, transaction.transfers())
    except (NoRoom, UnusableDestination):
        exchange.put_back(peer, transaction.deliveries())
        raise
    for step in transaction.steps:
        if isinstance(step, Transfer):
            exchange.publish(vhost, peer, step)
        else:
            exchange.settle(peer, step)


def _subscribe(exchange: Exchange, options: BrokerOptions, peer: Peer, event: Subscribe) -> None:
    kind, name = for_subscribing(event.destination)
    version = peer.connection.version or Version.V1_2
    if event.id is None and (kind is not Kind.QUEUE and (kind is not Kind.TOPIC or is_pattern(name))):
        # Its messages have another destination than it, and in 1.0 nothing else would tell them apart.
        raise _BadRequest(f"SUBSCRIBE to {event.destination[:80]!r} needs an id, in STOMP 1.0 as well")
    pairs = [("destination", event.destination), ("subscription", event.id or "")]
    try:
        header_lines(pairs, version)
    except LocalProtocolError as error:
        raise _BadRequest(f"its messages could not be told to be its own: {error}") from None
    subscription = Subscription(
        peer, event.id, event.destination, kind, name, event.ack, _prefetch(event.headers, options)
    )
    exchange.confirm(peer, event.receipt)
    exchange.subscribe(subscription)
    peer.subscriptions[_key(event)] = subscription
    exchange.events.append(
        Subscribed(peer=peer.id, id=event.id, destination=event.destination, ack=event.ack)
    )


def _check_subscriptions(options: BrokerOptions, peer: Peer) -> None:
    if len(peer.subscriptions) >= options.limits.max_subscriptions:
        raise NoRoom(f"there are {len(peer.subscriptions)} subscriptions of this connection")


def _prefetch(headers: Headers, options: BrokerOptions) -> int:
    """Return how many messages may await their ACK: `prefetch-count`, as RabbitMQ names it; 0 is our own
    limit.
    """
    value = headers.get("prefetch-count", "0")
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise _BadRequest(f"prefetch-count is {value[:80]!r}: it must be a number, such as 10")
    return int(value) or options.prefetch


def _unsubscribe(exchange: Exchange, peer: Peer, event: Unsubscribe) -> None:
    subscription = peer.subscriptions.pop(_key(event))
    exchange.unsubscribe(subscription)
    exchange.events.append(
        Unsubscribed(peer=peer.id, id=subscription.id, destination=subscription.destination)
    )


def _key(event: Subscribe | Unsubscribe) -> tuple[str | None, str | None]:
    return (event.id, event.destination if event.id is None else None)
