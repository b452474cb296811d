"""A transaction belongs to one connection, under a name of its own."""

from .world import World


def test_transactions_have_names_of_their_own_and_belong_to_the_present_connection():
    world = World().start()
    first, second = world.do(world.session.begin), world.do(world.session.begin)
    assert first.id != second.id
    assert first.epoch == second.epoch == 1
    world.lose()
    world.run(5.0)
    assert world.do(world.session.begin).epoch == 2
