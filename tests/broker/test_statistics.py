"""A broker in numbers."""

from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.broker.statistics import QueueStatistics, Statistics
from tests.broker.world import World


def test_numbers_are_what_there_is_and_has_been() -> None:
    world = World(BrokerOptions(vhosts=["red"]), login=None)
    world.connect(settle=False)
    world.settle()
    assert world.broker.statistics().connections == 0
    world = World(BrokerOptions(vhosts=["red"]))
    client, slow = world.connect(), world.connect()
    client.connection.subscribe("/queue/a", id="0", ack="client", headers={"prefetch-count": "1"})
    slow.connection.subscribe("/topic/a", id="0")
    world.settle()
    slow.reads = False
    for destination in ("/queue/a", "/queue/a", "/topic/a", "/topic/b"):
        client.connection.send(destination, b"body")
    world.settle()
    found = world.broker.statistics()
    assert found == Statistics(
        connections=2,
        subscriptions=2,
        sent=4,
        delivered=2,
        dropped=0,
        backlog=found.backlog,
        queues={
            ("red", "/queue/a"): QueueStatistics(
                waiting=1,
                octets=found.queues["red", "/queue/a"].octets,
                unacknowledged=1,
                consumers=1,
            )
        },
    )
    assert 50 < found.backlog < 200
    assert 4 < found.queues["red", "/queue/a"].octets < 1_000
