"""The heap of instants says the same as a plain look at each of them."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.schedule import Schedule

keys = st.integers(min_value=0, max_value=9)
instants = st.integers(min_value=0, max_value=20).map(float)
steps = st.lists(
    st.tuples(st.just("set"), keys, st.none() | instants) | st.tuples(st.just("pop"), st.just(0), instants),
    max_size=300,
)


@given(steps)
def test_says_what_a_plain_mapping_says(steps: list[tuple[str, int, float | None]]) -> None:
    schedule: Schedule[int] = Schedule()
    plain: dict[int, float] = {}
    for step, key, instant in steps:
        if step == "set":
            schedule.set(key, instant)
            plain.pop(key, None)
            if instant is not None:
                plain[key] = instant
        else:
            assert instant is not None
            due = schedule.pop_due(instant)
            earliest = min(plain.values(), default=None)
            if earliest is None or earliest > instant:
                assert due is None
            else:
                assert due is not None
                assert plain.pop(due) == earliest
        assert schedule.earliest() == min(plain.values(), default=None)
        assert len(schedule) == len(plain)


def test_setting_an_instant_again_and_again_holds_no_more() -> None:
    schedule: Schedule[str] = Schedule()
    tracemalloc.start()
    try:
        for instant in range(20_000):
            schedule.set("one", float(instant))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert schedule.earliest() == 19_999.0


def test_the_same_instant_twice_is_one() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.set("one", 1.0)
    schedule.set("one", 1.0)
    assert schedule.pop_due(1.0) == "one"
    assert schedule.pop_due(1.0) is None


def test_keys_need_not_be_comparable() -> None:
    schedule: Schedule[object] = Schedule()
    first, second = object(), object()
    schedule.set(first, 1.0)
    schedule.set(second, 1.0)
    assert {schedule.pop_due(1.0), schedule.pop_due(1.0)} == {first, second}
