"""The real clients, in three colours, meet a broker in memory: no socket, and no second passes in earnest."""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import trio
import trio.testing

import stomp_asyncio
import stomp_blocking
import stomp_trio
from stomp_sansio.broker.events import ClientConnected, ClientGone
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.client.public import (
    AuthenticationError,
    Backoff,
    Interrupted,
    Ready,
    ReceiptTimeout,
)
from stomp_sansio.machine import StreamLoss
from stomp_sansio.testing import Conditions, Path, memory_broker
from tests.adapters.colours import Dressed, finish


class MockSelector(selectors.DefaultSelector):
    """Never waits: the clock moves on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits for nothing"
        self.now += max(timeout, 0.0)
        return super().select(0)


class MockClockLoop(asyncio.SelectorEventLoop):
    """A loop of asyncio whose time passes at once."""

    def __init__(self) -> None:
        self._clock = MockSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


class Trio:
    broker = staticmethod(stomp_trio.memory_broker)
    sleep = staticmethod(trio.sleep)
    now = staticmethod(trio.current_time)

    def run(self, scenario: Callable[..., Coroutine[Any, Any, object]]) -> None:
        trio.run(scenario, self, clock=trio.testing.MockClock(autojump_threshold=0))

    async def together(self, *functions: Callable[[], Coroutine[Any, Any, object]]) -> None:
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)


class Asyncio:
    broker = staticmethod(stomp_asyncio.memory_broker)
    sleep = staticmethod(asyncio.sleep)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def run(self, scenario: Callable[..., Coroutine[Any, Any, object]]) -> None:
        with asyncio.Runner(loop_factory=MockClockLoop) as runner:
            runner.run(scenario(self))

    async def together(self, *functions: Callable[[], Coroutine[Any, Any, object]]) -> None:
        async with asyncio.TaskGroup() as group:
            for function in functions:
                group.create_task(function())


class Blocking:
    """The blocking colour, dressed up so that a scenario can await it."""

    def __init__(self) -> None:
        self.inner: Any = None

    def broker(self, **keywords: Any) -> Any:
        self.inner = stomp_blocking.memory_broker(**keywords)
        return self

    def connect(self, **keywords: Any) -> Any:
        return Dressed(self.inner.connect(**keywords))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def sleep(self, seconds: float) -> None:
        self.inner.run(seconds)

    def now(self) -> float:
        now: float = self.inner.network.now
        return now

    def run(self, scenario: Callable[..., Coroutine[Any, Any, object]]) -> None:
        finish(scenario(self))

    async def together(self, *functions: Callable[[], Coroutine[Any, Any, object]]) -> None:
        for function in functions:
            await function()


@pytest.fixture(params=[Trio, Asyncio, Blocking], ids=lambda kind: kind.__name__.lower())
def colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    begun = time.monotonic()
    made: list[int] = []
    original = socket.socket.connect

    def connect(self: socket.socket, *arguments: Any) -> Any:
        made.append(1)
        return original(self, *arguments)

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield request.param()
    assert made == [], "somebody used a socket"
    assert time.monotonic() - begun < 60, "somebody waited in earnest"


def test_messages_go_both_ways_and_an_hour_passes_at_once(colour: Any) -> None:
    async def scenario(colour: Any) -> None:
        broker = colour.broker()
        async with broker.connect(login="ada") as client:
            async with client.subscribe("/topic/a") as messages:
                await client.send("/topic/a", "from a client", receipt=True)
                broker.send("/topic/a", b"from the broker", headers={"x": "y"})
                assert [(await messages.receive()).text for _ in range(2)] == [
                    "from a client",
                    "from the broker",
                ]
                begun = colour.now()
                await colour.sleep(3_600.0)
                assert colour.now() - begun >= 3_600.0
                # Hearts have beaten all the time: nobody was given up.
                await client.send("/topic/a", "an hour later", receipt=True)
                assert (await messages.receive()).text == "an hour later"
            assert broker.statistics().connections == 1
        assert broker.statistics().connections == 0
        assert [
            type(event) for event in broker.events if isinstance(event, ClientConnected | ClientGone)
        ] == [
            ClientConnected,
            ClientGone,
        ]

    colour.run(scenario)


def test_waiting_takes_the_time_that_it_takes(colour: Any) -> None:
    slow = Conditions(there=Path(latency=2.0), back=Path(latency=3.0))

    async def scenario(colour: Any) -> None:
        broker = colour.broker(conditions=lambda address, number: slow)
        async with broker.connect(receipt_timeout=60.0) as client:
            begun = colour.now()
            await client.send("/queue/a", receipt=True)
            assert colour.now() - begun == pytest.approx(5.0)
        async with broker.connect(receipt_timeout=4.0, open_timeout=60.0) as client:
            begun = colour.now()
            with pytest.raises(ReceiptTimeout):
                await client.send("/queue/a", receipt=True)
            assert colour.now() - begun == pytest.approx(4.0)

    colour.run(scenario)


def test_a_client_comes_again_when_its_connection_breaks(colour: Any) -> None:
    refused = [False]

    def conditions(address: object, number: int) -> Conditions:
        return Conditions(refusal=StreamLoss.REFUSED if refused[0] else None)

    async def scenario(colour: Any) -> None:
        broker = colour.broker(conditions=conditions)
        async with broker.connect(reconnect=Backoff(initial=100.0, cap=100.0)) as client:
            life = client.lifecycle()
            refused[0] = True
            begun = colour.now()
            broker.network.wires[-1].reset()
            assert isinstance(await anext(life), Interrupted)
            refused[0] = False
            assert isinstance(await anext(life), Ready)
            # Half of it: chance is the middle of everything in there.
            assert colour.now() - begun == pytest.approx(50.0, abs=1.0)

    colour.run(scenario)


def test_who_may_not_come_in_is_told(colour: Any) -> None:
    async def scenario(colour: Any) -> None:
        broker = colour.broker(login=lambda request: request.passcode == "secret", options=BrokerOptions())
        with pytest.raises(AuthenticationError):
            async with broker.connect(login="ada", passcode="guess"):
                raise AssertionError("it was let in")
        async with broker.connect(login="ada", passcode="secret"):
            pass

    colour.run(scenario)


def test_a_broker_that_closes_is_noticed(colour: Any) -> None:
    async def scenario(colour: Any) -> None:
        broker = colour.broker()
        async with broker.connect() as client:
            life = client.lifecycle()
            broker.close()
            assert isinstance(await anext(life), Interrupted)

    colour.run(scenario)


def test_several_clients_work_together(colour: Any) -> None:
    async def scenario(colour: Any) -> None:
        broker = colour.broker()
        done: list[str] = []
        async with (
            broker.connect() as asks,
            broker.connect() as answers,
            answers.subscribe("/queue/work", ack="client-individual") as work,
        ):

            async def ask() -> None:
                for number in range(20):
                    await asks.send("/queue/work", str(number), receipt=True)
                    await colour.sleep(0.5)

            async def answer() -> None:
                while len(done) < 20:
                    message = await work.receive()
                    async with message.process():
                        done.append(message.text)

            await colour.together(ask, answer)
        assert done == [str(number) for number in range(20)]

    colour.run(scenario)


def test_the_design_s_name_is_a_broker_with_a_clock_of_its_own() -> None:
    broker = memory_broker()
    with broker.connect() as client, client.subscribe("/queue/a") as messages:
        with pytest.raises(TimeoutError):
            messages.receive(timeout=100.0)
        assert 100.0 <= broker.network.now < 101.0
        with pytest.raises(TimeoutError, match="it never will"):
            messages.receive()
        client.send("/queue/a", b"now")
        assert messages.receive().body == b"now"


def test_handlers_are_called_by_whoever_waits() -> None:
    broker = memory_broker()
    heard: list[bytes] = []
    with broker.connect() as client:
        client.consume("/queue/a", lambda message: heard.append(message.body))
        broker.send("/queue/a", b"1")
        client.run(timeout=10.0)
        assert heard == [b"1"]


def test_who_is_cancelled_does_not_wait_for_the_end() -> None:
    async def scenario() -> None:
        broker = stomp_trio.memory_broker()
        with trio.move_on_after(1.0) as scope:
            async with broker.connect() as client, client.subscribe("/queue/a") as messages:
                await messages.receive()
        assert scope.cancelled_caught
        await trio.sleep(60.0)
        assert broker.statistics().connections == 0

    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_line_that_is_busy_for_ever_costs_no_turns() -> None:
    """Whoever waits looks only when something is due: a heart-beat now and then, and nothing in between."""

    async def scenario() -> None:
        broker = stomp_trio.memory_broker()
        async with broker.connect(heartbeat=(10.0, 10.0)) as client, client.subscribe("/queue/a") as messages:
            looked = 0
            original = broker.catch_up

            def catch_up() -> None:
                nonlocal looked
                looked += 1
                original()

            broker.catch_up = catch_up  # type: ignore[method-assign]
            with trio.move_on_after(1_000.0):
                await messages.receive()
            assert looked < 2_000

    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
