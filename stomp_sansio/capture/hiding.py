"""What the streams of a capture share while secrets are hidden: the secrets, and a passage for each
direction.

What lives here must not know what goes through them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..machine import StreamId
from .passage import Passage
from .secrets import Secrets
from .stomp_passage import StompPassage
from .stream_passage import StreamPassages

__all__ = ["Hiding"]


class Hiding:
    """Hides the secrets of one capture."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Begin with the secrets that are known."""
        self.secrets = Secrets(known)
        self._streams: dict[StreamId, StreamPassages] = {}

    def way(self, stream: StreamId, *, incoming: bool) -> Passage:
        """Return the passage for octets of a stream. Who opened it is the client."""
        passages = self._streams.get(stream)
        if passages is None:
            passages = self._streams[stream] = StreamPassages(self, stream)
        # Streams that were opened to us have negative names.
        return passages.server if incoming is (stream > 0) else passages.client

    def stomp(self, conversation: object, from_client: bool) -> Passage:
        """Return a passage for STOMP: its own for each body of a request, since several may be on their
        way."""
        return StompPassage(self.secrets)

    def note(self, from_client: bool, text: str) -> None:
        """Ignore what a transport said: its octets tell."""

    def asked(self, kind: bytes, conversation: bytes) -> None:
        """Ignore what was asked for."""

    def forget(self, stream: StreamId) -> None:
        """Forget a stream that is gone."""
        self._streams.pop(stream, None)

    def shown(self, text: str) -> str:
        """Return a sentence without the secrets."""
        return self.secrets.hidden(text.encode("utf-8", "replace")).decode("utf-8", "replace")
