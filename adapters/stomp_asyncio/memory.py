"""`memory_broker`: the embedded broker without sockets, for tests under the loop's clock or a mock of it.

What lives here knows asyncio's events; it must not know what a broker does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ._runner import logger
from .client import Client

if TYPE_CHECKING:
    from stomp_sansio.testing.memory_clients import AwaitingMemoryBroker

__all__ = ["memory_broker"]


def memory_broker(**keywords: Any) -> AwaitingMemoryBroker[Client]:
    """Return a broker in memory that is empty: `async with broker.connect() as client` joins a client to it.

    `login(request)` says who may come in, `options` are those of a broker, and `conditions` says how
    connections fare, as that of `stomp_sansio.testing.Network`. What takes time takes the loop's, which may
    be a mock.
    """
    # Imported here: who needs no broker pays nothing for it.
    from stomp_sansio.testing.memory_clients import AwaitingMemoryBroker, Runtime

    runtime = Runtime(asyncio.get_running_loop().time, asyncio.Event, _wait, _rest)
    return AwaitingMemoryBroker(runtime, Client, logger, **keywords)


async def _wait(event: Any, instant: float) -> None:
    try:
        async with asyncio.timeout_at(None if instant == float("inf") else instant):
            await event.wait()
    except TimeoutError:
        pass


async def _rest() -> None:
    await asyncio.sleep(0)
