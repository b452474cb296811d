"""`read`: lines become records in order, or the line that is wrong is named."""

from __future__ import annotations

import pytest

from stomp_sansio.capture import MAX_LINE, CaptureError, Kind, read, whole_lines

from .scenes import SCENES, capture_of

BEGIN = '{"t": 0, "kind": "begin", "capture": 1}'
OPEN = '{"t": 0, "kind": "open", "stream": 1}'
LOST = '{"t": 1, "kind": "lost", "stream": 1}'
END = '{"t": 1, "kind": "end"}'
FULL = '{"t": 1, "kind": "full"}'


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_capture_is_read_from_begin_to_end(scene):
    lines = capture_of(scene)
    records = list(read(line + "\n" for line in lines))
    assert len(records) == len(lines)
    assert (records[0].kind, records[-1].kind) == (Kind.BEGIN, Kind.END)
    assert list(read(lines)) == records


def test_records_come_as_they_are_asked_for():
    def endless():
        yield BEGIN
        yield OPEN
        raise AssertionError("nobody asked for more")

    records = read(endless())
    assert [next(records).kind, next(records).kind] == [Kind.BEGIN, Kind.OPEN]


@pytest.mark.parametrize("lines", [[BEGIN, OPEN], [BEGIN], [BEGIN, FULL], [BEGIN, OPEN, LOST, END]])
def test_a_capture_may_end_anywhere(lines):
    assert len(list(read(lines))) == len(lines)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "the capture is empty"),
        ([OPEN], "line 1 of the capture: a capture has one line of the kind begin"),
        ([BEGIN, BEGIN], "line 2 of the capture: a capture has one line of the kind begin"),
        ([BEGIN, "x"], "line 2 of the capture: it is no JSON"),
        ([BEGIN, ""], "line 2 of the capture: it is no JSON"),
        ([BEGIN, OPEN, OPEN], "line 3 of the capture: stream 1 was there before"),
        (
            [BEGIN, OPEN.replace("1}", "-1}")],
            "line 2 of the capture: stream -1 is above zero where we opened it",
        ),
        ([BEGIN, OPEN.replace("open", "accepted")], "line 2 of the capture: stream 1 is above zero where"),
        ([BEGIN, LOST], "line 2 of the capture: stream 1 was never opened"),
        ([BEGIN, OPEN, LOST, LOST], "line 4 of the capture: stream 1 was never opened, or is gone"),
        ([BEGIN, END, BEGIN], "line 3 of the capture: it stands behind the end"),
        ([BEGIN, FULL, OPEN], "line 3 of the capture: it stands behind the end"),
        ([BEGIN, OPEN, LOST, OPEN.replace("1}", "2}")], "line 4 of the capture: its time is before"),
        ([BEGIN, " " * (MAX_LINE + 1)], "line 2 of the capture: it has more than 1048576 characters"),
    ],
)
def test_a_line_that_is_wrong_is_named(lines, why):
    records = read(lines)
    with pytest.raises(CaptureError, match=why):
        list(records)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], None),
        ([BEGIN + "\n"], None),
        ([BEGIN], None),
        ([BEGIN + "\n", OPEN], None),
        ([BEGIN + "\n", OPEN[:-1]], 2),
        ([BEGIN + "\n", "["], 2),
        ([BEGIN + "\n", OPEN + "\n", "[" * 100_000], 3),
        # Not cut off, but damaged: `read` says so.
        ([BEGIN[:-1]], None),
        ([BEGIN + "\n", OPEN[:-1] + "\n"], None),
        ([BEGIN + "\n", OPEN[:-1] + "\n", LOST], None),
        ([BEGIN + "\n", " " * (MAX_LINE + 1)], None),
    ],
)
def test_a_last_line_that_was_cut_off_is_left_out_and_told(lines, left):
    cut: list[int] = []
    kept = list(whole_lines(lines, cut.append))
    assert cut == ([] if left is None else [left])
    assert kept == lines[: len(lines) - len(cut)]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_wherever_it_was_cut_off_what_is_whole_is_read(scene):
    lines = capture_of(scene)
    written, records = "".join(line + "\n" for line in lines), list(read(lines))
    first = len(lines[0]) + 1
    for end in range(first, len(written), max(1, len(written) // 200)):
        cut: list[int] = []
        rest = written[:end]
        found = list(read(whole_lines(rest.splitlines(keepends=True), cut.append)))
        # A line that lacks its end alone has all that it tells.
        whole = rest.count("\n") + (written[end] == "\n")
        assert found == records[:whole]
        assert bool(cut) is (whole == rest.count("\n") and not rest.endswith("\n"))
