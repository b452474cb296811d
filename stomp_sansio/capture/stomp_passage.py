"""A STOMP stream on its way into a capture: values of secret headers are hidden, and learned.

What lives here finds lines and bodies as a parser does, whatever the version, and judges nothing. It must not
know what carries the stream.
"""

from __future__ import annotations

from enum import Enum

from ..protocol.commands import COMMANDS
from ..redaction import is_secret
from .secrets import Scanner, Secrets, in_header

__all__ = ["StompPassage"]

LONGEST_LINE = 16 * 1024
"""Octets of a line that are held until it ends: twice what `Limits` allows by default. What is longer is
hidden."""

_STRUCTURE = frozenset(
    name.encode()
    for name in (
        *(
            "accept-version",
            "ack",
            "content-length",
            "content-type",
            "destination",
            "heart-beat",
            "host",
            "id",
        ),
        *("login", "message", "message-id", "receipt", "receipt-id", "redelivered", "server", "session"),
        *("subscription", "transaction", "version"),
    )
)
"""Names that STOMP gives a meaning: whatever the secrets are, these are none."""
_NUMBERS = frozenset({b"accept-version", b"content-length", b"heart-beat", b"version"})
"""Headers whose values the reading depends on."""
_COMMANDS = frozenset(command.encode() for command in COMMANDS)
_GREETINGS = frozenset({b"CONNECT", b"STOMP"})


class _Where(Enum):
    BETWEEN = "between frames"
    HEAD = "in a command or header line"
    LOST = "in a line that is too long"
    BODY = "in a body"


class StompPassage:
    """One direction of a STOMP stream. The login of CONNECT, where it is the passcode as well, is no
    secret."""

    __slots__ = (
        "_fresh",
        "_greets",
        "_left",
        "_length",
        "_line",
        "_login",
        "_scanner",
        "_secrets",
        "_shown",
        "_where",
    )

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._scanner = Scanner(secrets)
        self._where = _Where.BETWEEN
        self._line = bytearray()
        # How many octets of the line a flush has shown already.
        self._shown = 0
        # Whether the next line is a command.
        self._fresh = True
        # Whether the frame is one that says who the client is.
        self._greets = False
        self._length: int | None = None
        self._left = 0
        self._login = b""

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; a line waits for its end."""
        written: list[bytes] = []
        position = 0
        while position < len(octets):
            if self._where is _Where.BETWEEN:
                position = self._between(octets, position, written)
            elif self._where is _Where.BODY:
                position = self._in_body(octets, position, written)
            else:
                position = self._in_line(octets, position, written)
        return b"".join(written)

    def flush(self) -> bytes:
        """Decide what was taken in of a line; its rest is decided in the same way."""
        if self._where is _Where.HEAD:
            hidden = self._hidden_line(bytes(self._line), whole=False)[self._shown :]
            self._shown = len(self._line)
            return hidden
        return self._scanner.flush()

    def _between(self, octets: bytes, position: int, written: list[bytes]) -> int:
        start = position
        while position < len(octets) and octets[position] in b"\r\n":
            position += 1
        if position < len(octets):
            self._where, self._fresh, self._length = _Where.HEAD, True, None
        written.append(octets[start:position])
        return position

    def _in_line(self, octets: bytes, position: int, written: list[bytes]) -> int:
        newline = octets.find(b"\n", position)
        end = len(octets) if newline == -1 else newline + 1
        if self._where is _Where.LOST:
            written.append(in_header(octets[position:end]))
        else:
            self._line += octets[position:end]
            if len(self._line) > LONGEST_LINE:
                written.append(in_header(bytes(self._line[self._shown :])))
                self._where = _Where.LOST
                self._line.clear()
        if newline != -1:
            self._end_line(written)
        return end

    def _end_line(self, written: list[bytes]) -> None:
        line = bytes(self._line)
        written.append(self._hidden_line(line, whole=True)[self._shown :])
        self._line.clear()
        self._shown = 0
        self._where = _Where.HEAD
        self._fresh = False
        if line in (b"\n", b"\r\n"):
            self._where = _Where.BODY
            self._left = self._length or 0
            self._login = b""

    def _in_body(self, octets: bytes, position: int, written: list[bytes]) -> int:
        if self._left:
            end = min(position + self._left, len(octets))
            self._left -= end - position
        else:
            end = octets.find(b"\0", position)
            end = len(octets) if end == -1 else end
        written.append(self._scanner.feed(octets[position:end]))
        if end < len(octets) and not self._left and octets[end] == 0:
            written += self._scanner.flush(), b"\0"
            self._where = _Where.BETWEEN
            end += 1
        return end

    def _hidden_line(self, line: bytes, *, whole: bool) -> bytes:
        """Return a line, as far as it has come, as it may be shown; learn from it when it is whole."""
        content = line.rstrip(b"\n")
        if self._fresh and content.rstrip(b"\r") in _COMMANDS:
            self._greets = content.rstrip(b"\r") in _GREETINGS
            return line
        name, colon, value = content.partition(b":")
        if not colon:
            return self._secrets.hidden(line)
        if is_secret(name.decode("utf-8", "replace")):
            hidden = in_header(value)
            if whole:
                hidden = self._secrets.stand_in(value, hidden)
                if value.strip() != self._login:
                    self._secrets.learn(value)
            return name + colon + hidden + line[len(content) :]
        if name == b"login" and self._greets:
            self._login = value.strip()
            self._secrets.forget(value)
        if name == b"content-length" and self._length is None and value.strip().isdigit():
            self._length = int(value.strip().lstrip(b"0")[:20] or b"0")
        shown_name = name if name in _STRUCTURE else self._secrets.hidden(name)
        shown_value = value if name in _NUMBERS else self._secrets.hidden(value)
        return shown_name + colon + shown_value + line[len(content) :]
