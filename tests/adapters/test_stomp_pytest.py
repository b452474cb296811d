"""The pytest plugin: its fixtures as these very tests use them, and runs of pytest of their own beside other
plugins.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections import defaultdict
from typing import Any

import pytest
import trio

from stomp_asyncio import AuthenticationError, BrokerError, Interrupted, Ready, ReceiptTimeout
from stomp_pytest.delayed import DelayedBroker
from stomp_pytest.running import TRANSPORTS, RunningBroker
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.events import ClientGone, LoginAsked
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.machine import StreamId, StreamLoss

pytest_plugins = ["pytester"]


# What is loaded


def test_nothing_is_imported_before_a_fixture_is_used():
    script = (
        "import sys, pytest; before = set(sys.modules); import stomp_pytest.plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["stomp_pytest", "stomp_pytest.plugin"]


# What it offers


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_in_every_colour(
    stomp_broker, stomp_blocking_connect, stomp_asyncio_connect, stomp_trio_connect, transport
):
    async def send(connect: Any) -> None:
        async with connect(transport) as client:
            await client.send("/queue/a", "grüße")

    with stomp_blocking_connect(transport) as client:
        client.send("/queue/a", "grüße")
    asyncio.run(send(stomp_asyncio_connect))
    trio.run(send, stomp_trio_connect)
    messages = stomp_broker.wait_for("/queue/a", 3)
    assert [message.body.decode() for message in messages] == ["grüße"] * 3
    expected = {"tcp": "tcp", "sockjs-websocket": "websocket"}.get(transport, transport)
    asked = [event.transport for event in stomp_broker.events if isinstance(event, LoginAsked)]
    assert asked == [expected] * 3


def test_a_client_that_is_ready(stomp_broker, stomp_blocking_client):
    with stomp_blocking_client.subscribe("/topic/a") as messages:
        stomp_broker.wait_for_subscription("/topic/a")
        stomp_broker.send("/topic/a", "text", headers={"x": "y"})
        message = messages.receive(timeout=10)
        assert (message.text, message.headers["x"]) == ("text", "y")
        assert len(stomp_broker.subscriptions) == 1
    stomp_broker.wait_until(lambda: not stomp_broker.subscriptions)
    assert len(stomp_broker.clients) == 1


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_has_an_empty_broker_at_the_same_address(
    stomp_broker, stomp_blocking_client, time, request
):
    assert stomp_broker.statistics().queues == {}
    assert stomp_broker.sent() == []
    address = request.config.stash.setdefault(ADDRESS, stomp_broker.url)
    assert stomp_broker.url == address
    stomp_blocking_client.send("/queue/left-over", receipt=True)
    stomp_blocking_client.subscribe("/queue/a").__enter__()


ADDRESS = pytest.StashKey[str]()


@pytest.mark.stomp_broker(login={"ada": "secret"}, options=BrokerOptions(server="marked/1.0"))
class TestMarked:
    def test_a_marker_says_how_the_broker_is(self, stomp_broker, stomp_blocking_connect):
        with stomp_blocking_connect(login="ada", passcode="secret"):
            assert [client.login for client in stomp_broker.wait_for_client()] == ["ada"]
        with pytest.raises(AuthenticationError):
            stomp_blocking_connect(login="ada", passcode="guess").__enter__()

    @pytest.mark.stomp_broker(login=None)
    def test_the_closest_marker_wins(self, stomp_broker, stomp_blocking_client):
        assert stomp_broker.clients[0].login is None


def test_an_event_is_told_to_whoever_wants_it_too(stomp_broker, stomp_blocking_connect):
    told: list[Any] = []
    stomp_broker.restart(on_event=told.append)
    with stomp_blocking_connect():
        pass
    stomp_broker.wait_until(lambda: any(isinstance(event, ClientGone) for event in stomp_broker.events))
    assert told == stomp_broker.events


# Faults


def test_a_client_that_is_dropped_comes_again(stomp_broker, stomp_blocking_connect):
    with stomp_blocking_connect() as one, stomp_blocking_connect() as other:
        life, others = one.lifecycle(), other.lifecycle()
        stomp_broker.drop(stomp_broker.clients[0])
        assert isinstance(next(life), Interrupted)
        assert isinstance(next(life), Ready)
        stomp_broker.drop()
        assert isinstance(next(life), Interrupted)
        assert isinstance(next(others), Interrupted)


def test_an_error_frame_reaches_a_client(stomp_broker, stomp_blocking_client):
    life = stomp_blocking_client.lifecycle()
    stomp_broker.error_frame("maintenance", details="come back soon")
    interrupted = next(life)
    assert isinstance(interrupted, Interrupted)
    assert isinstance(interrupted.error, BrokerError)
    assert "maintenance" in str(interrupted.error)
    assert "come back soon" in str(interrupted.error)


def test_answers_come_late(stomp_broker, stomp_blocking_connect):
    with stomp_blocking_connect(receipt_timeout=0.05) as client:
        stomp_broker.delay(0.5)
        with pytest.raises(ReceiptTimeout):
            client.send("/queue/a", "late", receipt=True)
        assert stomp_broker.sent("/queue/a") == []
        assert stomp_broker.wait_for("/queue/a")[0].body == b"late"
        stomp_broker.delay(0)


def test_a_broker_that_is_away(stomp_broker, stomp_blocking_connect):
    with stomp_blocking_connect() as client:
        client.send("/queue/a", "before", receipt=True)
        url, life = stomp_broker.url, client.lifecycle()
        with stomp_broker.down():
            assert isinstance(next(life), Interrupted)
            with pytest.raises(RuntimeError, match="no broker runs"):
                stomp_broker.send("/topic/a")
        assert isinstance(next(life), Ready)
        assert stomp_broker.url == url
        client.send("/queue/a", "behind", receipt=True)
        assert [message.body for message in stomp_broker.sent("/queue/a")] == [b"behind"]


def test_what_is_heard_late_is_heard_in_order_and_before_the_end():
    broker = DelayedBroker(StreamEntrance([PlainLink.accepted]), lambda: "token")
    stream = StreamId(-1)
    said = [b"CONNECT\naccept-version:1.2\n\n\0", b"SEND\ndestination:/topic/a\n\n1\0"]
    broker.stream_accepted(stream, 0, "somebody", 0.0)
    broker.delay = 2.0
    broker.receive_data(stream, said[0], 1.0)
    broker.delay = 0.0
    broker.receive_data(stream, said[1], 1.0)
    broker.receive_eof(stream, 1.5)
    assert broker.next_deadline() == 3.0
    broker.handle_timeout(2.9)
    assert broker.next_event() is None
    broker.handle_timeout(3.0)
    asked = broker.next_event()
    assert isinstance(asked, LoginAsked)
    broker.accept(asked.peer, 3.0)
    assert broker.statistics().sent == 1
    broker.delay = 2.0
    other = StreamId(-2)
    broker.stream_accepted(other, 0, "somebody", 4.0)
    broker.receive_data(other, said[0], 4.0)
    broker.stream_lost(other, StreamLoss.RESET, 4.5)
    names = [type(event).__name__ for event in iter(broker.next_event, None)]
    assert names[-2:] == ["LoginAsked", "ClientGone"]


# Waiting


def test_what_never_comes_is_said(stomp_broker, stomp_blocking_client):
    stomp_blocking_client.send("/queue/b", receipt=True)
    told = r"0 of 2 messages were sent to /queue/a; others went to /queue/b, after 0.01 s"
    with pytest.raises(TimeoutError, match=told):
        stomp_broker.wait_for("/queue/a", 2, timeout=0.01)
    with pytest.raises(TimeoutError, match="1 of 2 clients are connected"):
        stomp_broker.wait_for_client(2, timeout=0.01)
    with pytest.raises(TimeoutError, match="there are 0 of 1 subscriptions of /topic/a"):
        stomp_broker.wait_for_subscription("/topic/a", timeout=0.01)
    with pytest.raises(TimeoutError, match="does not hold"):
        stomp_broker.wait_until(lambda: False, timeout=0.01)


async def wait_for_everything(broker: RunningBroker, connect: Any) -> None:
    async with connect() as client:
        assert len(await broker.wait_for_client_async()) == 1
        async with client.subscribe("/topic/a") as messages:
            await broker.wait_for_subscription_async("/topic/a")
            broker.send("/topic/a", b"1")
            assert (await messages.receive()).body == b"1"
            assert [message.body for message in await broker.wait_for_async("/topic/a")] == [b"1"]
        await broker.wait_until_async(lambda: not broker.subscriptions)
        with pytest.raises(TimeoutError, match="0 of 1 messages"):
            await broker.wait_for_async("/topic/b", timeout=0.01)
        with pytest.raises(RuntimeError, match="_async"):
            broker.wait_for("/topic/b")
        # What is there already needs no waiting.
        broker.wait_for("/topic/a")


def test_tests_that_await_have_waits_of_their_own(stomp_broker, stomp_asyncio_connect, stomp_trio_connect):
    asyncio.run(wait_for_everything(stomp_broker, stomp_asyncio_connect))
    stomp_broker.restart()
    trio.run(wait_for_everything, stomp_broker, stomp_trio_connect)


def test_who_gives_up_waiting_leaves_no_thread_waiting(stomp_broker):
    async def give_up_trio() -> None:
        with trio.move_on_after(0.01):
            await stomp_broker.wait_for_async("/queue/a", timeout=1_000)

    async def give_up_asyncio() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await stomp_broker.wait_for_async("/queue/a", timeout=1_000)

    trio.run(give_up_trio)
    # Its loop waits for its threads.
    asyncio.run(give_up_asyncio())


# Its end


def test_nothing_is_left_of_it():
    # One of an earlier test may be about to end.
    before = set(threading.enumerate())
    with RunningBroker() as broker:
        broker.restart()
        assert len(set(threading.enumerate()) - before) == 1
    assert set(threading.enumerate()) <= before


def test_a_failure_in_the_background_is_no_secret():
    def fail(event: object) -> None:
        raise ZeroDivisionError("in the background")

    broker = RunningBroker()
    broker.restart(on_event=fail)
    broker.send("/topic/a")
    with pytest.raises(RuntimeError, match="in the background failed: ZeroDivisionError"), broker:
        pass


# Runs of pytest of their own


CONFTEST = """
    import threading

    def pytest_sessionfinish():
        left = [thread.name for thread in threading.enumerate() if thread.name == "stomp_broker"]
        assert not left, left
"""
BLOCKING = """
    import asyncio

    def test_blocking(stomp_broker, stomp_blocking_client):
        stomp_blocking_client.send("/queue/a", "body", receipt=True)
        assert stomp_broker.wait_for("/queue/a")[0].body == b"body"

    def test_asyncio_without_a_plugin(stomp_broker, stomp_asyncio_connect):
        async def scenario():
            async with stomp_asyncio_connect() as client:
                await client.send("/queue/a", receipt=True)

        asyncio.run(scenario())
        stomp_broker.wait_for("/queue/a")
"""
AWAITING = """
    import pytest

    @pytest.mark.{mark}
    async def test_awaiting(stomp_broker, stomp_{colour}_connect):
        async with stomp_{colour}_connect("websocket") as client:
            async with client.subscribe("/topic/a") as messages:
                await stomp_broker.wait_for_subscription_async("/topic/a")
                stomp_broker.send("/topic/a", "text")
                assert (await messages.receive()).text == "text"
"""
BACKENDS = """
    @pytest.fixture(params=["{colour}"])
    def anyio_backend(request):
        return request.param
"""
NOBODY = ["-p", "no:trio", "-p", "no:asyncio", "-p", "no:anyio"]


def outcome(pytester: pytest.Pytester, *arguments: str, **files: str) -> pytest.RunResult:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(**files)
    warnings = ("-W", "error", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    return pytester.runpytest_subprocess(*warnings, *arguments, timeout=120)


def test_beside_no_other_plugin(pytester):
    outcome(pytester, *NOBODY, test_a=BLOCKING).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("plugin", "colour", "mark", "others"),
    [
        ("pytest-trio", "trio", "trio", ["-p", "no:asyncio", "-p", "no:anyio"]),
        ("pytest-asyncio", "asyncio", "asyncio", ["-p", "no:trio", "-p", "no:anyio"]),
        ("anyio", "trio", "anyio", ["-p", "no:trio", "-p", "no:asyncio"]),
        ("anyio", "asyncio", "anyio", ["-p", "no:trio", "-p", "no:asyncio"]),
    ],
)
def test_beside_others(pytester, plugin, colour, mark, others):
    if plugin == "pytest-asyncio":
        pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    source = (AWAITING + BACKENDS * (plugin == "anyio")).format(colour=colour, mark=mark)
    outcome(pytester, *others, test_a=source, test_b=BLOCKING).assert_outcomes(passed=3)


def test_each_worker_of_xdist_has_a_broker_of_its_own(pytester):
    source = """
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_it(stomp_broker, stomp_blocking_client, worker_id, number):
            stomp_blocking_client.send("/queue/a", receipt=True)
            assert len(stomp_broker.sent("/queue/a")) == 1
            with open("ports.txt", "a") as file:
                print(worker_id, stomp_broker.port, file=file)
    """
    outcome(pytester, *NOBODY, "-n", "2", test_a=source).assert_outcomes(passed=20)
    ports: dict[str, set[str]] = defaultdict(set)
    for line in (pytester.path / "ports.txt").read_text().splitlines():
        worker, port = line.split()
        ports[worker].add(port)
    assert sorted(ports) == ["gw0", "gw1"]
    assert [len(used) for used in ports.values()] == [1, 1]
    assert ports["gw0"] != ports["gw1"]


def test_it_can_be_left_out(pytester):
    result = outcome(pytester, *NOBODY, "-p", "no:stomp_sansio", test_a="def test_a(stomp_broker): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'stomp_broker' not found*"])


def test_what_it_offers_is_listed(pytester):
    result = outcome(pytester, *NOBODY, "--markers", test_a=BLOCKING)
    result.stdout.fnmatch_lines(["@pytest.mark.stomp_broker(*keywords): start the broker of this test*"])
