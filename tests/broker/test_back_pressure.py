"""A client that takes what is there bit by bit, and acknowledges when it likes, gets everything in the end.

Work is done in the smallest pieces here, so that its writer comes, and runs dry, between any two of them.
"""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from stomp_sansio import Limits, Message
from stomp_sansio.broker import steward
from stomp_sansio.broker.entrance import StreamEntrance
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.plain import PlainLink
from tests.broker.test_writers import accept
from tests.broker.world import World

NAMES = ["a", "b"]
OPTIONS = BrokerOptions(slow_octets=10**9, slow_seconds=10**6, limits=Limits(max_unacknowledged=2))

sends = st.tuples(st.just("send"), st.sampled_from([1, 30_000, 40_000]), st.sampled_from(NAMES))
noises = st.tuples(st.just("noise"), st.just(1), st.just(""))
pulls = st.tuples(st.just("pull"), st.sampled_from([20_000, 65_536, 10**6]), st.just(""))
acks = st.tuples(st.just("ack"), st.integers(0, 1), st.just(""))
runs = st.tuples(st.just("run"), st.integers(1, 5), st.just(""))


class Taker:
    """One client, and what it has got and not acknowledged."""

    def __init__(self, world: World, modes: list[str]) -> None:
        self.world = world
        self.client = world.connect()
        self.held: list[Message] = []
        self.got: list[bytes] = []
        for name, ack in zip(NAMES, modes, strict=True):
            self.client.connection.subscribe(f"/queue/{name}", id=name, ack=ack)
        world.settle()

    def hear(self) -> None:
        for event in self.client.heard:
            assert isinstance(event, Message)
            self.got.append(event.body)
            if event.ack is not None:
                self.held.append(event)
        self.client.heard.clear()

    def pull(self, octets: int) -> None:
        while octets > 0 and self.world.read(self.client, min(octets, 65_536)):
            octets -= 65_536
        self.hear()

    def acknowledge(self, number: int) -> None:
        if self.held:
            self.client.connection.ack(self.held.pop(number % len(self.held)))
            octets = self.client.connection.data_to_send(self.world.now)
            self.world.broker.receive_data(self.client.stream, octets, self.world.now)


# More than it may have, before anybody has looked at it.
TOO_MUCH = [("noise", 1, ""), ("send", 30_000, "a"), ("send", 40_000, "a"), ("send", 1, "a"), ("run", 3, "")]


@example(plain=True, modes=["auto", "auto"], steps=TOO_MUCH)
@example(plain=False, modes=["auto", "auto"], steps=TOO_MUCH)
@given(
    plain=st.booleans(),
    modes=st.lists(st.sampled_from(["auto", "client-individual"]), min_size=2, max_size=2),
    steps=st.lists(st.one_of(sends, sends, noises, pulls, acks, runs), max_size=40),
)
def test_everything_comes_in_the_end(
    plain: bool, modes: list[str], steps: list[tuple[str, int, str]]
) -> None:
    with (
        patch.object(steward, "_AT_ONCE", 1),
        patch.object(steward, "_IN_A_RUN", 2),
        patch.object(steward, "_WOKEN", 1),
    ):
        world = World(OPTIONS, entrance=StreamEntrance([PlainLink.accepted if plain else accept]))
        others = [world.connect() for _ in range(4)]
        for other in others:
            other.connection.subscribe("/topic/noise", id="0")
        taker = Taker(world, modes)
        bodies: list[bytes] = []
        for what, number, name in steps:
            if what == "send":
                bodies.append(b"%d " % len(bodies) + bytes(number))
                world.broker.publish(f"/queue/{name}", bodies[-1], world.now)
            elif what == "noise":
                # Their writers are woken before that of the taker.
                world.broker.publish("/topic/noise", b"", world.now)
            elif what == "pull":
                taker.pull(number)
            elif what == "ack":
                taker.acknowledge(number)
            else:
                for _ in range(number):
                    world.broker.run(world.now)
        while True:
            world.settle()
            taker.hear()
            if not taker.held:
                break
            taker.acknowledge(0)
        assert sorted(taker.got) == sorted(bodies)
        assert all(numbers.unacknowledged == 0 for numbers in world.broker.statistics().queues.values())
