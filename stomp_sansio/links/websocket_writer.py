"""Chunks, PONGs and Closes to octets: the sending half of a WebSocket that is open.

What lives here decides between text and binary, splits, masks and keeps order. It must not know the
hand-shake, time, or what came.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from wsproto import WSConnection
from wsproto.events import BytesMessage, CloseConnection, Event, Pong, TextMessage
from wsproto.frame_protocol import CloseReason

from .chunks import check_split, is_utf8, split_chunk
from .octet_queue import OctetQueue
from .websocket_frames import BINARY, TEXT, data_frame

__all__ = ["MessageWriter", "message_writer"]


def message_writer(
    *, always_binary: bool, split_above: int | None, masking_key: Callable[[], bytes] | None = None
) -> Callable[[WSConnection, OctetQueue], MessageWriter]:
    """Return what makes a writer, once there is a connection to write to.

    Raises:
        ValueError: `split_above` leaves no room for a character of four octets.
    """
    check_split(split_above)
    return partial(
        MessageWriter, always_binary=always_binary, split_above=split_above, masking_key=masking_key
    )


class MessageWriter:
    """Writes into a queue of octets, which its owner hands over."""

    __slots__ = (
        "_always_binary",
        "_masking_key",
        "_masks",
        "_pong",
        "_pong_mark",
        "_queue",
        "_split_above",
        "_ws",
    )

    def __init__(
        self,
        ws: WSConnection,
        queue: OctetQueue,
        *,
        always_binary: bool,
        split_above: int | None,
        masking_key: Callable[[], bytes] | None,
    ) -> None:
        self._ws = ws
        self._queue = queue
        self._masks = ws.client
        self._always_binary = always_binary
        self._split_above = split_above
        self._masking_key = masking_key
        self._pong: bytes | None = None
        self._pong_mark = 0

    def send(self, chunk: bytes) -> None:
        """Queue octets as one message, or as several if they are to be split. No octets, no message."""
        if not chunk:
            return
        opcode = BINARY if self._always_binary or not is_utf8(chunk) else TEXT
        limit = self._split_above
        if limit is None:
            self._send_message(opcode, chunk)
            return
        for piece in split_chunk(chunk, limit, text=opcode == TEXT):
            self._send_message(opcode, piece)

    def answer_ping(self, payload: bytes) -> None:
        """Queue the PONG, or keep it back while an earlier one is still unwritten.

        A peer that pings and does not read must not make us hold more than two of them; RFC 6455, section
        5.5.3, lets an endpoint answer the latest PING alone.
        """
        if self._queue.handed_over < self._pong_mark:
            self._pong = payload
        else:
            self._say(Pong(payload))
            self._pong_mark = self._queue.handed_over + len(self._queue)

    def octets_were_taken(self) -> None:
        """Take note that octets left the queue: a PONG that was kept back may go now."""
        if self._pong is not None and self._queue.handed_over >= self._pong_mark:
            waiting, self._pong = self._pong, None
            self.answer_ping(waiting)

    def close(self, code: int, reason: str = "") -> None:
        """Queue a Close; nothing may be sent after it. 1005 stands for a Close without a code."""
        self._pong = None
        if code == CloseReason.NO_STATUS_RCVD:
            self._say(CloseConnection(CloseReason.NO_STATUS_RCVD))
        else:
            self._say(CloseConnection(code, reason.encode("utf-8", "replace").decode()))

    def _send_message(self, opcode: int, payload: bytes) -> None:
        if not self._masks:
            self._queue.append(data_frame(opcode, payload))
        elif self._masking_key is not None:
            key = self._masking_key()
            if len(key) != 4:
                raise ValueError(f"masking_key returned {len(key)} octets: it must return four")
            self._queue.append(data_frame(opcode, payload, key))
        elif opcode == TEXT:
            self._say(TextMessage(payload.decode()))
        else:
            self._say(BytesMessage(payload))

    def _say(self, event: Event) -> None:
        self._queue.append(bytes(self._ws.send(event)))
