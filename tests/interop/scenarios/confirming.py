"""Receipts, acknowledgements and transactions: what is confirmed, what comes again, and what never came.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

from typing import Any

from stomp_sansio.profiles import activemq

from ..exchange import Exchange, expect
from .registry import scenario


@scenario("a receipt for SEND and for ACK")
async def receipts(x: Exchange) -> None:
    async with x.connect() as client:
        await client.send(x.queue(), b"confirmed", receipt=True)
        async with client.subscribe(x.queue(), ack="client-individual") as messages:
            message = await x.receive(messages)
            await message.ack(receipt=True)


@scenario("a topic reaches every subscriber")
async def topics(x: Exchange) -> None:
    async with (
        x.connect() as one,
        x.connect() as other,
        one.subscribe(x.topic()) as first,
        other.subscribe(x.topic()) as second,
    ):
        await x.settled(one)
        await x.settled(other)
        await x.send(one, x.topic(), b"for all")
        expect(await x.bodies(first, 1) == await x.bodies(second, 1) == [b"for all"], "they differ")


@scenario("a queue keeps what nobody takes, and gives each message to one of two consumers")
async def queues(x: Exchange) -> None:
    bodies = [b"%d" % number for number in range(6)]
    async with x.connect() as client:
        for body in bodies:
            await x.send(client, x.queue(), body)
        async with client.subscribe(x.queue()) as messages:
            expect(await x.bodies(messages, 6) == bodies, "they came in another order")
    async with (
        x.connect() as one,
        x.connect() as other,
        one.subscribe(x.queue("b")) as first,
        other.subscribe(x.queue("b")) as second,
    ):
        await x.settled(one)
        await x.settled(other)
        for body in bodies:
            await x.send(one, x.queue("b"), body)
        came: list[bytes] = []
        for _ in range(80):
            came += [body for messages in (first, second) for body in _all_that_wait(messages)]
            if len(came) >= len(bodies):
                break
            await x.colour.sleep(0.1)
        # One that comes twice, to both, is behind the last of them.
        await x.settled(one)
        await x.settled(other)
        came += [body for messages in (first, second) for body in _all_that_wait(messages)]
        expect(sorted(came) == bodies, f"of {bodies!r}, two consumers together got {came!r}")


def _all_that_wait(messages: Any) -> list[bytes]:
    found: list[bytes] = []
    while (message := messages.receive_nowait()) is not None:
        found.append(message.body)
    return found


@scenario("ack=auto: what was delivered does not come again")
async def ack_auto(x: Exchange) -> None:
    await _after_acks(x, "auto", [], [])


@scenario("ack=client: one ACK covers what came before it")
async def ack_client(x: Exchange) -> None:
    await _after_acks(x, "client", [1], [b"2"])


@scenario("ack=client-individual: one ACK covers one message; the others are delivered again")
async def ack_client_individual(x: Exchange) -> None:
    await _after_acks(x, "client-individual", [1], [b"0", b"2"])


async def _after_acks(x: Exchange, mode: str, acknowledged: list[int], again: list[bytes]) -> None:
    async with x.connect() as client:
        for number in range(3):
            await x.send(client, x.queue(), b"%d" % number)
        async with client.subscribe(x.queue(), ack=mode, headers=x.prefetch(10)) as messages:
            came = [await x.receive(messages) for _ in range(3)]
            for number in acknowledged:
                await came[number].ack(receipt=x.confirms)
            await x.settled(client)
    async with x.connect() as client, client.subscribe(x.queue()) as messages:
        bodies = await x.bodies(messages, len(again))
        expect(sorted(bodies) == again, f"{again!r} should come again, {bodies!r} did")
        await x.nothing(messages)


@scenario("NACK: the message is delivered again, or goes where refused messages go")
async def nack(x: Exchange) -> None:
    async with x.connect() as client:
        ours = x.name("refused")
        await x.send(client, x.queue(), b"refused", headers={"sender": ours, **x.persistent})
        async with client.subscribe(x.queue(), ack="client-individual") as messages:
            message = await x.receive(messages)
            await message.nack(receipt=x.confirms)
            if x.traits.refused is None:
                again = await x.receive(messages)
                expect(again.body == b"refused", f"{again.body!r} came")
                expect(again.redelivered, "it does not say that it was delivered before")
                await again.ack()
                return
        # Many fill that queue at the same time: two who took each other's messages would wait for ever.
        wish = activemq.subscribe(selector=f"sender = '{ours}'")
        async with client.subscribe(x.traits.refused, headers=wish) as refused:
            expect(await x.bodies(refused, 1) == [b"refused"], "another message came")


@scenario(
    "drain: who works on a message may send and acknowledge; the messages behind it are delivered again"
)
async def drain(x: Exchange) -> None:
    async with x.connect() as client:
        for body in (b"0", b"1", b"2"):
            await x.send(client, x.queue(), body)
        async with client.subscribe(x.queue(), ack="client-individual", headers=x.prefetch(10)) as messages:
            message = await x.receive(messages)
            await client.drain()
            await x.send(client, x.queue("results"), b"of " + message.body)
            await message.ack(receipt=x.confirms)
    async with (
        x.connect() as client,
        client.subscribe(x.queue()) as again,
        client.subscribe(x.queue("results")) as results,
    ):
        expect(await x.bodies(results, 1) == [b"of 0"], "the result is another one")
        bodies = sorted(await x.bodies(again, 2))
        expect(bodies == [b"1", b"2"], f"the two behind it should come again, {bodies!r} did")
        await x.nothing(again)


@scenario("a consumer that vanishes with a message: the next one gets it, marked as redelivered")
async def redelivery(x: Exchange) -> None:
    async with x.connect() as client:
        await x.send(client, x.queue(), b"again")
        async with client.subscribe(x.queue(), ack="client-individual", on_exit="leave") as messages:
            await x.receive(messages)
    async with x.connect() as client, client.subscribe(x.queue(), ack="client-individual") as messages:
        message = await x.receive(messages)
        expect(message.redelivered, f"nothing marks it: {dict(message.headers)!r}")
        await message.ack(receipt=x.confirms)


@scenario("a committed transaction: nothing of it is seen before, all of it after, in order")
async def commit(x: Exchange) -> None:
    async with x.connect() as client, client.subscribe(x.queue()) as messages:
        async with client.transaction() as transaction:
            await transaction.send(x.queue(), b"one")
            await transaction.send(x.queue(), b"two")
            await x.nothing(messages, 0.3)
        expect(await x.bodies(messages, 2) == [b"one", b"two"], "they came otherwise")


@scenario("an aborted transaction: nothing of it is ever seen")
async def abort(x: Exchange) -> None:
    async with x.connect() as client, client.subscribe(x.queue()) as messages:
        try:
            async with client.transaction() as transaction:
                await transaction.send(x.queue(), b"never")
                raise KeyError("so it is rolled back")
        except KeyError:
            pass
        await x.settled(client)
        await x.nothing(messages)
        await x.send(client, x.queue(), b"after")
        expect(await x.bodies(messages, 1) == [b"after"], "something else came")


@scenario("an ACK in an aborted transaction does not count")
async def transactional_ack(x: Exchange) -> None:
    async with x.connect() as client:
        await x.send(client, x.queue(), b"work")
        async with client.subscribe(x.queue(), ack="client-individual") as messages:
            message = await x.receive(messages)
            try:
                async with client.transaction() as transaction:
                    await transaction.ack(message)
                    raise KeyError("so it is rolled back")
            except KeyError:
                pass
            await x.settled(client)
    async with x.connect() as client, client.subscribe(x.queue()) as messages:
        expect(await x.bodies(messages, 1) == [b"work"], "something else came")
