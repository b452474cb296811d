"""Limits: what is as large as one is fine, one more is an error, and neither costs much memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from stomp_sansio import (
    Closed,
    Connection,
    ConnectRequest,
    Fault,
    FrameParser,
    Limits,
    RemoteProtocolError,
    ServerConnection,
    Version,
)
from tests.protocol.helpers import ask, client, fault, one, server, server_events, tell, wire

KIB, MIB = 1024, 1024 * 1024

APART = 32 * KIB
"""What else is in memory while it is measured: generators, their chunks, an error and its traceback."""


# The numbers themselves


def test_the_defaults_are_those_that_are_promised():
    assert {field.name: getattr(Limits(), field.name) for field in fields(Limits)} == {
        "max_command_line": 32,
        "max_line": 8 * KIB,
        "max_headers": 128,
        "max_header_block": 64 * KIB,
        "max_body": 16 * MIB,
        "max_subscriptions": 1_000,
        "max_transactions": 100,
        "max_unacknowledged": 10_000,
        "max_message_fragments": 1_024,
        "max_sockjs_messages": 1_000,
        "max_http_headers": 128,
        "max_http_header_block": 64 * KIB,
        "max_info_body": 4 * KIB,
        "max_streaming_response": 128 * KIB,
    }


def test_a_server_takes_smaller_bodies_than_a_client():
    assert Limits.client() == Limits()
    assert Limits.server() == replace(Limits(), max_body=MIB)


def test_what_follows_from_a_limit():
    limits = Limits(max_body=1_000, max_header_block=100)
    assert limits.max_message == 1_000 + 40 * KIB
    assert limits.max_sockjs_frame == 6 * limits.max_message + 4 * KIB
    assert limits.max_unread == 1_000 + 100 + 256 * KIB


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, 1.0, True, None, "9", float("inf")])
def test_a_limit_is_a_whole_number_and_never_off(name: str, value: Any):
    with pytest.raises(ValueError, match=f"Limits.{name} is .*: pass a whole number of at least 1"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_one_is_a_limit(name: str):
    arguments: dict[str, Any] = {name: 1}
    assert getattr(Limits(**arguments), name) == 1


def test_limits_cannot_be_changed_nor_misspelt():
    limits: Any = Limits()
    with pytest.raises(AttributeError):
        limits.max_body = 5
    with pytest.raises(TypeError):
        Limits(max_bodies=5)  # type: ignore[call-arg]


# Octets: a limit of N, input of N and of N + 1, in chunks of several sizes


def command(size: int) -> Iterator[bytes]:
    """Make a frame whose command line has that many octets."""
    yield b"UNSUBSCRIBE"[:size] if size <= 11 else b"X" * size
    yield b"\nid:1\n\n\0"


def line(size: int) -> Iterator[bytes]:
    yield b"SEND\na:"
    yield from pieces(size - 2)
    yield b"\n\n\0"


def block(size: int) -> Iterator[bytes]:
    """Make a frame whose header lines have that many octets, EOLs included."""
    yield b"SEND\n"
    lines = size // 64
    for number in range(lines):
        width = 64 if number + 1 < lines else 64 + size % 64
        yield b"%05d:%s\n" % (number, b"x" * (width - 7))
    yield b"\n\0"


def body(size: int) -> Iterator[bytes]:
    yield b"SEND\n\n"
    yield from pieces(size)
    yield b"\0"


def announced(size: int) -> Iterator[bytes]:
    yield b"SEND\ncontent-length:%d\n\n" % size
    yield from pieces(size)
    yield b"\0"


def pieces(size: int) -> Iterator[bytes]:
    """Make octets without ever having all of them."""
    while size > 0:
        yield b"x" * min(size, 1_000)
        size -= 1_000


def rechunked(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut what comes into chunks of one size."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    yield bytes(waiting)


def measured(parser: FrameParser, chunks: Iterable[bytes]) -> tuple[object, int]:
    """Read one frame; return the fault, if any, and how much memory was in use at most."""
    tracemalloc.start()
    try:
        for chunk in chunks:
            parser.receive_data(chunk)
            if parser.next_frame() is not None:
                return None, tracemalloc.get_traced_memory()[1]
    except RemoteProtocolError as error:
        return error.fault, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    raise AssertionError("neither a frame nor a fault")


OCTETS = pytest.mark.parametrize(
    ("limits", "size", "make", "kind"),
    [
        (Limits(max_command_line=11), 11, command, Fault.LIMIT_LINE),
        (Limits(), 8 * KIB, line, Fault.LIMIT_LINE),
        (Limits(max_line=512 * KIB, max_header_block=MIB), 512 * KIB, line, Fault.LIMIT_LINE),
        (Limits(max_headers=2_000), 64 * KIB, block, Fault.LIMIT_HEADERS),
        (Limits(max_headers=20_000, max_header_block=256 * KIB), 256 * KIB, block, Fault.LIMIT_HEADERS),
        (Limits.server(), MIB, body, Fault.LIMIT_BODY),
        (Limits.server(), MIB, announced, Fault.LIMIT_BODY),
    ],
)


@OCTETS
@pytest.mark.parametrize("size_of_chunks", [1_448, 64 * KIB])
@pytest.mark.parametrize("tolerant", [False, True])
def test_as_many_octets_as_the_limit_are_fine_and_one_more_is_an_error(
    limits: Limits,
    size: int,
    make: Callable[[int], Iterator[bytes]],
    kind: Fault,
    size_of_chunks: int,
    tolerant: bool,
):
    fine = FrameParser(limits=limits, tolerant=tolerant)
    assert measured(fine, rechunked(make(size), size_of_chunks))[0] is None
    refused = FrameParser(limits=limits, tolerant=tolerant)
    found, peak = measured(refused, rechunked(make(size + 1), size_of_chunks))
    assert found is kind
    assert peak < 2 * size + 2 * size_of_chunks + APART


@pytest.mark.parametrize("make", [body, announced])
@pytest.mark.parametrize("size_of_chunks", [1_448, 64 * KIB])
def test_a_body_of_the_limit_is_held_about_once(make: Callable[[int], Iterator[bytes]], size_of_chunks: int):
    _, peak = measured(FrameParser(limits=Limits.server()), rechunked(make(MIB), size_of_chunks))
    assert peak < 1.5 * MIB


@pytest.mark.parametrize("make", [line, block])
def test_a_head_that_waits_for_its_end_is_held_about_once(make: Callable[[int], Iterator[bytes]]):
    limits = Limits(max_line=512 * KIB, max_headers=20_000, max_header_block=512 * KIB)
    size = limits.max_line if make is line else limits.max_header_block
    parser = FrameParser(limits=limits)
    chunks = list(rechunked(make(size - 10), 1_448))[:-1]
    tracemalloc.start()
    try:
        for chunk in chunks:
            parser.receive_data(bytes(bytearray(chunk)))
            assert parser.next_frame() is None
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.5 * size
    assert peak < 2 * size + APART


def test_a_huge_length_is_refused_before_anything_is_kept_for_it():
    parser = FrameParser(limits=Limits.client())
    found, peak = measured(parser, [b"SEND\ncontent-length:10000000000000000000\n\n" + b"x" * 100])
    assert found is Fault.LIMIT_BODY
    assert peak < APART


@pytest.mark.parametrize(("count", "kind"), [(128, None), (129, Fault.LIMIT_HEADERS)])
@pytest.mark.parametrize("size_of_chunks", [1, 1_448])
def test_as_many_headers_as_the_limit_are_fine_and_one_more_is_an_error(
    count: int, kind: Fault | None, size_of_chunks: int
):
    lines = b"".join(b"%d:x\n" % number for number in range(count))
    found, peak = measured(FrameParser(), rechunked([b"SEND\n", lines, b"\n\0"], size_of_chunks))
    assert found is kind
    assert peak < 64 * KIB


# Books: counted, not measured


def subscribing(limits: Limits, count: int) -> list[object]:
    connection = server(limits=limits)
    frames = (wire("SUBSCRIBE", f"id:{number}", "destination:/q") for number in range(count))
    return [ask(connection, frame)[-1] for frame in frames]


def beginning(limits: Limits, count: int) -> list[object]:
    connection = server(limits=limits)
    return [ask(connection, wire("BEGIN", f"transaction:{number}"))[-1] for number in range(count)]


def getting(limits: Limits, count: int) -> list[object]:
    connection = client(limits=limits)
    connection.subscribe("/q", id="s", ack="client")
    lines = ("subscription:s", "destination:/q")
    return [
        one(tell(connection, wire("MESSAGE", *lines, f"message-id:{number}", f"ack:{number}")))
        for number in range(count)
    ]


def delivering(limits: Limits, count: int) -> list[object]:
    connection = server(limits=limits)
    found: list[object] = list(ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client")))
    for number in range(count):
        connection.message("s", str(number), "/q")
    return found + list(server_events(connection))


BOOKS = pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("max_subscriptions", subscribing),
        ("max_transactions", beginning),
        ("max_unacknowledged", getting),
        ("max_unacknowledged", delivering),
    ],
)


@BOOKS
@pytest.mark.parametrize("limit", [1, 7, None])
def test_as_many_entries_as_the_limit_are_fine_and_one_more_is_an_error(
    name: str, fill: Callable[[Limits, int], list[object]], limit: int | None
):
    limits = Limits.server() if limit is None else Limits(**{name: limit})
    count = getattr(limits, name)
    assert not any(isinstance(event, Closed) for event in fill(limits, count))
    assert fault(fill(limits, count + 1)[-1]).fault is Fault.LIMIT_PENDING


# What waits for the answer to a request


@pytest.mark.parametrize("size_of_chunks", [1_448, 64 * KIB, 10 * MIB])
def test_what_waits_for_accept_is_limited_however_it_comes(size_of_chunks: int):
    limits = Limits(max_body=64 * KIB)
    for excess, ends in ((0, False), (1, True)):
        connection = ServerConnection(limits=limits)
        request = wire("CONNECT", "accept-version:1.2")
        connection.receive_data(request, 0.0)
        first = connection.next_event()
        assert isinstance(first, ConnectRequest)
        waiting = b"\n" * (limits.max_unread + excess)
        for start in range(0, len(waiting), size_of_chunks):
            connection.receive_data(waiting[start : start + size_of_chunks], 0.0)
        events = server_events(connection)
        if ends:
            error = fault(one(events))
            assert error.fault is Fault.LIMIT_PENDING
            assert str(error) == f"more than {limits.max_unread} octets before the connection was accepted"
            assert connection.data_to_send(0.0).startswith(b"ERROR\nmessage:limit-pending\n")
        else:
            assert events == []
            connection.accept()
            assert server_events(connection) == []


def test_the_request_and_too_much_behind_it_may_be_one_chunk():
    connection = ServerConnection(limits=Limits(max_body=1))
    first, last = ask(connection, wire("CONNECT", "accept-version:1.2") + bytes(MIB))
    assert isinstance(first, ConnectRequest)
    assert fault(last).fault is Fault.LIMIT_PENDING


def test_a_connection_has_the_limits_of_its_role_by_default():
    announcing = ("destination:/q", "content-length:1048577")
    event = one(ask(server(), wire("SEND", *announcing)[:-1]))
    assert fault(event).fault is Fault.LIMIT_BODY
    lines = ("destination:/q", "message-id:1", "subscription:s", "content-length:1048577")
    assert tell(client(), wire("MESSAGE", *lines)[:-1]) == []


@pytest.mark.parametrize("connection", [Connection, ServerConnection])
def test_a_connection_has_the_limits_it_is_given(connection: type[Connection | ServerConnection]):
    made = connection(limits=Limits(max_command_line=4))
    made.receive_data(b"ERROR\n", 0.0)
    assert fault(made.next_event()).fault is Fault.LIMIT_LINE


@pytest.mark.parametrize("version", [None, *Version])
def test_heart_beats_are_not_limited(version: Version | None):
    parser = FrameParser(version, Limits(max_line=1, max_header_block=1, max_body=1))
    for _ in range(100):
        parser.receive_data(b"\n" * 10_000)
        assert parser.next_frame() is None
    assert parser.heartbeats == 1_000_000
    assert parser.unread == 0
