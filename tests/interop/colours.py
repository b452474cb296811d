"""One way to write a scenario, whatever the adapter: what differs between trio, asyncio and threads is here.

This file must not know servers or scenarios.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, TypeVar

import trio

__all__ = ["COLOURS", "AsyncioColour", "BlockingColour", "Colour", "TrioColour"]

T = TypeVar("T")

Client: TypeAlias = Any
"""A client of any adapter, with the methods of `stomp_trio.Client`, all of them awaitable."""
Work: TypeAlias = Callable[[], Coroutine[Any, Any, T]]


class Colour(ABC):
    """How an adapter is used."""

    name: str
    """The name of the adapter's package."""

    @property
    def package(self) -> Any:
        """The adapter.

        Raises:
            ImportError: it is not there.
        """
        return importlib.import_module(self.name)

    def connect(self, url: str | list[str], **keywords: Any) -> AbstractAsyncContextManager[Client]:
        """Return what `connect` of the adapter gives."""
        made: AbstractAsyncContextManager[Client] = self.package.connect(url, **keywords)
        return made

    @abstractmethod
    def run(self, work: Work[T]) -> T:
        """Run a scenario to its end."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait."""

    @abstractmethod
    async def within(self, seconds: float, work: Work[T]) -> T:
        """Return what some work returns.

        Raises:
            TimeoutError: it took longer.
        """

    @abstractmethod
    async def together(self, *works: Work[object]) -> None:
        """Do all of it at the same time; return when all is done."""

    async def receive(self, subscription: Any, seconds: float) -> Any:
        """Take the next message.

        Raises:
            TimeoutError: none came.
        """
        return await self.within(seconds, subscription.receive)


class TrioColour(Colour):
    """trio."""

    name = "stomp_trio"

    def run(self, work: Work[T]) -> T:
        """Run it under trio."""
        return trio.run(work)

    async def sleep(self, seconds: float) -> None:
        """Let trio wait."""
        await trio.sleep(seconds)

    async def within(self, seconds: float, work: Work[T]) -> T:
        """Cancel it when it takes longer."""
        with trio.move_on_after(seconds):
            return await work()
        raise TimeoutError(f"nothing within {seconds:g} s")

    async def together(self, *works: Work[object]) -> None:
        """Use a nursery; a failure is raised as it is."""
        try:
            async with trio.open_nursery() as nursery:
                for work in works:
                    nursery.start_soon(work)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None


class AsyncioColour(Colour):
    """asyncio."""

    name = "stomp_asyncio"

    def run(self, work: Work[T]) -> T:
        """Run it under asyncio."""
        return asyncio.run(work())

    async def sleep(self, seconds: float) -> None:
        """Let asyncio wait."""
        await asyncio.sleep(seconds)

    async def within(self, seconds: float, work: Work[T]) -> T:
        """Cancel it when it takes longer."""
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await work()
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimeoutError(f"nothing within {seconds:g} s") from None

    async def together(self, *works: Work[object]) -> None:
        """Use a task group; a failure is raised as it is."""
        try:
            async with asyncio.TaskGroup() as group:
                for work in works:
                    group.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None


class BlockingColour(Colour):
    """Threads: a scenario is a coroutine that never suspends, since every call in it waits by itself."""

    name = "stomp_blocking"

    def connect(self, url: str | list[str], **keywords: Any) -> AbstractAsyncContextManager[Client]:
        """Wrap what the adapter gives: entering, leaving and calling it look as if they were awaited."""
        return _Awaitable(self.package.connect(url, **keywords))

    def run(self, work: Work[T]) -> T:
        """Step through it."""
        coroutine = work()
        try:
            coroutine.send(None)
        except StopIteration as result:
            value: T = result.value
            return value
        coroutine.close()
        raise RuntimeError("something awaited a loop that is not there")

    async def sleep(self, seconds: float) -> None:
        """Wait, and hold the thread."""
        time.sleep(seconds)  # noqa: ASYNC251  # there is no loop to block

    async def within(self, seconds: float, work: Work[T]) -> T:
        """Rely on the adapter: each of its waits ends by itself."""
        return await work()

    async def together(self, *works: Work[object]) -> None:
        """Use a thread each."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(works)) as pool:
            for future in [pool.submit(self.run, work) for work in works]:
                future.result()

    async def receive(self, subscription: Any, seconds: float) -> Any:
        """Pass the time on."""
        return await subscription.receive(timeout=seconds)


class _Awaitable:
    """Stands for an object of the blocking adapter, in a scenario that awaits."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aenter__(self) -> Any:
        return _awaitable(self._inner.__enter__())

    async def __aexit__(self, *arguments: Any) -> Any:
        return self._inner.__exit__(*arguments)

    def __aiter__(self) -> Any:
        self._iterator = iter(self._inner)
        return self

    async def __anext__(self) -> Any:
        try:
            return _awaitable(next(getattr(self, "_iterator", self._inner)))
        except StopIteration:
            raise StopAsyncIteration from None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value) or name in ("json", "receive_nowait", "send_soon"):
            return _awaitable(value) if not callable(value) else value

        @functools.wraps(value)
        def call(*arguments: Any, **keywords: Any) -> Any:
            plain = [_plain(argument) for argument in arguments]
            result = value(*plain, **{key: _plain(argument) for key, argument in keywords.items()})
            return _Result(result)

        return call


class _Result(_Awaitable):
    """What a call returned: to be awaited, or entered, as the scenario likes."""

    def __await__(self) -> Any:
        return _ready(_awaitable(self._inner)).__await__()


async def _ready(value: T) -> T:
    return value


def _awaitable(value: Any) -> Any:
    """Wrap objects that have methods to call, and leave values as they are."""
    ours = type(value).__module__.startswith(("stomp_blocking", "stomp_sansio.client"))
    return _Awaitable(value) if ours else value


def _plain(value: Any) -> Any:
    return value._inner if isinstance(value, _Awaitable) else value  # noqa: SLF001


COLOURS: tuple[Colour, ...] = (TrioColour(), AsyncioColour(), BlockingColour())
"""All of them, whether their adapter is there or not."""
