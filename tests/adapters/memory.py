"""A server inside a trio program, at the other end of a stream in memory: for virtual time and odd streams.

This file must not know any client.
"""

from __future__ import annotations

import math
from typing import Any

import trio
from trio.testing import memory_stream_pair

from stomp_sansio.machine import CloseStream, StreamId, StreamLoss
from tests.adapters.broker import Broker

STREAM = StreamId(-1)


class Dribble(trio.abc.Stream):
    """A stream that writes a few octets at a time, and lets others run in between."""

    def __init__(self, inner: Any, step: int = 7) -> None:
        self.inner = inner
        self.step = step

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        for start in range(0, len(data), self.step):
            await self.inner.send_all(data[start : start + self.step])

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        received: bytes = await self.inner.receive_some(max_bytes)
        return received

    async def aclose(self) -> None:
        await self.inner.aclose()


class MemoryServer:
    """The broker of the tests, for one client."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.heard = bytearray()
        """Every octet that came."""
        self.stream, self._ours = memory_stream_pair()
        self.silent = False
        """Whether it answers no more."""

    async def serve(self) -> None:
        """Serve until the client is gone."""
        broker = self.broker
        broker.stream_accepted(STREAM, 0, "memory", trio.current_time())
        while True:
            deadline = None if self.silent else broker.next_deadline()
            data: bytes | None = None
            with trio.move_on_at(math.inf if deadline is None else deadline):
                try:
                    data = bytes(await self._ours.receive_some())
                except trio.BrokenResourceError:
                    data = b""
            now = trio.current_time()
            if data is None:
                broker.handle_timeout(now)
            elif data:
                self.heard += data
                broker.receive_data(STREAM, data, now)
            else:
                broker.receive_eof(STREAM, now)
            if self.silent and data != b"":
                continue
            while octets := broker.data_to_send(STREAM, now):
                try:
                    await self._ours.send_all(octets)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    break
            if data == b"" or isinstance(broker.next_action(), CloseStream):
                await self._ours.aclose()
                broker.stream_lost(STREAM, StreamLoss.CLOSED, now)
                return
