"""What the streams of a capture share while secrets are hidden: the secrets, and a passage for each
direction.

What lives here must not know what goes through them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..machine import StreamId
from .passage import Passage
from .secrets import Scanner, Secrets
from .stomp_passage import StompPassage
from .stream_passage import StreamPassages

__all__ = ["Hiding"]


_NO_WORD = 8
"""Octets: what is shorter may well be a word, or a number, that a protocol needs."""


class _Searched:
    """A passage, and behind it a search that knows no messages: a stream may not keep to their borders."""

    __slots__ = ("_inner", "_scanner")

    def __init__(self, inner: Passage, secrets: Secrets) -> None:
        self._inner = inner
        self._scanner = Scanner(secrets)

    def feed(self, octets: bytes) -> bytes:
        """Take in octets."""
        return self._scanner.feed(self._inner.feed(octets))

    def flush(self) -> bytes:
        """Decide everything."""
        return self._scanner.feed(self._inner.flush()) + self._scanner.flush()


class Hiding:
    """Hides the secrets of one capture."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Begin with the secrets that are known."""
        known = list(known)
        self.secrets = Secrets(known)
        # What is known from the beginning, and no word of any protocol, is hidden whatever it is a part of.
        self._known = Secrets(value for value in known if len(value) >= _NO_WORD and not value.isdigit())
        self._streams: dict[StreamId, tuple[Passage, Passage]] = {}

    def way(self, stream: StreamId, *, incoming: bool) -> Passage:
        """Return the passage for octets of a stream. Who opened it is the client."""
        found = self._streams.get(stream)
        if found is None:
            passages = StreamPassages(self, stream)
            found = _Searched(passages.client, self._known), _Searched(passages.server, self._known)
            self._streams[stream] = found
        # Streams that were opened to us have negative names.
        return found[1] if incoming is (stream > 0) else found[0]

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
