"""The xhr side of a SockJS service: requests to sessions, sessions to peers (SockJS 0.3.3).

What lives here answers every request that is no WebSocket upgrade and keeps the sessions, which outlive their
streams. It must not know STOMP, nor open or close a stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from http import HTTPStatus

from ..errors import Fault, LinkFault, RemoteProtocolError
from ..machine import StreamId
from ..records import hot_record
from .http_server import HttpRequest, HttpServer
from .info import SockJSInfo, encode_info
from .peers import PeerClosed, PeerData, PeerEvent, PeerId, PeerOpened, StreamRefused
from .schedule import Schedule
from .server_options import ServerOptions
from .sockjs_frames import PRELUDE
from .sockjs_payload import decode_array
from .sockjs_routes import (
    Route,
    RouteKind,
    allowed_methods,
    cors_fields,
    find_route,
    not_cached,
    preflight_fields,
    sticky,
)
from .sockjs_session import GO_AWAY, Receiver, ServerSession

__all__ = ["Caller", "SockJSSessions"]

Fields = list[tuple[str, str]]

_NO_PAYLOAD = (HTTPStatus.INTERNAL_SERVER_ERROR, "Payload expected.")
_BROKEN_JSON = (HTTPStatus.INTERNAL_SERVER_ERROR, "Broken JSON encoding.")
_TOO_LARGE = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large.")
_REFUSALS: dict[Fault | LinkFault, tuple[HTTPStatus, str]] = {
    LinkFault.LIMIT: _TOO_LARGE,
    LinkFault.BAD_FRAME: _NO_PAYLOAD,
}
"""What a bad xhr_send is answered with, as other servers do; `_BROKEN_JSON` for all else."""

_SCRIPT = ("Content-Type", "application/javascript; charset=UTF-8")
_TEXT = ("Content-Type", "text/plain; charset=UTF-8")
_JSON = ("Content-Type", "application/json; charset=UTF-8")


@hot_record
class Caller:
    """A stream that makes requests."""

    stream: StreamId
    http: HttpServer
    address: str
    listener: int
    secure: bool
    """Whether the stream has TLS."""


class _Stream:
    """The answer to xhr_streaming: frames as they come, up to a limit."""

    __slots__ = ("_caller", "_limit", "_sent", "_touched")

    def __init__(self, caller: Caller, fields: Fields, limit: int, touched: set[StreamId]) -> None:
        self._caller = caller
        self._limit = limit
        self._sent = 0
        self._touched = touched
        caller.http.begin(HTTPStatus.OK, fields)
        caller.http.write(PRELUDE)

    @property
    def full(self) -> bool:
        return self._sent >= self._limit

    @property
    def unsent(self) -> int:
        return self._caller.http.unsent

    def send_frame(self, frame: bytes) -> None:
        self._sent += len(frame) + 1
        self._caller.http.write(frame + b"\n")
        self._touched.add(self._caller.stream)

    def finish(self, now: float) -> None:
        self._caller.http.end(now)
        self._touched.add(self._caller.stream)


class _Poll:
    """The answer to xhr: one frame."""

    __slots__ = ("_caller", "_fields", "_frame", "_touched")

    def __init__(self, caller: Caller, fields: Fields, touched: set[StreamId]) -> None:
        self._caller = caller
        self._fields = fields
        self._frame = b""
        self._touched = touched

    @property
    def full(self) -> bool:
        return bool(self._frame)

    @property
    def unsent(self) -> int:
        return 0

    def send_frame(self, frame: bytes) -> None:
        self._frame = frame + b"\n"

    def finish(self, now: float) -> None:
        self._caller.http.respond(HTTPStatus.OK, self._fields, self._frame, now)
        self._touched.add(self._caller.stream)


class SockJSSessions:
    """Hand in whole requests with `handle`. After each call that takes `now`, take `next_event`, and look
    after the streams that `take_touched` names."""

    __slots__ = (
        "_entropy",
        "_events",
        "_held",
        "_holding",
        "_keys",
        "_options",
        "_paused",
        "_peers",
        "_receiving",
        "_schedule",
        "_sessions",
        "_touched",
    )

    def __init__(
        self, options: ServerOptions, peers: Iterator[PeerId], token_bytes: Callable[[int], bytes]
    ) -> None:
        """`peers` names those who come; `token_bytes(n)` returns n octets that nobody can foresee, for
        /info."""
        self._options = options
        self._peers = peers
        self._entropy = token_bytes
        self._sessions: dict[str, ServerSession] = {}
        self._keys: dict[PeerId, str] = {}
        self._receiving: dict[StreamId, tuple[str, Receiver]] = {}
        self._paused: set[PeerId] = set()
        self._holding: dict[PeerId, StreamId | None] = {}
        self._held: dict[StreamId, tuple[PeerId, Caller, Fields]] = {}
        self._schedule: Schedule[str] = Schedule()
        self._events: deque[PeerEvent] = deque()
        self._touched: set[StreamId] = set()

    # Inputs

    def handle(self, caller: Caller, request: HttpRequest, now: float) -> None:
        """Answer a request, at once or when there is something to say."""
        self._touched.add(caller.stream)
        route = find_route(self._options.bases, request.path)
        if route is None:
            self._answer(caller, HTTPStatus.NOT_FOUND, [_TEXT], "There is nothing at this path", now)
        elif request.method not in allowed_methods(route):
            fields = [("Allow", ", ".join(allowed_methods(route)))]
            self._answer(caller, HTTPStatus.METHOD_NOT_ALLOWED, fields, "", now)
        elif route.kind is RouteKind.GREETING:
            caller.http.respond(HTTPStatus.OK, [_TEXT], b"Welcome to SockJS!\n", now)
        elif route.kind in (RouteKind.WEBSOCKET, RouteKind.RAW_WEBSOCKET):
            self._answer(caller, HTTPStatus.BAD_REQUEST, [_TEXT], "Not a valid websocket request", now)
        elif self._is_welcome(caller, request, now):
            self._serve(caller, request, route, now)

    def stream_gone(self, stream: StreamId, now: float) -> None:
        """Take note that a stream, or its client's side of it, has ended: an answer under way reaches
        nobody."""
        key, receiver = self._receiving.pop(stream, ("", None))
        session = self._sessions.get(key)
        if session is not None and receiver is not None and session.receiver is receiver:
            session.interrupted(now)
            self._settle(key, session, now)
        if stream in self._held:
            # What came with it is taken, so that the next one has to wait all the same: who gives up what is
            # held, and asks anew, would have us take everything.
            self._holding[self._held.pop(stream)[0]] = None

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        for _ in range(len(self._schedule)):
            key = self._schedule.pop_due(now)
            if key is None:
                break
            session = self._sessions[key]
            session.handle_timeout(now)
            self._settle(key, session, now)

    # Commands

    def knows(self, peer: PeerId) -> bool:
        """Tell whether a peer is here, and open."""
        return peer in self._keys

    def send(self, peer: PeerId, chunk: bytes, now: float) -> None:
        """Queue a chunk as one message.

        Raises:
            LocalProtocolError: the session is closing, or the chunk is no UTF-8. Nothing was queued.
        """
        key = self._keys[peer]
        self._sessions[key].send(chunk, now)
        self._settle(key, self._sessions[key], now)

    def unsent(self, peer: PeerId) -> int:
        """Return how many octets wait for a receiver of this peer, or in its answer."""
        session = self._sessions[self._keys[peer]]
        return session.waiting + (0 if session.receiver is None else session.receiver.unsent)

    def peer_on(self, stream: StreamId) -> PeerId | None:
        """Return the peer that received on a stream last, or None: the answer may be given, and still be
        there to be written.
        """
        key, _ = self._receiving.get(stream, ("", None))
        session = self._sessions.get(key)
        return None if session is None else session.peer

    def pause_reading(self, peer: PeerId) -> None:
        """Answer no xhr_send of this peer for now: a client has one under way at a time, and waits."""
        self._paused.add(peer)

    def resume_reading(self, peer: PeerId, now: float) -> None:
        """Answer again, beginning with what was held back."""
        self._paused.discard(peer)
        stream = self._holding.pop(peer, None)
        if stream is not None:
            _, caller, fields = self._held.pop(stream)
            self._touched.add(stream)
            caller.http.respond(HTTPStatus.NO_CONTENT, fields, b"", now)

    def close(self, peer: PeerId, now: float) -> None:
        """Close a session in order: to its receiver, or to the next that comes within the time it lingers."""
        key = self._keys[peer]
        self._sessions[key].close(now, *GO_AWAY)
        self._settle(key, self._sessions[key], now)

    def abort(self, peer: PeerId, now: float) -> None:
        """End a session at once."""
        key = self._keys[peer]
        self._sessions[key].abort(now)
        self._settle(key, self._sessions[key], now)

    def shut_down(self, now: float) -> None:
        """Close every session; those without a receiver end at once."""
        for key, session in list(self._sessions.items()):
            session.close(now, *GO_AWAY)
            session.abort(now)
            session.forget()
            self._settle(key, session, now)

    # Outputs

    def next_event(self) -> PeerEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def take_touched(self) -> list[StreamId]:
        """Return, and forget, the streams whose exchange was moved."""
        touched = list(self._touched)
        self._touched.clear()
        return touched

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._schedule.earliest()

    # Inside

    def _is_welcome(self, caller: Caller, request: HttpRequest, now: float) -> bool:
        """Keep out pages of other origins: even a request whose answer they cannot read would do its work."""
        origins = [value for name, value in request.headers if name == "origin"]
        refusal = self._options.origins.refuses(
            # Two of them are nobody's origin.
            ", ".join(origins) if origins else None,
            request.header("host"),
            secure=caller.secure,
            address=caller.address,
        )
        if refusal is None:
            return True
        self._events.append(
            StreamRefused(caller.address, caller.listener, refusal.sentence, int(refusal.status))
        )
        self._answer(caller, refusal.status, [_TEXT, ("Vary", "Origin")], refusal.sentence, now)
        return False

    def _serve(self, caller: Caller, request: HttpRequest, route: Route, now: float) -> None:
        fields = cors_fields(request)
        if request.method == "OPTIONS":
            caller.http.respond(HTTPStatus.NO_CONTENT, fields + preflight_fields(route), b"", now)
            return
        fields += not_cached()
        if route.kind is RouteKind.INFO:
            caller.http.respond(HTTPStatus.OK, [_JSON, *fields], self._info(), now)
            return
        if self._options.cookie_needed:
            fields += sticky(request)
        if route.kind is RouteKind.XHR_SEND:
            self._send(caller, route.session, request.body, [_TEXT, *fields], now)
        else:
            self._receive(caller, request, route, [_SCRIPT, *fields], now)

    def _info(self) -> bytes:
        entropy = int.from_bytes(self._entropy(4), "big")
        return encode_info(SockJSInfo(cookie_needed=self._options.cookie_needed, entropy=entropy))

    def _receive(
        self, caller: Caller, request: HttpRequest, route: Route, fields: Fields, now: float
    ) -> None:
        options, key = self._options, route.session
        streaming = route.kind is RouteKind.XHR_STREAMING
        session = self._sessions.get(key)
        if session is None and len(self._sessions) >= options.max_sessions:
            self._answer(caller, HTTPStatus.SERVICE_UNAVAILABLE, fields, "Too many sessions", now)
            return
        receiver: Receiver
        if streaming:
            receiver = _Stream(caller, fields, options.limits.max_streaming_response, self._touched)
        else:
            receiver = _Poll(caller, fields, self._touched)
        self._receiving[caller.stream] = key, receiver
        if session is None:
            peer = next(self._peers)
            session = ServerSession(peer, options.limits, beat=options.beat, linger=options.linger)
            self._sessions[key] = session
            self._keys[peer] = key
            transport = "xhr-streaming" if streaming else "xhr-polling"
            who = (caller.address, caller.listener)
            self._events.append(PeerOpened(peer, transport, *who, None, request.target, request.headers))
            session.open(receiver, now)
        else:
            session.attach(receiver, now)
        self._settle(key, session, now)

    def _send(self, caller: Caller, key: str, body: bytes, fields: Fields, now: float) -> None:
        session = self._sessions.get(key)
        if session is None or session.closed is not None:
            self._answer(caller, HTTPStatus.NOT_FOUND, fields, "There is no such session", now)
            return
        try:
            messages = decode_array(body, self._options.limits) if body else None
        except RemoteProtocolError as error:
            status, sentence = _REFUSALS.get(error.fault, _BROKEN_JSON)
            self._answer(caller, status, fields, sentence, now)
            return
        if messages is None:
            status, sentence = _NO_PAYLOAD
            self._answer(caller, status, fields, sentence, now)
            return
        if session.peer in self._holding:
            # A client has one request under way at a time: who has more does not wait for our back-pressure.
            self._answer(caller, HTTPStatus.SERVICE_UNAVAILABLE, fields, "Another xhr_send is under way", now)
            return
        data = b"".join(messages)
        if data:
            self._events.append(PeerData(session.peer, data))
        if session.peer in self._paused:
            self._holding[session.peer] = caller.stream
            self._held[caller.stream] = session.peer, caller, fields
        else:
            caller.http.respond(HTTPStatus.NO_CONTENT, fields, b"", now)

    def _answer(self, caller: Caller, status: HTTPStatus, fields: Fields, sentence: str, now: float) -> None:
        caller.http.respond(status, fields, f"{sentence}\n".encode() if sentence else b"", now)

    def _settle(self, key: str, session: ServerSession, now: float) -> None:
        """Take note of what became of a session after a call."""
        self._schedule.set(key, session.deadline)
        if session.closed is not None and self._keys.pop(session.peer, None) is not None:
            self.resume_reading(session.peer, now)
            self._events.append(PeerClosed(session.peer, session.closed))
        if session.forgotten:
            del self._sessions[key]
