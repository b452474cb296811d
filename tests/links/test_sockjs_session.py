"""A SockJS session on the server's side, with receivers that only take notes."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import LocalProtocolError, Misuse
from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.links.peers import PeerId
from stomp_sansio.links.sockjs_session import ServerSession
from stomp_sansio.protocol.limits import Limits


class Notes:
    """A receiver that takes so many frames."""

    def __init__(self, frames: int = 1 << 30) -> None:
        self.frames: list[bytes] = []
        self.room = frames
        self.finished = 0

    @property
    def full(self) -> bool:
        return len(self.frames) >= self.room

    @property
    def unsent(self) -> int:
        return 0

    def send_frame(self, frame: bytes) -> None:
        assert not self.finished
        assert not self.full
        self.frames.append(frame)

    def finish(self, now: float) -> None:
        self.finished += 1
        assert self.finished == 1


def session(limits: Limits | None = None) -> ServerSession:
    return ServerSession(PeerId(1), limits or Limits.server(), beat=25.0, linger=5.0)


def streaming(**options) -> tuple[ServerSession, Notes]:
    one, notes = session(**options), Notes()
    one.open(notes, 0.0)
    return one, notes


def test_a_session_opens_with_o() -> None:
    _, notes = streaming()
    assert notes.frames == [b"o"]
    assert not notes.finished


def test_a_poll_takes_one_frame_and_the_next_what_has_come_since() -> None:
    one, poll = session(), Notes(1)
    one.open(poll, 0.0)
    assert (poll.frames, poll.finished) == ([b"o"], 1)
    one.send(b"a", 1.0)
    one.send("é".encode(), 1.0)
    assert one.waiting == 3
    poll = Notes(1)
    one.attach(poll, 2.0)
    assert (poll.frames, poll.finished) == ([b'a["a","\\u00e9"]'], 1)
    assert one.waiting == 0
    poll = Notes(1)
    one.attach(poll, 3.0)
    assert (poll.frames, poll.finished) == ([], 0)
    one.send(b"b", 4.0)
    assert (poll.frames, poll.finished) == ([b'a["b"]'], 1)


def test_a_stream_takes_frames_as_they_come() -> None:
    one, notes = streaming()
    one.send(b"a", 0.0)
    one.send(b"b", 0.0)
    assert notes.frames == [b"o", b'a["a"]', b'a["b"]']


def test_a_stream_that_is_full_goes_and_the_next_goes_on() -> None:
    one, notes = session(), Notes(2)
    one.open(notes, 0.0)
    one.send(b"a", 0.0)
    one.send(b"b", 0.0)
    assert (notes.frames, notes.finished) == ([b"o", b'a["a"]'], 1)
    notes = Notes()
    one.attach(notes, 0.0)
    assert notes.frames == [b'a["b"]']


def test_a_character_that_two_chunks_share_goes_whole() -> None:
    one, notes = streaming()
    one.send(b"\xc3", 0.0)
    assert notes.frames == [b"o"]
    one.send(b"\xa9", 0.0)
    assert notes.frames == [b"o", b'a["\\u00e9"]']


def test_what_is_no_text_is_refused_and_nothing_has_changed() -> None:
    one, notes = streaming()
    with pytest.raises(LocalProtocolError) as caught:
        one.send(b"\xff", 0.0)
    assert caught.value.misuse is Misuse.NOT_UTF8
    one.send(b"a", 0.0)
    assert notes.frames == [b"o", b'a["a"]']


def test_arrays_are_small_in_messages_and_in_octets() -> None:
    one, poll = session(Limits(max_sockjs_messages=3)), Notes(1)
    one.open(poll, 0.0)
    for message in (b"1", b"2", b"3", b"4", b"x" * 65_535, b"y", b"z", b"w" * 70_000, b"v"):
        one.send(message, 0.0)
    notes = Notes()
    one.attach(notes, 0.0)
    assert [frame.count(b'"') // 2 for frame in notes.frames] == [3, 2, 2, 1, 1]
    assert notes.frames[0] == b'a["1","2","3"]'
    assert [frame[:5] for frame in notes.frames[1:]] == [b'a["4"', b'a["y"', b'a["ww', b'a["v"']


def test_a_second_receiver_is_sent_away_and_the_first_lives() -> None:
    one, notes = streaming()
    second = Notes()
    one.attach(second, 0.0)
    assert (second.frames, second.finished) == ([b'c[2010,"Another connection still open"]'], 1)
    one.send(b"a", 0.0)
    assert notes.frames == [b"o", b'a["a"]']


def test_a_receiver_without_frames_gets_heart_beats() -> None:
    one, notes = streaming()
    assert one.deadline == 25.0
    one.handle_timeout(24.9)
    one.send(b"a", 20.0)
    assert one.deadline == 45.0
    one.handle_timeout(45.0)
    assert notes.frames == [b"o", b'a["a"]', b"h"]
    assert one.deadline == 70.0


def test_a_heart_beat_ends_a_poll() -> None:
    one, poll = session(), Notes(1)
    one.open(Notes(1), 0.0)
    one.attach(poll, 1.0)
    assert one.deadline == 26.0
    one.handle_timeout(26.0)
    assert (poll.frames, poll.finished) == ([b"h"], 1)
    assert one.deadline == 31.0


def test_a_client_that_does_not_come_back_is_given_up_and_then_forgotten() -> None:
    one = session()
    one.open(Notes(1), 0.0)
    one.send(b"lost", 1.0)
    assert one.deadline == 5.0
    one.handle_timeout(5.0)
    assert one.closed == LinkClosed(False, Phase.OPEN, "The client did not come back within 5 s", code=1002)
    assert one.waiting == 0
    late = Notes(1)
    one.attach(late, 6.0)
    assert late.frames == [b'c[1002,"Connection interrupted"]']
    assert one.deadline == 11.0
    assert not one.forgotten
    one.handle_timeout(11.0)
    assert one.forgotten
    assert one.deadline is None
    one.handle_timeout(99.0)


def test_closing_tells_the_receiver_after_what_waits() -> None:
    one, notes = streaming()
    one.send(b"last", 0.0)
    one.close(0.0, 3000, "Go away!")
    assert (notes.frames[1:], notes.finished) == ([b'a["last"]', b'c[3000,"Go away!"]'], 1)
    assert one.closed == LinkClosed(True, Phase.OPEN, "This side closed the SockJS session", code=3000)
    one.close(0.0, 1, "again")
    with pytest.raises(LocalProtocolError) as caught:
        one.send(b"x", 0.0)
    assert caught.value.misuse is Misuse.CLOSED


def test_closing_without_a_receiver_waits_for_the_next_ones() -> None:
    one = session()
    one.open(Notes(1), 0.0)
    one.send(b"last", 0.0)
    one.close(1.0, 3000, "Go away!")
    assert one.closed is None
    frames: list[bytes] = []
    for _ in range(3):
        poll = Notes(1)
        one.attach(poll, 2.0)
        assert poll.finished
        frames += poll.frames
    assert frames == [b'a["last"]', b'c[3000,"Go away!"]', b'c[3000,"Go away!"]']
    assert one.closed is not None
    assert one.closed.clean


def test_a_receiver_that_breaks_ends_the_session() -> None:
    one, _ = streaming()
    one.interrupted(1.0)
    assert one.closed == LinkClosed(False, Phase.OPEN, "The client gave up its receiving request", code=1002)
    notes = Notes()
    one.attach(notes, 2.0)
    assert (notes.frames, notes.finished) == ([b'c[1002,"Connection interrupted"]'], 1)


@pytest.mark.parametrize("receiving", [False, True])
def test_giving_up_ends_at_once(receiving: bool) -> None:
    one, notes = session(), Notes()
    one.open(notes if receiving else Notes(1), 0.0)
    one.abort(1.0)
    one.abort(1.0)
    assert notes.finished == receiving
    assert one.closed == LinkClosed(False, Phase.OPEN, "This side gave the SockJS session up", code=3000)
    late = Notes()
    one.attach(late, 2.0)
    assert late.frames == [b'c[3000,"Go away!"]']
    one.forget()
    assert one.forgotten
