"""`replay`: the same octets at the same instants come to the same, with or without their secrets."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Closed, CloseReason, Connected, Error, Limits, Message, Receipt
from stomp_sansio.capture import Kind, Record, read, replay
from stomp_sansio.capture.records import line_of
from stomp_sansio.machine import StreamId, StreamLoss

from .scenes import SCENES, Said, Scene, by_octet, capture_of, frame, plain, unhidden, websocket

ONE = StreamId(1)
GREETING = frame("CONNECT", [("accept-version", "1.2"), ("host", "/"), ("heart-beat", "0,1000")])
BEATING = frame("CONNECTED", [("version", "1.2"), ("heart-beat", "1000,0")])


def of(*records: Record) -> list[Any]:
    """Return the events that records of one stream come to."""
    first = Record(Kind.BEGIN), Record(Kind.OPEN, 0.0, ONE, about="h:1"), Record(Kind.OPENED, 0.0, ONE)
    (connection,) = replay(read([line_of(record) for record in (*first, *records)])).connections
    return [event for _, event in connection.events]


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def without_secrets(lines: list[str]) -> list[list[str]]:
    return [
        kinds([event for _, event in connection.events]) for connection in replay(read(lines)).connections
    ]


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_what_is_hidden_changes_no_event_and_no_verdict(scene: Scene, role: str):
    hidden, shown = capture_of(scene, role=role), unhidden(scene, role=role)
    assert without_secrets(hidden) == without_secrets(shown)
    assert replay(read(hidden)).errors == replay(read(shown)).errors
    assert replay(read(capture_of(scene, by_octet, role=role))).summary() == replay(read(hidden)).summary()
    assert replay(read(hidden)).summary() == replay(read(hidden)).summary()


@given(st.data())
def test_faults_are_the_same_without_secrets(data: st.DataObject):
    """Values of secret headers are where faults hide best."""
    value = data.draw(
        st.lists(
            st.sampled_from([b"a", b"\\n", b"\\t", b"\\", b"\xff", b"\r", b"\0", b":", b" "]), max_size=6
        )
    )
    version = data.draw(st.sampled_from(["1.0", "1.1", "1.2"]))
    said = (
        Said(1, True, frame("CONNECT", [("accept-version", "1.0,1.1,1.2"), ("host", "/")])),
        Said(1, False, frame("CONNECTED", [("version", version)])),
        Said(
            1,
            False,
            b"MESSAGE\nmessage-id:1\nsubscription:0\ndestination:/a\npasscode:"
            + b"".join(value)
            + b"\n\nabc\0",
        ),
        Said(1, True, b"SEND\ndestination:/a\ntoken:" + b"".join(value) + b"\n\nabc\0"),
    )
    for role in ("client", "server"):
        hidden = replay(read(capture_of(Scene("", said), role=role)))
        shown = replay(read(unhidden(Scene("", said), role=role)))
        assert hidden.errors == shown.errors
        assert [kinds([event for _, event in connection.events]) for connection in hidden.connections] == [
            kinds([event for _, event in connection.events]) for connection in shown.connections
        ]


def test_a_conversation_comes_to_its_events():
    (connection,) = replay(read(capture_of(plain()))).connections
    events: list[Any] = [event for _, event in connection.events]
    assert [type(event) for event in events[:5]] == [Connected, Message, Receipt, Error, Closed]
    assert events[1].known
    assert events[2].known
    assert events[4] == Closed(clean=False, reason=CloseReason.ERROR)
    assert [time for time, _ in connection.events][:4] == pytest.approx([0.002, 0.006, 0.006, 0.008])


def test_silence_is_noticed_when_it_was():
    events = of(
        Record(Kind.OUT, 0.0, ONE, GREETING),
        Record(Kind.IN, 0.5, ONE, BEATING),
        Record(Kind.IN, 3.0, ONE, b"\n"),
        Record(Kind.CLOSE, 9.0, ONE),
        Record(Kind.LOST, 9.0, ONE, why=StreamLoss.CLOSED),
    )
    assert kinds(events) == ["Connected", "Closed", "Ending"]
    assert events[1].reason is CloseReason.HEARTBEAT_TIMEOUT


def test_silence_is_not_counted_while_our_side_does_not_read():
    events = of(
        Record(Kind.OUT, 0.0, ONE, GREETING),
        Record(Kind.IN, 0.5, ONE, BEATING),
        Record(Kind.PAUSE, 1.0, ONE),
        Record(Kind.RESUME, 9.0, ONE),
        Record(Kind.IN, 9.5, ONE, b"\n"),
        Record(Kind.EOF, 10.0, ONE),
        Record(Kind.LOST, 10.0, ONE, why=StreamLoss.CLOSED),
    )
    assert kinds(events) == ["Connected", "Closed", "Ending"]
    assert events[1].reason is CloseReason.EOF


def test_limits_can_be_those_that_our_side_had():
    lines = capture_of(
        Scene(
            "",
            (
                Said(1, True, GREETING),
                Said(
                    1,
                    False,
                    BEATING
                    + frame(
                        "MESSAGE", [("message-id", "1"), ("subscription", "0"), ("destination", "/a")], b"abc"
                    ),
                ),
            ),
        )
    )
    assert replay(read(lines)).errors == []
    (error,) = replay(read(lines), limits=Limits(max_body=2)).errors
    assert error.startswith("limit-body: ")


def test_both_sides_of_a_conversation_may_be_in_one_capture():
    lines = capture_of(plain())
    theirs = capture_of(plain(), role="server")
    mixed = [
        *lines[:-1],
        *(line.replace('{"t": 0.0', '{"t": 0.01').replace('"t": 0.00', '"t": 0.01') for line in theirs[1:]),
    ]
    roles = [connection.role for connection in replay(read(mixed)).connections]
    assert sorted(roles) == ["client", "server"]


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("name", ["replaying_http", "replaying_server", "sockjs"])
def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, role: str):
    """What needs a package is imported when it is needed, and its lack is told by name."""
    where = {
        "replaying_http": "stomp_sansio.capture.replaying_http",
        "replaying_server": "stomp_sansio.capture.replaying_server",
        "sockjs": "stomp_sansio.links.sockjs",
    }[name]
    importlib.import_module(where)
    monkeypatch.setitem(sys.modules, where, None)
    scene = {"replaying_http": SCENES[6], "replaying_server": SCENES[0], "sockjs": websocket()}[name]
    needed = role == "server" if name == "replaying_server" else role == "client"
    lines = capture_of(scene, role=role)
    if not needed:
        assert replay(read(lines)).connections
        return
    with pytest.raises(ImportError, match=r"pip install 'stomp-sansio\[ws\]'"):
        replay(read(lines))
