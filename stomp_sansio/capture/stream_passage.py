"""One stream on its way into a capture: which protocol it carries is seen at its first octets.

What lives here chooses; it must not know what any protocol says.
"""

from __future__ import annotations

from collections.abc import Callable

from .http_passage import HttpPassage, HttpTalk
from .passage import Passage
from .surroundings import Surroundings

__all__ = ["StreamPassages"]

_METHODS = tuple(
    method + b" "
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT")
)
_ANSWERS = (b"HTTP/",)


class StreamPassages:
    """Both directions of one stream."""

    def __init__(self, surroundings: Surroundings, stream: object) -> None:
        """`stream` names the conversation that the stream is, if it is one."""
        self._surroundings = surroundings
        self._stream = stream
        talk = HttpTalk(surroundings, stream, self._tunnel)
        self.client: Passage = _Beginning(_METHODS, lambda http: self._chosen(talk, http, from_client=True))
        """What the client says."""
        self.server: Passage = _Beginning(_ANSWERS, lambda http: self._chosen(talk, http, from_client=False))
        """What the server says."""

    def _chosen(self, talk: HttpTalk, http: bool, *, from_client: bool) -> Passage:
        if http:
            return HttpPassage(talk, from_client=from_client)
        return self._surroundings.stomp(self._stream, from_client)

    def _tunnel(self) -> tuple[Passage, Passage]:
        inside = StreamPassages(self._surroundings, self._stream)
        return inside.client, inside.server


class _Beginning:
    """A direction that has not said yet what it is."""

    __slots__ = ("_beginnings", "_choose", "_chosen", "_held")

    def __init__(self, beginnings: tuple[bytes, ...], choose: Callable[[bool], Passage]) -> None:
        self._beginnings = beginnings
        self._choose = choose
        self._chosen: Passage | None = None
        self._held = b""

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; they wait until it is seen what they are."""
        if self._chosen is None:
            self._held += octets
            http = self._held.startswith(self._beginnings)
            if not http and any(known.startswith(self._held) for known in self._beginnings):
                return b""
            self._chosen = self._choose(http)
            octets, self._held = self._held, b""
        return self._chosen.feed(octets)

    def flush(self) -> bytes:
        """Decide everything: what has said so little is taken for STOMP."""
        if self._chosen is None:
            if not self._held:
                return b""
            self._chosen = self._choose(False)
            held, self._held = self._held, b""
            return self._chosen.feed(held) + self._chosen.flush()
        return self._chosen.flush()
