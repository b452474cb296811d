"""SIGTERM as an exception, for commands that have no event loop to tell.

What lives here knows signals; it must not know what the command does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Terminated", "terminable"]


class Terminated(KeyboardInterrupt):
    """SIGTERM came: whatever leaves in order for Ctrl-C does so for it."""


@contextmanager
def terminable() -> Generator[None]:
    """Have SIGTERM raise `Terminated` inside the block."""
    if threading.current_thread() is not threading.main_thread():
        # No other thread may ask for signals, and none is interrupted by them.
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
