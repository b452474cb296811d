"""Who is asked to hurry while he says good-bye cuts the connection, in every colour."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
import trio

import stomp_asyncio
import stomp_blocking
import stomp_trio
from stomp_sansio.client.lifecycle import LifeEvent
from tests.cli.programs import PATIENCE, MuteServer

LONG = 600.0
"""Seconds that the server would have for its receipt: more than any test may take."""


def test_a_task_that_is_cancelled_while_it_leaves_cuts_the_connection():
    async def scenario(server: MuteServer) -> None:
        async def leave() -> None:
            async with stomp_asyncio.connect(server.url, close_timeout=LONG):
                pass

        task = asyncio.create_task(leave())
        await asyncio.to_thread(server.wait_for, b"DISCONNECT")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE)

    with MuteServer() as server:
        asyncio.run(scenario(server))


@contextmanager
def interrupting(server: MuteServer) -> Iterator[None]:
    """Have Ctrl-C come once the server has heard DISCONNECT, and the block be over then."""
    came: list[int] = []
    over = threading.Event()

    def interrupt() -> None:
        server.wait_for(b"DISCONNECT")
        # A signal that comes just before somebody waits is heard with the next one.
        while not over.wait(0.01):
            os.kill(os.getpid(), signal.SIGINT)

    def hear(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) == 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, hear)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)
        signal.signal(signal.SIGINT, before)


def leave_while_somebody_looks(url: str, told: list[LifeEvent]) -> None:
    """Connect, have a thread note what becomes of it, and leave."""
    with stomp_blocking.connect(url, close_timeout=LONG) as client:
        threading.Thread(target=told.extend, args=(client.lifecycle(),), name="onlooker").start()


def test_ctrl_c_while_a_blocking_client_leaves_cuts_the_connection():
    for _ in range(10):
        told: list[LifeEvent] = []
        with MuteServer() as server, interrupting(server), pytest.raises(KeyboardInterrupt):
            leave_while_somebody_looks(server.url, told)
        # Whoever waits in a thread of his own is told of the end, and moves no octets himself.
        for thread in threading.enumerate():
            if thread.name == "onlooker":
                thread.join(PATIENCE)
        assert [type(event) for event in told] == [stomp_blocking.Ended]


def interrupt(server: MuteServer) -> None:
    """Press Ctrl-C once the server has heard DISCONNECT."""
    server.wait_for(b"DISCONNECT")
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_while_a_trio_client_leaves_cuts_the_connection():
    async def leave(url: str) -> None:
        async with stomp_trio.connect(url, close_timeout=LONG):
            pass

    with MuteServer() as server:
        thread = threading.Thread(target=interrupt, args=(server,))
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            trio.run(leave, server.url)
        thread.join(PATIENCE)
