"""What programs of foreign clients share: tasks by name, each tried in turn, and a line of JSON about each.

It runs where the library is not installed, so it must not import it; nor must it know any client.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable

TEXT = "größer als 日本語 🎉"
BINARY = bytes(range(256)) * 3
HEADERS = {"x-motto": "größer als 日本語 🎉", "x-größe": "a:b\nd\\ e"}
"""In 1.2 all of this can be said."""
NOWHERE = "/nowhere/a"
"""A destination that the broker answers with ERROR."""
COMPLAINT = "unknown destination"
"""What that ERROR says."""
BEAT = 1000
"""Milliseconds between heart-beats; the broker offers as much."""
MISSED = 3
"""How many beats may be late or lost before a client gives the broker up, where that can be told."""
SILENCE = 4.0
"""Seconds in which nothing but heart-beats is said: either side would give up one that does not beat."""
SECONDS = 60.0
"""How long anything is waited for: never what is measured."""
LAST = b"the last one"
"""Sent when nothing else is to come: whatever stands before it in a queue was there already."""

Task = Callable[[], None]
_tasks: dict[str, Task | str] = {}


def task(play: Task) -> Task:
    """Register a function under its name."""
    _tasks[play.__name__.replace("_", "-")] = play
    return play


def register(name: str, play: Task) -> None:
    """Register a function under a name of its own."""
    _tasks[name] = play


def cannot(name: str, why: str) -> None:
    """Say that the client has no way to do this."""
    _tasks[name] = why


def expect(held: bool, otherwise: str) -> None:
    """Go on if it is so.

    Raises:
        AssertionError: it is not.
    """
    if not held:
        raise AssertionError(otherwise)


def main(version: str) -> None:
    """Try every task but those that the environment names in LEAVE_OUT; print what became of each."""
    _say(version=version)
    left_out = os.environ.get("LEAVE_OUT", "").split()
    for name, play in _tasks.items():
        if name in left_out:
            continue
        if isinstance(play, str):
            _say(task=name, outcome="cannot", why=play)
            continue
        try:
            play()
        except Exception as error:
            traceback.print_exc()
            _say(task=name, outcome="failed", why=f"{type(error).__name__}: {error}"[:300])
        else:
            _say(task=name, outcome="works", why="")


def port() -> int:
    """Where the broker listens."""
    return int(sys.argv[1])


def _say(**values: str) -> None:
    print(json.dumps(values), flush=True)  # noqa: T201  # what it is run for
