"""Inputs that a careless implementation makes quadratic: one shape a carelessness, in any size, in any cut.

This file must not know how growth is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stomp_sansio import Connection, FrameParser, Limits, Message

from . import ours
from .corpora import cut
from .growth import Prepare

__all__ = ["SHAPES", "Shape", "feeding"]

MIB = 1 << 20
GENEROUS = Limits(max_line=4 * MIB, max_headers=MIB, max_header_block=4 * MIB, max_body=4 * MIB)
"""Limits that stand in nobody's way: growth is about what comes before a limit strikes, and limits are the
user's.
"""

WHOLE = 0
"""The chunk size that stands for no cut at all."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A stream of about any size, or work of any size, and what it is meant to catch."""

    name: str
    prepare: Prepare
    largest: int = MIB


def feeding(build: Callable[[int], bytes], chunk: int, *, tolerant: bool = False, least: int = 1) -> Prepare:
    """Return the work of feeding a parser what `build` makes of a size, polling after each chunk.

    It must find `least` frames.
    """

    def prepare(size: int) -> Callable[[], object]:
        data = build(size)
        chunks = [data] if chunk == WHOLE else cut(data, chunk)
        parser = FrameParser(limits=GENEROUS, tolerant=tolerant)

        def run() -> None:
            found = 0
            for piece in chunks:
                parser.receive_data(piece)
                while parser.next_frame() is not None:
                    found += 1
            if found < least:
                raise ValueError(f"{found} frames: this measures nothing")

        return run

    return prepare


def _head_of(line: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return a builder of one frame whose head is `line(0)`, `line(1)`, ... until the size is reached."""

    def build(size: int) -> bytes:
        lines = [line(number) for number in range(size // len(line(0)))]
        return b"MESSAGE\n" + b"".join(lines) + b"\n\0"

    return build


BUILDERS: dict[str, Callable[[int], bytes]] = {
    "a head of many lines": _head_of(lambda number: b"x-name-%07d:%s\n" % (number, 8 * b"some value ")),
    "a head of CR LF lines": _head_of(lambda number: b"x-name-%07d:%s\r\n" % (number, 8 * b"some value ")),
    "a head of one name, repeated": _head_of(lambda number: b"x-name:another value of it\n"),
    "a head of one line": lambda size: b"MESSAGE\nx:" + b"v" * size + b"\n\n\0",
    "a value of escapes": lambda size: b"MESSAGE\nx:" + b"\\n" * (size // 2) + b"\n\n\0",
    "a value of colons": lambda size: b"MESSAGE\nx:" + b":" * size + b"\n\n\0",
    "a body of announced length": lambda size: b"MESSAGE\ncontent-length:%d\n\n" % size + b"b" * size + b"\0",
    "a body that ends at its NUL": lambda size: b"MESSAGE\n\n" + b"b" * size + b"\0",
    "a body of NULs": lambda size: b"MESSAGE\ncontent-length:%d\n\n" % size + bytes(size + 1),
    "small frames": lambda size: b"RECEIPT\nreceipt-id:1\n\n\0\n" * (size // 24),
    "heart-beats": lambda size: b"\n" * size + b"RECEIPT\nreceipt-id:1\n\n\0",
    "heart-beats of CR LF": lambda size: b"\r\n" * (size // 2) + b"RECEIPT\nreceipt-id:1\n\n\0",
}

TOLERATED: dict[str, Callable[[int], bytes]] = {
    "a value that is not UTF-8": lambda size: b"MESSAGE\nx:" + b"\xe2\x82" * (size // 2) + b"\n\n\0",
    "a value of NULs": lambda size: b"MESSAGE\nx:" + bytes(size) + b"\n\n\0",
}

FRAME = b"RECEIPT\nreceipt-id:1\n\n\0\n"
MESSAGE = b"MESSAGE\nsubscription:sub-0\nmessage-id:1\ndestination:/queue/a\n\n\0\n"


def _one_for_one(size: int) -> Callable[[], object]:
    """A backlog of small frames, and a caller who takes one frame for each chunk that comes."""
    parser = FrameParser(limits=GENEROUS)
    count = size // len(FRAME)
    backlog = FRAME * count

    def run() -> None:
        parser.receive_data(backlog)
        for _ in range(count):
            parser.receive_data(b"\n")
            if parser.next_frame() is None:
                raise ValueError("a frame is missing: this measures nothing")

    return run


def _chunks_before_polling(size: int) -> Callable[[], object]:
    """Small chunks that pile up, the caller asking how much is unread after each, as a back-pressure rule
    would.
    """
    parser = FrameParser(limits=GENEROUS)
    chunks = cut(b"MESSAGE\n\n" + b"b" * size + b"\0", 16)

    def run() -> None:
        for chunk in chunks:
            parser.receive_data(chunk)
            _ = parser.unread
        if parser.next_frame() is None:
            raise ValueError("the frame is missing: this measures nothing")

    return run


def _events(size: int) -> Callable[[], object]:
    """A backlog of messages in a connection, and a caller who asks between events whether to read on."""
    connection = ours.connected()
    count = size // len(MESSAGE)
    backlog = MESSAGE * count

    def run() -> None:
        connection.receive_data(backlog, 0.0)
        for _ in range(count):
            connection.receive_data(b"\n", 0.0)
            if connection.next_event() is None or connection.next_deadline() is not None:
                raise ValueError("an event is missing: this measures nothing")
            _ = connection.wants_read

    return run


def _writing(piece: int) -> Prepare:
    """Many small SENDs queued, written by a slow writer who takes `piece` octets at a time."""

    def prepare(size: int) -> Callable[[], object]:
        connection: Connection = ours.connected()
        count = size // 64

        def run() -> None:
            for _ in range(count):
                connection.send("/queue/a", b"0123456789abcdef01234567")
            written = 0
            while data := connection.data_to_send(0.0, piece):
                written += len(data)
            if written < size // 2:
                raise ValueError(f"{written} octets: this measures nothing")

        return run

    return prepare


def _large_send(size: int) -> Callable[[], object]:
    """One large SEND, written octet by octet."""
    connection = ours.connected()
    body = b"b" * size

    def run() -> None:
        connection.send("/queue/a", body)
        while connection.data_to_send(0.0, 1):
            pass

    return run


def _acknowledging(step: int) -> Prepare:
    """Messages that await acknowledgement, and a client who gives one cumulative ACK for each `step`."""

    def prepare(size: int) -> Callable[[], object]:
        count = size // 64
        frames = [
            MESSAGE.replace(b"sub-0\nmessage-id:1\n", b"growing\nmessage-id:1\nack:%d\n" % number)
            for number in range(count)
        ]
        connection = ours.connected(limits=Limits(max_unacknowledged=count))
        connection.subscribe("/queue/a", id="growing", ack="client")
        connection.data_to_send(0.0)
        connection.receive_data(b"".join(frames), 0.0)
        messages = [message for message in iter(connection.next_event, None) if isinstance(message, Message)]

        def run() -> None:
            for message in messages[step - 1 :: step]:
                connection.ack(message)
            if not connection.unsent:
                raise ValueError("nothing was acknowledged: this measures nothing")

        return run

    return prepare


SHAPES: tuple[Shape, ...] = (
    *(Shape(f"{name}, whole", feeding(build, WHOLE)) for name, build in BUILDERS.items()),
    *(Shape(f"{name}, whole", feeding(build, WHOLE, tolerant=True)) for name, build in TOLERATED.items()),
    *(Shape(f"{name}, octet by octet", feeding(build, 1)) for name, build in BUILDERS.items()),
    *(
        Shape(f"{name}, octet by octet", feeding(build, 1, tolerant=True))
        for name, build in TOLERATED.items()
    ),
    Shape("a backlog of frames, one taken for each octet that comes", _one_for_one),
    Shape("small chunks, their sum asked for", _chunks_before_polling),
    Shape("a backlog of messages in a connection", _events),
    Shape("small SENDs, written in pieces of 16 octets", _writing(16)),
    Shape("small SENDs, written in pieces of 1,448 octets", _writing(1_448)),
    Shape("one large SEND, written octet by octet", _large_send),
    Shape("acknowledgements, one for each message", _acknowledging(1)),
    Shape("acknowledgements, one for 100 messages", _acknowledging(100)),
)
