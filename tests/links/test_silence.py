"""Silence counts once a beat was heard, never while nobody listens."""

from __future__ import annotations

from stomp_sansio.links.silence import SILENCE, SilenceWatch


def test_the_default_is_two_beats_and_a_second():
    assert SILENCE == 2 * 25 + 1


def test_a_server_that_never_beats_is_never_given_up():
    watch = SilenceWatch(10.0)
    watch.heard_octets(1.0)
    watch.resume(2.0)
    assert watch.deadline is None


def test_any_octet_moves_the_deadline_once_a_beat_was_heard():
    watch = SilenceWatch(10.0)
    watch.heard_beat(1.0)
    assert watch.deadline == 11.0
    watch.heard_octets(5.0)
    assert watch.deadline == 15.0


def test_nothing_counts_while_nobody_listens():
    watch = SilenceWatch(10.0)
    watch.heard_beat(1.0)
    watch.pause()
    assert watch.deadline is None
    watch.heard_octets(2.0)
    assert watch.deadline is None
    watch.resume(100.0)
    assert watch.deadline == 110.0


def test_a_beat_heard_while_paused_counts_afterwards():
    watch = SilenceWatch(10.0)
    watch.pause()
    watch.heard_beat(1.0)
    assert watch.deadline is None
    watch.resume(5.0)
    assert watch.deadline == 15.0


def test_it_can_be_stopped():
    watch = SilenceWatch(10.0)
    watch.heard_beat(1.0)
    watch.stop()
    watch.heard_octets(2.0)
    assert watch.deadline is None


def test_the_reason_says_how_long():
    assert "10.5 s" in SilenceWatch(10.5).reason
