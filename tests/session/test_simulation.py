"""Random applications in random weather: the invariants hold after every event, and peace brings everything.

`SIMULATIONS=5000 ./dev test tests/session/test_simulation.py` tries as many seeds; `FIRST_SIMULATION` says
where to begin. The same seed is the same world.
"""

from __future__ import annotations

import math
import os
import random

import pytest

from stomp_sansio import AckMode
from stomp_sansio.machine import StreamLoss
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.events import Ended, Ready
from stomp_sansio.session.tickets import Outcome
from stomp_sansio.testing import Conditions, Cut, Path

from .application import Application
from .world import World, address, target

FIRST = int(os.environ.get("FIRST_SIMULATION", "0"))
COUNT = int(os.environ.get("SIMULATIONS", "30"))

QUEUES = ("/queue/a", "/queue/b", "/topic/c")
TROUBLE = 60.0
"""Virtual seconds of faults; afterwards everything has 120 more."""


class Simulation:
    """One seed: what is done, what goes wrong, and when."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.world = world = World(
            seed=seed,
            targets=(target("broker"), target("spare"))[: chance.choice((1, 1, 2))],
            jitter=chance.random,
            observe=lambda said: self.application.observe(said),
            heartbeat=(2.0, 2.0),
            retry_first=True,
            should_retry=lambda error, retry: True,
            ask_credentials=chance.random() < 0.3,
            reconnect=Backoff(cap=5.0),
            receipt_timeout=chance.choice((5.0, 30.0)),
            open_timeout=3.0,
            close_timeout=3.0,
            max_outbox_messages=chance.choice((3, 20, 10_000)),
            max_unconfirmed=chance.choice((1, 5, 10_000)),
            max_backlog=chance.choice((500, 100_000)),
            max_queue_octets=chance.choice((3000, 100_000)),
        )
        world.network.listen(world.server, address("spare"))
        world.broker.beat = 2.0
        world.broker.names_receipts = chance.random() < 0.5
        self.application = Application(world, handling=self.handling)
        self.peace = False
        self.numbers = iter(range(10**9))
        self.application.conditions = self.conditions
        self.application.fails = lambda: not self.peace and chance.random() < 0.2

    # The weather

    def path(self) -> Path:
        chance = self.chance
        return Path(
            latency=chance.choice((0.001, 0.05, 0.4)),
            jitter=chance.choice((0.0, 0.3)),
            piece=chance.choice((None, None, 1, 20)),
            window=chance.choice((200, 65536)),
            octets_per_second=chance.choice((math.inf, math.inf, 2000.0)),
            cut_after=chance.choice((None, chance.randrange(4000))),
            cut=chance.choice(list(Cut)),
        )

    def conditions(self, where: object, number: int) -> Conditions:
        if self.peace:
            return Conditions()
        chance = self.chance
        refusals = (StreamLoss.REFUSED, StreamLoss.UNRESOLVED, StreamLoss.RESET)
        return Conditions(
            refusal=chance.choice(refusals) if chance.random() < 0.2 else None,
            opening=chance.choice((0.001, 0.001, 0.5, math.inf)),
            there=self.path(),
            back=self.path(),
        )

    def handling(self) -> float | None:
        if self.peace:
            return 0.0
        return self.chance.choice((0.0, 0.0, 0.0, 0.5, 5.0, None))

    def fault(self) -> None:
        world, chance = self.world, self.chance
        wire = world.network.wires[-1] if world.network.wires else None
        peers = list(world.broker.peers.values())
        match chance.randrange(14):
            case 0 if wire:
                wire.reset()
            case 1 if wire:
                wire.silence(there=chance.random() < 0.5, back=chance.random() < 0.5)
            case 2 if wire:
                wire.stall(chance.uniform(0, 8))
            case 3:
                world.restart(keep=True)
            case 4:
                world.restart(keep=False)
            case 5:
                world.broker.hang_up()
            case 6:
                world.client.freeze(chance.uniform(0, 8))
            case 7:
                world.server.freeze(chance.uniform(0, 8))
            case 8 if peers:
                if peers[-1].ready:
                    world.broker.error(peers[-1], "out of memory")
            case 9:
                number = chance.randrange(4)
                world.broker.accepts = lambda connect: None if connect.connection % 4 != number else "denied"
            case 10:
                word = chance.choice(("SEND", "SUBSCRIBE", "ACK", "COMMIT", "nothing"))
                world.broker.objects = lambda said: (
                    "refused" if said.command == word and hash_of(said.body) % 5 == 0 else None
                )
            case 11:
                delay = chance.choice((0.0, 0.0, 1.0, None))
                world.broker.confirms = lambda said: delay if said.command != "DISCONNECT" else 0.0
            case 12 if peers and peers[-1].ready:
                odd = {"subscription": "who", "message-id": "0", "destination": "/queue/z"}
                world.broker.say(peers[-1], "MESSAGE", odd, b"for nobody")
                world.broker.say(peers[-1], "RECEIPT", {"receipt-id": "what"})
            case _:
                host = chance.choice(("broker", "spare"))
                world.network.unlisten(address(host))
                world.network.after(
                    chance.uniform(0, 5), lambda: world.network.listen(world.server, address(host))
                )
        world.server.kick()

    # The application

    def act(self) -> None:
        application, world, chance = self.application, self.world, self.chance
        if world.client.frozen or world.of(Ended):
            return
        body = f"{next(self.numbers)}".encode() * chance.choice((1, 1, 10))
        queue = chance.choice(("/queue/x", "/queue/y"))
        match chance.randrange(12):
            case 0 | 1 | 2 | 3:
                application.send(queue, body)
            case 4 | 5:
                application.send(queue, body, confirm=False, wait=chance.random() < 0.5)
            case 6:
                application.transact("/queue/t", body)
            case 7 | 8:
                world.publish(chance.choice(QUEUES), body)
            case 9 if len(application.subscriptions) < 8:
                self.subscribe()
            case 10 if application.subscriptions:
                world.do(world.session.unsubscribe, chance.choice(application.subscriptions))
            case _:
                application.request("/queue/nobody")

    def subscribe(self) -> None:
        chance = self.chance
        taken = {item.destination for item in self.application.subscriptions if not item.ended}
        free = [queue for queue in QUEUES if queue not in taken]
        if free:
            ack = chance.choice(list(AckMode))
            self.application.subscribe(chance.choice(free), ack, max_queue=chance.choice((1, 3, 100)))

    # The course of things

    def run(self, *, closes_at: float | None) -> None:
        world, chance = self.world, self.chance
        world.do(world.session.start)
        self.subscribe()
        until = world.network.now + TROUBLE
        while world.network.now < until:
            world.run(chance.expovariate(3.0))
            for _ in range(chance.choice((1, 1, 1, 10))):
                self.act()
            if chance.random() < 0.12:
                self.fault()
            if closes_at is not None and world.network.now >= closes_at:
                return
        self.peace = True

    def settle_down(self) -> None:
        """Let the faults stop; the application goes on as it is."""
        world = self.world
        broker = world.broker
        broker.accepts = broker.objects = lambda said: None
        broker.confirms = lambda said: 0.0
        for host in ("broker", "spare"):
            world.network.listen(world.server, address(host))
        for wire in world.network.wires:
            # What is broken breaks now: a half-open connection would be noticed by its beats as well.
            if not wire.over:
                wire.reset()
        self.application.release()
        world.server.kick()


def hash_of(body: bytes) -> int:
    """Return a number that is the same in every run."""
    return sum(body) + len(body)


def finish(simulation: Simulation) -> None:
    """Close the session, and make sure that nothing comes after its end."""
    world = simulation.world
    closing = world.do(world.session.close)
    world.network.run_until(lambda: world.session.finished, 30.0)
    assert closing.outcome in (Outcome.CONFIRMED, Outcome.UNKNOWN)
    assert isinstance(world.events[-1], Ended)
    assert len(world.of(Ended)) == 1
    assert world.session.next_deadline() is None
    passed = [wire.caller.lane.passed for wire in world.network.wires]
    attempts = len(world.network.attempts)
    world.run(100.0)
    assert [wire.caller.lane.passed for wire in world.network.wires] == passed, "(9) octets after the end"
    assert len(world.network.attempts) == attempts
    configured = {address("broker"), address("spare")}
    assert {attempt.address for attempt in world.network.attempts} <= configured, "(10) another host"
    simulation.application.check_order()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_after_trouble_everything_is_delivered_within_two_minutes(seed):
    simulation = Simulation(seed)
    world = simulation.world
    simulation.run(closes_at=None)
    simulation.settle_down()
    world.run(60.0)
    ready = len(world.of(Ready))
    assert ready, "(11) never connected"
    wakeups = world.client.wakeups
    world.run(60.0)
    assert len(world.of(Ready)) == ready, "(11) connections still break"
    assert world.client.wakeups - wakeups <= 3 * 60, "(7) a busy loop"
    simulation.application.check_quiet()
    finish(simulation)


@pytest.mark.parametrize("seed", range(FIRST + 10**6, FIRST + 10**6 + COUNT // 2))
def test_a_session_can_be_closed_in_the_middle_of_any_trouble(seed):
    simulation = Simulation(seed)
    simulation.run(closes_at=simulation.chance.uniform(0.0, 30.0))
    finish(simulation)
