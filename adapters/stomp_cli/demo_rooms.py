"""Threads for the demo, each with a runtime of its own in it, that are told to end from outside.

What lives here knows trio, asyncio and threads; it must not know what is done in a room.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

__all__ = ["AsyncioRoom", "Room", "ThreadRoom", "TrioRoom"]

Work = Callable[[], Awaitable[None]]


class Room(ABC):
    """A thread that works until it is told to end, or until something fails."""

    def __init__(self, name: str) -> None:
        self.error: BaseException | None = None
        """Why it ended before it was told to."""
        self.ending = threading.Event()
        """Set when it shall end."""
        self._thread = threading.Thread(target=self._live, name=f"demo: {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end. Harmless when it has."""
        self.ending.set()
        if self._thread.is_alive():
            self._interrupt()

    def join(self, timeout: float) -> bool:
        """Wait until it has ended, some seconds at most; tell whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _live(self) -> None:
        try:
            self._work()
        except BaseException as error:
            if not self.ending.is_set():
                self.error = _first(error)

    @abstractmethod
    def _work(self) -> None:
        """Do everything; return once it is told to end."""

    @abstractmethod
    def _interrupt(self) -> None:
        """End what waits, from another thread."""


class AsyncioRoom(Room):
    """Tasks in an event loop of asyncio."""

    def __init__(self, name: str, works: Sequence[Work]) -> None:
        super().__init__(name)
        self._works = works
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def _work(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self.ending.is_set():
            return
        await asyncio.gather(*(work() for work in self._works))

    def call(self, function: Callable[[], object]) -> None:
        """Have something called in the loop, soon. Harmless when it has ended."""
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(function)
            except RuntimeError:
                pass  # it is closed

    def _interrupt(self) -> None:
        if self._task is not None:
            self.call(self._task.cancel)


class TrioRoom(Room):
    """Tasks in a nursery of trio."""

    def __init__(self, name: str, works: Sequence[Work]) -> None:
        import trio

        super().__init__(name)
        self._works = works
        self._trio = trio
        self._scope = trio.CancelScope()
        self._token: trio.lowlevel.TrioToken | None = None

    def _work(self) -> None:
        self._trio.run(self._main)

    async def _main(self) -> None:
        self._token = self._trio.lowlevel.current_trio_token()
        with self._scope:
            if self.ending.is_set():
                return
            async with self._trio.open_nursery() as nursery:
                for work in self._works:
                    nursery.start_soon(work)

    def _interrupt(self) -> None:
        if self._token is not None:
            try:
                self._token.run_sync_soon(self._scope.cancel)
            except self._trio.RunFinishedError:
                pass


class ThreadRoom(Room):
    """A function that waits, and comes back once `ending` is set or what it waits for is closed."""

    def __init__(self, name: str, work: Callable[[ThreadRoom], None]) -> None:
        super().__init__(name)
        self._function = work
        self.close: Callable[[], object] = lambda: None
        """Makes the function come back: called from another thread."""

    def _work(self) -> None:
        self._function(self)

    def _interrupt(self) -> None:
        self.close()


def _first(error: BaseException) -> BaseException:
    """Return the error itself, out of the groups that nurseries make."""
    if isinstance(error, BaseExceptionGroup):
        return _first(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error
