"""Several machines behind one driver: each hears of its own streams, and leaves when it is finished."""

from __future__ import annotations

from collections import deque

from stomp_sansio.links.parts import Part, Parts
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
)

ONE, TWO = StreamId(1), StreamId(2)


class Scripted:
    """A machine with one stream that does what a test says."""

    def __init__(self, stream: StreamId) -> None:
        self.stream = stream
        self.heard: list[str] = []
        self.actions: deque[StreamAction] = deque([OpenStream(stream, TCPAddress("h", 1))])
        self.events: deque[str] = deque()
        self.changed: list[StreamId] = []
        self.deadline: float | None = None
        self.finished = False

    def next_action(self) -> StreamAction | None:
        return self.actions.popleft() if self.actions else None

    def next_event(self) -> str | None:
        return self.events.popleft() if self.events else None

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self.heard.append("opened")

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self.heard.append("accepted")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self.heard.append("tls")

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self.heard.append(f"lost {stream} {why.value} {detail}")
        self.finished = True

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self.heard.append("data")

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self.heard.append("eof")

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        return b""

    def wants_read(self, stream: StreamId) -> bool:
        return True

    def changed_streams(self) -> list[StreamId]:
        changed, self.changed = self.changed, []
        return changed

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.heard.append(f"timeout {now:g}")

    def wants_run(self) -> bool:
        return False

    def run(self, now: float) -> None:
        self.heard.append("run")

    def abort(self, now: float) -> None:
        self.heard.append("abort")
        self.actions.append(CloseStream(self.stream, abort=True))


def two() -> tuple[Parts[str], Scripted, Scripted]:
    parts: Parts[str] = Parts()
    one, other = Scripted(ONE), Scripted(TWO)
    for part in (one, other):
        as_part: Part[str] = part
        parts.add(as_part)
    return parts, one, other


def test_wishes_and_words_are_collected_and_streams_have_owners():
    parts, one, other = two()
    one.events.extend(["a", "b"])
    other.events.append("c")
    assert parts.collect() == [(one, "a"), (one, "b"), (other, "c")]
    assert parts.collect() == []
    assert [parts.next_action(), parts.next_action()] == [
        OpenStream(ONE, TCPAddress("h", 1)),
        OpenStream(TWO, TCPAddress("h", 1)),
    ]
    assert parts.next_action() is None
    assert parts.owner(ONE) is one
    assert parts.owner(TWO) is other


def test_who_is_finished_leaves_with_its_last_words():
    parts, one, other = two()
    parts.collect()
    one.changed = [ONE]
    other.changed = [TWO]
    parts.collect()
    one.events.append("last")
    parts.stream_lost(ONE, StreamLoss.RESET, 1.0, "errno")
    assert one.heard == ["lost 1 reset errno"]
    assert parts.changed_streams() == [TWO], "a lost stream is not looked at again"
    assert parts.changed_streams() == []
    assert parts.collect() == [(one, "last")]
    parts.abort(1.0)
    assert "abort" not in one.heard
    assert other.heard == ["abort"]
    assert parts.collect() == []
    assert CloseStream(TWO, abort=True) in list(iter(parts.next_action, None))
    assert bool(parts)
    parts.stream_lost(TWO, StreamLoss.CLOSED, 1.0, "")
    parts.collect()
    assert not bool(parts)


def test_the_earliest_deadline_counts_and_all_are_told():
    parts, one, other = two()
    assert parts.next_deadline() is None
    one.deadline = 5.0
    other.deadline = 3.0
    assert parts.next_deadline() == 3.0
    parts.handle_timeout(4.0)
    assert one.heard == other.heard == ["timeout 4"]
