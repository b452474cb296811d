"""What the passages of one capture share, whatever they are for: hiding secrets, or listening.

What lives here is a promise. It must not know who keeps it.
"""

from __future__ import annotations

from typing import Protocol

from .passage import Passage
from .secrets import Secrets

__all__ = ["Surroundings"]


class Surroundings(Protocol):
    """What stands around all passages."""

    @property
    def secrets(self) -> Secrets:
        """The secrets that are hidden."""
        ...

    def stomp(self, conversation: object, from_client: bool) -> Passage:
        """Return a passage for one direction of the STOMP of a conversation."""
        ...

    def note(self, from_client: bool, text: str) -> None:
        """Take note of something that a transport said."""
        ...

    def asked(self, kind: bytes, conversation: bytes) -> None:
        """Take note of an HTTP request: what it wants of a SockJS session, and of which; both empty for
        others.
        """
        ...
