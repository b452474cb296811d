"""`stomp-sansio demo`: a broker, clients in every runtime over every transport, and what becomes of messages.

What lives here says what happens when. It must not know how messages are sent, nor how numbers are shown.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .capturing import add_capture_argument
from .connecting import add_way_arguments, seconds
from .exits import Exit, UsageError
from .hosts import add_host_argument
from .terminal import Terminal
from .terminating import Terminated

if TYPE_CHECKING:
    from .demo_run import Run

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "see messages flow between all runtimes and transports, or between you and a broker"

_WITH_URL = (
    *("login", "passcode_file", "vhost", "connect_header", "http_header", "heartbeat", "transports"),
    *("cafile", "cert", "key", "proxy", "connect_timeout", "capture"),
)
"""What means nothing where the broker is the demo's own."""

_SECONDS = 15.0
_LOOK = 0.25
"""Seconds between two looks at the books, at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say how long, and how it is shown."""
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="a broker of yours: exchange a few messages with it, and see every frame, instead of the demo",
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=seconds,
        default=_SECONDS,
        help=f"how long messages are sent (default: {_SECONDS:g})",
    )
    parser.add_argument(
        "--forever",
        action="store_true",
        help="keep the broker and its page afterwards, until Ctrl-C; lines that you type go to the page",
    )
    parser.add_argument(
        "--port", metavar="PORT", type=_port, default=0, help="where to listen (default: a port that is free)"
    )
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a table, as without a terminal"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--clients",
        metavar="FOLDER",
        type=Path,
        help="where the page's libraries are, or are brought by npm: @stomp/stompjs and sockjs-client",
    )
    add_host_argument(parser)
    group = parser.add_argument_group("with a URL")
    add_way_arguments(group.add_argument, reconnects=False)
    add_capture_argument(group.add_argument)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo, or exchange messages with somebody's broker."""
    terminal = Terminal()
    if arguments.url is not None:
        from .demo_exchange import exchange

        return exchange(arguments, terminal)
    for name in _WITH_URL:
        if getattr(arguments, name) not in (None, []):
            raise UsageError(f"--{name.replace('_', '-')} is for a broker of yours: write its URL as well")
    if not arguments.json:
        # The first line stands there before anything is imported that takes its time.
        terminal.line(f"stomp-sansio: a broker and six clients, for {arguments.seconds:g} s; Ctrl-C ends it")
    return _show(arguments, terminal)


def _show(arguments: argparse.Namespace, terminal: Terminal) -> int:
    folder = Path(tempfile.mkdtemp(prefix="stomp-sansio-demo-"))
    told: list[Path] = []
    try:
        return _run(arguments, terminal, folder / "session.jsonl", told)
    finally:
        # What nobody was told of, nobody will look for, nor take away.
        if not told:
            shutil.rmtree(folder, ignore_errors=True)


def _run(arguments: argparse.Namespace, terminal: Terminal, capture: Path, told: list[Path]) -> int:
    from .demo_run import Run
    from .demo_views import Meter, choose

    view = choose(terminal, plain=arguments.plain, json=arguments.json)
    with Run(
        arguments.seconds, arguments.port, arguments.clients, capture, hosts=arguments.allow_host
    ) as show:
        try:
            view.begin(arguments.seconds, show.broker.urls, show.broker.page)
            show.start()
            meter = Meter(show.books)
            while not show.over:
                for kind, sentence in show.news(timeout=_LOOK):
                    view.event(kind, sentence)
                view.tick(meter.read())
            complaints = show.books.complaints()
            view.end(meter.average(), complaints)
        except KeyboardInterrupt as interrupt:
            view.close()
            sent, came = show.books.sent, show.books.came
            terminal.remark(f"interrupted: {sent:,} messages in, {came:,} out so far\n")
            return Exit.TERMINATED if isinstance(interrupt, Terminated) else Exit.INTERRUPTED
        finally:
            view.close()
        show.stop_clients()
        told.append(capture)
        _epilogue(arguments, terminal, capture)
        if arguments.forever:
            _stay(arguments, terminal, show)
    return Exit.FAILED if complaints else Exit.OK


def _epilogue(arguments: argparse.Namespace, terminal: Terminal, capture: Path) -> None:
    """Show one session as a picture, and say what to type next."""
    program = _program()
    if arguments.json:
        terminal.json({"event": "capture", "path": str(capture)})
        return
    from stomp_sansio.capture import read, render_text

    terminal.line("")
    terminal.line("What the quiet session said and heard:")
    terminal.line("")
    with capture.open(encoding="ascii") as lines:
        terminal.text(render_text(read(lines), width=_width()).rstrip("\n") + "\n")
    terminal.line("")
    terminal.line(f"It is kept in {capture}")
    terminal.line("")
    terminal.line("Next:")
    path = shlex.quote(str(capture))
    rows = [
        ("that session, octet by octet", f"{program} trace explain {path}"),
        ("a broker for your programs", f"{program} broker"),
        ("and to talk to it", f"{program} shell stomp://127.0.0.1:61613"),
    ]
    if not arguments.forever:
        rows.insert(0, ("the page, for your browser", f"{_again(arguments, program)} --forever"))
    width = max(len(what) for what, _ in rows)
    for what, call in rows:
        terminal.line(f"  {what.ljust(width)}   {terminal.paint(call, 'bold')}")


def _stay(arguments: argparse.Namespace, terminal: Terminal, show: Run) -> None:
    """Be a broker with a page, and pass on what is typed, until Ctrl-C."""
    from .demo_chat import chat

    try:
        chat(show, terminal, json=arguments.json)
    except KeyboardInterrupt:
        pass  # it was to end like this


def _again(arguments: argparse.Namespace, program: str) -> str:
    """Return what people have typed for the demo: `./dev` says where the page's libraries are."""
    from_checkout = arguments.clients is not None and Path("dev").is_file()
    return "./dev demo" if from_checkout else f"{program} demo"


def _program() -> str:
    """Return what people have to type for this program."""
    import os

    beside = Path(sys.executable).with_name("stomp-sansio")
    found = shutil.which("stomp-sansio")
    if found is not None and (not beside.exists() or os.path.samefile(found, beside)):
        return "stomp-sansio"
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m stomp_cli"
    near = os.path.relpath(beside)
    return shlex.quote(near if len(near) < len(str(beside)) else str(beside))


def _width() -> int:
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number up to 65535")
    return int(text)
