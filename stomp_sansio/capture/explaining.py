"""Frames of a capture, octet by octet: what each part means, where it stands, and where a fault lies.

What lives here puts a frame into words. It must not know how a conversation has to go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from ..errors import RemoteProtocolError
from ..protocol.limits import Limits
from ..protocol.parser import FrameParser
from ..protocol.versions import Version
from ..records import record
from ..redaction import is_secret
from .listening import Said, listen
from .records import CaptureError, Record
from .visible import shortened, visible

__all__ = ["Part", "explain", "parts_of"]

_ESCAPES = {b"\\n": "a line feed", b"\\r": "a carriage return", b"\\c": "a colon", b"\\\\": "a backslash"}
_HEADERS = {
    "accept-version": "the versions of STOMP that the client offers",
    "ack": "how messages are acknowledged, or the id by which this one is",
    "content-length": "how many octets the body has",
    "content-type": "what the body is",
    "destination": "where the message goes, or comes from",
    "heart-beat": "milliseconds: how often it can send, how often it wants to hear",
    "host": "the virtual host",
    "id": "the name of the subscription, or of the message that is acknowledged",
    "login": "who the client is",
    "message": "what is wrong, in short",
    "message-id": "the name of the message",
    "passcode": "the secret that goes with the login; hidden when this was written",
    "receipt": "asks the server to confirm the frame by a RECEIPT of this id",
    "receipt-id": "the receipt that is given",
    "redelivered": "whether the message was delivered before",
    "server": "what the server calls itself",
    "session": "the name of the session",
    "subscription": "the subscription that the message belongs to",
    "transaction": "the transaction that the frame is a part of",
    "version": "the version of STOMP that is spoken from here on",
}
_SHOWN_OCTETS = 16
_LONGEST_BODY_LINES = 8


Add: TypeAlias = Callable[[int, str], None]


@record
class Part:
    """A part of a frame."""

    start: int
    """The place of its first octet in the frame, from 0."""
    octets: bytes
    meaning: str
    """In words, printable."""
    fault: bool = False
    """Whether a fault becomes certain in it."""


def parts_of(frame: Said) -> list[Part]:
    """Return the parts of a frame, in order: together they are its octets."""
    octets = frame.octets
    fault_at = _fault_at(frame)
    parts: list[Part] = []
    position = 0

    def add(end: int, meaning: str) -> None:
        nonlocal position
        fault = fault_at is not None and position <= fault_at < end
        parts.append(Part(position, octets[position:end], meaning, fault))
        position = end

    first = True
    while position < len(octets):
        newline = octets.find(b"\n", position)
        end = len(octets) if newline == -1 else newline + 1
        line = octets[position:end]
        content = line.rstrip(b"\n")
        if content in (b"", b"\r") and newline != -1:
            add(end, "the blank line that ends the headers")
            break
        if first:
            add(position + len(content), f"the command, {visible(content.decode('utf-8', 'replace'))}")
            first = False
        else:
            _add_header(content, position, add, frame.version)
        if newline != -1:
            add(end, "the end of the line (EOL)")
    if position < len(octets):
        body_end = len(octets) - octets.endswith(b"\0")
        if position < body_end:
            count = body_end - position
            add(body_end, f"the body, {count} octet{'' if count == 1 else 's'}")
        if position < len(octets):
            add(len(octets), "NUL, which ends the frame")
    return parts


def _add_header(content: bytes, start: int, add: Add, version: Version | None) -> None:
    colon = content.find(b":")
    if colon == -1:
        add(start + len(content), "a line without a colon: this is no header")
        return
    name = content[:colon].decode("utf-8", "replace")
    add(start + colon, f"the name of a header{_escapes(content[:colon], version)}")
    add(start + colon + 1, "the colon between name and value")
    if colon + 1 < len(content):
        meaning = _HEADERS.get(name, "")
        if not meaning and is_secret(name):
            meaning = "a secret; hidden when this was written"
        words = f"its value: {meaning}" if meaning else "its value"
        add(start + len(content), words + _escapes(content[colon + 1 :], version))


def _escapes(octets: bytes, version: Version | None) -> str:
    """Return what the backslashes in a name or value mean, in words."""
    found = dict.fromkeys(
        octets[at : at + 2]
        for at in range(len(octets))
        if octets[at : at + 1] == b"\\" and not _escaped(octets, at)
    )
    if not found:
        return ""
    if version is None or version is Version.V1_0:
        return "; backslashes mean themselves here"
    said: list[str] = []
    for escape in found:
        meaning = _ESCAPES.get(escape)
        if meaning is None or (escape == b"\\r" and version is Version.V1_1):
            meaning = f"nothing in STOMP {version.value}"
        said.append(f"{visible(escape.decode('latin-1'))} is {meaning}")
    return "; " + ", ".join(said)


def _escaped(octets: bytes, at: int) -> bool:
    """Tell whether the backslash at a place is the second one of a pair."""
    before = 0
    while at - before > 0 and octets[at - before - 1] == 0x5C:
        before += 1
    return before % 2 == 1


def _fault_at(frame: Said) -> int | None:
    """Return the place of the octet at which the fault of a frame becomes certain, or None."""
    if frame.error is None:
        return None
    # Verdicts do not depend on the cut, so that halving finds the place.
    low, high = 1, len(frame.octets)
    while low < high:
        middle = (low + high) // 2
        if _is_fault(frame, middle):
            high = middle
        else:
            low = middle + 1
    return low - 1


def _is_fault(frame: Said, length: int) -> bool:
    parser = FrameParser(frame.version, Limits(max_body=1 << 40), tolerant=not frame.from_client)
    parser.receive_data(frame.octets[:length])
    try:
        parser.next_frame()
    except RemoteProtocolError:
        return True
    return False


def explain(records: Iterable[Record], number: int | None = None) -> str:
    """Return frames of a capture octet by octet: all of them, or the one of this number, which counts from 1.

    Each line has the place of its first octet, the octets, and what they mean; a `!` stands where a fault
    becomes certain.

    Raises:
        CaptureError: there is no frame of this number; or as `read`, whose records these are.
    """
    lines: list[str] = []
    last = 0
    for heard in listen(records):
        if not isinstance(heard, Said):
            continue
        last = heard.number
        if number is None or heard.number == number:
            lines += _explained(heard)
    if not lines:
        raise CaptureError(
            "the capture has no frame" if not last else f"the capture has no frame {number}: it has {last}"
        )
    return "\n".join(lines) + "\n"


def _explained(frame: Said) -> Iterator[str]:
    who = "client to server" if frame.from_client else "server to client"
    version = "before a version was agreed on" if frame.version is None else f"STOMP {frame.version.value}"
    count = f"{len(frame.octets)} octet{'' if len(frame.octets) == 1 else 's'}"
    yield f"frame {frame.number}, {who}, {frame.time:.3f} s, stream #{frame.stream}, {version}, {count}"
    for part in parts_of(frame):
        yield from _part_lines(part)
    if frame.error is not None:
        yield f"  ! {frame.error.fault.value}: {visible(str(frame.error))}"
    elif not frame.whole:
        yield "  ! incomplete-frame: its end did not come"
    yield ""


def _part_lines(part: Part) -> Iterator[str]:
    rows = [part.octets[at : at + _SHOWN_OCTETS] for at in range(0, len(part.octets), _SHOWN_OCTETS)]
    meaning = part.meaning
    for number, row in enumerate(rows):
        if number == _LONGEST_BODY_LINES and len(rows) > _LONGEST_BODY_LINES + 1:
            yield f"  {'':>6}  ... {len(part.octets) - number * _SHOWN_OCTETS} more octets"
            return
        mark = "!" if part.fault and number == 0 else " "
        shown = visible(row.decode("latin-1"))
        shown = shortened(shown, 4 * _SHOWN_OCTETS)
        yield f"{mark} {part.start + number * _SHOWN_OCTETS:>6}  {shown:<24}  {meaning}".rstrip()
        meaning = ""
