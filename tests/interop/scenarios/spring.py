"""What only an application of Spring's answers.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

from stomp_sansio.profiles import spring

from ..exchange import Exchange, expect
from .registry import scenario


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
