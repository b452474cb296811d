"""`stomp-sansio broker`: a broker in memory, until it is told to end.

What lives here knows sockets, certificates and terminals; it must not know what a broker does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import ssl
from collections.abc import Mapping

import stomp_asyncio
from stomp_sansio.broker.events import BrokerEvent, ClientGone, StreamRefused
from stomp_sansio.broker.statistics import Statistics
from stomp_sansio.serving import ServeKeywords

from .capturing import add_capture_argument, capturing
from .connecting import check_key, load_certificate, seconds
from .credentials import read_passcode
from .escapes import escaped
from .exits import Exit, UsageError
from .hosts import add_host_argument
from .listening import listening
from .live import Live
from .running import Stage, Stopping
from .running import run as run_in_loop
from .terminal import Terminal

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "run a broker in memory, for plain STOMP, WebSocket and SockJS"

_INTERVAL = 1.0
"""Seconds between two looks at the numbers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say where to listen, and who may come in."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        action="append",
        type=_address,
        help="where to listen, several times for several ports; port 0 is any that is free, and no host is "
        "every interface (default: 127.0.0.1:61613)",
    )
    parser.add_argument("--cert", metavar="FILE", help="a certificate, with its chain: speak TLS alone")
    parser.add_argument("--key", metavar="FILE", help="its private key, where it is not in the same file")
    parser.add_argument("--login", metavar="NAME", help="let only this login in (default: everybody)")
    parser.add_argument(
        "--passcode-file",
        metavar="FILE",
        help="its passcode is the first line; otherwise it is STOMP_PASSCODE, or asked for on a terminal",
    )
    parser.add_argument(
        "--path",
        metavar="PATH",
        action="append",
        help="where WebSocket and SockJS are, several times for several (default: /stomp, /ws and /sockjs)",
    )
    parser.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="web pages from elsewhere that may connect, as https://app.example.com",
    )
    add_host_argument(parser)
    parser.add_argument(
        "--close-timeout",
        metavar="S",
        type=seconds,
        default=10.0,
        help="seconds that clients may take at the end for what was queued (default: 10)",
    )
    parser.add_argument("--json", action="store_true", help="write lines of JSON: where it listens, numbers")
    add_capture_argument(parser.add_argument)


def run(arguments: argparse.Namespace) -> int:
    """Run the broker until SIGTERM or Ctrl-C."""
    login: Mapping[str, str] | None = None
    if arguments.login is not None:
        login = {arguments.login: read_passcode(arguments.login, arguments.passcode_file, os.environ)}
    elif arguments.passcode_file is not None:
        raise UsageError("--passcode-file needs --login NAME: whose passcode is it?")
    context = _context(arguments.cert, arguments.key)
    return run_in_loop(lambda stopping: _serve(arguments, login, context, stopping), endless=True)


async def _serve(
    arguments: argparse.Namespace,
    login: Mapping[str, str] | None,
    context: ssl.SSLContext | None,
    stopping: Stopping,
) -> int:
    terminal = Terminal()
    live = Live(terminal)

    def heard(event: BrokerEvent) -> None:
        match event:
            case ClientGone(clean=False, reason=reason):
                live.remark(f"a client is gone: {escaped(reason)}\n")
            case StreamRefused(reason=reason):
                live.remark(f"a client was refused: {escaped(reason)}\n")
            case _:
                pass

    keywords = ServeKeywords(
        login=login,
        origins=arguments.origin,
        hosts=arguments.allow_host,
        on_event=heard,
        close_timeout=arguments.close_timeout,
    )
    if arguments.path is not None:
        keywords["path"] = arguments.path
    with capturing(arguments.capture, live.remark) as keywords["capture"]:
        sockets = listening(arguments.listen or [("127.0.0.1", 61613)])
        async with stomp_asyncio.serve(sockets=sockets, ssl=context, **keywords) as server:
            first, urls = _authority(server.addresses[0]), server.urls
            every = [url.replace(first, _authority(at), 1) for at in server.addresses for url in urls]
            if arguments.json:
                terminal.json({"event": "listening", "urls": every})
            else:
                for url in every:
                    terminal.line(url)
            await _watch(server, live, terminal, arguments.json, stopping)
            live.clear()
            # As long as was asked for, however long that is.
            stopping.enter(Stage.BUSY, f"clients to take it, {arguments.close_timeout:g} s at most")
            terminal.remark("ending: clients get what is queued\n")
    last = server.statistics()
    if arguments.json:
        terminal.json({"event": "ended", **_numbers(last)})
    else:
        terminal.remark(f"ended: {last.sent:,} messages came, {last.delivered:,} went out\n")
    return Exit.OK


async def _watch(
    server: stomp_asyncio.Server, live: Live, terminal: Terminal, json: bool, stopping: Stopping
) -> None:
    """Show the numbers until it is time to end."""
    before = server.statistics()
    while not stopping:
        try:
            async with asyncio.timeout(_INTERVAL):
                await stopping.asked.wait()
        except TimeoutError:
            now = server.statistics()
            if json and (now.sent, now.delivered, now.connections) != (
                before.sent,
                before.delivered,
                before.connections,
            ):
                terminal.json({"event": "statistics", **_numbers(now)})
            live.show(_lines(now, before))
            before = now


def _numbers(numbers: Statistics) -> dict[str, int]:
    queues = numbers.queues.values()
    return {
        "connections": numbers.connections,
        "subscriptions": numbers.subscriptions,
        "sent": numbers.sent,
        "delivered": numbers.delivered,
        "dropped": numbers.dropped,
        "backlog": numbers.backlog,
        "queues": len(queues),
        "waiting": sum(queue.waiting for queue in queues),
        "unacknowledged": sum(queue.unacknowledged for queue in queues),
    }


def _lines(now: Statistics, before: Statistics) -> list[str]:
    numbers = _numbers(now)
    came = (now.sent - before.sent) / _INTERVAL
    went = (now.delivered - before.delivered) / _INTERVAL
    return [
        f"{now.connections:,} clients, {now.subscriptions:,} subscriptions; "
        f"in {now.sent:,} ({came:,.0f}/s), out {now.delivered:,} ({went:,.0f}/s), dropped {now.dropped:,}",
        f"{numbers['queues']:,} queues: {numbers['waiting']:,} waiting, "
        f"{numbers['unacknowledged']:,} unacknowledged; {now.backlog:,} octets to be written",
    ]


def _address(text: str) -> tuple[str | None, int]:
    """Return host and port of HOST:PORT, :PORT or [IPV6]:PORT."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not port.isascii() or not port.isdigit() or int(port) > 65_535 or (not host and ":" not in text):
        raise argparse.ArgumentTypeError(f"{text!r}: write HOST:PORT, as 127.0.0.1:61613 or [::1]:61613")
    return host or None, int(port)


def _authority(address: tuple[str, int]) -> str:
    host, port = address
    # Somebody has to write it: what means every interface is reached at this machine's own address.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # shown, not listened on
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _context(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    check_key(certificate, key)
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_certificate(context, certificate, key)
    return context
