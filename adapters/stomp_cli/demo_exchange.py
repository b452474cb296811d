"""`stomp-sansio demo URL`: messages to somebody's broker and back, every frame shown as it passes.

What lives here checks that what goes in comes out. It must not know how frames are written.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
from dataclasses import dataclass, field

import stomp_asyncio
from stomp_sansio.errors import LocalProtocolError

from .connecting import Way, way
from .connection import connected
from .escapes import escaped
from .exits import Exit
from .live import Live
from .running import Stage, Stopping
from .running import run as run_in_loop
from .terminal import Terminal

__all__ = ["exchange"]

_WAIT = 5.0
_LONGEST = 160


@dataclass(frozen=True)
class _Sample:
    """One message that goes there and back."""

    what: str
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict[str, str])


_SAMPLES = (
    _Sample("text", b"Hello, STOMP", "text/plain"),
    _Sample("JSON", b'{"tea":"Ceylon","cups":2}', "application/json"),
    _Sample("unicode", "größer als 日本語 🎉".encode(), "text/plain;charset=utf-8", {"x-motto": "é: a\\b"}),
    _Sample("empty", b"", "text/plain"),
)


class _Frames(logging.Handler):
    """Shows the frames that the adapter logs, and counts them."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.DEBUG)
        self.count = 0
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Show one."""
        line = escaped(record.getMessage())
        self.count += record.levelno == logging.DEBUG
        self._terminal.line(f"    {line if len(line) <= _LONGEST else line[: _LONGEST - 3] + '...'}")


def exchange(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Exchange messages with the broker at a URL; return the exit code."""
    target = way(arguments)
    target.keywords["receipt_timeout"] = _WAIT
    frames = _Frames(terminal)
    logger = logging.getLogger("stomp_asyncio")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(frames)
    try:
        return run_in_loop(lambda stopping: _exchange(target, terminal, frames, stopping))
    finally:
        logger.removeHandler(frames)
        logger.setLevel(level)


async def _exchange(target: Way, terminal: Terminal, frames: _Frames, stopping: Stopping) -> int:
    """Send every sample to a topic, and receive it again."""
    destination = f"/topic/stomp-sansio-demo-{secrets.token_hex(4)}"
    same = 0
    async with (
        connected(target, Live(terminal), stopping) as client,
        client.subscribe(destination, ack="client-individual") as messages,
    ):
        # What is sent here nobody misses.
        stopping.enter(Stage.BEGINNING, "the broker to answer")
        for sample in _SAMPLES:
            headers = sample.headers
            try:
                await client.send(
                    destination, sample.body, content_type=sample.content_type, headers=headers, receipt=True
                )
            except stomp_asyncio.ReceiptTimeout:
                terminal.line("    (this broker confirms no SEND)")
            try:
                async with asyncio.timeout(_WAIT):
                    message = await messages.receive()
            except TimeoutError:
                terminal.line(
                    f"  {terminal.paint('WRONG', 'red')}: {sample.what} did not come within {_WAIT:g} s"
                )
                break
            try:
                await message.ack()
            except LocalProtocolError as error:
                terminal.line(f"    ({escaped(str(error))})")
            if message.body == sample.body and headers.items() <= dict(message.headers).items():
                same += 1
                terminal.line(f"  {sample.what}: the same came back: {message.body!r}")
            else:
                wrong = terminal.paint("WRONG", "red")
                terminal.line(f"  {wrong}: {sample.what} came back as {message.body!r}")
    right = same == len(_SAMPLES)
    verdict = terminal.paint("RIGHT", "green") if right else terminal.paint("WRONG", "red")
    terminal.line("")
    terminal.line(
        f"{verdict}: {len(_SAMPLES)} messages in, {same} out the same; {frames.count} frames and heart-beats"
    )
    return Exit.OK if right else Exit.FAILED
