"""What an examination has found, for people as it goes, or for programs at its end.

What lives here knows ticks and columns; it must not know how anything is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from .doctor_probes import Found
from .escapes import escaped
from .terminal import Terminal

__all__ = ["Report"]

_NARROW = 20
"""Columns, at least."""

_NAMES = {
    "dns": "DNS",
    "tcp": "TCP",
    "proxy": "proxy",
    "tls": "TLS",
    "info": "SockJS info",
    "upgrade": "upgrade",
    "connect": "CONNECT",
}


class Report:
    """The findings about one server."""

    def __init__(self, terminal: Terminal, name: str, *, as_json: bool) -> None:
        self._terminal = terminal
        self._as_json = as_json
        self._value: dict[str, Any] = {"url": name, "ok": True, "steps": []}
        self._tick, self._cross = _marks(terminal)
        self._say(escaped(name))

    def passed(self, step: str, found: Found | None) -> None:
        """Take note of a step that was taken; None where nobody could measure it."""
        taken: dict[str, Any] = {"step": step, "ok": True}
        time, detail = "", ""
        if found is not None:
            taken |= {"ms": _milliseconds(found.seconds), "detail": found.detail}
            time, detail = f"{_milliseconds(found.seconds):,.1f} ms", found.detail
        self._value["steps"].append(taken)
        self._say(f"  {self._tick} {_NAMES[step]:<12}{time:>10}  {escaped(detail)}".rstrip())

    def failed(self, step: str, why: str, beyond: Sequence[str]) -> None:
        """Take note of the step that failed, and of those that were not reached."""
        self._value["ok"] = False
        self._value["steps"].append({"step": step, "ok": False, "detail": why})
        self._value["steps"] += [{"step": name, "ok": None} for name in beyond]
        self._say(f"  {self._cross} {_NAMES[step]:<12}    failed")
        self._say(f"      {escaped(' '.join(why.split()))}")
        for name in beyond:
            self._say(f"    {_NAMES[name]:<12}not reached")

    def heartbeat(self, agreed: tuple[float, float]) -> None:
        """Take note of the heart-beats that were agreed on, in seconds."""
        self._value["heartbeat"] = list(agreed)
        ours, theirs = (f"every {seconds:g} s" if seconds else "never" for seconds in agreed)
        self._line("heart-beats", f"we {ours}, the server {theirs}")

    def versions(self, offered: Sequence[str]) -> None:
        """Take note of the versions of STOMP that the server accepts."""
        self._value["versions"] = list(offered)
        self._line("versions", ", ".join(offered))

    def fact(self, name: str, value: str) -> None:
        """Take note of something that needs no explanation."""
        self._value[name] = value
        self._line(name, escaped(value))

    def transport(self, name: str, seconds: float, why: str | None) -> None:
        """Take note of a transport of SockJS: how long it took, or why it does not work."""
        tried: dict[str, Any] = {"transport": name, "ok": why is None}
        tried |= {"ms": _milliseconds(seconds)} if why is None else {"detail": why}
        self._value.setdefault("transports", []).append(tried)
        if why is None:
            self._line(name, f"{self._tick} {_milliseconds(seconds):,.1f} ms")
        else:
            self._line(name, f"{self._cross} {escaped(' '.join(why.split()))}")

    def end(self) -> None:
        """Write what is written at the end."""
        if self._as_json:
            self._terminal.json(self._value)

    def _line(self, name: str, value: str) -> None:
        self._say(f"    {name:<15} {value}")

    def _say(self, line: str) -> None:
        if self._as_json:
            return
        for part in self._fitted(line):
            for mark, colour in ((self._tick, "green"), (self._cross, "red")):
                if part.lstrip().startswith(f"{mark} ") or f"  {mark} " in part:
                    part = part.replace(mark, self._terminal.paint(mark, colour), 1)
            self._terminal.line(part)

    def _fitted(self, line: str) -> list[str]:
        """Return a line as people see it whole on a narrow terminal; programs get it in one piece."""
        if not self._terminal.output_is_terminal:
            return [line]
        # A word that is too long is likely to be a URL, which people copy.
        return wrap(
            line,
            max(get_terminal_size().columns, _NARROW),
            subsequent_indent=" " * 6,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _marks(terminal: Terminal) -> tuple[str, str]:
    """Return a tick and a cross, as far as the output can show them."""
    try:
        "✓✗".encode(terminal.output.encoding or "ascii")
    except UnicodeEncodeError:
        return "+", "x"
    return "✓", "✗"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 3)
