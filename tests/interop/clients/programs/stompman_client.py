"""stompman against the broker. This file must not know the library that is tested."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from .play import (
    BEAT,
    BINARY,
    COMPLAINT,
    HEADERS,
    LAST,
    MISSED,
    NOWHERE,
    SECONDS,
    SILENCE,
    TEXT,
    cannot,
    expect,
    main,
    port,
    register,
)

stompman: Any = importlib.import_module("stompman")

_PARAMETERS = stompman.ConnectionParameters(host="127.0.0.1", port=port(), login="guest", passcode="guest")


class Client:
    """A client, and what came on each of its subscriptions."""

    def __init__(self, client: Any, errors: asyncio.Queue[Any]) -> None:
        self.stomp = client
        self.errors = errors
        self.subscriptions: list[Any] = []

    async def subscribe(self, destination: str, ack: Any = "auto") -> asyncio.Queue[Any]:
        found: asyncio.Queue[Any] = asyncio.Queue()
        if ack == "auto":
            subscription: Any = await self.stomp.subscribe(
                destination, found.put, ack="auto", on_suppressed_exception=print, receipt_timeout=SECONDS
            )
        else:
            subscription = await self.stomp.subscribe_with_manual_ack(
                destination, found.put, ack=ack, receipt_timeout=SECONDS
            )
        self.subscriptions.append(subscription)
        return found


async def taken(found: asyncio.Queue[Any]) -> Any:
    return await asyncio.wait_for(found.get(), SECONDS)


@asynccontextmanager
async def connected(beats: tuple[int, int] = (0, 0), **keywords: Any) -> AsyncIterator[Client]:
    errors: asyncio.Queue[Any] = asyncio.Queue()
    heartbeat = stompman.Heartbeat(*beats) if any(beats) else stompman.Heartbeat(10_000, 10_000)
    async with stompman.Client(
        servers=[_PARAMETERS],
        heartbeat=heartbeat,
        on_error_frame=errors.put_nowait,
        connect_timeout=int(SECONDS),
        connection_confirmation_timeout=int(SECONDS),
        check_server_alive_interval_factor=MISSED,
        **keywords,
    ) as stomp:
        client = Client(stomp, errors)
        yield client
        # It stays for as long as there are any.
        for subscription in client.subscriptions:
            await subscription.unsubscribe()


async def left_over(destination: str) -> list[Any]:
    """Return what a queue still has."""
    async with connected() as client:
        await client.stomp.send(LAST, destination)
        found = await client.subscribe(destination, "client-individual")
        frames = []
        while (frame := await taken(found)).body != LAST:
            frames.append(frame)
        await frame.ack()
        for each in frames:
            await each.ack()
        return frames


Play = Callable[[], Awaitable[None]]


def task(play: Play) -> Play:
    async def within() -> None:
        async with asyncio.timeout(3 * SECONDS):
            await play()

    register(play.__name__.replace("_", "-"), lambda: asyncio.run(within()))
    return play


for each in ("1.0", "1.1"):
    cannot(f"connect-{each}", "it offers 1.2 alone")


async def connect() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/connect", "client")
        await client.stomp.send(b"in one version", "/queue/connect")
        frame = await taken(found)
        expect(frame.body == b"in one version", f"{frame.body!r} came")
        await frame.ack()
    expect(not await left_over("/queue/connect"), "what was acknowledged came again")


register("connect-1.2", lambda: asyncio.run(connect()))


@task
async def topic() -> None:
    async with connected() as first, connected() as second, connected() as sender:
        one = await first.subscribe("/topic/tea.*")
        two = await second.subscribe("/topic/tea.green")
        await sender.stomp.send(b"leaves", "/topic/tea.green")
        expect((await taken(one)).body == (await taken(two)).body == b"leaves", "something else came")


@task
async def queue() -> None:
    async with connected() as client:
        for number in range(3):
            await client.stomp.send(b"%d" % number, "/queue/a")
        found = await client.subscribe("/queue/a")
        bodies = [(await taken(found)).body for _ in range(3)]
        expect(bodies == [b"0", b"1", b"2"], f"{bodies} came")


@task
async def text() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/text")
        await client.stomp.send(TEXT.encode(), "/queue/text", content_type="text/plain")
        frame = await taken(found)
        expect((frame.body.decode(), frame.headers["content-type"]) == (TEXT, "text/plain"), f"{frame} came")


@task
async def unicode_headers() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/headers")
        await client.stomp.send(b"x", "/queue/headers", headers=HEADERS)
        headers = (await taken(found)).headers
        expect({name: headers.get(name) for name in HEADERS} == HEADERS, f"{headers} came")


@task
async def binary() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/binary")
        await client.stomp.send(BINARY, "/queue/binary")
        expect((await taken(found)).body == BINARY, "other octets came")


@task
async def receipts() -> None:
    async with connected() as client:
        for _ in range(5):
            # It raises when no receipt comes.
            await client.stomp.send(b"x", "/queue/receipts", receipt_timeout=SECONDS)


@task
async def ack_auto() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/auto")
        await client.stomp.send(b"x", "/queue/auto")
        await taken(found)
    expect(not await left_over("/queue/auto"), "it came again")


async def _three(where: str, mode: str, number: int) -> list[Any]:
    """Take three messages, acknowledge one; return what is left."""
    async with connected() as client:
        for body in (b"a", b"b", b"c"):
            await client.stomp.send(body, where)
        found = await client.subscribe(where, mode)
        frames = [await taken(found) for _ in range(3)]
        await frames[number].ack()
    return await left_over(where)


@task
async def ack_client() -> None:
    left = [frame.body for frame in await _three("/queue/client", "client", 1)]
    expect(left == [b"c"], f"{left} came again")


@task
async def ack_client_individual() -> None:
    left = await _three("/queue/individual", "client-individual", 1)
    expect([frame.body for frame in left] == [b"a", b"c"], f"{left} came again")
    expect(all(frame.headers.get("redelivered") == "true" for frame in left), "not said to be redelivered")


@task
async def nack() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/nack", "client-individual")
        await client.stomp.send(b"x", "/queue/nack")
        await (await taken(found)).nack()
        again = await taken(found)
        expect(again.headers.get("redelivered") == "true", "it is not said to be redelivered")
        await again.ack()


@task
async def commit() -> None:
    async with connected() as client:
        found = await client.subscribe("/queue/commit")
        async with client.stomp.begin() as transaction:
            await transaction.send(b"inside", "/queue/commit")
            await client.stomp.send(b"outside", "/queue/commit")
            expect((await taken(found)).body == b"outside", "it came before COMMIT")
        expect((await taken(found)).body == b"inside", "something else came")


@task
async def abort() -> None:
    async with connected() as client:
        try:
            async with client.stomp.begin() as transaction:
                await transaction.send(b"inside", "/queue/abort")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    expect(not await left_over("/queue/abort"), "it came though it was rolled back")


@task
async def heart_beats() -> None:
    # It reconnects by itself where it finds the connection dead: then the subscription's receipt comes twice.
    async with connected(beats=(BEAT, BEAT), connect_retry_attempts=1) as client:
        found = await client.subscribe("/queue/beats")
        alive = client.stomp.is_alive
        await asyncio.sleep(SILENCE)
        expect(alive(), "the client heard no heart-beat")
        await client.stomp.send(b"alive", "/queue/beats")
        expect((await taken(found)).body == b"alive", "something else came")


@task
async def disconnect() -> None:
    loop = asyncio.get_running_loop()
    async with connected(disconnect_confirmation_timeout=int(SECONDS)):
        started = loop.time()
    # It waits for the receipt, and says nothing when none comes.
    expect(loop.time() - started < SECONDS / 2, "no receipt came")


@task
async def error() -> None:
    try:
        async with connected() as client:
            await client.stomp.send(b"x", NOWHERE)
            frame = await taken(client.errors)
            expect(frame.headers["message"] == COMPLAINT, f"{frame} came")
    except* stompman.Error:
        pass  # what it does with a connection that the broker has ended


main(version("stompman"))
