"""The best transport of a SockJS service that works: `FallbackLink` asks for /info, then tries.

What lives here chooses, times and remembers what was tried. It must not know STOMP, nor how any transport
works.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum

from ..errors import LocalProtocolError, Misuse, RemoteProtocolError
from ..machine import StreamAction, StreamId, StreamLoss, TLSInfo
from ..protocol.deadlines import Deadlines
from ..protocol.limits import Limits
from ..records import replace
from .chunks import is_utf8
from .cookies import CookieJar
from .info_request import INFO_TIMEOUT, InfoReceived
from .link import Link, LinkClosed, LinkEvent, LinkOpened, Phase
from .parts import Part, Parts
from .proxy import Proxy
from .silence import SILENCE
from .sockjs_payload import check_array_split
from .sockjs_service import TRANSPORTS, SockJSService
from .url import Endpoint

__all__ = ["TRANSPORTS", "FallbackLink", "transport_timeout"]

_ROUND_TRIPS = 2
"""How often a transport goes to and fro before `o`: TCP, then the request."""


def transport_timeout(took: float) -> float:
    """Return how many seconds a transport gets until `o`, by how long /info took: the rule of sockjs-client.

    Its retransmission timeout is four times a round trip, or 0.3 s more than a short one; each round trip
    gets one.
    """
    return _ROUND_TRIPS * (4 * took if took > 0.1 else 0.3 + took)


class _When(Enum):
    TRANSPORT = "when the transport that is being tried must have opened"
    PART = "when to wake what is being tried, or in use"


class FallbackLink:
    """A `Link` to a SockJS service.

    Call `start`, then drive it as any `Machine`; `LinkOpened` says which transport.
    """

    __slots__ = (
        "_deadlines",
        "_ending",
        "_events",
        "_info",
        "_link",
        "_name",
        "_open_timeout",
        "_opened",
        "_over",
        "_parts",
        "_reading",
        "_service",
        "_started",
        "_started_at",
        "_timeout",
        "_tried",
        "_waiting",
    )

    passage = None
    """Something is always between the octets of a stream and those of STOMP."""

    def __init__(
        self,
        base: Endpoint,
        *,
        stream_ids: Iterator[StreamId],
        token_bytes: Callable[[int], bytes],
        transports: Sequence[str] = TRANSPORTS,
        headers: Iterable[tuple[str, str]] = (),
        server_name: str | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
        split_above: int | None = None,
        silence: float = SILENCE,
        info_timeout: float = INFO_TIMEOUT,
        open_timeout: float = 10.0,
        request_timeout: float = 10.0,
        close_timeout: float = 10.0,
    ) -> None:
        """Prepare a link to the service at `base`, as given to `new SockJS(url)`.

        `token_bytes(n)` returns n octets that nobody can guess, as `secrets.token_bytes` does. `transports`
        are tried in this order. `headers` go along with every request. With `split_above` no WebSocket
        message has more octets than that. In seconds: `silence` is how long the server may say nothing once
        it has sent a beat, `info_timeout` how long /info may take, `open_timeout` what the last transport has
        left of the time since the start, `request_timeout` how long an answer to xhr_send may take,
        `close_timeout` how long closing may.

        Raises:
            InvalidURI: the base is no web address.
            LocalProtocolError: a header field cannot be sent.
            ValueError: there is no transport, one has no such name, or `split_above` is too small for any
                character.
        """
        unknown = [name for name in transports if name not in TRANSPORTS]
        if unknown or not transports:
            raise ValueError(f"the transports are {tuple(transports)!r}: name one or more of {TRANSPORTS!r}")
        check_array_split(split_above)
        headers = tuple(headers)
        self._service = SockJSService(
            base=base,
            stream_ids=stream_ids,
            token_bytes=token_bytes,
            headers=headers,
            cookies=CookieJar(path=base.path, secure=base.tls, headers=headers),
            server_name=server_name,
            proxy=proxy,
            limits=limits or Limits.client(),
            split_above=split_above,
            silence=silence,
            info_timeout=info_timeout,
            request_timeout=request_timeout,
            close_timeout=close_timeout,
        )
        self._info = self._service.info()
        self._parts: Parts[InfoReceived | LinkEvent] = Parts()
        self._open_timeout = open_timeout
        self._waiting = deque(transports)
        self._tried: list[str] = []
        self._name = ""
        self._link: Link | None = None
        self._timeout = 0.0
        self._started = False
        self._started_at = 0.0
        self._opened = False
        self._reading = True
        self._events: deque[LinkEvent] = deque()
        self._deadlines: Deadlines[_When] = Deadlines()
        self._ending: LinkClosed | None = None
        self._over = False

    # Commands

    def start(self, now: float) -> None:
        """Begin by asking for /info. Call it once."""
        if self._started or self._ending is not None:
            raise LocalProtocolError(
                Misuse.ALREADY_CONNECTED, "This link was started or closed before: build a new one"
            )
        self._started = True
        self._started_at = now
        self._parts.add(self._info)
        self._info.start(now)
        self._settle(now)

    def send(self, chunk: bytes, now: float) -> None:
        """Queue octets of the STOMP stream, after `LinkOpened` and before `LinkClosed`.

        Raises:
            LocalProtocolError: the link is not open, or the chunk is no UTF-8. Nothing was queued.
        """
        if self._link is None or not self._opened:
            misuse = Misuse.NOT_CONNECTED if self._ending is None else Misuse.CLOSED
            raise LocalProtocolError(misuse, "The SockJS session is not open: nothing was queued")
        self._link.send(chunk, now)
        self._settle(now)

    def carries(self, chunk: bytes) -> bool:
        """Tell whether the octets are UTF-8: whichever transport it will be, SockJS carries text."""
        return is_utf8(chunk)

    @property
    def phase(self) -> Phase:
        """How far the link has come."""
        if self._ending is not None:
            return self._ending.phase
        return self._info.phase if self._link is None else self._link.phase

    @property
    def unsent(self) -> int:
        """How many octets are queued and not yet handed to the driver."""
        return 0 if self._link is None else self._link.unsent

    def pause_reading(self, now: float) -> None:
        """Ask for no more data for now. Harmless when paused or closed."""
        self._reading = False
        if self._link is not None:
            self._link.pause_reading(now)
            self._settle(now)

    def resume_reading(self, now: float) -> None:
        """Ask for data again. Harmless when not paused."""
        self._reading = True
        if self._link is not None:
            self._link.resume_reading(now)
            self._settle(now)

    def close(self, now: float) -> None:
        """Close in order. `LinkClosed` follows when the streams are gone."""
        if self._link is not None and self._opened:
            self._link.close(now)
            self._settle(now)
        else:
            self.abort(now)

    def abort(self, now: float) -> None:
        """End at once, writing nothing more. `LinkClosed` follows all the same."""
        self._end(LinkClosed(False, self.phase, "This side gave the link up"), now)
        self._settle(now)

    # Inputs

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Take note that a stream carries octets."""
        self._parts.owner(stream).stream_opened(stream, now)
        self._settle(now)

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Refuse: this link accepts no streams.

        Raises:
            LocalProtocolError: always; the driver's listener belongs to another machine.
        """
        raise LocalProtocolError(Misuse.ALREADY_CONNECTED, "A SockJS link accepts no streams")

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Take note that TLS is done."""
        self._parts.owner(stream).tls_started(stream, info, now)
        self._settle(now)

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Take note that a stream is gone."""
        self._parts.stream_lost(stream, why, now, detail)
        self._settle(now)

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        self._parts.owner(stream).receive_data(stream, data, now)
        self._settle(now)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Take note that the peer ended its side of a stream."""
        self._parts.owner(stream).receive_eof(stream, now)
        self._settle(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        while (due := self._deadlines.pop_due(now)) is not None:
            if due is _When.PART:
                self._parts.handle_timeout(now)
            else:
                slow = LinkClosed(False, self.phase, "it did not open in time", loss=StreamLoss.TIMEOUT)
                self._parts.abort(now)
                self._next_transport(slow, now)
            self._settle(now)

    def run(self, now: float) -> None:
        """Do nothing: this machine leaves no work over."""

    # Outputs

    def next_action(self) -> StreamAction | None:
        """Return the next wish about a stream, or None."""
        return self._parts.next_action()

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        octets = self._parts.owner(stream).data_to_send(stream, now, max_bytes)
        self._deadlines.set(_When.PART, self._parts.next_deadline())
        return octets

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether a stream should be read."""
        return self._parts.owner(stream).wants_read(stream)

    def changed_streams(self) -> list[StreamId]:
        """Return the streams to look at, since the last call."""
        return self._parts.changed_streams()

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._deadlines.soonest

    def wants_run(self) -> bool:
        """Return False: this machine leaves no work over."""
        return False

    @property
    def finished(self) -> bool:
        """Whether everything is over."""
        return self._over

    # Inside

    def _settle(self, now: float) -> None:
        """Take what the parts say, until none has more to say: what one says may move another one."""
        while said := self._parts.collect():
            for part, event in said:
                if self._ending is None:
                    self._take(part, event, now)
        self._deadlines.set(_When.PART, self._parts.next_deadline())
        if self._ending is not None and not self._parts and not self._over:
            self._over = True
            self._events.append(self._ending)

    def _take(
        self, part: Part[InfoReceived | LinkEvent], event: InfoReceived | LinkEvent, now: float
    ) -> None:
        if isinstance(event, InfoReceived):
            self._choose(event, now)
        elif part is self._info and isinstance(event, LinkClosed):
            self._end(event, now)
        elif part is self._link:
            if not isinstance(event, LinkClosed):
                self._pass_on(event)
            elif self._opened:
                self._end(event, now)
            else:
                self._next_transport(event, now)

    def _pass_on(self, event: LinkEvent) -> None:
        if isinstance(event, LinkOpened):
            self._opened = True
            self._deadlines.set(_When.TRANSPORT, None)
        self._events.append(event)

    def _choose(self, received: InfoReceived, now: float) -> None:
        """Begin with the first transport that the service offers."""
        info = received.info
        if info.base_url is not None:
            try:
                self._service = self._service.moved(info.base_url)
            except RemoteProtocolError as error:
                self._end(LinkClosed(False, Phase.INFO, str(error), error=error), now)
                return
        self._timeout = transport_timeout(received.took)
        if not info.websocket and "websocket" in self._waiting:
            self._waiting.remove("websocket")
            self._tried.append("websocket: the service has switched it off")
        self._next_transport(LinkClosed(False, Phase.INFO, ""), now)

    def _next_transport(self, failure: LinkClosed, now: float) -> None:
        """Go on with the next transport, or give up: `failure` is what became of the last one."""
        if self._name:
            self._tried.append(f"{self._name}: {failure.reason}")
        if not self._waiting:
            reason = f"No transport of the SockJS service opened: {'; '.join(self._tried)}"
            self._end(replace(failure, clean=False, reason=reason), now)
            return
        self._name = self._waiting.popleft()
        link = self._link = self._service.link(self._name)
        self._parts.add(link)
        link.start(now)
        if not self._reading:
            link.pause_reading(now)
        until = now + self._timeout
        if not self._waiting:
            # Nothing is won by giving up the last one early.
            until = max(until, self._started_at + self._open_timeout)
        self._deadlines.set(_When.TRANSPORT, until)

    def _end(self, closed: LinkClosed, now: float) -> None:
        if self._ending is None:
            self._ending = closed
            self._link = None
            self._deadlines.set(_When.TRANSPORT, None)
        self._parts.abort(now)
