"""A frame to its canonical octets, or a refusal: nothing that a peer could read differently ever leaves.

This file must not know roles, states or time.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import LocalProtocolError, Misuse
from .commands import COMMANDS, HANDSHAKE, is_1_0_handshake
from .frames import Frame
from .octets import not_octets
from .versions import ALL_VERSIONS, Version

__all__ = ["encode"]

# What 1.1 and 1.2 escape: STOMP 1.2, "Value Encoding", leaves the hand-shake out.
_ESCAPED = {command: rules for command, rules in COMMANDS.items() if command not in HANDSHAKE}

# They stand for colon and EOL while texts are escaped. No text may have the first, hardly one has the second.
_COLON, _EOL = "\0", "\1"

# Looked up once: a member of an enumeration costs five times as much as a global name.
_V1_0, _V1_1, _V1_2 = ALL_VERSIONS
_with_colon = ":".join


def encode(frame: Frame, version: Version, *, content_length: bool = True) -> bytes:
    """Return the octets of a frame in a version of STOMP: LF line ends, headers in the given order, nothing
    behind the NUL.

    A `content-length` is appended when there is a body and the frame has none; one that the frame has must be
    right. `content_length=False` leaves it out, for brokers to which it means "binary"; a body with a NUL
    needs it.

    Raises:
        LocalProtocolError: the caller's frame cannot be represented, because the version has no escape for
            something in its headers (an EOL in CONNECT or in 1.0, a CR in 1.1, a NUL anywhere), or because
            STOMP does not allow it.
        TypeError: a header is no text, or the version is not a member of `Version`. The caller is to blame.
    """
    command, headers, body = frame.command, frame.headers, frame.body
    first, repeated = headers.first, headers.repeated
    pairs = first.items() if repeated is None else repeated
    if version is not _V1_2 and version not in ALL_VERSIONS:
        raise TypeError(f"version is {version!r}: pass a member of Version, such as Version.V1_2")
    rules = _ESCAPED.get(command)
    try:
        if rules is None or version is _V1_0 or (body and not rules.has_body):
            _check_command(frame, version)
            head = _head(frame, version)
        else:
            head = "\n".join([command, *map(_with_colon, pairs)])
            # As many colons and EOLs as headers, no empty name, and nothing special besides: then nothing
            # needs an escape and nothing can be injected.
            count = len(pairs)
            if (
                head.count(":") != count
                or head.count("\n") != count
                or "\\" in head
                or "\r" in head
                or "\0" in head
                or "" in first
            ):
                impossible = "\0" in head or "" in first or (version is _V1_1 and "\r" in head)
                if impossible or _EOL in head:
                    head = _head(frame, version)
                else:
                    head = _escaped_head(command, pairs)
    except TypeError:
        raise _not_text(pairs) from None
    given = first.get("content-length")
    if given is not None:
        if given != str(len(body)) or repeated is not None:
            # All of them: there are receivers that take the last one.
            for given in headers.get_all("content-length"):
                _check_length(given, body)
    elif body:
        if content_length:
            head += f"\ncontent-length:{len(body)}"
        elif b"\0" in body:
            raise LocalProtocolError(
                Misuse.BAD_CONTENT_LENGTH, "the body has a NUL: it cannot be sent without content-length"
            )
    try:
        return b"".join((head.encode(), b"\n\n", body, b"\0"))
    except TypeError:
        raise not_octets(body, "the body") from None
    except UnicodeEncodeError as error:
        surrogate = ord(error.object[error.start])
    # Outside of the handler: the context of an error would hold the whole block, secrets included.
    raise LocalProtocolError(
        Misuse.NOT_UTF8, f"{command}: a lone surrogate in a header, U+{surrogate:04X}: it is no text"
    )


def _check_command(frame: Frame, version: Version) -> None:
    command = frame.command
    rules = COMMANDS.get(command)
    if rules is None:
        raise LocalProtocolError(
            Misuse.MALFORMED_COMMAND, f"{command!r} is no STOMP command; commands are in capitals"
        )
    if version not in rules.versions and command not in HANDSHAKE:
        raise LocalProtocolError(Misuse.UNEXPECTED_COMMAND, f"STOMP {version.value} has no {command}")
    if frame.body and not rules.has_body:
        raise LocalProtocolError(
            Misuse.BODY_NOT_ALLOWED, f"{command} may have no body; SEND, MESSAGE and ERROR may"
        )


def _escaped_head(command: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return a head whose names and values have neither of the stand-ins, all of them escaped at once."""
    head = _escape(_EOL.join([command, *map(_COLON.join, pairs)]))
    return head.replace(_EOL, "\n").replace(_COLON, ":")


def _head(frame: Frame, version: Version) -> str:
    """Return any head, line by line: this knows why a header is refused."""
    return "\n".join(
        [frame.command, *[_line(name, value, frame, version) for name, value in frame.headers.pairs]]
    )


def _line(name: str, value: str, frame: Frame, version: Version) -> str:
    """Return one header line, escaped as the version demands."""
    if not name:
        raise LocalProtocolError(Misuse.BAD_HEADER, f"a header of {frame.command} has an empty name")
    if "\0" in name or "\0" in value:
        raise _refusal(name, "a NUL, which ends the frame for several receivers", frame, version)
    unescaped = version is _V1_0 or frame.command in HANDSHAKE
    if unescaped:
        # STOMP 1.2, "Value Encoding": CONNECT and CONNECTED are never escaped; 1.0 has no escapes at all.
        if "\n" in name or "\n" in value or "\r" in name or "\r" in value:
            raise _refusal(name, "an EOL, which cannot be escaped here", frame, version)
        if ":" in name:
            raise _refusal(name, "a colon in its name, which cannot be escaped here", frame, version)
        trimmed = is_1_0_handshake(frame.command, frame.headers) if frame.command in HANDSHAKE else True
        if trimmed and value[:1] in (" ", "\t"):
            raise _refusal(name, "a leading blank, which STOMP 1.0 takes for padding", frame, version)
        return f"{name}:{value}"
    if version is _V1_1 and ("\r" in name or "\r" in value):
        # STOMP 1.1, "Value Encoding", has no escape for CR, and a raw one is an EOL to many.
        raise _refusal(name, "a CR, which STOMP 1.1 cannot escape", frame, version)
    return f"{_escape(name)}:{_escape(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(":", "\\c").replace("\r", "\\r")


def _refusal(name: str, what: str, frame: Frame, version: Version) -> LocalProtocolError:
    shown = repr(name[:80])
    return LocalProtocolError(
        Misuse.BAD_HEADER, f"header {shown} of {frame.command} (STOMP {version.value}) has {what}"
    )


def _not_text(pairs: Iterable[tuple[object, object]]) -> TypeError:
    """Return the error for the first of these pairs that is not text on both sides. It shows no value."""
    name, value = next(pair for pair in pairs if not all(isinstance(side, str) for side in pair))
    if not isinstance(name, str):
        return TypeError(f"a header has the name {name!r}, which is {type(name).__name__}: names are str")
    return TypeError(f"header {name!r} is {type(value).__name__}: values are str, so write it as text first")


def _check_length(given: str, body: bytes) -> None:
    # An encoder that repeats a wrong length would let the receiver split the frame elsewhere.
    if given != str(len(body)) and not (
        given.isascii() and given.isdigit() and given.lstrip("0") == (str(len(body)) if body else "")
    ):
        raise LocalProtocolError(
            Misuse.BAD_CONTENT_LENGTH,
            f"content-length is {given[:80]!r}, but the body has {len(body)} octets: leave the header out",
        )
