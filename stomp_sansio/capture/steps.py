"""A capture as the steps of a diagram: one arrow or one remark each, in words.

What lives here chooses words, and leaves out what nobody wants to see twice. It must not know how a diagram
is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from ..machine import StreamId, StreamLoss
from ..protocol.frames import Frame
from ..records import record, replace
from .listening import Happened, HeartBeat, Said, Told, listen
from .records import Kind, Record
from .visible import shortened, visible

__all__ = ["Arrow", "Step", "steps_of"]


class Arrow(Enum):
    """Where a step goes."""

    TO_SERVER = ">"
    TO_CLIENT = "<"
    BOTH = "-"
    """Between the two: a remark."""


@record
class Step:
    """One line of a diagram."""

    time: float
    stream: StreamId | None
    arrow: Arrow
    text: str
    """In one line, printable."""
    weak: bool = False
    """Whether it is something of the transport."""
    fault: bool = False
    """Whether something is wrong."""
    number: int = 0
    """The number of the frame, from 1; 0 for what is none."""


_SHOWN = {
    "CONNECT": ("host", "login", "accept-version", "heart-beat"),
    "STOMP": ("host", "login", "accept-version", "heart-beat"),
    "CONNECTED": ("version", "heart-beat", "server"),
    "SEND": ("destination", "receipt", "transaction"),
    "MESSAGE": ("destination", "subscription", "message-id", "ack", "redelivered"),
    "SUBSCRIBE": ("destination", "id", "ack", "receipt"),
    "UNSUBSCRIBE": ("id", "destination", "receipt"),
    "ACK": ("id", "message-id", "transaction", "receipt"),
    "NACK": ("id", "message-id", "transaction", "receipt"),
    "BEGIN": ("transaction", "receipt"),
    "COMMIT": ("transaction", "receipt"),
    "ABORT": ("transaction", "receipt"),
    "DISCONNECT": ("receipt",),
    "RECEIPT": ("receipt-id",),
    "ERROR": ("message", "receipt-id"),
}
_LOSSES = {
    StreamLoss.UNRESOLVED: "the host name could not be resolved",
    StreamLoss.REFUSED: "nobody accepted the connection",
    StreamLoss.TLS_FAILED: "the TLS hand-shake failed",
    StreamLoss.CERTIFICATE_REFUSED: "the certificate was not accepted",
    StreamLoss.TRUNCATED: "TLS ended without its closing alert",
    StreamLoss.RESET: "the connection broke",
    StreamLoss.TIMEOUT: "it was given up after a while",
}
_LONGEST_VALUE = 60
_LONGEST_BODY = 40


def steps_of(records: Iterable[Record]) -> Iterator[Step]:
    """Yield the steps of a capture, in order.

    Heart-beats in a row are one step, and what a transport says again and again comes once.

    Raises:
        CaptureError: as `read`, whose records these are.
    """
    beats: Step | None = None
    counts = [0, 0]
    seen: set[tuple[bool, str]] = set()
    left_out = 0
    last = 0.0
    end: Record | None = None

    def watched() -> Iterator[Record]:
        nonlocal end
        for item in records:
            end = item
            yield item

    for heard in listen(watched()):
        last = heard.time
        if isinstance(heard, HeartBeat):
            counts[heard.from_client] += 1
            beats = Step(heard.time, heard.stream, Arrow.BOTH, "", weak=True)
            continue
        if isinstance(heard, Told):
            key = heard.from_client, heard.text
            if key in seen:
                left_out += 1
                continue
            seen.add(key)
        step = _step(heard)
        if step is None:
            continue
        if beats is not None:
            yield replace(beats, text=_beats(counts), arrow=_beats_arrow(counts))
            beats, counts = None, [0, 0]
        yield step
    if beats is not None:
        yield replace(beats, text=_beats(counts), arrow=_beats_arrow(counts))
    if left_out:
        times = "time" if left_out == 1 else "times"
        text = f"what HTTP and WebSocket said came again {left_out} {times}"
        yield Step(last, None, Arrow.BOTH, text, weak=True)
    if end is not None and end.kind is Kind.FULL:
        text = f"the capture was full here, at {visible(end.about)}: what followed is not in it"
        yield Step(end.time, None, Arrow.BOTH, text, fault=True)
    elif end is not None and end.kind is not Kind.END:
        yield Step(end.time, None, Arrow.BOTH, "the capture was cut off here", fault=True)


def _beats(counts: list[int]) -> str:
    both = sum(counts)
    if both == 1:
        return "heart-beat"
    if all(counts):
        return f"{both} heart-beats, {counts[1]} of the client and {counts[0]} of the server"
    return f"{both} heart-beats"


def _beats_arrow(counts: list[int]) -> Arrow:
    if all(counts):
        return Arrow.BOTH
    return Arrow.TO_SERVER if counts[1] else Arrow.TO_CLIENT


def _step(heard: Said | Told | Happened) -> Step | None:
    if isinstance(heard, Happened):
        words = _HAPPENED.get(heard.record.kind)
        if words is None:
            return None
        text, fault = words(heard.record)
        return Step(heard.time, heard.stream, Arrow.BOTH, visible(text), weak=True, fault=fault)
    arrow = Arrow.TO_SERVER if heard.from_client else Arrow.TO_CLIENT
    if isinstance(heard, Told):
        return Step(heard.time, heard.stream, arrow, visible(heard.text), weak=True)
    if heard.frame is not None:
        fault = heard.frame.command == "ERROR"
        text = frame_words(heard.frame)
        return Step(heard.time, heard.stream, arrow, text, fault=fault, number=heard.number)
    count = len(heard.octets)
    if heard.error is not None:
        text = f"{count} octets that are no frame: {heard.error}"
    else:
        text = f"{count} octets of a frame whose end did not come"
    return Step(heard.time, heard.stream, arrow, visible(text), fault=True, number=heard.number)


def frame_words(frame: Frame) -> str:
    """Return a frame in one line: its command, its main headers, the size and the beginning of its body."""
    words = [visible(frame.command)]
    for name in _SHOWN.get(frame.command, ()):
        value = frame.headers.get(name)
        if value is not None:
            words.append(f"{name}:{shortened(visible(value), _LONGEST_VALUE)}")
    if frame.body:
        octets = "octet" if len(frame.body) == 1 else "octets"
        words.append(f"({len(frame.body)} {octets})")
        try:
            text = frame.body[: 4 * _LONGEST_BODY].decode(
                "utf-8", "strict" if len(frame.body) < 160 else "ignore"
            )
        except UnicodeDecodeError:
            text = ""
        if text:
            words.append(shortened(visible(text), _LONGEST_BODY))
    return " ".join(words)


def _lost(item: Record) -> tuple[str, bool]:
    reason = None if item.why is None else _LOSSES.get(item.why)
    if reason is None:
        return "closed", False
    return f"lost: {reason}" + (f" ({item.about})" if item.about else ""), True


_HAPPENED: dict[Kind, Callable[[Record], tuple[str, bool]]] = {
    Kind.OPEN: lambda item: (
        f"connect to {item.about}" + (f", TLS for {item.tls}" if item.tls is not None else ""),
        False,
    ),
    Kind.OPENED: lambda item: ("connected", False),
    Kind.ACCEPTED: lambda item: (f"connected, from {item.about}", False),
    Kind.TLS: lambda item: (f"TLS has begun{f', {item.about}' if item.about else ''}", False),
    Kind.EOF: lambda item: ("the other side has ended the stream", False),
    Kind.PAUSE: lambda item: ("reading pauses: what waits must be taken first", False),
    Kind.RESUME: lambda item: ("reading goes on", False),
    Kind.LOST: _lost,
}
