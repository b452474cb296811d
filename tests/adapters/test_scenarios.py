"""What an application does with a client, written once, run in every colour and over every transport, on real
loopback sockets.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from stomp_sansio import Ack, AckMode, Disconnect, LocalProtocolError, Nack, Send, Subscribe, Unsubscribe
from stomp_sansio.client.public import (
    Backoff,
    BrokerError,
    ConnectionClosed,
    ConnectionClosedOK,
    Credentials,
    Ended,
    Interrupted,
    MessageExpired,
    NotConnected,
    Outcome,
    Overflow,
    Ready,
    ReceiptTimeout,
    TransactionLost,
)
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import LoopbackBroker

FAST = Backoff(initial=0.01, cap=0.05)


@dataclass(frozen=True)
class Transport:
    """One way to reach the broker of the tests."""

    name: str
    url: str
    says: str
    secure: bool = False
    text_only: bool = False
    transports: tuple[str, ...] | None = None


TRANSPORTS = (
    Transport("plain", "stomp://127.0.0.1:{port}", "tcp"),
    Transport("tls", "stomps://localhost:{port}", "tcp", secure=True),
    Transport("websocket", "ws://127.0.0.1:{port}/stomp", "websocket"),
    Transport("websocket over tls", "wss://localhost:{port}/stomp", "websocket", secure=True),
    *(
        Transport(f"sockjs {name}", "http://127.0.0.1:{port}/stomp", name, text_only=True, transports=(name,))
        for name in ("websocket", "xhr-streaming", "xhr-polling")
    ),
    Transport("sockjs over tls", "https://localhost:{port}/stomp", "websocket", secure=True, text_only=True),
)


@dataclass
class Stage:
    """A scenario's colour and server, and how to connect."""

    colour: Colour
    server: LoopbackBroker
    transport: Transport
    context: ssl.SSLContext

    def connect(self, **keywords: Any) -> Any:
        if self.transport.transports is not None:
            keywords.setdefault("transports", self.transport.transports)
        if self.transport.secure:
            keywords.setdefault("ssl", self.context)
        keywords.setdefault("reconnect", FAST)
        url = self.transport.url.format(port=self.server.port)
        return self.colour.connect(url, proxy=None, **keywords)

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until the server has seen something."""
        await self.colour.in_thread(self.server.wait_for, predicate)

    async def command(self, *arguments: Any) -> None:
        await self.colour.in_thread(self.server.command, *arguments)

    async def drop_all(self) -> None:
        await self.colour.in_thread(self.server.drop_all)


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


@pytest.fixture
def stage(colour, server, client_context):
    return Stage(colour, server, TRANSPORTS[0], client_context)


# Over every transport


@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda transport: transport.name)
def test_a_whole_conversation(colour, transport, client_context, server_context):
    with LoopbackBroker(server_context if transport.secure else None) as server:
        stage = Stage(colour, server, transport, client_context)
        colour.run(conversation, stage)
        assert len(server.saw(Disconnect)) == 2


async def conversation(stage: Stage) -> None:
    async with stage.connect(login="ada", passcode="enchantress", vhost="/") as client:
        assert client.connected
        assert client.version.value == "1.2"
        assert client.server == "test-broker/1.0"
        life = client.lifecycle()
        await contents(stage, client)
        await acknowledgements(client)
        await transactions(client)
        await questions(stage, client)
        await interruption(stage, client, life)
    assert not client.connected
    assert [type(event) async for event in life] == [Ended]


async def contents(stage: Stage, client: Any) -> None:
    bodies: list[Any] = [
        "",
        "größer als 日本語 🎉",
        b"plain",
        bytearray(b"changes"),
        memoryview(b"views"),
        "x" * 100_000,
    ]
    if not stage.transport.text_only:
        bodies.append(bytes(range(256)))
    async with client.subscribe("/topic/contents") as messages:
        for body in bodies:
            await client.send("/topic/contents", body, receipt=True)
            message = await messages.receive()
            assert message.body == (body.encode() if isinstance(body, str) else bytes(body))
        headers = {"x-motto": "é: a\\b\nc", "x-empty": ""}
        await client.send("/topic/contents", json={"tea": ["Ceylon", None]}, headers=headers)
        message = await messages.receive()
        assert message.json() == {"tea": ["Ceylon", None]}
        assert message.content_type == "application/json"
        assert {**message.headers, **headers} == dict(message.headers)
        assert message.destination == "/topic/contents"
        assert message.message_id
        assert not message.redelivered
        assert messages.receive_nowait() is None


async def acknowledgements(client: Any) -> None:
    async with client.subscribe("/queue/acks", ack="client-individual") as messages:
        tickets = [client.send_soon("/queue/acks", text) for text in ("one", "two", "three")]
        for ticket in tickets:
            await client.settled(ticket)
            assert ticket.outcome is Outcome.CONFIRMED
        first = await messages.receive()
        await first.ack(receipt=True)
        second = await messages.receive()
        assert second.text == "two"
        await second.nack(receipt=True)
        third = await messages.receive()
        again = await messages.receive()
        assert {third.text, again.text} == {"two", "three"}
        assert [message.redelivered for message in (third, again) if message.text == "two"] == [True]
        async with third.process() as message:
            assert message.text == third.text
        with pytest.raises(RuntimeError, match="on purpose"):
            async with again.process():
                raise RuntimeError("on purpose")
        last = await messages.receive()
        assert last.text == again.text
        async with last.process():
            await last.ack(headers={"x": "y"})


async def transactions(client: Any) -> None:
    async with client.subscribe("/queue/tx", ack=AckMode.CLIENT_INDIVIDUAL) as messages:
        await client.send("/queue/tx", "work", receipt=True)
        work = await messages.receive()
        async with client.transaction() as transaction:
            await transaction.send("/queue/tx", "result", content_type="text/x-result")
            await transaction.ack(work)
        result = await messages.receive()
        assert (result.text, result.content_type) == ("result", "text/x-result")
        with pytest.raises(RuntimeError, match="on purpose"):
            await roll_back(client, result)
        await client.send("/queue/tx", "next", receipt=True)
        following = await messages.receive()
        assert following.text == "next"
        await following.ack(receipt=True)


async def roll_back(client: Any, result: Any) -> None:
    async with client.transaction() as transaction:
        await transaction.send("/queue/tx", "never")
        await transaction.nack(result)
        raise RuntimeError("on purpose")


async def questions(stage: Stage, client: Any) -> None:
    async with stage.connect() as other:

        async def serve() -> None:
            async with other.subscribe("/queue/questions") as requests:
                asked = await requests.receive()
                headers = {"correlation-id": asked.headers["correlation-id"]}
                await other.send(asked.headers["reply-to"], asked.text.upper(), headers=headers, receipt=True)

        async with stage.colour.tasks() as start:
            start(serve)
            reply = await client.request("/queue/questions", "how?", timeout=20)
        assert reply.text == "HOW?"


async def interruption(stage: Stage, client: Any, life: Any) -> None:
    async with client.subscribe("/queue/on", ack="client-individual") as messages:
        await client.send("/queue/on", "before", receipt=True)
        message = await messages.receive()
        await stage.drop_all()
        event = await anext(life)
        assert isinstance(event, Interrupted)
        await client.wait_ready()
        event = await anext(life)
        while isinstance(event, Interrupted):
            event = await anext(life)
        assert isinstance(event, Ready)
        assert event.transport == stage.transport.says
        with pytest.raises(MessageExpired, match="delivers it again"):
            await message.ack()
        again = await messages.receive()
        assert (again.text, again.redelivered) == ("before", True)
        async with message.process():
            pass  # what has expired says nothing
        await again.ack(receipt=True)


# Of one connection


def test_a_client_that_is_closed_says_so(stage):
    async def scenario() -> None:
        async with stage.connect() as client:
            messages = client.subscribe("/queue/a")
            await messages.__aenter__()
            await client.aclose()
            await client.aclose()
            with pytest.raises(ConnectionClosedOK, match="closed"):
                await client.send("/queue/a", "x")
            with pytest.raises(ConnectionClosedOK, match="closed"):
                client.send_soon("/queue/a", "x")
            with pytest.raises(ConnectionClosedOK):
                await messages.receive()
            assert [message async for message in messages] == []
            with pytest.raises(ConnectionClosedOK):
                await client.wait_ready()
        assert len(stage.server.saw(Disconnect)) == 1

    stage.colour.run(scenario)


def test_drain_ends_subscriptions_and_waits_for_what_was_sent(stage):
    async def scenario() -> None:
        async with stage.connect() as client, client.subscribe("/queue/other") as messages:
            tickets = [client.send_soon("/queue/a", f"{number}") for number in range(100)]
            await client.drain()
            assert {ticket.outcome for ticket in tickets} == {Outcome.CONFIRMED}
            with pytest.raises(ConnectionClosedOK):
                await messages.receive()
            with pytest.raises(ConnectionClosedOK, match="drained"):
                async with client.subscribe("/queue/a"):
                    pass
        assert len(stage.server.saw(Send)) == 100

    stage.colour.run(scenario)


def test_who_works_on_a_message_may_finish_during_a_drain(stage):
    async def scenario() -> None:
        async with stage.connect() as client:
            for number in range(3):
                await client.send("/queue/work", f"{number}", receipt=True)
            async with client.subscribe("/queue/work", ack="client-individual") as messages:
                async with (await messages.receive()).process():
                    await client.drain()
                    await client.send("/queue/results", "of 0", receipt=True)
                assert [message async for message in messages] == []
        stage.server.wait_for(lambda: stage.server.saw(Disconnect))
        ends = [event for event in stage.server.events if isinstance(event, Ack | Nack | Unsubscribe)]
        assert [type(event) for event in ends] == [Ack, Unsubscribe]
        async with stage.connect() as client, client.subscribe("/queue/work") as messages:
            assert [(await messages.receive()).text for _ in range(2)] == ["1", "2"]

    stage.colour.run(scenario)


def test_a_subscription_is_left_in_one_of_two_ways(stage):
    async def scenario() -> None:
        async with stage.connect() as client:
            async with client.subscribe("/queue/a", id="durable", on_exit="leave", headers={"x": "1"}):
                pass
            async with client.subscribe("/queue/b", id="mine") as messages:
                await messages.unsubscribe(headers={"y": "2"})
                with pytest.raises(ConnectionClosedOK, match="has ended"):
                    await messages.receive()
                with pytest.raises(LocalProtocolError, match="durable"):
                    async with (
                        client.subscribe("/queue/b", id="durable"),
                        client.subscribe("/queue/c", id="durable"),
                    ):
                        pass
            await client.send("/queue/c", "x", receipt=True)
        (durable, *_) = stage.server.saw(Subscribe)
        assert durable.headers["x"] == "1"
        left = stage.server.saw(Unsubscribe)
        assert [(event.id, event.headers.get("y")) for event in left if event.id == "mine"] == [("mine", "2")]

    stage.colour.run(scenario)


def test_a_subscription_is_used_inside_its_block(stage):
    async def scenario() -> None:
        async with stage.connect() as client:
            messages = client.subscribe("/queue/a")
            with pytest.raises(RuntimeError, match="was not entered"):
                messages.receive_nowait()
            async with messages:
                with pytest.raises(RuntimeError, match="entered before"):
                    await messages.__aenter__()

    stage.colour.run(scenario)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"ack": "sometimes"}, "sometimes"),
        ({"overflow": "explode"}, "explode"),
        ({"on_exit": "stay"}, "stay"),
        ({"max_queue": 0}, "max_queue is 0"),
    ],
)
def test_keywords_of_a_subscription_are_judged_at_once(stage, keywords, told):
    async def scenario() -> None:
        async with stage.connect() as client:
            with pytest.raises(ValueError, match=told):
                client.subscribe("/queue/a", **keywords)
            with pytest.raises(TypeError, match="volume"):
                client.subscribe("/queue/a", volume=11)

    stage.colour.run(scenario)


def test_too_many_messages_are_dropped_or_end_the_subscription_as_told(stage):
    async def scenario() -> None:
        async with (
            stage.connect() as client,
            client.subscribe("/topic/a", max_queue=3, overflow="drop-oldest") as latest,
            client.subscribe("/topic/a", max_queue=3, overflow="end") as strict,
        ):
            for number in range(10):
                await client.send("/topic/a", str(number), receipt=True)
            assert [(await latest.receive()).text for _ in range(3)] == ["7", "8", "9"]
            assert latest.dropped == 7
            assert [(await strict.receive()).text for _ in range(3)] == ["0", "1", "2"]
            with pytest.raises(Overflow, match="max_queue is 3"):
                await strict.receive()

    stage.colour.run(scenario)


def test_a_full_subscription_stops_reading_and_loses_nothing(stage):
    async def scenario() -> None:
        async with (
            stage.connect(max_queue=4) as client,
            stage.connect() as sender,
            client.subscribe("/topic/a") as messages,
        ):
            await client.send("/queue/elsewhere", receipt=True)
            for number in range(500):
                await sender.send("/topic/a", str(number) + "x" * 5000, receipt=number % 50 == 49)
            bodies = [(await messages.receive()).text for _ in range(500)]
            assert [int(body.rstrip("x")) for body in bodies] == list(range(500))

    stage.colour.run(scenario)


def test_a_refused_destination_tells_the_sender_and_the_session_goes_on(stage):
    async def scenario() -> None:
        stage.server.broker.refused.add("/queue/forbidden")
        async with stage.connect() as client:
            with pytest.raises(BrokerError, match="no access to /queue/forbidden") as caught:
                await client.send("/queue/forbidden", "x", receipt=True)
            assert caught.value.error is not None
            assert caught.value.error.receipt_id
            await client.send("/queue/allowed", "x", receipt=True)

    stage.colour.run(scenario)


def test_a_receipt_that_never_comes_is_given_up(stage):
    async def scenario() -> None:
        stage.server.broker.unconfirmed.add("/queue/silent")
        async with stage.connect(receipt_timeout=0.05) as client:
            with pytest.raises(ReceiptTimeout, match="/queue/silent"):
                await client.send("/queue/silent", "x", receipt=True)

    stage.colour.run(scenario)


def test_what_needs_a_connection_fails_without_one(stage):
    async def scenario() -> None:
        async with stage.connect(reconnect=Backoff(initial=30, cap=60)) as client:
            life = client.lifecycle()
            await stage.drop_all()
            assert isinstance(await anext(life), Interrupted)
            assert not client.connected
            assert client.version is None
            assert client.server is None
            with pytest.raises(NotConnected, match=r"wait=True"):
                await client.send("/queue/a", "x")
            with pytest.raises(NotConnected):
                await client.request("/queue/a", "x")
            with pytest.raises(NotConnected):
                await client.transaction().__aenter__()
            ticket = client.send_soon("/queue/a", "x")
            assert ticket.outcome is None
        assert ticket.outcome is Outcome.ABANDONED

    stage.colour.run(scenario)


def test_a_transaction_dies_with_its_connection(stage):
    async def lose_one(client: Any) -> None:
        life = client.lifecycle()
        async with client.transaction() as transaction:
            await stage.drop_all()
            assert isinstance(await anext(life), Interrupted)
            with pytest.raises(TransactionLost, match="begin again"):
                await transaction.send("/queue/a", "x")

    async def scenario() -> None:
        async with stage.connect() as client:
            with pytest.raises(TransactionLost, match="begin again"):
                await lose_one(client)

    stage.colour.run(scenario)


def test_messages_sent_while_disconnected_wait_in_the_outbox(stage):
    async def scenario() -> None:
        async with stage.connect() as client:
            life = client.lifecycle()
            await stage.drop_all()
            assert isinstance(await anext(life), Interrupted)
            await client.send("/queue/a", "first", receipt=True)
            await client.send("/queue/a", "second", wait=True)
            await stage.until(lambda: len(stage.server.saw(Send)) == 2)
        assert [event.body for event in stage.server.saw(Send)] == [b"first", b"second"]

    stage.colour.run(scenario)


def test_credentials_are_asked_for_before_every_attempt(stage):
    stage.server.broker.users = {"ada": "token-1"}
    asked: list[str] = []

    async def hook() -> Credentials:
        asked.append(f"token-{len(asked) + 1}")
        return Credentials("ada", asked[-1])

    async def scenario() -> None:
        async with stage.connect(credentials=hook) as client:
            stage.server.broker.users = {"ada": "token-2"}
            life = client.lifecycle()
            await stage.drop_all()
            assert isinstance(await anext(life), Interrupted)
            assert isinstance(await anext(life), Ready)
        assert asked == ["token-1", "token-2"]

    stage.colour.run(scenario)


@pytest.mark.parametrize(
    "answer", [OSError("the token server is down"), Credentials("a\0b")], ids=["raises", "odd"]
)
def test_credentials_that_cannot_be_had_are_a_failed_attempt(stage, answer: OSError | Credentials):
    async def hook() -> Credentials:
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def scenario() -> None:
        with pytest.raises((OSError, LocalProtocolError)):
            async with stage.connect(credentials=hook):
                pass

    stage.colour.run(scenario)


def test_interceptors_see_what_goes_and_what_comes_and_add_headers(stage):
    commands: list[str] = []
    events: list[str] = []

    def outgoing(command: str, headers: Any) -> dict[str, str]:
        commands.append(command)
        if "veto" in headers:
            raise PermissionError("vetoed")
        return {"traceparent": f"00-{headers.get('destination', '')}"}

    def incoming(event: object) -> None:
        events.append(type(event).__name__)
        raise ValueError("an interceptor's own fault")

    async def scenario() -> None:
        async with (
            stage.connect(outgoing=outgoing, incoming=incoming) as client,
            client.subscribe("/queue/a", ack="client-individual") as messages,
        ):
            await client.send("/queue/a", "x", headers={"mine": "1"}, receipt=True)
            message = await messages.receive()
            assert message.headers["traceparent"] == "00-/queue/a"
            assert message.headers["mine"] == "1"
            await message.ack()
            with pytest.raises(PermissionError, match="vetoed"):
                await client.send("/queue/a", headers={"veto": "1"})
            async with client.transaction() as transaction:
                await transaction.send("/queue/b", "y")
        assert commands == ["SUBSCRIBE", "SEND", "ACK", "SEND", "BEGIN", "SEND", "UNSUBSCRIBE"]
        assert events[0] == "Connected"
        assert {"Receipt", "Message", "Closed"} <= set(events)
        assert len(stage.server.saw(Send)) == 2

    stage.colour.run(scenario)


def test_a_list_of_servers_is_tried_in_order(colour, server):
    async def scenario() -> None:
        urls = ["stomp://127.0.0.1:1", f"stomp://127.0.0.1:{server.port}"]
        async with colour.connect(urls, proxy=None) as client:
            assert client.connected

    colour.run(scenario)


# Handlers


def consume(stage: Stage, client: Any, handler: Any, stop_after: int, **keywords: Any) -> Any:
    """Call a handler for messages until so many were handled; each colour has its way to do so."""
    handled = [0]

    async def counting(message: Any) -> None:
        await handler(message)
        handled[0] += 1
        if handled[0] == stop_after:
            await client.aclose()

    async def run() -> None:
        if not stage.colour.name.startswith("blocking"):
            await client.consume("/queue/work", counting, **keywords)
            return

        def plain(message: Any) -> None:
            from tests.adapters.colours import Dressed, finish

            finish(counting(Dressed(message)))

        client.bare.consume("/queue/work", plain, **keywords)
        client.bare.run()

    return run()


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_handler_is_called_for_each_message(stage, concurrency):
    seen: list[str] = []

    async def handler(message: Any) -> None:
        seen.append(message.text)

    async def scenario() -> None:
        async with stage.connect() as client:
            for number in range(20):
                await client.send("/queue/work", str(number), receipt=True)
            await consume(stage, client, handler, 20, concurrency=concurrency)
        assert sorted(seen, key=int) == [str(number) for number in range(20)]
        # The last one closed the client from within: nobody could acknowledge it any more.
        await stage.until(lambda: len(stage.server.saw(Ack)) >= 19)

    stage.colour.run(scenario)


def test_a_handler_that_raises_ends_it_and_its_message_is_refused(stage):
    async def handler(message: Any) -> None:
        raise LookupError(message.text)

    async def scenario() -> None:
        async with stage.connect() as client:
            await client.send("/queue/work", "bad", receipt=True)
            with pytest.raises(LookupError, match="bad"):
                await consume(stage, client, handler, 1)
            await stage.until(lambda: len(stage.server.saw(Nack)) == 1)
            await stage.until(lambda: len(stage.server.saw(Unsubscribe)) == 1)
            await client.send("/queue/other", receipt=True)

    stage.colour.run(scenario)


def test_handlers_end_with_the_session_that_failed(stage):
    async def handler(message: Any) -> None:
        await stage.drop_all()

    async def scenario() -> None:
        async with stage.connect(reconnect=None) as client:
            await client.send("/queue/work", "x", receipt=True)
            with pytest.raises(ConnectionClosed):
                await consume(stage, client, handler, 9)

    stage.colour.run(scenario)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"ack": "client", "concurrency": 2}, "client-individual"),
        ({"concurrency": 0}, "concurrency is 0"),
    ],
)
def test_handlers_that_would_acknowledge_too_much_are_refused(stage, keywords, told):
    async def handler(message: Any) -> None:
        raise AssertionError("never called")

    async def scenario() -> None:
        async with stage.connect() as client:
            with pytest.raises(ValueError, match=told):
                await consume(stage, client, handler, 1, **keywords)

    stage.colour.run(scenario)


def test_many_tasks_share_one_client(stage: Stage):
    if stage.colour.name == "blocking-pumped":
        pytest.skip("without a thread of its own, one thread at a time may use the client")

    async def scenario() -> None:
        async with stage.connect() as client:

            async def send(name: str) -> None:
                for number in range(50):
                    await client.send("/queue/shared", f"{name} {number}", receipt=True)

            async with stage.colour.tasks() as start:
                for name in "abcd":
                    start(send, name)
        bodies = [event.body.decode() for event in stage.server.saw(Send)]
        for name in "abcd":
            assert [body for body in bodies if body[0] == name] == [
                f"{name} {number}" for number in range(50)
            ]

    stage.colour.run(scenario)
