"""A message on its way through a broker, and which of a sender's headers go along.

This file must not know queues, topics or receivers.
"""

from __future__ import annotations

from ..errors import LocalProtocolError
from ..protocol.headers import Headers
from ..protocol.shared_message import SharedMessage, header_lines
from ..protocol.versions import Version

__all__ = ["StoredMessage", "reduced", "relayed_headers"]

# What SEND says to the broker alone, and what MESSAGE says of the delivery. Credentials that some clients
# repeat in every frame stop here too.
_NOT_RELAYED = frozenset(
    {
        "destination",
        "receipt",
        "transaction",
        "content-length",
        "subscription",
        "message-id",
        "ack",
        "redelivered",
        "login",
        "passcode",
    }
)

# What a message costs beside its octets: a handful of objects.
_OVERHEAD = 500


def relayed_headers(headers: Headers) -> list[tuple[str, str]]:
    """Return the headers of a SEND that its receivers get: STOMP 1.2, "MESSAGE", asks for all user-defined
    ones.
    """
    return [pair for pair in headers.pairs if pair[0] not in _NOT_RELAYED]


class StoredMessage:
    """One message. Where it waits is known to its queue, by `position`."""

    __slots__ = ("_text", "nacks", "position", "redelivered", "shared", "size")

    def __init__(self, shared: SharedMessage) -> None:
        self.shared = shared
        self.size = len(shared.body) + sum(len(n) + len(v) for n, v in shared.headers.pairs) + _OVERHEAD
        """Octets that it costs to keep, about."""
        self.position = 0
        self.redelivered = False
        """Whether somebody had it before, and did not acknowledge it."""
        self.nacks = 0
        """How often it was refused."""
        self._text: bool | None = None

    @property
    def is_text(self) -> bool:
        """Whether the body is UTF-8: some transports carry nothing else."""
        if self._text is None:
            try:
                self.shared.body.decode()
                self._text = True
            except UnicodeDecodeError:
                self._text = False
        return self._text


def reduced(message: SharedMessage, version: Version) -> SharedMessage:
    """Return a message without the headers that a version cannot represent: better without them than not at
    all.
    """
    kept = [pair for pair in message.headers.pairs if _representable(pair, version)]
    return SharedMessage(message.destination, message.message_id, message.body, headers=kept)


def _representable(pair: tuple[str, str], version: Version) -> bool:
    try:
        header_lines([pair], version)
    except LocalProtocolError:
        return False
    return True
