"""Lines at the foot of a terminal that are written anew again and again, while other lines pass above them.

What lives here knows how a terminal goes back; it must not know what the lines say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .terminal import Terminal

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Live"]


class Live:
    """Shows lines on standard error, where somebody sees them; elsewhere it shows nothing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown = 0
        self.works = terminal.remarks_are_seen and not terminal.is_dumb
        """Whether anything is shown at all."""
        self.has_room_for_tables = terminal.has_room_for_tables

    def show(self, lines: Sequence[str]) -> None:
        """Show these lines in place of those before. What a line has beyond the width is cut off."""
        if not self.works:
            return
        width = _width(self._terminal)
        self._terminal.remark(self._back() + "".join(f"{line[: width - 1]}\x1b[K\n" for line in lines))
        self._shown = len(lines)

    def remark(self, text: str) -> None:
        """Write a remark above the lines, which `show` brings back."""
        self._terminal.remark(self._back() + text)
        self._shown = 0

    def clear(self) -> None:
        """Show nothing any more."""
        if self._shown:
            self.remark("")

    def rich_console(self) -> Console:
        """Return rich's view of standard error."""
        from rich.console import Console

        return Console(file=self._terminal.remarks, highlight=False)

    def _back(self) -> str:
        # To the first of the lines, and everything from there on is gone.
        return f"\x1b[{self._shown}F\x1b[J" if self._shown else ""


def _width(terminal: Terminal) -> int:
    try:
        return os.get_terminal_size(terminal.remarks.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
