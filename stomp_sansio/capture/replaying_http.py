"""Replaying SockJS over plain HTTP requests: answers are read as they were, whichever streams they came on.

What lives here joins the streams of one session. It must not know what STOMP says.
"""

from __future__ import annotations

from ..errors import RemoteProtocolError
from ..links.http_client import HttpClient, ResponseData, ResponseHead
from ..links.info import parse_info
from ..links.link import Phase
from ..links.opening import lost_stream
from ..links.sockjs import closed_session
from ..links.sockjs_frames import ResponseLines, SockJSClose, SockJSMessages, SockJSOpen, SockJSReceiver
from ..links.sockjs_status import Outcome, judge_status, refused_request
from ..machine import StreamId, StreamLoss
from ..protocol.limits import Limits
from .records import Kind, Record
from .stage import Stage
from .talks import Ending, Talk

__all__ = ["HttpReaders"]

_ASKED = frozenset({("GET", "info"), ("POST", "xhr"), ("POST", "xhr_streaming"), ("POST", "xhr_send")})
_TRANSPORTS = {"xhr_streaming": "xhr-streaming", "xhr": "xhr-polling"}


class _Stream:
    """A stream that carries requests."""

    def __init__(self, name: StreamId, where: str, limits: Limits) -> None:
        self.where = where
        self.client = HttpClient(limits)
        self.lines = ResponseLines(limits, streaming=False)
        self.kind = ""
        """What is asked for: "info", "xhr_streaming", "xhr", "xhr_send"; "" for anything else."""
        self.conversation: object = name
        self.status = 0
        self.location: str | None = None
        self.body = bytearray()
        self.ours = False
        """Whether our side ends it."""


class HttpReaders:
    """All streams of a client that carry requests."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._limits = stage.limits or Limits.client()
        self._streams: dict[StreamId, _Stream] = {}
        self._receivers: dict[object, SockJSReceiver] = {}

    def open(self, stream: StreamId, where: str) -> None:
        """Take note of a stream."""
        self._streams[stream] = _Stream(stream, where, self._limits)

    def asked(self, name: StreamId, line: str, now: float) -> None:
        """Ask what our side asked: the head has begun with this line."""
        stream = self._streams.get(name)
        words = line.split(" ")
        if stream is None or not stream.client.idle or len(words) != 3:
            return
        path = words[1].partition("?")[0]
        base, _, kind = path.rpartition("/")
        stream.kind = kind if (words[0], kind) in _ASKED else ""
        stream.conversation = base.encode("latin-1") if stream.kind.startswith("xhr") else name
        stream.lines = ResponseLines(self._limits, streaming=kind == "xhr_streaming")
        stream.body.clear()
        stream.client.request(words[0], path, [(b"Host", b"recorded")])

    def take(self, item: Record) -> None:
        """Take in a record of a stream."""
        assert item.stream is not None, "only records of streams come here"
        stream, now = self._streams[item.stream], item.time
        if item.kind is Kind.IN:
            stream.client.receive_data(item.octets)
            self._listen(stream, now)
        elif item.kind is Kind.EOF:
            stream.client.receive_eof()
            self._listen(stream, now)
        elif item.kind in (Kind.CLOSE, Kind.ABORT):
            stream.ours = True
        elif item.kind is Kind.LOST:
            self._lost(item.stream, stream, item, now)

    def _lost(self, name: StreamId, stream: _Stream, item: Record, now: float) -> None:
        del self._streams[name]
        conversation = stream.conversation
        if stream.kind.startswith("xhr") and not stream.ours and not stream.client.idle:
            phase = Phase.OPEN if conversation in self._stage.talks else Phase.UPGRADE
            lost = lost_stream(phase, item.why or StreamLoss.CLOSED, item.about, stream.where)
            self._end(conversation, Ending.of(lost), now)
        elif not stream.kind.startswith("xhr"):
            if item.why is not StreamLoss.CLOSED and not stream.ours:
                lost = lost_stream(Phase.TCP, item.why or StreamLoss.CLOSED, item.about, stream.where)
                self._end(name, Ending.of(lost), now)
        elif all(other.conversation != conversation for other in self._streams.values()):
            self._end(conversation, Ending("This side closed the SockJS session"), now)

    def _listen(self, stream: _Stream, now: float) -> None:
        """Take what a response brings."""
        try:
            while (event := stream.client.next_event()) is not None:
                if isinstance(event, ResponseHead):
                    stream.status, stream.location = event.status, event.location
                    self._judge(stream)
                elif isinstance(event, ResponseData):
                    stream.body += event.data[: max(self._limits.max_info_body + 1 - len(stream.body), 0)]
                    stream.lines.receive(event.data)
                    self._frames(stream, now)
                else:
                    stream.lines.end()
                    self._frames(stream, now)
                    if stream.kind == "info":
                        parse_info(stream.status, bytes(stream.body), self._limits, location=stream.location)
        except RemoteProtocolError as error:
            self._end(stream.conversation, Ending(str(error), error, stream.status or None), now)

    def _judge(self, stream: _Stream) -> None:
        if stream.kind.startswith("xhr") and judge_status(stream.kind, stream.status) is not Outcome.OK:
            opened = stream.conversation in self._stage.talks
            raise refused_request(stream.kind, stream.status, stream.location, opened=opened)

    def _frames(self, stream: _Stream, now: float) -> None:
        if stream.kind not in _TRANSPORTS:
            return
        receiver = self._receivers.setdefault(stream.conversation, SockJSReceiver(self._limits))
        while (frame := stream.lines.next_frame()) is not None:
            event = receiver.receive(frame)
            if isinstance(event, SockJSOpen):
                self._stage.begin(stream.conversation, "client", _TRANSPORTS[stream.kind], now)
            elif isinstance(event, SockJSMessages):
                if event.messages:
                    self._talk(stream.conversation).receive(b"".join(event.messages), now)
            elif isinstance(event, SockJSClose):
                opened = stream.conversation in self._stage.talks
                self._end(stream.conversation, Ending.of(closed_session(event, opened=opened)), now)

    def _talk(self, conversation: object) -> Talk:
        return self._stage.fail(conversation, "client")

    def _end(self, conversation: object, ending: Ending, now: float) -> None:
        self._talk(conversation).end(ending, now)
