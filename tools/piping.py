"""How a program ends whose reader has gone, as behind `| head`: without a word.

This file must not know what the program prints.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

__all__ = ["run"]

READER_GONE = 141
"""The exit status: what a shell says of a program that SIGPIPE has ended (128 and the signal's number)."""


def run(main: Callable[[Sequence[str]], int]) -> int:
    """Calls a program with its arguments, and returns its exit status.

    SIGPIPE itself is left alone: a program that uses sockets would be ended by a peer that hangs up.
    """
    try:
        status = main(sys.argv[1:])
        # What is still buffered may be what nobody reads any more.
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return status
