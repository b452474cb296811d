"""The front door of the command line: which commands there are, and how each is called and ends.

A command's module is imported when it is called. This file must not know what any of them does.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import BinaryIO, NoReturn, Protocol, cast

from .escapes import escaped
from .exits import EXIT_CODES, Exit, exit_of
from .terminal import Terminal, Unwritable
from .terminating import Terminated, terminable

__all__ = ["COMMANDS", "Command", "main"]

PROGRAM = "stomp-sansio"


class Command(Protocol):
    """What the module of a command has."""

    SUMMARY: str
    """One line, for `--help`; the table says the same."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command may be told."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit code. What it raises becomes one line, and a code by `exits.exit_of`."""
        ...


COMMANDS = {
    "bench": "measure throughput and latency of a server",
    "broker": "run a broker in memory, for plain STOMP, WebSocket and SockJS",
    "demo": "see messages flow between all runtimes and transports, or between you and a broker",
    "doctor": "find out why a server cannot be reached, and what it offers",
    "listen": "subscribe, and write what comes, or run a command for each message",
    "request": "send a message, wait for the reply, and write its body",
    "send": "send a message, once or many times",
    "shell": "talk to a server: subscribe, send and acknowledge by hand",
    "trace": "show, replay and explain a capture, or make a test of it",
}
"""Each command, by the name of its module, with its summary: `--help` imports none of them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _take_closed_places()
    terminal = Terminal()
    try:
        # Wherever no event loop hears it, as at a prompt, which leaves the terminal as it was.
        with terminable():
            return _dispatch(arguments, terminal)
    except SystemExit as leaving:
        # argparse has written what it had to say.
        return leaving.code if isinstance(leaving.code, int) else Exit.USAGE
    except KeyboardInterrupt as interrupt:
        return Exit.TERMINATED if isinstance(interrupt, Terminated) else Exit.INTERRUPTED
    except BrokenPipeError:
        terminal.silence()
        return Exit.BROKEN_PIPE
    except Exception as error:
        if isinstance(error, Unwritable):
            terminal.silence()
        code = exit_of(error)
        name = arguments[0] if arguments and arguments[0] in COMMANDS else ""
        terminal.complain(f"{PROGRAM} {name}".rstrip(), error)
        return code


def _take_closed_places() -> None:
    """Put a file in the place of each standard stream that was closed before the program began.

    Without it, the first connection would get the stream's number, and with it what is meant for the stream.
    Remarks are lost then; a command that reads input, or has a result to write, fails with what the system
    says.
    """
    # In the order of their numbers: the system gives the lowest that is free.
    if sys.stdin is None:
        unreadable = os.open(os.devnull, os.O_WRONLY)
        sys.stdin = open(unreadable, encoding="utf-8", closefd=False)  # noqa: SIM115  # for good
    if sys.stdout is None:
        unwritable = io.FileIO(os.open(os.devnull, os.O_RDONLY), "w", closefd=False)
        # Without a buffer, which would hold what it cannot write, and complain of it at the end again.
        sys.stdout = io.TextIOWrapper(cast("BinaryIO", unwritable), encoding="utf-8", write_through=True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for good


_TAKING_ANYTHING = ("--body",)
"""Options whose value may begin with a dash."""


class _Parser(argparse.ArgumentParser):
    """Takes options before, between and behind what has no name."""

    def parse_all(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return what the arguments say."""
        arguments = _with_their_values(arguments)
        try:
            return self.parse_intermixed_args(arguments)
        except TypeError:  # it has commands of its own, and they are told the rest
            return self.parse_args(arguments)

    def _print_message(self, message: str, file: object = None) -> None:
        # argparse's own says nothing of what could not be written, or says it when all is over.
        if file is sys.stdout:
            Terminal().text(message)
        else:
            Terminal().remark(message)

    def error(self, message: str) -> NoReturn:
        # It quotes what was written, which may come from anywhere.
        hint = ""
        if message.startswith("unrecognized arguments") and any(
            f"[{option} " in self.format_usage() for option in _TAKING_ANYTHING
        ):
            hint = "; a body that begins with a dash is written --body TEXT"
        super().error(escaped(message) + hint)


def _with_their_values(arguments: Sequence[str]) -> list[str]:
    """Join options that take any text with the text: argparse would take one that begins with a dash for
    another option, and drop two dashes. No argument of a program has a NUL, which goes before the text.
    """
    joined: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*joined, argument, *rest]
        value = next(rest, None) if argument in _TAKING_ANYTHING else None
        joined.append(argument if value is None else f"{argument}=\0{value}")
    return joined


def _dispatch(arguments: list[str], terminal: Terminal) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        terminal.text(_help())
        return Exit.OK if arguments else Exit.USAGE
    if arguments[0] in ("-V", "--version"):
        terminal.text(f"{PROGRAM} {_version()}\n")
        return Exit.OK
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        terminal.remark(f"{PROGRAM}: there is no command {name!r}{_guess(name)}\n")
        return Exit.USAGE
    command = cast("Command", importlib.import_module(f"stomp_cli.{name}"))
    parser = _Parser(
        prog=f"{PROGRAM} {name}",
        description=f"{command.SUMMARY[:1].upper()}{command.SUMMARY[1:]}.",
        epilog=_codes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return command.run(parser.parse_all(rest))


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        f"usage: {PROGRAM} COMMAND ...",
        "",
        "STOMP 1.0, 1.1 and 1.2 over TCP, WebSocket and SockJS.",
        "",
        *(f"  {name.ljust(width)}  {summary}" for name, summary in sorted(COMMANDS.items())),
        "",
        f"{PROGRAM} COMMAND --help explains one of them; {PROGRAM} --version says which this is.",
        "",
        _codes(),
        "",
    ]
    return "\n".join(lines)


def _codes() -> str:
    rows = (f"  {code.value:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    return "\n".join(["exit codes:", *rows])


def _guess(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f": is it {near[0]!r}?" if near else ""
    return f"{hint}; {PROGRAM} --help lists them" if hint else f": {PROGRAM} --help lists them"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("stomp-sansio")
    except PackageNotFoundError:
        return "(not installed)"
