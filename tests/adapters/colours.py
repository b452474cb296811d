"""The three adapters as one: a scenario is written once, as a coroutine, and runs in each colour.

The blocking adapter is dressed up: its methods can be awaited, and never suspend. This file must not know
what a scenario does.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import trio

import stomp_asyncio
import stomp_blocking
import stomp_trio

Function = Callable[..., Coroutine[Any, Any, Any]]
Start = Callable[..., object]


class Colour(ABC):
    """One way to run a scenario."""

    name: str
    module: Any

    @abstractmethod
    def run(self, scenario: Function, *arguments: Any) -> Any:
        """Run a scenario to its end."""

    def connect(self, *arguments: Any, **keywords: Any) -> Any:
        return self.module.connect(*arguments, **keywords)

    @abstractmethod
    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function that blocks."""

    @abstractmethod
    def tasks(self) -> AbstractAsyncContextManager[Start]:
        """Run other coroutines beside; the block ends when they have."""

    def __repr__(self) -> str:
        return self.name


class Trio(Colour):
    name = "trio"
    module = stomp_trio

    def run(self, scenario: Function, *arguments: Any) -> Any:
        async def main() -> Any:
            before = trio.lowlevel.current_statistics().tasks_living
            result = await scenario(*arguments)
            assert trio.lowlevel.current_statistics().tasks_living == before, "a task was left behind"
            return result

        return trio.run(main)

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await trio.to_thread.run_sync(function, *arguments)

    @asynccontextmanager
    async def tasks(self) -> AsyncGenerator[Start]:
        async with trio.open_nursery() as nursery:
            yield nursery.start_soon


class Asyncio(Colour):
    name = "asyncio"
    module = stomp_asyncio

    def run(self, scenario: Function, *arguments: Any) -> Any:
        async def main() -> Any:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: trouble.append(context))
            result = await scenario(*arguments)
            # What asyncio has cancelled within an attempt to connect is gone in its next turns.
            for _ in range(3):
                await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"
            return result

        trouble: list[Any] = []
        result = asyncio.run(main(), debug=True)
        assert trouble == [], "the loop has met exceptions that nobody took"
        return result

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.to_thread(function, *arguments)

    @asynccontextmanager
    async def tasks(self) -> AsyncGenerator[Start]:
        async with asyncio.TaskGroup() as group:
            yield lambda function, *arguments: group.create_task(function(*arguments))


class Blocking(Colour):
    name = "blocking"
    module = stomp_blocking

    def run(self, scenario: Function, *arguments: Any) -> Any:
        result = finish(scenario(*arguments))
        ours = [thread for thread in threading.enumerate() if thread.name == "stomp_blocking"]
        assert ours == [], "a thread was left behind"
        return result

    def connect(self, *arguments: Any, **keywords: Any) -> Any:
        if hook := keywords.get("credentials"):
            keywords["credentials"] = lambda: finish(hook())
        return Dressed(stomp_blocking.connect(*arguments, **keywords))

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    @asynccontextmanager
    async def tasks(self) -> AsyncGenerator[Start]:
        threads: list[threading.Thread] = []
        errors: list[BaseException] = []

        def start(function: Function, *arguments: Any) -> None:
            def body() -> None:
                try:
                    finish(function(*arguments))
                except BaseException as error:
                    errors.append(error)

            threads.append(threading.Thread(target=body))
            threads[-1].start()

        try:
            yield start
        finally:
            for thread in threads:
                thread.join()
        if errors:
            raise BaseExceptionGroup("tasks", errors)


class Pumped(Blocking):
    """The blocking adapter without a thread of its own."""

    name = "blocking-pumped"

    def connect(self, *arguments: Any, **keywords: Any) -> Any:
        return super().connect(*arguments, thread=False, **keywords)


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a blocking scenario has suspended")


# What does not wait in any colour.
_PLAIN = {"subscribe", "transaction", "process", "send_soon", "lifecycle", "receive_nowait", "json"}


class Dressed:
    """Something of the blocking adapter, as a scenario expects it."""

    def __init__(self, bare: Any) -> None:
        self.bare = bare

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.bare, "close" if name == "aclose" else name)
        if not callable(value):
            return value
        if name in _PLAIN:
            return lambda *arguments, **keywords: _dress(value(*_undress(arguments), **keywords))

        async def call(*arguments: Any, **keywords: Any) -> Any:
            keywords = {key: _bare(item) for key, item in keywords.items()}
            return _dress(value(*_undress(arguments), **keywords))

        return call

    async def __aenter__(self) -> Any:
        return _dress(self.bare.__enter__())

    async def __aexit__(self, *error: Any) -> Any:
        return self.bare.__exit__(*error)

    def __aiter__(self) -> Dressed:
        return Dressed(iter(self.bare))

    async def __anext__(self) -> Any:
        try:
            return _dress(next(self.bare))
        except StopIteration:
            raise StopAsyncIteration from None


def _dress(value: Any) -> Any:
    ours = type(value).__module__.startswith(("stomp_blocking", "stomp_sansio.client", "contextlib"))
    return Dressed(value) if ours else value


def _bare(value: Any) -> Any:
    return value.bare if isinstance(value, Dressed) else value


def _undress(arguments: tuple[Any, ...]) -> list[Any]:
    return [_bare(value) for value in arguments]


COLOURS: tuple[Colour, ...] = (Trio(), Asyncio(), Blocking(), Pumped())
