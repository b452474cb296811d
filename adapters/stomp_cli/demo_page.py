"""The files of the demo's page, as a broker serves them, and the libraries from npm beside them.

What lives here knows files and npm; it must not know what the page does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from stomp_sansio.serving import Page

__all__ = ["install", "is_installed", "libraries", "pages"]

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_LIBRARIES = {
    "/clients/stomp.umd.min.js": "@stomp/stompjs/bundles/stomp.umd.min.js",
    "/clients/sockjs.min.js": "sockjs-client/dist/sockjs.min.js",
}
"""Where the page looks for each, and where it lies in `node_modules`."""

_WANTED = ("package.json", "package-lock.json")


def pages(clients: Path | None = None) -> dict[str, Page]:
    """Return everything that the page is made of, by path: for `serve(pages=...)`.

    `clients` is a folder with the libraries in its `node_modules`; what is not there is left out.
    """
    folder = files("stomp_cli") / "page"
    found = {
        f"/{file.name}": Page(_TYPES[suffix], file.read_bytes())
        for file in folder.iterdir()
        if (suffix := os.path.splitext(file.name)[1]) in _TYPES
    }
    found["/"] = found.pop("/index.html")
    return found | libraries(clients)


def libraries(clients: Path | None) -> dict[str, Page]:
    """Return the libraries that a folder has, by path."""
    if clients is None:
        return {}
    there = {path: clients / "node_modules" / name for path, name in _LIBRARIES.items()}
    return {path: Page(_TYPES[".js"], file.read_bytes()) for path, file in there.items() if file.is_file()}


def install(
    clients: Path,
    *,
    seconds: float = 60.0,
    started: Callable[[subprocess.Popen[str]], object] = lambda npm: None,
) -> str | None:
    """Have npm bring the libraries into a folder, as the lock file says, unless they are there.

    `started` is told of npm's process, for whoever may want to end it. Returns None when all are there, or
    why they are not: that is a pity, and no failure.
    """
    if is_installed(clients):
        return None
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    try:
        clients.mkdir(parents=True, exist_ok=True)
        for name, octets in _wanted().items():
            (clients / name).write_bytes(octets)
        process = subprocess.Popen(  # noqa: S603  # a program of this machine, arguments of ours
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=clients,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return f"npm cannot be used: {error.strerror or error}"
    started(process)
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"npm took more than {seconds:g} s"
    if process.returncode != 0:
        lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it did not say why"]
        return f"npm failed: {lines[0][:120]}"
    return None


def is_installed(clients: Path) -> bool:
    """Tell whether a folder has all libraries, as the lock file says."""
    same = all(
        (clients / name).is_file() and (clients / name).read_bytes() == octets
        for name, octets in _wanted().items()
    )
    return same and len(libraries(clients)) == len(_LIBRARIES)


def _wanted() -> dict[str, bytes]:
    return {name: (files("stomp_cli") / "page" / name).read_bytes() for name in _WANTED}
