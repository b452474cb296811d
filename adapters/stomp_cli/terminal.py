"""What a command says: results on standard output, remarks on standard error, colour where somebody sees it.

What lives here knows streams and environments; it must not know what is said.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from shutil import get_terminal_size
from typing import Any, TextIO

from .escapes import escaped
from .words import in_our_words

__all__ = ["Terminal", "Unwritable", "json_line", "unwritable"]

_ROOM = 80
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "dim": 2, "bold": 1}


class Terminal:
    """Standard output and standard error of a command.

    What comes from elsewhere passes through `escaped` before it is handed in; `json` needs none of that.
    """

    def __init__(
        self,
        output: TextIO | None = None,
        remarks: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.output: TextIO = output or sys.stdout
        self.remarks: TextIO = remarks or sys.stderr
        self._environ = os.environ if environ is None else environ

    # Results

    def text(self, text: str) -> None:
        """Write a part of the result, at once."""
        try:
            _write(self.output, text)
        except OSError as error:
            raise unwritable(error) from error

    def line(self, text: str) -> None:
        """Write a line of the result, at once."""
        self.text(f"{text}\n")

    def json(self, value: Mapping[str, Any]) -> None:
        """Write a part of the result as one line of JSON, at once: in ASCII, so that no terminal obeys it."""
        self.line(json_line(value))

    def octets(self, octets: bytes) -> None:
        """Write octets as they are: for pipes and files, never to a terminal."""
        try:
            self.output.flush()
            self.output.buffer.write(octets)
            self.output.buffer.flush()
        except OSError as error:
            raise unwritable(error) from error

    def write_through(self, text: str) -> None:
        """Write a part of the result past every buffer: also from a signal's handler, which may have
        interrupted somebody who holds one.
        """
        octets = text.encode(self.output.encoding or "utf-8", "backslashreplace")
        try:
            descriptor = self.output.fileno()
        except (OSError, ValueError):
            return self.text(text)
        try:
            while octets:
                octets = octets[os.write(descriptor, octets) :]
        except OSError as error:
            raise unwritable(error) from error

    # Remarks

    def remark(self, text: str) -> None:
        """Write something about the work, not its result. That nobody reads it any more is no failure."""
        try:
            _write(self.remarks, text)
        except (OSError, ValueError):
            pass

    def complain(self, who: str, error: BaseException) -> None:
        """Say in one line what failed."""
        said = in_our_words(str(error)) or type(error).__name__
        self.remark(f"{self.paint(who, 'red', self.remarks)}: {escaped(' '.join(said.split()))}\n")

    # Looks

    @property
    def output_is_terminal(self) -> bool:
        """Whether somebody looks at the results as they come."""
        return _is_terminal(self.output)

    @property
    def remarks_are_seen(self) -> bool:
        """Whether somebody looks at the remarks as they come."""
        return _is_terminal(self.remarks)

    @property
    def is_dumb(self) -> bool:
        """Whether the terminal cannot go back in a line."""
        return self._environ.get("TERM") in ("dumb", "")

    @property
    def has_room_for_tables(self) -> bool:
        """Whether a line has 80 columns: in fewer, tables have no room for what stands in them."""
        return get_terminal_size().columns >= _ROOM

    def paint(self, text: str, colour: str, stream: TextIO | None = None) -> str:
        """Return text in a colour, where `stream`, standard output by default, shows one (NO_COLOR)."""
        stream = stream or self.output
        if not _is_terminal(stream) or self._environ.get("NO_COLOR") or self.is_dumb:
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"

    def silence(self) -> None:
        """Write results nowhere from now on, since their reader has gone, or there is no room for them: the
        interpreter, which flushes at its end what is left of them, would complain.
        """
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.output.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # a stream that is no file has no reader that goes


class Unwritable(OSError):
    """Results cannot be written."""


def unwritable(error: OSError) -> OSError:
    """Return what to say of results that cannot be written. That their reader has gone is said elsewhere."""
    if isinstance(error, BrokenPipeError):
        return error
    return Unwritable(f"the output cannot be written: {error.strerror or error}")


def json_line(value: Mapping[str, Any]) -> str:
    """Return a value as JSON without line breaks, in ASCII."""
    # DEL is in ASCII too, and the one control character that JSON lets pass.
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it was closed
        return False
