"""`Hiding`: each direction of each stream has a passage, and all share what is secret."""

from __future__ import annotations

from stomp_sansio.capture.hiding import Hiding
from stomp_sansio.machine import StreamId


def test_who_opened_a_stream_is_its_client():
    hiding = Hiding()
    ours, theirs = StreamId(1), StreamId(-1)
    assert hiding.way(ours, incoming=False) is hiding.way(ours, incoming=False)
    assert hiding.way(ours, incoming=False) is not hiding.way(ours, incoming=True)
    request, answer = b"POST /a/b HTTP/1.1\r\n", b"HTTP/1.1 204 No\r\n"
    assert hiding.way(ours, incoming=False).feed(request) == request
    assert hiding.way(ours, incoming=True).feed(answer) == answer
    assert hiding.way(theirs, incoming=True).feed(request) == request
    assert hiding.way(theirs, incoming=False).feed(answer) == answer


def test_a_secret_of_one_stream_is_hidden_on_all():
    hiding = Hiding(["hunter3"])
    hiding.way(StreamId(1), incoming=False).feed(b"CONNECT\npasscode:hunter2\n\n\0")
    hiding.forget(StreamId(1))
    hiding.forget(StreamId(1))
    shown = hiding.way(StreamId(2), incoming=True).feed(b"ERROR\n\nhunter2 hunter3\0")
    assert b"hunter" not in shown
    assert hiding.shown("hunter2") == "xxxxxx1"


def test_what_is_known_beforehand_is_hidden_across_the_borders_of_messages():
    octets = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhunter2-and-more"
    hiding = Hiding(["hunter2-and-more", "12345678", "short"])
    way = hiding.way(StreamId(1), incoming=True)
    shown = b"".join(way.feed(octets[at : at + 1]) for at in range(len(octets))) + way.flush()
    assert shown == octets.replace(b"hunter2-and-more", b"x" * 16)
    other = hiding.way(StreamId(2), incoming=True)
    length = b"MESSAGE\ncontent-length:12345678\n\n"
    assert other.feed(length) + other.flush() == length


def test_what_transports_say_is_nothing_to_hide():
    hiding = Hiding()
    hiding.note(True, "GET / HTTP/1.1")
    hiding.asked(b"", b"")
    assert hiding.shown("GET") == "GET"
