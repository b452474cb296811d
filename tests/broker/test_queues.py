"""One queue, beside a list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.broker.messages import StoredMessage
from stomp_sansio.broker.queues import Queue, Tally
from stomp_sansio.protocol.shared_message import SharedMessage


class Taker:
    def __init__(self, ready: bool = True) -> None:
        self.ready = ready


def message(body: bytes = b"") -> StoredMessage:
    return StoredMessage(SharedMessage("/queue/a", "1", body))


def queue(tally: Tally | None = None) -> Queue[Taker]:
    return Queue("/queue/a", tally or Tally())


@given(st.lists(st.one_of(st.just("put"), st.just("take"), st.integers(0, 9), st.just("all")), max_size=40))
def test_what_comes_back_stands_where_it_stood(steps: list[str | int]) -> None:
    line, taker = queue(), Taker()
    line.join(taker)
    waiting: list[StoredMessage] = []
    taken: list[StoredMessage] = []
    for step in steps:
        if step == "put":
            waiting.append(message(bytes(len(waiting))))
            line.put(waiting[-1])
        elif step == "take":
            found = line.next_delivery()
            assert found == ((taker, waiting[0]) if waiting else None)
            if found is not None:
                taken.append(waiting.pop(0))
        else:
            back = list(taken) if step == "all" else taken[int(step) : int(step) + 1]
            line.put_back(back)
            taken = [each for each in taken if each not in back]
            waiting = sorted([*back, *waiting], key=lambda each: each.position)
            assert all(each.redelivered for each in back)
        assert len(line) == len(waiting)
        assert line.octets == sum(each.size for each in waiting)
        assert line.deliverable == bool(waiting)
    assert line.clear() == waiting
    assert (len(line), line.octets) == (0, 0)


def test_what_comes_back_later_may_stand_behind_what_waits() -> None:
    line, taker = queue(), Taker()
    line.join(taker)
    messages = [message() for _ in range(4)]
    for each in messages:
        line.put(each)
    for _ in range(3):
        line.next_delivery()
    line.put_back([messages[2], messages[0]])
    line.put_back([messages[1]])
    line.put_back([])
    assert line.clear() == messages


def test_who_is_ready_takes_turns_and_who_is_not_leaves_the_line() -> None:
    line = queue()
    first, second, third = Taker(), Taker(ready=False), Taker()
    for taker in (first, second, third):
        line.join(taker)
    for _ in range(6):
        line.put(message())
    found = [line.next_delivery() for _ in range(3)]
    assert [each and each[0] for each in found] == [first, third, first]
    second.ready = True
    line.offer(second)
    line.offer(second)
    found = [line.next_delivery() for _ in range(2)]
    assert [each and each[0] for each in found] == [third, first]
    first.ready = third.ready = False
    found = [line.next_delivery() for _ in range(1)]
    assert [each and each[0] for each in found] == [second]


def test_nobody_who_has_left_gets_anything() -> None:
    line, taker = queue(), Taker(ready=False)
    line.join(taker)
    line.put(message())
    assert line.next_delivery() is None
    line.leave(taker)
    taker.ready = True
    line.offer(taker)
    assert not line.deliverable
    assert line.next_delivery() is None
    other = Taker()
    line.join(other)
    line.leave(other)
    assert line.next_delivery() is None


def test_a_queue_is_idle_without_messages_consumers_and_debts() -> None:
    line, taker = queue(), Taker()
    assert line.idle
    line.join(taker)
    assert not line.idle
    line.leave(taker)
    line.unsettled = 1
    assert not line.idle
    line.unsettled = 0
    line.put(message())
    assert not line.idle
    line.clear()
    assert line.idle


def test_all_queues_are_counted_together() -> None:
    tally = Tally()
    one, two = queue(tally), queue(tally)
    one.put(message(b"1"))
    two.put(message(b"22"))
    assert tally.octets == one.octets + two.octets > 3
    one.clear()
    assert tally.octets == two.octets


def test_what_is_held_is_counted_until_it_is_let_go() -> None:
    tally = Tally()
    line, taker = queue(tally), Taker()
    line.join(taker)
    line.put(message(bytes(100)))
    kept = tally.octets
    found = line.next_delivery()
    assert found is not None
    assert (line.unsettled, tally.octets) == (0, 0)
    line.hold(found[1])
    assert (line.unsettled, line.octets, tally.octets) == (1, 0, kept)
    line.let_go(found[1])
    assert (line.unsettled, tally.octets) == (0, 0)
