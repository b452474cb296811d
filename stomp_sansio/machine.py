"""What a driver and a state machine promise each other: the whole border between the pure code and the world.

Bytes, stream events and `now` go in; typed events, addressed bytes, open and close wishes and one deadline
come out. This file must not know STOMP, nor any event loop.

Instants (`now`, deadlines) are seconds of one clock whose origin means nothing: they are compared and
subtracted, never shown. A machine does nothing by itself: each promise below holds after the call that it
names.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NewType, Protocol, TypeAlias, TypeVar, runtime_checkable

from .records import record

__all__ = [
    "Address",
    "Announcing",
    "Capture",
    "CloseStream",
    "Emptying",
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
"""The name of one byte stream, never used twice.

A machine names those that it opens, from 1 upward; a driver names those that it accepts, from -1 downward: so
one machine can have both.
"""


@record
class TCPAddress:
    """A TCP endpoint."""

    host: str
    """A host name or an IP address (IPv6 without brackets)."""
    port: int


@record
class UnixAddress:
    """A Unix domain socket."""

    path: str


Capture: TypeAlias = Callable[[str], object]
"""Is told everything that crosses this border, as lines of JSON without their ends: write each to a file, in
US-ASCII, and `stomp-sansio trace` shows, replays and explains it. Secrets are hidden before. It must not
wait; what it raises is logged and ends the capture, which has 64 MiB at most.
"""

Address: TypeAlias = TCPAddress | UnixAddress
"""Where a stream leads."""


@record
class TLSWish:
    """What TLS is wanted; certificates, their verification and application protocols (ALPN) are the driver's,
    by the `ssl.SSLContext` it was given.
    """

    server_name: str
    """The name that the certificate must carry, and that SNI announces."""


@record
class TLSInfo:
    """What a TLS hand-shake ended with."""

    version: str | None = None
    """Such as "TLSv1.3"."""
    alpn: str | None = None
    """The application protocol that both sides know, if the context offers any."""


@record
class OpenStream:
    """The wish for a new stream.

    The driver answers with `stream_opened`, once, or with `stream_lost` when it cannot. How long that may
    take is the machine's to say: it has a deadline, and takes the wish back with `CloseStream`.
    """

    stream: StreamId
    address: Address
    tls: TLSWish | None = None
    """TLS from the first octet; `stream_opened` then means that its hand-shake is done. Whoever wants to know
    how far the stream has come wishes `StartTLS` when it has opened.
    """


@record
class StartTLS:
    """The wish to go on in TLS on a stream that is open.

    The driver first writes what `data_to_send` still has for the stream, hands in nothing meanwhile, then
    shakes hands and answers with `tls_started`, or with `stream_lost` (`TLS_FAILED`, `CERTIFICATE_REFUSED`).
    Octets that came before the wish were the machine's to judge: it wishes for no TLS when some are left
    over. What comes after the wish belongs to the hand-shake.
    """

    stream: StreamId
    tls: TLSWish


@record
class CloseStream:
    """The wish to end a stream. The driver answers with `stream_lost`, as for every stream.

    What the stream still has is written first, unless `abort` is set: the driver goes on pulling until
    `data_to_send` returns b"", and then ends both directions: STOMP has no use for a half-closed stream. It
    waits as long as the peer takes to read: a machine that will not wait has a deadline of its own and then
    wishes once more, with `abort`. That is the only wish that may follow for the stream. Octets that come
    after the wish may still be handed in, and mean nothing.

    The wish may come before the stream has opened, with or without `abort`: opening is then given up, nothing
    is written, and `stream_opened` may come all the same if it was under way.
    """

    stream: StreamId
    abort: bool = False
    """End without writing what is queued and without waiting for the peer."""


StreamAction: TypeAlias = OpenStream | StartTLS | CloseStream
"""What a machine wishes of its driver."""


class StreamLoss(Enum):
    """Why a stream is gone. Where several reasons hold, the first that the driver knew of is told."""

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

    Inputs are the methods that take `now`, and the commands of the concrete machine. After inputs, and before
    it waits again, a driver drains `next_action` and `next_event` until both say None, wakes the readers and
    writers of `changed_streams`, sees to `run` if `wants_run`, and arms one timer for `next_deadline`.
    Several inputs may come before it drains; an extra look changes nothing. Calls never overlap, and `now`
    never goes back.

    A stream's life, as the machine is told of it: `stream_opened` (after its wish) or `stream_accepted`; then
    `receive_data` any number of times, `receive_eof` at most once and last of these; `tls_started` once for
    each wish; at any time, last and exactly once, `stream_lost`. Inputs raise nothing that a peer could bring
    about; a `LocalProtocolError` from one means that the driver gave it to the wrong machine.
    """

    def next_action(self) -> StreamAction | None:
        """Return the next wish about streams, or None when there is none left. Each wish comes once, in
        order, and names a stream that is not lost: unless it was lost before its wish was taken, and then the
        driver passes it over.
        """
        ...

    def next_event(self) -> _EventT_co | None:
        """Return the next event for the application, or None when there is none left. What it receives may
        give the machine commands at once.
        """
        ...

    def stream_opened(self, stream: StreamId, now: float) -> None:
        """Answer `OpenStream`: the stream carries octets now (inside TLS, if that was wished)."""
        ...

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        """Hand in a stream that somebody opened to us. `listener` is the index of the listening socket,
        `peer` is where it comes from, as HOST:PORT or [IPV6]:PORT: a server trusts names less on loopback.

        On a listener with TLS the hand-shake follows, unseen: the time that the machine gives to first octets
        covers it. A machine that opens streams only raises `LocalProtocolError`.
        """
        ...

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        """Answer `StartTLS`: the hand-shake is done."""
        ...

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        """Report the end of a stream: exactly once for each that was wished for or accepted, even for one
        that never opened, and after the octets that came before it.

        `detail` is the operating system's or the TLS library's sentence, for people. Afterwards nothing about
        this stream is asked or told any more.
        """
        ...

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        """Hand in octets that came, in any pieces: how they are cut changes nothing. Never raises for what
        the peer sent.
        """
        ...

    def receive_eof(self, stream: StreamId, now: float) -> None:
        """Report that the peer ended its side of the stream.

        The machine answers with `CloseStream`, at once or when what it still has to say is said.
        """
        ...

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`; b"" when there are none.

        The one writer of a stream pulls: asking again says that the last piece was accepted by the transport.
        It is asked from `stream_opened` or `stream_accepted` on, also after `CloseStream` unless that has
        `abort`, and never while TLS begins. Since handing over counts as sending, a deadline may move.
        """
        ...

    def wants_read(self, stream: StreamId) -> bool:
        """Tell whether the stream should be read. True is supposed of a stream that has just come up.

        False is back-pressure: what was read already may still come, silence is not counted, and an end of
        the stream need not be noticed. When the answer changes, `changed_streams` names the stream. Changes
        nothing.
        """
        ...

    def changed_streams(self) -> list[StreamId]:
        """Return, and forget, the streams that since the last call got octets to write or a changed
        `wants_read`.

        A stream may be named for nothing, never one that is lost. A writer that was told pulls until it gets
        b"".
        """
        ...

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None. It may change after any other call,
        and lies in the future once `handle_timeout` was called for it.
        """
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
        """Whether everything is over: True only after `stream_lost` was told for every stream. It stays True,
        and nothing is wished any more; events may still have to be taken.
        """
        ...


@runtime_checkable
class Announcing(Protocol):
    """What a machine may offer besides, so that a driver need not ask for what cannot have come about. To use
    it or not makes no difference but time.
    """

    def wants_look(self) -> bool:
        """Tell whether there is something for `next_action`, `next_event` or `changed_streams`."""
        ...

    def wants_rearm(self) -> bool:
        """Tell whether, since `next_deadline` was asked last, the deadline may have become an earlier one, or
        work may have been left over for `run`. A deadline that has moved on is not announced.
        """
        ...


@runtime_checkable
class Emptying(Protocol):
    """What a machine may offer besides, so that a writer need not ask for octets that are not there."""

    def gives_all(self, stream: StreamId) -> bool:
        """Tell whether what `data_to_send` returned just now was all there is, when shorter than it might
        have been: then the writer need not ask again until it is told. Changes nothing.
        """
        ...
