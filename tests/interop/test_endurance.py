"""Faults are judged: what was confirmed and lost, what is unaccounted for, and silence that nobody noticed in
time are failures, and so is a run in which nothing happened.
"""

import pytest

from tests.interop import endurance
from tests.interop.endurance import page, play_all
from tests.interop.faults import HEARTBEAT, Count, Loss
from tests.interop.servers.server import Door, Server, Traits


class Steady(Server):
    """A server that nobody talks to."""

    name = "Steady"
    traits = Traits(max_unconfirmed={"ws": 200})

    @classmethod
    def install(cls, say):
        pass

    @classmethod
    def version(cls):
        return "1.0"

    def start(self):
        pass

    @property
    def doors(self):
        return (Door("tcp", "stomp://127.0.0.1:1", 1), Door("ws", "ws://127.0.0.1:1/", 1))


def count(
    *,
    confirmed: int = 10,
    received: int = 10,
    unknown: int = 0,
    noticed: float | None = 0.5,
    heard: float | None = None,
) -> Count:
    """Return the count of a run whose first loss was noticed so many seconds after a fault."""
    made = Count(confirmed + unknown, confirmed, unknown, received, set(range(received)))
    made.confirmed_numbers = set(range(confirmed))
    made.faults = [100.0]
    if noticed is not None:
        made.losses = [Loss(100.0 + noticed, ConnectionResetError(), heard)]
    return made


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Play faults that end with a given count, or a given error; return what came of each."""
    monkeypatch.setattr(endurance, "SERVERS", {"steady": Steady})

    def play(made, *, transports=("tcp",)):
        def play_fault(*arguments):
            if isinstance(made, Exception):
                raise made
            return made

        monkeypatch.setattr(endurance, "play_fault", play_fault)
        told: list[endurance.Played] = []
        found = play_all(["steady"], tmp_path, ["stomp_trio"], transports, 10, told.append)
        assert told == found
        return {one.what: one for one in found}

    return play


def problems(played):
    return {why for one in played.values() for why in one.problems}


def test_a_run_in_which_all_is_well(played):
    assert problems(played(count())) == set()


def test_what_was_confirmed_and_never_came_is_lost(played):
    assert problems(played(count(received=8))) == {"2 confirmed messages are lost"}


def test_every_message_is_accounted_for(played):
    made = count()
    made.sent += 3
    assert problems(played(made)) == {"3 messages are unaccounted for"}


def test_messages_of_which_the_library_says_that_it_does_not_know_are_accounted_for(played):
    assert problems(played(count(unknown=2))) == set()


def test_a_run_without_a_loss_of_a_connection_shows_nothing(played):
    assert "no connection was lost: nothing was shown" in problems(played(count(noticed=None)))


def test_silence_must_be_noticed_in_time_and_counts_from_the_last_octet(played):
    bound = 2 * HEARTBEAT + 1
    late = problems(played(count(noticed=bound + 1)))
    assert late == {f"silence was noticed after {bound + 1} s, not within {bound:g} s"}
    assert problems(played(count(noticed=bound + 1, heard=101.5))) == set()
    # what was heard before the fault does not count
    assert problems(played(count(noticed=bound + 1, heard=50.0))) == late


def test_a_run_that_does_not_end_is_a_failure_with_its_reason(played):
    found = played(TimeoutError("nothing within 300 s"))
    assert problems(found) == {"nothing within 300 s"}
    assert "**FAILED**: nothing within 300 s" in page(
        "Faults", list(found.values()), {"Steady": "1.0"}, "./dev interop"
    )


def test_the_page_has_a_row_for_each_run_and_names_what_a_client_had_to_mind(played):
    found = played(count(received=8), transports=("tcp", "ws"))
    assert len(found) == 4
    text = page("Faults", list(found.values()), {"Steady": "1.0"}, "./dev interop --faults")
    assert text.startswith("# Faults\n")
    rows = [line for line in text.splitlines() if line.startswith("| Steady")]
    assert len(rows) == 4
    assert all("| 10 | 10 | 0 | 2 | 0 | 0 | 1 | 0.50 s |" in row for row in rows)
    assert all(row.startswith("| Steady by ws, max_unconfirmed=200 |") for row in rows)
    assert "2 confirmed messages are lost" in text
