"""`Recorder`: what crosses the border is written down, in order, without secrets; nothing else changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture import Kind, Recorder, read
from stomp_sansio.machine import (
    CloseStream,
    OpenStream,
    StartTLS,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
    TLSWish,
    UnixAddress,
)

from .scenes import (
    CANARY,
    SCENES,
    Puppet,
    Said,
    Scene,
    by_octet,
    capture_of,
    octets_of,
    play,
    signs,
    unhidden,
    whole,
)

ONE = StreamId(1)


def by_name(scene: Scene) -> str:
    return scene.name


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("scene", SCENES, ids=by_name)
def test_no_secret_is_written_however_octets_are_cut(scene: Scene, role: str):
    before = octets_of(unhidden(scene, role=role))
    assert any(sign in octets for sign in signs() for octets in before.values()) or "sockjs" in scene.name
    for cut in (whole, by_octet):
        lines = capture_of(scene, cut, role=role)
        after = octets_of(lines)
        assert {key: len(octets) for key, octets in after.items()} == {
            key: len(octets) for key, octets in before.items()
        }
        assert after == octets_of(capture_of(scene, role=role)), "the cut makes no difference"
        for sign in signs():
            assert not any(sign in octets for octets in after.values())
            assert sign.decode() not in "".join(lines)


@given(st.data())
def test_no_secret_is_written_at_any_cut(data: st.DataObject):
    scene = data.draw(st.sampled_from(SCENES))

    def cut(octets: bytes) -> list[bytes]:
        edges = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
        return [octets[start:end] for start, end in zip([0, *edges], [*edges, len(octets)], strict=True)]

    assert octets_of(capture_of(scene, cut)) == octets_of(capture_of(scene))


def records(lines: list[str]) -> list[tuple[Kind, bytes | str]]:
    return [(record.kind, record.octets or record.about) for record in read(lines)]


def test_everything_is_passed_on_and_written_down():
    lines: list[str] = []
    puppet = Puppet()
    recorder: Recorder[str] = Recorder(puppet, lines.append)
    puppet.actions += [
        OpenStream(ONE, TCPAddress("broker", 61613), TLSWish("name")),
        StartTLS(ONE, TLSWish("n")),
    ]
    assert isinstance(recorder.next_action(), OpenStream)
    recorder.stream_opened(ONE, 50.0)
    assert isinstance(recorder.next_action(), StartTLS)
    assert recorder.next_action() is None
    recorder.tls_started(ONE, TLSInfo("TLSv1.3"), 50.5)
    puppet.out.append(b"\n")
    assert recorder.data_to_send(ONE, 51.0) == b"\n"
    assert recorder.data_to_send(ONE, 51.0) == b""
    recorder.receive_data(ONE, b"\n", 52.0)
    recorder.receive_eof(ONE, 53.0)
    recorder.handle_timeout(54.0)
    recorder.run(55.0)
    puppet.events.append("event")
    assert recorder.next_event() == "event"
    assert recorder.changed_streams() == [ONE]
    puppet.deadline, puppet.left_over = 7.0, True
    assert recorder.next_deadline() == 7.0
    assert recorder.wants_run()
    puppet.actions += [CloseStream(ONE), CloseStream(ONE, abort=True)]
    assert [recorder.next_action(), recorder.next_action()] == [
        CloseStream(ONE),
        CloseStream(ONE, abort=True),
    ]
    recorder.stream_lost(ONE, StreamLoss.RESET, 56.0, "by peer")
    assert not recorder.finished
    puppet.finished = True
    assert recorder.finished
    assert recorder.next_action() is None
    assert recorder.next_action() is None
    assert [call[0] for call in puppet.calls] == ["opened", "tls", "data", "eof", "timeout", "run", "lost"]
    assert puppet.calls[-1] == ("lost", ONE, StreamLoss.RESET, 56.0, "by peer")
    assert records(lines) == [
        (Kind.BEGIN, ""),
        (Kind.OPEN, "broker:61613"),
        (Kind.OPENED, ""),
        (Kind.START_TLS, "n"),
        (Kind.TLS, "TLSv1.3"),
        (Kind.OUT, b"\n"),
        (Kind.IN, b"\n"),
        (Kind.EOF, ""),
        (Kind.CLOSE, ""),
        (Kind.ABORT, ""),
        (Kind.LOST, "by peer"),
        (Kind.END, ""),
    ]
    times = [record.time for record in read(lines)]
    assert times[:5] == [0, 0, 0, 0, 0.5]
    assert times[-1] == 6.0


def test_the_clock_begins_with_the_machine_where_that_is_known():
    lines: list[str] = []
    puppet = Puppet()
    recorder: Recorder[str] = Recorder(puppet, lines.append)
    recorder.begin(50.0)
    puppet.actions.append(OpenStream(ONE, TCPAddress("broker", 61613)))
    recorder.next_action()
    recorder.stream_opened(ONE, 50.5)
    assert [record.time for record in read(lines)] == [0.0, 0.0, 0.5]


def test_a_unix_socket_is_named_by_its_path_and_a_stream_may_never_open():
    lines: list[str] = []
    puppet = Puppet()
    recorder: Recorder[str] = Recorder(puppet, lines.append)
    puppet.actions.append(OpenStream(ONE, UnixAddress("/run/stomp")))
    recorder.next_action()
    recorder.stream_lost(ONE, StreamLoss.REFUSED, 1.0)
    assert records(lines)[1:] == [(Kind.OPEN, "/run/stomp"), (Kind.LOST, "")]


def test_back_pressure_is_written_when_it_changes_and_not_behind_the_end():
    lines: list[str] = []
    puppet = Puppet()
    recorder: Recorder[str] = Recorder(puppet, lines.append)
    recorder.stream_accepted(StreamId(-1), 3, "somebody", 1.0)
    for reading in (True, False, False, True):
        puppet.reading = reading
        assert recorder.wants_read(StreamId(-1)) is reading
    puppet.actions.append(CloseStream(StreamId(-1)))
    recorder.next_action()
    puppet.reading = False
    assert not recorder.wants_read(StreamId(-1))
    kinds = [kind for kind, _ in records(lines)]
    assert kinds == [Kind.BEGIN, Kind.ACCEPTED, Kind.PAUSE, Kind.RESUME, Kind.CLOSE]
    assert puppet.calls == [("accepted", StreamId(-1), 3, "somebody", 1.0)]


def test_secrets_that_are_known_beforehand_are_hidden_before_they_are_said():
    scene = Scene("", (Said(1, True, b"GET /ws HTTP/1.1\r\nX-Key: hunter2hunter2\r\n\r\n"),))
    assert "hunter2" in "".join(capture_of(scene))
    assert "hunter2" not in "".join(capture_of(scene, secrets=["hunter2hunter2"]))


def test_sentences_of_the_system_show_no_secret():
    lines: list[str] = []
    recorder: Recorder[str] = Recorder(Puppet(), lines.append, secrets=[CANARY])
    recorder.stream_accepted(StreamId(-1), 0, CANARY, 0.0)
    recorder.stream_lost(StreamId(-1), StreamLoss.TLS_FAILED, 0.0, f"what is {CANARY}?")
    assert records(lines)[-1] == (Kind.LOST, "what is xxxxxxxxxxxx?")


@pytest.mark.parametrize("most", [200, 400, 5_000])
def test_a_capture_never_has_more_than_its_limit_and_says_so_last(most: int):
    scene = SCENES[0]
    puppet = Puppet()
    lines: list[str] = []
    recorder: Recorder[str] = Recorder(puppet, lines.append, max_octets=most)
    play(recorder, puppet, scene, by_octet, "client")
    assert sum(len(line) + 1 for line in lines) <= most
    last = list(read(lines))[-1]
    assert (last.kind, last.about) == (Kind.FULL, f"{most} octets")


def test_what_write_raises_ends_the_capture_alone():
    failures: list[Exception] = []
    written: list[str] = []

    def write(line: str) -> None:
        written.append(line)
        if len(written) == 3:
            raise OSError("the disk is full")

    for on_failure in (failures.append, None):
        written.clear()
        puppet = Puppet()
        recorder: Recorder[str] = Recorder(puppet, write, on_failure=on_failure)
        play(recorder, puppet, SCENES[0], whole, "client")
        assert len(written) == 3
        assert len([call for call in puppet.calls if call[0] == "data"]) == 4
    assert [str(failure) for failure in failures] == ["the disk is full"]


def test_long_chunks_become_several_lines():
    octets = b"SEND\n\n" + bytes([65]) * 200_000
    lines = capture_of(Scene("", (Said(1, True, octets),)))
    assert max(map(len, lines)) < 100_000
    assert octets_of(lines) == {(1, False): octets}


def test_what_cannot_be_decided_for_long_is_hidden_and_holds_nobody_up():
    """A header whose end never comes is held, but not for ever: then it counts as what it may be."""
    puppet = Puppet()
    lines: list[str] = []
    recorder: Recorder[str] = Recorder(puppet, lines.append)
    one, two = StreamId(-1), StreamId(-2)
    recorder.stream_accepted(one, 0, "somebody", 0.0)
    recorder.stream_accepted(two, 0, "somebody", 0.0)
    recorder.receive_data(one, b"MESSAGE\npasscode:" + CANARY.encode(), 0.0)
    for _ in range(6):
        recorder.receive_data(two, b"\n" * 60_000, 0.0)
    assert octets_of(lines)[-1, True] == b"MESSAGE\npasscode:" + b"x" * len(CANARY)
    recorder.receive_data(one, b"more\n\n\0", 0.0)
    assert octets_of(lines)[-1, True].endswith(b"xxxx\n\n\0")


def test_a_stream_that_ends_in_the_middle_of_a_secret_shows_none_of_it():
    for end in range(1, len(CANARY)):
        octets = b"MESSAGE\npasscode:" + CANARY[:end].encode()
        after = octets_of(capture_of(Scene("", (Said(1, False, octets),))))[1, True]
        assert after == b"MESSAGE\npasscode:" + b"x" * end


def test_lines_are_json_in_ascii():
    for scene in SCENES:
        for line in capture_of(scene, role="server"):
            assert line.isascii()
            assert "\n" not in line
            assert isinstance(json.loads(line), dict)
