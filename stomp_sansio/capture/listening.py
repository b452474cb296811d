"""What was said in a capture: frames, heart-beats, and what transports said, whatever carried them.

What lives here listens to both sides and judges frames one by one. It must not know how a conversation has to
go, nor how anything is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ..errors import RemoteProtocolError
from ..machine import StreamId
from ..protocol.frames import Frame
from ..protocol.limits import Limits
from ..protocol.parser import FrameParser
from ..protocol.versions import Version
from ..records import record
from .passage import Passage
from .records import Kind, Record
from .secrets import NoSecrets
from .splitting import FrameSplitter
from .stream_passage import StreamPassages

__all__ = ["Ears", "Happened", "Heard", "HeartBeat", "Said", "Told", "listen"]


@record
class Said:
    """A frame."""

    time: float
    stream: StreamId
    from_client: bool
    octets: bytes
    """As they were, behind all transports."""
    frame: Frame | None
    """None where the octets are no frame; `error` says why."""
    error: RemoteProtocolError | None = None
    number: int = 0
    """Its place among all frames of the capture, from 1."""
    version: Version | None = None
    """The version in which it was read; None before one was agreed on."""
    whole: bool = True
    """Whether its end came."""
    conversation: object = None
    """What all frames of one connection share."""


@record
class HeartBeat:
    """An EOL between frames."""

    time: float
    stream: StreamId
    from_client: bool
    conversation: object = None


@record
class Told:
    """Something that a transport said: a first line of HTTP, a control frame of WebSocket."""

    time: float
    stream: StreamId
    from_client: bool
    text: str


@record
class Happened:
    """What became of a stream: the record itself."""

    time: float
    stream: StreamId
    record: Record


Heard: TypeAlias = Said | HeartBeat | Told | Happened


class _Conversation:
    """The STOMP of one connection, both directions."""

    def __init__(self, name: object) -> None:
        self.name = name
        self.splitters = {True: FrameSplitter(), False: FrameSplitter()}
        limits = Limits(max_body=1 << 40, max_line=1 << 20, max_headers=1 << 16, max_header_block=1 << 24)
        # What a client says is judged strictly, what a server relays is not.
        self.parsers = {
            True: FrameParser(None, limits),
            False: FrameParser(None, limits, tolerant=True),
        }
        self.errors: dict[bool, RemoteProtocolError] = {}

    def hear(self, octets: bytes, from_client: bool) -> tuple[Frame | None, RemoteProtocolError | None]:
        """Return what the octets of a frame say, or why they say nothing."""
        if from_client not in self.errors:
            parser = self.parsers[from_client]
            try:
                parser.receive_data(octets)
                frame = parser.next_frame()
            except RemoteProtocolError as error:
                self.errors[from_client] = error
            else:
                if frame is not None and frame.command == "CONNECTED":
                    self._agree(frame)
                return frame, None
        return None, self.errors[from_client]

    def _agree(self, frame: Frame) -> None:
        chosen = frame.headers.get("version", "1.0").strip(" \t\r")
        version = next((known for known in Version if known.value == chosen), None)
        for parser in self.parsers.values():
            parser.version = version


class Ears:
    """Hears everything, in order."""

    def __init__(self) -> None:
        # Nothing is hidden here: that was done when it was written.
        self.secrets = NoSecrets()
        self.heard: deque[Heard] = deque()
        self.frames = 0
        self.requests: dict[StreamId, tuple[bytes, bytes]] = {}
        self._streams: dict[StreamId, StreamPassages] = {}
        self._conversations: dict[object, _Conversation] = {}
        self._time = 0.0
        self._stream = StreamId(0)

    def take(self, item: Record) -> None:
        """Hear one record."""
        self._time = item.time
        if item.stream is None:
            return
        self._stream = item.stream
        if item.kind not in (Kind.IN, Kind.OUT):
            self.heard.append(Happened(item.time, item.stream, item))
            if item.kind is Kind.LOST:
                self._streams.pop(item.stream, None)
                self._end(item.stream)
            return
        passages = self._streams.setdefault(item.stream, StreamPassages(self, item.stream))
        from_client = (item.kind is Kind.OUT) is (item.stream > 0)
        (passages.client if from_client else passages.server).feed(item.octets)

    def stomp(self, conversation: object, from_client: bool) -> Passage:
        """Return ears for one direction of a conversation."""
        known = self._conversations.setdefault(conversation, _Conversation(conversation))
        return _Ear(self, known, from_client)

    def note(self, from_client: bool, text: str) -> None:
        """Hear what a transport says."""
        self.heard.append(Told(self._time, self._stream, from_client, text))

    def asked(self, kind: bytes, conversation: bytes) -> None:
        """Remember what was asked for last on a stream."""
        self.requests[self._stream] = kind, conversation

    def octets(self, conversation: _Conversation, from_client: bool, octets: bytes) -> None:
        """Hear octets of STOMP."""
        for piece in conversation.splitters[from_client].feed(octets):
            if piece in (b"\n", b"\r\n"):
                self.heard.append(HeartBeat(self._time, self._stream, from_client, conversation.name))
                continue
            version = conversation.parsers[from_client].version
            frame, error = conversation.hear(piece, from_client)
            self._say(conversation, from_client, piece, frame, error, version)

    def _say(
        self,
        conversation: _Conversation,
        from_client: bool,
        octets: bytes,
        frame: Frame | None,
        error: RemoteProtocolError | None,
        version: Version | None,
        *,
        whole: bool = True,
    ) -> None:
        self.frames += 1
        said = Said(
            self._time,
            self._stream,
            from_client,
            octets,
            frame,
            error,
            self.frames,
            version,
            whole,
            conversation.name,
        )
        self.heard.append(said)

    def _end(self, name: object) -> None:
        conversation = self._conversations.pop(name, None)
        if conversation is not None:
            self._finish(conversation)

    def finish(self) -> None:
        """Hear what was left unsaid."""
        for conversation in self._conversations.values():
            self._finish(conversation)

    def _finish(self, conversation: _Conversation) -> None:
        for from_client, splitter in conversation.splitters.items():
            if splitter.rest:
                version = conversation.parsers[from_client].version
                _, error = conversation.hear(splitter.rest, from_client)
                self._say(conversation, from_client, splitter.rest, None, error, version, whole=False)


class _Ear:
    """A passage that listens, and changes nothing."""

    __slots__ = ("_conversation", "_ears", "_from_client")

    def __init__(self, ears: Ears, conversation: _Conversation, from_client: bool) -> None:
        self._ears = ears
        self._conversation = conversation
        self._from_client = from_client

    def feed(self, octets: bytes) -> bytes:
        """Hear octets."""
        self._ears.octets(self._conversation, self._from_client, octets)
        return octets

    def flush(self) -> bytes:
        """Return nothing: nothing waits here."""
        return b""


def listen(records: Iterable[Record]) -> Iterator[Heard]:
    """Yield what was said and what happened, in order. A frame comes when its last octet did.

    Raises:
        CaptureError: as `read`, whose records these are.
    """
    ears = Ears()
    for item in records:
        ears.take(item)
        while ears.heard:
            yield ears.heard.popleft()
    ears.finish()
    yield from ears.heard
