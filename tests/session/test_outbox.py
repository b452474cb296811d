"""The outbox and the room in front of it: bounded, and in order whatever happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Headers
from stomp_sansio.session.outbox import Entry, Outbox, WaitingRoom, size_of
from stomp_sansio.session.tickets import Outcome, Ticket


def entry(receipt="r", body=b"", *, stays=True):
    ticket = Ticket("SEND", receipt=receipt)
    return Entry(ticket, "/a", body, Headers(), content_length=True, stays=stays)


def an_outbox(max_messages, max_octets):
    return Outbox(max_messages, max_octets, max_messages)


by_room = pytest.mark.parametrize("room", [an_outbox, WaitingRoom])


@by_room
def test_so_many_messages_fit_and_no_more(room):
    place = room(2, 10**6)
    for number in range(2):
        assert place.has_room(size_of(b""))
        place.add(entry(str(number)))
    assert not place.has_room(size_of(b""))
    assert len(place) == 2


@by_room
def test_so_many_octets_fit_and_no_more(room):
    place = room(10, 2 * size_of(bytes(100)))
    place.add(entry("1", bytes(100)))
    assert place.has_room(size_of(bytes(100)))
    assert not place.has_room(size_of(bytes(101)))


@by_room
def test_the_first_message_fits_whatever_its_size(room):
    assert room(1, 1).has_room(10**9)


def test_a_message_that_is_removed_makes_room():
    outbox = Outbox(1, 10**6, 1)
    first, second = entry("1"), entry("2")
    outbox.add(first)
    assert outbox.remove("1") is first
    assert outbox.remove("1") is None
    assert outbox.has_room(size_of(b""))
    outbox.add(second)
    outbox.wrote(second, 7)
    assert second.epoch == 7
    assert outbox.remove("2") is second
    assert len(outbox) == 0


def test_so_many_may_be_written_before_one_is_confirmed():
    box = Outbox(10, 10**6, 1)
    first, second = entry("1"), entry("2")
    box.add(first)
    box.add(second)
    assert box.may_write
    box.wrote(first, 1)
    assert not box.may_write
    box.remove("1")
    assert box.may_write
    box.wrote(second, 1)
    box.begin_again()
    assert box.may_write


def test_a_new_connection_begins_with_the_oldest():
    outbox = Outbox(10, 10**6, 10)
    entries = [entry(str(number)) for number in range(4)]
    for each in entries:
        outbox.add(each)
    for each in entries[:2]:
        outbox.wrote(each, 1)
    assert list(outbox.written) == entries[:2]
    outbox.begin_again()
    assert list(outbox.unwritten.values()) == entries
    assert list(outbox.written) == []


@given(st.lists(st.sampled_from(["add", "write", "remove", "again"]), max_size=50), st.randoms())
def test_the_order_is_that_of_sending(steps, chance):
    outbox = Outbox(1000, 10**9, 1000)
    alive = []
    for number, step in enumerate(steps):
        if step == "add":
            alive.append(entry(str(number), bytes(number)))
            outbox.add(alive[-1])
        elif step == "write" and not outbox.unwritten:
            alive.append(entry(str(number)))
            outbox.add_written(alive[-1], 1)
            assert alive[-1].epoch == 1
        elif step == "write":
            outbox.wrote(next(iter(outbox.unwritten.values())), 1)
        elif step == "remove" and alive:
            outbox.remove(alive.pop(chance.randrange(len(alive))).receipt)
        elif step == "again":
            outbox.begin_again()
        assert [*outbox.written, *outbox.unwritten.values()] == alive
        assert outbox._octets == sum(each.size for each in alive)  # noqa: SLF001  # what has_room counts with


def test_who_waits_is_let_in_in_order():
    room = WaitingRoom(10, 10**6)
    first, second = entry("1"), entry("2")
    room.add(first)
    room.add(second)
    assert first.ticket.deferred
    assert room.first() is first
    assert room.let_in() is first
    assert not first.ticket.deferred
    assert room.first() is second


def test_who_has_settled_meanwhile_is_forgotten():
    room = WaitingRoom(10, 10**6)
    for number in range(3):
        room.add(entry(str(number)))
        if number < 2:
            room.entries[-1].ticket.settle(Outcome.ABANDONED)
    first = room.first()
    assert first is not None
    assert first.receipt == "2"
    assert len(room) == 1


def test_who_does_not_stay_leaves_when_the_connection_is_lost():
    room = WaitingRoom(10, 10**6)
    leaves, stays = entry("1", bytes(50), stays=False), entry("2", bytes(70))
    room.add(leaves)
    room.add(stays)
    assert room.leave() == [leaves]
    assert room.first() is stays
    assert room.leave_all() == [stays]
    assert room.first() is None
    assert len(room) == 0
