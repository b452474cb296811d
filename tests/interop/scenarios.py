"""The scenarios: what is tried with every server, over every transport, in every adapter.

Each is one function that returns when what it says is so, and raises when it is not. This file must not know
which cells there are, nor how a run is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from stomp_sansio.errors import LocalProtocolError
from stomp_sansio.profiles import activemq, artemis, rabbitmq, spring
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.errors import (
    AuthenticationError,
    BrokerError,
    ConnectError,
    ConnectionClosedError,
)
from stomp_sansio.session.events import Ended, Interrupted, Ready

from .colours import Client
from .exchange import Exchange, Scenario, expect
from .proxy import Proxy

__all__ = ["IDLE", "SCENARIOS"]

Play: TypeAlias = Callable[[Exchange], Coroutine[Any, Any, None]]

SCENARIOS: list[Scenario] = []
"""All of them, in the order of the matrix."""

IDLE = 60.0
"""Seconds of silence through which a connection must live."""

_PATIENCE = 12.0
"""Seconds after which the proxy cuts a silent connection."""

_QUICK = Backoff(initial=0.1, cap=1.0)


def scenario(what: str, **more: Any) -> Callable[[Play], Play]:
    """Register a function under its name."""

    def register(play: Play) -> Play:
        SCENARIOS.append(Scenario(play.__name__.replace("_", "-"), what, play, **more))
        return play

    return register


# Bodies and headers


@scenario("connects in each version that the server offers, and exchanges a message in it")
async def versions(x: Exchange) -> None:
    for version in x.traits.versions:
        async with x.connect(versions=[version]) as client:
            expect(client.version is version, f"{version.value} was offered, {client.version} is spoken")
            await _round_trip(x, client, b"in one version", name=version.name)


@scenario("text, with its content-type")
async def text(x: Exchange) -> None:
    async with x.connect() as client:
        message = await _round_trip(x, client, "größer als 日本語 🎉")
        expect(message.text == "größer als 日本語 🎉", f"{message.text!r} came back")


@scenario("JSON")
async def json(x: Exchange) -> None:
    value = {"tea": "Ceylon", "cups": [1, 2], "sugar": None}
    async with x.connect() as client, client.subscribe(x.topic()) as messages:
        await x.settled(client)
        await client.send(x.topic(), json=value, receipt=x.confirms)
        message = await x.receive(messages)
        expect(message.json() == value, f"{message.body!r} came back")


@scenario("octets of every value, NULs among them; refused at once where a transport carries text only")
async def binary(x: Exchange) -> None:
    body = bytes(range(256)) * 3
    async with x.connect() as client:
        if x.door.text_only:
            try:
                await client.send(x.topic(), body)
            except LocalProtocolError:
                return
            raise AssertionError("a body that is no UTF-8 was taken for SockJS")
        # Spring puts a body into a binary WebSocket message only if it is called so.
        await _round_trip(x, client, body, content_type="application/octet-stream")


@scenario("an empty body")
async def empty(x: Exchange) -> None:
    async with x.connect() as client:
        await _round_trip(x, client, b"")


@scenario("a body of 1 MiB with NULs")
async def megabyte(x: Exchange) -> None:
    body = (b"0123456789abcde\0" * 65536)[: x.traits.largest]
    async with x.connect() as client:
        await _round_trip(x, client, body)


@scenario("headers in any language")
async def unicode_headers(x: Exchange) -> None:
    await _headers_come_back(x, {"x-motto": "größer als 日本語 🎉", "x-größe": "XL"})


@scenario("headers with colons, backslashes and line ends")
async def escaped_headers(x: Exchange) -> None:
    await _headers_come_back(x, {"x-colon": "a:b::c", "x-backslash": "a\\b\\n", "x-lines": "one\ntwo"})


async def _round_trip(
    x: Exchange, client: Client, body: bytes | str, *, name: str = "a", content_type: str | None = None
) -> Any:
    octets = body.encode() if isinstance(body, str) else body
    async with client.subscribe(x.topic(name)) as messages:
        await x.settled(client)
        await x.send(client, x.topic(name), body, content_type=content_type)
        message = await x.receive(messages, 20)
        expect(message.body == octets, f"{len(octets)} octets went, {len(message.body)} others came back")
        return message


async def _headers_come_back(x: Exchange, headers: dict[str, str]) -> None:
    async with x.connect() as client, client.subscribe(x.topic()) as messages:
        await x.settled(client)
        await x.send(client, x.topic(), b"", headers=headers)
        message = await x.receive(messages)
        came = {name: message.headers.get(name) for name in headers}
        expect(came == headers, f"{came!r} came back")


# Confirmations and acknowledgements


@scenario("a receipt for SEND and for ACK")
async def receipts(x: Exchange) -> None:
    async with x.connect(receipt_timeout=3) as client:
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
        await x.colour.sleep(0.5)
        came = [message.body for messages in (first, second) for message in await _all_that_wait(messages)]
        expect(sorted(came) == bodies, f"of {bodies!r}, two consumers together got {came!r}")


async def _all_that_wait(messages: Any) -> list[Any]:
    found: list[Any] = []
    while (message := messages.receive_nowait()) is not None:
        found.append(message)
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
        await x.send(client, x.queue(), b"refused", headers={"persistent": "true"})
        async with client.subscribe(x.queue(), ack="client-individual") as messages:
            message = await x.receive(messages)
            await message.nack(receipt=x.confirms)
            if x.traits.refused is None:
                again = await x.receive(messages)
                expect(again.body == b"refused", f"{again.body!r} came")
                expect(again.redelivered, "it does not say that it was delivered before")
                await again.ack()
                return
        async with client.subscribe(x.traits.refused, ack="client-individual") as refused:
            await _find(x, refused, b"refused")


async def _find(x: Exchange, subscription: Any, body: bytes) -> Any:
    """Take the message that is ours from a queue that many fill, and leave the others there."""
    for _ in range(50):
        message = await x.receive(subscription)
        if message.body == body and any(x.name("") in value for value in message.headers.values()):
            await message.ack(receipt=x.confirms)
            return message
    raise AssertionError("it is not there")


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


# Transactions


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


# What servers add


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
        await x.send(client, x.topic(), b"meanwhile", headers={"persistent": "true"})
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
    profile = artemis if x.traits.profile == "artemis" else activemq
    async with x.connect() as client, client.subscribe(x.queue()) as messages:
        await x.settled(client)
        started = time.monotonic()
        await x.send(client, x.queue(), b"later", headers=profile.send(delay=1.5))
        await x.receive(messages)
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


# Spring


@scenario("the guide's greeting: a name goes to /app/hello, the greeting comes to /topic/greetings")
async def greeting(x: Exchange) -> None:
    name = x.name("Ada")
    async with x.connect() as client, client.subscribe("/topic/greetings") as greetings:
        await x.settled(client)
        await client.send(spring.application("/hello"), json={"name": name})
        wanted = {"content": f"Hello, {name}!"}
        # Others are greeted at the same time, and everybody hears it.
        for _ in range(100):
            if (await x.receive(greetings)).json() == wanted:
                return
        raise AssertionError("many were greeted, we were not")


@scenario("a user destination: the answer comes to the one who asked, and to nobody else")
async def user_destination(x: Exchange) -> None:
    destination = spring.user("/queue/private")
    async with (
        x.connect() as client,
        x.connect() as other,
        client.subscribe(destination) as ours,
        other.subscribe(destination) as theirs,
    ):
        await x.settled(client)
        await x.settled(other)
        await client.send(spring.application("/private"), json={"name": "Ada"})
        expect((await x.receive(ours)).json() == {"content": "Only you, Ada."}, "another answer came")
        await x.nothing(theirs)


@scenario("an answer to SUBSCRIBE itself, and an exception of the application as a message")
async def application_answers(x: Exchange) -> None:
    async with x.connect() as client:
        # The relay would pass UNSUBSCRIBE on to its broker, which knows of no such subscription.
        async with client.subscribe(spring.application("/now"), on_exit="leave") as welcome:
            expect((await x.receive(welcome)).json() == {"content": "Welcome!"}, "another answer came")
        async with client.subscribe(spring.user("/queue/errors")) as errors:
            await x.settled(client)
            await client.send(spring.application("/fail"), json={})
            expect((await x.receive(errors)).json() == {"content": "as asked"}, "another error came")


# Refusals and endings


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
    async with x.connect(reconnect=_QUICK) as client:
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


# Time


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
    declared = {"persistent": "true"}
    async with (
        x.connect(reconnect=_QUICK, receipt_timeout=100) as client,
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
