"""An event loop for one command, and what becomes of Ctrl-C and SIGTERM in it.

What lives here knows signals; it must not know what the command does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from .exits import Exit

__all__ = ["Stopping", "run", "until"]

T = TypeVar("T")


class Stopping:
    """Whether the command was asked to end in order: by SIGTERM, the first time."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def __bool__(self) -> bool:
        return self.asked.is_set()


def run(command: Callable[[Stopping], Coroutine[Any, Any, int]], *, endless: bool = False) -> int:
    """Run a command in an event loop; return its exit code.

    The first SIGTERM is told to `Stopping`: the command finishes what it has begun. Ctrl-C, and every further
    SIGTERM, cancels it: blocks are left in order, and once more cuts off what takes long even then. An
    `endless` command has no other end: the first Ctrl-C is told to `Stopping` as well.
    """
    with asyncio.Runner() as runner:
        return runner.run(_guarded(command, endless))


async def _guarded(command: Callable[[Stopping], Coroutine[Any, Any, int]], endless: bool) -> int:
    loop = asyncio.get_running_loop()
    stopping = Stopping()
    task = loop.create_task(command(stopping))
    by: list[Exit] = []

    def interrupt() -> None:
        if endless and not stopping:
            return stopping.asked.set()
        by.append(Exit.INTERRUPTED)
        task.cancel()

    def terminate() -> None:
        if stopping:
            by.append(Exit.TERMINATED)
            task.cancel()
        stopping.asked.set()

    heard = _listen(loop, {signal.SIGINT: interrupt, signal.SIGTERM: terminate})
    try:
        return await task
    except asyncio.CancelledError:
        if not by:
            raise
        return by[0]
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


def _listen(
    loop: asyncio.AbstractEventLoop, handlers: dict[signal.Signals, Callable[[], None]]
) -> list[signal.Signals]:
    heard: list[signal.Signals] = []
    for number, handler in handlers.items():
        try:
            loop.add_signal_handler(number, handler)
        except (NotImplementedError, RuntimeError, ValueError):
            continue  # not on Windows, and not outside the main thread: the interpreter's own ways remain
        heard.append(number)
    return heard


async def until(stopping: Stopping, work: Awaitable[T]) -> T | None:
    """Wait for `work`, or until the command is asked to end: then cancel it and return None."""
    doing = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stopping.asked.wait())
    try:
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        return None
    finally:
        for future in (doing, asked):
            future.cancel()
        await asyncio.gather(doing, asked, return_exceptions=True)
