"""Steps: what happened in words, one line each, and nothing that nobody wants to see twice."""

from __future__ import annotations

import pytest

from stomp_sansio import Frame
from stomp_sansio.capture import Kind, Record, read
from stomp_sansio.capture.records import line_of
from stomp_sansio.capture.steps import Arrow, Step, frame_words, steps_of
from stomp_sansio.machine import StreamId, StreamLoss

from .scenes import SCENES, Said, Scene, capture_of

ONE = StreamId(1)


def steps(*records: Record) -> list[Step]:
    return list(steps_of(read([line_of(record) for record in (Record(Kind.BEGIN), *records)])))


def words(*records: Record) -> list[str]:
    return [step.text for step in steps(*records)]


def test_a_conversation_has_arrows():
    found = list(steps_of(read(capture_of(SCENES[0]))))
    assert [(step.arrow, step.text.split(" ")[0]) for step in found] == [
        (Arrow.BOTH, "connect"),
        (Arrow.BOTH, "connected"),
        (Arrow.TO_SERVER, "CONNECT"),
        (Arrow.TO_CLIENT, "CONNECTED"),
        (Arrow.TO_SERVER, "SUBSCRIBE"),
        (Arrow.TO_CLIENT, "heart-beat"),
        (Arrow.TO_SERVER, "SEND"),
        (Arrow.TO_CLIENT, "MESSAGE"),
        (Arrow.TO_CLIENT, "RECEIPT"),
        (Arrow.TO_SERVER, "ACK"),
        (Arrow.TO_CLIENT, "ERROR"),
        (Arrow.BOTH, "closed"),
    ]
    assert [step.text.split(" ")[0] for step in found if step.fault] == ["ERROR"]
    assert all(step.text.isprintable() for step in found)


@pytest.mark.parametrize(
    ("client", "server", "text", "arrow"),
    [
        (0, 1, "heart-beat", Arrow.TO_CLIENT),
        (3, 0, "3 heart-beats", Arrow.TO_SERVER),
        (2, 1, "3 heart-beats, 2 of the client and 1 of the server", Arrow.BOTH),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_heart_beats_in_a_row_are_one_step(client, server, text, arrow, last):
    said = [Said(1, True, b"\n")] * client + [Said(1, False, b"\n")] * server
    lines = capture_of(Scene("", tuple(said)))
    found = list(steps_of(read(lines[: -3 if last else None])))
    assert (found[2].text, found[2].arrow, found[2].weak) == (text, arrow, True)
    assert found[-1].text == ("the capture was cut off here" if last else "closed")


def test_what_transports_repeat_comes_once():
    found = [step.text for step in steps_of(read(capture_of(SCENES[6])))]
    assert len([text for text in found if text.startswith("HTTP/1.1 204")]) == 1
    assert found[-1] == "what HTTP and WebSocket said came again 15 times"
    scene = Scene("", tuple(Said(1, True, b"GET / HTTP/1.1\r\n\r\n") for _ in range(2)))
    assert (
        list(steps_of(read(capture_of(scene))))[-1].text == "what HTTP and WebSocket said came again 1 time"
    )


def test_what_happens_to_a_stream_is_told():
    assert words(
        Record(Kind.OPEN, 0, ONE, about="h:1", tls="name"),
        Record(Kind.OPENED, 0, ONE),
        Record(Kind.START_TLS, 0, ONE, about="name"),
        Record(Kind.TLS, 0, ONE, about="TLSv1.3"),
        Record(Kind.PAUSE, 0, ONE),
        Record(Kind.RESUME, 0, ONE),
        Record(Kind.EOF, 0, ONE),
        Record(Kind.ABORT, 0, ONE),
        Record(Kind.LOST, 0, ONE, about="by\npeer", why=StreamLoss.RESET),
        Record(Kind.ACCEPTED, 0, StreamId(-1), about="somebody"),
        Record(Kind.TLS, 0, StreamId(-1)),
        Record(Kind.LOST, 0, StreamId(-1), why=StreamLoss.TIMEOUT),
        Record(Kind.END),
    ) == [
        "connect to h:1, TLS for name",
        "connected",
        "TLS has begun, TLSv1.3",
        "reading pauses: what waits must be taken first",
        "reading goes on",
        "the other side has ended the stream",
        "lost: the connection broke (by\\npeer)",
        "connected, from somebody",
        "TLS has begun",
        "lost: it was given up after a while",
    ]


@pytest.mark.parametrize("why", list(StreamLoss))
def test_every_loss_has_words(why: StreamLoss):
    (_, step) = steps(Record(Kind.OPEN, 0, ONE), Record(Kind.LOST, 0, ONE, why=why), Record(Kind.END))
    assert step.fault is (why is not StreamLoss.CLOSED)
    assert step.text == "closed" or step.text.startswith("lost: ")
    (_, step) = steps(Record(Kind.OPEN, 0, ONE), Record(Kind.LOST, 0, ONE), Record(Kind.END))
    assert step.text == "closed"


def test_a_capture_that_is_not_whole_says_so():
    assert words(Record(Kind.FULL, about="9 octets")) == [
        "the capture was full here, at 9 octets: what followed is not in it"
    ]
    assert words() == ["the capture was cut off here"]
    assert words(Record(Kind.END)) == []


def test_octets_that_are_no_frame_are_told():
    found = steps(
        Record(Kind.OPEN, 0, ONE),
        Record(Kind.IN, 0, ONE, b"NONSENSE\n\n\0SEND\n"),
        Record(Kind.LOST, 0, ONE),
        Record(Kind.END),
    )
    assert [step.fault for step in found] == [False, True, False, True]
    assert found[1].text.startswith("11 octets that are no frame: ")
    (_, step, _) = steps(
        Record(Kind.OPEN, 0, ONE),
        Record(Kind.IN, 0, ONE, b"SEND\n"),
        Record(Kind.LOST, 0, ONE),
        Record(Kind.END),
    )[::-1][:3]
    assert step.text
    whole = steps(
        Record(Kind.OPEN, 0, ONE),
        Record(Kind.IN, 0, ONE, b"SEND\n"),
        Record(Kind.LOST, 0, ONE),
        Record(Kind.END),
    )
    assert "5 octets of a frame whose end did not come" in [step.text for step in whole]


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Frame("SEND", [("destination", "/a\n"), ("x", "y")], b"a"), "SEND destination:/a\\n (1 octet) a"),
        (Frame("SEND", [("destination", "a" * 70)]), "SEND destination:" + "a" * 57 + "..."),
        (Frame("MESSAGE", [], b"\xff\xfe"), "MESSAGE (2 octets)"),
        (Frame("MESSAGE", [], "é".encode() * 200), "MESSAGE (400 octets) " + "é" * 37 + "..."),
        (Frame("ERROR", [("message", "no")]), "ERROR message:no"),
        (Frame("NONSENSE", [("a", "b")]), "NONSENSE"),
    ],
)
def test_a_frame_in_words(frame: Frame, text: str):
    assert frame_words(frame) == text
