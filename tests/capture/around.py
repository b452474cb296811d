"""What passages stand in while they are tested: STOMP that is hidden, and notes of what transports say.

What lives here must not know any passage but that of STOMP.
"""

from __future__ import annotations

from stomp_sansio.capture.passage import Passage
from stomp_sansio.capture.secrets import Secrets
from stomp_sansio.capture.stomp_passage import StompPassage


class Around:
    """Surroundings that remember."""

    def __init__(self, *known: str) -> None:
        self.secrets = Secrets(known)
        self.notes: list[tuple[bool, str]] = []
        self.requests: list[tuple[bytes, bytes]] = []
        self.conversations: list[tuple[object, bool]] = []

    def stomp(self, conversation: object, from_client: bool) -> Passage:
        self.conversations.append((conversation, from_client))
        return StompPassage(self.secrets)

    def note(self, from_client: bool, text: str) -> None:
        self.notes.append((from_client, text))

    def asked(self, kind: bytes, conversation: bytes) -> None:
        self.requests.append((kind, conversation))


def through(passage: Passage, octets: bytes, size: int = 0) -> bytes:
    """Return what comes out of a passage that is fed pieces of a size; of all at once without one."""
    size = size or len(octets) or 1
    pieces = [passage.feed(octets[at : at + size]) for at in range(0, len(octets), size)]
    return b"".join([*pieces, passage.flush()])
