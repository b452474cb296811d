"""Whoever is there is come back to in time, and not when it is gone."""

from stomp_sansio.broker.options import BrokerOptions
from tests.broker.world import World


def test_each_is_come_back_to_in_its_time() -> None:
    world = World(BrokerOptions(open_timeout=7.0, heartbeat=(2.0, 2.0)))
    assert world.broker.next_deadline() is None
    early = world.open()
    assert world.broker.next_deadline() == 7.0
    world.advance(1.0)
    late = world.connect(heartbeat=(2.0, 2.0))
    beat = world.broker.next_deadline()
    assert beat is not None
    assert 1.0 < beat <= 3.0
    world.advance(10.0)
    assert early.stream not in world.clients
    assert late.stream in world.clients
    assert world.broker.statistics().connections == 1
    late.leave()
    assert world.broker.statistics().connections == 0
    assert world.broker.next_deadline() is None
    world.broker.accept(early.peer, world.now)
