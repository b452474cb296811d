"""The brokers that are measured, each in a process of its own: ours with each runtime, and two others.

The others are installed on request into an ignored folder. This file must not know what they are asked.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from .broker_load import Framing, in_websocket, plain
from .broker_server import raise_file_limit
from .peers import FOLDER, ran

__all__ = ["BrokerKind", "Running", "brokers"]

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, eq=False)
class BrokerKind:
    """How a broker is started, and which way of talking to it is measured."""

    name: str
    command: Sequence[str]
    ours: bool = False
    framing: Framing = plain
    path: str = ""
    """Of its WebSocket; "" is plain STOMP."""
    version: str = "1.2"
    ack: str = "client-individual"
    """The mode in which messages of a queue are acknowledged one by one."""
    at_a_time: int = 64
    """Connections that are opened side by side: there are listening sockets with room for five."""
    receipts: bool = True
    """Whether it confirms a SUBSCRIBE."""
    cannot: dict[str, str] = field(default_factory=dict[str, str])
    """Why it has no part in a measurement, by the measurement's name."""


class Running:
    """A broker that runs. Use it as a context manager: leaving it ends the process."""

    def __init__(self, kind: BrokerKind) -> None:
        self.kind = kind
        # What we start inherits it.
        raise_file_limit()
        self._process = subprocess.Popen(
            kind.command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if not kind.ours else None,
            text=True,
        )
        self.port = int(self._line())
        # Linux: the clock of another process, all of its threads together.
        self._clock = (~self._process.pid << 3) | 2

    def cpu(self) -> float:
        """Return the CPU seconds that the process has used."""
        return time.clock_gettime(self._clock)

    def memory(self) -> int:
        """Return the octets that it holds in memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024

    def gaps(self) -> tuple[float, float]:
        """Return the longest gaps of its loop since this was asked before, by the clock and by CPU time."""
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        wall, cpu = self._line().split()
        return float(wall), float(cpu)

    def _line(self) -> str:
        assert self._process.stdout is not None, "it is a pipe"
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.kind.name} ended with {self._process.wait()}")
        return line

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None, "it is a pipe"
        self._process.stdout.close()


def _ours(runtime: str, transport: str) -> BrokerKind:
    command = [sys.executable, "-m", "benchmarks.broker_server", runtime]
    if transport == "tcp":
        return BrokerKind(f"ours, {runtime}", command, ours=True)
    return BrokerKind(
        f"ours, {runtime}, ws",
        command,
        ours=True,
        framing=in_websocket,
        path="/stomp/websocket",
        cannot={"queue": "it stands beside one that has no queues"},
    )


def brokers(others: bool, say: Callable[[str], None]) -> tuple[list[BrokerKind], list[str]]:
    """Return ours; and, if the others are wanted, those that can be had, with their versions."""
    found = [_ours("asyncio", "tcp"), _ours("trio", "tcp")]
    if not others:
        return found, []
    # Beside stomp-broker-js, which speaks over WebSocket alone.
    found.append(_ours("asyncio", "ws"))
    versions: list[str] = []
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    for have in (_coilmq, _stomp_broker_js):
        kind, version = have()
        if kind is None:
            say(f"broker: {version}; going on without it")
        else:
            found.append(kind)
            versions.append(f"{kind.name} {version}")
    return found, versions


def _coilmq() -> tuple[BrokerKind | None, str]:
    """Install it if need be; return it and its version, or None and why not."""
    folder = FOLDER / "coilmq"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "15"]
    if _version(folder, "coilmq") is None and not ran([*command, "--target", str(folder), "coilmq"]):
        return None, "coilmq could not be installed (is there a network?)"
    version = _version(folder, "coilmq")
    if version is None:
        return None, "coilmq was installed and is not there"
    environment = f"PYTHONPATH={folder}{os.pathsep}{ROOT}"
    return (
        BrokerKind(
            "coilmq",
            ["env", environment, sys.executable, "-m", "benchmarks.coilmq_server"],
            version="1.1",
            ack="client",
            at_a_time=4,
        ),
        version,
    )


def _version(folder: Path, name: str) -> str | None:
    for distribution in importlib.metadata.distributions(path=[str(folder)]):
        if distribution.metadata["Name"].lower() == name:
            return distribution.version
    return None


def _stomp_broker_js() -> tuple[BrokerKind | None, str]:
    folder, name = FOLDER / "stomp-broker-js", "stomp-broker-js"
    if not (shutil.which("node") and shutil.which("npm")):
        return None, f"{name} needs node and npm, which are not here"
    package = folder / "node_modules" / name / "package.json"
    if not package.exists():
        folder.mkdir(exist_ok=True)
        command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), name]
        if not ran(command):
            return None, f"{name} could not be installed (is there a network?)"
    kind = BrokerKind(
        name,
        ["node", str(Path(__file__).with_name("stomp_broker.mjs")), str(folder)],
        framing=in_websocket,
        path="/stomp",
        version="1.1",
        receipts=False,
        cannot={"queue": "it has no queues, and takes no ACK"},
    )
    return kind, str(json.loads(package.read_text())["version"])
