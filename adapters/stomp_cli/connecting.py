"""The options that all commands share which connect, and what becomes of them: the keywords of `connect`.

What lives here knows arguments and files; it must not know what a command does with its connection.
"""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stomp_sansio.client.keywords import ConnectKeywords
from stomp_sansio.links.url import Endpoint, parse_urls
from stomp_sansio.protocol.headers import Headers
from stomp_sansio.redaction import is_secret

from .capturing import add_capture_argument
from .credentials import read_passcode, read_secret_file
from .exits import UsageError

__all__ = [
    "Way",
    "add_connect_arguments",
    "add_login_arguments",
    "add_way_arguments",
    "check_key",
    "header",
    "load_certificate",
    "seconds",
    "way",
]


@dataclass(frozen=True, slots=True)
class Way:
    """Where to connect to, and how: `stomp_asyncio.connect(way.url, ssl=way.ssl, **way.keywords)`."""

    url: str = field(repr=False)
    ssl: ssl.SSLContext | None = None
    keywords: ConnectKeywords = field(default_factory=ConnectKeywords, repr=False)
    capture: str | None = None
    """The file to write down in what passes, as `capturing` does it."""
    name: str = ""
    """What to call it in messages: the URL without credentials."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown, should a server repeat it."""


def add_login_arguments(add: Callable[..., object]) -> None:
    """Add who somebody is, and at which virtual host, to a parser or group: `add` is its `add_argument`."""
    add("--login", metavar="NAME", help="who to be, where the URL does not say")
    add(
        "--passcode-file",
        metavar="FILE",
        help="the passcode is its first line; otherwise it is STOMP_PASSCODE, or asked for on a terminal",
    )
    add("--vhost", metavar="NAME", help="the virtual host: by default the URL's path or host")


def add_connect_arguments(parser: argparse.ArgumentParser, *, reconnects: bool = True) -> None:
    """Add the URL, and the options for connecting to it."""
    parser.add_argument(
        "url",
        metavar="URL",
        help="stomp://, stomps://, ws://, wss://, or the http:// or https:// base URL of SockJS; "
        "failover:(URL,URL) tries one after the other",
    )
    add_way_arguments(parser.add_argument_group("connecting").add_argument, reconnects=reconnects)
    add_capture_argument(parser.add_argument)


def add_way_arguments(add: Callable[..., object], *, reconnects: bool) -> None:
    """Add how to connect to the URL, to a parser or group: `add` is its `add_argument`."""
    add_login_arguments(add)
    add(
        "--connect-header",
        metavar="NAME:VALUE",
        action="append",
        default=[],
        help="one more header for CONNECT; @FILE reads them from a file, one a line",
    )
    add(
        "--http-header",
        metavar="NAME:VALUE",
        action="append",
        default=[],
        help="one more header for the HTTP requests of WebSocket and SockJS, or @FILE",
    )
    add(
        "--heartbeat",
        metavar="SECONDS[,SECONDS]",
        type=_heartbeat,
        help="how often something is said, and expected, at least; 0 is never (default: 10)",
    )
    add(
        "--transports",
        metavar="NAMES",
        help="of SockJS, in the order in which they are tried: websocket,xhr-streaming,xhr-polling",
    )
    add("--cafile", metavar="FILE", help="certificates to trust, in place of the system's")
    add("--cert", metavar="FILE", help="a certificate of yours, for servers that ask for one, with its chain")
    add("--key", metavar="FILE", help="its private key, where it is not in the same file")
    add("--proxy", metavar="URL", help='an HTTP proxy; "none" passes by those of the environment')
    add("--connect-timeout", metavar="S", type=seconds, help="seconds for one attempt (default: 10)")
    if reconnects:
        add(
            "--no-reconnect",
            action="store_true",
            help="end when the connection is lost, and do not try again",
        )


def way(arguments: argparse.Namespace, environ: Mapping[str, str] | None = None) -> Way:
    """Return where to connect to and how, as the arguments say; ask for a passcode if one is missing.

    Raises:
        InvalidURI: the URL cannot be used; the message says what to write instead.
        UsageError: another argument cannot be used.
    """
    environ = os.environ if environ is None else environ
    endpoints = parse_urls(arguments.url)
    keywords = ConnectKeywords(
        vhost=arguments.vhost,
        connect_headers=_headers(arguments.connect_header),
        additional_headers=_headers(arguments.http_header),
    )
    if arguments.heartbeat is not None:
        keywords["heartbeat"] = arguments.heartbeat
    if arguments.transports is not None:
        keywords["transports"] = tuple(name.strip() for name in arguments.transports.split(","))
    if arguments.proxy is not None:
        keywords["proxy"] = None if arguments.proxy == "none" else arguments.proxy
    if arguments.connect_timeout is not None:
        keywords["open_timeout"] = arguments.connect_timeout
    if getattr(arguments, "no_reconnect", True):
        keywords["reconnect"] = None
    first = endpoints[0]
    login: str | None = first.login if arguments.login is None else arguments.login
    if login is not None and (arguments.login is not None or first.passcode is None):
        keywords["login"] = login
        keywords["passcode"] = read_passcode(login, arguments.passcode_file, environ)
    elif arguments.passcode_file is not None:
        # Some servers want a token alone.
        keywords["login"] = login
        keywords["passcode"] = read_secret_file(arguments.passcode_file)
    return Way(
        arguments.url,
        _context(arguments.cafile, arguments.cert, arguments.key),
        keywords,
        arguments.capture,
        str(first),
        _secrets(keywords, endpoints),
    )


def _secrets(keywords: ConnectKeywords, endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    lists = (keywords.get("connect_headers", ()), keywords.get("additional_headers", ()))
    pairs = [pair for headers in lists for pair in Headers(headers).pairs]
    found = [keywords.get("passcode"), *(endpoint.passcode for endpoint in endpoints)]
    found += [value for name, value in pairs if is_secret(name)]
    return tuple(secret for secret in found if secret)


def header(text: str) -> tuple[str, str]:
    """Return name and value of NAME:VALUE.

    Raises:
        ArgumentTypeError: there is no colon, or no name before it.
    """
    name, colon, value = text.partition(":")
    if not colon or not name:
        # Not what was written there: it may be a secret.
        raise argparse.ArgumentTypeError("a header is written NAME:VALUE")
    return name, value


def seconds(text: str) -> float:
    """Return a number of seconds that is more than 0.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number


def _heartbeat(text: str) -> tuple[float, float]:
    try:
        ours, *theirs = (float(part) for part in text.split(","))
        if len(theirs) > 1:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write seconds, as 10 or 10,20") from None
    return ours, theirs[0] if theirs else ours


def _headers(written: list[str]) -> list[tuple[str, str]]:
    """Read NAME:VALUE, or @FILE with one a line: for values that must not stand in a command line."""
    pairs: list[tuple[str, str]] = []
    for text in written:
        try:
            lines = [text]
            if text.startswith("@"):
                lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
            # As in HTTP, a blank behind the colon is no part of the value.
            pairs += [(name, value.strip()) for name, value in map(header, filter(None, lines))]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the file of headers cannot be read: {error}") from error
        except argparse.ArgumentTypeError as error:
            raise UsageError(str(error)) from error
    return pairs


def _context(cafile: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    check_key(certificate, key)
    if cafile is None and certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=cafile)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"--cafile {cafile} cannot be used: {error}") from error
    if certificate is not None:
        load_certificate(context, certificate, key)
    return context


def check_key(certificate: str | None, key: str | None) -> None:
    """Make sure that a key has its certificate.

    Raises:
        UsageError: it has none.
    """
    if key is not None and certificate is None:
        raise UsageError("--key needs --cert FILE: the certificate that it belongs to")


def load_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Have a context show a certificate.

    Raises:
        UsageError: that cannot be; the message says what is wrong with it.
    """
    try:
        context.load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no file {certificate if key is None else f'{certificate} or {key}'}"
        ) from error
    except (OSError, ssl.SSLError) as error:
        mismatch = isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH"
        why = "the key does not belong to the certificate" if mismatch else str(error)
        raise UsageError(f"the certificate {certificate} cannot be used: {why}") from error
