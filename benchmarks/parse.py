"""`parse`: octets to frames and to events, beside the floors and, on request, other libraries.

Correctness comes first: what would be timed is compared with the ground truth before. This file must not
know how time is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

from . import floors, ours
from .corpora import CORPORA, SMALL, Corpus, Triple, cut
from .measure import InProcess, Runner, Timing, interleave
from .peers import Peers
from .report import Report
from .stompjs import StompJs

__all__ = ["CHUNKS", "Wrong", "check", "run"]

CHUNKS = (65_536, 1_448, 1)
"""A large read, the payload of one Ethernet packet, and the cruellest cut."""

YARDSTICK = "floor (c)"

OURS: dict[str, Callable[[], ours.Count]] = {
    "FrameParser": ours.fresh_parser,
    "Connection": ours.fresh_connection,
}
COLLECT: dict[str, Callable[[Iterable[bytes]], list[Triple]]] = {
    "FrameParser": ours.collect_parser,
    "Connection": ours.collect_connection,
}
FLOORS: dict[str, Callable[[Sequence[bytes]], int]] = {
    "copy": floors.copy_only,
    "floor (a)": floors.floor_a,
    "floor (b)": floors.floor_b,
    YARDSTICK: floors.floor_c,
}


class Wrong(Exception):
    """A subject did not return what the corpus says. There is nothing to time."""


def check(corpus: Corpus, name: str, collect: Callable[[Iterable[bytes]], list[Triple]], size: int) -> None:
    """Compare what a subject finds, in chunks of `size` octets, with the ground truth.

    Raises: Wrong, with the first frame that differs.
    """
    found = collect(cut(corpus.data, size))
    for number, (got, wanted) in enumerate(zip(found, corpus.truth, strict=False)):
        if got != wanted:
            raise Wrong(
                f"{name}, {corpus.name} in chunks of {size}: frame {number} is {got!r}, not {wanted!r}"
            )
    if len(found) != len(corpus.truth):
        raise Wrong(
            f"{name}, {corpus.name} in chunks of {size}: {len(found)} frames, not {len(corpus.truth)}"
        )


def run(report: Report, *, corpora: Sequence[str], chunks: Sequence[int], rounds: int, peers: Peers) -> None:
    """Check, then measure each corpus in each chunk size, and print a table for each."""
    for corpus in (SMALL[name]() for name in corpora):
        for name, collect in COLLECT.items():
            for size in (len(corpus.data), 1_448, 1):
                check(corpus, name, collect, size)
    report.say(f"checked against the ground truth, whole, by 1,448 octets and by 1: {', '.join(COLLECT)}")
    for name in corpora:
        corpus = CORPORA[name]()
        for size in chunks:
            if size > 1:
                _compare(report, corpus, size, rounds, peers)
    if 1 in chunks:
        _octet_by_octet(report, [SMALL[name]() for name in corpora], rounds)


def _always(count: ours.Count) -> Callable[[], ours.Count]:
    """Return a factory for what has no state: always the same."""
    return lambda: count


def _bound(fresh: Callable[[], ours.Count], chunks: Sequence[bytes]) -> Callable[[], Callable[[], object]]:
    """Return a factory of passes over `chunks`: what `InProcess` wants."""

    def make() -> Callable[[], object]:
        count = fresh()
        return lambda: count(chunks)

    return make


def _compare(report: Report, corpus: Corpus, size: int, rounds: int, peers: Peers) -> None:
    chunks = cut(corpus.data, size)
    yardstick = (
        "copy" if corpus.name == "bigbin" else YARDSTICK
    )  # floors split at NUL: random octets are not for them
    runners: list[Runner] = []
    refused: dict[str, str] = {}
    for name, floor in FLOORS.items():
        if name == yardstick or (yardstick == YARDSTICK and (name != "copy" or corpus.name == "big")):
            runners.append(InProcess(name, _bound(_always(floor), chunks)))
    runners += [InProcess(name, _bound(fresh, chunks)) for name, fresh in OURS.items()]
    for peer in peers.parsers:
        if fault := _count_fault(peer.fresh, chunks, len(corpus.truth)):
            refused[peer.name] = fault
        else:
            runners.append(InProcess(peer.name, _bound(peer.fresh, chunks)))
    with ExitStack() as stack:
        if peers.node is not None:
            node = stack.enter_context(StompJs(peers.node))
            if node.parse(corpus, size):
                runners.append(node)
            else:
                refused[node.name] = f"{node.result} of {len(corpus.truth)} frames"
        timings = interleave(runners, rounds=rounds)
    _show(report, corpus, size, timings, timings[yardstick].median, yardstick, refused)


def _count_fault(fresh: Callable[[], ours.Count], chunks: Sequence[bytes], wanted: int) -> str | None:
    """Return why a peer cannot be timed on this corpus, or None."""
    try:
        found = fresh()(chunks)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:60]
    return None if found == wanted else f"{found} of {wanted} frames"


def _show(
    report: Report,
    corpus: Corpus,
    size: int,
    timings: dict[str, Timing],
    yardstick: float,
    yardstick_name: str,
    refused: dict[str, str],
) -> None:
    count = len(corpus.truth)
    parser = timings["FrameParser"].median
    rows: list[list[str]] = []
    for name, timing in sorted(timings.items(), key=lambda item: item[1].median):
        took = timing.median
        key = f"parse {corpus.name} {size} {name}"
        target = report.figure(key, took / yardstick, f"x {yardstick_name}")
        report.figure(f"{key} ns a frame", took / count * 1e9, "ns")
        if name not in OURS and name not in FLOORS:
            target = report.figure(
                f"parse {corpus.name} {size} FrameParser against {name}", took / parser, "times faster"
            )
        rows.append(
            [
                name,
                f"{count / took:,.0f}",
                f"{len(corpus.data) / took / 1e6:,.1f}",
                f"{took / count * 1e9:,.0f}",
                f"{took / yardstick:.2f}",
                f"{took / parser:.2f}",
                target,
            ]
        )
    rows += [[name, "-", "-", "-", "-", "-", f"wrong: {fault}"] for name, fault in refused.items()]
    report.table(
        f"{corpus.name}, {count} frames of {corpus.per_frame:,.0f} octets, in chunks of {size:,}",
        ["parser", "frames/s", "MB/s", "ns/frame", f"x {yardstick_name}", "x FrameParser", "target"],
        rows,
    )


def _octet_by_octet(report: Report, corpora: Sequence[Corpus], rounds: int) -> None:
    rows: list[list[str]] = []
    for corpus in corpora:
        chunks = cut(corpus.data, 1)
        timings = interleave(
            [InProcess(name, _bound(fresh, chunks)) for name, fresh in OURS.items()], rounds=rounds
        )
        for name, timing in timings.items():
            nanoseconds = timing.median / len(corpus.data) * 1e9
            target = report.figure(f"octets {corpus.name} {name}", nanoseconds, "ns an octet")
            rows.append([f"{corpus.name}, {name}", f"{nanoseconds:,.0f}", target])
    report.table("chunks of 1 octet", ["corpus, parser", "ns/octet", "target"], rows)
