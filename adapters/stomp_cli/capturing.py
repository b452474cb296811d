"""`--capture FILE`: what crosses the border between a client or server and the world, written down.

What lives here knows files; it must not know what a line says, nor what is hidden in it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

from .exits import UsageError

__all__ = ["add_capture_argument", "capturing"]


def add_capture_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--capture FILE`."""
    parser.add_argument(
        "--capture",
        metavar="FILE",
        help="write down what passes, without secrets: stomp-sansio trace shows it",
    )


@contextmanager
def capturing(file: str | None) -> Generator[Callable[[str], object] | None]:
    """Give what `capture=` of `connect` and `serve` wants: a function that writes a line into the file, or
    None where there is none.

    Raises:
        UsageError: the file cannot be written.
    """
    if file is None:
        yield None
        return
    try:
        # What people say to each other is for the eyes of its owner alone.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise UsageError(f"the capture cannot be written: {error}") from error
    with open(descriptor, "w", encoding="ascii", buffering=1) as stream:
        yield lambda line: stream.write(f"{line}\n")
