"""Bringing servers onto this machine: Debian's packages, npm's and Maven's, each said before it is done.

Whatever needs a network is tried again when it fails. This file must not know any server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .server import NotInstalled

__all__ = ["CACHE", "apt", "debian_version", "download", "maven", "programs", "run", "why_it_failed"]

CACHE = Path(__file__).resolve().parents[3] / ".interop"
"""Holds what npm and Maven brought; ignored by git, and safe to delete."""

_POLICY = Path("/usr/sbin/policy-rc.d")

_APT = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]
"""Another apt-get may be at work: it is waited for. A file that breaks off is asked for again, alone."""

_BLAME = ("E: ", "[ERROR] ", "[FATAL] ", "npm error ", "npm ERR! ")
"""What begins the lines in which apt-get, mvn and npm say that something is wrong."""

_CAUSES = ("Could not", "Non-resolvable", "Failed to fetch", "Unable to locate", "reason:")
"""What stands in those of them that say what."""


def run(command: Sequence[str], *, cwd: Path | None = None, seconds: float = 600) -> str:
    """Run a program and return what it printed.

    Raises:
        NotInstalled: it is missing, failed, or took too long.
    """
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except OSError:
        raise NotInstalled(f"{command[0]} is not here") from None
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"{command[0]} took more than {seconds:g} s") from None
    if done.returncode != 0:
        raise NotInstalled(f"{' '.join(command[:3])} failed: {why_it_failed(done.stdout)}")
    return done.stdout


def why_it_failed(output: str) -> str:
    """Return the line of a program's output that tells best why it failed: the first that names a cause,
    or else blames something, or the last.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    blaming = [line for line in lines if line.startswith(_BLAME)]
    causes = [line for line in blaming if any(cause in line for cause in _CAUSES)]
    return [*causes, *blaming, *lines[-1:], "it did not say why"][0][:300]


def download(
    command: Sequence[str],
    say: Callable[[str], None],
    *,
    cwd: Path | None = None,
    pauses: Sequence[float] = (5, 30),
) -> None:
    """Run a program that needs a network; when it fails, say why, wait some seconds, and try again, once for
    each pause.

    Raises:
        NotInstalled: it is missing, or failed each time.
    """
    for pause in pauses:
        try:
            run(command, cwd=cwd)
        except NotInstalled as why:
            if shutil.which(command[0]) is None:
                raise
            say(f"{why}; again in {pause:g} s")
            time.sleep(pause)
        else:
            return
    run(command, cwd=cwd)


def debian_version(package: str) -> str:
    """Return the version of an installed Debian package, without Debian's own part.

    Raises:
        NotInstalled: it is not installed.
    """
    try:
        shown = run(["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", package])
    except NotInstalled:
        raise NotInstalled(f"Debian's package {package} is not installed") from None
    status, _, version = shown.partition(" ")
    if status != "installed":
        raise NotInstalled(f"Debian's package {package} is not installed")
    return version.partition("-")[0].partition("+")[0]


def apt(packages: Sequence[str], say: Callable[[str], None]) -> None:
    """Install Debian packages that are missing; the services that they bring are not started.

    Raises:
        NotInstalled: this is no Debian, we are not root, or apt-get failed.
    """
    missing = [package for package in packages if not _is_installed(package)]
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise NotInstalled(f"no apt-get here: install {names} yourself")
    if os.geteuid() != 0:
        raise NotInstalled(f"apt-get wants root: run 'apt-get install {names}' yourself")
    say(f"installing {names} with apt-get, as root")
    download([*_APT, "update"], say)
    with _no_services():
        download([*_APT, "install", "-y", "--no-install-recommends", *missing], say)


def _is_installed(package: str) -> bool:
    try:
        debian_version(package)
    except NotInstalled:
        return False
    return True


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian from starting what it installs: we run our own, on our own ports."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def programs(wanted: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Install the Debian packages of programs that are not on PATH: a program of another origin will do.

    Raises:
        NotInstalled: one is missing and cannot be had.
    """
    apt([package for program, package in wanted.items() if shutil.which(program) is None], say)


def maven(artifact: str, target: Path, say: Callable[[str], None]) -> None:
    """Copy one artifact (group:name:version:packaging:classifier) from Maven into a folder.

    Raises:
        NotInstalled: there is no mvn, or it failed.
    """
    say(f"fetching {artifact} with mvn")
    target.mkdir(parents=True, exist_ok=True)
    download(["mvn", "-q", "-B", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false"], say)
    download(
        ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={target}"], say
    )
