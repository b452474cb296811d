"""The demo's books add up, and say what does not: every way in which a run can be wrong is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_cli.demo_accounts import Account, Books, Latencies


def account(sent: int = 3, confirmed: int | None = None) -> Account:
    made = Account("trio", "TCP", "/queue/demo.1")
    made.sent = sent
    made.confirmed = sent if confirmed is None else confirmed
    return made


def books(*accounts: Account) -> Books:
    """Return books of a run in which everything happened as it should."""
    made = Books(list(accounts), cuts=1, returns=1)
    made.quiet.refused = made.quiet.redelivered = True
    made.quiet.beats_sent = made.quiet.beats_heard = 1
    return made


@given(st.permutations(range(1, 8)), st.lists(st.integers(1, 7)))
def test_all_came_whatever_the_order_and_however_often(order: list[int], more: list[int]) -> None:
    made = account(7)
    assert all(made.take(number, 0.001) for number in order)
    assert not any(made.take(number, 0.001) for number in more)
    assert (made.came, made.again) == (7, len(more))
    assert made.latencies.count == 7
    assert made.complete
    assert made.complaints() == []


@given(st.sets(st.integers(1, 20)), st.lists(st.integers(1, 20)))
def test_what_is_missing_is_named(lost: set[int], more: list[int]) -> None:
    made = account(20)
    for number in [*range(1, 21), *more]:
        if number not in lost:
            made.take(number, 0.001)
    assert made.complete is not bool(lost)
    said = "".join(made.complaints())
    assert bool(said) is bool(lost)
    if lost:
        assert f"{len(lost)} of 20 sent never came out (number {min(lost)}" in said


def test_a_message_that_nobody_confirmed_is_missed() -> None:
    made = account(2, confirmed=1)
    made.take(1, 0.0)
    made.take(2, 0.0)
    assert not made.complete
    assert made.complaints() == ["/queue/demo.1: 1 of 2 sent were not confirmed"]


def test_a_message_that_nobody_sent_is_strange() -> None:
    made = account(1)
    made.take(1, 0.0)
    made.take(2, 0.0)
    assert not made.complete
    assert made.complaints() == ["/queue/demo.1: 1 came out that nobody sent"]


def test_a_run_in_which_all_is_well_has_no_complaint() -> None:
    made = account(1)
    made.take(1, 0.0)
    assert books(made).complete
    assert books(made).complaints() == []
    assert (books(made).sent, books(made).came, books(made).again) == (1, 1, 0)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"accounts": []}, "nobody was there"),
        ({"accounts": [account(0)]}, "/queue/demo.1: no message was sent"),
        ({"returns": 0}, "the client whose connection was cut did not come back"),
        ({"cuts": 0, "returns": 0}, "no connection was cut"),
        ({"quiet.refused": False}, "no message was refused"),
        ({"quiet.redelivered": False}, "did not come again"),
        ({"quiet.beats_sent": 0}, "no heart-beats in both directions"),
        ({"quiet.beats_heard": 0}, "no heart-beats in both directions"),
    ],
)
def test_what_did_not_happen_is_said(changes: dict[str, object], complaint: str) -> None:
    only = account(1)
    only.take(1, 0.0)
    made = books(only)
    for name, value in changes.items():
        owner, _, attribute = name.rpartition(".")
        setattr(made.quiet if owner else made, attribute, value)
    (said,) = made.complaints()
    assert complaint in said


def test_a_short_run_needs_no_heart_beats() -> None:
    only = account(1)
    only.take(1, 0.0)
    made = books(only)
    made.quiet.beats_sent = 0
    made.expects_beats = False
    assert made.complaints() == []


@given(st.lists(st.floats(1e-5, 100.0), min_size=1, max_size=60), st.sampled_from([0.01, 0.5, 0.99, 1.0]))
def test_a_quantile_is_five_percent_off_at_most(seconds: list[float], share: float) -> None:
    latencies = Latencies()
    for each in seconds:
        latencies.add(each)
    exact = sorted(seconds)[max(0, -int(-share * len(seconds) // 1) - 1)]
    found = latencies.quantile(share)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.051


def test_no_latency_has_no_quantile() -> None:
    assert Latencies().quantile(0.5) is None
    assert Latencies.joined([]).quantile(0.5) is None


def test_latencies_can_be_joined() -> None:
    one, other = Latencies(), Latencies()
    one.add(1.0)
    other.add(0.001)
    other.add(0.001)
    both = Latencies.joined([one, other])
    assert both.count == 3
    assert both.quantile(0.5) == other.quantile(1.0)
    assert both.quantile(1.0) == one.quantile(1.0)
