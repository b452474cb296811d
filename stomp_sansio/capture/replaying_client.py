"""Replaying what a client recorded: each of its streams is read by the link that it was.

What lives here looks at what our side said first on a stream, and chooses. It must not know what STOMP says.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InvalidURI
from ..links.link import Link, LinkData, LinkOpened
from ..links.plain import PlainLink
from ..links.proxy import parse_proxy
from ..links.url import Endpoint, SessionIds, parse_url
from ..machine import StreamId, StreamLoss, TLSInfo
from ..protocol.limits import Limits
from .listening import HeartBeat, Said, Told
from .records import Kind, Record
from .stage import Stage
from .talks import Ending

if TYPE_CHECKING:
    from .replaying_http import HttpReaders

__all__ = ["ClientReader", "lacking"]

_LONGEST_HEAD = 64 * 1024
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class _Plan(NamedTuple):
    """What a stream is, as our side's first words tell."""

    kind: str
    """ "stomp", "websocket", "sockjs" or "http"."""
    where: str
    """Host and port of the server."""
    target: str
    key: bytes
    """The Sec-WebSocket-Key."""
    subprotocols: tuple[str, ...]
    proxied: bool
    tls: bool
    tls_first: bool
    """Whether there was TLS before the stream counted as open."""


def plan_of(items: list[Record]) -> _Plan:
    """Return what a stream is, by its records."""
    said = bytearray()
    about, tls, tls_first = "", False, False
    for item in items:
        if item.kind is Kind.OUT and len(said) < _LONGEST_HEAD:
            said += item.octets
        elif item.kind is Kind.OPEN:
            about, tls_first = item.about, item.tls is not None
        elif item.kind is Kind.START_TLS:
            tls = True
    words, fields, rest = _head(bytes(said))
    proxied = len(words) == 3 and words[0] == "CONNECT"
    if proxied:
        about = words[1]
        words, fields, _ = _head(rest)
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        return _Plan("stomp", about, "", b"", (), proxied, tls or tls_first, tls_first)
    subprotocols = tuple(
        name.strip() for name in fields.get("sec-websocket-protocol", "").split(",") if name.strip()
    )
    kind = "http"
    if fields.get("upgrade", "").lower() == "websocket":
        segments = words[1].partition("?")[0].split("/")
        kind = (
            "sockjs"
            if not subprotocols and len(segments) >= 4 and segments[-1] == "websocket"
            else "websocket"
        )
    key = fields.get("sec-websocket-key", "").encode("latin-1")
    return _Plan(
        kind, fields.get("host", about), words[1], key, subprotocols, proxied, tls or tls_first, tls_first
    )


def _head(said: bytes) -> tuple[list[str], dict[str, str], bytes]:
    """Return the words of the first line of an HTTP head, its fields, and what stands behind it."""
    head, _, rest = said.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:]]
    return lines[0].split(" "), {name.lower(): value.strip() for name, _, value in pairs}, rest


class _LinkReader:
    """A stream that one link stands on."""

    def __init__(self, stage: Stage, stream: StreamId, plan: _Plan, link: Link, now: float) -> None:
        self.stage = stage
        self.stream = stream
        self.plan = plan
        self.link = link
        # Heads of the server's that may have to be translated, and their octets so far.
        self._heads = 0 if plan.kind == "stomp" else 1 + plan.proxied
        self._held = bytearray()
        self._sent = bytearray()
        link.start(now)
        self._settle(now)

    def take(self, item: Record) -> None:
        """Take in a record of the stream."""
        link, stream, now = self.link, self.stream, item.time
        match item.kind:
            case Kind.OPENED:
                link.stream_opened(stream, now)
                if self.plan.tls_first:
                    link.tls_started(stream, TLSInfo(), now)
            case Kind.TLS:
                link.tls_started(stream, TLSInfo(item.about or None), now)
            case Kind.IN:
                self._receive(item.octets, now)
            case Kind.EOF:
                self._release(now)
                link.receive_eof(stream, now)
            case Kind.PAUSE | Kind.RESUME:
                self._pause(item.kind is Kind.PAUSE, now)
            case Kind.CLOSE:
                link.close(now)
            case Kind.ABORT:
                link.abort(now)
            case Kind.LOST:
                self._release(now)
                link.stream_lost(stream, item.why or StreamLoss.CLOSED, now, item.about)
            case _:
                pass
        self._settle(now)

    def _pause(self, paused: bool, now: float) -> None:
        (self.link.pause_reading if paused else self.link.resume_reading)(now)
        talk = self.stage.talks.get(self.stream)
        if talk is not None:
            talk.pause(paused, now)

    def _receive(self, octets: bytes, now: float) -> None:
        """Hand octets to the link; a hand-shake is answered as if it had been asked with the link's own
        key.
        """
        if not self._heads:
            self.link.receive_data(self.stream, octets, now)
            return
        self._held += octets
        while self._heads and (end := _end_of_head(self._held)):
            head = bytes(self._held[:end]).replace(_accept(self.plan.key), _accept(self._own_key()))
            del self._held[:end]
            self._heads -= 1
            self.link.receive_data(self.stream, head, now)
            self._settle(now)
        if not self._heads or len(self._held) > _LONGEST_HEAD:
            self._release(now)

    def _release(self, now: float) -> None:
        self._heads = 0
        held, self._held = bytes(self._held), bytearray()
        if held:
            self.link.receive_data(self.stream, held, now)
            self._settle(now)

    def _own_key(self) -> bytes:
        found = bytes(self._sent).partition(b"Sec-WebSocket-Key: ")[2]
        return found.partition(b"\r\n")[0]

    def _settle(self, now: float) -> None:
        """Take what the link says, and throw away what it wishes."""
        link, stream = self.link, self.stream
        while (event := link.next_event()) is not None:
            match event:
                case LinkOpened():
                    self.stage.begin(stream, "client", event.transport, now)
                case LinkData():
                    self.stage.fail(stream, "client").receive(event.data, now)
                case _:
                    self.stage.fail(stream, "client").end(Ending.of(event), now)
        while link.next_action() is not None:
            pass
        while octets := link.data_to_send(stream, now):
            self._sent += octets[: _LONGEST_HEAD - len(self._sent)]

    def handle_timeout(self, now: float) -> None:
        """Wake the link."""
        self.link.handle_timeout(now)
        self._settle(now)


def _end_of_head(octets: bytearray) -> int:
    ends = [octets.find(blank) + len(blank) for blank in (b"\r\n\r\n", b"\n\n")]
    ends = [end for end, length in zip(ends, (4, 2), strict=True) if end >= length]
    return min(ends, default=0)


def _accept(key: bytes) -> bytes:
    """Return the answer to a Sec-WebSocket-Key (RFC 6455, section 4.2.2)."""
    return b64encode(sha1(key + _ACCEPT).digest())  # noqa: S324  # no secret: the protocol wants it


def lacking(error: ImportError) -> ImportError:
    """Return what to tell somebody who lacks a package."""
    return ImportError(
        f"replaying WebSocket and SockJS needs {error.name}: pip install 'stomp-sansio[ws]'", name=error.name
    )


def _http_readers(stage: Stage) -> HttpReaders:
    try:
        from .replaying_http import HttpReaders
    except ImportError as error:
        raise lacking(error) from error
    return HttpReaders(stage)


class ClientReader:
    """Reads the streams that a client opened."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._links: dict[StreamId, _LinkReader] = {}
        self._http: HttpReaders | None = None

    def take(self, item: Record) -> None:
        """Take in a record of a stream."""
        stream = item.stream
        assert stream is not None, "only records of streams come here"
        if item.kind is Kind.OPEN:
            self._open(stream, item.time)
        elif stream in self._links:
            self._links[stream].take(item)
        else:
            assert self._http is not None, "a stream is opened before anything else"
            self._http.take(item)

    def _open(self, stream: StreamId, now: float) -> None:
        plan = plan_of(self._stage.by_stream[stream])
        link = None if plan.kind == "http" else _link(stream, plan, self._stage.limits or Limits.client())
        if link is not None:
            self._links[stream] = _LinkReader(self._stage, stream, plan, link, now)
            return
        if self._http is None:
            self._http = _http_readers(self._stage)
        self._http.open(stream, plan.where)

    def said(self, frame: Said) -> None:
        """Say what our side said."""
        talk = self._stage.talks.get(frame.conversation)
        said = frame.frame
        if talk is not None and said is not None and said.command not in ("CONNECT", "STOMP"):
            talk.say(said, frame.time)

    def beat(self, beat: HeartBeat) -> None:
        """Ignore our heart-beats: the engine has its own."""

    def told(self, told: Told) -> None:
        """Close the WebSocket that our side closed; ask what our side asked."""
        reader = self._links.get(told.stream)
        if reader is not None and told.text.startswith("WebSocket close"):
            reader.link.close(told.time)
        elif self._http is not None and reader is None:
            self._http.asked(told.stream, told.text, told.time)

    def finish(self, now: float) -> None:
        """Do nothing: whatever a client had is lost with its streams."""

    def next_deadline(self) -> float | None:
        """Return when a link wants to be woken."""
        found = [reader.link.next_deadline() for reader in self._links.values()]
        return min((deadline for deadline in found if deadline is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Wake the links that are due."""
        for reader in list(self._links.values()):
            deadline = reader.link.next_deadline()
            if deadline is not None and deadline <= now:
                reader.handle_timeout(now)


def _plain_endpoint(plan: _Plan) -> Endpoint:
    if plan.where.startswith("/"):
        return parse_url(f"stomp+unix://{plan.where}")
    try:
        return parse_url(f"stomp{'s' if plan.tls else ''}://{plan.where}")
    except InvalidURI:
        # Whatever else it is called, it was reached.
        return parse_url("stomp://recorded")


def _link(stream: StreamId, plan: _Plan, limits: Limits) -> Link | None:
    """Return the link that a stream was, or None when it cannot have been one of ours."""
    s = "s" if plan.tls else ""
    ids = iter([stream])
    proxy = parse_proxy("http://proxy:1") if plan.proxied else None
    if plan.kind == "stomp":
        return PlainLink(_plain_endpoint(plan), stream_ids=ids, proxy=proxy, limits=limits)
    try:
        try:
            from ..links.sockjs import SockJSLink
            from ..links.websocket import WebSocketLink
        except ImportError as error:
            raise lacking(error) from error
        if plan.kind == "websocket":
            return WebSocketLink(
                parse_url(f"ws{s}://{plan.where}{plan.target}"),
                stream_ids=ids,
                subprotocols=plan.subprotocols,
                masking_key=lambda: bytes(4),
                proxy=proxy,
                limits=limits,
            )
        path, question, query = plan.target.partition("?")
        base, server, session, _ = path.rsplit("/", 3)
        return SockJSLink(
            parse_url(f"http{s}://{plan.where}{base}{question}{query}"),
            SessionIds(server, session),
            stream_ids=ids,
            masking_key=lambda: bytes(4),
            proxy=proxy,
            limits=limits,
        )
    except (InvalidURI, ValueError):
        return None
