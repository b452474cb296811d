"""`stomp-sansio request`: a message with an address for the reply, and the reply.

What lives here knows one call of a client; it must not know how a reply finds its way.
"""

from __future__ import annotations

import argparse

from .connecting import Way, add_connect_arguments, seconds, way
from .connection import connected
from .content import Content, add_content_arguments, content
from .exits import Exit
from .live import Live
from .messages import as_json, body_text
from .running import Stopping, until
from .running import run as run_in_loop
from .terminal import Terminal

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "send a message, wait for the reply, and write its body"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what is asked, and where."""
    add_connect_arguments(parser, reconnects=False)
    parser.add_argument("destination", metavar="DEST", help="where somebody answers, as /queue/rpc")
    add_content_arguments(parser)
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=30.0, help="seconds to wait (default: 30)"
    )
    parser.add_argument("--json", action="store_true", help="write the whole reply as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Ask, and write the reply."""
    target, asked = way(arguments), content(arguments)
    return run_in_loop(lambda stopping: _request(arguments, target, asked, stopping))


async def _request(arguments: argparse.Namespace, target: Way, asked: Content, stopping: Stopping) -> int:
    terminal = Terminal()
    async with connected(target, Live(terminal), stopping) as client:
        reply = await until(
            stopping,
            client.request(arguments.destination, asked.body, timeout=arguments.timeout, **asked.keywords),
        )
    if reply is None:
        return Exit.TERMINATED
    if arguments.json:
        terminal.json(as_json(reply))
    elif terminal.output_is_terminal:
        terminal.line(body_text(reply))
    else:
        # Whoever reads a pipe or a file wants what was answered, octet for octet.
        terminal.octets(reply.body)
    return Exit.OK
