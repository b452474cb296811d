"""Refusals, errors, and the end in order.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

from stomp_sansio.profiles import activemq
from stomp_sansio.session.errors import AuthenticationError, BrokerError, ConnectError
from stomp_sansio.session.events import Ended

from ..exchange import Exchange, expect
from .registry import QUICK, scenario


@scenario("a wrong passcode is an AuthenticationError")
async def wrong_login(x: Exchange) -> None:
    try:
        async with x.connect(passcode="wrong"):
            pass
    except AuthenticationError as error:
        expect("login" in str(error), f"the message does not say what to do: {error}")
        return
    raise AssertionError("it was let in")


@scenario("a page of another origin is refused before STOMP begins, as an error that says so")
async def wrong_origin(x: Exchange) -> None:
    try:
        async with x.connect(additional_headers={"Origin": "https://elsewhere.example"}):
            pass
    except ConnectError as error:
        expect("403" in str(error), f"the message does not say what happened: {error}")
        return
    raise AssertionError("it was let in")


@scenario("a virtual host that is not there is a ConnectError that names it")
async def wrong_vhost(x: Exchange) -> None:
    try:
        async with x.connect(vhost="/nowhere"):
            pass
    except ConnectError as error:
        expect("virtual host" in str(error), f"the message does not say what to do: {error}")
        return
    raise AssertionError("it was let in")


@scenario("two virtual hosts do not hear each other")
async def vhosts(x: Exchange) -> None:
    async with (
        x.connect() as here,
        x.connect(vhost=x.traits.other_vhost) as there,
        here.subscribe(x.topic()) as ours,
        there.subscribe(x.topic()) as theirs,
    ):
        await x.settled(here)
        await x.settled(there)
        await x.send(there, x.topic(), b"there")
        expect(await x.bodies(theirs, 1) == [b"there"], "something else came")
        await x.nothing(ours)


@scenario("an ERROR frame is a BrokerError for the send, or the subscription, that it answers")
async def error_frame(x: Exchange) -> None:
    async with x.connect(reconnect=QUICK) as client:
        try:
            if x.traits.bad_selector is not None:
                wish = activemq.subscribe(selector=x.traits.bad_selector)
                async with client.subscribe(x.queue(), headers=wish) as messages:
                    await x.receive(messages, 20)
            else:
                destination = x.traits.bad_destination or x.queue()
                await client.send(destination, b"", headers=x.traits.bad_headers, receipt=True)
        except BrokerError as error:
            expect(error.error is not None, "the frame is not there")
            return
    raise AssertionError("it was taken")


@scenario("DISCONNECT: what was sent without a receipt has arrived, and the end is in order")
async def goodbye(x: Exchange) -> None:
    async with x.connect() as listening, listening.subscribe(x.topic()) as messages:
        await x.settled(listening)
        async with x.connect() as client:
            life = client.lifecycle()
            for number in range(50):
                await client.send(x.topic(), b"%d" % number)
        ends = [event async for event in life if isinstance(event, Ended)]
        expect([end.error for end in ends] == [None], f"it ended with {ends!r}")
        expect(await x.bodies(messages, 50) == [b"%d" % number for number in range(50)], "some are lost")
