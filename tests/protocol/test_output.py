"""Octets that wait to be written: handed over in order, in pieces of any size, none twice and none lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Connection, ServerConnection
from stomp_sansio.protocol.shared_message import SharedMessage
from tests.protocol.helpers import ask, client, frames, server, wire

bodies = st.lists(st.binary(max_size=30), max_size=5)
takes = st.lists(st.one_of(st.none(), st.integers(0, 200)), max_size=30)


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.none(), st.integers(0, 200), st.just("frame")), max_size=30)
)
def test_what_is_taken_is_what_was_written_in_its_order(steps: list[bytes | int | str | None]):
    connection, twin = client(), client()
    taken = b""
    for step in steps:
        before = connection.unsent
        if isinstance(step, bytes):
            connection.send("/q", step)
            twin.send("/q", step)
            continue
        if step == "frame":
            piece = connection.frame_to_send(0.0)
        else:
            assert not isinstance(step, str)
            piece = connection.data_to_send(0.0, step)
            assert len(piece) == (before if step is None else min(step, before))
        taken += piece
        assert connection.unsent == before - len(piece)
    taken += connection.data_to_send(0.0)
    assert connection.unsent == 0
    assert taken == twin.data_to_send(0.0)


@pytest.mark.parametrize("make", [client, server])
def test_nothing_waits_at_first_and_nothing_after_all_was_taken(make):
    connection = make()
    assert connection.unsent == 0
    assert connection.data_to_send(0.0) == b""
    assert connection.data_to_send(0.0, 10) == b""
    assert connection.frame_to_send(0.0) == b""


def test_a_frame_can_be_taken_as_a_whole_and_what_is_left_of_one_as_well():
    connection = client()
    for body in (b"1", b"2", b"3"):
        connection.send("/q", body)
    first = connection.frame_to_send(0.0)
    assert [frame.body for frame in frames(first)] == [b"1"]
    start = connection.data_to_send(0.0, 5)
    assert [frame.body for frame in frames(start + connection.frame_to_send(0.0))] == [b"2"]
    assert [frame.body for frame in frames(connection.frame_to_send(0.0))] == [b"3"]
    assert connection.frame_to_send(0.0) == b""


def test_a_piece_may_end_inside_a_frame_or_span_several():
    connection, twin = client(), client()
    for side in (connection, twin):
        for body in (b"1", b"2", b"3"):
            side.send("/q", body)
    whole = twin.data_to_send(0.0)
    size = len(whole) // 3
    sizes = [size - 1, 2, size - 1, size]
    assert b"".join(connection.data_to_send(0.0, size) for size in sizes) == whole
    connection.send("/q", b"1")
    connection.data_to_send(0.0, 3)
    connection.send("/q", b"2")
    assert connection.data_to_send(0.0, 1_000) == whole[3 : 2 * size]


def test_a_large_frame_is_taken_bit_by_bit():
    connection = server()
    connection.error("m", body=bytes(1_000_000))
    octets = b"".join(iter(lambda: connection.data_to_send(0.0, 1_000), b""))
    (frame,) = frames(octets)
    assert frame.body == bytes(1_000_000)


@pytest.mark.parametrize("connection", [Connection(), client(), ServerConnection(), server()])
@pytest.mark.parametrize("max_bytes", [-1, -1_000])
def test_less_than_nothing_cannot_be_taken(connection: Connection | ServerConnection, max_bytes: int):
    with pytest.raises(
        ValueError, match=f"max_bytes is {max_bytes}: pass a number of octets, or None for all"
    ):
        connection.data_to_send(0.0, max_bytes)


@given(st.lists(st.one_of(st.sampled_from([10, 9_000]), st.sampled_from(["frame"]), st.integers(0, 20_000))))
def test_a_frame_in_two_parts_is_taken_as_one(steps: list[int | str]):
    """Bodies of 10 and 9,000 octets are written shared and not; other numbers take so many octets."""
    connection, twin = server(), server()
    for each in (connection, twin):
        ask(each, wire("SUBSCRIBE", "id:0", "destination:/q"))
    taken = b""
    for step in steps:
        if step in (10, 9_000):
            assert not isinstance(step, str)
            connection.deliver("0", SharedMessage("/q", "m", bytes(step)))
            twin.message("0", "m", "/q", bytes(step))
        elif isinstance(step, str):
            taken += connection.frame_to_send(0.0)
        else:
            taken += connection.data_to_send(0.0, step)
    taken += connection.data_to_send(0.0)
    assert connection.unsent == 0
    assert taken == twin.data_to_send(0.0)


def test_a_frame_in_two_parts_is_taken_as_one_message():
    connection = server()
    ask(connection, wire("SUBSCRIBE", "id:0", "destination:/q"))
    for size in (9_000, 10, 9_001):
        connection.deliver("0", SharedMessage("/q", "m", bytes(size)))
    connection.data_to_send(0.0, 7)
    connection.frame_to_send(0.0)
    assert [len(frame.body) for frame in frames(connection.frame_to_send(0.0))] == [10]
    assert [len(frame.body) for frame in frames(connection.frame_to_send(0.0))] == [9_001]
