"""A stream of a server that has not said yet what it is: plain STOMP, HTTP, or a mistake.

What lives here looks at the first octets alone; it must not know what is said afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum

from ..machine import StreamAction, StreamId, StreamLoss
from .occupants import Occupant, StreamEnding
from .peers import PeerEvent, PeerId, StreamRefused
from .plain import PlainLink
from .requests import Requests
from .server_options import ServerOptions
from .sockjs_sessions import SockJSSessions
from .standing import Standing

__all__ = ["Arrival", "FirstOctets", "recognize"]

_METHODS = tuple(
    method + b" "
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT")
)
_TLS_HANDSHAKE = b"\x16"
"""The first octet of a TLS hello (RFC 8446, section 5.1)."""
_TLS_FAILURES = (StreamLoss.TLS_FAILED, StreamLoss.CERTIFICATE_REFUSED)


class FirstOctets(Enum):
    """What the first octets of a stream say it is."""

    PLAIN = "STOMP as it is"
    HTTP = "HTTP, perhaps on the way to WebSocket"
    TLS = "a TLS hello where TLS has no place"


def recognize(octets: bytes) -> FirstOctets | None:
    """Return what a stream is that begins like this, or None while that is open.

    CONNECT is a command of STOMP and a method of HTTP: the octet behind it decides.
    """
    if octets.startswith(_METHODS):
        return FirstOctets.HTTP
    if any(method.startswith(octets) for method in _METHODS):
        return None
    return FirstOctets.TLS if octets.startswith(_TLS_HANDSHAKE) else FirstOctets.PLAIN


class Arrival:
    """One stream that was just accepted."""

    __slots__ = (
        "_address",
        "_deadline",
        "_ending",
        "_events",
        "_ids",
        "_listener",
        "_octets",
        "_options",
        "_sessions",
        "_since",
        "_stream",
        "successor",
    )

    successor: Occupant | None
    """Who holds the stream from now on."""

    def __init__(
        self,
        stream: StreamId,
        *,
        address: str,
        listener: int,
        ids: Iterator[PeerId],
        options: ServerOptions,
        sessions: SockJSSessions,
        now: float,
    ) -> None:
        """Wait for the first octets of a stream, for a while."""
        self._stream = stream
        self._address = address
        self._listener = listener
        self._ids = ids
        self._options = options
        self._sessions = sessions
        self._since = now
        self._octets = b""
        self._ending = StreamEnding(stream, options.close_timeout)
        self._events: deque[PeerEvent] = deque()
        self._deadline: float | None = now + options.first_octets_timeout
        self.successor = None

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets, until they say enough."""
        if self._ending.begun:
            return
        self._octets += data
        kind = recognize(self._octets)
        if kind is FirstOctets.TLS:
            self.refuse("It began with TLS on a port without: connect to the port that has it", now)
        elif kind is FirstOctets.PLAIN:
            self.successor = Standing(
                self._stream,
                PlainLink.accepted(
                    self._stream, now, peer=self._address, close_timeout=self._options.close_timeout
                ),
                self._octets,
                address=self._address,
                listener=self._listener,
                ids=self._ids,
                now=now,
            )
        elif kind is FirstOctets.HTTP:
            self.successor = Requests(
                self._stream,
                self._octets,
                address=self._address,
                listener=self._listener,
                ids=self._ids,
                options=self._options,
                sessions=self._sessions,
                since=self._since,
                now=now,
            )

    def receive_eof(self, now: float) -> None:
        """End the stream: it will never say what it is."""
        self._end(now)

    def lost(self, why: StreamLoss, now: float, detail: str) -> None:
        """Take note that the stream is gone: nobody was there, or TLS failed, which people want to know."""
        if why in _TLS_FAILURES:
            self._events.append(StreamRefused(self._address, self._listener, f"TLS failed: {detail}"))

    def handle_timeout(self, now: float) -> None:
        """Give up waiting for the first octets: their time is over."""
        self.refuse("It did not say in time what it is", now)

    def go_on(self, now: float) -> None:
        """Do nothing: nobody else moves this stream."""

    def shut_down(self, now: float) -> None:
        """End the stream."""
        self._end(now)

    def refuse(self, reason: str, now: float) -> None:
        """End the stream and say why."""
        self._events.append(StreamRefused(self._address, self._listener, reason))
        self._end(now)

    def next_action(self) -> StreamAction | None:
        """Return the next wish about the stream, or None."""
        return self._ending.next_action()

    def next_event(self) -> PeerEvent | None:
        """Return why the stream was refused, or None."""
        return self._events.popleft() if self._events else None

    @property
    def wants_read(self) -> bool:
        """Whether the stream should be read."""
        return not self._ending.begun

    @property
    def unsent(self) -> int:
        """Return 0: nothing is said to who has said nothing."""
        return 0

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Return b""."""
        return b""

    @property
    def waits_for_writer(self) -> bool:
        """Return False: nothing here waits for that."""
        return False

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None."""
        return self._deadline

    def _end(self, now: float) -> None:
        self._deadline = None
        self._ending.begin(now, abort=True)
