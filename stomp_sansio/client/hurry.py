"""What becomes of the patience of somebody who is torn out of waiting for the end.

What lives here knows one number; it must not know what the end is, nor who waits.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["Hurried"]


class Hurried:
    """A runner's patience."""

    close_timeout: float
    """Seconds for the streams of a closed session to be gone."""

    @contextmanager
    def hurried(self) -> Generator[None]:
        """Wait for the end in the block. Whoever is torn out of it, as by Ctrl-C, is in a hurry: what is left
        then is cut off, and not waited for once more.
        """
        try:
            yield
        except BaseException:
            self.close_timeout = 0.0
            raise
