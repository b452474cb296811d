"""The format: a record is a line, and the line is the record; what is none is refused with a sentence."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.capture import CaptureError, Kind, Record
from stomp_sansio.capture.records import line_of, record_of
from stomp_sansio.errors import StompError
from stomp_sansio.machine import StreamId, StreamLoss

OF_STREAMS = sorted(set(Kind) - {Kind.BEGIN, Kind.FULL, Kind.END}, key=lambda kind: kind.value)


@given(
    st.builds(
        Record,
        st.sampled_from(OF_STREAMS),
        st.integers(0, 10**9).map(lambda number: number / 1000),
        st.integers(-5, 5).map(StreamId),
        st.binary(max_size=20),
        st.text(max_size=10),
        st.none() | st.text(max_size=5),
        st.none() | st.sampled_from(StreamLoss),
    )
)
def test_a_record_survives_its_line(record: Record):
    line = line_of(record)
    assert line.isascii()
    assert "\n" not in line
    assert record_of(line) == record


@pytest.mark.parametrize("kind", [Kind.BEGIN, Kind.FULL, Kind.END])
def test_a_record_of_the_whole_has_no_stream(kind: Kind):
    assert record_of(line_of(Record(kind, 1.5, about="x"))) == Record(kind, 1.5, about="x")


def test_readable_octets_stay_readable():
    assert '"octets": "SEND\\n\\n\\u0000"' in line_of(Record(Kind.IN, 0.0, StreamId(1), b"SEND\n\n\0"))
    assert '"base64": "/w=="' in line_of(Record(Kind.IN, 0.0, StreamId(1), b"\xff"))


GOOD = '"t": 0, "stream": 1'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JSON object"),
        ('{"t": 0, "kind": "in", "stream": 1, "shoe": 1}', "a field that this version does not know"),
        (f'{{{GOOD}, "kind": "shoe"}}', "its kind"),
        (f'{{{GOOD}, "kind": []}}', "its kind"),
        ('{"t": 0, "kind": "begin", "capture": 2}', "another format than 1"),
        ('{"t": "0", "kind": "end"}', "no number of seconds"),
        ('{"t": true, "kind": "end"}', "no number of seconds"),
        ('{"t": -1, "kind": "end"}', "no number of seconds"),
        ('{"t": NaN, "kind": "end"}', "no number of seconds"),
        ('{"kind": "end"}', "no number of seconds"),
        ('{"t": 0, "kind": "in"}', "its stream"),
        ('{"t": 0, "kind": "in", "stream": true}', "its stream"),
        (f'{{{GOOD}, "kind": "in", "octets": 1}}', "its octets is no text"),
        (f'{{{GOOD}, "kind": "in", "octets": "é"}}', "its octets are damaged"),
        (f'{{{GOOD}, "kind": "in", "base64": "*"}}', "its octets are damaged"),
        (f'{{{GOOD}, "kind": "lost", "about": 1}}', "its about is no text"),
        (f'{{{GOOD}, "kind": "lost", "why": "shoe"}}', "its reason"),
        (f'{{{GOOD}, "kind": "lost", "why": []}}', "its reason"),
    ],
)
def test_what_is_no_record_is_refused(line: str, why: str):
    with pytest.raises(CaptureError, match=why) as caught:
        record_of(line)
    assert "shoe" not in str(caught.value)
    assert isinstance(caught.value, StompError)
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_record_or_refused(text: str):
    try:
        record_of(text)
    except CaptureError:
        pass
