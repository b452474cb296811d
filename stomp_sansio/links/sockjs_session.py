"""One SockJS session on the server's side, over xhr requests that come and go (SockJS 0.3.3, "Protocol and
framing").

What lives here is the session: what waits to be sent, who receives, when to beat and when to give up. It must
not know HTTP: a receiver takes frames.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from ..errors import LocalProtocolError, Misuse
from ..protocol.limits import Limits
from .link import LinkClosed, Phase
from .peers import PeerId
from .sockjs_frames import HEARTBEAT_FRAME, OPEN_FRAME, encode_close, encode_messages
from .sockjs_payload import WholeCharacters

__all__ = ["Receiver", "ServerSession"]

BATCH = 64 * 1024
"""Octets of messages in one array, unless one message alone has more: so that a browser parses it at once."""

GO_AWAY = (3000, "Go away!")
ANOTHER = (2010, "Another connection still open")
INTERRUPTED = (1002, "Connection interrupted")
BROKEN = (3000, "Broken framing.")
"""Codes and reasons as other servers have them."""


class Receiver(Protocol):
    """An answer that carries frames to the client."""

    @property
    def full(self) -> bool:
        """Whether no further frame may go: a poll after its first, a stream after its limit."""
        ...

    @property
    def unsent(self) -> int:
        """How many octets of the answer wait to be written."""
        ...

    def send_frame(self, frame: bytes) -> None:
        """Write a frame."""
        ...

    def finish(self, now: float) -> None:
        """End the answer."""
        ...


class ServerSession:
    """A session from its first receiver to its end. `deadline` is when `handle_timeout` is wanted.

    It goes on without a receiver for `linger` seconds, and stays as long to say how it ended.
    """

    __slots__ = (
        "_beat",
        "_characters",
        "_closing",
        "_linger",
        "_max_messages",
        "_messages",
        "_waiting",
        "closed",
        "deadline",
        "forgotten",
        "peer",
        "receiver",
    )

    peer: PeerId
    receiver: Receiver | None
    """Who takes frames now, if there is somebody."""
    deadline: float | None
    closed: LinkClosed | None
    """How it ended; None while it goes on."""
    forgotten: bool
    """Whether nobody needs to know of it any more."""

    def __init__(self, peer: PeerId, limits: Limits, *, beat: float, linger: float) -> None:
        """`beat` and `linger` are in seconds."""
        self.peer = peer
        self._max_messages = limits.max_sockjs_messages
        self._beat = beat
        self._linger = linger
        self._messages: deque[bytes] = deque()
        self._waiting = 0
        self._characters = WholeCharacters()
        self.receiver = None
        self._closing: tuple[int, str] | None = None
        self.deadline = None
        self.closed = None
        self.forgotten = False

    @property
    def waiting(self) -> int:
        """Octets of messages that no receiver has taken yet."""
        return self._waiting

    # Receivers

    def open(self, receiver: Receiver, now: float) -> None:
        """Begin with the first receiver."""
        receiver.send_frame(OPEN_FRAME)
        self._receive_with(receiver, now)

    def attach(self, receiver: Receiver, now: float) -> None:
        """Go on with another receiver: it gets what waits, or the end; a second one at a time is sent
        away."""
        if self.receiver is not None:
            receiver.send_frame(encode_close(*ANOTHER))
            receiver.finish(now)
        else:
            self._receive_with(receiver, now)

    def interrupted(self, now: float) -> None:
        """Take note that the receiver's stream is gone before its answer was: nobody knows what arrived. It
        is over.

        A client of xhr has no other way to close.
        """
        self.receiver = None
        self._closing = INTERRUPTED
        self._end(
            LinkClosed(False, Phase.OPEN, "The client gave up its receiving request", code=INTERRUPTED[0]),
            now,
        )

    # Commands

    def send(self, chunk: bytes, now: float) -> None:
        """Queue a chunk as one message.

        Raises:
            LocalProtocolError: the session is over, or the chunk is no UTF-8. Nothing was queued.
        """
        if self._closing is not None:
            raise LocalProtocolError(
                Misuse.CLOSED, "The SockJS session is closing or closed: nothing was queued"
            )
        text = self._characters.take(chunk)
        if text:
            self._messages.append(text)
            self._waiting += len(text)
            self._flush(now)

    def close(self, now: float, code: int, reason: str) -> None:
        """Close: what waits goes first, then the close frame, to this receiver or to the next. Harmless when
        closed."""
        if self._closing is None:
            self._closing = code, reason
            self._flush(now)

    def abort(self, now: float) -> None:
        """End at once: what waits is forgotten. Harmless when closed."""
        if self.closed is None:
            receiver, self.receiver = self.receiver, None
            self._closing = GO_AWAY
            reason = "This side gave the SockJS session up"
            self._end(LinkClosed(False, Phase.OPEN, reason, code=GO_AWAY[0]), now)
            if receiver is not None:
                receiver.finish(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`: beat, give up waiting for a receiver, or be forgotten."""
        if self.deadline is None or self.deadline > now:
            return
        if self.receiver is not None:
            self.receiver.send_frame(HEARTBEAT_FRAME)
            self._after_frame(self.receiver, now)
        elif self.closed is not None:
            self.forget()
        else:
            reason = f"The client did not come back within {self._linger:g} s"
            self._closing = INTERRUPTED
            self._end(LinkClosed(False, Phase.OPEN, reason, code=INTERRUPTED[0]), now)

    def forget(self) -> None:
        """Say no more of how it ended."""
        self.deadline = None
        self.forgotten = True

    # Inside

    def _receive_with(self, receiver: Receiver, now: float) -> None:
        self.receiver = receiver
        self._after_frame(receiver, now)
        self._flush(now)

    def _flush(self, now: float) -> None:
        while self._messages and (receiver := self.receiver) is not None:
            receiver.send_frame(encode_messages(self._next_batch()))
            self._after_frame(receiver, now)
        receiver = self.receiver
        if self._closing is not None and not self._messages and receiver is not None:
            self.receiver = None
            receiver.send_frame(encode_close(*self._closing))
            receiver.finish(now)
            if self.closed is None:
                reason = "This side closed the SockJS session"
                self._end(LinkClosed(True, Phase.OPEN, reason, code=self._closing[0]), now)
            else:
                self.deadline = now + self._linger

    def _after_frame(self, receiver: Receiver, now: float) -> None:
        """A frame was sent: the receiver waits for the next one, or is full and goes."""
        if receiver.full:
            receiver.finish(now)
            self.receiver = None
            self.deadline = now + self._linger
        else:
            self.deadline = now + self._beat

    def _next_batch(self) -> list[bytes]:
        batch = [self._messages.popleft()]
        size = len(batch[0])
        while self._messages and len(batch) < self._max_messages and size + len(self._messages[0]) <= BATCH:
            batch.append(self._messages.popleft())
            size += len(batch[-1])
        self._waiting -= size
        return batch

    def _end(self, closed: LinkClosed, now: float) -> None:
        self._messages.clear()
        self._waiting = 0
        self.closed = closed
        self.deadline = now + self._linger
