"""From the keywords of `connect` to a session: the default values, and who is told what passes.

Environment, randomness and logs are passed in. This file must not know who drives the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from ..machine import Capture, Machine
from ..protocol.connection import Connection
from ..protocol.events import ClientEvent
from ..protocol.headers import HeaderPairs, Headers
from ..protocol.limits import Limits
from ..protocol.rendering import FrameLines
from ..protocol.versions import ALL_VERSIONS, Version
from ..records import record
from ..session.backoff import DEFAULT_BACKOFF, Backoff
from ..session.events import SessionEvent
from ..session.options import Credentials, SessionOptions
from ..session.session import Observer, Session
from ..targets import TRANSPORTS, Routing, targets
from .keywords import Incoming, Outgoing

__all__ = ["Log", "Prepared", "Surroundings", "connect"]


class Log(Protocol):
    """What `logging.Logger` offers."""

    def isEnabledFor(self, level: int, /) -> bool:  # noqa: N802  # the name is the library's
        """Tell whether anybody reads lines of this level."""
        ...

    def debug(self, line: str, /) -> None:
        """Log one line about a frame."""
        ...

    def info(self, line: str, /) -> None:
        """Log one line about the life of a connection."""
        ...

    def error(self, line: str, /, *, exc_info: Exception) -> None:
        """Log what the application should not have raised."""
        ...


_DEBUG = 10


@record
class Surroundings:
    """What a session needs of the world, and how its client was made."""

    environ: Mapping[str, str]
    token_bytes: Callable[[int], bytes]
    """Returns so many octets that nobody can guess."""
    jitter: Callable[[], float]
    """Returns a number from 0 to 1."""
    log: Log
    """One logger an adapter: on level DEBUG one line a frame, without secrets."""
    ask_credentials: bool
    """Whether a hook gives credentials before every attempt."""
    single: bool
    """Whether the stream was passed in: it is the only one there is."""


@record(kw_only=True)
class Prepared:
    """A session that has not started, and what its client keeps for itself."""

    session: Session
    machine: Machine[SessionEvent]
    """What is to be driven: the session, or what stands around it."""
    begin: Callable[[float], None]
    """The command that begins the first attempt."""
    max_queue: int
    outgoing: Outgoing | None
    close_timeout: float
    log: Log


def connect(
    url: str | Iterable[str],
    surroundings: Surroundings,
    /,
    *,
    login: str | None = None,
    passcode: str | None = None,
    vhost: str | None = None,
    connect_headers: HeaderPairs = (),
    additional_headers: HeaderPairs = (),
    heartbeat: tuple[float, float] = (10.0, 10.0),
    versions: Sequence[Version] = ALL_VERSIONS,
    transports: Sequence[str] = TRANSPORTS,
    server_hostname: str | None = None,
    proxy: str | bool | None = True,
    open_timeout: float = 10.0,
    close_timeout: float = 10.0,
    receipt_timeout: float = 30.0,
    reconnect: Backoff | None = DEFAULT_BACKOFF,
    retry_first: bool = False,
    should_retry: Callable[[Exception, bool], bool] | None = None,
    limits: Limits | None = None,
    split_above: int | None = None,
    max_queue: int = 64,
    max_outbox_messages: int = 10_000,
    max_outbox_octets: int = 64 * 1024 * 1024,
    max_unconfirmed: int = 10_000,
    outgoing: Outgoing | None = None,
    incoming: Incoming | None = None,
    capture: Capture | None = None,
) -> Prepared:
    """Return a session that has not started, and what its client keeps. The keywords are those of
    `ConnectKeywords`.

    Raises:
        InvalidURI: a URL cannot be used; the message says what to write instead.
        LocalProtocolError: the credentials cannot be represented in CONNECT.
        ImportError: a URL needs a package that is not installed; the message says which.
        ValueError: another keyword has a value that makes no sense.
    """
    _check_times(open_timeout=open_timeout, close_timeout=close_timeout, receipt_timeout=receipt_timeout)
    if max_queue < 1:
        raise ValueError(f"max_queue is {max_queue}: at least one message must have room to wait")
    if max_unconfirmed < 1:
        raise ValueError(f"max_unconfirmed is {max_unconfirmed}: at least one message must be on its way")
    limits = Limits.client() if limits is None else limits
    # One that is thrown away: what no connection can be made with is told now.
    Connection(versions=tuple(versions), heartbeat=heartbeat, limits=limits)
    routing = Routing(
        vhost=vhost,
        additional_headers=Headers(additional_headers).pairs,
        transports=transports,
        proxy=proxy,
        environ=surroundings.environ,
        token_bytes=surroundings.token_bytes,
        limits=limits,
        split_above=split_above,
        open_timeout=open_timeout,
        close_timeout=close_timeout,
        server_name=server_hostname,
    )
    options = SessionOptions(
        targets=targets(url, routing),
        credentials=Credentials(login, passcode, Headers(connect_headers).pairs),
        ask_credentials=surroundings.ask_credentials,
        versions=tuple(versions),
        heartbeat=heartbeat,
        limits=limits,
        open_timeout=open_timeout,
        close_timeout=close_timeout,
        receipt_timeout=receipt_timeout,
        reconnect=None if surroundings.single else reconnect,
        retry_first=retry_first,
        should_retry=should_retry,
        max_outbox_messages=max_outbox_messages,
        max_outbox_octets=max_outbox_octets,
        max_unconfirmed=max_unconfirmed,
    )
    session = Session(
        options,
        prefix=surroundings.token_bytes(8).hex(),
        jitter=surroundings.jitter,
        observe=_observer(surroundings.log, incoming),
    )
    machine: Machine[SessionEvent] = session
    begin: Callable[[float], None] = session.start
    if capture is not None:
        machine, begin = _captured(session, options, capture, surroundings.log)
    return Prepared(
        session=session,
        machine=machine,
        begin=begin,
        max_queue=max_queue,
        outgoing=outgoing,
        close_timeout=close_timeout,
        log=surroundings.log,
    )


def _captured(
    session: Session, options: SessionOptions, write: Capture, log: Log
) -> tuple[Machine[SessionEvent], Callable[[float], None]]:
    """Return a machine around the session that writes down what passes, and the command that begins both."""
    # Imported here: who keeps no record pays nothing for it.
    from ..capture.recorder import Recorder

    credentials = [(options.credentials.login, options.credentials.passcode)]
    credentials += [(target.login, target.passcode) for target in options.targets]
    recorder: Recorder[SessionEvent] = Recorder(
        session,
        write,
        # A passcode that is the login is no secret.
        secrets=[passcode for login, passcode in credentials if passcode is not None and passcode != login],
        on_failure=lambda error: log.error("capture= raised", exc_info=error),
    )

    def begin(now: float) -> None:
        recorder.begin(now)
        session.start(now)

    return recorder, begin


def _observer(log: Log, incoming: Incoming | None) -> Observer | None:
    # Asked once: frames that nobody reads cost nothing.
    lines = FrameLines() if log.isEnabledFor(_DEBUG) else None
    if lines is None and incoming is None:
        return None

    def observe(said: bytes | ClientEvent) -> None:
        if lines is not None:
            log.debug(f"{'>' if isinstance(said, bytes) else '<'} {lines.line(said)}")
        if incoming is not None and not isinstance(said, bytes):
            try:
                incoming(said)
            except Exception as error:  # whatever the application's function raises is its own affair
                log.error("incoming= raised", exc_info=error)

    return observe


def _check_times(**times: float) -> None:
    for name, seconds in times.items():
        # Not a number is not more than 0 either.
        if not seconds > 0:
            raise ValueError(f"{name} is {seconds!r}: it must be more than 0 seconds")
