"""Which names a server answers to when a web page asks: the Host header against names that nobody else can
make mean this machine.

Whoever owns a domain may let its name mean 127.0.0.1 for a moment (DNS rebinding): a page of theirs and this
server are then the same origin for a browser. What lives here decides by names and addresses; it must not
know origins, nor how a refusal is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from .hosts import host_and_port

__all__ = ["OwnNames", "is_loopback"]

_LOCALHOST = "localhost"


class OwnNames:
    """Tells whether a Host header names this server.

    `localhost` and the names below it do, since browsers ask nobody what they mean (RFC 6761, section 6.3).
    So does every address, which is no name, and whatever is listed. Without a list the rule holds on loopback
    alone: a server for others has names that only its operator knows. With a list, even an empty one, it
    holds everywhere.
    """

    __slots__ = ("_everywhere", "_names")

    def __init__(self, names: Iterable[str] | None = None) -> None:
        """Take the names to answer to, such as "dev.example": without a port, since any will do.

        Raises:
            ValueError: one of them is no host name; the caller's mistake.
        """
        if isinstance(names, str):
            raise ValueError(f"{names!r} is one name: write a list, as [{names!r}]")
        self._everywhere = names is not None
        self._names = frozenset(_checked(name) for name in names or ())

    def answers_to(self, host: str | None, address: str | None) -> bool:
        """Decide for a request with this Host header, from the client at this address (see `is_loopback`)."""
        if not self._everywhere and not is_loopback(address):
            return True
        name = _named(host or "")
        if name is None or name in self._names:
            return name is not None
        return name == _LOCALHOST or name.endswith(f".{_LOCALHOST}") or _address(name) is not None


def is_loopback(address: str | None) -> bool:
    """Tell whether a socket's address is of this machine alone: an IP address, or one as HOST:PORT or
    [IPV6]:PORT. What is neither is not."""
    found = _address(address or "") or _address(_named(address or "") or "")
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        # A socket for both versions sees the older one like that.
        found = found.ipv4_mapped
    return found is not None and found.is_loopback


def _named(authority: str) -> str | None:
    """Return the host of HOST or HOST:PORT in its one spelling, or None when it is none."""
    if not authority.isascii():
        return None
    try:
        return host_and_port(authority, 80)[0].removesuffix(".")
    except ValueError:
        return None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _checked(name: str) -> str:
    try:
        host, port = host_and_port(name, 0)
    except ValueError:
        host, port = "", 0
    if not host or port:
        raise ValueError(
            f"{name!r} is no host name: write it alone, as dev.example, without scheme and port; "
            "wildcards cannot be allowed"
        )
    return host.removesuffix(".")
