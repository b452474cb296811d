"""A broker on a port for all transports, as far as no runtime changes it: its parts, and who may come in.

An adapter adds sockets, TLS and time. This file must not know how any of them works.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Protocol, TypedDict, TypeVar

from .broker.broker import Broker
from .broker.events import BrokerEvent, LoginAsked
from .broker.logins import Logins
from .broker.options import BrokerOptions
from .broker.statistics import Statistics
from .links.pages import Page
from .links.peers import PeerId
from .machine import Capture, Machine
from .protocol.events import ConnectRequest
from .protocol.headers import HeaderPairs

__all__ = ["Log", "Page", "ServeKeywords", "ServerCore"]

T = TypeVar("T")

# Streams beyond those of the clients that may be there: whoever comes is told that there are too many.
_TOLD = 100


class Log(Protocol):
    """What `logging.Logger` offers."""

    def debug(self, line: str, event: BrokerEvent, /) -> None:
        """Log what happened."""
        ...

    def error(self, line: str, /, *, exc_info: Exception) -> None:
        """Log what the application should not have raised."""
        ...


class ServeKeywords(TypedDict, total=False):
    """What `serve` is told besides where to listen. All of it may be left out."""

    login: Mapping[str, str] | Callable[[ConnectRequest], bool] | None
    """The passcode of each login that may come in; or a function that says whether a client may, with
    True or False, at once: compare in it with `hmac.compare_digest`. What it raises is logged, and lets
    nobody in. None: everybody may.
    """
    path: str | Sequence[str]
    """Where WebSockets connect, and the base URL of SockJS; each of several is both. Unless given: "/stomp",
    "/ws" and "/sockjs".
    """
    origins: Iterable[str]
    """Web pages that may connect besides those of the same host, as "https://app.example.com"."""
    hosts: Iterable[str] | None
    """Names by which browsers reach this server, besides localhost and addresses, as "dev.example": pages
    loaded from another name get nothing, since anybody may have made it mean this machine (DNS rebinding).
    None, the default: only who comes from loopback is looked at. A list, even an empty one: everybody.
    """
    options: BrokerOptions | None
    """Limits and manners."""
    on_event: Callable[[BrokerEvent], object] | None
    """Is told everything that happens, as it happens. It must return soon; what it raises is logged."""
    close_timeout: float
    """Seconds that clients may take at the end for what was queued: 10."""
    capture: Capture | None
    """Where a record of everything that passes goes, line by line; None, the default, keeps none."""
    pages: Mapping[str, Page]
    """Pages for browsers, by path, as {"/": Page("text/html; charset=utf-8", octets)}. A page may load from
    this server alone, and connect to it alone. Looked up at each request: what is put in later is there.
    """


class ServerCore(ABC):
    """What servers of all colours have."""

    broker_class: ClassVar[type[Broker]] = Broker
    """What is made. A test may have something in its place that behaves worse."""

    def __init__(
        self,
        token_bytes: Callable[[int], bytes],
        log: Log,
        *,
        tls: bool,
        login: Mapping[str, str] | Callable[[ConnectRequest], bool] | None = None,
        path: str | Sequence[str] | None = None,
        origins: Iterable[str] = (),
        hosts: Iterable[str] | None = None,
        options: BrokerOptions | None = None,
        on_event: Callable[[BrokerEvent], object] | None = None,
        close_timeout: float = 10.0,
        capture: Capture | None = None,
        pages: Mapping[str, Page] = MappingProxyType({}),
    ) -> None:
        """Make a broker that listens nowhere yet. `token_bytes(n)` returns n octets that nobody can
        foresee.

        Raises:
            ImportError: a package is not installed; the message says which.
            ValueError: a keyword cannot be used.
        """
        try:
            from .links.origin import OriginPolicy
            from .links.server import LinkServer
            from .links.server_options import PATHS, ServerOptions
        except ImportError as error:
            raise ImportError(
                f"WebSocket and SockJS need {error.name}: pip install 'stomp-sansio[ws]'", name=error.name
            ) from None
        options = options or BrokerOptions()
        manners = ServerOptions(
            path=PATHS if path is None else path,
            origins=OriginPolicy(origins, hosts),
            tls_listeners=range(1_000) if tls else (),
            max_streams=options.max_connections + _TOLD,
            max_sessions=options.max_connections,
            close_timeout=close_timeout,
            pages=pages,
            limits=options.limits,
        )
        self.broker = self.broker_class(
            LinkServer(token_bytes, manners), lambda: token_bytes(16).hex(), options
        )
        """The broker. Give it commands through the server's methods: they carry out what it wishes then."""
        self.machine: Machine[BrokerEvent] = self.broker
        """What is to be driven: the broker, or what stands around it."""
        if capture is not None:
            # Imported here: who keeps no record pays nothing for it.
            from .capture.recorder import Recorder

            self.machine = Recorder(
                self.broker, capture, on_failure=lambda error: log.error("capture= raised", exc_info=error)
            )
        self.close_timeout = close_timeout
        self.addresses: list[tuple[str, int]] = []
        """Host and port of each listening socket."""
        self._tls = tls
        self._base = manners.bases[0]
        self._may_enter = login if callable(login) or login is None else Logins(login).allows
        self._log = log
        self._on_event = on_event

    @property
    def urls(self) -> list[str]:
        """Where clients connect, the first address and the first path only: plain STOMP, WebSocket,
        SockJS.
        """
        host, port = self.addresses[0]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # shown, not listened on
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        s = "s" if self._tls else ""
        return [
            f"stomp{s}://{where}/",
            f"ws{s}://{where}{self._base}/websocket",
            f"http{s}://{where}{self._base}",
        ]

    @abstractmethod
    def do(self, command: Callable[[float], T]) -> T:
        """Give the broker a command at the present instant, and carry out what it wishes then. Never
        waits.
        """

    def send(
        self, destination: str, body: bytes = b"", *, headers: HeaderPairs = (), vhost: str | None = None
    ) -> None:
        """Send a message to whoever is subscribed, or to a queue. Never waits.

        Raises:
            ValueError: there is no such destination or virtual host, or a limit is reached.
        """
        self.do(lambda now: self.broker.publish(destination, body, now, headers=headers, vhost=vhost))

    def expel(self, peer: PeerId, message: str, *, details: str = "") -> None:
        """Send a client an ERROR and end its connection. Harmless when it is gone.

        Raises:
            LocalProtocolError: the message cannot be represented, as one with an end of line in STOMP 1.0.
                Nothing has changed.
        """
        self.do(lambda now: self.broker.expel(peer, now, message, details=details))

    def drop(self, peer: PeerId) -> None:
        """End a client's connection at once, without a word. Harmless when it is gone."""
        self.do(lambda now: self.broker.drop(peer, now))

    def statistics(self) -> Statistics:
        """Return what there is and what has been, in numbers."""
        return self.broker.statistics()

    def hear(self, event: BrokerEvent, now: float) -> None:
        """Take note of an event of the broker: let clients in or not, and pass it on."""
        self._log.debug("%r", event)
        if isinstance(event, LoginAsked):
            refusal = self._refuses(event.request)
            if refusal is None:
                self.broker.accept(event.peer, now)
            else:
                self.broker.reject(event.peer, now, details=refusal)
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception as error:  # whatever the application's function raises is its own affair
                self._log.error("on_event= raised", exc_info=error)

    def _refuses(self, request: ConnectRequest) -> str | None:
        """Return why a client may not come in, or None."""
        try:
            answer: object = self._may_enter is None or self._may_enter(request)
            if answer and answer is not True:
                # A coroutine is true as well, whatever it would have said.
                raise TypeError(f"login= returned {answer!r}: it must return True or False, at once")
        except Exception as error:  # who asks to come in must not be able to end the server with it
            self._log.error("login= raised", exc_info=error)
            return "the login could not be checked"
        return None if answer else "login or passcode is wrong"
