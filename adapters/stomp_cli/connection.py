"""A client for one command: connected as the arguments say, with its ups and downs told to whoever looks.

What lives here knows how a session ends; it must not know what the command does with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from stomp_asyncio import Client, ConnectKeywords, Ended, Interrupted, Lifecycle, Ready, connect
from stomp_sansio.client.lifecycle import LifeEvent, sentence
from stomp_sansio.protocol.events import ClientEvent, Closed, Connected, Error
from stomp_sansio.session.failures import Witness

from . import running
from .capturing import capturing
from .connecting import Way
from .escapes import escaped
from .live import Live
from .running import GOOD_BYE, Stage, Stopping

__all__ = ["connected"]


@asynccontextmanager
async def connected(
    way: Way, live: Live, stopping: Stopping, *, must_confirm: bool = False
) -> AsyncGenerator[Client]:
    """Connect, and disconnect at the end of the block; say when the connection is lost, and made again.
    Whoever is told to end meanwhile learns from `stopping` how far this is.

    Raises:
        Exception: how the session ended, should that have been a failure that the block has not met.
        TimeoutError: the server did not answer DISCONNECT, which it `must_confirm`.
    """
    with capturing(way.capture, live.remark) as capture:
        heard = _Heard()
        keywords = way.keywords | ConnectKeywords(
            capture=capture, incoming=heard.hear, close_timeout=running.PATIENCE
        )
        stopping.remark = live.remark
        stopping.enter(Stage.BEGINNING, "a connection")
        async with connect(way.url, ssl=way.ssl, **keywords) as client:
            stopping.enter(Stage.WORKING, "what is in work")
            life = client.lifecycle()
            telling = asyncio.ensure_future(_tell(life, live))
            try:
                yield client
            finally:
                stopping.enter(Stage.LEAVING, GOOD_BYE)
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
    while (event := life.take()) is not None:
        if isinstance(event, Ended) and event.error is not None:
            raise event.error
    if heard.error is not None:
        raise Witness(way.name, way.secrets).broker_error(heard.error)
    if must_confirm and not heard.end:
        raise TimeoutError(
            "the server did not confirm DISCONNECT: whether it has all that was sent is unknown"
        )


class _Heard:
    """What is known about how the last connection ended."""

    def __init__(self) -> None:
        self.error: Error | None = None
        """An ERROR that comes while the connection is being closed answers what was sent last."""
        self.end = False
        """Whether the server has confirmed it, or ended it itself: not so where it was silent."""

    def hear(self, event: ClientEvent) -> None:
        match event:
            case Error():
                self.error = event
            case Closed():
                self.end = True
            case Connected():
                # What came before it was met by whoever waited.
                self.error, self.end = None, False
            case _:
                pass


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
