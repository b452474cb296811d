"""Fixed pages that a server shows to browsers: what is answered at a path, and what the page may do there.

What lives here is pure functions over a mapping; it must not know how a request is read, nor where pages come
from.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeAlias

from ..records import field, record

__all__ = ["Page", "PageAnswer", "answer_with_page"]

PageAnswer: TypeAlias = tuple[int, list[tuple[str, str]], bytes]
"""Status, header fields, body."""

_METHODS = ("GET", "HEAD")

_MANNERS = (
    # Scripts, styles and connections of the page's own origin alone; nothing inline, no frame around it.
    (
        "Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    # The next server on this port may have other pages.
    ("Cache-Control", "no-cache"),
)
"""What every page is told: it may do what a page of this server needs, and no other page may use it."""


@record
class Page:
    """What is shown at one path.

    Raises:
        ValueError: the content type cannot stand in a header.
    """

    content_type: str
    """Such as "text/html; charset=utf-8"."""
    body: bytes = field(hidden=True)

    def __post_init__(self) -> None:
        if not (
            self.content_type.isascii() and self.content_type.isprintable() and self.content_type.strip()
        ):
            raise ValueError(f"{self.content_type!r} is no content type: write one as text/html")


def answer_with_page(pages: Mapping[str, Page], method: str, path: str) -> PageAnswer | None:
    """Return the answer to a request for a page, or None when there is none at this path.

    The answer to HEAD has the body too, of which only the length is to be sent.
    """
    page = pages.get(path)
    if page is None:
        return None
    if method not in _METHODS:
        return HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", ", ".join(_METHODS))], b""
    return HTTPStatus.OK, [("Content-Type", page.content_type), *_MANNERS], page.body
