"""Who is asked to hurry while he says good-bye cuts the connection, in every colour."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest
import trio

import stomp_asyncio
import stomp_blocking
import stomp_trio
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


def interrupt_who_leaves(server: MuteServer) -> threading.Thread:
    """Have Ctrl-C come once the server has heard DISCONNECT."""

    def interrupt() -> None:
        server.wait_for(b"DISCONNECT")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_ctrl_c_while_a_blocking_client_leaves_cuts_the_connection():
    with MuteServer() as server:
        thread = interrupt_who_leaves(server)
        with pytest.raises(KeyboardInterrupt), stomp_blocking.connect(server.url, close_timeout=LONG):
            pass
        thread.join(PATIENCE)


def test_ctrl_c_while_a_trio_client_leaves_cuts_the_connection():
    async def leave(url: str) -> None:
        async with stomp_trio.connect(url, close_timeout=LONG):
            pass

    with MuteServer() as server:
        thread = interrupt_who_leaves(server)
        with pytest.raises(KeyboardInterrupt):
            trio.run(leave, server.url)
        thread.join(PATIENCE)
