"""The clients that nobody here wrote: how to have each, its program, and what is not asked of it.

This file must not know what a program does, nor which broker it talks to.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..servers.installing import CACHE, apt, download, programs, run
from ..servers.server import NotInstalled, Say
from .tasks import PAGE, TASKS

__all__ = ["CLIENTS", "NODE", "ForeignClient"]

_SOURCE = Path(__file__).resolve().parent
_HOME = CACHE / "clients"
_PYTHON = _HOME / "python"
NODE = _HOME / "node"
"""Where npm's packages are."""
_GO = _HOME / "go"
_LOCKED = ("package.json", "package-lock.json")


@dataclass(frozen=True)
class ForeignClient:
    """One client, or one way in which it is used."""

    name: str
    install: Callable[[Say], None]
    """Brings it onto this machine if it is not there, saying first what is done; raises NotInstalled."""
    require: Callable[[], None]
    """Raises NotInstalled if it is not here."""
    command: Callable[[int], Sequence[str]]
    """What to run against a broker on a port."""
    wants_page: bool = False
    may_be_missing: bool = False
    """Whether it needs a toolchain that nothing here installs."""

    @property
    def tasks(self) -> list[str]:
        """What it is asked to do."""
        return [name for name in TASKS if self.wants_page or name != PAGE]


# Python's, in an environment of their own


def _requirements() -> Path:
    return _SOURCE / "programs" / "requirements.txt"


def _install_python(say: Say) -> None:
    if _python_is_here():
        return
    say("installing stomp.py, stompest and stompman with pip into .interop/")
    shutil.rmtree(_PYTHON, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(_PYTHON)])
    pip = [str(_PYTHON / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    download([*pip, "--requirement", str(_requirements())], say)
    shutil.copy(_requirements(), _PYTHON / "installed.txt")


def _python_is_here() -> bool:
    return _same(_requirements(), _PYTHON / "installed.txt")


def _require_python() -> None:
    if not _python_is_here():
        raise NotInstalled("it is not in .interop/: './dev interop clients' installs it")


def _same(wanted: Path, there: Path) -> bool:
    return there.exists() and there.read_bytes() == wanted.read_bytes()


def _python_client(name: str, program: str) -> ForeignClient:
    def command(port: int) -> list[str]:
        return [str(_PYTHON / "bin" / "python"), "-m", f"{__package__}.programs.{program}", str(port)]

    return ForeignClient(name, _install_python, _require_python, command)


# Go's


def _go() -> str:
    found = shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/go/bin"]))
    if found is None:
        raise NotInstalled("there is no go here")
    return found


def _install_go(say: Say) -> None:
    go = _go()
    sources = [_SOURCE / "go" / name for name in ("main.go", "go.mod", "go.sum")]
    if all(_same(source, _GO / source.name) for source in sources) and (_GO / "gostomp").exists():
        return
    say("building a program with go-stomp in .interop/")
    shutil.rmtree(_GO, ignore_errors=True)
    _GO.mkdir(parents=True)
    for source in sources:
        shutil.copy(source, _GO / source.name)
    download([go, "build", "-mod=readonly", "-o", "gostomp", "."], say, cwd=_GO)


def _require_go() -> None:
    if not (_GO / "gostomp").exists():
        _go()
        raise NotInstalled("it is not in .interop/: './dev interop clients' builds it")


# Node's, alone and in a browser


def _install_node(say: Say) -> None:
    programs({"node": "nodejs", "npm": "npm"}, say)
    if _node_is_here():
        return
    say("installing stompjs, sockjs-client, ws and playwright-core with npm ci into .interop/")
    NODE.mkdir(parents=True, exist_ok=True)
    for name in _LOCKED:
        shutil.copy(_SOURCE / "node" / name, NODE / name)
    download(["npm", "ci", "--no-audit", "--no-fund"], say, cwd=NODE)


def _node_is_here() -> bool:
    there = NODE / "node_modules" / ".package-lock.json"
    return there.exists() and all(_same(_SOURCE / "node" / name, NODE / name) for name in _LOCKED)


def _require_node() -> None:
    if shutil.which("node") is None:
        raise NotInstalled("there is no node here")
    if not _node_is_here():
        raise NotInstalled("it is not in .interop/: './dev interop clients' installs it")


def _stompjs(name: str, socket: str) -> ForeignClient:
    program = str(_SOURCE / "node" / "stompjs.mjs")
    return ForeignClient(
        name, _install_node, _require_node, lambda port: ["node", program, str(port), str(NODE), socket]
    )


def _install_chromium(say: Say) -> None:
    _install_node(say)
    if shutil.which("chromium") is None:
        apt(["chromium"], say)


def _require_chromium() -> None:
    _require_node()
    if shutil.which("chromium") is None:
        raise NotInstalled("there is no chromium here")


def _chromium(transport: str, port: int) -> list[str]:
    browser = shutil.which("chromium") or "chromium"
    return ["node", str(_SOURCE / "node" / "chromium.mjs"), str(port), str(NODE), transport, browser]


def _in_chromium(name: str, transport: str) -> ForeignClient:
    return ForeignClient(
        name, _install_chromium, _require_chromium, partial(_chromium, transport), wants_page=True
    )


_ALL = (
    _python_client("stomp.py", "stomp_py"),
    _python_client("stompest", "stompest_sync"),
    _python_client("stompman", "stompman_client"),
    ForeignClient(
        "go-stomp",
        _install_go,
        _require_go,
        lambda port: [str(_GO / "gostomp"), str(port)],
        may_be_missing=True,
    ),
    _stompjs("stompjs, ws", "ws"),
    _stompjs("stompjs, SockJS websocket", "websocket"),
    _stompjs("stompjs, xhr-streaming", "xhr-streaming"),
    _stompjs("stompjs, xhr-polling", "xhr-polling"),
    _in_chromium("Chromium, WebSocket", "stompjs-websocket"),
    _in_chromium("Chromium, SockJS websocket", "stompjs-sockjs-websocket"),
    _in_chromium("Chromium, xhr-streaming", "stompjs-xhr-streaming"),
    _in_chromium("Chromium, xhr-polling", "stompjs-xhr-polling"),
)

CLIENTS: dict[str, ForeignClient] = {
    client.name.replace(", ", "-").replace(" ", "-"): client for client in _ALL
}
"""By the names that the command line has for them."""
