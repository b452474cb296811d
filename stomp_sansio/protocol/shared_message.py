"""`SharedMessage`: one message for many receivers, of which what they get alike is encoded once.

This file must not know who receives it, nor how a frame is queued.
"""

from __future__ import annotations

from .encoder import encode
from .frames import Frame
from .headers import HeaderPairs, Headers
from .versions import Version

__all__ = ["SharedMessage", "header_lines"]

_COMMAND = b"MESSAGE\n"
_END = b"\n\0"


def header_lines(headers: HeaderPairs, version: Version) -> bytes:
    """Return the octets of these headers of a MESSAGE, line ends included.

    Raises:
        LocalProtocolError: the version cannot represent one of them.
    """
    return encode(Frame("MESSAGE", headers), version)[len(_COMMAND) : -len(_END)]


class SharedMessage:
    """A message that `ServerConnection.deliver` writes to any number of subscriptions, body and all encoded
    once.

    What differs between receivers (the subscription, the id to acknowledge by) is written in front of it.
    """

    __slots__ = ("_octets", "body", "destination", "headers", "message_id")

    def __init__(
        self, destination: str, message_id: str, body: bytes = b"", *, headers: HeaderPairs = ()
    ) -> None:
        """Take what all receivers get. `headers` go behind `message-id` and `destination`, which they must
        not repeat, nor `subscription` and `ack`.
        """
        self.destination = destination
        self.message_id = message_id
        self.body = body
        self.headers = Headers(headers)
        self._octets: dict[Version, bytes] = {}

    def renamed(self, message_id: str) -> SharedMessage:
        """Return the same message with another id."""
        return SharedMessage(self.destination, message_id, self.body, headers=self.headers)

    def octets(self, version: Version) -> bytes:
        """Return the shared rest of the frame in a version: from the `message-id` line to the NUL.

        Raises:
            LocalProtocolError: the version cannot represent a header.
        """
        octets = self._octets.get(version)
        if octets is None:
            pairs = [("message-id", self.message_id), ("destination", self.destination), *self.headers.pairs]
            octets = encode(Frame("MESSAGE", pairs, self.body), version)[len(_COMMAND) :]
            self._octets[version] = octets
        return octets
