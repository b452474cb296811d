"""Host names, addresses and ports as they stand in a URL.

What cannot be one is refused with a sentence that says what to write. This file must not know what the URL is
for.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from ..errors import InvalidURI

__all__ = ["DIGITS", "ID_CHARACTERS", "LETTERS", "host_and_port"]

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
DIGITS = frozenset("0123456789")
ID_CHARACTERS = LETTERS | {letter.upper() for letter in LETTERS} | DIGITS | frozenset("-_~")
_LABEL_CHARACTERS = LETTERS | DIGITS | frozenset("-_")
_ZONE_CHARACTERS = ID_CHARACTERS | {"."}
_DEVIATIONS = frozenset("ßẞς\u200c\u200d")
"""Characters that the two IDNA standards map to different names: one of them may be somebody else's."""

_HIDDEN = "(not shown: it may be a piece of a password)"


def host_and_port(text: str, default_port: int, *, showable: bool = True) -> tuple[str, int]:
    """Return the host (lower case, IPv6 without brackets, other scripts as xn--) and the port.

    `showable` is False where the text may hold a piece of a password: an error then does not show it.

    Raises:
        InvalidURI: there is no host, or host or port is none.
    """
    shown = repr(text) if showable else _HIDDEN
    if text.startswith("["):
        literal, bracket, tail = text[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise InvalidURI(f"the IPv6 address {shown} must end with ']', then perhaps ':PORT'")
        return _ipv6(literal, shown), _port(tail[1:], default_port, showable)
    host, _, port = text.partition(":")
    if ":" in port:
        raise InvalidURI(
            f"{shown} has several colons: write an IPv6 address in brackets, as in stomp://[::1]:61613"
        )
    return _host(host, shown), _port(port, default_port, showable)


def _port(text: str, default_port: int, showable: bool) -> int:
    if not text:
        return default_port
    if len(text) > 5 or not DIGITS.issuperset(text) or not 1 <= int(text) <= 65535:
        # Where the host was forgotten, a passcode stands in the place of the port: only digits are shown.
        shown = repr(text) if showable and DIGITS.issuperset(text) else _HIDDEN
        raise InvalidURI(f"the port {shown} is no number from 1 to 65535")
    return int(text)


def _ipv6(literal: str, shown: str) -> str:
    address, percent, zone = literal.partition("%25")
    try:
        IPv6Address(address)
    except AddressValueError:
        pass
    else:
        # RFC 6874: the zone stands behind "%25"; the operating system wants it behind "%".
        if not percent or (zone and _ZONE_CHARACTERS.issuperset(zone)):
            return f"{address.lower()}%{zone}" if percent else address.lower()
    raise InvalidURI(f"{shown} holds no IPv6 address (a zone is written %25, as in [fe80::1%25eth0])")


def _host(text: str, shown: str) -> str:
    if not text:
        raise InvalidURI("the URL has no host: write it behind '://', as in stomp://localhost")
    host = text.lower() if text.isascii() else _idna(text, shown)
    labels = host.removesuffix(".").split(".")
    for label in labels:
        if not 1 <= len(label) <= 63 or not _LABEL_CHARACTERS.issuperset(label):
            raise InvalidURI(
                f"{shown} is no host name: labels of 1 to 63 letters, digits and hyphens, with dots between"
            )
    if len(host) > 253:
        raise InvalidURI(f"{shown} is no host name: it is longer than 253 characters")
    if DIGITS.issuperset(labels[-1]):
        # A name cannot end in a number; some resolvers read 127.1 and 017700000001 as addresses, others do
        # not.
        try:
            IPv4Address(host)
        except AddressValueError:
            pass
        else:
            return host
        raise InvalidURI(f"{shown} is no IPv4 address: write four numbers from 0 to 255, as in 127.0.0.1")
    return host


def _idna(text: str, shown: str) -> str:
    if _DEVIATIONS.isdisjoint(text):
        try:
            return text.encode("idna").decode("ascii").lower()
        except UnicodeError:
            pass
    raise InvalidURI(
        f"the host {shown} has no single ASCII form: write it as the registry does, starting with xn--"
    )
