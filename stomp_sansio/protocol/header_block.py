"""The command line and the header block of a frame: every rule, every fault, and the octet at which it
becomes certain.

Here a frame's head is explained; the parser only recognises heads that are good beyond doubt and asks here
about all others. This file must not know buffers, bodies, roles or states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ..errors import Fault, RemoteProtocolError
from ..records import record
from ..redaction import REDACTED, excerpt, is_secret
from .commands import COMMANDS, HANDSHAKE, is_1_0_handshake
from .headers import Headers
from .limits import Limits
from .versions import Version

__all__ = ["Escapes", "Grammar", "Head", "content_length", "escapes_of", "examine", "unescape_all"]

_NUL, _LF, _CR = 0, 10, 13
_NEVER = 1 << 62

Escapes: TypeAlias = tuple[tuple[str, str], ...]
"""Sequences in headers, and the characters they mean; two backslashes, which mean one, go without saying."""

# Octets at the start of a line that is too long which tell what it is.
_TELLING = 1024


@record
class Grammar:
    """How a head is read: the version (None before one is negotiated), the limits, and how tolerant the
    reader is.
    """

    version: Version | None
    limits: Limits
    tolerant: bool


@record
class Head:
    """The head of a frame, whole and good."""

    command: str
    headers: Headers
    end: int
    """The offset of the first octet of the body."""


def escapes_of(version: Version | None) -> Escapes:
    """Return the escapes of a version's headers; none where nothing is escaped, or nothing negotiated yet."""
    return tuple((f"\\{letter}", meant) for letter, meant in _letters(version).items() if letter != "\\")


def _letters(version: Version | None) -> Mapping[str, str]:
    return {} if version is None else version.rules.unescapes


def unescape_all(headers: Mapping[str, str], escapes: Escapes) -> dict[str, str]:
    """Return headers with their escapes resolved; fewer than before, where two names turn out to be one.

    Raises:
        ValueError: an escape is not defined.
    """
    resolved: dict[str, str] = {}
    for name, value in headers.items():
        plain_name = _unescape(name, escapes) if "\\" in name else name
        resolved[plain_name] = _unescape(value, escapes) if "\\" in value else value
    return resolved


def _unescape(text: str, escapes: Escapes) -> str:
    """Return a header name or value with its escapes resolved.

    STOMP 1.2, "Value Encoding": one pass from left to right; any other sequence, a lone backslash at the end
    included, is a fatal error.

    Raises:
        ValueError: an escape is not defined.
    """
    if "\\\\" in text:
        # The leftmost two backslashes in a row are always one escape: only such a pair could end in the first
        # of them. So what stands before, between and behind these pairs is read by itself.
        return "\\".join([_unescape(part, escapes) for part in text.split("\\\\")])
    for sequence, character in escapes:
        text = text.replace(sequence, character)
    if "\\" in text:
        raise ValueError(text)
    return text


def content_length(headers: Headers, limits: Limits) -> int:
    """Return the length of the body in octets that these headers announce: ask only when they announce one.

    STOMP 1.2, "Header content-length": an octet count; of repeated ones the first counts. 1*DIGIT in
    US-ASCII, since whatever two parsers read differently can smuggle a frame past one of them.

    Raises:
        RemoteProtocolError: the peer sent something else, or announced more than the limit.
    """
    text = headers["content-length"]
    receipt = headers.get("receipt")
    if not (text.isascii() and text.isdigit()):
        shown = excerpt(text.encode("utf-8", "replace"))
        raise RemoteProtocolError(
            Fault.BAD_CONTENT_LENGTH,
            f"content-length is {shown}: it must be ASCII digits and nothing else",
            receipt=receipt,
        )
    digits = text.lstrip("0")
    # A number of more digits than the limit has is over it: huge ones are never turned into an integer.
    if len(digits) > len(str(limits.max_body)) or int(digits or "0") > limits.max_body:
        shown = digits if len(digits) <= 20 else f"a number of {len(digits)} digits"
        raise RemoteProtocolError(
            Fault.LIMIT_BODY,
            f"content-length announces {shown} octets: Limits.max_body is {limits.max_body}",
            receipt=receipt,
        )
    return int(digits or "0")


def examine(octets: bytes | bytearray, start: int, grammar: Grammar) -> Head | None:
    """Return the head that begins at `start`, or None when it is not whole yet and nothing is wrong with it
    so far.

    Limits, the command line and, unless the reader is tolerant, a NUL strike at the octet that makes them
    certain; what is wrong with a header line is told once the blank line has come. So the verdict depends on
    the octets alone, never on how many of them had come when this function was asked.

    Raises:
        RemoteProtocolError: the peer broke a rule; the one that strikes first in the stream.
    """
    line_end = octets.find(b"\n", start)
    command = _command(octets, start, line_end, grammar)
    if command is None:
        return None
    crlf = command in HANDSHAKE or grammar.version is None or grammar.version.rules.crlf
    block_start = line_start = line_end + 1
    count = 0
    while True:
        line_end = octets.find(b"\n", line_start)
        cr_alone = line_end == line_start + 1 and octets[line_start] == _CR
        blank = line_end == line_start or (cr_alone and crlf)
        if blank and line_start - block_start <= grammar.limits.max_header_block:
            lines = _lines(octets, block_start, line_start, crlf)
            return Head(command, _headers(command, lines, grammar, crlf), line_end + 1)
        if line_end >= 0:
            count += 1
        _strike(octets, line_start, line_end, block_start, count, grammar, crlf)
        if line_end < 0:
            return None
        if cr_alone and not crlf:
            # A blank line of 1.2 where lines end in LF alone: no other blank line may ever come, so judge
            # now.
            _headers(command, _lines(octets, block_start, line_end + 1, crlf), grammar, crlf)
        line_start = line_end + 1


def _lines(octets: bytes | bytearray, start: int, end: int, crlf: bool) -> list[bytes]:
    """Return the lines between two offsets without EOLs: copied only once they are known to be few."""
    lines = bytes(octets[start:end]).split(b"\n")
    del lines[-1]
    return [line.removesuffix(b"\r") for line in lines] if crlf else lines


def _command(octets: bytes | bytearray, start: int, line_end: int, grammar: Grammar) -> str | None:
    """Return the command of the line that begins at `start`, or None while its end has not come."""
    end = line_end if line_end >= 0 else len(octets)
    crlf = grammar.version is None or grammar.version.rules.crlf
    nul = octets.find(b"\0", start, end)
    too_long = _too_long(octets, start, end, grammar.limits.max_command_line, crlf)
    if 0 <= nul <= too_long:
        message = "a NUL octet where a frame must begin" if nul == start else "a NUL octet in a command line"
        raise RemoteProtocolError(Fault.MALFORMED_COMMAND, f"{message}: {_shown(octets[start : nul + 1])}")
    if too_long < _NEVER:
        limit = grammar.limits.max_command_line
        shown = _shown(octets[start : start + limit])
        raise RemoteProtocolError(Fault.LIMIT_LINE, f"a command line of more than {limit} octets: {shown}")
    if line_end < 0:
        return None
    line = octets[start:line_end].decode("latin-1")
    # The hand-shake frames are read with the EOLs of 1.2 in every version: they are what decides it.
    if line.endswith("\r") and (crlf or line[:-1] in HANDSHAKE):
        line = line[:-1]
    if line not in COMMANDS:
        hint = "; this version of STOMP ends lines with LF alone" if line.endswith("\r") else ""
        raise RemoteProtocolError(
            Fault.MALFORMED_COMMAND, f"not a STOMP command: {_shown(octets[start:line_end])}{hint}"
        )
    return line


def _too_long(octets: bytes | bytearray, start: int, end: int, limit: int, crlf: bool) -> int:
    """Return the offset of the octet that makes the line from `start` to `end` too long, or `_NEVER`."""
    over = start + limit
    if over >= end:
        return _NEVER
    if crlf and octets[over] == _CR:
        # It belongs to the EOL if LF follows, or if what follows has not come yet.
        return _NEVER if over + 1 == end else over + 1
    return over


def _strike(
    octets: bytes | bytearray,
    start: int,
    line_end: int,
    block_start: int,
    count: int,
    grammar: Grammar,
    crlf: bool,
) -> None:
    """Raise what becomes certain within the header line at `start`, the `count`-th if it is whole: the
    earliest octet decides.
    """
    limits = grammar.limits
    end = line_end if line_end >= 0 else len(octets)
    nul = -1 if grammar.tolerant else octets.find(b"\0", start, end)
    too_long = _too_long(octets, start, end, limits.max_line, crlf)
    too_many = line_end if line_end >= 0 and count > limits.max_headers else _NEVER
    # One octet more than the block may have, and the CR that a blank line may begin with.
    too_large = block_start + limits.max_header_block + 1
    if not (too_large <= end and too_large < len(octets)):
        too_large = _NEVER
    first = min(too_long, too_many, too_large)
    if 0 <= nul <= first:
        raise RemoteProtocolError(
            Fault.BAD_HEADER,
            f"a NUL octet in header line {_line_number(octets, block_start, nul)}: no header can have one",
        )
    if first == _NEVER:
        return
    if first == too_long:
        where = _line_number(octets, block_start, start)
        message = f"header line {where} has more than {limits.max_line} octets (Limits.max_line)"
        shown = _shown(octets[start : start + min(limits.max_line, _TELLING)])
        raise RemoteProtocolError(Fault.LIMIT_LINE, f"{message}: {shown}")
    if first == too_large:
        message = f"a header block of more than {limits.max_header_block} octets (Limits.max_header_block)"
    else:
        message = f"more than {limits.max_headers} header lines (Limits.max_headers)"
    raise RemoteProtocolError(Fault.LIMIT_HEADERS, message)


def _headers(command: str, lines: list[bytes], grammar: Grammar, crlf: bool) -> Headers:
    """Return the headers of a whole block, or raise its first fault in wire order."""
    version = grammar.version
    # Before a version is negotiated nothing is unescaped: an ERROR that refuses a connection keeps its
    # reason.
    escapes = () if command in HANDSHAKE else escapes_of(version)
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        try:
            pairs.append(_pair(line, grammar, crlf, escapes))
            continue
        except RemoteProtocolError as error:
            fault, why = error.fault, str(error)
        # Outside of the handler: the context of an error would hold the octets themselves, secrets included.
        message = f"header line {number}: {why}: {_shown(line, lines[: number - 1])}"
        raise RemoteProtocolError(fault, message, receipt=_receipt(lines, grammar, crlf, escapes))
    headers = Headers(pairs)
    if (
        is_1_0_handshake(command, headers)
        if command in HANDSHAKE
        else version is not None and version.rules.trims_values
    ):
        # The examples of 1.0 pad their values on the left; nothing else was ever trimmed by everybody.
        headers = Headers([(name, value.lstrip(" \t")) for name, value in pairs])
    return headers


def _pair(line: bytes, grammar: Grammar, crlf: bool, escapes: Escapes) -> tuple[str, str]:
    """Return name and value of one header line."""
    try:
        text = line.decode("utf-8", "replace" if grammar.tolerant else "strict")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(Fault.NOT_UTF8, f"octet {error.start + 1} is not UTF-8") from None
    if crlf and "\r" in text:
        # STOMP 1.2, "Augmented BNF": CR is no octet of a header; only one may stand before the LF.
        raise RemoteProtocolError(Fault.BAD_HEADER, "a CR that is not part of the line's end")
    # STOMP 1.2 forbids a second colon, but the ids of several brokers have it: the first one separates.
    name, colon, value = text.partition(":")
    if not colon:
        raise RemoteProtocolError(Fault.BAD_HEADER, "no colon between name and value")
    if not name and not grammar.tolerant:
        raise RemoteProtocolError(Fault.BAD_HEADER, "an empty name")
    if escapes and "\\" in text:
        try:
            return _unescape(name, escapes), _unescape(value, escapes)
        except ValueError:
            pass
        defined = " ".join(f"\\{letter}" for letter in _letters(grammar.version))
        raise RemoteProtocolError(Fault.BAD_ESCAPE, f"a backslash sequence that is none of {defined}")
    return name, value


def _receipt(lines: list[bytes], grammar: Grammar, crlf: bool, escapes: Escapes) -> str | None:
    """Return the value of the first good `receipt` line of a block that is not good as a whole."""
    for line in lines:
        if line.startswith(b"receipt:"):
            try:
                return _pair(line, grammar, crlf, escapes)[1]
            except RemoteProtocolError:
                return None
    return None


def _line_number(octets: bytes | bytearray, block_start: int, offset: int) -> int:
    return octets.count(b"\n", block_start, offset) + 1


def _shown(line: bytes | bytearray, earlier: Sequence[bytes] = ()) -> str:
    """Return a line as an error may show it: an excerpt, and nothing of a secret. `earlier` are the header
    lines before it.
    """
    line = bytes(line)
    name, colon, _ = line.partition(b":")
    if _is_secret(name):
        # What stands before a colon is the secret's name; if it looks like one: `GET /?token=x` does not.
        plain = colon and name.translate(None, b"-_.").isalnum()
        return f"{excerpt(name + colon)} {REDACTED}" if plain else REDACTED
    # The line behind a secret, or a later one without a name, may be the rest of it, folded or cut.
    rest = earlier[-1:] if colon else earlier
    if any(_is_secret(other.partition(b":")[0]) for other in rest):
        return REDACTED
    return excerpt(line)


def _is_secret(name: bytes) -> bool:
    return is_secret(name.decode("latin-1"))
