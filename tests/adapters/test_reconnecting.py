"""Resets at random octets of real connections: nothing that was confirmed is lost, duplicates are counted.

`STOMP_SENDS=20000 ./dev test tests/adapters/test_reconnecting.py -s` is the long run.
"""

from __future__ import annotations

import collections
import os
import random
import sys
from typing import Any

import pytest

from stomp_sansio import Send
from stomp_sansio.client.public import Backoff, Ended, Interrupted, Outcome
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import LoopbackBroker, ResettingProxy

SENDS = int(os.environ.get("STOMP_SENDS", "600"))
WINDOW = 30
FAST = Backoff(initial=0.001, cap=0.01)


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


async def send_all(client: Any) -> collections.Counter[Outcome | None]:
    """Send with receipts, some at a time; count what became of them."""
    outcomes: collections.Counter[Outcome | None] = collections.Counter()
    for start in range(0, SENDS, WINDOW):
        tickets = [
            client.send_soon("/queue/a", f"{number} " + "x" * (number % 97))
            for number in range(start, min(start + WINDOW, SENDS))
        ]
        for ticket in tickets:
            await client.settled(ticket)
            outcomes[ticket.outcome] += 1
    return outcomes


@pytest.mark.parametrize(
    "url", ["stomp://127.0.0.1:{}", "ws://127.0.0.1:{}/stomp", "http://127.0.0.1:{}/stomp"]
)
def test_nothing_that_was_confirmed_is_lost(colour: Colour, server: LoopbackBroker, url: str, capsys):
    async def scenario(proxy: ResettingProxy) -> None:
        where = url.format(proxy.port)
        async with colour.connect(where, proxy=None, reconnect=FAST, retry_first=True) as client:
            life = client.lifecycle()
            outcomes = await send_all(client)
            proxy.calm = True
        events = collections.Counter([type(event) async for event in life])
        assert outcomes == {Outcome.CONFIRMED: SENDS}
        assert events[Ended] == 1
        assert events[Interrupted] >= 1

    # An HTTP hand-shake and /info need some octets of their own.
    most = 20_000 if url.startswith("stomp") else 40_000
    with ResettingProxy(server.port, random.Random(f"{colour} {url}"), most) as proxy:
        colour.run(scenario, proxy)
    arrived = collections.Counter(event.body.split()[0] for event in server.saw(Send))
    assert set(arrived) == {str(number).encode() for number in range(SENDS)}
    twice = arrived.total() - SENDS
    with capsys.disabled():
        sys.stdout.write(
            f"\n  {colour}, {url}: {SENDS} sends, {proxy.resets} resets, 0 lost, {twice} came twice "
        )


def test_messages_are_delivered_to_a_consumer_that_loses_its_connection(colour, server):
    wanted = {str(number) for number in range(100)}

    async def scenario(proxy: ResettingProxy) -> None:
        seen: set[str] = set()
        async with colour.connect(f"stomp://127.0.0.1:{server.port}") as sender:
            for number in range(100):
                await sender.send("/queue/a", f"{number} " + "x" * 100, receipt=number % 50 == 49)
        url = f"stomp://127.0.0.1:{proxy.port}"
        async with (
            colour.connect(url, reconnect=FAST, retry_first=True) as client,
            client.subscribe("/queue/a", ack="client-individual") as messages,
        ):
            while seen < wanted:
                message = await messages.receive()
                async with message.process():
                    seen.add(message.text.split()[0])
            proxy.calm = True

    with ResettingProxy(server.port, random.Random(7), 20_000) as proxy:
        colour.run(scenario, proxy)
        assert proxy.resets > 0
