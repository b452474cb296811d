"""An event loop for one command, and what becomes of Ctrl-C and SIGTERM in it.

What lives here knows signals; it must not know what the command does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from typing import Any, TypeVar

from .exits import Exit
from .terminal import Terminal

__all__ = ["GOOD_BYE", "Stage", "Stopping", "awaited", "run", "until"]

T = TypeVar("T")

SILENCE = 0.5
"""Seconds that an end may take without a word: what is over sooner needs none."""

PATIENCE = 8.0
"""Seconds that SIGTERM lets a server take for what is in work, and that it may take for its good-bye. Whoever
sent it sends SIGKILL next: Docker after ten, Kubernetes and systemd later."""

GOOD_BYE = "the server to confirm DISCONNECT"


class Stage(Enum):
    """How far a command has come, and so what SIGTERM means to it."""

    BEGINNING = "beginning"
    """Nothing is in work that could be lost: it ends at once."""
    WORKING = "working"
    """It ends once the server has answered, or `PATIENCE` is over."""
    BUSY = "busy"
    """It does something of this machine's, which takes as long as it takes."""
    LEAVING = "leaving"
    """It is ending, which has a time of its own: whoever asks now is in a hurry, and it is cut off."""


class Stopping:
    """Whether the command was asked to end in order, by SIGTERM, the first time; and what would be awaited
    then.
    """

    def __init__(self, remark: Callable[[str], object] | None = None) -> None:
        self.asked = asyncio.Event()
        self.remark = remark or Terminal().remark
        """Where is said what an end waits for."""
        self.stage = Stage.WORKING
        self._waits_for = "what is in work"
        self._said = ""
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return self.asked.is_set()

    def enter(self, stage: Stage, waits_for: str) -> None:
        """Take note of how far the command is, and of what it would wait for: "waiting for" goes before."""
        self.stage, self._waits_for = stage, waits_for
        if stage is Stage.LEAVING or self._timer is not None:
            self.explain()

    def explain(self) -> None:
        """Say what is awaited, unless it comes right now."""
        self.hush()
        self._timer = asyncio.get_running_loop().call_later(SILENCE, self._explain)

    def hush(self) -> None:
        """Say nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _explain(self) -> None:
        if self._said != self._waits_for:
            self._said = self._waits_for
            self.remark(awaited(self._waits_for, bounded=self.stage is not Stage.BUSY))


def awaited(what: str, *, bounded: bool = True) -> str:
    """Return the remark that an end waits for something."""
    at_most = f" for {PATIENCE:g} s at most" if bounded else ""
    return f"waiting{at_most} for {what}; Ctrl-C or SIGTERM cuts it off\n"


def run(command: Callable[[Stopping], Coroutine[Any, Any, int]], *, endless: bool = False) -> int:
    """Run a command in an event loop; return its exit code.

    The first SIGTERM is told to `Stopping`: the command finishes what it has begun, as its `Stage` allows.
    The first Ctrl-C cancels it: blocks are left in order. What takes long then is told, and whatever comes
    next, Ctrl-C or SIGTERM, cuts it off. An `endless` command has no other end: the first Ctrl-C is told to
    `Stopping` as well.
    """
    with asyncio.Runner() as runner:
        return runner.run(_guarded(command, endless))


async def _guarded(command: Callable[[Stopping], Coroutine[Any, Any, int]], endless: bool) -> int:
    loop = asyncio.get_running_loop()
    stopping = Stopping()
    task = loop.create_task(command(stopping))
    by: list[Exit] = []

    def cut() -> None:
        # Again and again: a block that is left in order may have several things to wait for.
        if not task.done():
            task.cancel()
            loop.call_later(0.01, cut)

    def overdue() -> None:
        if stopping.stage is Stage.BUSY:
            loop.call_later(PATIENCE, overdue)
        elif stopping.stage is not Stage.LEAVING and not task.done() and not by:
            by.append(Exit.TERMINATED)
            stopping.remark("the server does not answer: cut off\n")
            cut()

    def told(code: Exit, *, gently: bool) -> None:
        if by or stopping or stopping.stage is Stage.LEAVING:
            by.append(code)
            return cut()
        stopping.explain()
        if gently:
            stopping.asked.set()
            loop.call_later(PATIENCE, overdue)
        if not gently or stopping.stage is Stage.BEGINNING:
            by.append(code)
            task.cancel()

    heard = _listen(
        loop,
        {
            signal.SIGINT: lambda: told(Exit.INTERRUPTED, gently=endless),
            signal.SIGTERM: lambda: told(Exit.TERMINATED, gently=True),
        },
    )
    try:
        return await task
    except asyncio.CancelledError:
        if not by:
            raise
        return by[0]
    finally:
        stopping.hush()
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
