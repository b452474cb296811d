"""The JSON inside SockJS frames, read strictly and within limits, written canonically.

What lives here knows strings, arrays of them, and [code,reason]; it must not know frames. Its errors name
kinds and places, never contents: a message may hold a passcode.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NoReturn, cast

from ..errors import LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from ..protocol.limits import Limits

__all__ = [
    "WholeCharacters",
    "check_array_split",
    "decode_array",
    "decode_close",
    "decode_message",
    "encode_array",
    "encode_arrays",
    "encode_string",
    "not_text",
    "too_large",
]

_MAX_CLOSE_FRAME = 8 * 1024
"""Octets of a close frame. WebSocket allows 123 octets for the same reason."""
_WIDEST_ARRAY = len(r'["\ud83d\ude00"]')
"""Octets of an array that holds one character beyond the basic plane: the widest one that must fit."""
_MAX_EXPLAINED = 64 * 1024
"""Characters of a malformed payload that are looked into once more for the sake of the error's name."""


class WholeCharacters:
    """Keeps a character that two chunks share until it is whole: chunks may end anywhere."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = b""

    def take(self, chunk: bytes) -> bytes:
        """Return the whole characters that can go now, as UTF-8.

        Raises:
            LocalProtocolError: this is no UTF-8, and will be none (`NOT_UTF8`). Nothing has changed.
        """
        octets = self._pending + chunk
        end = len(octets)
        try:
            octets.decode("utf-8")
        except UnicodeDecodeError as error:
            end = error.start if error.end == len(octets) and error.reason == "unexpected end of data" else -1
        if end < 0:
            raise not_text()
        self._pending = octets[end:]
        return octets[:end]


def not_text() -> LocalProtocolError:
    """Return the error for octets that SockJS cannot carry."""
    return LocalProtocolError(
        Misuse.NOT_UTF8,
        "SockJS carries text only and this is no UTF-8: send text, encode the body (as base64, say), or use "
        "ws:// or stomp://",
    )


def decode_array(payload: bytes, limits: Limits) -> tuple[bytes, ...]:
    """Return the messages of a JSON array of strings, each as UTF-8.

    A client sends such arrays; a server's stand behind an `a`.

    Raises:
        RemoteProtocolError: the payload is too large, no UTF-8, no JSON, or no array of strings.
    """
    if len(payload) > limits.max_sockjs_frame:
        too_large(limits)
    return _array(_text(payload), limits)


def encode_array(messages: Iterable[bytes]) -> bytes:
    """Return the canonical JSON array of messages: no blanks, pure ASCII. It is what a client sends.

    Both sets of characters that the protocol wants escaped are within what is not ASCII; DEL is one of them.

    Raises:
        LocalProtocolError: a message is no UTF-8 (`NOT_UTF8`): SockJS carries text only.
    """
    try:
        texts = [message.decode("utf-8") for message in messages]
    except UnicodeDecodeError:
        pass
    else:
        return ("[" + ",".join(map(encode_string, texts)) + "]").encode("ascii")
    raise not_text()


def check_array_split(split_above: int | None) -> None:
    """Make sure that an array of so many octets can hold any character.

    Raises:
        ValueError: it could not; the caller's mistake.
    """
    if split_above is not None and split_above < _WIDEST_ARRAY:
        raise ValueError(
            f"split_above is {split_above}: pass at least {_WIDEST_ARRAY}, since one character may take so "
            "many octets in a SockJS frame"
        )


def encode_arrays(message: bytes, split_above: int) -> Iterator[bytes]:
    """Yield the canonical arrays that carry a message in pieces, each of at most `split_above` octets.

    Escapes count, and characters stay whole.

    Raises:
        LocalProtocolError: the message is no UTF-8 (`NOT_UTF8`).
    """
    whole = encode_array((message,))
    if len(whole) <= split_above:
        yield whole
        return
    text = message.decode("utf-8")
    # As many characters as fit if escapes are spread evenly; where they are not, the piece is cut again.
    frame = len('[""]')
    characters = max(1, len(text) * (split_above - frame) // (len(whole) - frame))
    for start in range(0, len(text), characters):
        yield from encode_arrays(text[start : start + characters].encode("utf-8"), split_above)


_BLANKS = " \t\n\r"
_decode_value = json.JSONDecoder().raw_decode
_encode_value = json.JSONEncoder().encode


def encode_string(text: str) -> str:
    """Return a JSON string in pure ASCII, DEL escaped too. A lone surrogate would pass: check before."""
    encoded = _encode_value(text)
    return encoded.replace("\x7f", "\\u007f") if "\x7f" in encoded else encoded


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        place = error.start
    raise RemoteProtocolError(
        LinkFault.BAD_UNICODE, f"A SockJS frame is no UTF-8, {place} octets behind its type"
    )


def _array(text: str, limits: Limits) -> tuple[bytes, ...]:
    """Read an array one string at a time, so that limits strike before the list has grown beyond them."""
    position = _skip_blanks(text, 0)
    if text[position : position + 1] != "[":
        _malformed(text, position, "an array of strings")
    position = _skip_blanks(text, position + 1)
    messages: list[bytes] = []
    room = limits.max_message
    ended = text[position : position + 1] == "]"
    while not ended:
        message, position = _string(text, position)
        messages.append(message)
        room -= len(message)
        if room < 0 or len(messages) > limits.max_sockjs_messages:
            too_large(limits)
        position = _skip_blanks(text, position)
        separator = text[position : position + 1]
        if separator == ",":
            position = _skip_blanks(text, position + 1)
        elif separator == "]":
            ended = True
        else:
            _malformed(text, position, "an array of strings")
    if _skip_blanks(text, position + 1) != len(text):
        _malformed(text, position, "an array of strings")
    return tuple(messages)


def decode_message(payload: bytes, limits: Limits) -> tuple[bytes]:
    """Return the one message that follows an `m`.

    Raises:
        RemoteProtocolError: as `decode_array`.
    """
    text = _text(payload)
    message, position = _string(text, _skip_blanks(text, 0))
    if _skip_blanks(text, position) != len(text):
        _malformed(text, position, "a string")
    if len(message) > limits.max_message:
        too_large(limits)
    return (message,)


def _string(text: str, position: int) -> tuple[bytes, int]:
    """Read the string that begins at `position`; return it and where it ends."""
    if text[position : position + 1] != '"':
        _malformed(text, position, "a string")
    try:
        value, end = _decode_value(text, position)
    except ValueError:
        pass
    else:
        try:
            return value.encode("utf-8"), end
        except UnicodeEncodeError:
            pass
        raise RemoteProtocolError(
            LinkFault.BAD_UNICODE,
            f"The SockJS message at character {position} holds a lone surrogate, which UTF-8 cannot carry",
        )
    _malformed(text, position, "a string")


def _skip_blanks(text: str, position: int) -> int:
    while text[position : position + 1] in _BLANKS and position < len(text):
        position += 1
    return position


def decode_close(payload: bytes) -> tuple[int, str]:
    """Return the code and the reason that follow a `c`.

    A lone surrogate of the reason becomes a question mark: it is for people, and no reason to fail.

    Raises:
        RemoteProtocolError: the payload is too large, no UTF-8, no JSON, or not [code,reason].
    """
    if len(payload) > _MAX_CLOSE_FRAME:
        raise RemoteProtocolError(
            LinkFault.LIMIT, f"A SockJS close frame is larger than {_MAX_CLOSE_FRAME} octets"
        )
    text = _text(payload)
    value = _json(text)
    if isinstance(value, list):
        pair = cast("list[object]", value)
        if len(pair) == 2 and type(pair[0]) is int and isinstance(pair[1], str):
            return pair[0], pair[1].encode("utf-8", "replace").decode("utf-8")
    raise RemoteProtocolError(LinkFault.BAD_FRAME, "A SockJS close frame is not c[code,reason]")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=str)
"""RFC 8259 knows no NaN and no Infinity. A fraction stays text: no code has one."""


def _json(text: str) -> object:
    try:
        value: object = _STRICT.decode(text)
    except (ValueError, RecursionError):
        pass
    else:
        return value
    raise RemoteProtocolError(LinkFault.BAD_JSON, "The payload of a SockJS frame is no JSON")


def _malformed(text: str, position: int, expected: str) -> NoReturn:
    """Raise the error for a payload that is not as expected: JSON of another shape, or no JSON at all."""
    if len(text) <= _MAX_EXPLAINED:
        _json(text)
    raise RemoteProtocolError(
        LinkFault.BAD_FRAME,
        f"A SockJS payload is not {expected}, as character {position} of {len(text)} shows",
    )


def too_large(limits: Limits) -> NoReturn:
    """Raise the error for a frame that is over one of its limits."""
    raise RemoteProtocolError(
        LinkFault.LIMIT,
        f"A SockJS frame has more than {limits.max_sockjs_frame} octets, {limits.max_sockjs_messages} "
        f"messages or {limits.max_message} octets in them: raise Limits.max_body or max_sockjs_messages if "
        "you "
        "trust the peer",
    )
