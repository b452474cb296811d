"""Reading a capture: lines to records, checked as far as whoever uses them relies on.

What lives here must not know where the lines come from, nor what the octets mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from .records import CaptureError, Kind, Record, record_of

__all__ = ["MAX_LINE", "read", "whole_lines"]

MAX_LINE = 1024 * 1024
"""Characters of a line. The longest that is ever written, 64 KiB of octets with escapes, has less than
half."""

_BEGINNINGS = frozenset({Kind.OPEN, Kind.ACCEPTED})
_OF_THE_WHOLE = frozenset({Kind.BEGIN, Kind.FULL, Kind.END})


def read(lines: Iterable[str]) -> Iterator[Record]:
    """Yield the records of a capture, in order, each when it is asked for. Lines may have their ends or not.

    A capture that was cut off between two lines is read as far as it goes; for one that was cut off within
    a line there is `whole_lines`.

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


def whole_lines(lines: Iterable[str], cut: Callable[[int], object]) -> Iterator[str]:
    """Yield the lines of a capture for `read` or `as_test`, but for a last one that was cut off, as when the
    program that wrote it was killed, or the disk was full: `cut` is told its number, which counts from 1.

    Lines have their ends: a last one is cut off if it has none, and is no JSON. Where nothing is whole,
    nothing is left out: `read` says what is wrong.
    """
    passed = 0
    before: str | None = None
    for line in lines:
        if before is not None:
            yield before
            passed += 1
        before = line
    if before is None:
        return
    if passed and _is_cut(before):
        cut(passed + 1)
    else:
        yield before


def _is_cut(line: str) -> bool:
    if line.endswith("\n") or len(line) > MAX_LINE:
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


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
