"""One program that runs until it is told to end: watched while it starts, and ended by its own id.

What lives here knows processes and ports. This file must not know which servers there are.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["HOST", "DidNotStart", "Process", "answers_stomp", "free_ports", "is_open"]

HOST = "127.0.0.1"


class DidNotStart(Exception):
    """A server did not come up; the message has the end of what it wrote."""


_PORTS = range(20_000, 32_768)
"""Below those that systems give to whoever asks for any port, or connects: Linux's begin at 32768, others' at
49152. What is free here now is still free when a server starts, or starts again, some time later.
"""


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that are free at this moment, all different."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        try:
            socket.create_server((HOST, port)).close()
        except OSError:
            continue  # it is somebody's
        found.append(port)
    return found


def is_open(port: int) -> bool:
    """Tell whether something listens there."""
    try:
        with socket.create_connection((HOST, port), 1):
            return True
    except OSError:
        return False


def answers_stomp(port: int, login: str, passcode: str, vhost: str) -> bool:
    """Tell whether a CONNECT is answered with CONNECTED: a port can be open before its server is ready."""
    connect = f"CONNECT\naccept-version:1.2\nhost:{vhost}\nlogin:{login}\npasscode:{passcode}\n\n\0"
    try:
        with socket.create_connection((HOST, port), 2) as stream:
            stream.settimeout(2)
            stream.sendall(connect.encode())
            return stream.recv(9) == b"CONNECTED"
    except OSError:
        return False


class Process:
    """A program in a session of its own, with its output in a file."""

    def __init__(
        self, name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it at once, in a folder, which also gets its output."""
        self.name = name
        self.output = folder / f"{name}.out"
        with self.output.open("ab") as output:
            self._begin = output.tell()
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(os.environ) | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_for(self, ready: Callable[[], bool], seconds: float = 180) -> None:
        """Wait until it is ready: as long as it runs, and as a start may take on a slow and busy machine.

        Raises:
            DidNotStart: it ended, or took too long; it was stopped.
        """
        end = time.monotonic() + seconds
        while not ready():
            if not self.runs or time.monotonic() > end:
                why = (
                    f"it took more than {seconds:g} s"
                    if self.runs
                    else f"it ended with {self._process.poll()}"
                )
                self.kill()
                raise DidNotStart(f"{self.name} did not start: {why}:\n{self.last_words()}")
            time.sleep(0.05)

    def said(self, words: str) -> bool:
        """Tell whether it has written this since it was started."""
        return words.encode() in self.output.read_bytes()[self._begin :]

    def last_words(self) -> str:
        """Return the end of its output."""
        return self.output.read_text(errors="replace")[-2000:]

    def stop(self, seconds: float = 20) -> None:
        """End it in order; by force if it takes longer than that. Harmless when it has ended."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """End it, and what it started, at once and without notice."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Freeze it, and what it started: its sockets stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        # The group has the number of the process that leads it, and lives until its last member has ended.
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass
