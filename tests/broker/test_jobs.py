"""Work that was promised is done in its order: a receipt comes behind what it confirms."""

from stomp_sansio import Message, Receipt
from tests.broker.world import World


def test_a_receipt_comes_behind_what_it_confirms() -> None:
    world = World()
    client = world.connect()
    for number in range(300):
        client.connection.subscribe("/topic/a", id=str(number))
    client.connection.subscribe("/queue/a", id="queue")
    world.settle()
    client.connection.send("/topic/a", b"topic", receipt="topic")
    client.connection.send("/queue/a", b"queue", receipt="queue")
    heard = client.take()
    assert [event.body for event in heard if isinstance(event, Message)] == [b"topic"] * 300 + [b"queue"]
    places = [place for place, event in enumerate(heard) if isinstance(event, Receipt)]
    assert places == [300, 302]
