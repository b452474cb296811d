"""./dev prepares .venv without a network here: what it decides is tested, pip and venv are stood in for."""

from __future__ import annotations

import ast
import fcntl
import os
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tools.import_rules import imports_of

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / "dev"

PYPROJECT = """
[project]
name = "x"
[project.optional-dependencies]
test = ["pytest"]
[tool.ruff]
line-length = 110
"""


class Runs:
    """Stands in for `run`: notes each command, and answers for venv and for pip as the test wishes."""

    def __init__(self, dev: ModuleType) -> None:
        self.dev = dev
        self.commands: list[str] = []
        self.venv: tuple[int, str] = (0, "")
        self.pip: tuple[int, str] = (0, "")
        self.probe: tuple[int, str] = (0, "")

    def __call__(self, command: list[str]) -> tuple[int, str]:
        self.commands.append(" ".join(command[1:]))
        if command[1:3] == ["-m", "venv"]:
            python = Path(self.dev.PYTHON)
            python.parent.mkdir(parents=True)
            python.write_text("")
            return self.venv
        return self.pip if "install" in command else self.probe

    def count(self, words: str) -> int:
        """Counts the commands that hold these words."""
        return sum(words in command for command in self.commands)


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Loads ./dev as if it lay in an empty checkout."""
    loader = SourceFileLoader("dev", str(DEV))
    module = module_from_spec(spec_from_loader("dev", loader))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    for name in ("VENV", "PYTHON", "UNFINISHED", "LOCK", "LOG"):
        monkeypatch.setattr(module, name, getattr(module, name).replace(str(ROOT), str(tmp_path)))
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    return module


@pytest.fixture
def runs(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    runs = Runs(dev)
    monkeypatch.setattr(dev, "run", runs)
    yield runs
    assert not os.path.exists(dev.VENV) or os.path.isdir(dev.VENV)


def test_it_needs_the_standard_library_alone():
    names = {
        imported.target.split(".")[0] for imported in imports_of(DEV.read_text(), "dev", is_package=False)
    }
    assert names <= sys.stdlib_module_names


def test_an_old_python_can_read_it():
    ast.parse(DEV.read_text(), feature_version=(3, 7))


def test_an_old_python_without_a_newer_one_is_told_so(dev, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert dev.main(["test"]) == dev.FAILED
    error = capsys.readouterr().err
    assert "Python 3.11 or newer is needed; this is 3.9" in error
    assert error.count("\n") == 1


def test_an_old_python_starts_a_newer_one(dev, monkeypatch):
    started = []
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == "python3.12" else None)
    monkeypatch.setattr(dev, "become", lambda python, arguments: started.append([python, *arguments]))
    dev.main(["test", "-x"])
    assert started == [["/bin/python3.12", str(DEV), "test", "-x"]]


def test_help_lists_every_sub_command_from_any_directory(tmp_path, dev):
    done = subprocess.run([DEV], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert not done.stderr
    assert all(f"./dev {name} " in done.stdout for name in dev.COMMANDS)


def test_an_unknown_sub_command_gets_the_help(dev, capsys):
    assert dev.main(["tset"]) == dev.MISUSED
    error = capsys.readouterr().err
    assert "no sub-command 'tset'" in error
    assert "./dev test" in error


def test_a_sub_command_that_is_not_there_yet_says_so_and_installs_nothing(dev, runs, capsys):
    for name in dev.COMMANDS:
        assert dev.main([name]) == dev.MISUSED
        assert f"./dev {name} is not there yet" in capsys.readouterr().err
    assert not runs.commands


def test_what_sub_commands_need_is_an_extra(dev):
    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert {extra for command in dev.COMMANDS.values() for extra in command.extras} <= extras.keys()


def test_modules_of_sub_commands_lie_where_they_are_looked_for(dev):
    for command in dev.COMMANDS.values():
        if (
            (ROOT / command.source).suffix == ".py"
            and command.module != "sphinx"
            and (ROOT / command.source).exists()
        ):
            name = command.module + (".__main__" if command.source.endswith("__main__.py") else "")
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin == str(ROOT / command.source)


def test_it_becomes_the_module_with_the_arguments(dev, runs, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(dev, "become", lambda python, arguments: started.append([python, *arguments]))
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "replay.py").touch()
    dev.main(["replay", "some where"])
    assert started == [[dev.PYTHON, "-P", "-m", "tools.replay", "some where"]]


def test_the_second_run_installs_nothing(dev, runs):
    dev.prepare(["test"])
    assert runs.count("-m venv") == 1
    assert runs.count(" install ") == 1
    dev.prepare(["test"])
    assert runs.count(" install ") == 1


def test_each_extra_is_installed_when_it_is_first_needed(dev, runs):
    dev.prepare(["test"])
    dev.prepare(["test", "lint"])
    assert runs.count("-m venv") == 1
    assert [command for command in runs.commands if " install " in command][1].endswith(
        "--editable .[test,lint]"
    )
    dev.prepare(["lint"])
    assert runs.count(" install ") == 2


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [('"pytest"', '"pytest", "coverage"', True), ('name = "x"', 'name = "y"', True), ("110", "100", False)],
)
def test_it_installs_again_only_for_what_pip_reads(dev, runs, tmp_path, old, new, again):
    dev.prepare(["test"])
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.replace(old, new))
    dev.prepare(["test"])
    assert runs.count(" install ") == 1 + again


def test_a_working_venv_that_somebody_else_made_is_kept(dev, runs):
    dev.make_venv()
    Path(dev.VENV, "theirs").touch()
    dev.prepare(["test"])
    assert Path(dev.VENV, "theirs").exists()
    assert runs.count("-m venv") == 1


@pytest.mark.parametrize(
    "broken", ["empty", "no-python", "dangling", "pip-fails", "killed", "a-file", "a-link"]
)
def test_a_broken_venv_is_made_anew(dev, runs, tmp_path, broken, capsys):
    venv, python = Path(dev.VENV), Path(dev.PYTHON)
    if broken == "empty":
        venv.mkdir()
    elif broken == "a-file":
        venv.touch()
    elif broken == "a-link":
        venv.symlink_to(tmp_path / "elsewhere")
    else:
        dev.prepare(["test"])
        Path(venv, "old").touch()
    if broken in ("no-python", "dangling"):
        python.unlink()
    if broken == "dangling":
        python.symlink_to(tmp_path / "a-python-that-was-removed")
    if broken == "killed":
        Path(dev.UNFINISHED).touch()
    if broken == "pip-fails":
        Path(dev.stamp("test")).unlink()
        runs.probe = (1, "")
    dev.prepare(["test"])
    assert not Path(venv, "old").exists()
    assert "broken or half made" in capsys.readouterr().err
    assert runs.commands[-1].endswith(".[test]")
    assert dev.is_ready(["test"], dev.requirements_key())


def test_a_missing_ensurepip_is_answered_with_what_to_install(dev, runs, monkeypatch, capsys, tmp_path):
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    assert dev.main(["test"]) == dev.FAILED
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt install python{version}-venv\n" in capsys.readouterr().err
    assert not os.path.exists(dev.VENV)
    assert not runs.commands


def test_a_venv_that_cannot_be_made_leaves_nothing_behind(dev, runs):
    runs.venv = (1, "many words\nError: disk full\n")
    with pytest.raises(dev.PreparationError, match="venv failed: Error: disk full"):
        dev.prepare(["test"])
    assert not os.path.exists(dev.VENV)


REFUSED = """\
  WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('Connection refused')'
  ERROR: Could not find a version that satisfies the requirement hatchling (from versions: none)
  ERROR: No matching distribution found for hatchling
"""


def test_a_failed_download_is_one_line_and_is_tried_again_next_time(dev, runs, capsys, tmp_path):
    (tmp_path / "tests").mkdir()
    runs.pip = (1, REFUSED)
    assert dev.main(["test"]) == dev.FAILED
    *_, said = capsys.readouterr().err.splitlines()
    assert "the download failed (Connection refused)" in said
    assert Path(dev.LOG).read_text() == REFUSED
    runs.pip = (0, "")
    dev.prepare(["test"])
    assert runs.count("-m venv") == 1  # a failed download breaks nothing that was there


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "ERROR: one\nERROR: No matching distribution found for x\nnotice\n",
            "pip failed: ERROR: No matching distribution found for x",
        ),
        ("error: subprocess-exited-with-error\n", "pip failed: error: subprocess-exited-with-error"),
        ("Killed\n", "pip failed: Killed"),
        ("", "pip failed: it did not say why"),
    ],
)
def test_other_failures_of_pip_are_shown_in_its_words(dev, output, said):
    assert dev.why_pip_failed(output) == said


def test_a_killed_pip_leaves_a_venv_that_is_made_anew(dev, runs):
    runs.pip = (-9, "")
    with pytest.raises(dev.PreparationError):
        dev.prepare(["test"])
    runs.pip = (0, "")
    dev.prepare(["test"])
    assert runs.count("-m venv") == 2


def test_two_at_once_install_once(dev, runs, capsys):
    waiting = threading.Event()
    say = dev.say

    def say_and_tell(text):
        say(text)
        waiting.set()

    dev.say = say_and_tell
    other = threading.Thread(target=dev.prepare, args=(["test"],))
    with open(dev.LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other.start()
        assert waiting.wait(10)
        assert "waiting for another" in capsys.readouterr().err
        assert not runs.commands
        dev.make_venv()
        dev.install(["test"], dev.requirements_key())
    other.join(10)
    assert not other.is_alive()
    assert runs.count(" install ") == 1


SEES_FILE = """
import os, sys
paths = ["/dev/fd/" + number for number in os.listdir("/dev/fd")]
print(any(os.path.samefile(path, sys.argv[1]) for path in paths if os.path.exists(path)))
"""


def test_what_it_starts_inherits_the_lock(dev, monkeypatch):
    """So that a killed ./dev does not leave its pip at work in a .venv that the next one thinks free."""
    answers = []
    run = dev.run
    monkeypatch.setattr(
        dev, "make_venv", lambda: answers.append(run([sys.executable, "-c", SEES_FILE, dev.LOCK]))
    )
    monkeypatch.setattr(dev, "install", lambda extras, wanted: None)
    dev.prepare(["test"])
    assert answers == [(0, "True\n")]


def test_test_files_are_named_from_the_callers_directory(dev, tmp_path, monkeypatch):
    (tmp_path / "protocol").mkdir()
    (tmp_path / "protocol" / "test_a.py").touch()
    monkeypatch.chdir(tmp_path)
    given = ["-k", "protocol", "protocol/test_a.py::test_x[a/b]", "protocol/test_b.py", "--maxfail=1"]
    assert dev.from_root(given) == [
        "-k",
        "protocol",
        str(tmp_path / "protocol/test_a.py::test_x[a/b]"),
        "protocol/test_b.py",
        "--maxfail=1",
    ]
