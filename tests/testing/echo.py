"""Two machines for tests of the network: one that calls and writes, one that is called and answers.

They note what they are told. What lives here must not know STOMP, nor the network.
"""

from __future__ import annotations

from collections import deque

from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
    TLSWish,
)

ADDRESS = TCPAddress("there", 1)
TLS = TLSWish("there")


class Plain:
    """What both have in common: queues of octets, and a note of everything they are told."""

    finished = False

    def __init__(self) -> None:
        self.told: list[tuple[float, str, object]] = []
        self.heard: dict[StreamId, bytearray] = {}
        self.outgoing: dict[StreamId, bytearray] = {}
        self.actions: deque[StreamAction] = deque()
        self.reads = True
        self.deadline: float | None = None
        self.runs = 0
        self.touched: list[StreamId] = []

    def _begin(self, stream: StreamId) -> None:
        self.heard[stream] = bytearray()
        self.outgoing.setdefault(stream, bytearray())

    def say(self, octets: bytes, stream: StreamId | None = None) -> None:
        stream = stream or next(iter(self.outgoing))
        self.outgoing[stream] += octets
        self.touched.append(stream)

    def read(self, reads: bool) -> None:
        self.reads = reads
        self.touched += list(self.heard)

    def what(self) -> list[str]:
        """Return what it was told, without instants."""
        return [f"{name} {detail}".strip() for _, name, detail in self.told]

    @property
    def octets(self) -> bytes:
        (octets,) = self.heard.values()
        return bytes(octets)

    def next_action(self) -> StreamAction | None:
        return self.actions.popleft() if self.actions else None

    def next_event(self) -> str | None:
        return None

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self.told.append((now, "opened", ""))
        self._begin(stream)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self.told.append((now, "accepted", listener))
        self._begin(stream)

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self.told.append((now, "tls", ""))

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self.told.append((now, "lost", why.value))

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self.told.append((now, "data", len(data)))
        self.heard[stream] += data

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self.told.append((now, "eof", ""))
        self.actions.append(CloseStream(stream))

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        octets = self.outgoing.get(stream, bytearray())
        piece = bytes(octets[:max_bytes])
        del octets[:max_bytes]
        return piece

    def wants_read(self, stream: StreamId) -> bool:
        return self.reads

    def changed_streams(self) -> list[StreamId]:
        touched, self.touched = self.touched, []
        return touched

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.told.append((now, "time", ""))
        self.deadline = None

    def wants_run(self) -> bool:
        return self.runs > 0

    def run(self, now: float) -> None:
        self.runs -= 1
        self.told.append((now, "run", ""))


class Caller(Plain):
    """Opens one stream, and writes into it what it is given."""

    STREAM = StreamId(1)

    def __init__(self, octets: bytes = b"", *, tls: TLSWish | None = None) -> None:
        super().__init__()
        self.outgoing[self.STREAM] = bytearray(octets)
        self.actions.append(OpenStream(self.STREAM, ADDRESS, tls))

    def close(self, *, abort: bool = False) -> None:
        self.actions.append(CloseStream(self.STREAM, abort))

    def start_tls(self) -> None:
        self.actions.append(StartTLS(self.STREAM, TLS))
