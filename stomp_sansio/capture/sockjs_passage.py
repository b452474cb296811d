"""SockJS messages on their way into a capture: the STOMP stream inside JSON strings, looked at unescaped.

What lives here reads JSON as far as its strings, however broken, and judges nothing. It must not know what
carries the messages, nor what STOMP says in them.
"""

from __future__ import annotations

from enum import Enum

from .passage import Passage, Put, Waiting
from .secrets import Scanner
from .surroundings import Surroundings

__all__ = ["LinesPassage", "MessagePassage"]

_LITERALS = (b"true", b"false", b"null", b"e", b"E")
"""Words that JSON knows, the one of numbers among them."""
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_ESCAPED = dict(zip(b'"\\/bfnrt', (b'"', b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"), strict=True))
_STAND_INS = {1: b"\\u0078", 2: b"\\u00d7", 3: b"\\u2022", 4: b"\\ud83d\\udd12"}
"""What stands for a hidden character, by its length as UTF-8: x, a multiplication sign, a bullet, a lock."""
_SHORT_STAND_IN = b"\\/"


class _Where(Enum):
    OUTSIDE = "between strings"
    STRING = "in a string"
    BROKEN = "behind something that is no JSON"


def _raw(before: bytes, after: bytes) -> bytes:
    return after


class JsonPassage:
    """JSON values, one after the other. What strings say goes through the passage inside."""

    __slots__ = ("_held", "_in_word", "_inside", "_waiting", "_where")

    def __init__(self, inside: Passage) -> None:
        self._inside = inside
        self._waiting = Waiting()
        self._where = _Where.OUTSIDE
        # A word, or an escape, that is not whole.
        self._held = b""
        # Whether the last octets were a part of a word that is none of JSON's.
        self._in_word = False

    def start_message(self) -> bytes:
        """Begin a new value, whatever became of the one before; return what is decided by that."""
        written = self._give_up()
        self._where = _Where.OUTSIDE
        self._in_word = False
        return written

    def literal(self, octets: bytes) -> bytes:
        """Pass octets by the JSON."""
        self._waiting.literal(octets)
        return self._waiting.fill(b"")

    def feed(self, octets: bytes) -> bytes:
        """Take in octets; words and escapes wait until they are whole."""
        written: list[bytes] = []
        octets, self._held = self._held + octets, b""
        position = 0
        while position < len(octets):
            if self._where is _Where.STRING:
                end = self._in_string(octets, position, written)
            elif self._where is _Where.OUTSIDE:
                end = self._outside(octets, position)
            else:
                self._waiting.literal(_without_letters(octets[position:]))
                end = len(octets)
            if end == position:
                self._held = octets[position:]
                break
            position = end
        written.append(self._waiting.fill(b""))
        return b"".join(written)

    def flush(self) -> bytes:
        """Decide everything; a string goes on where it is."""
        return self._give_up() + self._waiting.fill(self._inside.flush())

    def _give_up(self) -> bytes:
        """Decide what is held here."""
        held, self._held = self._held, b""
        if held:
            self._waiting.literal(held if held in _LITERALS else _without_letters(held))
            self._in_word = self._where is _Where.OUTSIDE
            if held[:1] == b"\\":
                self._where = _Where.BROKEN
        return self._waiting.fill(b"")

    def _outside(self, octets: bytes, position: int) -> int:
        """Pass what stands between strings; words other than JSON's lose their letters."""
        end = position
        while end < len(octets) and octets[end] in _LETTERS:
            end += 1
        if end > position:
            word = octets[position:end]
            whole = end < len(octets)
            if not whole and not self._in_word and any(known.startswith(word) for known in _LITERALS):
                return position
            known = word in _LITERALS and not self._in_word
            self._waiting.literal(word if known else b"x" * len(word))
            self._in_word = not whole
            return end
        self._in_word = False
        while end < len(octets) and octets[end] not in _LETTERS and self._where is _Where.OUTSIDE:
            if octets[end] == 0x22:
                self._where = _Where.STRING
            end += 1
        self._waiting.literal(octets[position:end])
        return end

    def _in_string(self, octets: bytes, position: int, written: list[bytes]) -> int:
        """Pass one run of plain characters, one escape, or the end of the string."""
        first = octets[position]
        if first == 0x22:
            self._waiting.literal(b'"')
            self._where = _Where.OUTSIDE
            return position + 1
        if first != 0x5C:
            end = octets.find(b'"', position)
            end = len(octets) if end == -1 else end
            escape_at = octets.find(b"\\", position, end)
            end = end if escape_at == -1 else escape_at
            run = octets[position:end]
            self._waiting.held(run, _raw)
            written.append(self._waiting.fill(self._inside.feed(run)))
            return end
        escape = _escape_at(octets, position)
        if escape is None:
            return position
        outside, said = escape
        if said is None:
            self._waiting.literal(_without_letters(outside))
            self._where = _Where.BROKEN
            return position + len(outside)
        self._waiting.held(said, _putting(outside), whole=True)
        written.append(self._waiting.fill(self._inside.feed(said)))
        return position + len(outside)


def _escape_at(octets: bytes, start: int) -> tuple[bytes, bytes | None] | None:
    """Return the escape that begins at `start`, and the octets that it says, None if it is none; None if it
    is not whole."""
    if start + 1 == len(octets):
        return None
    kind = octets[start + 1]
    if kind != ord("u"):
        return octets[start : start + 2], _ESCAPED.get(kind)
    unit, end = _unit_at(octets, start)
    if unit is None:
        return (octets[start:end], None) if end <= len(octets) else None
    if 0xD800 <= unit < 0xDC00:
        if octets[end : end + 2] == b"\\u"[: len(octets) - end] and end + 2 > len(octets):
            return None
        if octets[end : end + 2] == b"\\u":
            second, second_end = _unit_at(octets, end)
            if second is None and second_end > len(octets):
                return None
            if second is not None and 0xDC00 <= second < 0xE000:
                character = chr(0x10000 + ((unit - 0xD800) << 10) + second - 0xDC00)
                return octets[start:second_end], character.encode()
    # A surrogate alone has three octets as well: whoever reads on refuses it.
    return octets[start:end], chr(unit).encode("utf-8", "surrogatepass")


def _unit_at(octets: bytes, start: int) -> tuple[int | None, int]:
    """Return the number that an escape with `u` names, None if it is none or not whole; and where it ends,
    or would."""
    digits = octets[start + 2 : start + 6]
    for place, octet in enumerate(digits):
        if octet not in _HEX:
            return None, start + 3 + place
    return (int(digits, 16) if len(digits) == 4 else None), start + 6


def _putting(outside: bytes) -> Put:
    def put(before: bytes, after: bytes) -> bytes:
        if after == before or b"\xed\xa0" <= before < b"\xee":
            return outside
        if len(outside) == 2:
            return _SHORT_STAND_IN
        if len(before) == 1:
            return b"\\u%04x" % after[0]
        return _STAND_INS[len(before)]

    return put


def _without_letters(octets: bytes) -> bytes:
    """Return octets that are no JSON, without what they say; a `u` behind a backslash stays what it is."""
    hidden = bytearray(ord("x") if octet in _LETTERS else octet for octet in octets)
    if octets[:2] == b"\\u":
        hidden[1] = ord("u")
    return bytes(hidden)


class MessagePassage:
    """Messages of a WebSocket, or bodies of requests: a STOMP stream as it is, or in SockJS frames.

    Which one is seen at the first message, and does not change.
    """

    __slots__ = ("_around", "_begun", "_closing", "_from_client", "_inside", "_json", "_sockjs")

    def __init__(
        self, around: Surroundings, inside: Passage, *, from_client: bool, sockjs: bool | None = None
    ) -> None:
        self._around = around
        self._inside = inside
        self._json = JsonPassage(inside)
        self._from_client = from_client
        self._sockjs = sockjs
        self._begun = False
        # What the frame that ends the session says, once it has come: nothing of STOMP.
        self._closing: JsonPassage | None = None

    def start_message(self) -> bytes:
        """Begin a message; return what is decided by that."""
        self._begun = True
        return self._current.start_message() if self._sockjs else b""

    @property
    def _current(self) -> JsonPassage:
        return self._closing or self._json

    def feed(self, octets: bytes) -> bytes:
        """Take in octets of the message."""
        if not octets:
            return b""
        if self._sockjs is None:
            self._sockjs = octets[:1] in (
                (b"[", b'"') if self._from_client else (b"o", b"h", b"a", b"c", b"m")
            )
        if not self._sockjs:
            return self._inside.feed(octets)
        written = b""
        if self._begun and not self._from_client:
            # The letter of the frame; of a prelude, all of its letters.
            count = max(len(octets) - len(octets.lstrip(b"h")), 1)
            if octets[:1] == b"c" and self._closing is None:
                written = self._json.flush()
                self._closing = JsonPassage(Scanner(self._around.secrets))
                self._around.note(False, "SockJS close " + octets[1:200].decode("utf-8", "replace").strip())
            written += self._current.literal(octets[:count])
            self._begun = octets == b"h" * len(octets)
            octets = octets[count:]
        return written + self._current.feed(octets)

    def flush(self) -> bytes:
        """Decide everything."""
        return self._current.flush() if self._sockjs else self._inside.flush()


class LinesPassage:
    """The body of an xhr response: SockJS frames, one a line, after a prelude perhaps."""

    __slots__ = ("_fresh", "_messages")

    def __init__(self, around: Surroundings, inside: Passage) -> None:
        self._messages = MessagePassage(around, inside, from_client=False, sockjs=True)
        self._fresh = True

    def feed(self, octets: bytes) -> bytes:
        """Take in octets of the body."""
        written: list[bytes] = []
        position = 0
        while position < len(octets):
            if self._fresh:
                written.append(self._messages.start_message())
            end = octets.find(b"\n", position) + 1 or len(octets)
            self._fresh = octets[end - 1] == 0x0A
            written.append(self._messages.feed(octets[position:end]))
            position = end
        return b"".join(written)

    def flush(self) -> bytes:
        """Decide everything."""
        return self._messages.flush()
