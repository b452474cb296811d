"""Addresses: what people write, and what a link needs to know of it.

URLs become an `Endpoint`, a SockJS base URL and two ids become the URLs of a session. This file must not open
anything, nor know which link will use the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from urllib.parse import quote, unquote

from ..errors import InvalidURI, LinkFault
from ..machine import Address, TCPAddress, TLSWish, UnixAddress
from ..records import record, replace
from ..redaction import REDACTED, is_secret
from .hosts import DIGITS, ID_CHARACTERS, LETTERS, host_and_port
from .session_names import hidden_session

__all__ = [
    "Endpoint",
    "EndpointKind",
    "InvalidURI",
    "SessionIds",
    "parse_url",
    "parse_urls",
    "read_userinfo",
    "session_ids",
    "sockjs_endpoint",
]


class EndpointKind(Enum):
    """What carries the STOMP stream at an endpoint."""

    PLAIN = "plain"
    """The octets of a TCP or Unix stream, as they are."""
    WEBSOCKET = "websocket"
    """WebSocket messages."""
    SOCKJS = "sockjs"
    """SockJS: a base URL below which /info and the sessions live."""


@record
class _Scheme:
    kind: EndpointKind
    tls: bool
    port: int
    unix: bool = False


_SCHEMES = {
    "stomp": _Scheme(EndpointKind.PLAIN, False, 61613),
    "stomps": _Scheme(EndpointKind.PLAIN, True, 61614),
    "stomp+ssl": _Scheme(EndpointKind.PLAIN, True, 61614),
    "stomp+unix": _Scheme(EndpointKind.PLAIN, False, 0, unix=True),
    "ws": _Scheme(EndpointKind.WEBSOCKET, False, 80),
    "wss": _Scheme(EndpointKind.WEBSOCKET, True, 443),
    "http": _Scheme(EndpointKind.SOCKJS, False, 80),
    "https": _Scheme(EndpointKind.SOCKJS, True, 443),
    "sockjs+http": _Scheme(EndpointKind.SOCKJS, False, 80),
    "sockjs+https": _Scheme(EndpointKind.SOCKJS, True, 443),
}

_SCHEME_NAMES = {
    (EndpointKind.PLAIN, False): "stomp",
    (EndpointKind.PLAIN, True): "stomps",
    (EndpointKind.WEBSOCKET, False): "ws",
    (EndpointKind.WEBSOCKET, True): "wss",
    (EndpointKind.SOCKJS, False): "http",
    (EndpointKind.SOCKJS, True): "https",
}

_ADVICE = (
    "write stomp://HOST or stomps://HOST for plain STOMP, ws:// or wss:// for a WebSocket, "
    "http:// or https:// for a SockJS base URL"
)

_OTHER_SCHEMES = {
    "tcp": "write stomp:// instead of tcp://",
    "ssl": "write stomps:// instead of ssl://",
    "tls": "write stomps:// instead of tls://",
    "unix": "write stomp+unix:///PATH for a Unix socket",
    "amqp": "AMQP is another protocol: write stomp:// and the broker's STOMP port, mostly 61613",
    "amqps": "AMQP is another protocol: write stomps:// and the broker's STOMP port, mostly 61614",
    "mqtt": "MQTT is another protocol: write stomp:// and the broker's STOMP port, mostly 61613",
}


@record(kw_only=True)
class Endpoint:
    """One place where a STOMP server can be reached, and how.

    Built by `parse_url`; its repr shows no credential.
    """

    kind: EndpointKind
    tls: bool
    host: str = ""
    """A host name in ASCII and lower case, or an IP address (IPv6 without brackets); "" for a Unix socket."""
    port: int = 0
    unix_path: str | None = None
    """The path of the Unix socket, if it is one."""
    path: str = "/"
    """The path as it goes into an HTTP request, still percent-encoded.

    For plain STOMP it is only what named the vhost.
    """
    query: str | None = None
    """What stood behind "?", still percent-encoded, None if there was none."""
    login: str | None = None
    passcode: str | None = None
    vhost: str = ""
    """The `host` header of CONNECT: the decoded path of a stomp:// URL, if it has one, else the host name."""

    @property
    def scheme(self) -> str:
        """The canonical scheme: stomp, stomps, stomp+unix, ws, wss, http or https."""
        if self.unix_path is not None:
            return "stomp+unix"
        return _SCHEME_NAMES[self.kind, self.tls]

    @property
    def address(self) -> Address:
        """Where a stream has to be opened to."""
        if self.unix_path is not None:
            return UnixAddress(self.unix_path)
        return TCPAddress(self.host, self.port)

    @property
    def server_name(self) -> str:
        """The name that the server's certificate must carry."""
        return self.host.removesuffix(".")

    @property
    def tls_wish(self) -> TLSWish | None:
        """The wish for TLS with the server's name, or None where the scheme asks for none."""
        return TLSWish(self.server_name) if self.tls else None

    @property
    def authority(self) -> str:
        """The value of the Host header: brackets round IPv6, no zone, no default port (RFC 9110, 7.2)."""
        if self.unix_path is not None:
            return "localhost"
        name = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return name if self.port == _SCHEMES[self.scheme].port else f"{name}:{self.port}"

    @property
    def origin(self) -> str:
        """The value of an Origin header of this very server (RFC 6454, 6.2)."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def request_target(self) -> str:
        """Path and query as they stand in the first line of an HTTP request."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def url(self) -> str:
        """The whole URL without its userinfo.

        The query may hold a token: `str()` is for people, this is for machines.
        """
        if self.unix_path is not None:
            return f"{self.scheme}://{quote(self.unix_path)}"
        return f"{self.scheme}://{self.authority}{self.request_target}"

    def __str__(self) -> str:
        query = "" if self.query is None else f"?{_redacted_query(self.query)}"
        return hidden_session(self.url.partition("?")[0]) + query

    def __repr__(self) -> str:
        who = ""
        if self.login is not None:
            who = f", login={self.login!r}"
        if self.passcode is not None:
            who += f", passcode={REDACTED!r}"
        return f"Endpoint({str(self)!r}{who}, vhost={self.vhost!r})"


def parse_url(url: str) -> Endpoint:
    """Return the endpoint that a URL names.

    stomp:// and stomps:// (also stomp+ssl://) are plain STOMP, on 61613 and 61614 unless the URL has a port;
    their path is the virtual host, as it stands: `stomp://h/` is the virtual host "/", `stomp://h/other` is
    "/other". stomp+unix:///PATH is a Unix socket. ws:// and wss:// are WebSockets. http:// and https:// (also
    sockjs+http://, sockjs+https://) are SockJS base URLs, as given to `new SockJS(url)`. Userinfo is the
    STOMP login and passcode, percent-encoded.

    Raises:
        InvalidURI: the URL cannot be used; the message says what to write instead.
    """
    scheme_name, separator, rest = url.partition("://")
    name = scheme_name.lower()
    if not separator or not _is_scheme(name):
        raise InvalidURI(f"the URL has no scheme: {_ADVICE}")
    scheme = _SCHEMES.get(name)
    if scheme is None:
        raise InvalidURI(f"{_OTHER_SCHEMES.get(name, f'the scheme {name!r} is unknown: {_ADVICE}')}")
    for character in rest:
        if character <= " " or character == "\x7f":
            raise InvalidURI(
                "the URL holds a blank or a control character: percent-encode it (a blank is %20)"
            )
    if "#" in rest:
        raise InvalidURI(
            "the URL holds a '#': a fragment means nothing here, and a '#' of a passcode is written %23"
        )
    if scheme.unix:
        return _unix_endpoint(rest)

    authority, path, query = _split(rest)
    userinfo, at, place = authority.rpartition("@")
    login, passcode = read_userinfo(userinfo) if at else (None, None)
    # Where a passcode has an unescaped "/" or "?", the authority ends too early and what looks like a port is
    # secret.
    showable = "@" not in rest[len(authority) :]
    host, port = host_and_port(place, scheme.port, showable=showable)
    _check_escapes("path", path)
    _check_escapes("query", query or "")
    vhost = host
    if scheme.kind is EndpointKind.PLAIN:
        if query is not None:
            raise InvalidURI(f"a {name}:// URL has no query: pass options as arguments, write '?' as %3F")
        if "@" in path:
            raise InvalidURI(
                "an '@' stands behind the host: write '/' as %2F in a passcode, '@' as %40 in a vhost"
            )
        vhost = _decoded("vhost", path) or host
    else:
        path = path or "/"
    return Endpoint(
        kind=scheme.kind,
        tls=scheme.tls,
        host=host,
        port=port,
        path=_ascii(path),
        query=None if query is None else _ascii(query),
        login=login,
        passcode=passcode,
        vhost=vhost,
    )


def parse_urls(urls: str | Iterable[str]) -> tuple[Endpoint, ...]:
    """Return the endpoints of a URL, of a broker's `failover:(a,b)` list, or of several of either, in order.

    Raises:
        InvalidURI: one of them cannot be used, or there is none.
    """
    endpoints: list[Endpoint] = []
    for url in (urls,) if isinstance(urls, str) else urls:
        if url.lower().startswith("failover:"):
            endpoints.extend(parse_url(part) for part in _failover_list(url[len("failover:") :]))
        else:
            endpoints.append(parse_url(url))
    if not endpoints:
        raise InvalidURI(f"the list of URLs is empty: {_ADVICE}")
    return tuple(endpoints)


@record
class SessionIds:
    """What names a SockJS session in its URLs (SockJS 0.3.3, "Session URLs").

    Raises:
        InvalidURI: an id is empty or holds something that cannot stand in one path segment (fault BAD_ID).
    """

    server: str
    """For load balancers: by convention three digits."""
    session: str
    """Unguessable: who knows it can read and write the session."""

    def __post_init__(self) -> None:
        for what, value in (("server", self.server), ("session", self.session)):
            if not value or not ID_CHARACTERS.issuperset(value):
                raise InvalidURI(
                    f"a SockJS {what} id must be one or more ASCII letters, digits, '-', '_' or '~'",
                    LinkFault.BAD_ID,
                )

    def __repr__(self) -> str:
        return f"SessionIds(server={self.server!r}, session={REDACTED!r})"


def session_ids(token_bytes: Callable[[int], bytes]) -> SessionIds:
    """Return fresh ids of a SockJS session.

    `token_bytes(n)` returns n octets that nobody can guess, as `secrets.token_bytes` does. The session id has
    128 bits.
    """
    server = int.from_bytes(token_bytes(4), "big") % 1000
    return SessionIds(f"{server:03}", token_bytes(16).hex())


def sockjs_endpoint(base: Endpoint, transport: str, ids: SessionIds | None = None) -> Endpoint:
    """Return the endpoint of one URL of a SockJS service.

    `transport` is the last path segment: "info" (of the service itself, without ids) or "websocket",
    "xhr_streaming", "xhr", "xhr_send" (of the session that `ids` name). Trailing slashes of the base are
    dropped, the path goes before the query, and the scheme follows the transport: ws or wss for "websocket",
    http or https for the others.

    Raises:
        InvalidURI: the base is no web address.
    """
    if base.kind is EndpointKind.PLAIN:
        raise InvalidURI(f"SockJS needs a base URL with http:// or https://, not {base.scheme}://")
    segments = (transport,) if ids is None else (ids.server, ids.session, transport)
    return replace(
        base,
        kind=EndpointKind.WEBSOCKET if transport == "websocket" else EndpointKind.SOCKJS,
        path="/".join((base.path.rstrip("/"), *segments)),
    )


_HEX = frozenset("0123456789abcdefABCDEF")
_SCHEME_CHARACTERS = LETTERS | DIGITS | frozenset("+-.")


def _is_scheme(name: str) -> bool:
    """RFC 3986, 3.1. What is none may be the start of a password: it is not shown."""
    return name[:1] in LETTERS and _SCHEME_CHARACTERS.issuperset(name)


def _split(rest: str) -> tuple[str, str, str | None]:
    """Split what follows "://" into authority, path and query (RFC 3986, 3)."""
    before, question, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    return authority, slash + path, query if question else None


def _unix_endpoint(rest: str) -> Endpoint:
    path = _decoded("path", rest)
    if not path.startswith("/") or "?" in rest or "\0" in path:
        raise InvalidURI(
            "a Unix socket is written stomp+unix:///ABSOLUTE/PATH, with no host, userinfo or query"
        )
    return Endpoint(kind=EndpointKind.PLAIN, tls=False, unix_path=path, path="", vhost="localhost")


def read_userinfo(userinfo: str) -> tuple[str, str | None]:
    """Return login and passcode of the part before "@", decoded; the passcode is None where there is no
    colon.

    Raises:
        InvalidURI: a percent sign is wrong there.
    """
    login, colon, passcode = userinfo.partition(":")
    return _decoded("login", login), _decoded("passcode", passcode) if colon else None


def _decoded(what: str, text: str) -> str:
    _check_escapes(what, text)
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        pass
    raise InvalidURI(f"the {what} of the URL is no UTF-8 behind its percent signs")


def _check_escapes(what: str, text: str) -> None:
    """RFC 3986, 2.1: a percent sign is followed by two hexadecimal digits."""
    for piece in text.split("%")[1:]:
        if len(piece) < 2 or not (piece[0] in _HEX and piece[1] in _HEX):
            raise InvalidURI(
                f"the {what} of the URL holds a '%' without two hexadecimal digits: write it %25"
            )


def _ascii(text: str) -> str:
    """Percent-encode what a URI cannot hold (RFC 3987, 3.1); what is encoded already stays."""
    try:
        return quote(text, safe="%/:?@!$&'()*+,;=-._~[]")
    except UnicodeEncodeError:
        pass
    raise InvalidURI("the URL holds a lone surrogate, which is no character")


def _failover_list(text: str) -> list[str]:
    body = text.removeprefix("//")
    if not body.startswith("(") or ")" not in body:
        raise InvalidURI("a failover list is written failover:(stomp://a,stomp://b)")
    inside, _, behind = body[1:].rpartition(")")
    if behind:
        raise InvalidURI(
            "options behind a failover list are not read: pass reconnect= and friends as arguments instead"
        )
    return inside.split(",")


def _redacted_query(query: str) -> str:
    pairs: list[str] = []
    for pair in query.split("&"):
        name, equals, _ = pair.partition("=")
        pairs.append(f"{name}={REDACTED}" if equals and is_secret(unquote(name)) else pair)
    return "&".join(pairs)
