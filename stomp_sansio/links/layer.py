"""What one floor of a stack promises to the floor above: octets and instants, no streams.

A stack of layers stands on one open stream; whoever owns the stream owns the outermost layer. This file must
not know any particular transport.
"""

from __future__ import annotations

from typing import Protocol

from .link import LinkEvent

__all__ = ["Layer"]


class Layer(Protocol):
    """Turns the octets of an open stream into link events, and chunks of a STOMP stream into octets.

    Whoever owns a layer drains `next_event` after every call that takes `now`. After `LinkClosed` has been
    returned the owner ends the stream, writing first what `data_to_send` still has, and tells the layer
    nothing more.
    """

    def start(self, now: float) -> None:
        """Begin: the stream is open, inside TLS if that was wished.

        A client's first octets are queued here.
        """
        ...

    def receive_data(self, data: bytes, now: float) -> None:
        """Take in octets. Never raises for what the peer sent."""
        ...

    def receive_eof(self, now: float) -> None:
        """Take note that no more octets come. `LinkClosed` is the next or a later event of this call."""
        ...

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None when there is none left.

        `LinkOpened` comes first, `LinkClosed` last.
        """
        ...

    def send(self, chunk: bytes, now: float) -> None:
        """Queue a chunk, between `LinkOpened` and `LinkClosed`.

        Raises:
            LocalProtocolError: this layer cannot carry these octets, or is not open. Nothing was queued.
        """
        ...

    def carries(self, chunk: bytes) -> bool:
        """Tell whether these octets can be carried. Changes nothing."""
        ...

    @property
    def unsent(self) -> int:
        """How many octets `data_to_send` has still to hand over."""
        ...

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        """Hand over the next octets to write, at most `max_bytes`; b"" when there are none. Makes no
        event."""
        ...

    def pause_reading(self, now: float) -> None:
        """Take note that the stream is not read for now: silence means nothing until `resume_reading`."""
        ...

    def resume_reading(self, now: float) -> None:
        """Take note that the stream is read again."""
        ...

    def close(self, now: float) -> None:
        """Begin to close in order.

        `LinkClosed` follows, at the latest after a deadline of the layer's own.
        """
        ...

    def next_deadline(self) -> float | None:
        """Return the instant when `handle_timeout` is wanted, or None. It may change after any other call."""
        ...

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`. Too early or too late is harmless."""
        ...
