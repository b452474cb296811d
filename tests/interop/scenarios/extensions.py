"""What servers add: durable subscriptions, replies, selectors, expiry, priorities, delays, dead letters.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from stomp_sansio.profiles import activemq, artemis, rabbitmq, spring

from ..exchange import Exchange, expect
from .registry import scenario


@scenario("a durable subscription collects while nobody is there")
async def durable(x: Exchange) -> None:
    name = x.name("archive")
    connecting: dict[str, Any] = {}
    if x.traits.profile == "rabbitmq":
        subscribing, ending = rabbitmq.durable_topic(name), rabbitmq.delete_durable_topic(name)
    else:
        profile = artemis if x.traits.profile == "artemis" else activemq
        subscribing, ending = profile.durable_topic(name), profile.delete_durable_topic(name)
        connecting["connect_headers"] = profile.connect(client_id=x.name("client"))
    async with (
        x.connect(**connecting) as client,
        client.subscribe(x.topic(), headers=subscribing, on_exit="leave"),
    ):
        await x.settled(client)
    async with x.connect() as client:
        await x.send(client, x.topic(), b"meanwhile", headers=x.persistent)
    async with (
        x.connect(**connecting) as client,
        client.subscribe(x.topic(), headers=subscribing, on_exit="leave") as messages,
    ):
        expect(await x.bodies(messages, 1) == [b"meanwhile"], "something else came")
        await messages.unsubscribe(headers=ending)
        await x.settled(client)


@scenario("a request with a temporary reply address, and its answer")
async def request(x: Exchange) -> None:
    async with (
        x.connect() as asking,
        x.connect() as answering,
        answering.subscribe(x.queue("questions")) as questions,
    ):
        await x.settled(answering)

        async def answer() -> None:
            for _ in range(2):
                question = await x.receive(questions)
                await answering.send(
                    question.headers["reply-to"],
                    question.body.upper(),
                    headers={"correlation-id": question.headers["correlation-id"]},
                )

        async def ask() -> None:
            for _ in range(2):
                reply = await asking.request(x.queue("questions"), b"how much", timeout=8)
                expect(reply.body == b"HOW MUCH", f"{reply.body!r} was answered")

        await x.colour.together(answer, ask)


@scenario("a selector: only what is asked for is delivered")
async def selector(x: Exchange) -> None:
    match x.traits.profile:
        case "artemis":
            wish = artemis.subscribe(selector="colour = 'red'")
        case "spring":
            wish = spring.subscribe(selector="headers.colour == 'red'")
        case _:
            wish = activemq.subscribe(selector="colour = 'red'")
    async with x.connect() as client, client.subscribe(x.topic(), headers=wish) as messages:
        await x.settled(client)
        for colour in ("blue", "red", "green"):
            await x.send(client, x.topic(), colour, headers={"colour": colour})
        expect(await x.bodies(messages, 1) == [b"red"], "another one came first")
        await x.nothing(messages)


@scenario("a message that expires before it is taken is not delivered")
async def expiry(x: Exchange) -> None:
    match x.traits.profile:
        case "rabbitmq":
            soon = rabbitmq.send(expires_in=0.2)
        case "artemis":
            soon = artemis.send(expires_at=time.time() + 0.2)
        case _:
            soon = activemq.send(expires_at=time.time() + 0.2)
    async with x.connect() as client:
        await x.send(client, x.queue(), b"stale", headers=soon)
        await x.send(client, x.queue(), b"fresh")
        await x.colour.sleep(0.5)
        async with client.subscribe(x.queue()) as messages:
            expect(await x.bodies(messages, 1) == [b"fresh"], "what had expired came first")


@scenario("of two messages that wait, the one with the higher priority comes first")
async def priority(x: Exchange) -> None:
    declaring: dict[str, str] = {}
    sending: Callable[..., dict[str, str]] = activemq.send
    if x.traits.profile == "rabbitmq":
        declaring = rabbitmq.queue(max_priority=9, durable=True, auto_delete=False)
        sending = rabbitmq.send
    elif x.traits.profile == "artemis":
        sending = artemis.send
    async with x.connect() as client:
        await x.send(client, x.queue(), b"low", headers=declaring | sending(priority=1))
        await x.send(client, x.queue(), b"high", headers=declaring | sending(priority=8))
        async with client.subscribe(x.queue(), headers=declaring) as messages:
            expect(await x.bodies(messages, 2) == [b"high", b"low"], "they came the other way")


@scenario("a message that is sent now and delivered later")
async def delayed(x: Exchange) -> None:
    first, later = x.queue(), artemis.send(delay=1.5)
    if x.traits.profile == "activemq":
        later = activemq.send(delay=1.5)
    elif x.traits.profile == "rabbitmq":
        # No header delays a message: it waits in a queue whose messages die, and the other one inherits.
        first = x.queue("waiting")
        heir = x.queue().removeprefix("/queue/")
        later = rabbitmq.queue(message_ttl=1.5, dead_letter_exchange="", dead_letter_routing_key=heir)
    async with x.connect() as client, client.subscribe(x.queue()) as messages:
        await x.settled(client)
        started = time.monotonic()
        await x.send(client, first, b"later", headers=later)
        expect((await x.receive(messages)).body == b"later", "another message came")
        took = time.monotonic() - started
        expect(took > 1.2, f"it came after {took:.1f} s")


@scenario("what nobody wants goes to a dead-letter queue")
async def dead_letters(x: Exchange) -> None:
    dead = x.queue("dead")
    declared = rabbitmq.queue(
        durable=True,
        auto_delete=False,
        dead_letter_exchange="",
        dead_letter_routing_key=dead.removeprefix("/queue/"),
    )
    async with x.connect() as client, client.subscribe(dead) as letters:
        await x.send(client, x.queue(), b"unwanted", headers=declared)
        async with client.subscribe(
            x.queue(), ack="client-individual", headers=declared | rabbitmq.subscribe(prefetch=1)
        ) as messages:
            message = await x.receive(messages)
            await message.nack(headers=rabbitmq.nack(requeue=False))
            letter = await x.receive(letters)
            expect(letter.body == b"unwanted", f"{letter.body!r} came")


@scenario("a body with its length is bytes to receivers that use JMS; one without is text")
async def text_or_bytes(x: Exchange) -> None:
    async with x.connect() as client, client.subscribe(x.topic()) as messages:
        await x.settled(client)
        for says_length in (True, False):
            await x.send(client, x.topic(), b"tea", content_length=says_length)
            message = await x.receive(messages)
            expect(message.body == b"tea", f"{message.body!r} came back")
            # What is text to the server has no length in its MESSAGE.
            expect(("content-length" in message.headers) is says_length, f"{dict(message.headers)!r}")
