"""A driver in virtual time: what it carries out, what it tells machines, and that the same seed is the same
world."""

import math
import random

import pytest

from stomp_sansio.machine import StreamLoss, TCPAddress
from stomp_sansio.testing import Conditions, Host, Livelock, Network, Path

from .echo import ADDRESS, Caller, Plain

USUAL = Conditions()


def world(octets=b"", *, conditions=USUAL, seed=0, tls=None):
    """Return a network with a caller and a callee that listens, not started."""
    network = Network(random.Random(seed).random, conditions=lambda address, number: conditions)
    caller, callee = Caller(octets, tls=tls), Plain()
    network.listen(network.add(callee), ADDRESS, 3)
    return network, network.add(caller), caller, callee


def test_what_one_machine_writes_the_other_reads():
    network, host, caller, callee = world(b"hello")
    host.kick()
    network.run(1.0)
    assert callee.what() == ["accepted 3", "data 5"]
    assert callee.octets == b"hello"
    assert caller.what() == ["opened"]
    assert network.now == 1.0


def test_an_attempt_takes_its_time_and_is_noted():
    network, host, caller, _ = world(conditions=Conditions(opening=0.25))
    network.run(1.0)
    host.kick()
    network.run(1.0)
    assert caller.told == [(1.25, "opened", "")]
    assert network.attempts == [(1.0, ADDRESS)]
    assert len(network.wires) == 1


def test_conditions_are_asked_for_by_address_and_number():
    asked = []

    def conditions(address, number):
        asked.append((address, number))
        return Conditions()

    network = Network(conditions=conditions)
    for _ in range(2):
        network.add(Caller()).kick()
    assert asked == [(ADDRESS, 1), (ADDRESS, 2)]


def test_nobody_listens_and_the_attempt_is_refused():
    network, host, caller, _ = world()
    network.unlisten(ADDRESS)
    network.unlisten(TCPAddress("elsewhere", 2))
    host.kick()
    network.run(1.0)
    assert caller.what() == ["lost refused"]
    assert network.wires == []


def test_an_attempt_can_fail_for_any_reason():
    network, host, caller, callee = world(conditions=Conditions(refusal=StreamLoss.CERTIFICATE_REFUSED))
    host.kick()
    network.run(1.0)
    assert caller.what() == ["lost certificate-refused"]
    assert callee.what() == []


def test_an_attempt_that_nobody_answers_can_be_given_up():
    network, host, caller, callee = world(conditions=Conditions(opening=math.inf))
    host.kick()
    network.run(100.0)
    assert caller.what() == []
    caller.close()
    host.kick()
    assert caller.what() == ["lost closed"]
    network.run(100.0)
    assert callee.what() == []


def test_an_attempt_that_was_given_up_is_not_answered():
    network, host, caller, callee = world(conditions=Conditions(opening=1.0))
    host.kick()
    caller.close()
    host.kick()
    network.run(5.0)
    assert caller.what() == ["lost closed"]
    assert callee.what() == []


def test_machines_have_clocks_of_their_own():
    network, _, _, callee = world()
    caller = Caller(b"x")
    ahead = network.add(caller, offset=100.0)
    caller.deadline = 100.5
    ahead.kick()
    network.run(1.0)
    assert ahead.now == 101.0
    assert [told[0] for told in caller.told] == [100.001, 100.5]
    assert callee.told[-1] == (pytest.approx(0.002), "data", 1)


def test_a_deadline_wakes_its_machine_when_it_is_due_and_once():
    network, host, caller, _ = world()
    caller.deadline = 5.0
    host.kick()
    caller.deadline = 2.0
    host.kick()
    network.run(10.0)
    assert caller.told[1:] == [(2.0, "time", "")]
    assert host.wakeups == 1


def test_a_deadline_that_moved_away_does_not_wake():
    network, host, caller, _ = world()
    caller.deadline = 2.0
    host.kick()
    caller.deadline = 7.0
    network.run(10.0)
    assert caller.told[1:] == [(7.0, "time", "")]


def test_a_deadline_that_is_gone_does_not_wake():
    network, host, caller, _ = world()
    caller.deadline = 2.0
    host.kick()
    caller.deadline = None
    network.run(10.0)
    assert caller.what() == ["opened"]


def test_work_that_was_left_over_is_done():
    network, host, caller, _ = world()
    caller.runs = 3
    host.kick()
    host.kick()
    network.run(1.0)
    assert caller.what() == ["run", "run", "run", "opened"]


def test_events_gather_or_go_to_who_listens():
    network = Network()
    said = ["a", "b"]

    class Talker(Plain):
        def next_event(self):
            return said.pop(0) if said else None

    host = network.add(Talker())
    host.kick()
    assert host.events == ["a", "b"]
    said += ["c", "d"]
    told = []

    def listen(event):
        told.append(event)
        other.kick()  # as who gives the machine a command at once

    other: Host[str] = network.add(Talker(), listen)
    other.kick()
    assert told == ["c", "d"]
    assert other.events == []


def test_a_frozen_machine_is_told_everything_afterwards():
    network, host, caller, callee = world(b"hello")
    caller.deadline = 1.0
    host.kick()
    host.freeze(2.0)
    host.freeze(5.0)
    assert host.frozen
    network.run(4.0)
    assert caller.what() == []
    assert callee.what() == ["accepted 3"]
    network.run(2.0)
    assert not host.frozen
    assert caller.told == [(5.0, "opened", ""), (5.0, "time", "")]
    assert callee.octets == b"hello"


def test_a_machine_that_keeps_itself_busy_is_found_out():
    network = Network()

    class Busy(Plain):
        def wants_run(self):
            return True

    network.add(Busy()).kick()
    with pytest.raises(Livelock, match="it goes on"):
        network.run(1.0)


def test_things_can_be_done_at_an_instant():
    network = Network()
    done = []
    network.after(2.0, lambda: done.append(network.now))
    network.at(1.0, lambda: done.append(network.now))
    network.at(-5.0, lambda: done.append(network.now))
    network.at(math.inf, lambda: done.append(math.inf))
    network.run(1000.0)
    assert done == [0.0, 1.0, 2.0]


def test_checks_are_called_after_everything_that_happened():
    network = Network()
    seen = []
    network.checks.append(lambda: seen.append(network.now))
    network.at(1.0, lambda: None)
    network.at(2.0, lambda: None)
    network.run(5.0)
    assert seen == [1.0, 2.0]


def test_time_can_pass_until_something_is_the_case():
    network, host, _, callee = world(b"hello")
    host.kick()
    network.run_until(lambda: bool(callee.heard) and callee.octets == b"hello")
    assert network.now == pytest.approx(0.002)
    with pytest.raises(TimeoutError, match="within 600 virtual seconds"):
        network.run_until(lambda: False)
    network.after(20.0, lambda: None)
    with pytest.raises(TimeoutError):
        network.run_until(lambda: False, 10.0)


def test_the_same_seed_is_the_same_world():
    def told(seed):
        path = Path(jitter=0.5, piece=5)
        network, host, _, callee = world(bytes(100), conditions=Conditions(there=path), seed=seed)
        host.kick()
        network.run(100.0)
        assert callee.octets == bytes(100)
        return callee.told

    assert told(1) == told(1)
    assert told(1) != told(2)
