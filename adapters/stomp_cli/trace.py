"""`stomp-sansio trace`: what a capture has in it, shown, replayed, explained, or made a test.

What lives here knows files and the terminal; it must not know how a capture is read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

from .escapes import escaped
from .exits import Exit, UsageError
from .terminal import Terminal

if TYPE_CHECKING:
    from stomp_sansio.capture import Replay, ReplayedConnection

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "show, replay and explain a capture, or make a test of it"

_NARROW, _WIDE = 60, 160
"""Columns: narrower terminals wrap, and wider ones would draw arrows that the eye loses."""
_UNSEEN = 100
"""Columns where nobody looks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what each of the four may be told."""
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    show = _command(commands.add_parser, "show", "draw it as a sequence diagram", _show)
    forms = show.add_mutually_exclusive_group()
    forms.add_argument(
        "--mermaid", action="store_true", help="as text for Mermaid, to stand in a Markdown page"
    )
    forms.add_argument("--svg", metavar="OUT", help="as a picture, in a file; - is standard output")
    show.add_argument(
        "--width", type=int, metavar="COLUMNS", help="of the diagram; the terminal's by default"
    )
    replay = _command(
        commands.add_parser, "replay", "feed it to the engine once more, and write what comes of it", _replay
    )
    replay.add_argument("--json", action="store_true", help="one line of JSON for each event")
    explain = _command(
        commands.add_parser, "explain", "write its frames octet by octet, with what each part means", _explain
    )
    explain.add_argument("--frame", type=int, metavar="N", help="this one alone; they count from 1")
    test = _command(
        commands.add_parser, "test", "write a test for pytest that replays it and wants the same", _test
    )
    test.add_argument(
        "--output",
        "-o",
        metavar="OUT",
        help="the file to write; test_NAME.py by default, - is standard output",
    )


def _command(
    add_parser: Callable[..., argparse.ArgumentParser],
    name: str,
    summary: str,
    action: Callable[[argparse.Namespace, Terminal], int],
) -> argparse.ArgumentParser:
    parser = add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.add_argument("file", metavar="FILE", help="a capture, as --capture writes it; - is standard input")
    parser.set_defaults(action=action)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do one of the four; return the exit code."""
    action: Callable[[argparse.Namespace, Terminal], int] = arguments.action
    return action(arguments, Terminal())


@contextmanager
def _lines(name: str, terminal: Terminal) -> Generator[Iterator[str]]:
    """Give the lines of a file, whatever octets it has; of one that never ends, not more than is needed. That
    the last one is cut off is told.
    """
    from stomp_sansio.capture import MAX_LINE, whole_lines

    def tell(number: int) -> None:
        terminal.remark(
            f"line {number}, the last of the capture, is cut off: what comes before it is used "
            "(was its program killed, the disk full, or is it still being written?)\n"
        )

    with nullcontext(sys.stdin) if name == "-" else _opened(name) as file:
        yield whole_lines(iter(lambda: file.readline(MAX_LINE + 2), ""), tell)


def _opened(name: str) -> TextIO:
    try:
        return Path(name).open(encoding="ascii", errors="replace")
    except OSError as error:
        raise UsageError(f"the capture cannot be read: {error}") from error


def _show(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from stomp_sansio.capture import read, render_mermaid, render_svg, render_text

    with _lines(arguments.file, terminal) as lines:
        if arguments.mermaid:
            terminal.text(render_mermaid(read(lines)))
        elif arguments.svg is not None:
            _write(terminal, arguments.svg, render_svg(read(lines)))
        else:
            width = arguments.width or _width(terminal)
            terminal.text(
                _painted(terminal, escaped(render_text(read(lines), width=width, numbered=True), lines=True))
            )
    return Exit.OK


def _width(terminal: Terminal) -> int:
    if not terminal.output_is_terminal:
        return _UNSEEN
    return min(max(get_terminal_size().columns, _NARROW), _WIDE)


def _painted(terminal: Terminal, diagram: str) -> str:
    """Return a diagram with what is wrong in red, and what is the transport's own dim."""
    lines: list[str] = []
    for line in diagram.splitlines(keepends=True):
        _, bar, drawn = line.partition("|")
        colour = ""
        if bar and drawn.lstrip(" <-.").startswith("! "):
            colour = "red"
        elif bar and (drawn.startswith(("..", "<.", "  "))):
            colour = "dim"
        lines.append(terminal.paint(line.rstrip("\n"), colour) + "\n" if colour else line)
    return "".join(lines)


def _write(terminal: Terminal, name: str, text: str) -> None:
    if name == "-":
        terminal.text(text)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror or error}") from error
    terminal.remark(f"{escaped(name)} is written\n")


def _replay(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write the events of each connection. That a rule was broken is no failure: it is what was asked."""
    from stomp_sansio.capture import read, replay

    with _lines(arguments.file, terminal) as lines:
        result = replay(read(lines))
    for connection in result.connections:
        if arguments.json:
            _json(terminal, connection)
        else:
            _events(terminal, connection)
    if not arguments.json:
        _verdict(terminal, result)
    return Exit.OK


def _json(terminal: Terminal, connection: ReplayedConnection) -> None:
    for time, event in connection.events:
        terminal.json(
            {
                "t": round(time, 6),
                "connection": connection.name,
                "role": connection.role,
                "transport": connection.transport,
                "event": type(event).__name__,
                "shown": repr(event),
            }
        )
    error = connection.error
    if error is not None:
        terminal.json({"connection": connection.name, "fault": error.fault.value, "message": str(error)})


def _events(terminal: Terminal, connection: ReplayedConnection) -> None:
    terminal.line(
        terminal.paint(escaped(f"{connection.name}: {connection.role}, {connection.transport}"), "bold")
    )
    for time, event in connection.events:
        terminal.line(f"  {time:9.3f}  {escaped(repr(event))}")


def _verdict(terminal: Terminal, result: Replay) -> None:
    for error in result.errors:
        terminal.line(terminal.paint(f"! {escaped(error)}", "red"))
    if not result.errors:
        terminal.line("nobody broke a rule")


def _explain(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from stomp_sansio.capture import explain, read

    with _lines(arguments.file, terminal) as lines:
        terminal.text(escaped(explain(read(lines), arguments.frame), lines=True))
    return Exit.OK


def _test(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from stomp_sansio.capture import as_test

    name = "capture" if arguments.file == "-" else Path(arguments.file).name
    with _lines(arguments.file, terminal) as lines:
        source = as_test(lines, name)
    stem = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in Path(name).stem)
    name = f"test_{stem}.py"
    if arguments.output is None and Path(name).exists():
        # People change what such a test wants.
        raise UsageError(
            f"{name} is there already: --output FILE names another, or that one to write it anew"
        )
    _write(terminal, arguments.output or name, source)
    return Exit.OK
