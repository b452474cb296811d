"""What a capture must not show: secrets that were met, what stands in their place, and where else they
appear.

A stand-in has the length of what it hides, and keeps what a reader of the octets could object to: so every
verdict stays. This file must not know frames, nor any transport.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote_from_bytes

__all__ = ["NoSecrets", "Scanner", "Secrets", "in_field", "in_header"]

SHORTEST = 4
"""Octets. What is shorter is hidden where it stands as a secret, but not looked for elsewhere: it would be
found everywhere."""
MOST = 256
"""Secrets that are remembered; the oldest is forgotten first. A client has a handful; a server's clients come
and go."""
_MOST_NUMBERS = 10_000
_LONGEST = 8 * 1024

_NO_SECRETS = frozenset({b"true", b"false", b"null", b"none"})
"""Words that stand everywhere, and make no secret wherever they stand."""
_HIDDEN = ord("x")
_FIELD_SHAPE = frozenset(b"\r\n\t\0 =;,")
_MEANT = {b"\\n": b"\n", b"\\r": b"\r", b"\\c": b":", b"\\\\": b"\\"}
_WRITTEN = {octet: escape for escape, octet in _MEANT.items()}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ESCAPE_SHAPE = {ord("n"): b"c", ord("c"): b"c", ord("\\"): b"c", ord("r"): b"r"}


def in_header(value: bytes) -> bytes:
    r"""Return a stand-in for the value of a header of STOMP.

    What a parser could object to stays: CR, NUL, octets that are no UTF-8 (as \xff), and escapes, each as one
    that the same versions know.
    """
    hidden = bytearray()
    position = 0
    text = value.decode("utf-8", "surrogateescape")
    while position < len(text):
        character = text[position]
        position += 1
        following = text[position : position + 1]
        if character == "\\" and following.isascii() and following not in "\r\n\0":
            hidden += b"\\" + _ESCAPE_SHAPE.get(ord(following), b"x")
            position += 1
        elif character in "\r\n\0\\":
            hidden += character.encode()
        elif "\udc80" <= character <= "\udcff":
            hidden.append(0xFF)
        else:
            hidden += b"x" * len(character.encode())
    return bytes(hidden)


def in_field(value: bytes) -> bytes:
    """Return a stand-in for the value of a field of HTTP: blanks, control characters and separators stay."""
    return bytes(octet if octet in _FIELD_SHAPE or octet < 0x20 else _HIDDEN for octet in value)


def _everywhere(value: bytes) -> bytes:
    return b"x" * len(value)


def _unescaped(value: bytes) -> bytes:
    octets = bytearray()
    position = 0
    while position < len(value):
        meant = _MEANT.get(value[position : position + 2])
        octets += value[position : position + 1] if meant is None else meant
        position += 1 if meant is None else 2
    return bytes(octets)


def _escaped(raw: bytes) -> bytes:
    return b"".join(_WRITTEN.get(raw[at : at + 1], raw[at : at + 1]) for at in range(len(raw)))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Yield the middle of its Base64, wherever the groups of three begin: ends depend on the neighbours."""
    for before in range(3):
        encoded = b64encode(bytes(before) + raw)
        middle = encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        yield middle
        yield middle.translate(_URL_SAFE)


class Secrets:
    """The secrets of one capture, as far as they are known by now."""

    __slots__ = ("_forms", "_learned", "_numbers")

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Begin with those that are known before any octet flows."""
        self._numbers: dict[bytes, int] = {}
        self._learned: dict[bytes, dict[bytes, bytes]] = {}
        self._forms: dict[bytes, bytes] = {}
        for value in known:
            self.learn(value.encode("utf-8", "surrogateescape"))

    @property
    def known(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._forms)

    def stand_in(self, value: bytes, hidden: bytes) -> bytes:
        """Return a stand-in with a number at its end, where there is room: the same for the same value only.

        Who compares values, as ids are compared, then finds the same ones equal.
        """
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self._numbers)
            if number >= _MOST_NUMBERS:
                # They begin again; nothing but a look of equality is lost.
                self._numbers.clear()
        digits = b"%d" % number
        room = len(hidden) - len(digits)
        if number and room >= 1 and hidden[room - 1 :] == b"x" * (len(digits) + 1):
            return hidden[:room] + digits
        return hidden

    def learn(self, value: bytes) -> None:
        """Look for a secret everywhere from now on, also escaped, percent-encoded and in Base64."""
        value = value.strip()
        if not SHORTEST <= len(value) <= _LONGEST or value in self._learned or value.lower() in _NO_SECRETS:
            return
        while len(self._learned) >= MOST:
            self.forget(next(iter(self._learned)))
        self._learned[value] = forms = self._forms_of(value)
        self._forms.update(forms)

    def forget(self, value: bytes) -> None:
        """Look for it no more: it is no secret, as a passcode that is the login."""
        if self._learned.pop(value.strip(), None) is not None:
            self._forms = {form: hidden for forms in self._learned.values() for form, hidden in forms.items()}

    def _forms_of(self, value: bytes) -> dict[bytes, bytes]:
        forms: dict[bytes, bytes] = {}
        # As it stands, and as it is meant if it stands in a header with escapes.
        for raw in (value, _unescaped(value)):
            text = raw.decode("utf-8", "replace")
            forms[raw] = in_header(raw)
            for form in (
                _escaped(raw),
                quote_from_bytes(raw, safe="").encode(),
                quote_from_bytes(raw, safe="/:@").encode(),
                json.dumps(text)[1:-1].encode(),
                html.escape(text).encode(),
                *_in_base64(raw),
            ):
                forms.setdefault(form, _everywhere(form))
        return {form: self.stand_in(value, hidden) for form, hidden in forms.items() if len(form) >= SHORTEST}

    def first(self, octets: bytes, start: int) -> tuple[int, int, bytes] | None:
        """Return where the first secret begins and ends, the longest one there, and its stand-in."""
        found: tuple[int, int, bytes] | None = None
        for form, hidden in self._forms.items():
            at = octets.find(form, start)
            end = at + len(form)
            if at != -1 and (found is None or (at, -end) < (found[0], -found[1])):
                found = at, end, hidden
        return found

    def beginning(self, octets: bytes, start: int) -> int:
        """Return where a secret may begin that is not whole yet; the end, if none may."""
        earliest = len(octets)
        for form in self._forms:
            at = octets.find(form[:1], max(start, len(octets) - len(form) + 1), earliest)
            while at != -1 and not form.startswith(octets[at:]):
                at = octets.find(form[:1], at + 1, earliest)
            if at != -1:
                earliest = at
        return earliest

    def hidden(self, octets: bytes) -> bytes:
        """Return octets, which are all there is, with every secret hidden."""
        if not self._forms:
            return octets
        scanner = Scanner(self)
        return scanner.feed(octets) + scanner.flush()


class NoSecrets(Secrets):
    """For reading what was written: everything that had to be hidden is."""

    __slots__ = ()

    def stand_in(self, value: bytes, hidden: bytes) -> bytes:
        """Return the value."""
        return value

    def learn(self, value: bytes) -> None:
        """Ignore it: it is a stand-in."""


class Scanner:
    """A passage that hides secrets wherever they appear; the first, and of several there the longest."""

    __slots__ = ("_held", "_secrets")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = b""

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; what may be the beginning of a secret waits."""
        if not self._secrets.known and not self._held:
            return octets
        held = self._held + octets
        written: list[bytes] = []
        position = 0
        while True:
            undecided = self._secrets.beginning(held, position)
            found = self._secrets.first(held, position)
            if found is None or found[0] >= undecided:
                break
            written += held[position : found[0]], found[2]
            position = found[1]
        written.append(held[position:undecided])
        self._held = held[undecided:]
        return b"".join(written)

    def flush(self) -> bytes:
        """Hide what was the beginning of a secret, unless it is too short to tell anything."""
        held, self._held = self._held, b""
        if not held:
            return b""
        found = self._secrets.first(held, 0)
        if found is not None:
            # The longer one that it could have become did not come.
            start, end, hidden = found
            self._held = held[end:]
            return held[:start] + hidden + self.flush()
        return held if len(held) < SHORTEST else _everywhere(held)
