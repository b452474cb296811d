"""`read`: lines become records in order, or the line that is wrong is named."""

from __future__ import annotations

import pytest

from stomp_sansio.capture import MAX_LINE, CaptureError, Kind, read

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
