"""Cookies of one SockJS session: what a load balancer sets so that every request reaches the same server.

What lives here is as much of RFC 6265 as one host and one session need: no domains, no files,
no clock. It must not know how a request travels. Cookies are credentials: nothing here shows one.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["CookieJar"]

_MAX_COOKIES = 50
"""Cookies of a host: as many as RFC 6265, 6.1, wants a browser to keep."""
_MAX_COOKIE = 4096
"""Octets of a cookie's name and value, by the same clause."""


class CookieJar:
    """Keeps what the server sets and says it again.

    One object a session; it is shared by all its requests.
    """

    __slots__ = ("_cookies", "_path", "_secure")

    def __init__(self, *, path: str, secure: bool, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Begin with the cookies among the caller's header fields.

        `path` is that of the service, `secure` says that it is reached over TLS: cookies that are not for it
        are not kept.
        """
        self._path = path if path.endswith("/") else f"{path}/"
        self._secure = secure
        self._cookies: dict[str, str] = {}
        for name, value in headers:
            if name.lower() == "cookie":
                pairs = (pair.strip(" \t").partition("=") for pair in value.split(";"))
                self._cookies.update((key, content) for key, equals, content in pairs if key and equals)

    def store(self, values: Iterable[str]) -> None:
        """Take the values of Set-Cookie fields (RFC 6265, 5.2).

        What cannot be kept is ignored, as browsers do.
        """
        for value in values:
            pair, _, attributes = value.partition(";")
            name, equals, content = pair.partition("=")
            name, content = name.strip(" \t"), content.strip(" \t")
            if name and equals and len(pair) <= _MAX_COOKIE:
                self._set(name, content, _attributes(attributes))

    def headers(self, others: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """Return the caller's header fields with the Cookie field that is due now, in place of theirs."""
        fields = [(name, value) for name, value in others if name.lower() != "cookie"]
        if self._cookies:
            fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self._cookies.items())))
        return fields

    def _set(self, name: str, content: str, attributes: dict[str, str]) -> None:
        if "secure" in attributes and not self._secure:
            return
        path = attributes.get("path", "/")
        if path.startswith("/") and not self._path.startswith(path if path.endswith("/") else f"{path}/"):
            return
        age = attributes.get("max-age", "1")
        if age == "0" or age.startswith("-"):
            self._cookies.pop(name, None)
        elif name in self._cookies or len(self._cookies) < _MAX_COOKIES:
            self._cookies[name] = content


def _attributes(text: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for attribute in text.split(";"):
        name, _, value = attribute.partition("=")
        attributes[name.strip(" \t").lower()] = value.strip(" \t")
    return attributes
