"""What a message is made of, as arguments say it: a body from here or there, and headers.

What lives here knows files and standard input; it must not know who sends it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stomp_sansio.client.keywords import ContentKeywords

from .connecting import header
from .exits import UsageError

__all__ = [
    "Content",
    "add_content_arguments",
    "add_header_argument",
    "content",
    "content_keywords",
    "read_body",
]


@dataclass(frozen=True, slots=True)
class Content:
    """A body, and the keywords of `send` and `request` that go with it."""

    body: str | bytes
    keywords: ContentKeywords


def add_content_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the body and the headers of a message."""
    parser.add_argument(
        "body",
        metavar="BODY",
        nargs="?",
        help="text; - is standard input, @FILE a file, octet for octet (default: nothing)",
    )
    parser.add_argument(
        "--body",
        metavar="TEXT",
        dest="plain_body",
        type=lambda text: text.removeprefix("\0"),
        help="text as it stands, in place of BODY: also where it begins with - or @",
    )
    add_header_argument(parser, "one more header of the message, as content-type:application/json")


def add_header_argument(parser: argparse.ArgumentParser, explanation: str) -> None:
    """Add the headers of a frame."""
    parser.add_argument(
        "-H",
        "--header",
        metavar="NAME:VALUE",
        type=header,
        action="append",
        default=[],
        help=explanation,
    )


def content(arguments: argparse.Namespace) -> Content:
    """Return body and headers, as the arguments say.

    Raises:
        UsageError: the body cannot be read, or there are two.
    """
    written, plain = arguments.body, arguments.plain_body
    if plain is not None and written is not None:
        raise UsageError("there are two bodies: write BODY, or --body TEXT")
    body = plain if plain is not None else read_body(written or "")
    if isinstance(body, str) and not _is_text(body):
        raise UsageError("the body is no text in UTF-8: pass its octets on standard input (-) or as @FILE")
    return Content(body, content_keywords(arguments.header))


def _is_text(argument: str) -> bool:
    """Tell whether an argument was text: what was none comes with lone surrogates in the place of octets."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def content_keywords(headers: Iterable[tuple[str, str]]) -> ContentKeywords:
    """Return the keywords of `send` and `request` for headers, of which one has a keyword of its own."""
    keywords = ContentKeywords()
    others: list[tuple[str, str]] = []
    for name, value in headers:
        if name == "content-type":
            keywords.setdefault("content_type", value)
        else:
            others.append((name, value))
    return keywords | ContentKeywords(headers=others)


def read_body(written: str) -> str | bytes:
    """Return the body that BODY, - or @FILE stands for.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        if written == "-":
            return sys.stdin.buffer.read()
        if written.startswith("@"):
            return Path(written[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"the body cannot be read: {error}") from error
    return written
