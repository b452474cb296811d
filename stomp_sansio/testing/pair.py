"""`Pair`: the two sides of one connection, joined without anything in between.

What lives here carries octets from one to the other. It must not know what they mean.
"""

from __future__ import annotations

from typing import NamedTuple

from ..protocol.connection import Connection
from ..protocol.events import ClientEvent, Connected, ServerEvent
from ..protocol.headers import HeaderPairs
from ..protocol.server_connection import ServerConnection

__all__ = ["Exchanged", "Pair"]


class Exchanged(NamedTuple):
    """What both sides heard, each in its order."""

    client: list[ClientEvent]
    server: list[ServerEvent]


class Pair:
    """A client and a server that hear what the other one says, when `exchange` is called.

    Time is `now`, which nobody moves but `advance`.
    """

    client: Connection
    server: ServerConnection
    now: float
    """Seconds; set it as you like before anything is said."""

    def __init__(
        self,
        client: Connection | None = None,
        server: ServerConnection | None = None,
        *,
        piece: int | None = None,
    ) -> None:
        """Join two connections; each is made with its defaults unless it is given.

        `piece` is how many octets are handed over at once; None hands over whatever was said.
        """
        if piece is not None and piece < 1:
            raise ValueError(f"piece is {piece}: pass at least 1 octet, or None for all of them")
        self.client = Connection() if client is None else client
        self.server = ServerConnection() if server is None else server
        self.now = 0.0
        self._piece = piece

    def establish(
        self,
        *,
        host: str | None = "/",
        login: str | None = None,
        passcode: str | None = None,
        headers: HeaderPairs = (),
    ) -> Connected:
        """Send CONNECT, accept it, and return what the client was told.

        Raises:
            LocalProtocolError: one side has said something before. The caller is to blame.
        """
        self.client.connect(host=host, login=login, passcode=passcode, headers=headers)
        self.exchange()
        self.server.accept()
        (connected,) = self.exchange().client
        assert isinstance(connected, Connected), "that is what accept() says"
        return connected

    def exchange(self) -> Exchanged:
        """Carry everything that either side has to say to the other one, until both are quiet.

        Returns what they heard; answer the server's events with its methods, and call it again.
        """
        heard = Exchanged([], [])
        self._take(heard)
        while (there := self.client.data_to_send(self.now)) + (back := self.server.data_to_send(self.now)):
            for piece in self._cut(there):
                self.server.receive_data(piece, self.now)
                self._take(heard)
            for piece in self._cut(back):
                self.client.receive_data(piece, self.now)
                self._take(heard)
        return heard

    def advance(self, seconds: float) -> Exchanged:
        """Let time pass: every deadline on the way is visited, in order, and what comes of it is carried."""
        until = self.now + seconds
        heard = self.exchange()
        while (instant := self._next_deadline()) is not None and instant <= until:
            self.now = max(self.now, instant)
            self.client.handle_timeout(self.now)
            self.server.handle_timeout(self.now)
            more = self.exchange()
            heard.client.extend(more.client)
            heard.server.extend(more.server)
        self.now = until
        return heard

    def lose(self) -> Exchanged:
        """End the stream under both sides; what they have not said yet is lost."""
        self.client.receive_eof(self.now)
        self.server.receive_eof(self.now)
        heard = Exchanged([], [])
        self._take(heard)
        return heard

    def _take(self, heard: Exchanged) -> None:
        while (said := self.client.next_event()) is not None:
            heard.client.append(said)
        while (asked := self.server.next_event()) is not None:
            heard.server.append(asked)

    def _next_deadline(self) -> float | None:
        instants = (self.client.next_deadline(), self.server.next_deadline())
        return min((instant for instant in instants if instant is not None), default=None)

    def _cut(self, octets: bytes) -> list[bytes]:
        size = self._piece or len(octets) or 1
        return [octets[start : start + size] for start in range(0, len(octets), size)]
