"""The end of a stream is wished for once, and once more if the last octets take too long."""

from __future__ import annotations

from stomp_sansio.links.arrival import Arrival
from stomp_sansio.links.occupants import Occupant, StreamEnding
from stomp_sansio.links.requests import Requests
from stomp_sansio.links.standing import Standing
from stomp_sansio.machine import CloseStream, StreamId

STREAM = StreamId(3)


def test_the_holders_of_a_stream_are_occupants() -> None:
    kinds: list[type[Occupant]] = [Arrival, Requests, Standing]
    assert len(kinds) == 3


def test_an_orderly_end_has_a_deadline() -> None:
    ending = StreamEnding(STREAM, 10.0)
    assert not ending.begun
    ending.begin(5.0, abort=False)
    ending.begin(6.0, abort=True)
    assert ending.begun
    assert ending.next_action() == CloseStream(STREAM)
    assert ending.next_action() is None
    assert ending.deadline == 15.0
    ending.handle_timeout(14.9)
    assert ending.next_action() is None
    ending.handle_timeout(15.0)
    assert ending.next_action() == CloseStream(STREAM, abort=True)
    ending.handle_timeout(99.0)
    assert ending.next_action() is None
    assert ending.deadline is None


def test_an_abrupt_end_has_none() -> None:
    ending = StreamEnding(STREAM, 10.0)
    ending.begin(5.0, abort=True)
    assert ending.next_action() == CloseStream(STREAM, abort=True)
    assert ending.deadline is None
