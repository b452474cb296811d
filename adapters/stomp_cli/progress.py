"""How far something long has come: a bar on a terminal, by rich where it is installed, else by ourselves.

What lives here knows bars; it must not know what is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .live import Live

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["progress"]

_PATIENCE = 1.0
"""Seconds after which something is long."""

_EVERY = 0.1
"""Seconds between two looks."""

_CELLS = 30


@contextmanager
def progress(live: Live, what: str, total: int) -> Generator[Callable[[int], None]]:
    """Give a function that is told how many of `total` are done: from the first second on it shows a bar.

    Without a terminal nothing is shown.
    """
    if not live.works or total <= 1:
        yield lambda done: None
        return
    bar = _rich_bar(live, what, total) or _PlainBar(live, what, total)
    start, looked = time.monotonic(), 0.0

    def advance(done: int) -> None:
        nonlocal looked
        now = time.monotonic()
        if now - start >= _PATIENCE and (now - looked >= _EVERY or done == total):
            looked = now
            bar.show(done, now - start)

    try:
        yield advance
    finally:
        bar.end()


class _PlainBar:
    def __init__(self, live: Live, what: str, total: int) -> None:
        self._live = live
        self._what = what
        self._total = total

    def show(self, done: int, seconds: float) -> None:
        full = _CELLS * done // self._total
        rate = done / seconds
        left = f", {(self._total - done) / rate:,.0f} s left" if rate else ""
        self._live.show(
            [
                f"[{'#' * full}{'.' * (_CELLS - full)}] {done:,} of {self._total:,} {self._what}"
                f" ({rate:,.0f}/s{left})"
            ]
        )

    def end(self) -> None:
        self._live.clear()


class _RichBar:
    def __init__(self, bar: Progress, what: str, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total)
        self._started = False

    def show(self, done: int, seconds: float) -> None:
        if not self._started:
            self._started = True
            self._bar.start()
        self._bar.update(self._task, completed=done, refresh=True)

    def end(self) -> None:
        if self._started:
            self._bar.stop()


def _rich_bar(live: Live, what: str, total: int) -> _RichBar | None:
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        return None
    columns = (
        BarColumn(_CELLS),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    # It is told when to look: a thread of its own would write between our lines.
    bar = Progress(*columns, console=live.rich_console(), auto_refresh=False, transient=True)
    return _RichBar(bar, what, total)
