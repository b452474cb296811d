"""`--capture FILE`: where it may be written, who may read it, and what becomes of it on a full disk."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stomp_cli.capturing import capturing
from stomp_cli.exits import Exit, UsageError
from stomp_sansio.capture import Kind, read
from tests.cli.programs import ENVIRONMENT, PATIENCE, run


def written(file: Path | str, *lines: str) -> list[str]:
    """Write lines; return what was remarked."""
    remarks: list[str] = []
    with capturing(str(file), remarks.append) as write:
        assert write is not None
        for line in lines:
            write(line)
    return remarks


def test_without_a_file_nothing_is_written():
    with capturing(None, pytest.fail) as write:
        assert write is None


def test_it_is_for_its_owner_alone(tmp_path):
    assert written(tmp_path / "new", "one", "two") == []
    assert (tmp_path / "new").read_text() == "one\ntwo\n"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_file_that_was_there_is_written_anew_and_closed_to_others(tmp_path):
    (tmp_path / "old").write_text("something much longer than what comes")
    (tmp_path / "old").chmod(0o644)
    assert written(tmp_path / "old", "one") == []
    assert (tmp_path / "old").read_text() == "one\n"
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


def test_a_file_system_without_rights_is_none_to_complain_of(tmp_path, monkeypatch):
    (tmp_path / "old").touch(0o644)
    (tmp_path / "old").chmod(0o644)

    def chmod(*arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chmod", chmod)
    assert written(tmp_path / "old", "one") == []
    assert (tmp_path / "old").read_text() == "one\n"


def test_a_file_of_somebody_else_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "theirs").write_text("theirs")
    monkeypatch.setattr(os, "geteuid", lambda: 1_234_567)
    with pytest.raises(UsageError, match="belongs to somebody else, who could read it"):
        written(tmp_path / "theirs")
    assert (tmp_path / "theirs").read_text() == "theirs"


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_symbolic_link_is_not_followed(tmp_path, target):
    (tmp_path / "there").write_text("untouched")
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(UsageError, match="symbolic link, and may lead anywhere: name the file itself"):
        written(tmp_path / "link")
    assert (tmp_path / "there").read_text() == "untouched"
    assert not (tmp_path / "nowhere").exists()


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="nobody reads that pipe: start its reader first"):
        written(tmp_path / "pipe")


def test_a_pipe_that_is_read_takes_more_than_it_holds(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    lines = ["x" * 50_000] * 5
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen(f"cat {tmp_path}/pipe > {tmp_path}/read", shell=True) as reader:
        try:
            assert written(tmp_path / "pipe", *lines) == []
        finally:
            os.close(reading)
        assert reader.wait(PATIENCE) == 0
    assert (tmp_path / "read").read_text().splitlines() == lines


def test_what_a_shell_has_opened_for_us_is_no_strange_link(tmp_path):
    reading, writing = os.pipe()
    try:
        assert written(f"/dev/fd/{writing}", "one") == []
        assert os.read(reading, 100) == b"one\n"
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("name", "why"),
    [("no/file", "there is no such folder"), (".", "it is a folder"), ("", "there is no such folder")],
)
def test_where_it_cannot_be_written_is_said_before_anybody_connects(name, why, call, tmp_path):
    file = str(tmp_path / name) if name else ""
    for command in (["send", "URL", "/queue/a"], ["shell", "URL"], ["doctor", "URL"], ["broker"]):
        # Nobody listens there: a connection would be another failure.
        arguments = ["stomp://127.0.0.1:1" if word == "URL" else word for word in command]
        said = call(*arguments, "--capture", file)
        assert (said.code, said.out) == (Exit.USAGE, "")
        assert f"the capture cannot be written to {file!r}: {why}" in said.err


def test_standard_output_is_no_file(call):
    said = call("send", "stomp://127.0.0.1:1", "/queue/a", "--capture", "-")
    assert (said.code, "./- is one of that name" in said.err) == (Exit.USAGE, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_of_somebody_else(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="you may not write there"):
        written(tmp_path / "file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_ends_the_capture_alone(broker):
    said = run("send", broker.url, "/queue/a", "x", "--receipt", "--capture", "/dev/full")
    assert said.code == Exit.OK
    assert said.err == "the capture /dev/full ends here (No space left on device); the command goes on\n"
    assert broker.waiting("/queue/a") == 1


def test_a_disk_that_becomes_full_leaves_whole_lines(broker, tmp_path):
    file = tmp_path / "capture"
    done = subprocess.run(
        f"ulimit -f 1; exec {sys.executable} -P -m stomp_cli send {broker.url} /queue/a x --count 40 "
        f"--receipt --capture {file}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == Exit.OK
    assert f"the capture {file} ends here (File too large); the command goes on\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert broker.waiting("/queue/a") == 40
    text = file.read_text()
    assert text.endswith("\n")
    assert [record.kind for record in read(text.splitlines())][:2] == [Kind.BEGIN, Kind.OPEN]
