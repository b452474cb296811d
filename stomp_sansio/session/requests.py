"""Requests and their replies: the address where replies come in, and which one answers what.

This file must not know tickets' deadlines, nor who waits.
"""

from __future__ import annotations

from ..protocol.events import Message
from .epoch import Epoch
from .tickets import Ticket

__all__ = ["Requests"]


class Requests:
    """The requests of one session that are not answered yet, by their `correlation-id`."""

    __slots__ = ("_address", "_doubtful", "_epoch", "_generation", "_pending", "_root", "_uncorrelated")

    def __init__(self, prefix: str) -> None:
        """`prefix` makes the address unguessable."""
        self._root = self._address = f"/temp-queue/{prefix}"
        self._pending: dict[str, Ticket] = {}
        # The last connection that listens at the address.
        self._epoch = 0
        self._generation = 0
        # Whether an answer may still come to the address that nobody waits for any more.
        self._doubtful = False
        # Whether there was a reply without a `correlation-id`: the other side does not give it back.
        self._uncorrelated = False

    def address_on(self, epoch: Epoch) -> str:
        """Return the address for a reply on this connection, which listens there from now on.

        Raises:
            LocalProtocolError: the connection cannot subscribe.
        """
        # RabbitMQ makes the subscription itself, by the `reply-to` header, and refuses one that we make.
        connected = epoch.connected
        ours = connected is None or not (connected.server or "").startswith("RabbitMQ")
        if self._doubtful and self._uncorrelated:
            # A late answer could pass for the one to the next request: that one comes in elsewhere.
            if ours and self._epoch == epoch.number and not self._pending:
                epoch.connection.unsubscribe(self._address)
            self._generation += 1
            self._address = f"{self._root}-{self._generation}"
            self._doubtful = False
            self._epoch = 0
        if ours and self._epoch != epoch.number:
            epoch.connection.subscribe(self._address, id=self._address)
        self._epoch = epoch.number
        return self._address

    def add(self, correlation: str, ticket: Ticket) -> None:
        """Take note of a request that was sent."""
        self._pending[correlation] = ticket

    def answered(self, message: Message) -> Ticket | None:
        """Return, and forget, the request that a message answers; None when it answers none.

        A reply without `correlation-id` is an answer only where it cannot be one to another request.
        """
        # 1.0 lets a server name the destination alone.
        address = message.destination if message.subscription is None else message.subscription
        if not address.startswith(self._root):
            return None
        correlation = message.headers.get("correlation-id")
        if correlation is None:
            self._uncorrelated = True
            if self._doubtful or address != self._address or len(self._pending) != 1:
                return None
            correlation = next(iter(self._pending))
        return self._pending.pop(correlation, None)

    def expired(self, ticket: Ticket) -> None:
        """Forget a request whose time is up, if this ticket is one's."""
        if self._pending.pop(ticket.receipt or "", None) is not None:
            self._doubtful = True

    def take_all(self) -> list[Ticket]:
        """Return, and forget, all that are not answered: the connection that asked is gone."""
        pending = list(self._pending.values())
        self._pending.clear()
        self._doubtful = self._doubtful or bool(pending)
        return pending
