"""Which web pages may talk to a server: the Origin header against an allow-list, the page's own host by
default, and that host against the names that are the server's own.

Browsers let any page open a WebSocket to any host, cookies included; the server alone can refuse (RFC 6455,
section 10.2). What lives here decides, and says why; it must not know how a refusal is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from ..records import record
from ..redaction import excerpt
from .own_names import OwnNames

__all__ = ["OriginPolicy", "Refusal", "normalized_origin"]

_DEFAULT_PORTS = {"http": "80", "https": "443"}


def normalized_origin(origin: str) -> str | None:
    """Return an origin in one spelling (lower case, no default port), or None when it is none: `null`, `*`, a
    URL with a path."""
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or not scheme.isascii() or not scheme.replace("-", "").replace("+", "").isalnum():
        return None
    if (
        not authority
        or not authority.isascii()
        or not authority.isprintable()
        or set(authority) & set(" /?#@\\*,")
    ):
        return None
    host, port = _split_port(authority)
    if not host or not (port or "0").isdigit():
        return None
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


@record
class Refusal:
    """Why a page may not go on."""

    status: HTTPStatus
    """403 for a page of another origin, 421 for a name that is not known to be ours."""
    sentence: str
    """For people: what to do about it."""


class OriginPolicy:
    """Tells whether a request may go on, by its Origin and Host headers.

    No Origin means no browser, or a request that changes nothing, and is accepted: whoever is no browser
    could send any Origin. `null` (a sandboxed frame, a local file, some redirects) is refused: every site can
    make one. Whatever `allowed` lists is accepted, and the page's own origin where its host is a name of this
    server (see `OwnNames`): otherwise the name may be somebody else's.
    """

    __slots__ = ("_allowed", "_own_names")

    def __init__(self, allowed: Iterable[str] = (), hosts: Iterable[str] | None = None) -> None:
        """Take the origins to accept besides the same one, such as "https://app.example.com", and the names
        of this server, such as "dev.example", without which only streams from loopback are looked at.

        Raises:
            ValueError: one of them is no origin, or no name; the caller's mistake.
        """
        self._allowed = frozenset(_checked(origin) for origin in allowed)
        self._own_names = OwnNames(hosts)

    def allows(
        self, origin: str | None, host: str | None, *, secure: bool = False, address: str | None = None
    ) -> bool:
        """Tell whether a request may go on, as `refuses` decides."""
        return self.refuses(origin, host, secure=secure, address=address) is None

    def refuses(
        self, origin: str | None, host: str | None, *, secure: bool = False, address: str | None = None
    ) -> Refusal | None:
        """Decide for a request with these Origin and Host headers; `secure` says that it came over TLS here,
        `address` is the client's, as an IP address or as HOST:PORT. None means that it may go on.

        A page loaded without TLS never counts as the same origin of a stream with TLS. The other way round is
        what a proxy that ends TLS makes, and is accepted.
        """
        if origin is None:
            return None
        normalized = normalized_origin(origin)
        if normalized is not None and normalized in self._allowed:
            return None
        if normalized is None or not _is_same(normalized, host, secure):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                f"Pages of the origin {_shown(origin)} may not connect: allow it with origins= (--origin)",
            )
        return self.refuses_name(host, address=address)

    def refuses_name(self, host: str | None, *, address: str | None = None) -> Refusal | None:
        """Decide by the Host header alone, for what only browsers ask: pages. None means that it may go
        on."""
        if self._own_names.answers_to(host, address):
            return None
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            f"Pages at {_shown(host or '')} get nothing here, since others may have made that name mean this "
            "machine: use localhost or an IP address, or allow the name with hosts= (--allow-host)",
        )


def _is_same(origin: str, host: str | None, secure: bool) -> bool:
    """Tell whether a normalized origin is that of a request with this Host header."""
    scheme = origin.partition("://")[0]
    if host is None or scheme not in _DEFAULT_PORTS or (secure and scheme != "https"):
        return False
    return normalized_origin(f"{scheme}://{host}") == origin


def _shown(value: str) -> str:
    """Return an origin or a host as it may be shown: without userinfo, which has no place there."""
    scheme, separator, authority = value.rpartition("://")
    return excerpt(f"{scheme}{separator}{authority.rpartition('@')[2]}".encode("latin-1", "replace"))[1:]


def _split_port(authority: str) -> tuple[str, str | None]:
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, None
    return host, port


def _checked(origin: str) -> str:
    normalized = normalized_origin(origin)
    if normalized is None:
        raise ValueError(
            f"{origin!r} is no origin: write scheme://host or scheme://host:port, without a path; "
            "`null` and wildcards cannot be allowed"
        )
    return normalized
