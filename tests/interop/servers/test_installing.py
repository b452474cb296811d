"""Programs that bring servers: they get another chance, and the line that says why they failed is found."""

import pytest

from tests.interop.servers.installing import download, run, why_it_failed
from tests.interop.servers.server import NotInstalled


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("Reading\nE: Unable to locate package x\nE: nothing", "E: Unable to locate package x"),
        ("[INFO] a\n[ERROR] no such artifact\n[ERROR] \n[ERROR] see [Help 1]", "[ERROR] no such artifact"),
        ("[ERROR] [ERROR] Some problems\n[FATAL] Non-resolvable POM: x\n", "[FATAL] Non-resolvable POM: x"),
        ("npm ERR! code X\nnpm ERR! failed, reason: no route", "npm ERR! failed, reason: no route"),
        ("npm error code ENOTFOUND\nnpm error A complete log is in", "npm error code ENOTFOUND"),
        ("first\n\nno disk\n\n", "no disk"),
        ("", "it did not say why"),
    ],
)
def test_the_line_that_blames_something_is_the_reason(output, why):
    assert why_it_failed(output) == why


def test_a_program_that_fails_is_told_with_its_reason():
    with pytest.raises(NotInstalled, match=r"^sh -c .* failed: E: no route$"):
        run(["sh", "-c", "echo 'E: no route'; exit 100"])


def test_one_that_takes_too_long_is_told():
    with pytest.raises(NotInstalled, match=r"sleep took more than 0\.05 s"):
        run(["sleep", "60"], seconds=0.05)


def test_what_fails_once_is_tried_again_and_that_is_said(tmp_path):
    said: list[str] = []
    # the first time it leaves a mark, the second time it finds it
    download(["sh", "-c", "test -e mark || { touch mark; exit 7; }"], said.append, cwd=tmp_path, pauses=[0])
    assert [line.endswith("failed: it did not say why; again in 0 s") for line in said] == [True]


def test_what_works_is_done_once(tmp_path):
    said: list[str] = []
    download(["sh", "-c", "echo once >> marks"], said.append, cwd=tmp_path, pauses=[0])
    assert (tmp_path / "marks").read_text() == "once\n"
    assert said == []


def test_what_fails_each_time_is_given_up(tmp_path):
    said: list[str] = []
    with pytest.raises(NotInstalled, match="E: gone"):
        download(
            ["sh", "-c", "echo x >> marks; echo E: gone; exit 1"], said.append, cwd=tmp_path, pauses=[0, 0]
        )
    assert (tmp_path / "marks").read_text() == "x\nx\nx\n"
    assert len(said) == 2


def test_a_program_that_is_not_here_is_not_asked_twice():
    said: list[str] = []
    with pytest.raises(NotInstalled, match="no-such-program is not here"):
        download(["no-such-program"], said.append, pauses=[60])
    assert said == []
