"""`--capture FILE`: what crosses the border between a client or server and the world, written down.

What lives here knows files; it must not know what a line says, nor what is hidden in it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager

from .escapes import escaped
from .exits import UsageError

__all__ = ["add_capture_argument", "capturing"]

# Not on Windows, which has neither such links nor such pipes.
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)

_OURS_ALREADY = re.compile(r"/dev/(stdout|stderr|fd/[0-9]+)|/proc/self/fd/[0-9]+")
"""Links that lead to what this process has open, as a shell's `>(...)` names it; nobody else can lay them."""

_ADVICE = {
    errno.ELOOP: "it is a symbolic link, and may lead anywhere: name the file itself",
    errno.ENXIO: "nobody reads that pipe: start its reader first",
    errno.ENOENT: "there is no such folder",
    errno.ENOTDIR: "there is no such folder",
    errno.EISDIR: "it is a folder: name a file in it",
    errno.EACCES: "you may not write there",
}


def add_capture_argument(add: Callable[..., object]) -> None:
    """Add `--capture FILE` to a parser or group: `add` is its `add_argument`."""
    add(
        "--capture",
        metavar="FILE",
        help="write down what passes, without secrets, for you alone: stomp-sansio trace shows it",
    )


@contextmanager
def capturing(file: str | None, remark: Callable[[str], object]) -> Generator[Callable[[str], object] | None]:
    """Give what `capture=` of `connect` and `serve` wants: a function that writes a line into the file, or
    None where there is none.

    Should the file take no more, as when the disk is full, `remark` is told, and nothing else changes.

    Raises:
        UsageError: the file cannot be written.
    """
    if file is None:
        yield None
        return
    descriptor = _open(file)
    try:
        yield _Lines(descriptor, file, remark).write
    finally:
        os.close(descriptor)


class _Lines:
    def __init__(self, descriptor: int, name: str, remark: Callable[[str], object]) -> None:
        self._descriptor = descriptor
        self._name = name
        self._remark = remark
        self._length = 0
        self._full = False

    def write(self, line: str) -> None:
        """Write a line, all of it or nothing."""
        if self._full:
            return
        octets, written = f"{line}\n".encode("ascii"), 0
        try:
            while written < len(octets):
                written += os.write(self._descriptor, octets[written:])
        except OSError as error:
            self._full = True
            self._cut_back()
            why = error.strerror or str(error)
            self._remark(f"the capture {escaped(self._name)} ends here ({why}); the command goes on\n")
        else:
            self._length += written

    def _cut_back(self) -> None:
        """Leave whole lines alone."""
        try:
            os.ftruncate(self._descriptor, self._length)
        except OSError:
            pass  # it is no file, and what was written is gone


def _open(file: str) -> int:
    """Open a file to write it anew, for its owner's eyes alone: it has what people say to each other.

    Raises:
        UsageError: that cannot be, or somebody else could read it.
    """
    if file == "-":
        raise _refused(file, "it wants a file; ./- is one of that name")
    passed_on = _OURS_ALREADY.fullmatch(file) is not None
    how = os.O_WRONLY | os.O_CREAT | _NONBLOCK | (0 if passed_on else _NOFOLLOW)
    try:
        descriptor = os.open(file, how, 0o600)
    except OSError as error:
        raise _refused(file, _ADVICE.get(error.errno or 0, error.strerror or str(error))) from error
    try:
        # It was not to wait for a pipe's reader; for what the reader has to read, it may.
        os.set_blocking(descriptor, True)
        if not passed_on and stat.S_ISREG(os.fstat(descriptor).st_mode):
            _close_to_others(file, descriptor)
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _close_to_others(file: str, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise _refused(file, "it belongs to somebody else, who could read it: name another file")
    if stat.S_IMODE(found.st_mode) & 0o077:
        try:
            os.chmod(descriptor, 0o600)
        except (OSError, NotImplementedError):
            pass  # a file system without such rights


def _refused(file: str, why: str) -> UsageError:
    return UsageError(f"the capture cannot be written to {file!r}: {why}")
