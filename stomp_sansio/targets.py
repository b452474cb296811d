"""From what people write, URLs and keywords, to what a session is told: its servers, and how to reach them.

What lives here chooses a link for a URL. This file must not know environments or randomness: they are passed
in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeAlias

from .links.link import Link
from .links.plain import PlainLink
from .links.proxy import Proxy, parse_proxy, proxy_for
from .links.url import Endpoint, EndpointKind, parse_urls
from .machine import StreamId
from .protocol.limits import Limits
from .records import record
from .session.options import Credentials, Target

__all__ = ["TRANSPORTS", "Routing", "targets"]

MakeLink: TypeAlias = Callable[[Iterator[StreamId], Credentials], Link]

TRANSPORTS: tuple[str, ...] = ("websocket", "xhr-streaming", "xhr-polling")
"""The transports of SockJS, by the names that sockjs-client gives them, in the usual order."""


@record(kw_only=True)
class Routing:
    """How servers are reached, whatever their URLs are."""

    vhost: str | None = None
    """The `host` header of CONNECT, in place of what the URL says."""
    additional_headers: Sequence[tuple[str, str]] = ()
    """More headers for HTTP requests."""
    transports: Sequence[str] = TRANSPORTS
    """The transports of SockJS to try, in this order."""
    proxy: str | bool | None = True
    """A proxy's URL; True takes what the environment names; None or False goes directly."""
    environ: Mapping[str, str]
    """The environment."""
    token_bytes: Callable[[int], bytes]
    """Returns so many octets that nobody can guess."""
    limits: Limits
    split_above: int | None = None
    """How many octets a WebSocket message may have; None sends each frame as one."""
    open_timeout: float = 10.0
    """Seconds that one attempt may take, whichever transports it tries."""
    close_timeout: float = 10.0
    """Seconds that a transport's own good-bye may take."""
    server_name: str | None = None
    """The name that certificates must carry, in place of the URL's host."""


def targets(urls: str | Iterable[str], routing: Routing) -> tuple[Target, ...]:
    """Return the servers that URLs name, in their order.

    Raises:
        InvalidURI: a URL cannot be used; the message says what to write instead.
        TypeError: something is no URL at all, such as a setting that is missing.
        ImportError: a URL needs a package that is not installed; the message says which.
    """
    unknown = [name for name in routing.transports if name not in TRANSPORTS]
    if unknown or not routing.transports:
        raise ValueError(f"transports is {tuple(routing.transports)!r}: name some of {TRANSPORTS!r}")
    return tuple(_target(endpoint, routing) for endpoint in parse_urls(_listed(urls)))


def _listed(urls: Any) -> list[str]:
    """Return the URLs, one by one: a setting that is missing is None, and one from a file may be octets."""
    listed: list[Any] = [urls] if urls is None or isinstance(urls, str | bytes | int) else list(urls)
    for url in listed:
        if not isinstance(url, str):
            raise TypeError(
                f"a URL is {type(url).__name__}: pass text, as 'stomp://localhost', or a list of it"
            )
    return listed


def _target(endpoint: Endpoint, routing: Routing) -> Target:
    makers = {
        EndpointKind.PLAIN: _plain,
        EndpointKind.WEBSOCKET: _websocket,
        EndpointKind.SOCKJS: _sockjs,
    }
    make_link = makers[endpoint.kind](endpoint, routing, _proxy(endpoint, routing))
    # One that is thrown away: what cannot be used is told now, not when somebody waits for a connection.
    make_link(map(StreamId, count(1)), Credentials())
    return Target(
        name=str(endpoint),
        vhost=endpoint.vhost if routing.vhost is None else routing.vhost,
        login=endpoint.login,
        passcode=endpoint.passcode,
        make_link=make_link,
        carries=_is_text if endpoint.kind is EndpointKind.SOCKJS else lambda body: True,
    )


def _proxy(endpoint: Endpoint, routing: Routing) -> Proxy | None:
    if routing.proxy is True:
        return proxy_for(endpoint, routing.environ)
    return parse_proxy(routing.proxy) if routing.proxy else None


def _plain(endpoint: Endpoint, routing: Routing, proxy: Proxy | None) -> MakeLink:
    if proxy is not None:
        _require_http()
    return lambda ids, credentials: PlainLink(
        endpoint,
        stream_ids=ids,
        server_name=routing.server_name,
        proxy=proxy,
        limits=routing.limits,
        close_timeout=routing.close_timeout,
    )


def _websocket(endpoint: Endpoint, routing: Routing, proxy: Proxy | None) -> MakeLink:
    # Imported here, so that plain STOMP needs nothing installed, and at once, so that a lack of it is told at
    # once.
    try:
        from .links.websocket import WebSocketLink
    except ImportError as error:
        raise _lacks(error) from error
    return lambda ids, credentials: WebSocketLink(
        endpoint,
        stream_ids=ids,
        headers=_http_headers(routing, credentials),
        masking_key=lambda: routing.token_bytes(4),
        split_above=routing.split_above,
        server_name=routing.server_name,
        proxy=proxy,
        limits=routing.limits,
        close_timeout=routing.close_timeout,
    )


def _sockjs(endpoint: Endpoint, routing: Routing, proxy: Proxy | None) -> MakeLink:
    try:
        from .links.fallback import FallbackLink
    except ImportError as error:
        raise _lacks(error) from error
    return lambda ids, credentials: FallbackLink(
        endpoint,
        stream_ids=ids,
        token_bytes=routing.token_bytes,
        transports=routing.transports,
        headers=_http_headers(routing, credentials),
        server_name=routing.server_name,
        proxy=proxy,
        limits=routing.limits,
        split_above=routing.split_above,
        open_timeout=routing.open_timeout,
        close_timeout=routing.close_timeout,
    )


def _require_http() -> None:
    try:
        from .links.tunnel import ProxyTunnel as ProxyTunnel
    except ImportError as error:
        raise _lacks(error) from error


def _lacks(error: ImportError) -> ImportError:
    return ImportError(
        f"WebSocket, SockJS and proxies need {error.name}: pip install 'stomp-sansio[ws]'", name=error.name
    )


def _http_headers(routing: Routing, credentials: Credentials) -> list[tuple[str, str]]:
    """Return the headers for HTTP requests; the credentials' ones go in place of those of the same name."""
    fresh = {name.lower() for name in credentials.http_headers}
    kept = [pair for pair in routing.additional_headers if pair[0].lower() not in fresh]
    return [*kept, *credentials.http_headers.items()]


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
