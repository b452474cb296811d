"""The embedded broker in a process of its own, which knows how long its loop stood still.

Run as a program, with the name of a runtime, it prints its port. Each line of standard input is answered with
the longest gaps since the line before, in seconds; the end of standard input ends it. This file must not know
what is asked of the broker.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import threading
import time
from collections.abc import Callable

import trio

import stomp_asyncio
import stomp_trio

__all__ = ["BEAT", "raise_file_limit"]

BEAT = 0.005
"""Seconds that the heart-beat sleeps: a gap is what it sleeps beyond that."""

_HOST = "127.0.0.1"


def raise_file_limit() -> int:
    """Let this process have as many sockets as it may; return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Watch:
    """The longest time between two turns of a heart-beat, by the clock and by the process's CPU time.

    The CPU time tells what the loop itself did; the clock also has what else ran on the machine.
    """

    def __init__(self) -> None:
        self._wall = self._cpu = 0.0
        self._longest = (0.0, 0.0)

    def start(self) -> None:
        """Count from now."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def beat(self) -> None:
        """Take note of a turn."""
        wall, cpu = time.perf_counter(), time.process_time()
        longest_wall, longest_cpu = self._longest
        self._longest = max(longest_wall, wall - self._wall - BEAT), max(longest_cpu, cpu - self._cpu)
        self._wall, self._cpu = wall, cpu

    def take(self) -> tuple[float, float]:
        """Return the longest gaps by the clock and by CPU time, and forget them."""
        longest, self._longest = self._longest, (0.0, 0.0)
        return longest

    def answer(self) -> None:
        """Answer each line of standard input, until it ends."""
        for _ in sys.stdin:
            print(*self.take(), flush=True)


async def _with_asyncio(watch: Watch) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with stomp_asyncio.serve(_HOST, 0) as server:
        _in_thread(watch, lambda: loop.call_soon_threadsafe(done.set))
        watch.start()
        print(server.addresses[0][1], flush=True)
        while not done.is_set():
            await asyncio.sleep(BEAT)
            watch.beat()


async def _with_trio(watch: Watch) -> None:
    done = trio.Event()
    token = trio.lowlevel.current_trio_token()
    async with stomp_trio.serve(_HOST, 0) as server:
        _in_thread(watch, lambda: token.run_sync_soon(done.set))
        watch.start()
        print(server.addresses[0][1], flush=True)
        while not done.is_set():
            await trio.sleep(BEAT)
            watch.beat()


def _in_thread(watch: Watch, done: Callable[[], object]) -> None:
    """Answer beside the loop: the thread sleeps until it is asked."""

    def work() -> None:
        watch.answer()
        done()

    threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    raise_file_limit()
    # As a program that does nothing else would: the collector need not look at modules again and again.
    gc.collect()
    gc.freeze()
    if sys.argv[1] == "trio":
        trio.run(_with_trio, Watch())
    else:
        asyncio.run(_with_asyncio(Watch()))
