"""Which web pages may talk to a server: the Origin header against an allow-list, the page's own host by
default.

Browsers let any page open a WebSocket to any host, cookies included; the server alone can refuse (RFC 6455,
section 10.2). What lives here decides; it must not know how a refusal is written.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["OriginPolicy", "normalized_origin"]

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


class OriginPolicy:
    """Tells whether a request may go on, by its Origin header.

    No Origin means no browser, and is accepted: whoever is no browser could send any Origin. `null` (a
    sandboxed frame, a local file, some redirects) is refused: every site can make one. The page's own origin
    is accepted, and whatever `allowed` lists.
    """

    __slots__ = ("_allowed",)

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Take the origins to accept besides the same one, such as "https://app.example.com".

        Raises:
            ValueError: one of them is no origin; the caller's mistake.
        """
        self._allowed = frozenset(_checked(origin) for origin in allowed)

    def allows(self, origin: str | None, host: str | None, *, secure: bool = False) -> bool:
        """Decide for a request with these Origin and Host headers; `secure` says that it came over TLS here.

        A page loaded without TLS never counts as the same origin of a stream with TLS. The other way round is
        what a proxy that ends TLS makes, and is accepted.
        """
        if origin is None:
            return True
        normalized = normalized_origin(origin)
        if normalized is None:
            return False
        if normalized in self._allowed:
            return True
        scheme = normalized.partition("://")[0]
        if host is None or scheme not in _DEFAULT_PORTS or (secure and scheme != "https"):
            return False
        return normalized_origin(f"{scheme}://{host}") == normalized


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
