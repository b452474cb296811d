"""A transaction: its name, and the connection it lives and dies with.

This file must not know what is done in it.
"""

from __future__ import annotations

__all__ = ["Transaction"]


class Transaction:
    """A transaction, which lives and dies with the connection it was begun on."""

    __slots__ = ("epoch", "id")

    def __init__(self, id: str, epoch: int) -> None:
        self.id = id
        """Its name for the server."""
        self.epoch = epoch
        """The number of the connection."""
