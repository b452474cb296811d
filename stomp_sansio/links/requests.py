"""A stream of a server that carries HTTP: requests for the SockJS service, or for a page, until one of them
asks for a WebSocket.

What lives here joins one stream's exchanges with the service; it must not know what a request is answered
with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..machine import StreamAction, StreamId, StreamLoss
from .http_server import HttpRequest, HttpServer
from .layer import Layer
from .occupants import StreamEnding
from .octet_queue import OctetQueue
from .pages import answer_with_page
from .peers import PeerEvent, PeerId, StreamRefused
from .server_options import ServerOptions
from .sockjs import web_limits
from .sockjs_routes import RouteKind, find_route
from .sockjs_server_layer import SockJSServerLayer
from .sockjs_sessions import Caller, SockJSSessions
from .standing import Standing
from .stream_link import StreamLink
from .websocket_layer import WebSocketLayer

__all__ = ["Requests"]

_UPGRADES = (RouteKind.GREETING, RouteKind.RAW_WEBSOCKET, RouteKind.WEBSOCKET)
"""Where a WebSocket may be asked for: with SockJS's frames at the last of them, without at the others."""

_MAX_UNSENT = 65_536
"""Octets of answers that may wait before the next request is looked at: a client that asks and does not read
makes us hold these, and one more answer."""


class Requests:
    """One stream's requests in a server."""

    __slots__ = (
        "_caller",
        "_ending",
        "_events",
        "_held",
        "_http",
        "_ids",
        "_leaving",
        "_options",
        "_sessions",
        "_told",
        "successor",
    )

    successor: Standing | None
    """The WebSocket that holds the stream from now on."""

    def __init__(
        self,
        stream: StreamId,
        octets: bytes,
        *,
        address: str,
        listener: int,
        ids: Iterator[PeerId],
        options: ServerOptions,
        sessions: SockJSSessions,
        since: float,
        now: float,
    ) -> None:
        """Begin on a stream that was accepted at `since`, and of which `octets` have come already; `sessions`
        answers, `ids` names who comes by upgrade."""
        self._http = HttpServer(options.limits, max_body=options.limits.max_sockjs_frame, since=since)
        self._caller = Caller(stream, self._http, address, listener, listener in options.tls_listeners)
        self._ids = ids
        self._options = options
        self._sessions = sessions
        self._ending = StreamEnding(stream, options.close_timeout)
        self._events: deque[PeerEvent] = deque()
        self._held = False
        self._leaving = False
        self._told = False
        self.successor = None
        self.receive_data(octets, now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets, and answer the requests that are whole."""
        self._http.receive_data(data)
        self.go_on(now)

    def receive_eof(self, now: float) -> None:
        """Take note that the client ended its side: what is answered is written, what is being answered is
        not."""
        self._http.receive_eof()
        self._sessions.stream_gone(self._caller.stream, now)
        if self._http.answering:
            self._ending.begin(now, abort=True)
        self.go_on(now)

    def lost(self, why: StreamLoss, now: float, detail: str) -> None:
        """Take note that the stream is gone."""
        self._sessions.stream_gone(self._caller.stream, now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._http.handle_timeout(now)
        self._ending.handle_timeout(now)
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """Read the next requests, if the one before is answered; end the stream, if that is due."""
        self._held = False
        while self.successor is None and not self._ending.begun and not self._leaving:
            self._held = self._http.unsent > _MAX_UNSENT and not self._http.answering
            if self._held:
                break
            request = self._http.next_request(now)
            if request is None:
                break
            if not request.upgrade:
                self._handle(request, now)
            elif not self._upgrade(request, now):
                self._http.decline_upgrade(now)
        if self._http.refusal is not None and not self._told:
            self._told = True
            self._events.append(
                StreamRefused(self._caller.address, self._caller.listener, self._http.refusal)
            )
        if self._http.wants_close or (self._leaving and not self._http.answering):
            self._ending.begin(now, abort=False)

    def shut_down(self, now: float) -> None:
        """End once the answer under way is given."""
        self._leaving = True
        self.go_on(now)

    def next_action(self) -> StreamAction | None:
        """Return the next wish about the stream, or None."""
        return self._ending.next_action()

    def next_event(self) -> PeerEvent | None:
        """Return what there is to say of the stream, or None. Of peers the service speaks."""
        return self._events.popleft() if self._events else None

    @property
    def wants_read(self) -> bool:
        """Whether the stream should be read."""
        return self._http.wants_read and not self._ending.begun and not self._held

    @property
    def unsent(self) -> int:
        """How many octets wait to be handed over."""
        return self._http.unsent

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`."""
        return self._http.data_to_send(max_bytes)

    @property
    def waits_for_writer(self) -> bool:
        """Whether so much waits to be written that the next request has to wait."""
        return self._held

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._ending.deadline if self._ending.begun else self._http.deadline

    def _handle(self, request: HttpRequest, now: float) -> None:
        """Have a request answered: by the service, or with a page where the service has nothing."""
        options = self._options
        page = answer_with_page(options.pages, request.method, request.path)
        if page is None or find_route(options.bases, request.path) is not None:
            self._sessions.handle(self._caller, request, now)
            return
        # What a page is asked with has no Origin: the name alone can tell that it is somebody else's.
        caller = self._caller
        refusal = options.origins.refuses_name(request.header("host"), address=caller.address)
        if refusal is None:
            self._http.respond(*page, now)
            return
        self._events.append(
            StreamRefused(caller.address, caller.listener, refusal.sentence, int(refusal.status))
        )
        fields = [("Content-Type", "text/plain; charset=UTF-8"), ("X-Content-Type-Options", "nosniff")]
        self._http.respond(refusal.status, fields, f"{refusal.sentence}\n".encode(), now)

    def _upgrade(self, request: HttpRequest, now: float) -> bool:
        """Give the stream to a WebSocket, if there is one at the path."""
        route = find_route(self._options.bases, request.path)
        if route is None or route.kind not in _UPGRADES:
            return False
        options, caller = self._options, self._caller
        with_frames = route.kind is RouteKind.WEBSOCKET
        web = WebSocketLayer.server(
            origins=options.origins,
            secure=caller.secure,
            address=caller.address,
            subprotocols=() if with_frames else options.subprotocols,
            limits=web_limits(options.limits) if with_frames else options.limits,
            close_timeout=options.close_timeout,
        )
        layer: Layer = web
        if with_frames:
            layer = SockJSServerLayer(web, limits=options.limits, beat=options.beat)
        self._sessions.stream_gone(caller.stream, now)
        before = OctetQueue()
        before.append(self._http.data_to_send(self._http.unsent))
        self.successor = Standing(
            caller.stream,
            StreamLink.adopt(
                layer, caller.stream, now, peer=caller.address, close_timeout=options.close_timeout
            ),
            request.head + self._http.take_rest(),
            address=caller.address,
            listener=caller.listener,
            ids=self._ids,
            now=now,
            web=web,
            before=before,
        )
        return True
