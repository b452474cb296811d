"""Deadlines: at most one instant a name, the earliest first. And what connections make of them."""

from __future__ import annotations

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Connection, ServerConnection
from stomp_sansio.protocol.deadlines import Deadlines, earlier
from tests.protocol.helpers import client, server


class When(Enum):
    A = "a"
    B = "b"
    C = "c"


instants = st.one_of(st.none(), st.integers(-5, 5).map(float))


@given(st.lists(st.one_of(st.tuples(st.sampled_from(When), instants), instants), max_size=20))
def test_they_are_a_table_of_names_and_instants(steps: list[tuple[When, float | None] | float | None]):
    deadlines: Deadlines[When] = Deadlines()
    table: dict[When, float] = {}
    for step in steps:
        if isinstance(step, tuple):
            name, instant = step
            deadlines.set(name, instant)
            table.pop(name, None)
            if instant is not None:
                table[name] = instant
        elif step is None:
            deadlines.clear()
            table.clear()
        else:
            due = {name: instant for name, instant in table.items() if instant <= step}
            popped = deadlines.pop_due(step)
            if due:
                assert popped is not None
                assert table.pop(popped) == min(due.values())
            else:
                assert popped is None
        assert deadlines.soonest == min(table.values(), default=None)
        assert {name: deadlines.get(name) for name in When} == {name: table.get(name) for name in When}


def test_what_is_due_comes_in_the_order_of_its_instants():
    deadlines: Deadlines[When] = Deadlines()
    for name, instant in ((When.B, 2.0), (When.C, 3.0), (When.A, 1.0)):
        deadlines.set(name, instant)
    due = [deadlines.pop_due(2.0), deadlines.pop_due(2.0), deadlines.pop_due(2.0)]
    assert due == [When.A, When.B, None]
    assert deadlines.soonest == 3.0


@pytest.mark.parametrize("make", [client, server])
@given(
    beats=st.sampled_from(["250,500", "1000,0", "0,1000", "10000,10000", "0,0"]),
    steps=st.lists(st.one_of(st.none(), st.integers(0, 40)), max_size=12),
    origin=st.sampled_from([0.0, 1e6, -1e6]),
)
def test_after_a_deadline_was_handled_the_next_one_is_none_or_later(
    make, beats: str, steps: list[int | None], origin: float
):
    connection: Connection | ServerConnection = make(beats=beats, heartbeat=(1.0, 1.0), now=origin)
    now = origin
    for step in steps:
        deadline = connection.next_deadline()
        if step is not None:
            now += step / 8
            connection.receive_data(b"\n", now)
            connection.data_to_send(now)
        elif deadline is not None:
            now = max(now, deadline)
            connection.handle_timeout(now)
            after = connection.next_deadline()
            assert after is None or after > now


@pytest.mark.parametrize("make", [client, server])
def test_a_call_that_is_too_early_does_nothing(make):
    connection = make(beats="1000,1000")
    deadline = connection.next_deadline()
    connection.handle_timeout(deadline - 0.001)
    assert connection.next_deadline() == deadline
    assert connection.next_event() is None
    assert connection.unsent == 0


@pytest.mark.parametrize("connection", [Connection(), ServerConnection(), client(), server()])
def test_without_heart_beats_there_is_no_deadline(connection: Connection | ServerConnection):
    assert connection.next_deadline() is None
    connection.handle_timeout(1e9)
    assert connection.next_event() is None
    assert connection.unsent == 0


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (None, None, None),
        (1.0, None, 1.0),
        (None, 1.0, 1.0),
        (1.0, 2.0, 1.0),
        (2.0, 1.0, 1.0),
        (1.0, 1.0, 1.0),
    ],
)
def test_never_is_later_than_any_instant(one: float | None, other: float | None, found: float | None):
    assert earlier(one, other) == found
