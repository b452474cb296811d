"""How the demo is shown: a live table where rich and a terminal are, plain lines elsewhere, or lines of JSON.

What lives here knows terminals; it must not know where the numbers come from.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

from .demo_accounts import Books, Latencies
from .terminal import Terminal

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["JsonView", "Meter", "PlainView", "Row", "Snapshot", "View", "choose"]

_COLUMNS = ("client", "over", "in", "out", "again", "per s", "p50 ms", "p99 ms")


@dataclass(frozen=True, slots=True)
class Row:
    """One queue, at one moment."""

    client: str
    over: str
    sent: int
    came: int
    again: int
    rate: float
    """Messages that came in the last second; in the end, in an average one."""
    p50: float | None
    """Seconds, over the whole run."""
    p99: float | None

    def cells(self) -> tuple[str, ...]:
        """Return what stands in each column."""
        return (
            *(self.client, self.over, f"{self.sent:,}", f"{self.came:,}", f"{self.again:,}"),
            *(f"{self.rate:,.0f}", _milliseconds(self.p50), _milliseconds(self.p99)),
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The books at one moment."""

    seconds: float
    """Since the first message."""
    rows: tuple[Row, ...]
    whole: Row
    beats_sent: int
    beats_heard: int

    def beats(self) -> str:
        """Return what there is to say of heart-beats."""
        return f"heart-beats of the quiet session: {self.beats_sent} sent, {self.beats_heard} heard"


class Meter:
    """Makes snapshots of books; rates are those of the last second."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._start = time.monotonic()
        self._before = deque([(self._start, [account.came for account in books.accounts])])

    def average(self) -> Snapshot:
        """Take one whose rates are those of the whole time."""
        self._before = deque([(self._start, [0] * len(self._books.accounts))])
        return self.read()

    def read(self) -> Snapshot:
        """Take one."""
        books, now = self._books, time.monotonic()
        came = [account.came for account in books.accounts]
        self._before.append((now, came))
        while len(self._before) > 2 and self._before[1][0] <= now - 1.0:
            self._before.popleft()
        since, before = self._before[0]
        rates = [(new - old) / max(now - since, 1e-3) for new, old in zip(came, before, strict=True)]
        rows: list[Row] = []
        for account, number, rate in zip(books.accounts, came, rates, strict=True):
            took = account.latencies
            numbers = account.sent, number, account.again, rate
            rows.append(Row(account.client, account.by, *numbers, took.quantile(0.5), took.quantile(0.99)))
        took = Latencies.joined(account.latencies for account in books.accounts)
        sums = books.sent, books.came, books.again, sum(rates)
        whole = Row("all", "", *sums, took.quantile(0.5), took.quantile(0.99))
        quiet = books.quiet
        return Snapshot(now - self._start, tuple(rows), whole, quiet.beats_sent, quiet.beats_heard)


class View(Protocol):
    """Who shows a run. Calls come from one thread."""

    def begin(self, seconds: float, urls: Sequence[str], page: str) -> None:
        """Say what there is now."""
        ...

    def tick(self, snapshot: Snapshot) -> None:
        """Show the numbers, some of the times."""
        ...

    def event(self, kind: str, sentence: str) -> None:
        """Say that something has happened."""
        ...

    def end(self, snapshot: Snapshot, complaints: Sequence[str]) -> None:
        """Show the numbers for the last time, and the verdict."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class JsonView:
    """One JSON object a line."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._next = 1.0

    def begin(self, seconds: float, urls: Sequence[str], page: str) -> None:
        """Write the addresses."""
        self._terminal.json({"event": "started", "seconds": seconds, "urls": list(urls), "page": page})

    def tick(self, snapshot: Snapshot) -> None:
        """Write the numbers, once a second."""
        if snapshot.seconds >= self._next:
            self._next = int(snapshot.seconds) + 1
            self._terminal.json({"event": "numbers", **_rounded(snapshot)})

    def event(self, kind: str, sentence: str) -> None:
        """Write what has happened."""
        self._terminal.json({"event": kind, "text": sentence})

    def end(self, snapshot: Snapshot, complaints: Sequence[str]) -> None:
        """Write the result."""
        result = {"event": "result", "ok": not complaints, "complaints": list(complaints)}
        self._terminal.json({**result, **_rounded(snapshot)})

    def close(self) -> None:
        """Do nothing."""


class PlainView:
    """Lines, as for a pipe or a log."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._next = 1.0

    def begin(self, seconds: float, urls: Sequence[str], page: str) -> None:
        """Write the addresses."""
        for name, url in zip(("TCP", "WebSocket", "SockJS"), urls, strict=True):
            self._terminal.line(f"  {name:<9}  {url}")
        self._terminal.line(f"  the page   {self._terminal.paint(page, 'bold')}  as long as this runs")
        self._terminal.line("")

    def tick(self, snapshot: Snapshot) -> None:
        """Write the numbers, once a second."""
        if snapshot.seconds < self._next:
            return
        self._next = int(snapshot.seconds) + 1
        whole = snapshot.whole
        self._terminal.line(
            f"{int(snapshot.seconds):>5} s  {whole.sent:>7,} in {whole.came:>7,} out {whole.rate:>6,.0f}/s"
            f"  p50 {_milliseconds(whole.p50):>5} ms  p99 {_milliseconds(whole.p99):>5} ms"
            f"  heart-beats {snapshot.beats_sent} sent, {snapshot.beats_heard} heard"
        )

    def event(self, kind: str, sentence: str) -> None:
        """Write what has happened."""
        self._terminal.line(f"  {self._terminal.paint('*', 'yellow')} {sentence}")

    def end(self, snapshot: Snapshot, complaints: Sequence[str]) -> None:
        """Write the table, and the verdict."""
        self._terminal.line("")
        for line in _table(snapshot):
            self._terminal.line(line)
        _verdict(self._terminal, snapshot, complaints)

    def close(self) -> None:
        """Do nothing."""


class RichView(PlainView):
    """A table that changes in its place, and what happens above it."""

    def __init__(self, terminal: Terminal) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(terminal)
        self._console = Console(file=terminal.output, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._shown = 0.0

    def tick(self, snapshot: Snapshot) -> None:
        """Draw the table anew."""
        if not self._live.is_started:
            self._live.start()
        self._live.update(self._drawn(snapshot), refresh=True)

    def event(self, kind: str, sentence: str) -> None:
        """Write above the table what has happened."""
        from rich.text import Text

        self._console.print(Text.assemble("  ", ("*", "yellow"), f" {sentence}"))

    def end(self, snapshot: Snapshot, complaints: Sequence[str]) -> None:
        """Leave the table, and write the verdict."""
        self.close()
        self._console.print(self._drawn(snapshot))
        _verdict(self._terminal, snapshot, complaints)

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()

    def _drawn(self, snapshot: Snapshot) -> Table:
        from rich import box
        from rich.table import Table

        caption = f"{snapshot.seconds:.0f} s; {snapshot.beats()}"
        # As narrow as it goes: it has to fit into 80 columns.
        table = Table(box=box.HORIZONTALS, padding=(0, 1, 0, 0), pad_edge=False, caption=caption)
        for index, name in enumerate(_COLUMNS):
            table.add_column(name, justify="left" if index < 2 else "right", no_wrap=True)
        for row in snapshot.rows:
            # Everything in a row is ours: nothing to escape.
            table.add_row(*row.cells())
        table.add_section()
        table.add_row(*snapshot.whole.cells(), style="bold")
        return table


def choose(terminal: Terminal, *, plain: bool, json: bool) -> View:
    """Return the view that fits."""
    if json:
        return JsonView(terminal)
    if plain or not terminal.output_is_terminal or terminal.is_dumb or not terminal.has_room_for_tables:
        return PlainView(terminal)
    if find_spec("rich") is None:
        return PlainView(terminal)
    return RichView(terminal)


def _rounded(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot for JSON: microseconds say enough."""

    def rounded(value: Any) -> Any:
        match value:
            case float():
                return round(value, 6)
            case list() | tuple():
                return [rounded(each) for each in cast("Iterable[Any]", value)]
            case dict():
                return {name: rounded(each) for name, each in cast("dict[str, Any]", value).items()}
            case _:
                return value

    return {name: rounded(value) for name, value in asdict(snapshot).items()}


def _table(snapshot: Snapshot) -> list[str]:
    rows = [_COLUMNS, *(row.cells() for row in snapshot.rows), snapshot.whole.cells()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1], snapshot.beats()]


def _verdict(terminal: Terminal, snapshot: Snapshot, complaints: Sequence[str]) -> None:
    terminal.line("")
    for complaint in complaints:
        terminal.line(f"{terminal.paint('WRONG', 'red')}: {complaint}")
    if not complaints:
        whole = snapshot.whole
        again = f"; {whole.again:,} came twice, as redelivered" if whole.again else ""
        sentence = f"{whole.sent:,} messages in, {whole.came:,} out: none is lost{again}"
        terminal.line(f"{terminal.paint('RIGHT', 'green')}: {sentence}")


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1_000:,.1f}"
