"""The front door of the command line: what it lists, how fast, and how it ends."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stomp_cli.exits import EXIT_CODES, Exit
from stomp_cli.main import COMMANDS, main
from tests.cli.programs import ENVIRONMENT, Piped, run

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("asked", ["--help", "-h", "help"])
def test_help_lists_every_command_and_exit_code(asked, call):
    said = call(asked)
    assert said.code == Exit.OK
    assert all(name in said.out and summary in said.out for name, summary in COMMANDS.items())
    assert all(f"{code.value}  {meaning}" in said.out for code, meaning in EXIT_CODES.items())


def test_without_a_command_it_says_how_it_is_used(call):
    said = call()
    assert (said.code, said.out[:19]) == (Exit.USAGE, "usage: stomp-sansio")


def test_every_module_says_the_same_of_itself_as_the_table():
    modules = {name: importlib.import_module(f"stomp_cli.{name}") for name in COMMANDS}
    assert {name: module.SUMMARY for name, module in modules.items()} == COMMANDS
    assert all(callable(module.run) and callable(module.add_arguments) for module in modules.values())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_explains_itself(name, call):
    said = call(name, "--help")
    assert said.code == Exit.OK
    assert said.out.startswith(f"usage: stomp-sansio {name}")
    assert "143  ended by SIGTERM" in said.out


def test_an_unknown_command_is_guessed(call):
    said = call("lisen")
    assert (said.code, said.err) == (
        Exit.USAGE,
        "stomp-sansio: there is no command 'lisen': is it 'listen'?; stomp-sansio --help lists them\n",
    )


def test_a_command_that_resembles_none_is_only_refused(call):
    said = call("x\x1b[2J")
    assert said.code == Exit.USAGE
    assert "there is no command 'x\\x1b[2J': stomp-sansio --help lists them" in said.err


def test_the_version_is_said(call):
    said = call("--version")
    assert said.out.startswith("stomp-sansio 0.")


def test_a_program_that_is_not_installed_has_no_version(call, monkeypatch):
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert call("--version").out == "stomp-sansio (not installed)\n"


def test_a_wrong_option_is_told_without_obeying_it(call):
    said = call("send", "stomp://localhost", "/queue/a", "--x\x1b[2J")
    assert said.code == Exit.USAGE
    assert "\\x1b[2J" in said.err
    assert "\x1b" not in said.err


def test_help_imports_nothing_that_it_does_not_need():
    asked = (
        "import sys; from stomp_cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", asked], capture_output=True, text=True, env=ENVIRONMENT
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "stomp_cli" in loaded
    assert not loaded & {"asyncio", "stomp_sansio", "stomp_asyncio", "rich", "trio", "wsproto", "h11", "ssl"}


def test_it_is_a_module_and_a_program():
    assert run("--version").out.startswith("stomp-sansio 0.")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"stomp-sansio": "stomp_cli.main:main"}
    assert main(["--version"]) == 0


def test_a_reader_that_goes_is_no_complaint(broker):
    with Piped("listen", broker.url, "/topic/a") as listener:
        broker.wait_for_subscribers()
        broker.send("/topic/a", b"first")
        assert "/topic/a" in listener.line()
        listener.close_output()
        broker.send("/topic/a", b"second")
        ended = listener.end()
    assert (ended.code, ended.err) == (Exit.BROKEN_PIPE, "")


def in_a_shell(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program with what a shell makes of the rest of its line."""
    return subprocess.run(
        f"{sys.executable} -P -m stomp_cli {command}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        env=ENVIRONMENT | environ,
    )


def test_help_for_a_reader_that_has_gone():
    done = in_a_shell("--help | true; echo ${PIPESTATUS[0]}")
    # A pipe may have taken all of it before its reader went.
    assert done.stdout.strip() in ("0", "141")
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    ["--help", "--version", "send --help", "trace show --help", "send URL /topic/a --json", "doctor URL"],
)
def test_results_that_cannot_be_written_are_a_failure(command, unbuffered, broker):
    done = in_a_shell(f"{command.replace('URL', broker.url)} > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == Exit.FAILED
    name = "" if command.startswith("-") else f" {command.partition(' ')[0]}"
    assert done.stderr == f"stomp-sansio{name}: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed_where_nobody_needs_them(closed, broker):
    done = in_a_shell(f"send {broker.url} /queue/closed y --receipt {closed}")
    assert (done.returncode, done.stderr) == (Exit.OK, "")


@pytest.mark.parametrize(
    ("command", "closed"), [("send URL /queue/closed -", "<&-"), ("send URL /queue/closed y --json", ">&-")]
)
def test_a_standard_stream_that_is_needed_and_closed_is_told(command, closed, broker):
    done = in_a_shell(f"{command.replace('URL', broker.url)} {closed}")
    assert done.returncode in (Exit.FAILED, Exit.USAGE)
    assert "Bad file descriptor" in done.stderr
    assert "Traceback" not in done.stderr
