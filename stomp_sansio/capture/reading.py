"""Reading a capture: lines to records, checked as far as whoever uses them relies on.

What lives here must not know where the lines come from, nor what the octets mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .records import CaptureError, Kind, Record, record_of

__all__ = ["MAX_LINE", "read"]

MAX_LINE = 1024 * 1024
"""Characters of a line. The longest that is ever written, 64 KiB of octets with escapes, has less than
half."""

_BEGINNINGS = frozenset({Kind.OPEN, Kind.ACCEPTED})
_OF_THE_WHOLE = frozenset({Kind.BEGIN, Kind.FULL, Kind.END})


def read(lines: Iterable[str]) -> Iterator[Record]:
    """Yield the records of a capture, in order, each when it is asked for. Lines may have their ends or not.

    A capture that was cut off between two lines is read as far as it goes.

    Raises:
        CaptureError: a line is damaged, or what it tells cannot be; what came before was yielded. Whoever
            wrote the file is to blame.
    """
    known: set[int] = set()
    before: Record | None = None
    number = 0
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise _at(number, f"it has more than {MAX_LINE} characters: this is no capture")
        if before is not None and before.kind in (Kind.END, Kind.FULL):
            raise _at(number, "it stands behind the end: read captures one by one")
        try:
            record = record_of(line)
        except CaptureError as error:
            raise _at(number, str(error)) from None
        _check(record, before, known, number)
        before = record
        yield record
    if before is None:
        raise CaptureError("the capture is empty: was the program ended before it connected?")


def _check(record: Record, before: Record | None, known: set[int], number: int) -> None:
    if (record.kind is Kind.BEGIN) is not (before is None):
        raise _at(number, "a capture has one line of the kind begin, and that is its first")
    if before is not None and record.time < before.time:
        raise _at(number, "its time is before that of the line before: lines must stay in order")
    stream = record.stream
    if record.kind in _OF_THE_WHOLE or stream is None:
        return
    if record.kind in _BEGINNINGS:
        if (record.kind is Kind.OPEN) is not (stream > 0):
            raise _at(number, f"stream {stream} is above zero where we opened it, below where others did")
        if stream in known:
            raise _at(number, f"stream {stream} was there before")
        known.add(stream)
    elif stream not in known:
        raise _at(number, f"stream {stream} was never opened, or is gone: is a line missing?")
    elif record.kind is Kind.LOST:
        known.discard(stream)


def _at(number: int, sentence: str) -> CaptureError:
    return CaptureError(f"line {number} of the capture: {sentence}")
