"""STOMP over a WebSocket that somebody else owns: `MessageLink`, messages in and messages out, for both
sides.

What lives here knows no stream, no hand-shake and no time: a web framework has done, and does, all that. It
must not import a WebSocket library, nor know STOMP frames.
"""

from __future__ import annotations

from collections import deque

from ..errors import LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from ..protocol.limits import Limits
from ..redaction import excerpt
from .chunks import check_split, is_utf8, split_chunk
from .link import LinkClosed, LinkData, LinkEvent, LinkOpened, Phase

__all__ = ["MessageLink"]

_NORMAL = 1000
_ABNORMAL = 1006
_NOT_TEXT = 1007
_TOO_BIG = 1009


class MessageLink:
    """The STOMP stream of one WebSocket that is open already.

    Hand in each message with `receive_message` and the end with `receive_close`; after each call take what
    `next_event` has. Queue with `send`, then write each message that `next_message` gives: a `str` as a text
    message, `bytes` as a binary one. When there is none left and `close_wish` is not None, close the
    WebSocket with that code and reason, and tell `receive_close` when it is closed.
    """

    __slots__ = ("_binary", "_events", "_max_message", "_messages", "_over", "_split_above", "close_wish")

    close_wish: tuple[int, str] | None
    """The code and the reason to close the WebSocket with, once every message has been written."""

    def __init__(
        self,
        *,
        subprotocol: str | None = None,
        binary: bool = False,
        split_above: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Begin on a WebSocket whose hand-shake is done; `LinkOpened` is the first event.

        `subprotocol` is what the hand-shake agreed on; a server chooses it with `choose_subprotocol`. A chunk
        goes as text if it is UTF-8, else as binary; always as binary if `binary`. With `split_above` no
        message has more octets than that. `limits` are those of a client unless given. Whoever owns the
        WebSocket has limits as well: they strike earlier, so they must allow `Limits.max_message` octets for
        this one to matter.

        Raises:
            ValueError: `split_above` is below 4.
        """
        check_split(split_above)
        self._binary = binary
        self._split_above = split_above
        self._max_message = (limits or Limits.client()).max_message
        self._events: deque[LinkEvent] = deque([LinkOpened("websocket", subprotocol)])
        self._messages: deque[str | bytes] = deque()
        self._over = False
        self.close_wish = None

    def receive_message(self, message: str | bytes) -> None:
        """Take in a message that came. Never raises for what the peer sent; after the end it is ignored."""
        if self._over:
            return
        try:
            data = message.encode() if isinstance(message, str) else message
        except UnicodeEncodeError:
            self._fail(
                LinkFault.BAD_UNICODE,
                "A text message holds a lone surrogate, which is no character",
                _NOT_TEXT,
            )
            return
        if len(data) > self._max_message:
            hint = "raise Limits.max_body if the peer may send such"
            self._fail(
                LinkFault.LIMIT, f"A message has more than {self._max_message} octets: {hint}", _TOO_BIG
            )
        elif data:
            self._events.append(LinkData(data))

    def receive_close(self, code: int | None, reason: str = "") -> None:
        """Take note that the WebSocket is closed, whoever began. `LinkClosed` follows, unless it has come.

        `code` and `reason` are those of the peer's Close; None or 1006 says that the WebSocket broke without
        one.
        """
        if self._over:
            return
        if code is None or code == _ABNORMAL:
            error = RemoteProtocolError(LinkFault.CLOSED_ABNORMALLY, "The WebSocket broke without a close")
            self._end(LinkClosed(False, Phase.OPEN, str(error), code=_ABNORMAL, error=error))
            return
        said = f": {excerpt(reason.encode('utf-8', 'replace'), 123)[1:]}" if reason else ""
        who = "The peer" if self.close_wish is None else "Both sides"
        self._end(LinkClosed(True, Phase.OPEN, f"{who} closed the WebSocket, code {code}{said}", code=code))

    def next_event(self) -> LinkEvent | None:
        """Return the next event, or None when there is none left. `LinkClosed` comes last and once."""
        return self._events.popleft() if self._events else None

    def send(self, chunk: bytes) -> None:
        """Queue octets of the STOMP stream as one message, or as several if they are to be split.

        Raises:
            LocalProtocolError: the WebSocket is closing or closed. Nothing was queued.
        """
        if not self.is_open:
            raise LocalProtocolError(Misuse.CLOSED, "The WebSocket is closing or closed: nothing was queued")
        text = not self._binary and is_utf8(chunk)
        for piece in split_chunk(chunk, self._split_above or len(chunk), text=text):
            self._messages.append(piece.decode() if text else piece)

    @property
    def is_open(self) -> bool:
        """Whether `send` is allowed: the WebSocket is neither closing nor closed."""
        return not self._over and self.close_wish is None

    def carries(self, chunk: bytes) -> bool:
        """Return True: what is no text goes as binary."""
        return True

    def next_message(self) -> str | bytes | None:
        """Return the next message to write, or None when there is none left."""
        return self._messages.popleft() if self._messages else None

    def close(self, code: int = _NORMAL, reason: str = "") -> None:
        """Wish for the close, after the messages that are queued. Harmless when it is closing or closed."""
        if self.is_open:
            self.close_wish = code, reason

    def _fail(self, fault: LinkFault, sentence: str, code: int) -> None:
        self.close(code, sentence)
        self._end(
            LinkClosed(False, Phase.OPEN, sentence, code=code, error=RemoteProtocolError(fault, sentence))
        )

    def _end(self, closed: LinkClosed) -> None:
        self._over = True
        self._events.append(closed)
