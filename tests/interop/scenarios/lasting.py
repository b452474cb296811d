"""Heart-beats, silence, and a server that is restarted.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

from stomp_sansio.session.errors import ConnectionClosedError
from stomp_sansio.session.events import Ended, Interrupted, Ready

from ..exchange import Exchange, expect
from ..proxy import Proxy
from .registry import QUICK, scenario

IDLE = 60.0
"""Seconds of silence through which a connection must live."""

_PATIENCE = 12.0
"""Seconds after which the proxy cuts a silent connection."""


@scenario("heart-beats are agreed on, and keep a silent connection alive", idles=True)
async def heart_beats(x: Exchange) -> None:
    async with x.connect(heartbeat=(1, 1)) as client, client.subscribe(x.topic()) as messages:
        life = client.lifecycle()
        await x.colour.sleep(6)
        await x.send(client, x.topic(), b"still here")
        expect(await x.bodies(messages, 1) == [b"still here"], "something else came")
    expect([type(event) async for event in life] == [Ended], "the connection was lost")


@scenario(
    f"{IDLE:g} s of silence behind a proxy that cuts silent connections after {_PATIENCE:g} s",
    idles=True,
    seconds=IDLE + 40,
)
async def idle(x: Exchange) -> None:
    with Proxy(x.door.port, idle=_PATIENCE) as proxy:
        async with (
            x.connect(port=proxy.port, heartbeat=(5, 5)) as client,
            client.subscribe(x.topic()) as messages,
        ):
            life = client.lifecycle()
            await x.colour.sleep(IDLE)
            await x.send(client, x.topic(), b"still here")
            expect(await x.bodies(messages, 1) == [b"still here"], "something else came")
        expect([type(event) async for event in life] == [Ended], "the connection was lost")


@scenario("the same proxy cuts a connection without heart-beats, and that is noticed", idles=True)
async def idle_without_heart_beats(x: Exchange) -> None:
    with Proxy(x.door.port, idle=_PATIENCE) as proxy:
        try:
            async with (
                x.connect(port=proxy.port, heartbeat=(0, 0)) as client,
                client.subscribe(x.topic()) as messages,
            ):
                await x.receive(messages, _PATIENCE + 8)
        except ConnectionClosedError:
            expect(proxy.cut > 0, "the connection was lost for another reason")
            return
        except TimeoutError:
            pass
        raise AssertionError("nothing was noticed")


@scenario(
    "the server is restarted: subscriptions go on, nothing confirmed is lost, what is sent meanwhile arrives",
    event="restart",
    seconds=150,
)
async def restart(x: Exchange) -> None:
    kept = x.confirms and x.traits.keeps
    confirmed = [b"before %d" % number for number in range(20)] if kept else []
    declared = x.persistent
    async with (
        x.connect(reconnect=QUICK, receipt_timeout=100) as client,
        client.subscribe(x.topic()) as messages,
    ):
        life = client.lifecycle()
        await x.settled(client)
        for body in confirmed:
            await client.send(x.queue(), body, headers=declared, receipt=True)
        await x.pass_gate()
        lost = await x.colour.within(60, life.__anext__)
        expect(isinstance(lost, Interrupted), f"the loss was reported as {lost!r}")
        if x.confirms:
            await client.send(x.queue(), b"meanwhile", headers=declared, receipt=True)
        while not isinstance(event := await x.colour.within(60, life.__anext__), Ready):
            expect(isinstance(event, Interrupted), f"it ended: {event!r}")
        await x.settled(client)
        await x.send(client, x.topic(), b"after")
        came = (await x.receive(messages, 20)).body
        expect(came == b"after", f"the subscription did not go on: {came!r}")
        if x.confirms:
            async with client.subscribe(x.queue()) as waiting:
                bodies = await x.bodies(waiting, len(confirmed) + 1)
                expect(set(bodies) == {*confirmed, b"meanwhile"}, f"only {bodies!r} survived")
