"""TLS as octets in, octets out: the hand-shake, what flows inside, and whether the end was said or only came.

What lives here drives a TLS library's objects that do no I/O, as `ssl.SSLObject` between two `ssl.MemoryBIO`;
the library is passed in. It must not know sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .machine import StreamLoss, TLSInfo, TLSWish

__all__ = ["TLSBuffer", "TLSContext", "TLSEngine", "TLSFailure", "TLSLibrary", "TLSMaker", "TLSPipe"]

_PIECE = 65536


class TLSEngine(Protocol):
    """What `ssl.SSLObject` offers."""

    def do_handshake(self) -> None:
        """Make the hand-shake, as far as the octets reach that have come."""
        ...

    def read(self, size: int, /) -> bytes:
        """Return decrypted octets; b"" once the peer has said that its side ends."""
        ...

    def write(self, data: bytes, /) -> int:
        """Encrypt octets; return how many."""
        ...

    def unwrap(self) -> object:
        """Say that our side ends."""
        ...

    def version(self) -> str | None:
        """Return the version that was agreed on."""
        ...

    def selected_alpn_protocol(self) -> str | None:
        """Return the application protocol that was agreed on."""
        ...


class TLSBuffer(Protocol):
    """What `ssl.MemoryBIO` offers."""

    def read(self, size: int = ..., /) -> bytes:
        """Take octets out."""
        ...

    def write(self, data: bytes, /) -> int:
        """Put octets in."""
        ...

    @property
    def pending(self) -> int:
        """How many octets are inside."""
        ...


class TLSContext(Protocol):
    """What `ssl.SSLContext` offers."""

    def wrap_bio(
        self, incoming: Any, outgoing: Any, server_side: bool = ..., server_hostname: str | None = ...
    ) -> TLSEngine:
        """Make an engine between two buffers."""
        ...


class TLSLibrary(Protocol):
    """What the module `ssl` offers."""

    @property
    def MemoryBIO(self) -> Callable[[], TLSBuffer]:  # noqa: N802  # these are the names of the module
        """Makes a buffer."""
        ...

    @property
    def SSLWantReadError(self) -> type[Exception]:  # noqa: N802
        """More octets of the peer are needed."""
        ...

    @property
    def SSLCertVerificationError(self) -> type[Exception]:  # noqa: N802
        """The peer's certificate is not accepted."""
        ...

    @property
    def SSLError(self) -> type[Exception]:  # noqa: N802
        """Any failure of TLS."""
        ...

    def create_default_context(self) -> TLSContext:
        """Make a context that checks certificates and names."""
        ...


class TLSFailure(Exception):
    """TLS has failed: what is left in `octets_to_send` is the alert that says so."""

    def __init__(self, why: StreamLoss, detail: str) -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail


class TLSMaker:
    """Makes the TLS of streams."""

    def __init__(self, library: TLSLibrary, context: TLSContext | None) -> None:
        """Without a context, the library's default one is made when it is needed."""
        self._library = library
        self._context = context

    @property
    def has_context(self) -> bool:
        """Whether there is a context: what a server needs, since no default one has a certificate."""
        return self._context is not None

    def __call__(self, wish: TLSWish | None) -> TLSPipe:
        """Make the pipe of one stream; without a wish, a server's."""
        library = self._library
        if self._context is None:
            self._context = library.create_default_context()
        incoming, outgoing = library.MemoryBIO(), library.MemoryBIO()
        name = None if wish is None else wish.server_name
        engine = self._context.wrap_bio(incoming, outgoing, wish is None, name)
        return TLSPipe(engine, incoming, outgoing, library)


class TLSPipe:
    """One TLS stream. Start with `shake`; feed what comes, write what `octets_to_send` gives."""

    __slots__ = ("_engine", "_incoming", "_kept", "_library", "_outgoing", "ended", "established")

    established: bool
    """Whether the hand-shake is done."""
    ended: bool
    """Whether the peer has said that its side ends: nothing was cut off."""

    def __init__(
        self, engine: TLSEngine, incoming: TLSBuffer, outgoing: TLSBuffer, library: TLSLibrary
    ) -> None:
        """`incoming` is what the engine reads from, `outgoing` what it writes to."""
        self._engine = engine
        self._incoming = incoming
        self._outgoing = outgoing
        self._library = library
        self._kept = b""
        self.established = False
        self.ended = False

    @property
    def info(self) -> TLSInfo:
        """What the hand-shake ended with."""
        return TLSInfo(self._engine.version(), self._engine.selected_alpn_protocol())

    def shake(self) -> bool:
        """Go on with the hand-shake; return whether it is done.

        Raises:
            TLSFailure: it failed.
        """
        library = self._library
        try:
            self._engine.do_handshake()
        except library.SSLWantReadError:
            return False
        except library.SSLCertVerificationError as error:
            raise TLSFailure(StreamLoss.CERTIFICATE_REFUSED, str(error)) from error
        except library.SSLError as error:
            raise TLSFailure(StreamLoss.TLS_FAILED, str(error)) from error
        self.established = True
        return True

    def receive_data(self, octets: bytes) -> None:
        """Take in octets of the peer; then `shake`, or `take`."""
        self._incoming.write(octets)

    def take(self) -> bytes:
        """Return all that can be decrypted now.

        Raises:
            TLSFailure: what came is no TLS, or the peer says that it failed.
        """
        pieces: list[bytes] = []
        try:
            while piece := self._engine.read(_PIECE):
                pieces.append(piece)
            self.ended = True
        except self._library.SSLWantReadError:
            pass
        except self._library.SSLError as error:
            # What was good comes first; asked again, the engine says the same.
            if not pieces:
                raise TLSFailure(StreamLoss.TLS_FAILED, str(error)) from error
        return b"".join(pieces)

    def send(self, data: bytes) -> None:
        """Encrypt octets.

        Raises:
            TLSFailure: the stream has failed before.
        """
        data = self._kept + data
        try:
            # The buffers take any number of octets, but some versions of TLS renegotiate in between.
            self._kept = data[self._engine.write(data) :] if data else b""
        except self._library.SSLWantReadError:
            self._kept = data
        except self._library.SSLError as error:
            raise TLSFailure(StreamLoss.TLS_FAILED, str(error)) from error

    def end(self) -> None:
        """Say that our side ends, without waiting for the peer to say the same."""
        try:
            self._engine.unwrap()
        except self._library.SSLError:
            # The peer has not said so yet, or the stream has failed: either way this is all that can be said.
            pass

    @property
    def unsent(self) -> int:
        """How many octets `octets_to_send` has, with those that wait for the peer to be encrypted."""
        return self._outgoing.pending + len(self._kept)

    def octets_to_send(self, max_bytes: int) -> bytes:
        """Hand over the next octets to write."""
        if self._kept:
            self.send(b"")
        return self._outgoing.read(max_bytes)
