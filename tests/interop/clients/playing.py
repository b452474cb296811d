"""One client's program, run against one broker: what it says of each task, and what it does not.

This file must not know any client, nor how results are shown.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .broker import Broker
from .foreign import NODE, ForeignClient

__all__ = ["Outcome", "Played", "play", "read"]

_ROOT = Path(__file__).resolve().parents[3]
_SECONDS = 900.0


class Outcome(Enum):
    """What became of a task."""

    WORKS = "works"
    CANNOT = "cannot"
    """The client has no way to do it, as its program says."""
    FAILED = "failed"


@dataclass
class Played:
    """What became of each task of one client, against the broker in one runtime."""

    client: str
    runtime: str
    version: str = ""
    outcomes: dict[str, tuple[Outcome, str]] = field(default_factory=dict[str, tuple[Outcome, str]])

    @property
    def failures(self) -> list[str]:
        """What did not work, and why."""
        return [
            f"{self.client}, {self.runtime}: {task}: {why}"
            for task, (outcome, why) in self.outcomes.items()
            if outcome is Outcome.FAILED
        ]


def play(client: ForeignClient, runtime: str, folder: Path, *, leave_out: Iterable[str] = ()) -> Played:
    """Start a broker, run a client's program against it, and return what it said.

    Raises:
        DidNotStart: the broker did not come up.
    """
    leave_out = list(leave_out)
    broker = Broker(runtime, folder, NODE if client.wants_page else None)
    broker.start()
    try:
        done = _run(client.command(broker.port), leave_out)
    finally:
        broker.stop()
    played = read(client.name, runtime, done.stdout)
    for task in client.tasks:
        if task not in played.outcomes and task not in leave_out:
            words = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
            why = f"its program ended with {done.returncode} before it: {words[:200]}"
            played.outcomes[task] = Outcome.FAILED, why
    if words := broker.last_words().strip():
        played.outcomes["broker"] = Outcome.FAILED, f"the broker wrote: {words[-300:]}"
    return played


def _run(command: Iterable[str], leave_out: Iterable[str]) -> subprocess.CompletedProcess[str]:
    command = list(command)
    try:
        return subprocess.run(
            command,
            cwd=_ROOT,
            env=os.environ | {"LEAVE_OUT": " ".join(leave_out)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as expired:
        said = (expired.stdout or b"").decode()
        return subprocess.CompletedProcess(command, -1, said, f"it took more than {_SECONDS:g} s")


def read(client: str, runtime: str, said: str) -> Played:
    """Return what the lines of a program mean."""
    played = Played(client, runtime)
    for line in said.splitlines():
        values = json.loads(line)
        if "version" in values:
            played.version = values["version"]
        else:
            played.outcomes[values["task"]] = Outcome(values["outcome"]), values["why"]
    return played
