"""The runner of vectors must be able to fail: each test breaks one thing and sees it named."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tools.vectors import RUNNERS, VECTORS, load, main, run_one

GOOD_FRAME = {
    "id": "good",
    "topic": "t",
    "spec": "s",
    "version": "1.2",
    "receiver": "client",
    "layer": "framing",
    "wire": "UkVDRUlQVApyZWNlaXB0LWlkOjEKCgAK",
    "frames": [{"command": "RECEIPT", "headers": [["receipt-id", "1"]], "body": ""}],
    "heartbeats": 1,
}

GOOD_ENCODE = {
    "id": "good",
    "topic": "t",
    "spec": "s",
    "version": "1.2",
    "command": "SEND",
    "headers": [["destination", "/q"]],
    "body": "eA==",
    "wire": "U0VORApkZXN0aW5hdGlvbjovcQpjb250ZW50LWxlbmd0aDoxCgp4AA==",
}


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


GOOD_SESSION = {
    "id": "good",
    "topic": "t",
    "spec": "s",
    "role": "client",
    "config": {"versions": ["1.2"], "host": "h", "heartbeat": [0, 1000]},
    "steps": [
        {"do": {"op": "connect"}},
        {"sent": _b64(b"CONNECT\naccept-version:1.2\nhost:h\nheart-beat:0,1000\n\n\0")},
        {"recv": _b64(b"CONNECTED\nversion:1.2\nheart-beat:1000,0\n\n\0")},
        {"expect": [{"event": "Connected", "version": "1.2", "session": None, "expect_every_ms": 1000}]},
        {"negotiated": {"version": "1.2", "send_every_ms": 0, "expect_every_ms": 1000}},
        {"do": {"op": "nack", "subscription": "s", "message_id": "never"}},
        {"error": "local", "kind": "unknown-message"},
        {"do": {"op": "subscribe", "id": "s", "destination": "/q", "receipt": "1"}},
        {"sent_match": [{"command": "SUBSCRIBE", "headers": [["id", "s"], ["receipt", "1"]]}]},
        {
            "recv": _b64(
                b"MESSAGE\nsubscription:s\nmessage-id:1\ndestination:/q\n\n\0"
                b"RECEIPT\nreceipt-id:1\n\n\0RECEIPT\nreceipt-id:2\n\n\0"
            )
        },
        {
            "expect_any_order": [
                {"event": "Receipt", "known": False},
                {"event": "Receipt"},
                {"event": "Message", "message_id": "1", "body": ""},
            ]
        },
        {"sent_heartbeats": {"min": 0, "max": 0}},
        {"want_close": False},
        {"recv": _b64(b"nonsense\n")},
        {"error": "remote", "kind": "malformed-command"},
        {"want_close": True},
        {"eof": True},
        {"expect": []},
        {"advance_ms": 60000},
        {"sent": ""},
    ],
}

GOOD: dict[str, dict[str, Any]] = {
    "frames.json": GOOD_FRAME,
    "encode.json": GOOD_ENCODE,
    "sessions.json": GOOD_SESSION,
}


def _why(file: str, vector: dict[str, Any]) -> str:
    """Return why the vector fails, or an empty string."""
    runner = RUNNERS[file]
    assert runner is not None
    return run_one(runner, vector, canonical=True).why or ""


def _changed(file: str, **changes: Any) -> dict[str, Any]:
    vector: dict[str, Any] = copy.deepcopy(GOOD[file])
    vector.update(changes)
    return {name: value for name, value in vector.items() if value is not ...}


def _steps(
    *steps: dict[str, Any], role: str = "client", config: dict[str, Any] | None = None
) -> dict[str, Any]:
    return _changed("sessions.json", role=role, config=config or {"versions": ["1.2"]}, steps=list(steps))


CONNECT: dict[str, Any] = {"do": {"op": "connect"}}
CONNECTED: dict[str, Any] = {"recv": _b64(b"CONNECTED\nversion:1.2\n\n\0")}
HEARD: dict[str, Any] = {"expect": [{"event": "Connected"}]}


@pytest.mark.parametrize("file", GOOD)
def test_the_vectors_that_the_tests_break_pass_when_whole(file: str):
    assert _why(file, _changed(file)) == ""


# --- the engine did otherwise -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"wire": _b64(b"RECEIPT\nreceipt-id:2\n\n\0\n")}, "frame 1 is"),
        ({"wire": _b64(b"RECEIPT\nreceipt-id:\\t\n\n\0\n")}, "refused as bad-escape"),
        ({"wire": _b64(b"RECEIPT\n\n\0\n")}, "refused as missing-header"),
        ({"frames": []}, "1 frames delivered, expected 0"),
        ({"heartbeats": 2}, "1 heart-beats, expected 2"),
        ({"pending": True}, "pending=False, expected True"),
        ({"wire": _b64(b"RECEIPT\nreceipt-id:1\n\n\0\nREC")}, "pending=True, expected False"),
        ({"error": {"kind": "bad-escape"}}, "accepted, expected bad-escape"),
        (
            {
                "wire": _b64(b"RECEIPT\nreceipt-id:1\n\n\0\nnonsense\n"),
                "error": {"kind": "bad-header", "also": ["bad-escape"]},
            },
            "refused as malformed-command",
        ),
        ({"receiver": "server"}, "refused as unexpected-command"),
        ({"limits": {"max_headers": 1, "max_line": 8, "max_body": 1}}, "refused as limit-line"),
    ],
)
def test_frames_vector_fails(changes: dict[str, Any], why: str):
    assert why in _why("frames.json", _changed("frames.json", **changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"wire": _b64(b"SEND\ndestination:/q\n\nx\0")}, "encoded to"),
        ({"wire": ..., "error": {"kind": "bad-header"}}, "encoded to"),
        ({"headers": [["", "x"]]}, "refused as bad-header"),
        ({"wire": ..., "headers": [["", "x"]], "error": {"kind": "not-utf8"}}, "refused as bad-header"),
    ],
)
def test_encode_vector_fails(changes: dict[str, Any], why: str):
    assert why in _why("encode.json", _changed("encode.json", **changes))


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([CONNECT, {"sent": ""}], "step 2 (sent): wrote"),
        ([CONNECT, {"sent": _b64(b"CONNECT\naccept-version:1.1\n\n\0")}], "step 2 (sent): wrote"),
        ([CONNECT, {"sent_match": []}], "step 2 (sent_match): wrote"),
        ([CONNECT, {"sent_match": [{"command": "CONNECT", "headers": [["host", "h"]]}]}], "with host=None"),
        ([CONNECT, {"sent_heartbeats": {"min": 0, "max": 9}}], "expected heart-beats alone"),
        ([{"sent_heartbeats": {"min": 1, "max": 9}}], "wrote 0 heart-beats"),
        ([CONNECT, CONNECTED, {"expect": []}], "step 3 (expect): events"),
        ([{"expect": [{"event": "Closed"}]}], "step 1 (expect): events"),
        (
            [CONNECT, CONNECTED, {"expect": [{"event": "Connected", "version": "1.1"}]}],
            "step 3 (expect): events",
        ),
        (
            [CONNECT, CONNECTED, {"expect": [{"event": "Connected", "session": "s"}]}],
            "step 3 (expect): events",
        ),
        (
            [CONNECT, CONNECTED, {"expect_any_order": [{"event": "Receipt"}]}],
            "step 3 (expect_any_order): events",
        ),
        ([CONNECT, {"want_close": True}], "wants_close is False"),
        ([CONNECT, CONNECTED, {"negotiated": {"version": "1.1"}}], "negotiated"),
        ([CONNECT, CONNECTED, {"negotiated": {"version": "1.2", "send_every_ms": 1}}], "negotiated"),
        ([CONNECT, {"error": "local", "kind": "closed"}], "nothing was refused"),
        ([{"do": {"op": "disconnect"}}, {"eof": True}], "step 2 (eof): refused locally as not-connected"),
        ([{"do": {"op": "disconnect"}}], "after the last step: refused locally as not-connected"),
        (
            [{"do": {"op": "disconnect"}}, {"error": "local", "kind": "closed"}],
            "refused locally as not-connected",
        ),
        ([CONNECT, CONNECTED, {"error": "remote", "kind": "bad-escape"}], "the peer was not blamed"),
        (
            [{"recv": _b64(b"no\n")}, {"error": "remote", "kind": "bad-escape"}],
            "blamed for malformed-command",
        ),
        (
            [{"recv": _b64(b"no\n")}, {"expect": []}],
            "after the last step: the peer was blamed for malformed-command",
        ),
        ([{"recv": _b64(b"no\n")}, {"eof": True}], "step 2 (eof): the peer was blamed for malformed-command"),
    ],
)
def test_session_vector_fails(steps: list[dict[str, Any]], why: str):
    assert why in _why("sessions.json", _steps(*steps))


def test_a_late_heart_beat_fails():
    beat = {"recv": _b64(b"CONNECTED\nversion:1.2\nheart-beat:0,1000\n\n\0")}
    config = {"versions": ["1.2"], "heartbeat": [1000, 0]}
    script: list[dict[str, Any]] = [
        CONNECT,
        {"sent_match": [{"command": "CONNECT", "headers": []}]},
        beat,
        HEARD,
        {"advance_ms": 1000},
    ]
    enough, too_many = {"sent_heartbeats": {"min": 1, "max": 2}}, {"sent_heartbeats": {"min": 9, "max": 9}}
    assert _why("sessions.json", _steps(*script, enough, config=config)) == ""
    assert "heart-beats, expected 9 to 9" in _why("sessions.json", _steps(*script, too_many, config=config))


def test_octets_that_are_not_canonical_are_a_remark_without_canonical_and_a_failure_with_it():
    step = {"sent": _b64(b"CONNECT\nhost:h\naccept-version:1.2\n\n\0")}
    vector = _steps(CONNECT, step, config={"versions": ["1.2"], "host": "h"})
    runner = RUNNERS["sessions.json"]
    assert runner is not None
    lenient = run_one(runner, vector, canonical=False)
    assert lenient.why is None
    assert "canonical is" in lenient.remarks[0]
    assert "canonical is" in (run_one(runner, vector, canonical=True).why or "")


# --- the vector says something that the runner does not know ------------------------------------------------


@pytest.mark.parametrize("file", GOOD)
def test_unknown_field_fails(file: str):
    assert "unknown field 'colour'" in _why(file, _changed(file, colour="red"))


@pytest.mark.parametrize("file", GOOD)
def test_missing_field_fails(file: str):
    assert "has no field 'topic'" in _why(file, _changed(file, topic=...))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": "2.0"}, "version is '2.0'"),
        ({"receiver": "proxy"}, "receiver is 'proxy'"),
        ({"layer": "magic"}, "layer is 'magic'"),
        ({"error": {"kind": "bad-day"}}, "a kind of error is 'bad-day'"),
        ({"error": {"kind": "bad-escape", "also": ["bad-day"]}}, "a kind of error is 'bad-day'"),
        ({"error": {"kind": "bad-escape", "line": 1}}, "unknown field 'line'"),
        (
            {"limits": {"max_headers": 1, "max_line": 8, "max_body": 1, "max_frames": 1}},
            "unknown field 'max_frames'",
        ),
        ({"limits": {"max_headers": 1, "max_line": 8}}, "no field 'max_body'"),
        ({"frames": [{"command": "RECEIPT", "headers": [], "body": "", "x": 1}]}, "unknown field 'x'"),
        ({"wire": "%"}, "wire is no base64"),
        ({"frames": [{"command": "RECEIPT", "headers": [["a"]], "body": ""}]}, "where [name, value] belongs"),
    ],
)
def test_unknown_word_in_a_frames_vector_fails(changes: dict[str, Any], why: str):
    assert why in _why("frames.json", _changed("frames.json", **changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"options": {"escape": False}}, "unknown field 'escape'"),
        ({"wire": ..., "error": {"kind": "bad-escape"}}, "a kind of error is 'bad-escape'"),
        ({"error": {"kind": "bad-header"}}, "either wire or error"),
    ],
)
def test_unknown_word_in_an_encode_vector_fails(changes: dict[str, Any], why: str):
    assert why in _why("encode.json", _changed("encode.json", **changes))


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"jump": 1}, "not one known kind of step"),
        ({"recv": "", "sent": ""}, "not one known kind of step"),
        ({"recv": "", "at": 1}, "unknown field 'at'"),
        ({"do": {"op": "dance"}}, "op is 'dance'"),
        ({"do": {"op": "accept"}}, "op is 'accept'"),
        ({"do": {"op": "send"}}, "no field 'destination'"),
        ({"do": {"op": "send", "destination": "/q", "priority": "1"}}, "unknown field 'priority'"),
        ({"expect": [{"event": "Heartbeat"}]}, "event is 'Heartbeat'"),
        ({"expect": [{"event": "Receipt", "colour": 1}]}, "unknown field 'colour'"),
        ({"expect": [{"event": "Closed", "reason": "boredom"}]}, "reason is 'boredom'"),
        ({"error": "cosmic", "kind": "closed"}, "is 'cosmic'"),
        ({"error": "local", "kind": "bad-escape"}, "is 'bad-escape'"),
        ({"error": "remote", "kind": "not-ackable"}, "is 'not-ackable'"),
        ({"error": "remote"}, "no field 'kind'"),
        ({"negotiated": {"version": "1.2", "colour": 1}}, "unknown field 'colour'"),
        ({"sent_match": [{"command": "SEND", "headers": [], "body": ""}]}, "unknown field 'body'"),
        ({"sent_heartbeats": {"min": 1}}, "no field 'max'"),
        ({"eof": False}, "must be true"),
        ({"advance_ms": "soon"}, "where a whole number belongs"),
        ({"want_close": 1}, "where true or false belongs"),
    ],
)
def test_unknown_word_in_a_session_vector_fails_wherever_it_stands(step: dict[str, Any], why: str):
    assert why in _why("sessions.json", _steps(CONNECT, {"sent": ""}, step))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"role": "broker"}, "role is 'broker'"),
        ({"config": {"versions": ["1.2"], "colour": 1}}, "unknown field 'colour'"),
        ({"config": {"versions": ["3.0"]}}, "version is '3.0'"),
        ({"config": {"versions": ["1.2"], "heartbeat": [1]}}, "where two numbers of milliseconds belong"),
        ({"role": "server"}, "unknown field 'host'"),
    ],
)
def test_unknown_word_in_a_session_configuration_fails(changes: dict[str, Any], why: str):
    assert why in _why("sessions.json", _changed("sessions.json", **changes))


# --- the command --------------------------------------------------------------------------------------------


def _write(directory: Path, file: str, *vectors: dict[str, Any]) -> None:
    (directory / file).write_text(json.dumps(vectors), "ascii")


def test_command_counts_and_names_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _write(tmp_path, "frames.json", GOOD_FRAME, _changed("frames.json", id="bad", heartbeats=7))
    _write(tmp_path, "encode.json", GOOD_ENCODE)
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "encode.json: 1 passed, 0 failed",
        "frames.json: 1 passed, 1 failed",
        "  FAILED bad: whole: 1 heart-beats, expected 7",
    ]


def test_command_says_by_its_status_that_all_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _write(tmp_path, "sessions.json", GOOD_SESSION)
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "sessions.json: 1 passed, 0 failed\n"


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("dances.json", "[]", "no file of the format has this name"),
        ("frames.json", "{}", "no array of objects with an id"),
        ("frames.json", "[", "no JSON"),
        ("frames.json", '[{"id": "a"}, {"id": "a"}]', "one of them is there twice"),
    ],
)
def test_command_fails_loudly_on_a_file_it_cannot_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, content: str, why: str
):
    (tmp_path / file).write_text(content, "ascii")
    assert main([str(tmp_path)]) == 1
    assert f"{file}: NOT RUN: " in (printed := capsys.readouterr().out)
    assert why in printed


def test_command_fails_where_a_runner_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(RUNNERS, "sockjs.json", None)
    _write(tmp_path, "sockjs.json")
    assert main([str(tmp_path)]) == 1
    assert "sockjs.json: NOT RUN: " in capsys.readouterr().out


def test_command_refuses_a_directory_without_vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "has no vector files" in (printed := capsys.readouterr().err)
    assert "is no directory" in printed


def test_an_engine_that_raises_something_else_fails_the_vector_and_not_the_run():
    def runner(vector: object) -> list[str]:
        raise ZeroDivisionError("oops")

    outcome = run_one(runner, GOOD_FRAME, canonical=False)
    assert outcome.why == "the engine raised ZeroDivisionError: oops"


def test_the_command_runs_the_projects_own_vectors_by_default():
    assert {path.name for path in VECTORS.glob("*.json")} == set(RUNNERS)
    assert load(VECTORS / "frames.json")
