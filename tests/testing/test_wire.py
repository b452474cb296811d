"""How a wire carries octets, and every way in which it breaks."""

import random

import pytest

from stomp_sansio.machine import StreamLoss
from stomp_sansio.testing import Conditions, Cut, Network, Path

from .echo import ADDRESS, TLS, Caller, Plain


class World:
    """A caller and a callee with an open wire between them."""

    def __init__(self, octets=b"", *, tls=None, seed=0, **conditions):
        chosen = Conditions(**conditions)
        self.network = Network(random.Random(seed).random, conditions=lambda address, number: chosen)
        self.caller, self.callee = Caller(octets, tls=tls), Plain()
        self.there = self.network.add(self.callee)
        self.network.listen(self.there, ADDRESS)
        self.here = self.network.add(self.caller)
        self.here.kick()
        self.network.run(chosen.opening)

    @property
    def wire(self):
        return self.network.wires[0]

    def run(self, seconds=1.0):
        self.here.kick()
        self.there.kick()
        self.network.run(seconds)


def test_octets_take_their_time():
    world = World(b"x", there=Path(latency=0.5))
    world.run()
    instant, what, size = world.callee.told[-1]
    assert (what, size) == ("data", 1)
    assert instant == pytest.approx(0.501)


def test_jitter_never_lets_octets_overtake_each_other():
    octets = bytes(range(256))
    world = World(octets, there=Path(jitter=1.0, piece=3))
    world.run(10.0)
    assert world.callee.octets == octets
    instants = [told[0] for told in world.callee.told]
    assert instants == sorted(instants)
    assert len(set(instants)) > 3


def test_pieces_have_at_most_the_size_that_was_said():
    world = World(bytes(1000), there=Path(piece=7))
    world.run()
    sizes = {size for _, what, size in world.callee.told if what == "data"}
    assert sizes == set(range(1, 8))
    assert world.callee.octets == bytes(1000)


def test_a_slow_path_carries_so_many_octets_in_a_second():
    world = World(bytes(1000), there=Path(octets_per_second=100.0, piece=10))
    world.run(5.0)
    assert 480 <= len(world.callee.octets) <= 520
    world.run(6.0)
    assert world.callee.octets == bytes(1000)


def test_a_writer_waits_while_nobody_reads():
    world = World(bytes(1000), there=Path(window=300))
    world.callee.read(False)
    world.run()
    assert world.callee.octets == b""
    assert len(world.caller.outgoing[Caller.STREAM]) == 700
    world.callee.read(True)
    world.run()
    assert world.callee.octets == bytes(1000)


def test_what_is_queued_is_written_before_a_stream_closes():
    world = World()
    world.caller.say(b"last words")
    world.caller.close()
    world.run()
    assert world.callee.octets == b"last words"
    assert world.callee.what()[-2:] == ["eof", "lost closed"]
    assert world.caller.what() == ["opened", "lost closed"]
    assert world.wire.over


def test_a_second_wish_to_close_changes_nothing():
    world = World()
    world.caller.close()
    world.caller.close(abort=True)
    world.caller.close()
    world.run()
    assert world.caller.what() == ["opened", "lost closed"]


def test_a_closing_end_reads_no_more_and_the_other_side_is_reset():
    world = World()
    world.caller.close()
    world.callee.say(b"too late")
    world.callee.reads = False
    world.run()
    assert world.caller.what() == ["opened", "lost closed"]
    assert world.callee.what() == ["accepted 0", "lost reset"]


def test_an_aborted_stream_writes_nothing_more_and_resets_the_other_side():
    world = World()
    world.caller.say(b"unheard")
    world.caller.close(abort=True)
    world.run()
    assert world.callee.what() == ["accepted 0", "lost reset"]
    assert world.caller.what() == ["opened", "lost closed"]


def test_the_end_waits_until_it_is_wanted():
    world = World()
    world.callee.read(False)
    world.caller.close()
    world.run()
    assert world.callee.what() == ["accepted 0"]
    world.callee.read(True)
    world.run()
    assert world.callee.what() == ["accepted 0", "eof", "lost closed"]


@pytest.mark.parametrize("cut_after", [0, 1, 5])
def test_a_reset_at_an_octet_lets_pass_what_came_before(cut_after):
    world = World(b"hello and more", there=Path(cut_after=cut_after))
    world.run()
    assert world.callee.octets == b"hello and more"[:cut_after]
    assert world.callee.what()[-1] == world.caller.what()[-1] == "lost reset"
    assert world.wire.caller.lane.passed == cut_after


def test_a_reset_comes_with_the_last_octet_though_nothing_follows():
    world = World(b"hello", there=Path(cut_after=5))
    world.run()
    assert world.callee.what() == ["accepted 0", "data 5", "lost reset"]


def test_the_other_direction_can_be_cut_as_well():
    world = World(back=Path(cut_after=2))
    world.callee.say(b"abc")
    world.run()
    assert world.caller.octets == b"ab"
    assert world.caller.what()[-1] == world.callee.what()[-1] == "lost reset"


def test_a_truncated_stream_ends_as_if_in_order():
    world = World(b"hello", there=Path(cut_after=3, cut=Cut.TRUNCATE))
    world.run()
    assert world.callee.octets == b"hel"
    assert world.callee.what()[-2:] == ["eof", "lost closed"]
    assert world.caller.what()[-2:] == ["eof", "lost closed"]


def test_a_truncated_stream_under_tls_lacks_its_closing_alert():
    world = World(b"hello", tls=TLS, there=Path(cut_after=3, cut=Cut.TRUNCATE))
    world.run()
    assert world.callee.octets == b"hel"
    assert world.callee.what()[-1] == "lost truncated"


def test_a_half_open_connection_tells_nobody():
    world = World(b"hello", there=Path(cut_after=3, cut=Cut.SILENCE))
    world.callee.say(b"still here")
    world.run(1000.0)
    assert world.callee.octets == b"hel"
    assert world.caller.octets == b"still here"
    world.caller.close(abort=True)
    world.run(1000.0)
    assert world.callee.what()[-1] == "data 3"


def test_nothing_arrives_after_a_silence_began():
    world = World(b"hello", there=Path(latency=0.5))
    world.run(0.1)
    world.wire.silence(back=False)
    world.callee.say(b"hello?")
    world.run()
    assert world.callee.octets == b""
    assert world.caller.octets == b"hello?"
    world.wire.silence()
    world.callee.say(b"anybody?")
    world.caller.close()
    world.run()
    assert world.caller.octets == b"hello?"
    assert world.callee.what() == ["accepted 0"]


def test_a_reset_by_hand_loses_what_is_on_its_way():
    world = World(b"hello", there=Path(latency=0.5))
    world.run(0.1)
    world.wire.reset()
    world.run()
    assert world.callee.what() == ["accepted 0", "lost reset"]
    assert world.caller.what() == ["opened", "lost reset"]


def test_a_stall_delays_what_comes():
    world = World()
    world.run()
    world.wire.stall(5.0)
    world.caller.say(b"slow")
    world.run(4.0)
    assert world.callee.octets == b""
    world.run(2.0)
    assert world.callee.octets == b"slow"


def test_tls_begins_when_what_was_before_it_is_written():
    world = World(b"in the clear")
    world.caller.start_tls()
    world.run()
    assert world.callee.octets == b"in the clear"
    assert world.caller.what() == ["opened", "tls"]
    world.caller.say(b" secret")
    world.run()
    assert world.callee.octets == b"in the clear secret"


def test_nothing_is_read_before_tls_has_begun():
    world = World(bytes(100), there=Path(window=50, octets_per_second=50.0))
    world.caller.start_tls()
    world.callee.say(b"too early")
    world.run(0.5)
    assert world.caller.heard[Caller.STREAM] == b""
    world.run(10.0)
    assert world.caller.what() == ["opened", "tls", "data 9"]


def test_tls_can_fail():
    world = World(tls_refusal=StreamLoss.TLS_FAILED)
    world.caller.start_tls()
    world.run()
    assert world.caller.what() == ["opened", "lost tls-failed"]
    assert world.callee.what() == ["accepted 0", "lost reset"]


def test_a_frozen_machine_neither_reads_nor_writes():
    world = World()
    world.there.freeze(3.0)
    world.caller.say(b"wake up")
    world.run(2.0)
    assert world.callee.octets == b""
    world.run(2.0)
    assert world.callee.told[-1] == (3.001, "data", 7)
