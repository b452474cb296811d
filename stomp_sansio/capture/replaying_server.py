"""Replaying what a server recorded: its streams are read by a server's links once more.

What lives here looks at what was asked and answered, and lets in who was let in. It must not know what STOMP
says.
"""

from __future__ import annotations

from ..errors import LocalProtocolError
from ..links.origin import OriginPolicy
from ..links.peers import PeerClosed, PeerData, PeerId, PeerOpened
from ..links.server import LinkServer
from ..links.server_options import PATHS, ServerOptions
from ..machine import StreamId, StreamLoss
from ..protocol.limits import Limits
from .listening import HeartBeat, Said, Told, listen
from .records import Kind, Record
from .stage import Stage
from .talks import Ending, Talk

__all__ = ["ServerReader"]


class ServerReader:
    """Reads the streams that clients opened."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        options = ServerOptions(
            path=_bases(stage.items), origins=_origins(stage.items), limits=stage.limits or Limits.server()
        )
        self._server = LinkServer(bytes, options)
        self._conversations: dict[PeerId, object] = {}
        self._peers: dict[object, PeerId] = {}
        self._stream = StreamId(0)

    def take(self, item: Record) -> None:
        """Take in a record of a stream."""
        stream, server, now = item.stream, self._server, item.time
        assert stream is not None, "only records of streams come here"
        self._stream = stream
        match item.kind:
            case Kind.ACCEPTED:
                server.stream_accepted(stream, 0, item.about, now)
            case Kind.IN:
                server.receive_data(stream, item.octets, now)
            case Kind.EOF:
                server.receive_eof(stream, now)
            case Kind.CLOSE | Kind.ABORT:
                self._leave(stream, item.kind, now)
            case Kind.PAUSE | Kind.RESUME:
                self._pause(stream, item.kind is Kind.PAUSE, now)
            case Kind.LOST:
                server.stream_lost(stream, item.why or StreamLoss.CLOSED, now, item.about)
            case _:
                pass
        self._settle(now)

    def _leave(self, stream: StreamId, kind: Kind, now: float) -> None:
        peer = self._peers.get(stream)
        if peer is not None:
            (self._server.close if kind is Kind.CLOSE else self._server.abort)(peer, now)

    def _pause(self, stream: StreamId, paused: bool, now: float) -> None:
        peer = self._peers.get(stream)
        if peer is not None:
            (self._server.pause_reading if paused else self._server.resume_reading)(peer, now)
            self._stage.talks[stream].pause(paused, now)

    def said(self, frame: Said) -> None:
        """Say what our side said, to the engine and to whoever waits for it."""
        talk = self._stage.talks.get(frame.conversation)
        if talk is not None and frame.frame is not None:
            self._send(frame.conversation, frame.octets, frame.time)
            talk.say(frame.frame, frame.time)
            self._settle(frame.time)

    def beat(self, beat: HeartBeat) -> None:
        """Send a heart-beat that our side sent: over xhr it ends a response."""
        self._send(beat.conversation, b"\n", beat.time)
        self._settle(beat.time)

    def told(self, told: Told) -> None:
        """Ignore what our transports said: they say it again."""

    def _send(self, conversation: object, octets: bytes, now: float) -> None:
        peer = self._peers.get(conversation)
        if peer is not None:
            try:
                self._server.send(peer, octets, now)
            except LocalProtocolError:
                # It is going already: what ended it is told by its ending.
                pass

    def _settle(self, now: float) -> None:
        server = self._server
        while (event := server.next_event()) is not None:
            match event:
                case PeerOpened():
                    self._opened(event, now)
                case PeerData():
                    self._talk(event.peer).receive(event.data, now)
                case PeerClosed():
                    self._talk(event.peer).end(Ending.of(event.how), now)
                    self._peers.pop(self._conversations[event.peer], None)
                case _:
                    talk = self._stage.fail(("refused", self._stream), "server")
                    talk.end(Ending(event.reason, None, event.status), now)
        while server.next_action() is not None:
            pass
        for stream in server.changed_streams():
            while server.data_to_send(stream, now):
                pass

    def _opened(self, event: PeerOpened, now: float) -> None:
        conversation: object = self._stream
        if event.transport.startswith("xhr"):
            conversation = self._stage.ears.requests.get(self._stream, (b"", b""))[1]
        self._conversations[event.peer] = conversation
        self._peers[conversation] = event.peer
        talk = self._stage.begin(conversation, "server", event.transport, now)
        peer = event.peer
        talk.on_closed = lambda instant: self._server.close(peer, instant)

    def _talk(self, peer: PeerId) -> Talk:
        return self._stage.talks[self._conversations[peer]]

    def finish(self, now: float) -> None:
        """End what lives without streams."""
        for peer in list(self._peers.values()):
            self._server.abort(peer, now)
        self._settle(now)

    def next_deadline(self) -> float | None:
        """Return when a link wants to be woken."""
        return self._server.next_deadline()

    def handle_timeout(self, now: float) -> None:
        """Wake the links that are due."""
        self._server.handle_timeout(now)
        self._settle(now)


_LONGEST_HEAD = 64 * 1024


def _answered(items: list[Record]) -> list[tuple[str, str]]:
    """Return the targets of all requests, each with the status that was answered, or nothing."""
    waiting: dict[StreamId, list[str]] = {}
    found: list[tuple[str, str]] = []
    for heard in listen(items):
        if not isinstance(heard, Told) or "HTTP/1." not in heard.text:
            continue
        words = heard.text.split(" ")
        if heard.from_client and len(words) == 3:
            waiting.setdefault(heard.stream, []).append(words[1])
        elif not heard.from_client and len(words) >= 2 and waiting.get(heard.stream):
            found.append((waiting[heard.stream].pop(0), words[1]))
    return [*found, *((target, "") for targets in waiting.values() for target in targets)]


def _bases(items: list[Record]) -> list[str]:
    """Return the paths below which something was found."""
    bases: dict[str, None] = dict.fromkeys(PATHS)
    for target, status in _answered(items):
        path = target.partition("?")[0]
        if status == "404" or not path.startswith("/") or "#" in path:
            continue
        segments = path.split("/")
        if segments[-1] in ("xhr", "xhr_streaming", "xhr_send", "websocket") and len(segments) >= 4:
            bases["/".join(segments[:-3]) or "/"] = None
        if segments[-1] in ("info", "websocket"):
            bases["/".join(segments[:-1]) or "/"] = None
        else:
            bases[path] = None
    return list(bases)


def _origins(items: list[Record]) -> OriginPolicy:
    """Return a policy that lets in the pages that were let in."""
    heads: dict[StreamId, bytes] = {}
    refused: set[StreamId] = set()
    misdirected = False
    for item in items:
        if item.stream is None:
            continue
        if item.kind is Kind.IN and len(heads.get(item.stream, b"")) < _LONGEST_HEAD:
            heads[item.stream] = heads.get(item.stream, b"") + item.octets
        elif item.kind is Kind.OUT and item.octets[8:13] in (b" 403 ", b" 421 "):
            refused.add(item.stream)
            misdirected = misdirected or item.octets[8:13] == b" 421 "
    allowed: set[str] = set()
    for stream, head in heads.items():
        for line in head.split(b"\r\n") if stream not in refused else []:
            name, _, value = line.partition(b":")
            if name.lower() == b"origin":
                allowed.add(value.strip().decode("latin-1"))
    # Where a name was refused, none is good by itself.
    hosts: tuple[str, ...] | None = () if misdirected else None
    try:
        return OriginPolicy(sorted(allowed), hosts)
    except ValueError:
        return OriginPolicy(hosts=hosts)
