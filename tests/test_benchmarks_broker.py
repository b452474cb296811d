"""The broker's benchmark measures what it says: what was not delivered is never counted as delivered.

No test here looks at a clock.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks import broker, slow_consumer
from benchmarks.broker_contestants import BrokerKind, Running, brokers
from benchmarks.broker_load import Crowd, Missing, frame, in_websocket, plain, settlements
from benchmarks.report import Report
from benchmarks.targets import TARGETS
from stomp_sansio import FrameParser, Version


@contextmanager
def toy(answer: Callable[[int, str], bytes]) -> Iterator[int]:
    """Listen, and answer each frame of the connection of that number with octets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def speak(number: int, peer: socket.socket) -> None:
        parser = FrameParser(Version.V1_2)
        with peer:
            while data := peer.recv(65536):
                parser.receive_data(data)
                while (said := parser.next_frame()) is not None:
                    peer.sendall(answer(number, said.command))

    def listen() -> None:
        for number in range(10):
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=speak, args=(number, peer), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def polite(number: int, command: str) -> bytes:
    return {"CONNECT": b"CONNECTED\nversion:1.2\n\n\0", "SEND": b"MESSAGE\n\n\0"}.get(command, b"")


def test_a_crowd_counts_what_each_of_it_hears() -> None:
    with toy(polite) as port, Crowd(port, plain) as crowd:
        crowd.open(3)
        crowd.say_all(frame("SEND", b"x", destination="/a"))
        crowd.say(1, frame("SEND", b"x", destination="/a"))
        crowd.hear(4)
        assert crowd.heard == [1, 2, 1]


def test_what_does_not_come_is_missing() -> None:
    with toy(polite) as port, Crowd(port, plain) as crowd:
        crowd.open(1)
        with pytest.raises(Missing, match="1 frames have not come"):
            crowd.hear(1, seconds=0.0)


def test_who_is_refused_is_missing() -> None:
    with (
        toy(lambda number, command: b"ERROR\nmessage:no\n\n\0") as port,
        Crowd(port, plain) as crowd,
        pytest.raises(Missing, match="ERROR"),
    ):
        crowd.open(1)


def test_frames_are_what_a_parser_reads() -> None:
    parser = FrameParser(Version.V1_2)
    parser.receive_data(frame("SEND", b"hi", destination="/a", content_length="2"))
    said = parser.next_frame()
    assert said is not None
    assert (said.command, dict(said.headers), said.body) == (
        "SEND",
        {"destination": "/a", "content-length": "2"},
        b"hi",
    )


@pytest.mark.parametrize(("length", "head"), [(5, b"\x81\x85"), (200, b"\x81\xfe\x00\xc8")])
def test_a_message_of_a_client_is_masked_with_nothing(length: int, head: bytes) -> None:
    assert in_websocket(b"x" * length) == head + bytes(4) + b"x" * length


def test_messages_are_acknowledged_as_their_version_says() -> None:
    octets = b"MESSAGE\nack:7\nmessage-id:m1\n\n\0MESSAGE\nack:8\nmessage-id:m2\n\n\0"
    assert list(settlements(octets, "1.2")) == [b"7", b"8"]
    assert list(settlements(octets, "1.1")) == [b"m1", b"m2"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {
        "SUBSCRIBERS": 4,
        "_MESSAGES": 4,
        "_ON_THEIR_WAY": 2,
        "_TRIPS": 6,
        "_WINDOW": 3,
        "_CONNECTS": 3,
        "_IDLE": 3,
    }.items():
        monkeypatch.setattr(broker, name, size)
    monkeypatch.setattr(slow_consumer, "SUBSCRIBERS", 3)
    monkeypatch.setattr(slow_consumer, "_MESSAGES", 8)
    monkeypatch.setattr(slow_consumer, "_OWN_BODY", b"x" * 100)


@pytest.mark.usefixtures("small")
def test_every_target_of_the_broker_belongs_to_a_figure() -> None:
    report = Report(out=io.StringIO())
    broker.run(report, rounds=1, others=False)
    names = {figure.name for figure in report.figures}
    assert {name for name in TARGETS if name.startswith("broker ")} <= names


@pytest.mark.usefixtures("small")
def test_a_broker_that_forgets_somebody_is_told_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(number: int, command: str) -> bytes:
        # The publisher gets what its fourth subscriber should have had.
        answers = {"CONNECT": b"CONNECTED\n\n\0", "SUBSCRIBE": b"RECEIPT\n\n\0", "SEND": b"MESSAGE\n\n\0" * 4}
        return answers.get(command, b"")

    report = Report(out=io.StringIO())
    kind = BrokerKind("forgetful", ["true"])
    with toy(forgetful) as port:

        class Pretended(Running):
            def __init__(self, kind: BrokerKind) -> None:
                self.kind, self.port = kind, port

            def cpu(self) -> float:
                return 0.0

            def __exit__(self, *_: object) -> None:
                pass

        monkeypatch.setattr(broker, "Running", Pretended)
        samples = broker.sampled(report, [kind], "fan-out", 1, lambda running: broker.fan_out(running, 2))
    assert samples == {}
    assert isinstance(report.out, io.StringIO)
    assert "forgetful did not do it: not everybody got every message once" in report.out.getvalue()


def test_without_the_others_only_ours_are_measured() -> None:
    kinds, versions = brokers(False, lambda line: None)
    assert [kind.ours for kind in kinds] == [True, True]
    assert versions == []
