"""How a server behaves on its streams: every choice, its default, and why.

What lives here is one frozen object; it must not know who reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..protocol.limits import Limits
from ..records import field, record
from .origin import OriginPolicy
from .pages import Page
from .subprotocols import STOMP_SUBPROTOCOLS

__all__ = ["PATHS", "ServerOptions"]

PATHS = ("/stomp", "/ws", "/sockjs")
"""The paths that people try first: Spring's and our own examples, plain WebSocket's, and SockJS's."""


@record(kw_only=True)
class ServerOptions:
    """What a `LinkServer` is told. Times are in seconds.

    Raises:
        ValueError: the path cannot be one, a time is not more than nothing, or there is room for nobody.
    """

    path: str | Sequence[str] = PATHS
    """Where WebSockets connect, and the base URL of SockJS: each of these paths is both."""

    origins: OriginPolicy = field(default_factory=OriginPolicy)
    """Which web pages may connect: those of the same host by default, where its name is no one else's."""

    tls_listeners: Collection[int] = ()
    """The indexes of listening sockets with TLS: no page that came without it may connect there."""

    subprotocols: Sequence[str] = STOMP_SUBPROTOCOLS
    """The WebSocket subprotocols to choose from, best first."""

    cookie_needed: bool = False
    """Whether SockJS clients are told that a load balancer needs a cookie, and get one."""

    beat: float = 25.0
    """Without a frame for so long, SockJS sends a heart-beat: as other servers do, since balancers cut what
    is silent."""

    linger: float = 5.0
    """How long a SockJS session goes on without a receiver, as other servers have it."""

    first_octets_timeout: float = 10.0
    """How long a stream may stay silent, or undecided, after it was accepted."""

    close_timeout: float = 10.0
    """How long a peer may take to answer a close, and to take the last octets."""

    max_streams: int = 10_000
    """Streams at a time: what comes beyond is ended. Each costs some kilobytes before anybody has logged
    in."""

    max_sessions: int = 10_000
    """SockJS sessions over xhr at a time: they need no stream to live."""

    pages: Mapping[str, Page] = field(default_factory=dict[str, Page], hidden=True)
    """Pages for browsers, by path: "/" is what a bare address shows. Looked up at each request, so that what
    is put in later is there. The paths of SockJS stay what they are."""

    limits: Limits = field(default_factory=Limits.server)

    def __post_init__(self) -> None:
        if not self.bases:
            raise ValueError("there is no path: name one, or more, where WebSockets connect")
        for path in self._paths:
            if not path.startswith("/") or "?" in path or "#" in path:
                raise ValueError(f"the path {path!r} must begin with a slash, and has no query")
        times = (
            *(("beat", self.beat), ("linger", self.linger)),
            *(("first_octets_timeout", self.first_octets_timeout), ("close_timeout", self.close_timeout)),
        )
        for name, seconds in times:
            if not seconds > 0:
                raise ValueError(f"{name} is {seconds!r}: it must be more than 0 seconds")
        for name, room in (("max_streams", self.max_streams), ("max_sessions", self.max_sessions)):
            if room < 1:
                raise ValueError(f"{name} must be 1 or more: nobody could come")

    @property
    def bases(self) -> tuple[str, ...]:
        """The paths without slashes at their ends."""
        return tuple(path.rstrip("/") for path in self._paths)

    @property
    def _paths(self) -> Sequence[str]:
        return (self.path,) if isinstance(self.path, str) else self.path
