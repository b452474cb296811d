"""The records of a capture, and the line that each is in a file.

What lives here is the format, version 1: JSON, one object a line. It must not know who writes it, nor what
the octets mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from enum import Enum
from typing import cast

from ..errors import StompError
from ..machine import StreamId, StreamLoss
from ..records import record

__all__ = ["CaptureError", "Kind", "Record", "line_of", "record_of"]

FORMAT = 1


class CaptureError(StompError, ValueError):
    """A capture cannot be read: the message says which line is to blame, and what to do about it."""


class Kind(Enum):
    """What a record tells."""

    BEGIN = "begin"
    """The capture begins: always the first line, and none but that."""
    OPEN = "open"
    """The machine wants a stream; `about` is where to."""
    OPENED = "opened"
    """The stream carries octets."""
    ACCEPTED = "accepted"
    """Somebody opened a stream to us; `about` is who."""
    START_TLS = "start-tls"
    """The machine wants to go on in TLS; `about` is the name that the certificate must carry."""
    TLS = "tls"
    """TLS has begun; `about` is its version. What follows was inside it."""
    IN = "in"
    """Octets came."""
    OUT = "out"
    """Octets were handed over to be written."""
    EOF = "eof"
    """The peer ended its side."""
    PAUSE = "pause"
    """The machine wants no more octets for now."""
    RESUME = "resume"
    """It wants them again."""
    CLOSE = "close"
    """The machine wants the stream to end, once all is written."""
    ABORT = "abort"
    """It wants the stream to end at once."""
    LOST = "lost"
    """The stream is gone; `why` says why, and `about` is the system's sentence."""
    FULL = "full"
    """The capture has reached its limit, and is over though its subject is not. `about` is the limit."""
    END = "end"
    """The capture is whole."""


@record
class Record:
    """One thing that crossed the border between a machine and its driver."""

    kind: Kind
    time: float = 0.0
    """Seconds since the capture began."""
    stream: StreamId | None = None
    octets: bytes = b""
    about: str = ""
    tls: str | None = None
    """Of `OPEN`: the name that the certificate must carry, where TLS is wanted from the first octet."""
    why: StreamLoss | None = None


def line_of(record: Record) -> str:
    """Return the line of a record, pure US-ASCII, without its end."""
    fields: dict[str, object] = {"t": round(record.time, 6)}
    if record.kind is Kind.BEGIN:
        fields["capture"] = FORMAT
    if record.stream is not None:
        fields["stream"] = record.stream
    fields["kind"] = record.kind.value
    if record.octets:
        # What is readable stays so; each character is an octet.
        if record.octets.isascii():
            fields["octets"] = record.octets.decode("ascii")
        else:
            fields["base64"] = b64encode(record.octets).decode("ascii")
    if record.about:
        fields["about"] = record.about
    if record.tls is not None:
        fields["tls"] = record.tls
    if record.why is not None:
        fields["why"] = record.why.value
    return json.dumps(fields)


_FIELDS = frozenset({"t", "capture", "stream", "kind", "octets", "base64", "about", "tls", "why"})
_WITHOUT_STREAM = frozenset({Kind.BEGIN, Kind.FULL, Kind.END})


def record_of(line: str) -> Record:
    """Return the record of a line.

    Raises:
        CaptureError: it is none; the message says why, without quoting it.
    """
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        raise CaptureError("it is no JSON: was it cut off, or edited?") from None
    if not isinstance(value, dict):
        raise CaptureError("it is no JSON object")
    fields = cast("dict[str, object]", value)
    if fields.keys() - _FIELDS:
        raise CaptureError("it has a field that this version does not know: was it written by a newer one?")
    try:
        kind = Kind(fields.get("kind"))
    except ValueError:
        raise CaptureError(
            "its kind is none that this version knows: was it written by a newer one?"
        ) from None
    if kind is Kind.BEGIN and fields.get("capture") != FORMAT:
        raise CaptureError(f"it is of another format than {FORMAT}: read it with the version that wrote it")
    time, stream, why = fields.get("t"), fields.get("stream"), fields.get("why")
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < 1e12:
        raise CaptureError("its time, t, is no number of seconds")
    if kind in _WITHOUT_STREAM:
        stream = None
    elif isinstance(stream, bool) or not isinstance(stream, int):
        raise CaptureError("its stream is no number")
    return Record(
        kind,
        float(time),
        None if stream is None else StreamId(stream),
        _octets_of(fields),
        _text(fields, "about") or "",
        _text(fields, "tls"),
        None if why is None else _loss(why),
    )


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise CaptureError(f"its {name} is no text")
    return value


def _octets_of(fields: dict[str, object]) -> bytes:
    plain, encoded = _text(fields, "octets"), _text(fields, "base64")
    try:
        if encoded is not None:
            return b64decode(encoded, validate=True)
        return (plain or "").encode("ascii")
    except ValueError:
        raise CaptureError(
            "its octets are damaged: they are US-ASCII in octets, or Base64 in base64"
        ) from None


def _loss(why: object) -> StreamLoss:
    try:
        return StreamLoss(why)
    except ValueError:
        raise CaptureError("its reason, why, is none that this version knows") from None
