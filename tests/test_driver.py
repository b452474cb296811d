"""What drivers share: a stream's way through life between a machine and a transport, step by step."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from stomp_sansio.driver import CHUNK, LINGER_OCTETS, DriverCore, ReadingRoom, StreamCore, written_address
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
    TLSWish,
)
from stomp_sansio.tls import TLSMaker, TLSPipe

WISH = TLSWish("localhost")
ONE = StreamId(1)


@pytest.fixture(scope="module")
def contexts():
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return client, server


class Machine:
    """Wishes what a test says, and notes what it is told."""

    finished = False

    def __init__(self) -> None:
        self.actions: deque[StreamAction] = deque()
        self.events: deque[str] = deque()
        self.told: list[Any] = []
        self.out = b""
        self.reads = True
        self.touched: list[StreamId] = []
        self.deadline: float | None = None
        self.left_over = 0

    def next_action(self) -> StreamAction | None:
        return self.actions.popleft() if self.actions else None

    def next_event(self) -> str | None:
        return self.events.popleft() if self.events else None

    def stream_opened(self, stream: StreamId, now: float) -> None:
        self.told.append("opened")

    def stream_accepted(self, stream: StreamId, listener: int, peer: str, now: float) -> None:
        self.told.append(("accepted", listener, peer))

    def tls_started(self, stream: StreamId, info: TLSInfo, now: float) -> None:
        self.told.append(("tls", info.version))

    def stream_lost(self, stream: StreamId, why: StreamLoss, now: float, detail: str = "") -> None:
        self.told.append((why, detail))

    def receive_data(self, stream: StreamId, data: bytes, now: float) -> None:
        self.told.append(data)

    def receive_eof(self, stream: StreamId, now: float) -> None:
        self.told.append("eof")

    def data_to_send(self, stream: StreamId, now: float, max_bytes: int = 65536) -> bytes:
        data, self.out = self.out[:max_bytes], self.out[max_bytes:]
        return data

    def wants_read(self, stream: StreamId) -> bool:
        return self.reads

    def changed_streams(self) -> list[StreamId]:
        touched, self.touched = self.touched, []
        return touched

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.told.append(("timeout", now))

    def wants_run(self) -> bool:
        return self.left_over > 0

    def run(self, now: float) -> None:
        self.left_over -= 1


class Stream(StreamCore):
    woken = 0
    was_cut = False

    def wake(self) -> None:
        self.woken += 1

    def cut(self) -> None:
        self.was_cut = True


class Driver(DriverCore[str, Stream]):
    def __init__(
        self,
        machine: Machine,
        context: ssl.SSLContext | None = None,
        on_event: Callable[[str], object] = lambda event: None,
    ) -> None:
        super().__init__(machine, on_event, TLSMaker(ssl, context))

    def open(self, wish: OpenStream) -> Stream:
        return Stream(self, wish.stream)


def opened(
    tls: TLSWish | None = None, context: ssl.SSLContext | None = None
) -> tuple[Machine, Driver, Stream]:
    machine = Machine()
    driver = Driver(machine, context)
    machine.actions.append(OpenStream(ONE, TCPAddress("h", 1), tls))
    driver.drain()
    stream = driver.streams[ONE]
    stream.connected(0.0, tls)
    return machine, driver, stream


def talk(stream: Stream, peer: TLSPipe) -> bytes:
    """Let both sides say all that they have; return what the peer could decrypt."""
    came = b""
    while True:
        octets = stream.data_to_send(0.0)
        if octets:
            peer.receive_data(octets)
        if not peer.established:
            peer.shake()
        else:
            came += peer.take()
        answer = peer.octets_to_send(65536)
        if answer:
            stream.receive_data(answer, 0.0)
        if not octets and not answer:
            return came


# Plain streams


def test_a_plain_stream_carries_octets_as_they_are():
    machine, _, stream = opened()
    stream.receive_data(b"hello", 0.0)
    machine.out = b"answer"
    assert stream.data_to_send(0.0, 4) == b"answ"
    assert stream.data_to_send(0.0, 4) == b"er"
    assert stream.data_to_send(0.0) == b""
    stream.receive_eof(0.0)
    assert machine.told == ["opened", b"hello", "eof"]
    assert not stream.done


def test_reading_is_the_machine_s_wish():
    machine, _, stream = opened()
    assert stream.wants_read
    machine.reads = False
    assert not stream.wants_read


def test_nothing_is_pulled_before_the_stream_is_there():
    machine = Machine()
    stream = Stream(Driver(machine), ONE)
    machine.out = b"early"
    assert stream.data_to_send(0.0) == b""
    assert machine.out == b"early"


def test_what_is_queued_is_written_before_the_end():
    machine, driver, stream = opened()
    machine.out = b"last words"
    machine.actions.append(CloseStream(ONE))
    driver.drain()
    assert not stream.was_cut
    assert stream.woken
    assert stream.data_to_send(0.0) == b"last words"
    assert not stream.done
    assert stream.data_to_send(0.0) == b""
    assert stream.done
    assert not stream.wants_read
    stream.receive_data(b"too late", 0.0)
    stream.receive_eof(0.0)
    assert machine.told == ["opened"]
    assert not stream.lingers, "who opened a stream just leaves it"


def test_what_comes_behind_the_end_has_a_limit():
    machine, driver, stream = opened()
    machine.actions.append(CloseStream(ONE))
    driver.drain()
    assert stream.data_to_send(0.0) == b""
    piece = bytes(LINGER_OCTETS // 4)
    for _ in range(4):
        stream.receive_data(piece, 0.0)
    assert not stream.was_cut
    stream.receive_data(b"!", 0.0)
    assert stream.was_cut
    assert machine.told == ["opened"]


def test_ending_at_once_cuts():
    machine, driver, stream = opened()
    machine.actions.append(CloseStream(ONE, abort=True))
    driver.drain()
    assert stream.was_cut


def test_ending_what_is_not_there_yet_gives_it_up():
    machine = Machine()
    driver = Driver(machine)
    machine.actions += [OpenStream(ONE, TCPAddress("h", 1)), CloseStream(ONE)]
    driver.drain()
    assert driver.streams[ONE].was_cut


# TLS


def test_tls_from_the_first_octet(contexts):
    machine, _, stream = opened(WISH, contexts[0])
    peer = TLSMaker(ssl, contexts[1])(None)
    assert machine.told == []
    assert stream.wants_read
    machine.reads = False
    assert stream.wants_read, "the hand-shake is not the machine's to pause"
    machine.out = b"hello"
    assert talk(stream, peer) == b"hello"
    assert machine.told == ["opened"]
    assert not stream.wants_read
    peer.send(b"answer")
    talk(stream, peer)
    assert machine.told == ["opened", b"answer"]


def test_a_stream_of_the_other_side_gets_tls_that_nobody_wished_for(contexts):
    machine = Machine()
    driver = Driver(machine, contexts[1])
    stream = driver.streams[StreamId(-1)] = Stream(driver, driver.next_accepted())
    stream.accepted(3, "peer", 0.0)
    peer = TLSMaker(ssl, contexts[0])(WISH)
    machine.out = b"welcome"
    assert talk(stream, peer) == b"welcome"
    assert machine.told == [("accepted", 3, "peer")]
    assert driver.next_accepted() == -2


def test_a_stream_of_the_other_side_without_a_context_is_plain():
    machine = Machine()
    stream = Stream(Driver(machine), StreamId(-1))
    stream.accepted(0, "peer", 0.0)
    stream.receive_data(b"x", 0.0)
    assert machine.told == [("accepted", 0, "peer"), b"x"]


def test_a_stream_of_the_other_side_is_read_on_until_that_has_ended():
    stream = Stream(Driver(Machine()), StreamId(-1))
    stream.accepted(0, "peer", 0.0)
    assert stream.lingers
    stream.receive_eof(0.0)
    assert not stream.lingers


def test_tls_begins_after_all_was_written_and_nothing_is_read_meanwhile(contexts):
    machine, driver, stream = opened(context=contexts[0])
    peer = TLSMaker(ssl, contexts[1])(None)
    machine.out = b"CONNECT"
    machine.actions.append(StartTLS(ONE, WISH))
    driver.drain()
    assert not stream.wants_read
    assert stream.data_to_send(0.0, 4) == b"CONN"
    assert stream.data_to_send(0.0, 4) == b"ECT"
    hello = stream.data_to_send(0.0)
    assert hello[:1] == b"\x16"
    peer.receive_data(hello)
    machine.out = b"inside"
    assert talk(stream, peer) == b"inside"
    assert machine.told == ["opened", ("tls", "TLSv1.3")]


def test_octets_that_come_before_the_hand_shake_are_its_own(contexts):
    machine, driver, stream = opened(context=contexts[0])
    machine.actions.append(StartTLS(ONE, WISH))
    driver.drain()
    stream.receive_data(b"HTTP/1.1 200 OK\r\n\r\n", 0.0)
    stream.data_to_send(0.0)
    assert stream.done
    assert stream.why is not None
    assert stream.why[0] is StreamLoss.TLS_FAILED
    assert machine.told == ["opened"]


def test_a_good_bye_in_tls_is_said(contexts):
    machine, driver, stream = opened(WISH, contexts[0])
    peer = TLSMaker(ssl, contexts[1])(None)
    talk(stream, peer)
    machine.out = b"last words"
    machine.actions.append(CloseStream(ONE))
    driver.drain()
    assert talk(stream, peer) == b"last words"
    assert peer.ended
    assert stream.done
    assert stream.data_to_send(0.0) == b""


def test_an_end_that_the_peer_has_said_is_one(contexts):
    machine, _, stream = opened(WISH, contexts[0])
    peer = TLSMaker(ssl, contexts[1])(None)
    talk(stream, peer)
    peer.send(b"last words")
    peer.end()
    talk(stream, peer)
    assert machine.told == ["opened", b"last words", "eof"]
    stream.receive_eof(0.0)
    assert machine.told == ["opened", b"last words", "eof"]
    assert stream.why is None


def test_an_end_that_nobody_has_said_is_a_cut(contexts):
    machine, driver, stream = opened(WISH, contexts[0])
    talk(stream, TLSMaker(ssl, contexts[1])(None))
    stream.receive_eof(0.0)
    assert stream.done
    driver.lose(stream, 0.0)
    assert machine.told[-1][0] is StreamLoss.TRUNCATED


def test_an_end_in_the_hand_shake_is_worth_another_try(contexts):
    machine, driver, stream = opened(WISH, contexts[0])
    stream.receive_eof(0.0)
    driver.lose(stream, 0.0, StreamLoss.CLOSED)
    why, detail = machine.told[-1]
    assert why is StreamLoss.RESET
    assert "does this port speak TLS?" in detail


def test_a_certificate_that_is_refused_is_told_and_alerted(contexts):
    machine, driver, stream = opened(WISH)
    peer = TLSMaker(ssl, contexts[1])(None)
    peer.receive_data(stream.data_to_send(0.0))
    peer.shake()
    stream.receive_data(peer.octets_to_send(65536), 0.0)
    assert stream.done
    assert stream.data_to_send(0.0), "the alert"
    assert stream.data_to_send(0.0) == b""
    driver.lose(stream, 0.0, StreamLoss.RESET, "whatever the transport says")
    assert machine.told[-1][0] is StreamLoss.CERTIFICATE_REFUSED


def test_octets_that_break_tls_end_the_stream_behind_the_good_ones(contexts):
    machine, driver, stream = opened(WISH, contexts[0])
    peer = TLSMaker(ssl, contexts[1])(None)
    talk(stream, peer)
    peer.send(b"good")
    stream.receive_data(peer.octets_to_send(65536) + b"\x17\x03\x03\x00\x20" + bytes(32), 0.0)
    assert machine.told == ["opened", b"good"]
    machine.out = b"never sent"
    assert b"never sent" not in stream.data_to_send(0.0)
    driver.lose(stream, 0.0)
    assert machine.told[-1][0] is StreamLoss.TLS_FAILED


def test_a_failure_while_sending_ends_the_stream(contexts, monkeypatch):
    machine, _, stream = opened(WISH, contexts[0])
    talk(stream, TLSMaker(ssl, contexts[1])(None))

    def failing(*arguments: object) -> int:
        raise ssl.SSLError("broken")

    monkeypatch.setattr(ssl.SSLObject, "write", failing)
    machine.out = b"x"
    assert stream.data_to_send(0.0) == b""
    assert stream.done
    assert stream.why == (StreamLoss.TLS_FAILED, "('broken',)")


# The driver


def test_a_stream_is_lost_once():
    machine, driver, stream = opened()
    driver.lose(stream, 0.0, StreamLoss.RESET, "first")
    driver.lose(stream, 0.0)
    assert machine.told == ["opened", (StreamLoss.RESET, "first")]


def test_streams_that_have_changed_are_looked_at():
    machine, driver, stream = opened()
    machine.touched += [StreamId(7), ONE]
    before = stream.woken
    driver.drain()
    assert stream.woken == before + 1


def test_wishes_for_a_stream_that_is_gone_are_passed_over():
    machine, driver, stream = opened()
    machine.actions += [StartTLS(ONE, WISH), CloseStream(ONE)]
    driver.lose(stream, 0.0)
    machine.touched.append(ONE)
    driver.drain()
    assert machine.actions == deque()


def test_a_command_of_an_event_s_receiver_is_carried_out_in_the_same_round():
    machine = Machine()
    heard: list[str] = []

    def on_event(event: str) -> None:
        heard.append(event)
        if event == "first":
            machine.events.append("second")
            driver.drain()
            assert heard == ["first"], "not from within"

    driver = Driver(machine, None, on_event)
    machine.events.append("first")
    driver.drain()
    assert heard == ["first", "second"]


def test_what_is_due_and_when():
    machine = Machine()
    driver = Driver(machine)
    assert driver.next_instant() == float("inf")
    machine.deadline = 5.0
    assert driver.next_instant() == 5.0
    machine.left_over = 1
    assert driver.next_instant() == 0.0
    driver.due(3.0)
    assert machine.left_over == 0
    driver.due(4.0)
    assert machine.told == [("timeout", 3.0), ("timeout", 4.0)]


# Machines that announce


class Announcer(Machine):
    """Says what need not be asked for; what a test says, be it true or not."""

    looks = False
    rearms = False
    all_given = True

    def wants_look(self) -> bool:
        return self.looks

    def wants_rearm(self) -> bool:
        return self.rearms

    def gives_all(self, stream: StreamId) -> bool:
        return self.all_given


def announced() -> tuple[Announcer, Driver, Stream]:
    machine = Announcer()
    driver = Driver(machine)
    machine.actions.append(OpenStream(ONE, TCPAddress("h", 1)))
    driver.drain()
    stream = driver.streams[ONE]
    stream.connected(0.0, None)
    return machine, driver, stream


def test_a_short_piece_is_the_last_one_where_a_machine_says_so():
    machine, _, stream = announced()
    machine.out = b"answer"
    assert stream.data_to_send(0.0, 3) == b"ans"
    assert not stream.dry, "it was as long as allowed"
    machine.all_given = False
    assert stream.data_to_send(0.0, 2) == b"we"
    assert stream.data_to_send(0.0, 2) == b"r"
    assert not stream.dry, "the machine does not say so"
    machine.all_given, machine.out = True, b"x"
    assert stream.data_to_send(0.0) == b"x"
    assert stream.dry
    assert stream.data_to_send(0.0) == b"", "asking all the same is harmless"
    assert not stream.dry


def test_a_machine_that_says_nothing_is_asked_once_more():
    machine, _, stream = opened()
    machine.out = b"x"
    assert stream.data_to_send(0.0) == b"x"
    assert not stream.dry


def test_the_end_is_found_out_by_asking_once_more():
    machine, driver, stream = announced()
    machine.out = b"last words"
    machine.actions.append(CloseStream(ONE))
    driver.drain()
    assert stream.data_to_send(0.0) == b"last words"
    assert not stream.dry
    assert stream.data_to_send(0.0) == b""
    assert stream.done


def test_an_end_that_is_wished_for_after_the_last_piece_wakes_the_stream():
    machine, driver, stream = announced()
    machine.out = b"last words"
    assert stream.data_to_send(0.0) == b"last words"
    assert stream.dry
    before = stream.woken
    machine.actions.append(CloseStream(ONE))
    driver.drain()
    assert stream.woken == before + 1


def test_tls_is_begun_by_asking_once_more(contexts):
    machine = Announcer()
    driver = Driver(machine, contexts[0])
    machine.actions.append(OpenStream(ONE, TCPAddress("h", 1)))
    driver.drain()
    stream = driver.streams[ONE]
    stream.connected(0.0, None)
    machine.out = b"before"
    machine.actions.append(StartTLS(ONE, WISH))
    driver.drain()
    assert stream.data_to_send(0.0) == b"before"
    assert not stream.dry
    talk(stream, TLSMaker(ssl, contexts[1])(None))
    machine.out = b"inside"
    assert stream.data_to_send(0.0)
    assert not stream.dry, "TLS has octets of its own"


def test_who_has_nothing_to_say_is_not_looked_at_again():
    machine, driver, _ = announced()
    machine.touched.append(ONE)
    driver.drain_again()
    assert machine.touched == [ONE]
    machine.looks = True
    driver.drain_again()
    assert machine.touched == []


def test_who_does_not_announce_is_always_looked_at_again():
    machine, driver, _ = opened()
    machine.touched.append(ONE)
    driver.drain_again()
    assert machine.touched == []


def test_who_does_not_announce_is_always_asked_when():
    machine = Machine()
    driver = Driver(machine)
    machine.deadline = 5.0
    assert driver.next_instant() == 5.0
    machine.deadline = 7.0
    assert driver.next_instant() == 7.0


def test_only_what_is_announced_or_was_due_is_asked_when():
    machine = Announcer()
    driver = Driver(machine)
    assert driver.next_instant() == float("inf"), "asked once all the same"
    machine.deadline = 5.0
    assert driver.next_instant() == float("inf"), "nothing was announced"
    machine.rearms = True
    assert driver.next_instant() == 5.0
    machine.rearms, machine.deadline = False, 7.0
    assert driver.next_instant() == 5.0, "what moves on is not announced"
    driver.due(5.0)
    assert driver.next_instant() == 7.0
    machine.rearms, machine.left_over = True, 1
    assert driver.next_instant() == 0.0


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (("127.0.0.1", 4711), "127.0.0.1:4711"),
        (("::1", 4711, 0, 0), "[::1]:4711"),
        (("::ffff:127.0.0.1", 4711, 0, 0), "[::ffff:127.0.0.1]:4711"),
        ("/run/a.sock", "/run/a.sock"),
        ("", ""),
        (None, "None"),
    ],
)
def test_addresses_are_written_as_in_a_url(name: object, written: str) -> None:
    assert written_address(name) == written


# Room to read into


def test_room_grows_while_it_is_filled_and_shrinks_when_little_comes():
    room = ReadingRoom()
    least = len(room.octets)
    sizes: list[int] = []
    for _ in range(5):
        count = len(room.octets)
        room.octets[:] = b"x" * count
        assert room.take(count) == b"x" * count
        sizes.append(len(room.octets))
    assert sizes == sorted(sizes)
    assert sizes[0] > least
    assert sizes[-1] == sizes[-2] == CHUNK, "it has an end"
    room.octets[:4] = b"some"
    assert room.take(4) == b"some"
    assert len(room.octets) < CHUNK
    for _ in range(5):
        room.take(1)
    assert len(room.octets) == least


def test_room_stays_as_it_is_where_it_is_just_right():
    room = ReadingRoom()
    room.take(len(room.octets))
    octets = room.octets
    room.take(len(octets) // 4)
    assert room.octets is octets
