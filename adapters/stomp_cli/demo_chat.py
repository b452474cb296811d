"""The demo with `--forever`: lines that are typed go to the page, and what comes from there is shown.

What lives here knows standard input; it must not know how a line travels.
"""

from __future__ import annotations

import sys
import threading

from .demo_broker import CHAT
from .demo_run import Run
from .terminal import Terminal

__all__ = ["chat"]


def chat(run: Run, terminal: Terminal, *, json: bool) -> None:
    """Pass lines on, both ways, until interrupted.

    Raises:
        Exception: why the broker has ended.
    """
    if json:
        terminal.json({"event": "waiting", "page": run.broker.page, "destination": CHAT})
    else:
        terminal.line("")
        terminal.line(f"The page: {terminal.paint(run.broker.page, 'bold')}")
        terminal.line(
            f"What is sent to {CHAT} shows here, and each line that you type is sent there. Ctrl-C ends."
        )
    threading.Thread(target=_read, args=(run,), name="demo: standard input", daemon=True).start()
    while True:
        for kind, sentence in run.news(timeout=0.5):
            if json:
                terminal.json({"event": kind, "text": sentence})
            else:
                mark = "page>" if kind == "chat" else "*"
                terminal.line(f"{terminal.paint(mark, 'cyan')} {sentence}")
        run.broker.check()


def _read(run: Run) -> None:
    """Send what is typed. The end of it ends nothing: the page is still there."""
    try:
        for line in sys.stdin:
            if text := line.rstrip("\r\n"):
                run.broker.say(text)
    except (OSError, ValueError):
        pass  # there is no standard input
