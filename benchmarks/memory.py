"""`memory`: one body of 1 MiB as a network brings it: the most that is held, and how time grows.

This file must not know how a parser keeps what it has read.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

from . import ours
from .corpora import MIB, Corpus, cut, large
from .measure import InProcess, Runner, interleave
from .peers import Peers
from .report import Report

__all__ = ["peak", "run"]

CHUNK = 1_448
SMALLER = MIB // 4


class _Arriving(Sequence[bytes]):
    """Chunks made when they are asked for, so that whoever keeps them pays for them."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return -(-len(self._data) // CHUNK)

    def __getitem__(self, index: object) -> bytes:  # type: ignore[override]
        raise TypeError("chunks come in order: iterate")

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), CHUNK):
            yield self._data[start : start + CHUNK]


def peak(fresh: Callable[[], ours.Count], corpus: Corpus) -> float:
    """Return the most memory in use during a pass, as a multiple of the one body in `corpus`.

    The pass includes handing it over.
    """
    fresh()(_Arriving(corpus.data))  # what is made once and kept is not the body's
    count = fresh()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        found = count(_Arriving(corpus.data))
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if found != 1:
        raise ValueError(f"{found} frames, not 1")
    return (highest - before) / len(corpus.truth[0][2])


def run(report: Report, *, rounds: int, peers: Peers) -> None:
    """Measure text and random octets, and print a table for each."""
    subjects: dict[str, Callable[[], ours.Count]] = {
        "FrameParser": ours.fresh_parser,
        "Connection": ours.fresh_connection,
    } | {peer.name: peer.fresh for peer in peers.parsers}
    for kind, text in (("text", True), ("random", False)):
        rows: list[list[str]] = []
        for name, fresh in subjects.items():
            try:
                rows.append(_row(report, kind, name, fresh, text=text, rounds=rounds))
            except Exception as error:
                if name in ("FrameParser", "Connection"):
                    raise
                rows.append([name, "-", "-", "-", f"wrong: {type(error).__name__}: {error}"[:70]])
        report.table(
            f"one body of 1 MiB, {kind}, in chunks of {CHUNK:,} octets",
            ["parser", "ms", "t(1 MiB) / t(256 KiB)", "peak / body", "targets"],
            rows,
        )


def _row(
    report: Report, kind: str, name: str, fresh: Callable[[], ours.Count], *, text: bool, rounds: int
) -> list[str]:
    whole, part = large(1, text=text), large(1, SMALLER, text=text)
    runners: list[Runner] = []
    for corpus in (whole, part):
        chunks = cut(corpus.data, CHUNK)
        if (found := fresh()(chunks)) != 1:
            raise ValueError(f"{found} frames, not 1")
        runners.append(InProcess(str(len(corpus.truth[0][2])), _pass(fresh, chunks)))
    timings = interleave(runners, rounds=rounds)
    took = timings[str(MIB)].median
    growth = took / timings[str(SMALLER)].median
    held = peak(fresh, whole)
    key = f"memory {kind} {name}"
    targets = (
        report.figure(f"{key} ms", took * 1e3, "ms"),
        report.figure(f"{key} growth", growth, "times"),
        report.figure(f"{key} peak", held, "x body"),
    )
    return [name, f"{took * 1e3:.3f}", f"{growth:.2f}", f"{held:.2f}", "; ".join(filter(None, targets))]


def _pass(fresh: Callable[[], ours.Count], chunks: Sequence[bytes]) -> Callable[[], Callable[[], object]]:
    def make() -> Callable[[], object]:
        count = fresh()
        return lambda: count(chunks)

    return make
