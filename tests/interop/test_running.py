"""The runner: what a scenario's end means, and that no end passes for another."""

import pytest

from tests.interop import running
from tests.interop.colours import COLOURS, TrioColour
from tests.interop.exchange import Scenario, expect
from tests.interop.running import Outcome, Result, run_server
from tests.interop.servers.server import Door, Server, Traits


class Nowhere(Server):
    """A server that is never reached: its scenarios talk to nobody."""

    name = "Nowhere"
    traits = Traits(
        lacks={"broken": "it never works", "works@ws": "text only"},
        leaves_out={"absurd": "there is no sense in it"},
        uneven={"ws": "it stumbles"},
    )

    @classmethod
    def install(cls, say):
        pass

    @classmethod
    def version(cls):
        return "1.0"

    def start(self):
        raise NotImplementedError

    @property
    def doors(self):
        return (Door("tcp", "stomp://127.0.0.1:1", 1), Door("ws", "ws://127.0.0.1:1/", 1))


async def works(x):
    expect(x.door.port == 1, "the door is another one")


async def broken(x):
    expect(False, "as it is said")


async def rude(x):
    raise ZeroDivisionError("a bug of the scenario")


async def endless(x):
    while True:
        await x.colour.sleep(0.01)


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    """Run scenarios on the server above with trio; return what each ended with."""

    def run(*scenarios, transports=("tcp",)):
        monkeypatch.setattr(running, "SCENARIOS", scenarios)
        told: list[Result] = []
        results = run_server(
            Nowhere(tmp_path), adapters=["stomp_trio"], transports=transports, report=told.append
        )
        assert told == results
        return {(result.scenario, result.transport): (result.outcome, result.why) for result in results}

    return run


def test_each_end_has_its_outcome(outcomes):
    found = outcomes(
        Scenario("works", "", works),
        Scenario("broken", "", broken),
        Scenario("absurd", "", rude),
        Scenario("rude", "", rude, idles=True),
        Scenario("endless", "", endless, seconds=0.05),
    )
    assert found == {
        ("works", "tcp"): (Outcome.WORKS, ""),
        ("broken", "tcp"): (Outcome.LACKS, "it never works"),
        ("absurd", "tcp"): (Outcome.LEFT_OUT, "there is no sense in it"),
        ("rude", "tcp"): (Outcome.FAILED, "ZeroDivisionError: a bug of the scenario"),
        ("endless", "tcp"): (Outcome.FAILED, "TimeoutError: nothing within 0.05 s"),
    }


def test_what_works_though_it_was_said_not_to_is_a_failure(outcomes):
    found = outcomes(Scenario("works", "", works), transports=("tcp", "ws"))
    assert found["works", "tcp"] == (Outcome.WORKS, "")
    assert found["works", "ws"] == (Outcome.FAILED, "it works, and was said not to: text only")


def test_where_a_server_stumbles_a_connection_that_was_lost_is_tried_once_more(outcomes):
    tries: dict[str, int] = {}

    async def stumbles(x):
        tries[x.door.transport] = tries.get(x.door.transport, 0) + 1
        if tries[x.door.transport] == 1:
            raise ConnectionResetError("by the server")

    async def falls(x):
        raise ConnectionResetError("always")

    found = outcomes(
        Scenario("stumbles", "", stumbles),
        Scenario("falls", "", falls),
        Scenario("rude", "", rude),
        transports=("tcp", "ws"),
    )
    assert found["stumbles", "ws"] == (Outcome.WORKS, "at the second try: it stumbles")
    assert found["stumbles", "tcp"] == (Outcome.FAILED, "ConnectionResetError: by the server")
    assert found["falls", "ws"] == (Outcome.FAILED, "ConnectionResetError: always")
    assert found["rude", "ws"][0] is Outcome.FAILED
    assert tries == {"tcp": 1, "ws": 2}


def test_a_scenario_is_played_where_it_makes_sense(outcomes):
    found = outcomes(
        Scenario("works", "", works, only=frozenset({"tcp"}), why_only="it is about TCP"),
        transports=("tcp", "ws"),
    )
    assert found["works", "tcp"] == (Outcome.WORKS, "")
    assert found["works", "ws"] == (Outcome.LEFT_OUT, "it is about TCP")


def test_the_server_is_restarted_once_for_all_who_came_to_the_gate(outcomes, monkeypatch):
    restarts: list[Nowhere] = []
    monkeypatch.setattr(Nowhere, "start", lambda server: restarts.append(server))

    async def passes(x):
        expect(not restarts, "it came too early")
        await x.pass_gate()
        expect(len(restarts) == 1, "it did not come")

    found = outcomes(
        Scenario("passes", "", passes, event="restart"),
        Scenario("broken", "", broken, event="restart"),
        transports=("tcp", "ws"),
    )
    assert found["passes", "tcp"] == found["passes", "ws"] == (Outcome.WORKS, "")
    assert found["broken", "tcp"][0] is Outcome.LACKS
    assert len(restarts) == 1


def test_an_adapter_that_is_not_there_is_told(outcomes, monkeypatch):
    absent = TrioColour()
    absent.name = "stomp_nowhere"
    monkeypatch.setattr(running, "COLOURS", (*COLOURS, absent))
    monkeypatch.setattr(running, "SCENARIOS", [Scenario("works", "", works)])
    results = run_server(
        Nowhere.__new__(Nowhere), adapters=["stomp_nowhere"], transports=["tcp"], report=lambda result: None
    )
    assert [result.outcome for result in results] == [Outcome.NOT_THERE]
    assert "stomp_nowhere" in results[0].why
