"""A client for one command: connected as the arguments say, with its ups and downs told to whoever looks.

What lives here knows how a session ends; it must not know what the command does with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from stomp_asyncio import Client, ConnectKeywords, Ended, Interrupted, Lifecycle, Ready, connect
from stomp_sansio.client.keywords import Incoming
from stomp_sansio.client.lifecycle import LifeEvent, sentence
from stomp_sansio.protocol.events import ClientEvent, Connected, Error
from stomp_sansio.session.failures import Witness

from .capturing import capturing
from .connecting import Way
from .escapes import escaped
from .live import Live

__all__ = ["connected"]


@asynccontextmanager
async def connected(way: Way, live: Live) -> AsyncGenerator[Client]:
    """Connect, and disconnect at the end of the block; say when the connection is lost, and made again.

    Raises:
        Exception: how the session ended, should that have been a failure that the block has not met.
    """
    with capturing(way.capture) as capture:
        # An ERROR that comes while the connection is being closed answers what was sent last.
        errors: list[Error] = []
        keywords = way.keywords | ConnectKeywords(capture=capture, incoming=_catching(errors))
        async with connect(way.url, ssl=way.ssl, **keywords) as client:
            life = client.lifecycle()
            telling = asyncio.ensure_future(_tell(life, live))
            try:
                yield client
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
    while (event := life.take()) is not None:
        if isinstance(event, Ended) and event.error is not None:
            raise event.error
    if errors:
        raise Witness(way.name, way.secrets).broker_error(errors[-1])


def _catching(errors: list[Error]) -> Incoming:
    def catch(event: ClientEvent) -> None:
        match event:
            case Error():
                errors.append(event)
            case Connected():
                # What came before it was met by whoever waited.
                errors.clear()
            case _:
                pass

    return catch


async def _tell(life: Lifecycle, live: Live) -> None:
    async for event in life:
        _show(event, live)
        if isinstance(event, Ended):
            life.put(event)
            return


def _show(event: LifeEvent, live: Live) -> None:
    match event:
        case Interrupted() | Ready():
            live.remark(f"{escaped(' '.join(sentence(event).split()))}\n")
        case Ended():
            pass
