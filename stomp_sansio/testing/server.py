"""`Server`: a machine that puts a `ServerConnection` on every stream, and leaves the answers to a test.

What lives here moves octets and events. It must not know what a server does with messages.
"""

from __future__ import annotations

from collections.abc import Callable

from ..machine import CloseStream, StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.events import ConnectRequest, ServerEvent
from ..protocol.server_connection import ServerConnection

__all__ = ["Answer", "Server"]

Answer = Callable[[ServerConnection, ServerEvent], None]
"""Is told each event of a connection, and answers through the methods of that connection, or of others."""


def _accept(connection: ServerConnection, event: ServerEvent) -> None:
    """Accept everybody, confirm everything, and deliver nothing."""
    if isinstance(event, ConnectRequest):
        connection.accept()
    elif (receipt := getattr(event, "receipt", None)) is not None:
        connection.receipt(receipt)


class Server:
    """A machine that accepts plain streams of STOMP. Add it to a `Network` and let it listen.

    It never finishes. What is said by hand, outside of `answer`, is written after its host's `kick`.
    """

    connections: dict[StreamId, ServerConnection]
    """Those whose streams are there, by the names of the streams."""
    finished = False

    def __init__(
        self,
        answer: Answer = _accept,
        make: Callable[[], ServerConnection] = ServerConnection,
    ) -> None:
        """Make a server; without `answer` it accepts everybody, confirms everything and delivers nothing.

        `make` makes a connection for each stream.
        """
        self.connections = {}
        self._answer = answer
        self._make = make
        self._closing: set[StreamId] = set()

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Put a connection on the stream."""
        self.connections[stream] = self._make()

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Pass octets on, and answer what they say."""
        self.connections[stream].receive_data(data, now)
        self._settle(stream)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Pass the end on."""
        self.connections[stream].receive_eof(now)
        self._settle(stream)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """End the connection, and forget it."""
        self.connections[stream].receive_eof(now)
        self._settle(stream)
        del self.connections[stream]
        self._closing.discard(stream)

    def handle_timeout(self, now: float) -> None:
        """Let every connection do what is due."""
        for stream, connection in list(self.connections.items()):
            connection.handle_timeout(now)
            self._settle(stream)

    def _settle(self, stream: StreamId) -> None:
        connection = self.connections[stream]
        while (event := connection.next_event()) is not None:
            self._answer(connection, event)

    def next_action(self) -> StreamAction | None:
        """Return the wish to close the stream of a connection that is over, or None."""
        for stream, connection in self.connections.items():
            if connection.wants_close and stream not in self._closing:
                self._closing.add(stream)
                return CloseStream(stream)
        return None

    def next_event(self) -> None:
        """Return None: events go to `answer`."""

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over what the connection has to say."""
        return self.connections[stream].data_to_send(now, max_bytes)

    def wants_read(self, stream: StreamId) -> bool:
        """Read as the connection wants; what comes behind its end as well, which it ignores."""
        connection = self.connections[stream]
        return connection.wants_read or connection.wants_close

    def changed_streams(self) -> list[StreamId]:
        """Return every stream: an answer may have been given on any of them."""
        return list(self.connections)

    def next_deadline(self) -> float | None:
        """Return the earliest deadline of all connections."""
        instants = (connection.next_deadline() for connection in self.connections.values())
        return min((instant for instant in instants if instant is not None), default=None)

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Never told: a server opens no streams."""

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Never told: a server starts no TLS."""

    def wants_run(self) -> bool:
        """Return False: no work is left over."""
        return False

    def run(self, now: float) -> None:
        """Do nothing."""
