"""What somebody types in the shell: words, headers and a body, and what may be completed.

A function of its arguments. This file must not know what a command does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from stomp_sansio.redaction import is_secret

from .escapes import escaped
from .exits import UsageError

__all__ = ["COMMANDS", "Line", "completions", "help_lines", "holds_secret", "parse"]

COMMANDS = {
    "send": ("send DEST [-H NAME:VALUE ...] BODY", "send a message, and wait until the server has it"),
    "request": ("request DEST [-H NAME:VALUE ...] BODY", "send a message, and wait for the reply"),
    "subscribe": ("subscribe DEST [MODE]", "write what comes; MODE is auto, client or client-individual"),
    "unsubscribe": ("unsubscribe DEST", "write it no more"),
    "ack": ("ack N", "acknowledge message N of a subscription that is not auto"),
    "nack": ("nack N", "refuse it"),
    "status": ("status", "say how we are connected, and to what we are subscribed"),
    "help": ("help", "say this"),
    "quit": ("quit", "disconnect, and end; Ctrl-D is the same"),
}
"""Each command: how it is written, and what it does."""


def help_lines() -> list[str]:
    """Return a line about each command."""
    width = max(len(usage) for usage, _ in COMMANDS.values())
    return [f"{usage.ljust(width)}  {meaning}" for usage, meaning in COMMANDS.values()]


_TAKES_DESTINATION = frozenset({"send", "request", "subscribe", "unsubscribe"})
_MODES = ("auto", "client", "client-individual")


class Line:
    """A command, and what it is told."""

    def __init__(
        self, command: str, words: Sequence[str], headers: Sequence[tuple[str, str]], body: str
    ) -> None:
        self.command = command
        self.words = words
        """What stands behind it, headers and body aside."""
        self.headers = headers
        self.body = body


def parse(line: str) -> Line | None:
    """Return what a line says; None for an empty one.

    Raises:
        UsageError: it says nothing that we understand.
    """
    command, _, rest = line.strip().partition(" ")
    if not command:
        return None
    if command not in COMMANDS:
        raise UsageError(f"there is no command {command!r}: help lists them")
    if command not in ("send", "request"):
        return Line(command, rest.split(), (), "")
    destination, _, rest = rest.lstrip().partition(" ")
    if not destination:
        raise UsageError(f"write: {COMMANDS[command][0]}")
    headers: list[tuple[str, str]] = []
    while rest.lstrip().startswith("-H "):
        written, _, rest = rest.lstrip().removeprefix("-H ").lstrip().partition(" ")
        name, colon, value = written.partition(":")
        if not colon or not name:
            raise UsageError("a header is written -H NAME:VALUE, without blanks")
        headers.append((name, value))
    return Line(command, [destination], headers, rest)


def holds_secret(line: str, secrets: Iterable[str]) -> bool:
    """Tell whether a line should not be remembered: it has a secret, or begins with a blank."""
    words = line.split()
    headers = [word for before, word in pairwise(words) if before == "-H"]
    if any(is_secret(word.partition(":")[0]) for word in headers):
        return True
    return line.startswith(" ") or any(secret in line for secret in secrets)


def completions(before: str, word: str, destinations: Iterable[str]) -> list[str]:
    """Return what `word` may become, behind `before`."""
    words = before.split()
    if not words:
        return [f"{command} " for command in COMMANDS if command.startswith(word)]
    if len(words) == 1 and words[0] in _TAKES_DESTINATION:
        # Others have named them: what a terminal obeys, or a line cannot hold, is left out.
        fit = (name for name in destinations if name.startswith(word))
        return sorted(f"{name} " for name in fit if name == escaped(name) and not set(name) & set(" \t\n"))
    if len(words) == 2 and words[0] == "subscribe":
        return [mode for mode in _MODES if mode.startswith(word)]
    return []
