"""Tickets settle once, and in time."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.session.errors import OutboxFull, ReceiptTimeout, ReplyTimeout
from stomp_sansio.session.tickets import OpenTickets, Outcome, Ticket


def tickets(timeout=30.0):
    changed: list[Ticket] = []
    return OpenTickets(timeout, changed.append), changed


def test_a_ticket_settles_once():
    ticket = Ticket("it")
    assert ticket.settle(Outcome.CONFIRMED)
    assert not ticket.settle(Outcome.UNKNOWN, ValueError("late"))
    assert (ticket.outcome, ticket.error) == (Outcome.CONFIRMED, None)
    ticket.result()


def test_the_result_of_a_failure_raises_it():
    ticket = Ticket("it")
    ticket.settle(Outcome.REJECTED, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        ticket.result()


def test_a_failure_that_is_raised_often_does_not_grow():
    ticket = Ticket("it")
    ticket.settle(Outcome.REJECTED, ValueError("no"))
    lengths = set()
    for _ in range(3):
        with pytest.raises(ValueError, match="no") as caught:
            ticket.result()
        lengths.add(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(lengths) == 1


def test_a_ticket_says_what_it_is_about():
    ticket = Ticket("SEND to '/a'")
    assert repr(ticket) == "<Ticket SEND to '/a': open>"
    ticket.settle(Outcome.UNKNOWN)
    assert repr(ticket) == "<Ticket SEND to '/a': unknown>"


def test_a_ticket_that_settles_is_told_of_and_no_longer_open():
    open_tickets, changed = tickets()
    assert not open_tickets
    ticket = open_tickets.new("it", 5.0)
    assert open_tickets
    assert open_tickets.next_deadline() == 35.0
    for _ in range(2):
        open_tickets.settle(ticket, Outcome.CONFIRMED)
    assert changed == [ticket]
    assert not open_tickets
    assert open_tickets.next_deadline() is None


def test_a_ticket_that_is_late_is_unknown():
    open_tickets, changed = tickets()
    ticket = open_tickets.new("SEND", 0.0, "r1")
    assert list(open_tickets.settle_late(29.9)) == []
    assert list(open_tickets.settle_late(30.0)) == changed == [ticket]
    assert ticket.outcome is Outcome.UNKNOWN
    assert isinstance(ticket.error, ReceiptTimeout)
    assert "whether the server has it is unknown: wait longer with receipt_timeout=" in str(ticket.error)


def test_a_ticket_whose_answer_was_not_read_says_so():
    open_tickets, _ = tickets()
    ticket = open_tickets.new("SEND", 0.0, "r1")
    list(open_tickets.settle_late(30.0, reading=False))
    assert "of which no more are read" in str(ticket.error)


def test_a_ticket_that_waits_for_room_and_is_late_was_never_sent():
    open_tickets, _ = tickets()
    ticket = open_tickets.new("SEND", 0.0)
    ticket.deferred = True
    list(open_tickets.settle_late(30.0))
    assert ticket.outcome is Outcome.ABANDONED
    assert isinstance(ticket.error, OutboxFull)


def test_a_ticket_may_have_a_time_of_its_own_and_an_error_of_its_own():
    open_tickets, _ = tickets()
    usual = open_tickets.new("usual", 0.0)
    hurried = open_tickets.new("hurried", 0.0, timeout=5.0, late=ReplyTimeout)
    patient = open_tickets.new("patient", 0.0, timeout=50.0)
    assert open_tickets.next_deadline() == 5.0
    assert list(open_tickets.settle_late(5.0)) == [hurried]
    assert isinstance(hurried.error, ReplyTimeout)
    assert "receipt" not in str(hurried.error)
    assert open_tickets.next_deadline() == 30.0
    assert list(open_tickets.settle_late(1000.0)) == [usual, patient]
    assert not open_tickets


def test_tickets_that_are_due_together_settle_together():
    open_tickets, changed = tickets(5.0)
    both = [open_tickets.new("hurried", 0.0, timeout=5.0), open_tickets.new("usual", 0.0)]
    assert set(open_tickets.settle_late(5.0)) == set(both)
    assert set(changed) == set(both)


def test_all_can_settle_at_once():
    open_tickets, changed = tickets()
    every = [open_tickets.new("usual", 0.0), open_tickets.new("own", 0.0, timeout=1.0)]
    why = ValueError("over")
    open_tickets.settle_all(Outcome.UNKNOWN, why)
    assert changed == every
    assert {ticket.error for ticket in every} == {why}
    assert not open_tickets


def test_settled_tickets_with_a_time_of_their_own_are_not_kept_until_then():
    open_tickets, _ = tickets()
    kept = open_tickets.new("kept", 0.0, timeout=10.0**6)
    for _ in range(1000):
        open_tickets.settle(open_tickets.new("it", 0.0, timeout=10.0**6), Outcome.CONFIRMED)
    assert len(open_tickets._hurried) < 50  # noqa: SLF001  # memory has no other witness
    assert list(open_tickets.settle_late(10.0**6)) == [kept]


@given(st.lists(st.tuples(st.sampled_from(["usual", "own", "settle"]), st.floats(0, 10)), max_size=60))
def test_the_next_deadline_is_that_of_the_open_ticket_that_is_due_first(steps):
    open_tickets, _ = tickets(5.0)
    made: list[Ticket] = []
    now = 0.0
    for step, number in steps:
        now += number / 10
        if step == "settle" and made:
            open_tickets.settle(made[int(number * len(made) / 10.01)], Outcome.CONFIRMED)
        elif step != "settle":
            made.append(open_tickets.new("it", now, timeout=number if step == "own" else None))
        waiting = [ticket.deadline or 0.0 for ticket in made if ticket.outcome is None]
        assert open_tickets.next_deadline() == min(waiting, default=None)
        assert bool(open_tickets) == bool(waiting)
    late = list(open_tickets.settle_late(now + 100))
    deadlines = [ticket.deadline or 0.0 for ticket in late]
    assert deadlines == sorted(deadlines)
    assert all(ticket.outcome is not None for ticket in made)
