"""Chunks to frames: text or binary, split or not, masked as the role demands; PONGs that cannot pile up."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request

from stomp_sansio.links.octet_queue import OctetQueue
from stomp_sansio.links.websocket_writer import MessageWriter, message_writer
from tests.links.websocket_help import KEY, binary, close, pong, text, unframed


def writer(*, client: bool = True, key: bytes | None = KEY, **options) -> tuple[MessageWriter, OctetQueue]:
    ends = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    ends[1].receive_data(ends[0].send(Request(host="h", target="/")))
    assert len(list(ends[1].events())) == 1
    ends[0].receive_data(ends[1].send(AcceptConnection()))
    assert len(list(ends[0].events())) == 1
    queue = OctetQueue()
    arguments = {"always_binary": False, "split_above": None} | options
    make = message_writer(masking_key=None if key is None else lambda: key, **arguments)
    return make(ends[0 if client else 1], queue), queue


def taken(queue: OctetQueue) -> bytes:
    return b"".join(iter(lambda: queue.take(1000), b""))


@pytest.mark.parametrize(
    ("chunk", "frame"), [(b"a", text), ("é".encode(), text), (b"\xff", binary), (b"\xed\xa0\x80", binary)]
)
def test_what_is_utf8_goes_as_text_and_the_rest_as_binary(chunk: bytes, frame) -> None:
    client, queue = writer()
    client.send(chunk)
    assert taken(queue) == frame(chunk, mask=KEY)
    server, queue = writer(client=False)
    server.send(chunk)
    assert taken(queue) == frame(chunk)


def test_everything_goes_as_binary_where_that_is_wanted() -> None:
    client, queue = writer(always_binary=True)
    client.send(b"a")
    assert taken(queue) == binary(b"a", mask=KEY)


def test_no_octets_are_no_message() -> None:
    client, queue = writer()
    client.send(b"")
    assert taken(queue) == b""


@pytest.mark.parametrize("chunk", [b"a", "é".encode() * 100, b"\xff" * 70_000])
def test_wsproto_masks_where_no_key_is_given(chunk: bytes) -> None:
    client, queue = writer(key=None)
    client.send(chunk)
    octets = taken(queue)
    size = 2 if len(chunk) < 126 else 4 if len(chunk) < 65536 else 10
    (frame,) = unframed(octets, octets[size : size + 4])
    assert frame == (2 if chunk[0] == 0xFF else 1, chunk)


@pytest.mark.parametrize("key", [b"", b"\x01\x02\x03", b"\x01\x02\x03\x04\x05"])
def test_a_key_of_another_size_is_refused_before_anything_is_written(key: bytes) -> None:
    client, queue = writer(key=key)
    with pytest.raises(ValueError, match="must return four"):
        client.send(b"a")
    assert taken(queue) == b""


def test_a_split_chunk_goes_as_several_messages_cut_between_characters() -> None:
    server, queue = writer(client=False, split_above=4)
    server.send("aé€a".encode())
    assert list(unframed(taken(queue))) == [(1, "aé".encode()), (1, "€a".encode())]


@pytest.mark.parametrize("split_above", [-1, 0, 3])
def test_pieces_too_small_for_a_character_are_refused(split_above: int) -> None:
    with pytest.raises(ValueError, match="at least 4"):
        message_writer(always_binary=False, split_above=split_above)


def test_split_binary_messages_are_cut_anywhere() -> None:
    server, queue = writer(client=False, split_above=4)
    server.send(b"\xff\x80\x80\x80\x80\x80\x80\x80\x80")
    assert [payload for _, payload in unframed(taken(queue))] == [b"\xff\x80\x80\x80", b"\x80" * 4, b"\x80"]


def test_what_is_no_larger_than_the_limit_is_not_split() -> None:
    server, queue = writer(client=False, split_above=4)
    server.send(b"abcd")
    assert taken(queue) == text(b"abcd")


def test_a_ping_is_answered_with_its_payload() -> None:
    server, queue = writer(client=False)
    server.answer_ping(b"one")
    assert taken(queue) == pong(b"one")
    server.octets_were_taken()
    server.answer_ping(b"two")
    assert taken(queue) == pong(b"two")


def test_pings_of_a_peer_that_does_not_read_cannot_pile_up() -> None:
    server, queue = writer(client=False)
    for number in range(10_000):
        server.answer_ping(b"%d" % number)
    assert len(queue) == len(pong(b"0"))
    first = queue.take(1)
    server.octets_were_taken()
    assert first + taken(queue) == pong(b"0")
    server.octets_were_taken()
    assert taken(queue) == pong(b"9999")
    server.octets_were_taken()
    assert taken(queue) == b""


def test_a_pong_waits_for_the_one_before_it_and_not_for_messages_behind() -> None:
    server, queue = writer(client=False)
    server.answer_ping(b"1")
    server.send(b"m")
    server.answer_ping(b"2")
    assert queue.take(len(pong(b"1"))) == pong(b"1")
    server.octets_were_taken()
    assert taken(queue) == text(b"m") + pong(b"2")


def test_a_close_is_the_last_and_forgets_a_pong_that_waits() -> None:
    server, queue = writer(client=False)
    server.answer_ping(b"1")
    server.answer_ping(b"2")
    server.close(1001, "going away \ud800")
    assert taken(queue) == pong(b"1") + close(1001, b"going away ?")
    server.octets_were_taken()
    assert taken(queue) == b""


def test_a_close_without_a_code_is_answered_without_one() -> None:
    server, queue = writer(client=False)
    server.close(1005)
    assert taken(queue) == close(None)


def test_a_long_reason_is_cut_between_characters() -> None:
    server, queue = writer(client=False)
    server.close(1009, "é" * 100)
    ((opcode, payload),) = unframed(taken(queue))
    assert opcode == 8
    assert len(payload) <= 125
    assert payload[2:].decode() == "é" * 61
