"""Back-off: exponential, capped, with full jitter, whatever numbers it is made of."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.session.backoff import DEFAULT_BACKOFF, Backoff


def most(backoff, failures):
    return backoff.delay(failures, lambda: 1.0)


def test_the_most_doubles_with_each_failure_up_to_the_cap():
    assert [most(DEFAULT_BACKOFF, n) for n in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_jitter_is_full():
    assert DEFAULT_BACKOFF.delay(3, lambda: 0.0) == 0.0
    assert DEFAULT_BACKOFF.delay(3, lambda: 0.25) == 0.5


@given(
    initial=st.floats(1e-6, 1e6),
    factor=st.floats(1, 1e300),
    cap=st.floats(1e-6, 1e9),
    failures=st.integers(1, 10**9),
    jitter=st.floats(0, 1),
)
def test_no_wait_is_ever_longer_than_the_cap(initial, factor, cap, failures, jitter):
    backoff = Backoff(initial=min(initial, cap), factor=factor, cap=cap)
    assert 0 <= backoff.delay(failures, lambda: jitter) <= cap


def test_a_factor_of_one_waits_always_the_same():
    assert {most(Backoff(factor=1.0), n) for n in (1, 2, 1000)} == {0.5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial": 0.0},
        {"initial": -1.0},
        {"factor": 0.9},
        {"cap": 0.1},
        {"stable": -1.0},
        {"initial": math.nan},
        {"cap": math.inf},
    ],
    ids=str,
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="initial > 0"):
        Backoff(**wrong)
