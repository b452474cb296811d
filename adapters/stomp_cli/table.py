"""A table that changes while somebody looks: by rich where it is installed, else by ourselves.

What lives here knows tables; it must not know what stands in them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from .bench_figures import lines
from .live import Live

__all__ = ["table"]


@contextmanager
def table(live: Live, rows: Callable[[], list[tuple[str, ...]]]) -> Generator[Callable[[], None]]:
    """Give a function that shows the rows anew, the first of them as headings; afterwards nothing is left.

    Without a terminal nothing is shown.
    """
    if not live.works:
        yield lambda: None
        return
    rich = _rich(live, rows) if live.has_room_for_tables else None
    with rich or _plain(live, rows) as show:
        yield show


@contextmanager
def _plain(live: Live, rows: Callable[[], list[tuple[str, ...]]]) -> Generator[Callable[[], None]]:
    try:
        yield lambda: live.show(lines(rows()))
    finally:
        live.clear()


def _rich(live: Live, rows: Callable[[], list[tuple[str, ...]]]) -> _Rich | None:
    try:
        return _Rich(live, rows)
    except ImportError:
        return None


class _Rich:
    def __init__(self, live: Live, rows: Callable[[], list[tuple[str, ...]]]) -> None:
        from rich.live import Live as RichLive
        from rich.table import Table
        from rich.text import Text

        def drawn(found: Sequence[tuple[str, ...]]) -> Table:
            drawing = Table()
            for index, heading in enumerate(found[0]):
                drawing.add_column(heading, justify="left" if index == 0 else "right")
            for row in found[1:]:
                # As they are: rich would read brackets as its own language.
                drawing.add_row(*map(Text, row))
            return drawing

        self._rows = rows
        self._drawn = drawn
        self._live = RichLive(console=live.rich_console(), auto_refresh=False, transient=True)

    def __enter__(self) -> Callable[[], None]:
        self._live.start()
        return lambda: self._live.update(self._drawn(self._rows()), refresh=True)

    def __exit__(self, *exception: object) -> None:
        self._live.stop()
