"""What a client has said inside a transaction, and waits for its COMMIT.

A data structure: it must not know what committing does.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from .destinations import Destination
from .messages import StoredMessage

__all__ = ["Settlement", "Transaction", "Transfer"]

_DeliveryT = TypeVar("_DeliveryT")


class Transfer(NamedTuple):
    """A SEND."""

    destination: Destination
    message: StoredMessage


class Settlement(NamedTuple, Generic[_DeliveryT]):
    """An ACK or a NACK, and what it covers."""

    accepted: bool
    deliveries: list[_DeliveryT]


class Transaction(Generic[_DeliveryT]):
    """Steps in the order in which they were said."""

    __slots__ = ("octets", "steps")

    def __init__(self) -> None:
        self.steps: list[Transfer | Settlement[_DeliveryT]] = []
        self.octets = 0

    def send(self, transfer: Transfer) -> None:
        """Add a message."""
        self.steps.append(transfer)
        self.octets += transfer.message.size

    def settle(self, settlement: Settlement[_DeliveryT]) -> None:
        """Add an ACK or NACK."""
        self.steps.append(settlement)

    def transfers(self) -> list[Transfer]:
        """Return what would be sent."""
        return [step for step in self.steps if isinstance(step, Transfer)]

    def deliveries(self) -> list[_DeliveryT]:
        """Return what would be settled."""
        return [
            delivery for step in self.steps if isinstance(step, Settlement) for delivery in step.deliveries
        ]
