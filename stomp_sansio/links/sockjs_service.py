"""One SockJS service as a client sees it: how to ask for /info, and to make a link for each transport.

What lives here turns names into objects that share headers, cookies and limits. It must not know which
transport will be tried, nor when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import InvalidURI, LinkFault, RemoteProtocolError
from ..machine import StreamId
from ..protocol.limits import Limits
from ..records import field, record, replace
from .cookies import CookieJar
from .info_request import InfoRequest
from .link import Link
from .proxy import Proxy
from .sockjs import SockJSLink
from .url import Endpoint, parse_url, session_ids
from .xhr import XhrLink

__all__ = ["TRANSPORTS", "SockJSService"]

TRANSPORTS = ("websocket", "xhr-streaming", "xhr-polling")
"""The transports, by the names that sockjs-client gives them, best first."""


@record(kw_only=True)
class SockJSService:
    """Where the service is, and what every request to it has in common."""

    base: Endpoint
    """As given to `new SockJS(url)`."""
    stream_ids: Iterator[StreamId]
    """Fresh names for streams."""
    token_bytes: Callable[[int], bytes]
    """Returns so many octets that nobody can guess, as `secrets.token_bytes` does."""
    headers: tuple[tuple[str, str], ...] = field(hidden=True)
    cookies: CookieJar
    server_name: str | None
    """The name that the certificate must carry, where it is not the URL's host."""
    proxy: Proxy | None
    limits: Limits
    split_above: int | None
    """How many octets a WebSocket message may have; None sends each chunk as one."""
    silence: float
    info_timeout: float
    request_timeout: float
    close_timeout: float

    def info(self) -> InfoRequest:
        """Return the request for /info.

        Raises:
            InvalidURI: the base is no web address.
            LocalProtocolError: a header field cannot be sent.
        """
        return InfoRequest(
            self.base,
            stream_ids=self.stream_ids,
            headers=self.headers,
            cookies=self.cookies,
            server_name=self.server_name,
            proxy=self.proxy,
            limits=self.limits,
            timeout=self.info_timeout,
        )

    def link(self, transport: str) -> Link:
        """Return a link to a new session over one of `TRANSPORTS`."""
        ids = session_ids(self.token_bytes)
        if transport == "websocket":
            return SockJSLink(
                self.base,
                ids,
                stream_ids=self.stream_ids,
                headers=self.cookies.headers(self.headers),
                masking_key=lambda: self.token_bytes(4),
                split_above=self.split_above,
                server_name=self.server_name,
                proxy=self.proxy,
                limits=self.limits,
                silence=self.silence,
                close_timeout=self.close_timeout,
            )
        return XhrLink(
            self.base,
            ids,
            stream_ids=self.stream_ids,
            streaming=transport == "xhr-streaming",
            headers=self.headers,
            cookies=self.cookies,
            server_name=self.server_name,
            proxy=self.proxy,
            limits=self.limits,
            silence=self.silence,
            request_timeout=self.request_timeout,
            close_timeout=self.close_timeout,
        )

    def moved(self, base_url: str) -> SockJSService:
        """Return the service at the `base_url` that /info names. It has to be of the same origin.

        Credentials go to the configured host alone: who answers /info cannot send them elsewhere.

        Raises:
            RemoteProtocolError: it is elsewhere, or no URL (`BAD_INFO`).
        """
        try:
            named = parse_url(base_url)
        except InvalidURI as error:
            raise RemoteProtocolError(
                LinkFault.BAD_INFO, f"/info names a base_url that cannot be used: {error}"
            ) from None
        if named.origin != self.base.origin or named.scheme not in ("http", "https"):
            raise RemoteProtocolError(
                LinkFault.BAD_INFO,
                f"/info names another address, {named}. It is not followed: use it yourself if you trust it",
            )
        return replace(self, base=replace(self.base, path=named.path, query=named.query))
