"""What a driver and a state machine promise each other: the whole border between the pure code and the world.

Bytes, stream events and `now` go in; typed events, addressed bytes, open and close wishes and one deadline
come out. This file must not know STOMP, nor any event loop.

Instants (`now`, deadlines) are seconds of one clock whose origin means nothing: they are compared and
subtracted, never shown. A machine does nothing by itself: each promise below holds after the call that it
names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NewType, Protocol, TypeAlias, TypeVar

__all__ = [
    "Address",
    "CloseStream",
    "Machine",
    "OpenStream",
    "StartTLS",
    "StreamAction",
    "StreamId",
    "StreamLoss",
    "TCPAddress",
    "TLSInfo",
    "TLSWish",
    "UnixAddress",
]

StreamId = NewType("StreamId", int)
"""The name of one byte stream, chosen by the machine for those it opens, by the driver for those it accepts;
never used twice.
"""


@dataclass(frozen=True, slots=True)
class TCPAddress:
    """A TCP endpoint."""

    host: str
    """A host name or an IP address (IPv6 without brackets)."""
    port: int


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix domain socket."""

    path: str


Address: TypeAlias = TCPAddress | UnixAddress


@dataclass(frozen=True, slots=True)
class TLSWish:
    """What TLS is wanted; certificates and their verification are the driver's, by the `ssl.SSLContext` it
    was given.
    """

    server_name: str
    """The name that the certificate must carry, and that SNI announces."""
    alpn: tuple[str, ...] = ()
    """Application protocols to offer, best first."""


@dataclass(frozen=True, slots=True)
class TLSInfo:
    """What a TLS hand-shake ended with."""

    version: str | None = None
    """Such as "TLSv1.3"."""
    alpn: str | None = None


@dataclass(frozen=True, slots=True)
class OpenStream:
    """The wish for a new stream. The driver answers with `stream_opened`, or with `stream_lost` when it
    cannot.
    """

    stream: StreamId
    address: Address
    tls: TLSWish | None = None
    """TLS from the first octet; `stream_opened` then means that its hand-shake is done."""


@dataclass(frozen=True, slots=True)
class StartTLS:
    """The wish to go on in TLS on a stream that is open.

    The driver first writes what `data_to_send` still has for the stream, reads nothing meanwhile, then shakes
    hands and answers with `tls_started`, or with `stream_lost`. Octets that came before and were not consumed
    are a fault of the peer.
    """

    stream: StreamId
    tls: TLSWish


@dataclass(frozen=True, slots=True)
class CloseStream:
    """The wish to end a stream. The driver answers with `stream_lost`, as for every stream.

    What was queued for the stream is written first, unless `abort` is set. Both directions end at once: STOMP
    has no use for a half-closed stream. The wish may come before the stream has opened: opening is then given
    up.
    """

    stream: StreamId
    abort: bool = False
    """End without writing what is queued and without waiting for the peer."""


StreamAction: TypeAlias = OpenStream | StartTLS | CloseStream


class StreamLoss(Enum):
    """Why a stream is gone."""

    CLOSED = "closed"
    """It was closed because the machine wished so, or both sides ended it in order."""
    UNRESOLVED = "unresolved"
    """The host name could not be resolved."""
    REFUSED = "refused"
    """Nobody accepted the connection, or it could not be reached."""
    TLS_FAILED = "tls-failed"
    """The TLS hand-shake failed."""
    CERTIFICATE_REFUSED = "certificate-refused"
    """The peer's certificate was not accepted: trying again will not help."""
    TRUNCATED = "truncated"
    """A TLS stream ended without its closing alert: what came last may be missing."""
    RESET = "reset"
    """The stream broke while it was open."""
    TIMEOUT = "timeout"
    """The driver gave up waiting."""


_EventT_co = TypeVar("_EventT_co", covariant=True)


class Machine(Protocol[_EventT_co]):
    """The only thing that a driver knows.

    After every input (any method that takes `now`, and any command of the concrete machine) a driver drains
    `next_action`, then `next_event`, wakes the readers and writers of `changed_streams`, and arms one timer
    for `next_deadline`. It may do so more often: an extra look changes nothing.
    """

    def next_action(self) -> StreamAction | None:
        """Return the next wish about streams, or None when there is none left. Each wish comes once, in
        order.
        """
        ...

    def next_event(self) -> _EventT_co | None:
        """Return the next event for the application, or None when there is none left."""
        ...

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Answer `OpenStream`: the stream carries octets now (inside TLS, if that was wished)."""
        ...

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Hand in a stream that somebody opened to us. `listener` is the index of the listening socket,
        `peer` is for people.
        """
        ...

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Answer `StartTLS`: the hand-shake is done."""
        ...

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Report the end of a stream: exactly once for each, even for one that never opened.

        `detail` is the operating system's or the TLS library's sentence, for people. Afterwards nothing about
        this stream is asked or told any more.
        """
        ...

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Hand in octets that came. Never raises for what the peer sent."""
        ...

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Report that the peer ended its side of the stream. The machine answers with `CloseStream`."""
        ...

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`; b"" when there are none.

        The one writer of a stream pulls: asking again says that the last piece was accepted by the transport.
        """
        ...

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether the stream should be read. False is back-pressure: one more chunk is legal, and
        silence is not counted.
        """
        ...

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams with octets to write or with a changed `wants_read` since the last
        call.
        """
        ...

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None. It may change after any other call."""
        ...

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`. Too early or too late is harmless."""
        ...

    def wants_run(self) -> bool:
        """Tell whether work was left over that `run` goes on with, so that one input never stalls a loop for
        long.
        """
        ...

    def run(self, now: float) -> None:
        """Do a bounded piece of the work that was left over."""
        ...

    @property
    def finished(self) -> bool:
        """Whether everything is over: True only after `stream_lost` was told for every stream."""
        ...
