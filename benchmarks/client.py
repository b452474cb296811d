"""The clients against a source and a sink in a process of its own, over loopback, peers beside us.

What counts is this process's CPU time a message: all that is the client's own. This file must not know how a
client is written.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import trio

import stomp_asyncio
import stomp_trio

from .other_end import BLAST, ECHO, SINK
from .report import Report
from .server_clients import BODY, Asyncio, Contestant
from .server_peers import contestants

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent
_MESSAGES = 20_000
_TRIPS = 1_000
_IDLE = 200
_HOST = "127.0.0.1"


def run(report: Report, *, rounds: int) -> None:
    """Start the other end, measure everything, and stop it."""
    command = [sys.executable, "-m", "benchmarks.other_end"]
    # Leaving the block ends its standard input, and that ends it.
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None, "it is a pipe"
        stomp = int(other.stdout.readline())
        clients = contestants(report.say)
        rounds = min(rounds, 5)
        _throughput(report, clients, stomp, rounds)
        _pipelining(report, stomp, rounds)
        _round_trips(report, clients, stomp, rounds)
        _idle(report, stomp)


def _throughput(report: Report, clients: Sequence[Contestant], port: int, rounds: int) -> None:
    tasks: dict[str, Callable[[Contestant], object]] = {
        "consume": lambda client: client.consume(port, f"{BLAST}{_MESSAGES}", _MESSAGES),
        "publish": lambda client: client.publish(port, SINK, _MESSAGES),
        "publish with receipts": lambda client: client.publish_confirmed(port, SINK, _MESSAGES),
    }
    for name, task in tasks.items():
        cpu = _interleaved({client.name: _bound(task, client) for client in clients}, rounds)
        rows: list[list[str]] = []
        for client in clients:
            each = cpu[client.name] / _MESSAGES * 1e6
            report.figure(f"client {name} {client.name}", each, "us")
            against = ""
            if client.ours:
                for peer in clients:
                    if not peer.ours:
                        times = cpu[peer.name] / cpu[client.name]
                        figure = f"client {name} {client.name} against {peer.name}"
                        against += f"{times:.2f} x {peer.name} {report.figure(figure, times, 'times')}; "
            rows.append([client.name, f"{each:.1f}", against.rstrip("; ")])
        report.table(f"{name}, 200 octets: client CPU", ["client", "us a message", "times cheaper"], rows)


def _bound(task: Callable[[Contestant], object], client: Contestant) -> Callable[[], object]:
    return lambda: task(client)


def _interleaved(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each, taking turns."""
    samples: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds):
        for name in list(work) if number % 2 == 0 else list(reversed(work)):
            before = time.process_time()
            work[name]()
            samples[name].append(time.process_time() - before)
    return {name: statistics.median(found) for name, found in samples.items()}


def _pipelining(report: Report, port: int, rounds: int) -> None:
    """Compare receipts awaited one by one with any number on their way, by the clock on the wall."""
    count = 2_000

    async def one_by_one() -> None:
        async with stomp_asyncio.connect(f"stomp://{_HOST}:{port}", heartbeat=(0, 0)) as client:
            for _ in range(count):
                await client.send(SINK, b"x" * 200, receipt=True)

    def wall(work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    slow = statistics.median(wall(lambda: asyncio.run(one_by_one())) for _ in range(rounds))
    fast = statistics.median(
        wall(lambda: Asyncio().publish_confirmed(port, SINK, count)) for _ in range(rounds)
    )
    times = slow / fast
    beside = report.figure("client pipelined receipts", times, "times")
    report.say(f"\npublish with receipts, asyncio: pipelined is {times:.1f} x one at a time {beside}")


def _round_trips(report: Report, clients: Sequence[Contestant], port: int, rounds: int) -> None:
    """Compare the median round trip with that of a bare echo in the same runtime, taking turns.

    Both say the same octets to the same other end, and hear the same; the bare echo makes and reads no frame.
    """
    bare = {"stomp_asyncio": _asyncio_echo, "stomp_trio": _trio_echo}
    rows: list[list[str]] = []
    for client in clients:
        ratios, trips, floors = list[float](), list[float](), list[float]()
        for _ in range(2 * rounds):
            ours = client.round_trips(port, ECHO, _TRIPS)
            trips += ours
            if client.name in bare:
                floors.append(statistics.median(bare[client.name](port)))
                ratios.append(statistics.median(ours) / floors[-1])
        p50 = statistics.median(trips) * 1e6
        report.figure(f"client round trip {client.name}", p50, "us")
        row = [client.name, f"{p50:.0f}", "", "", ""]
        if ratios:
            ratio = statistics.median(ratios)
            row[2:] = [
                f"{min(floors) * 1e6:.0f} to {max(floors) * 1e6:.0f}",
                f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                report.figure(f"client round trip {client.name} ratio", ratio, "times"),
            ]
        rows.append(row)
    report.table("round trip, p50", ["client", "us", "bare echo", "times that", "target"], rows)


_HELLO = b"CONNECT\naccept-version:1.2\nhost:/\n\n\0"
_LISTEN = b"SUBSCRIBE\nid:00112233445566778899-s1\ndestination:%b\n\n\0" % ECHO.encode()
_SAID = b"SEND\ndestination:%b\ncontent-length:%d\n\n%b\0" % (ECHO.encode(), len(BODY), BODY)
_END = b"\0\n"


def _asyncio_echo(port: int) -> list[float]:
    """The protocol of asyncio's streams hears, and wakes the task that waits."""

    async def work() -> list[float]:
        reader, writer = await asyncio.open_connection(_HOST, port)
        writer.write(_HELLO)
        await reader.readuntil(_END)
        writer.write(_LISTEN + _SAID)
        size = len(await reader.readuntil(_END))
        trips: list[float] = []
        for _ in range(_TRIPS):
            started = time.perf_counter()
            writer.write(_SAID)
            await writer.drain()
            await reader.readexactly(size)
            trips.append(time.perf_counter() - started)
        writer.close()
        return trips

    return asyncio.run(work())


def _trio_echo(port: int) -> list[float]:
    """A task reads and wakes the one that waits, as in any client that hears while nobody waits."""

    async def work() -> list[float]:
        trips: list[float] = []
        octets, missing, heard = 0, 0, trio.Event()

        async def read() -> None:
            nonlocal octets, missing
            while data := await stream.receive_some(65536):
                octets += len(data)
                missing -= len(data)
                if missing <= 0 and data.endswith(_END):
                    heard.set()

        async def exchange(said: bytes, size: int) -> None:
            nonlocal octets, missing, heard
            octets, missing, heard = 0, size, trio.Event()
            await stream.send_all(said)
            await heard.wait()

        async with await trio.open_tcp_stream(_HOST, port) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await exchange(_HELLO, 0)
            await exchange(_LISTEN + _SAID, 0)
            size = octets
            for _ in range(_TRIPS):
                started = time.perf_counter()
                await exchange(_SAID, size)
                trips.append(time.perf_counter() - started)
            nursery.cancel_scope.cancel()
        return trips

    return trio.run(work)


def _idle(report: Report, port: int) -> None:
    """Count what an idle connection holds."""

    async def held(package: Any) -> float:
        async with AsyncExitStack() as stack:

            async def connect() -> None:
                connection = package.connect(f"stomp://{_HOST}:{port}", heartbeat=(0, 0))
                await stack.enter_async_context(connection)

            # The first one pays for what all share.
            await connect()
            gc.collect()
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(_IDLE):
                await connect()
            gc.collect()
            octets = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
        return octets / _IDLE / 1024

    for name, size in (
        ("stomp_asyncio", asyncio.run(held(stomp_asyncio))),
        ("stomp_trio", trio.run(held, stomp_trio)),
    ):
        beside = report.figure(f"client idle {name}", size, "KiB")
        report.say(f"\nan idle connection, {name}: {size:.1f} KiB {beside}")
