"""One conversation, cut at every octet, in both directions and in every way: nothing is lost."""

import pytest

from stomp_sansio import AckMode
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.events import Ended, Ready
from stomp_sansio.session.tickets import Outcome
from stomp_sansio.testing import Conditions, Cut, Path

from .application import Application
from .world import World

FINE = Conditions()


def converse(first=FINE, *, beat=0.0):
    """Have the conversation, on a first connection of some conditions; return its world when all is done."""
    world = World(
        observe=lambda said: application.observe(said),
        heartbeat=(beat, beat),
        retry_first=True,
        reconnect=Backoff(initial=0.1),
        receipt_timeout=1000.0,
        open_timeout=2.0,
    )
    world.broker.beat = beat
    application = Application(world)
    application.conditions = lambda address, number: first if number == 1 else FINE
    application.subscribe("/queue/in", AckMode.CLIENT_INDIVIDUAL)
    application.subscribe("/queue/auto", AckMode.AUTO)
    world.do(world.session.start)
    tickets = [application.send("/queue/out", f"out-{number}".encode()) for number in range(3)]
    world.run(0.05)
    world.publish("/queue/in", b"in-1", b"in-2")
    world.publish("/queue/auto", b"auto-1")
    world.run(0.05)
    application.send("/queue/out", b"plain", confirm=False)
    tickets.append(application.send("/queue/out", b"last"))
    commit = application.transact("/queue/sum", b"sum")
    world.run(20.0)
    application.check_quiet()
    application.check_order()
    assert all(ticket is not None and ticket.outcome is Outcome.CONFIRMED for ticket in tickets)
    assert commit is None or commit.outcome in (Outcome.CONFIRMED, Outcome.UNKNOWN)
    assert list(dict.fromkeys(application.handed["/queue/in"])) == [b"in-1", b"in-2"]
    lanes = [world.network.wires[0].caller.lane.passed, world.network.wires[0].callee.lane.passed]
    closing = world.do(world.session.close)
    world.run()
    assert closing.outcome is Outcome.CONFIRMED
    assert isinstance(world.events[-1], Ended)
    assert world.session.finished
    return world, lanes


_, LENGTHS = converse()
"""Octets of the conversation in each direction, before the good-bye."""


def test_without_a_cut_one_connection_does():
    world, _ = converse()
    assert len(world.of(Ready)) == 1
    assert world.broker.accepted["/queue/out"] == [b"out-0", b"out-1", b"out-2", b"plain", b"last"]
    assert min(LENGTHS) > 400


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize(("cut", "step"), [(Cut.RESET, 1), (Cut.TRUNCATE, 5), (Cut.SILENCE, 11)], ids=str)
def test_a_cut_at_every_octet_loses_nothing(cut, step, back):
    # Only hearts that beat find out that nothing passes any more.
    beat = 1.0 if cut is Cut.SILENCE else 0.0
    for offset in range(0, LENGTHS[back], step):
        path = Path(cut_after=offset, cut=cut)
        try:
            converse(Conditions(back=path) if back else Conditions(there=path), beat=beat)
        except Exception as error:
            error.add_note(f"cut after octet {offset}")
            raise


@pytest.mark.parametrize("piece", [1, 3, 50])
def test_pieces_of_any_size_are_the_same_conversation(piece):
    path = Path(piece=piece)
    world, lanes = converse(Conditions(there=path, back=path))
    assert len(world.of(Ready)) == 1
    assert lanes == LENGTHS
