"""Conversations with real servers: which we can follow to the end, and what exactly we refuse in others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stomp_sansio import FrameParser
from tools.replay import BadRecording, DependsOnCut, load, main, offered_versions, replay, shown, why_left_out

TRANSCRIPTS = Path(__file__).resolve().parent / "transcripts"

PASSES = """\
activemq: 8 of 10 conversations pass
activemq-tls: 1 of 1 conversations pass
coilmq: 3 of 7 conversations pass
gostomp: 4 of 5 conversations pass
rabbitcluster: 1 of 1 conversations pass
rabbitmq: 19 of 21 conversations pass
rabbitmq-tls: 2 of 2 conversations pass
all: 38 of 47 pass, 3 left out
  left out 1 of rabbitmq: a large chunk was recorded in part
  left out 1 of rabbitmq: the server sent nothing
  left out 1 of rabbitmq: the server spoke HTTP (WebSocket, SockJS)
"""

REFUSALS = {
    "activemq-escapes_10": (
        "bad-header",
        "header line 7: no colon between name and value: b'b'",
    ),
    "activemq-hb_neg": (
        "bad-heart-beat",
        "heart-beat is '1000,-1': it must be two numbers with a comma between",
    ),
    "coilmq-clen_negative": (
        "bad-content-length",
        "content-length is b'-1': it must be ASCII digits and nothing else",
    ),
    "coilmq-connect_twice": (
        "unexpected-command",
        "CONNECTED while the connection is connected",
    ),
    "coilmq-escape_undefined": (
        "bad-escape",
        "header line 2: a backslash sequence that is none of \\n \\c \\\\ \\r: b'e1:a\\\\tb'",
    ),
    "coilmq-header_cr_inside": (
        "bad-header",
        "header line 2: a CR that is not part of the line's end: b'a:b\\rc'",
    ),
    "gostomp-escapes_11": (
        "bad-escape",
        "header line 2: a backslash sequence that is none of \\n \\c \\\\: b'e4:a\\\\rb'",
    ),
    "rabbitmq-err_subscribe_no_id": (
        "missing-header",
        "MESSAGE without the header 'subscription', which STOMP 1.2 requires",
    ),
    "rabbitmq-escapes_11": (
        "bad-escape",
        "header line 5: a backslash sequence that is none of \\n \\c \\\\: b'e4:a\\\\rb'",
    ),
}
"""Each of them breaks a rule that no well-known client needs us to bend: see tests/vectors/README.md."""


def test_pass_counts_of_every_server(capsys: pytest.CaptureFixture[str]):
    assert main([str(TRANSCRIPTS)]) == 0
    assert capsys.readouterr().out.partition("REFUSED")[0] == PASSES


def test_refusals_and_their_reasons():
    refused: dict[str, tuple[str, str]] = {}
    for path in sorted(TRANSCRIPTS.glob("*.jsonl")):
        recording = load(path)
        if why_left_out(recording) is None and (refusal := replay(recording).refusal) is not None:
            refused[recording.name] = (refusal.fault, refusal.message)
    assert refused == REFUSALS


def test_a_refusal_shows_the_octets_from_behind_the_last_good_frame_to_the_fault():
    verdict = replay(load(TRANSCRIPTS / "coilmq-clen_negative.jsonl"))
    assert verdict.reader == "Connection, offering 1.2"
    assert verdict.refusal is not None
    assert verdict.refusal.octets.startswith(b"MESSAGE\n")
    assert verdict.refusal.octets.endswith(b"\n\n")
    assert b"content-length:-1\n" in verdict.refusal.octets


def test_a_client_that_never_connected_is_replayed_as_frames():
    verdict = replay(load(TRANSCRIPTS / "rabbitmq-send_before_connect.jsonl"))
    assert verdict == ("FrameParser, before any version", 1, None)


# --- reading recordings ----------------------------------------------------------------------


def _record(directory: Path, *rows: dict[str, Any], name: str = "server-case") -> Path:
    path = directory / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def _in(octets: bytes, **more: Any) -> dict[str, Any]:
    return {"t": 1, "dir": "in", "hex": octets.hex(), **more}


def _out(octets: bytes, **more: Any) -> dict[str, Any]:
    return {"t": 0, "dir": "out", "hex": octets.hex(), **more}


CONNECT = _out(b"CONNECT\naccept-version:1.2\nhost:/\n\n\0")
CONNECTED = _in(b"CONNECTED\nversion:1.2\n\n\0\n")
FIN = _in(b"", eof="fin")


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("rabbitmq-connect_12", "rabbitmq"),
        ("rabbitmq-tls-connect_12", "rabbitmq-tls"),
        ("a-b-c", "a"),
        ("a", "a"),
    ],
)
def test_the_name_of_a_recording_names_its_server(tmp_path: Path, name: str, server: str):
    assert load(_record(tmp_path, CONNECT, name=name)).server == server


def test_a_recording_is_read_as_two_streams(tmp_path: Path):
    recording = load(_record(tmp_path, _out(b"a"), _in(b"x"), _out(b"b"), _in(b"y"), FIN))
    assert (recording.sent, recording.received) == (b"ab", b"xy")
    assert (recording.whole, recording.finished) == (True, True)


def test_a_reset_is_no_end_of_stream(tmp_path: Path):
    assert not load(_record(tmp_path, CONNECTED, _in(b"", eof="rst"))).finished


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"t": 0, "dir": "in", "hex": "", "colour": "red"}, "unknown fields"),
        ({"t": 0, "dir": "up", "hex": ""}, "KeyError"),
        ({"t": 0, "dir": "in"}, "KeyError"),
        ({"t": 0, "dir": "in", "hex": "zz"}, "ValueError"),
    ],
)
def test_what_is_no_recording_is_named_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, Any], why: str
):
    path = _record(tmp_path, CONNECT, row)
    with pytest.raises(BadRecording, match=f"line 2: {why}"):
        load(path)
    assert main([str(tmp_path)]) == 1
    assert f"BROKEN {path.name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([CONNECT, FIN], "the server sent nothing"),
        ([_out(b"GET /ws HTTP/1.1\r\n\r\n"), _in(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")], "HTTP"),
        ([CONNECT, CONNECTED, _in(b"MESSAGE\n", more=99, sha256="0")], "recorded in part"),
    ],
)
def test_what_cannot_be_replayed_is_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[dict[str, Any]], why: str
):
    path = _record(tmp_path, *rows)
    assert why in (why_left_out(load(path)) or "")
    assert main([str(tmp_path)]) == 0
    assert "left out 1 of server: " in capsys.readouterr().out


def test_what_the_client_sent_in_part_does_not_matter(tmp_path: Path):
    recording = load(_record(tmp_path, CONNECT, CONNECTED, _out(b"SEND\n", more=99, sha256="0")))
    assert why_left_out(recording) is None


# --- judging them ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connect", "versions"),
    [
        (b"CONNECT\naccept-version:1.1, 1.2\n\n\0", ["1.1", "1.2"]),
        (b"\n\nSTOMP\naccept-version:1.2,9.9\n\n\0SEND\n", ["1.2"]),
        (b"CONNECT\n\n\0", ["1.0"]),
        (b"CONNECT\naccept-version:2.0\n\n\0", ["1.0", "1.1", "1.2"]),
        (b"SEND\ndestination:/q\n\n\0", None),
        (b"CONNECT\naccept-version", None),
        (b"GET / HTTP/1.1\r\n", None),
        (b"", None),
    ],
)
def test_the_versions_are_those_that_the_client_offered(connect: bytes, versions: list[str] | None):
    offered = offered_versions(connect)
    assert (None if offered is None else [version.value for version in offered]) == versions


def test_every_cut_must_give_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any):
    class Forgetful(FrameParser):
        """Reads nothing of a chunk that is one octet long."""

        def receive_data(self, data: bytes) -> None:
            super().receive_data(data if len(data) > 1 else b"")

    monkeypatch.setattr("tools.replay.FrameParser", Forgetful)
    path = _record(tmp_path, _out(b""), _in(b"ERROR\nmessage:no\n\n\0"))
    with pytest.raises(DependsOnCut, match="octet by octet: 0 events"):
        replay(load(path))
    assert main([str(tmp_path)]) == 1
    assert "BROKEN server-case.jsonl: octet by octet" in capsys.readouterr().out


def test_a_refusal_does_not_change_the_status_but_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    _record(tmp_path, CONNECT, CONNECTED, _in(b"RECEIPT\ntoken:s3cret\nreceipt-id:\\t\n\n\0"))
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[:2] == [
        "server: 0 of 1 conversations pass",
        "all: 0 of 1 pass, 0 left out",
    ]
    assert "REFUSED server-case.jsonl: bad-escape: " in printed
    assert "s3cret" not in printed


def test_octets_are_shown_in_part_and_without_secrets():
    assert shown(b"CONNECT\npasscode:s3cret\nX-Auth-Token:s3cret\nhost:h\n") == repr(
        b"CONNECT\npasscode:[redacted]\nX-Auth-Token:[redacted]\nhost:h\n"
    )
    assert shown(b"x" * 201) == repr(b"x" * 200) + "..."


def test_a_directory_without_recordings_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path)]) == 2
    assert "has no recordings" in capsys.readouterr().err
