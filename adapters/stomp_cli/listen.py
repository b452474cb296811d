"""`stomp-sansio listen`: messages as they come, or a command for each of them.

What lives here knows when to end; it must not know how a message is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack

from stomp_asyncio import Message, Subscription

from . import running
from .connecting import Way, add_connect_arguments, seconds, way
from .connection import connected
from .content import add_header_argument
from .exits import Exit
from .live import Live
from .messages import as_environment, as_json, as_text
from .running import Stage, Stopping, until
from .running import run as run_in_loop
from .terminal import Terminal, json_line
from .writing import Writer

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "subscribe, and write what comes, or run a command for each message"

_MOMENT = 1.0
"""Seconds for a command that was killed to be gone."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what is listened to, and how long."""
    add_connect_arguments(parser)
    parser.add_argument("destinations", metavar="DEST", nargs="+", help="as /queue/orders or /topic/news.*")
    add_header_argument(parser, "one more header of SUBSCRIBE, as selector:price>10")
    parser.add_argument(
        "--ack",
        metavar="MODE",
        choices=("auto", "client", "client-individual"),
        default="client-individual",
        help="auto, client or client-individual: a message is acknowledged once it is written, or its "
        "command has succeeded (default: client-individual)",
    )
    parser.add_argument("--limit", metavar="N", type=_limit, help="end after so many messages")
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=seconds,
        help="end after so many seconds: a failure if --limit is not met",
    )
    parser.add_argument(
        "--exec",
        metavar="COMMAND",
        dest="command",
        help="run a shell command for each message: it reads the body, and finds headers in "
        "STOMP_HEADER_...; a message whose command fails is refused (NACK), and may come again",
    )
    parser.add_argument("--json", action="store_true", help="write each message as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Listen."""
    target = way(arguments)
    return run_in_loop(lambda stopping: _Listening(arguments, stopping).run(target))


class CommandFailed(Exception):
    """The command for a message has failed: the message goes back."""


class _Listening:
    def __init__(self, arguments: argparse.Namespace, stopping: Stopping) -> None:
        self._arguments = arguments
        self._stopping = stopping
        self._ending = Stopping(stopping.remark)
        self._terminal = Terminal()
        self._live = Live(self._terminal)
        self._writer = Writer(self._terminal)
        self._turn = asyncio.Lock()
        self._count = 0
        self._failures = 0

    async def run(self, target: Way) -> int:
        arguments = self._arguments
        async with connected(target, self._live, self._stopping) as client, AsyncExitStack() as stack:
            followed = [
                await stack.enter_async_context(
                    client.subscribe(destination, ack=arguments.ack, headers=arguments.header)
                )
                for destination in arguments.destinations
            ]
            if self._terminal.remarks_are_seen:
                self._terminal.remark("listening; Ctrl-C ends\n")
            timer = asyncio.ensure_future(self._end_in_time())
            pumps = [asyncio.ensure_future(self._pump(messages)) for messages in followed]
            try:
                await asyncio.gather(*pumps)
            finally:
                for task in (timer, *pumps):
                    task.cancel()
                await asyncio.gather(timer, *pumps, return_exceptions=True)
        if arguments.limit is not None and self._count < arguments.limit:
            if self._stopping:
                return Exit.TERMINATED
            raise TimeoutError(
                f"{self._count:,} of {arguments.limit:,} messages came within {arguments.timeout:g} s"
            )
        return Exit.FAILED if self._failures else Exit.OK

    async def _end_in_time(self) -> None:
        """End when told to, or when the time is over."""
        try:
            async with asyncio.timeout(self._arguments.timeout):
                await self._stopping.asked.wait()
        except TimeoutError:
            pass
        self._ending.asked.set()

    async def _pump(self, messages: Subscription) -> None:
        while not self._ending:
            message = messages.receive_nowait() or await until(self._ending, messages.receive())
            if message is None:
                return
            # One after the other, whichever destination they come from.
            async with self._turn:
                # What was taken beyond the limit is not acknowledged: it stays with the server.
                if self._ending:
                    return
                await self._take(message)

    async def _take(self, message: Message) -> None:
        try:
            async with message.process():
                await self._handle(message)
        except CommandFailed as error:
            self._failures += 1
            lost = self._arguments.ack == "auto"
            fate = "lost, as --ack auto has it" if lost else "refused"
            self._live.remark(f"{error}: the message is {fate}\n")
        self._count += 1
        if self._count == self._arguments.limit:
            self._ending.asked.set()

    async def _handle(self, message: Message) -> None:
        if self._arguments.command is not None:
            self._stopping.enter(Stage.BUSY, "the command for a message to finish")
            try:
                await _execute(self._arguments.command, message.body, as_environment(message, os.environ))
            finally:
                self._stopping.enter(Stage.WORKING, "what is in work")
        elif self._arguments.json:
            await self._writer.write(f"{json_line(as_json(message))}\n")
        else:
            await self._writer.write(as_text(message))


async def _execute(command: str, body: bytes, environ: Mapping[str, str]) -> None:
    """Run a shell command.

    Raises:
        CommandFailed: it has failed.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_shell(command, stdin=asyncio.subprocess.PIPE, env=environ)
    )
    try:
        # It may run before asyncio knows: cancelled there, asyncio would kill it without a word.
        child = await asyncio.shield(starting)
        await child.communicate(body)
    except asyncio.CancelledError:
        await _end(await starting)
        raise
    if child.returncode:
        how = f"exit status {child.returncode}" if child.returncode > 0 else f"signal {-child.returncode}"
        raise CommandFailed(f"the command failed ({how})")


async def _end(child: asyncio.subprocess.Process) -> None:
    """End a command whose message nobody waits for any more; kill it if it takes too long, or if whoever
    waits is cancelled as well.
    """
    try:
        child.terminate()
        async with asyncio.timeout(running.PATIENCE):
            await child.wait()
    except (ProcessLookupError, TimeoutError):
        pass  # it has just ended, or will not
    finally:
        if child.returncode is None:
            child.kill()
            await _gone(child)


async def _gone(child: asyncio.subprocess.Process) -> None:
    """Wait a moment for a command that was killed, however often whoever waits is cancelled: hurry makes it
    end no sooner.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + _MOMENT
    waiting = asyncio.ensure_future(child.wait())
    while not waiting.done() and loop.time() < end:
        try:
            await asyncio.wait({waiting}, timeout=_MOMENT)
        except asyncio.CancelledError:
            continue
    waiting.cancel()


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)
