"""Which proxy to use, if any: read from a URL, or from a mapping like the environment of a process.

Everything here is a function of its arguments. This file must not look at any environment, nor talk to a
proxy.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from ..errors import InvalidURI
from ..machine import TCPAddress
from ..records import record
from ..redaction import REDACTED
from .hosts import host_and_port
from .url import Endpoint, EndpointKind, read_userinfo

__all__ = ["Proxy", "parse_proxy", "proxy_for"]


@record(kw_only=True)
class Proxy:
    """An HTTP proxy that opens tunnels with CONNECT. Built by `parse_proxy`; its repr shows no password."""

    host: str
    port: int
    login: str | None = None
    password: str | None = None

    @property
    def address(self) -> TCPAddress:
        """Where a stream to the proxy has to be opened to."""
        return TCPAddress(self.host, self.port)

    def __repr__(self) -> str:
        who = "" if self.login is None else f", login={self.login!r}"
        if self.password is not None:
            who += f", password={REDACTED!r}"
        return f"Proxy(host={self.host!r}, port={self.port}{who})"


def parse_proxy(url: str) -> Proxy:
    """Return the proxy that a URL names: http://[LOGIN:PASSWORD@]HOST[:PORT], port 80 unless given.

    As other programs do, a URL without a scheme counts as http.

    Raises:
        InvalidURI: it is none. Proxies inside TLS (https://) and SOCKS proxies are not spoken to.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "http", url
    if scheme.lower() != "http":
        raise InvalidURI(
            "the proxy's URL must begin with http://: SOCKS and proxies inside TLS are not supported; if the "
            "environment names this one, go directly with proxy=None, or pass a stream that is open already"
        )
    authority, _, path = rest.partition("/")
    if path or not authority.isprintable() or not _FOREIGN.isdisjoint(authority):
        raise InvalidURI(
            "a proxy's URL has no path, query, fragment or blank: percent-encode them in its password"
        )
    who, at, place = authority.rpartition("@")
    login, password = read_userinfo(who) if at else (None, None)
    if login is not None and ":" in login:
        raise InvalidURI("the login of a proxy's URL holds a colon, which HTTP's Basic scheme cannot carry")
    host, port = host_and_port(place, 80)
    return Proxy(host=host, port=port, login=login, password=password)


def proxy_for(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that an environment asks for, None where the endpoint is reached directly.

    `https_proxy` is for wss:// and https://, `http_proxy` for ws:// and http://, `all_proxy` for those
    without one of their own and for plain STOMP. The lower-case name wins over the upper-case one; an empty
    value means no proxy. HTTP_PROXY does not count where REQUEST_METHOD is set: in a CGI program anybody can
    set it, with a Proxy header. `no_proxy` lists exceptions, separated by commas: "*", a host name (its
    subdomains are meant as well), an IP address or a network such as 10.0.0.0/8, each with :PORT or without.

    Raises:
        InvalidURI: the value that counts is no proxy.
    """
    if endpoint.unix_path is not None or _is_exempt(endpoint, _value("no_proxy", environ) or ""):
        return None
    url = None
    if endpoint.kind is not EndpointKind.PLAIN:
        url = _value("https_proxy" if endpoint.tls else "http_proxy", environ)
    if url is None:
        url = _value("all_proxy", environ)
    return parse_proxy(url) if url else None


_FOREIGN = frozenset("?# ")


def _value(name: str, environ: Mapping[str, str]) -> str | None:
    if name in environ:
        return environ[name]
    upper = name.upper()
    if upper == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
        return None
    return environ.get(upper)


def _is_exempt(endpoint: Endpoint, no_proxy: str) -> bool:
    return any(_exempts(entry, endpoint) for entry in no_proxy.replace(",", " ").split())


def _exempts(entry: str, endpoint: Endpoint) -> bool:
    """Tell whether one entry of `no_proxy` means this endpoint."""
    if entry == "*":
        return True
    name, port = entry, ""
    if entry.startswith("["):
        name, _, tail = entry[1:].partition("]")
        port = tail.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, port = entry.partition(":")
    if port and port != str(endpoint.port):
        return False
    try:
        address = ip_address(endpoint.host)
    except ValueError:
        domain = name.lower().removeprefix("*").strip(".")
        host = endpoint.host.removesuffix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        return address in ip_network(name, strict=False)
    except ValueError:
        return False
