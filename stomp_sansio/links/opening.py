"""One stream's way up: TCP, then the proxy's tunnel, then TLS, until a layer can stand on it.

What lives here knows the order of these steps and explains their failures. It must not know what will flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LinkFault, RemoteProtocolError
from ..machine import Address, OpenStream, StartTLS, StreamId, StreamLoss, TCPAddress, TLSWish
from ..protocol.limits import Limits
from ..records import record
from .link import LinkClosed, Phase
from .proxy import Proxy
from .url import Endpoint

if TYPE_CHECKING:
    from .tunnel import ProxyTunnel

__all__ = ["Route", "StreamOpening", "lost_stream", "route_to"]


@record
class Route:
    """How a stream gets to where it is wanted."""

    address: Address
    """The server."""
    tls: TLSWish | None = None
    """TLS with the server, from one end to the other."""
    proxy: Proxy | None = None
    """An HTTP proxy that is asked for a tunnel first."""


def route_to(endpoint: Endpoint, *, proxy: Proxy | None = None, server_name: str | None = None) -> Route:
    """Return the route to an endpoint; a Unix socket is always reached without the proxy.

    `server_name` is the name that the certificate must carry, where it is not the URL's host.
    """
    tls = endpoint.tls_wish
    if tls is not None and server_name is not None:
        tls = TLSWish(server_name)
    return Route(endpoint.address, tls, None if endpoint.unix_path is not None else proxy)


class StreamOpening:
    """The way of one stream. Begin with `open_wish`; when `ready`, take `leftover` and forget this object."""

    __slots__ = ("_route", "_tunnel", "leftover", "open_wish", "phase", "ready", "stream", "where")

    phase: Phase
    """The step that is being made."""
    ready: bool
    """Whether a layer can stand on the stream."""
    where: str
    """The server, for people."""
    leftover: bytes
    """Octets that came behind a proxy's answer: the first ones of the server."""

    def __init__(self, stream: StreamId, route: Route, limits: Limits) -> None:
        self.stream = stream
        self._route = route
        self._tunnel: ProxyTunnel | None = None
        self.phase = Phase.TCP
        self.ready = False
        self.leftover = b""
        self.where = _shown(route.address)
        # TLS is wished for afterwards, so that it is known how far a stream has come.
        if route.proxy is None:
            self.open_wish = OpenStream(stream, route.address)
        else:
            # Only who uses a proxy needs an HTTP library.
            from .tunnel import ProxyTunnel

            self._tunnel = ProxyTunnel(route.address, route.proxy, limits)
            self.open_wish = OpenStream(stream, route.proxy.address)

    def opened(self) -> StartTLS | None:
        """Take note of `stream_opened`. Returns the wish for TLS, if that comes next."""
        if self._tunnel is None:
            return self._connected()
        self.phase = Phase.PROXY
        return None

    def _connected(self) -> StartTLS | None:
        """Go on from a stream that leads to the server."""
        if self._route.tls is None:
            self.ready = True
            return None
        self.phase = Phase.TLS
        return StartTLS(self.stream, self._route.tls)

    def receive_data(self, data: bytes) -> StartTLS | None:
        """Take in octets of the proxy. Returns the wish for TLS once the tunnel stands and TLS is wanted.

        Raises:
            RemoteProtocolError: the proxy refused, or broke the protocol.
        """
        if self._tunnel is None or self.phase is not Phase.PROXY:
            raise RemoteProtocolError(
                LinkFault.BAD_HANDSHAKE,
                "Octets came where the TLS hand-shake has to begin: a proxy speaks out of turn",
            )
        self._tunnel.receive_data(data)
        if not self._tunnel.established:
            return None
        self.leftover = self._tunnel.take_rest()
        if self.leftover and self._route.tls is not None:
            raise RemoteProtocolError(
                LinkFault.BAD_HANDSHAKE,
                f"The proxy sent {len(self.leftover)} octets behind its answer, before TLS could begin",
            )
        return self._connected()

    def receive_eof(self) -> RemoteProtocolError:
        """Return what the end of the stream means here."""
        if self.phase is Phase.PROXY:
            return RemoteProtocolError(
                LinkFault.TRUNCATED, "The proxy closed the stream without a whole answer"
            )
        return RemoteProtocolError(LinkFault.TRUNCATED, "The stream ended before the TLS hand-shake")

    def tls_started(self) -> None:
        """Take note of the answer to `StartTLS`."""
        self.ready = True

    @property
    def status(self) -> int | None:
        """The HTTP status of a proxy that refused, if one did."""
        return None if self._tunnel is None else self._tunnel.refused_status

    @property
    def wants_read(self) -> bool:
        """Whether octets are expected: never while TLS is being started."""
        return self.phase is Phase.PROXY

    def data_to_send(self, max_bytes: int) -> bytes:
        """Hand over the request for a tunnel."""
        if self._tunnel is None or self.phase is not Phase.PROXY:
            return b""
        return self._tunnel.data_to_send(max_bytes)

    @property
    def unsent(self) -> int:
        """How many octets `data_to_send` has still to hand over."""
        return 0 if self._tunnel is None else self._tunnel.unsent

    def lost(self, why: StreamLoss, detail: str) -> LinkClosed:
        """Return the end of a link whose stream was lost on this way."""
        where = self.where
        if self._route.proxy is not None and self.phase is not Phase.TLS:
            where = f"{_shown(self._route.proxy.address)} (the proxy)"
        return lost_stream(self.phase, why, detail, where)


_LOSSES = {
    StreamLoss.UNRESOLVED: (
        Phase.DNS,
        "the host name of {where} could not be resolved: check its spelling, and the network",
    ),
    StreamLoss.REFUSED: (
        Phase.TCP,
        "nobody accepted the connection to {where}: check that the server runs, its port, and firewalls",
    ),
    StreamLoss.TLS_FAILED: (
        Phase.TLS,
        "the TLS hand-shake with {where} failed: check that this port speaks TLS (stomps://, wss://, https://)",
    ),
    StreamLoss.CERTIFICATE_REFUSED: (
        Phase.TLS,
        "the certificate of {where} was refused: pass an SSL context that trusts its issuer, or use the name "
        "that it carries",
    ),
    StreamLoss.TRUNCATED: (
        None,
        "the TLS stream from {where} ended without its closing alert: what came last may be missing",
    ),
    StreamLoss.RESET: (None, "the connection to {where} broke"),
    StreamLoss.TIMEOUT: (None, "{where} did not answer in time"),
    StreamLoss.CLOSED: (None, "the connection to {where} was closed"),
}


def lost_stream(phase: Phase, why: StreamLoss, detail: str, where: str) -> LinkClosed:
    """Return the end of a link that had come to `phase` when its stream was lost.

    `where` names the peer for people.
    """
    known_phase, sentence = _LOSSES[why]
    reason = sentence.format(where=where)
    if detail:
        reason = f"{reason} ({detail})"
    return LinkClosed(clean=False, phase=known_phase or phase, reason=reason, loss=why)


def _shown(address: Address) -> str:
    if isinstance(address, TCPAddress):
        return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
    return address.path
