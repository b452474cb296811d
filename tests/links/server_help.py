"""A driver for servers, and an HTTP client on it (h11's): what the tests of the server side share."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import h11

from stomp_sansio.links.peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened
from stomp_sansio.links.server import LinkServer
from stomp_sansio.links.server_options import ServerOptions
from stomp_sansio.machine import CloseStream, StreamId, StreamLoss
from tests.links.driver import MemoryDriver


def token_bytes(count: int) -> bytes:
    return bytes(range(count))


class ServerDriver(MemoryDriver[PeerEvent]):
    """Drives a `LinkServer`: accepts streams, and carries out its wishes to end them."""

    machine: LinkServer

    def __init__(self, **options) -> None:
        super().__init__(LinkServer(token_bytes, ServerOptions(**options)))
        self.numbers = count(1)
        self.ended: list[StreamId] = []

    def accept(self, listener: int = 0, address: str | None = None) -> StreamId:
        stream = StreamId(next(self.numbers))
        self.written[stream] = bytearray()
        self.living.add(stream)
        self.reads[stream] = True
        self.machine.stream_accepted(stream, listener, address or f"10.0.0.{stream}:4711", self.now)
        self.drain()
        return stream

    def settle(self) -> None:
        """Write everything, and end the streams that are to be ended."""
        while True:
            for stream in sorted(self.living):
                self.pull(stream)
            wishes = [action for action in self.take_actions() if isinstance(action, CloseStream)]
            if not wishes:
                return
            for wish in wishes:
                if wish.stream in self.living:
                    self.ended.append(wish.stream)
                    self.lose(wish.stream, StreamLoss.CLOSED)

    def say(self, stream: StreamId, octets: bytes, cut: int | None = None) -> bytes:
        """Hand in octets and return what is written on the same stream until all is quiet."""
        before = len(self.written[stream])
        self.feed(stream, octets, cut)
        self.settle()
        return bytes(self.written[stream][before:])

    def peers(self) -> list[PeerId]:
        return [event.peer for event in self.events if isinstance(event, PeerOpened)]

    def data(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, PeerData))

    def gone(self) -> list[PeerClosed]:
        return [event for event in self.events if isinstance(event, PeerClosed)]


@dataclass
class Answer:
    """What came back so far."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False

    def header(self, name: str) -> str | None:
        return next((value for field, value in self.headers if field == name.lower()), None)


class HttpPeer:
    """An HTTP client on one stream of a server."""

    def __init__(self, driver: ServerDriver, stream: StreamId | None = None) -> None:
        self.driver = driver
        self.stream = driver.accept() if stream is None else stream
        self.http = h11.Connection(h11.CLIENT)
        self.answer = Answer()
        self.read_to = len(driver.written[self.stream])

    def request(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
        cut: int | None = None,
    ) -> Answer:
        """Ask, and return what is there at once."""
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        fields = [("Host", "example.com"), ("Content-Length", str(len(body))), *(headers or [])]
        octets = self.http.send(h11.Request(method=method, target=target, headers=fields)) or b""
        octets += self.http.send(h11.Data(data=body)) or b"" if body else b""
        octets += self.http.send(h11.EndOfMessage()) or b""
        self.answer = Answer()
        self.driver.feed(self.stream, octets, cut)
        return self.more()

    def get(self, target: str, headers: list[tuple[str, str]] | None = None) -> Answer:
        return self.request("GET", target, headers)

    def post(self, target: str, body: bytes = b"", headers: list[tuple[str, str]] | None = None) -> Answer:
        return self.request("POST", target, headers, body)

    def options(self, target: str, headers: list[tuple[str, str]] | None = None) -> Answer:
        return self.request("OPTIONS", target, headers)

    def more(self) -> Answer:
        """Read on: return the same answer with what has come since."""
        self.driver.settle()
        octets = bytes(self.driver.written[self.stream][self.read_to :])
        self.read_to += len(octets)
        if octets:
            self.http.receive_data(octets)
        if self.stream not in self.driver.living:
            self.http.receive_data(b"")
        while True:
            event = self.http.next_event()
            if isinstance(event, h11.Response):
                self.answer.status = event.status_code
                self.answer.headers = [
                    (name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers
                ]
            elif isinstance(event, h11.Data):
                self.answer.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.answer.whole = True
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return self.answer

    def abort(self) -> None:
        """Break the stream."""
        self.driver.lose(self.stream, StreamLoss.RESET)
