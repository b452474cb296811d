"""What is the blocking adapter's own: threads, timeouts, handlers in the caller's thread, and life without a
thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import stomp_blocking
from stomp_blocking._driver import Driver
from stomp_blocking._runner import Runner
from stomp_sansio import Ack, Disconnect, Nack, Send
from stomp_sansio.session.errors import ReplyTimeout
from tests.adapters.loopback import PATIENCE, LoopbackBroker
from tests.adapters.test_stomp_trio import Counter


@pytest.fixture(params=[True, False], ids=["thread", "pumped"])
def connect(request, server: LoopbackBroker) -> Callable[..., Any]:
    def connect(**keywords: Any) -> stomp_blocking.connect:
        return stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}", thread=request.param, **keywords)

    return connect


def test_everything_that_waits_can_be_told_how_long(connect, server):
    server.broker.unconfirmed |= {"/queue/silent", "/queue/acks"}
    with connect() as client, client.subscribe("/queue/a", ack="client-individual") as messages:
        with pytest.raises(TimeoutError, match=r"no message within 0\.01 s"):
            messages.receive(timeout=0.01)
        with pytest.raises(TimeoutError, match="still under way"):
            client.send("/queue/silent", "x", receipt=True, timeout=0.01)
        ticket = client.send_soon("/queue/silent", "x")
        with pytest.raises(TimeoutError, match="/queue/silent"):
            client.settled(ticket, timeout=0.01)
        with pytest.raises(stomp_blocking.ReplyTimeout):
            client.request("/queue/nobody", timeout=0.01)
        with pytest.raises(TimeoutError, match="drain"):
            client.drain(timeout=0.01)
        client.wait_ready(timeout=0.01)


def test_a_client_says_where_it_is(connect, server):
    with connect(login="ada", passcode="s3cr3t") as client:
        assert repr(client) == f"<Client of <Session stomp://127.0.0.1:{server.port}: ready>>"
    assert "ended" in repr(client)


def test_waiting_for_a_connection_that_does_not_come(connect, server):
    with connect(reconnect=stomp_blocking.Backoff(initial=30, cap=60)) as client:
        life = client.lifecycle()
        server.drop_all()
        assert isinstance(next(life), stomp_blocking.Interrupted)
        with pytest.raises(TimeoutError, match="a connection"):
            client.wait_ready(timeout=0.01)


def test_handlers_run_in_the_thread_that_runs(connect):
    threads: list[threading.Thread] = []

    def handler(message: stomp_blocking.Message) -> None:
        threads.append(threading.current_thread())
        if message.text == "last":
            client.close()

    with connect() as client:
        client.consume("/queue/a", handler)
        client.consume("/queue/b", handler)
        for destination, text in (
            ("/queue/a", "1"),
            ("/queue/b", "2"),
            ("/queue/a", "3"),
            ("/queue/b", "last"),
        ):
            client.send(destination, text, receipt=True)
        client.run()
    assert threads == [threading.current_thread()] * 4


def test_run_ends_when_its_time_is_over(connect):
    seen: list[str] = []
    with connect() as client:
        client.consume("/queue/a", lambda message: seen.append(message.text))
        client.run(timeout=0.01)
        client.send("/queue/a", "x", receipt=True)
        # It may come after its receipt.
        while not seen:
            client.run(timeout=0.2)
        assert seen == ["x"]
        client.run(timeout=0)


def test_run_ends_when_its_time_is_over_though_more_waits(connect, monkeypatch):
    seen: list[str] = []
    now, late = Runner.now, 0.0

    def handle(message: stomp_blocking.Message) -> None:
        nonlocal late
        late += 3.0
        seen.append(message.text)

    monkeypatch.setattr(Runner, "now", lambda runner: now(runner) + late)
    with connect() as client:
        for number in range(5):
            client.send("/queue/a", f"{number}", receipt=True)
        client.consume("/queue/a", handle)
        client.run(timeout=5)
        assert seen == ["0", "1"]


def test_steps_are_enough(connect, server):
    seen: list[str] = []
    with connect() as client:
        client.consume("/queue/a", lambda message: seen.append(message.text))
        for number in range(200):
            client.send("/queue/a", str(number), receipt=number == 199)
        while len(seen) < 200:
            before = len(seen)
            client.step(0.5)
            assert len(seen) - before <= 64
        assert seen == [str(number) for number in range(200)]
        client.step()
    assert len(server.saw(Ack)) == 200


def test_an_exception_of_a_handler_comes_out_of_run_and_the_others_go_on(connect, server):
    seen: list[str] = []

    def fails(message: stomp_blocking.Message) -> None:
        raise LookupError(message.text)

    with connect() as client:
        client.consume("/queue/bad", fails)
        client.consume("/queue/good", lambda message: seen.append(message.text))
        client.send("/queue/bad", "bad", receipt=True)
        with pytest.raises(LookupError, match="bad"):
            client.run()
        client.send("/queue/good", "good", receipt=True)
        client.send("/queue/bad", "nobody's", receipt=True)
        while not seen:
            client.step(0.5)
    assert len(server.saw(Nack)) == 1


def test_a_subscription_that_is_refused_comes_out_of_run(connect, server):
    server.broker.refused.add("/queue/forbidden")
    with connect(reconnect=stomp_blocking.Backoff(initial=0.001)) as client:
        client.consume("/queue/forbidden", lambda message: None)
        with pytest.raises(stomp_blocking.BrokerError, match="no access"):
            client.run()


def test_handlers_that_must_not_overlap_do_not(server):
    """Several threads run, and one handler is allowed two of them, the other one."""
    busy = {"/queue/one": 0, "/queue/two": 0}
    most = dict(busy)
    seen: list[str] = []
    lock = threading.Lock()
    meet = threading.Barrier(2)

    def handler(message: stomp_blocking.Message) -> None:
        with lock:
            busy[message.destination] += 1
            most[message.destination] = max(most[message.destination], busy[message.destination])
        if message.destination == "/queue/two":
            meet.wait(PATIENCE)
        with lock:
            busy[message.destination] -= 1
            seen.append(message.text)
            done = len(seen) == 20
        if done:
            client.close()

    with stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}") as client:
        client.consume("/queue/one", handler)
        client.consume("/queue/two", handler, concurrency=2)
        for number in range(10):
            client.send("/queue/one", str(number), receipt=True)
            client.send("/queue/two", str(number), receipt=True)
        threads = [threading.Thread(target=client.run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == {"/queue/one": 1, "/queue/two": 2}


def test_sends_of_many_threads_all_arrive(server):
    with stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}") as client:

        def send(name: str) -> None:
            for number in range(200):
                client.send("/queue/a", f"{name} {number}")

        threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.send("/queue/a", "end", receipt=True)
    bodies = [event.body.decode() for event in server.saw(Send)]
    assert len(bodies) == 801
    for name in "abcd":
        assert [body for body in bodies if body[0] == name] == [f"{name} {number}" for number in range(200)]


def test_the_thread_that_everybody_waits_for_must_not_wait(server):
    errors: list[str] = []

    def incoming(event: object) -> None:
        try:
            client.wait_ready()
        except RuntimeError as error:
            errors.append(str(error))
        except NameError:
            pass  # the first frame comes before there is a client

    with stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}", incoming=incoming) as client:
        client.send("/queue/a", receipt=True)
    assert errors
    assert "must not wait" in errors[0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_of_ours_ends_every_wait(server, monkeypatch):
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    connecting = stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}")
    client = connecting.__enter__()
    monkeypatch.setattr(Driver, "step", broken)

    def send_twice() -> None:
        # The step that is under way may still bring the first receipt.
        for _ in range(2):
            client.send("/queue/a", "x", receipt=True)

    with pytest.raises(RuntimeError, match="the driver has failed") as caught:
        send_twice()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(RuntimeError, match="the driver has failed"):
        connecting.__exit__(None, None, None)


def test_a_good_bye_that_nobody_answers_ends_in_time(connect, server):
    with connect(close_timeout=0.1) as client:
        client.send("/queue/a", receipt=True)
        server.command(lambda broker, now: setattr(broker, "deaf", True))
        start = time.monotonic()
    assert time.monotonic() - start < 5
    assert server.saw(Disconnect)


def test_work_that_is_left_over_is_done_step_by_step():
    machine = Counter(10)
    driver: Driver[None] = Driver(machine, lambda event: None)
    for _ in range(10):
        driver.step(None)
    assert not machine.wants_run()
    driver.kick()
    driver.step(None)
    driver.close()


def test_a_thread_writes_what_it_says_and_the_driver_writes_what_is_left(connect, server):
    with connect() as client, client.subscribe("/queue/a") as messages:
        for number in range(50):
            client.send("/queue/a", str(number))
            assert messages.receive(timeout=PATIENCE).text == str(number)
        # More than a socket takes at once: the rest is the driver's.
        big = "x" * 500_000
        for _ in range(3):
            client.send("/queue/a", big, receipt=True)
        for _ in range(3):
            assert messages.receive(timeout=PATIENCE).text == big


def test_a_deadline_that_is_nearer_than_the_step_that_waits_is_kept(connect, server):
    with connect(heartbeat=(0, 0)) as client:
        client.send("/queue/a", receipt=True)
        server.command(lambda broker, now: setattr(broker, "deaf", True))
        start = time.monotonic()
        with pytest.raises(ReplyTimeout):
            client.request("/queue/nobody", timeout=0.2)
        assert time.monotonic() - start < 5
        server.command(lambda broker, now: setattr(broker, "deaf", False))
