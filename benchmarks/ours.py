"""The library as a subject: octets in, frames or events counted, and the same collected for checking.

Everything goes through the public API. This file must not know how anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stomp_sansio import Connected, Connection, Frame, FrameParser, Limits, Message, Receipt, Version, encode

from .corpora import Triple

__all__ = ["collect_connection", "collect_parser", "connected", "fresh_connection", "fresh_parser"]

Count = Callable[[Sequence[bytes]], int]

SUBSCRIPTIONS = ("sub-0", "sub:0")


def fresh_parser() -> Count:
    """Return a pass of a new `FrameParser` over chunks: one `next_frame` after another until there is none,
    chunk by chunk.
    """
    parser = FrameParser()

    def count(chunks: Sequence[bytes]) -> int:
        found = 0
        receive, next_frame = parser.receive_data, parser.next_frame
        for chunk in chunks:
            receive(chunk)
            while next_frame() is not None:
                found += 1
        return found

    return count


def collect_parser(chunks: Iterable[bytes]) -> list[Triple]:
    """Return every frame that `FrameParser` finds."""
    parser = FrameParser()
    found: list[Triple] = []
    for chunk in chunks:
        parser.receive_data(chunk)
        while (frame := parser.next_frame()) is not None:
            found.append((frame.command, dict(frame.headers), frame.body))
    return found


def connected(limits: Limits | None = None) -> Connection:
    """Return a `Connection` in the middle of its life: CONNECTED as 1.2 and subscribed to what the corpora
    deliver.
    """
    connection = Connection(heartbeat=(0.0, 0.0), limits=limits)
    connection.connect(host="/")
    greeting = Frame("CONNECTED", {"version": "1.2", "session": "s-1", "server": "benchmark"})
    connection.receive_data(encode(greeting, Version.V1_2), 0.0)
    if not isinstance(event := connection.next_event(), Connected):
        raise TypeError(f"expected Connected, got {event!r}")
    for name in SUBSCRIPTIONS:
        connection.subscribe("/queue/a", id=name)
    connection.data_to_send(0.0)
    return connection


def fresh_connection() -> Count:
    """Return a pass of a new connected `Connection` over chunks: octets to events."""
    connection = connected()

    def count(chunks: Sequence[bytes]) -> int:
        found = 0
        receive, next_event = connection.receive_data, connection.next_event
        for chunk in chunks:
            receive(chunk, 0.0)
            while next_event() is not None:
                found += 1
        return found

    return count


def collect_connection(chunks: Iterable[bytes]) -> list[Triple]:
    """Return every event of a `Connection`, as the frame it stands for.

    Anything but Message and Receipt is an error.
    """
    connection = connected()
    found: list[Triple] = []
    for chunk in chunks:
        connection.receive_data(chunk, 0.0)
        while (event := connection.next_event()) is not None:
            match event:
                case Message():
                    found.append(("MESSAGE", dict(event.headers), event.body))
                case Receipt():
                    found.append(("RECEIPT", dict(event.headers), b""))
                case _:
                    raise TypeError(f"a corpus of messages and receipts gave {event!r}")
    return found
