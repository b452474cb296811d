"""Who to be: a login, and the passcode that goes with it, which never has to stand in a command line.

What lives here asks files, the environment and people; it must not know who wants to know.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO

from .escapes import escaped
from .exits import UsageError

__all__ = ["PASSCODE_VARIABLE", "read_passcode", "read_secret_file"]

PASSCODE_VARIABLE = "STOMP_PASSCODE"


def read_passcode(
    login: str,
    file: str | None,
    environ: Mapping[str, str],
    *,
    stdin: TextIO | None = None,
    ask: Callable[[str], str] | None = None,
) -> str:
    """Return the passcode of a login: from a file, else from STOMP_PASSCODE, else from whoever sits there.

    Raises:
        UsageError: nobody can be asked, or the file cannot be read.
    """
    if file is not None:
        return read_secret_file(file, stdin)
    # An empty one is none, as in libpq: an unset variable of a script becomes that.
    if passcode := environ.get(PASSCODE_VARIABLE):
        return passcode
    if ask is None and not _somebody_is_there():
        raise UsageError(
            f"the login needs a passcode: --passcode-file FILE, or {PASSCODE_VARIABLE} in the environment"
            " (it is only asked for on a terminal)"
        )
    return (ask or _ask)(f"Passcode for {escaped(login)}: ")


def _ask(prompt: str) -> str:
    from getpass import getpass

    try:
        # It asks on the terminal itself: standard input may be a body, standard output a file.
        return getpass(prompt)
    except EOFError:
        raise UsageError("nobody wrote a passcode: Enter alone is an empty one") from None


def _somebody_is_there() -> bool:
    return any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def read_secret_file(file: str, stdin: TextIO | None = None) -> str:
    """Return the first line of a file; "-" is standard input.

    Raises:
        UsageError: it cannot be read, or is empty.
    """
    try:
        if file == "-":
            text = _line(sys.stdin if stdin is None else stdin)
        else:
            text = Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the passcode file cannot be read: {error}") from error
    except UnicodeDecodeError:
        # Its message would show an octet of what may be a secret.
        raise UsageError("the passcode file is no text in UTF-8: its first line is the passcode") from None
    first, *_ = text.splitlines() or [""]
    if not first:
        raise UsageError("the passcode file is empty: its first line is the passcode")
    return first


def _line(stream: TextIO) -> str:
    """Read a line and not more: what comes behind it may be a body."""
    octets: BinaryIO | None = getattr(stream, "buffer", None)
    return stream.readline() if octets is None else octets.readline().decode("utf-8")
