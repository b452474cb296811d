"""Octets to frames: `FrameParser`, which buffers what came and gives one frame at a time.

It proves with a handful of C-speed operations that a frame is good; what it cannot prove,
`header_block.examine` explains. This file must not know roles, states, time, or what any header but
content-length means.
"""

from __future__ import annotations

from io import BytesIO

from ..errors import Fault, RemoteProtocolError
from ..redaction import excerpt
from .commands import COMMANDS, HANDSHAKE
from .frames import Frame
from .header_block import Grammar, content_length, escapes_of, examine, unescape_all
from .headers import Headers
from .limits import Limits
from .octets import octets_of
from .partial_head import PartialHead
from .versions import Version

__all__ = ["FrameParser"]

_LF, _CR = 10, 13
_LINE_FEEDS = b"\n" * 1024
_PLAIN_COMMANDS = tuple(command for command in COMMANDS if command not in HANDSHAKE)

# A class called, with a method to initialise it, takes twice as long: there are two objects for each frame.
_new = object.__new__


class FrameParser:
    """Turns the octets of one STOMP stream into frames.

    Hand in octets with `receive_data` as they come, however they are cut, then call `next_frame` until it
    returns None. It checks framing alone: escapes, lengths, limits, UTF-8. Who may send a frame, when, and
    with which headers is the business of the connections.

    A strict parser (the default) refuses NUL octets, empty names and octets that are not UTF-8 in headers. A
    tolerant one, which is what a client connection uses, keeps what brokers relay from other publishers: the
    first two as they are, the last as U+FFFD.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_certain_digits",
        "_crlf",
        "_eof",
        "_error",
        "_escapes",
        "_grammar",
        "_heartbeats",
        "_held",
        "_incoming",
        "_length",
        "_limits",
        "_max_body",
        "_max_headers",
        "_partial",
        "_plain_commands",
        "_position",
        "_provable",
        "_strict",
        "_unfinished",
        "_version",
    )

    def __init__(
        self, version: Version | None = Version.V1_2, limits: Limits | None = None, *, tolerant: bool = False
    ) -> None:
        """Make a parser for one stream.

        `version` is the negotiated version, or None when nothing is negotiated yet: then lines may end in CR
        LF and nothing is unescaped.
        """
        self._limits = limits = limits if limits is not None else Limits()
        self._strict = not tolerant
        self._max_headers = limits.max_headers
        self._max_body = limits.max_body
        # A head of fewer octets, and a length of fewer digits, keep all limits for certain.
        self._provable = min(limits.max_line, limits.max_header_block)
        self._certain_digits = len(str(limits.max_body)) - 1
        # What came and was not looked at yet: a piece as it came, or several of them in an array.
        self._incoming: bytes | bytearray = b""
        # The octets being read, from the position on. While a head or a body is not whole, there are none.
        self._buffer = b""
        self._position: int = 0
        # The frame whose body is not whole, its announced length if any, and what there is of it.
        self._unfinished: Frame | None = None
        self._length: int | None = None
        self._body: BytesIO | None = None
        self._held = 0
        self._heartbeats = 0
        self._eof = False
        self._error: RemoteProtocolError | None = None
        self._set_version(version)

    @property
    def version(self) -> Version | None:
        """The version by which the next frame is read. Set it as soon as the hand-shake has decided it."""
        return self._version

    @version.setter
    def version(self, version: Version | None) -> None:
        partial = bytes(self._partial.octets)
        self._set_version(version)
        if partial:
            # What there is of a head was judged by the other version.
            self._buffer, self._position = partial, 0

    def _set_version(self, version: Version | None) -> None:
        if version is not None and type(version) is not Version:
            raise TypeError(f"version is {version!r}: pass a member of Version, as Version.V1_2, or None")
        self._version = version
        self._crlf = version is None or version.rules.crlf
        self._grammar = Grammar(version, self._limits, not self._strict)
        self._partial = PartialHead(self._grammar)
        self._escapes = escapes_of(version)
        # Where nothing is escaped, heads are read by other rules than those that are proven here.
        self._plain_commands = frozenset(
            command
            for command in _PLAIN_COMMANDS
            if self._escapes and len(command) <= self._limits.max_command_line
        )

    @property
    def heartbeats(self) -> int:
        """How many EOLs were seen between frames so far: STOMP 1.2, "Heart-beating"."""
        return self._heartbeats

    @property
    def unread(self) -> int:
        """Octets that were received and are not part of a returned frame yet."""
        return (
            self._held + len(self._buffer) - self._position + len(self._partial.octets) + len(self._incoming)
        )

    @property
    def pending(self) -> bool:
        """Whether the stream is inside a frame, or behind a CR that may begin an EOL. Call `next_frame` first
        until it says None.
        """
        return self._unfinished is not None or self.unread > 0

    def receive_data(self, data: bytes) -> None:
        """Buffer octets of the stream. Never raises for what they are; call `next_frame` next."""
        if self._eof or self._error is not None:
            return
        if type(data) is not bytes:
            data = octets_of(data, "what was received")
        incoming = self._incoming
        if not incoming:
            self._incoming = data
        elif type(incoming) is bytearray:
            incoming += data
        else:
            self._incoming = bytearray(incoming) + data

    def receive_eof(self) -> None:
        """Note that the stream has ended; call `next_frame` next. What comes later is ignored."""
        self._eof = True

    def next_frame(self) -> Frame | None:
        """Return the next frame, or None when more octets are needed.

        Raises:
            RemoteProtocolError: the peer broke a rule of framing. All good frames before it were returned
                first. The stream cannot be resynchronised: asked again, the parser raises the same error.
        """
        # Every check from here on proves that the buffer has a good frame, and a whole one. Where one fails,
        # the frame is handed over, to be read with a closer look.
        buffer, position = self._buffer, self._position
        if position >= len(buffer) - 1:
            incoming = self._incoming
            if type(incoming) is not bytes or self._unfinished is not None or self._partial.octets:
                return self._next_slowly(-1)
            if position < len(buffer):
                if buffer[position] != _LF:
                    return self._next_slowly(-1)
                # The EOL that many servers send behind a frame is often all that is left.
                self._heartbeats += 1
            # Nothing of a frame has come yet: what came last is read where it is.
            buffer, position = incoming, 0
            self._buffer, self._position, self._incoming = buffer, 0, b""
            if not buffer and self._error is None:
                return None
        end = buffer.find(b"\n\n", position, position + self._provable)
        if end <= position:
            return self._next_slowly(end)
        try:
            text = buffer[position:end].decode()
        except UnicodeDecodeError:
            # Handed over outside of the handler: the context of an error would hold the octets themselves.
            text = "\0"
        lines = text.split("\n")
        command = lines.pop(0)
        if not command:
            # One EOL in front: many servers send one behind every frame.
            command = lines.pop(0)
            self._heartbeats += 1
            self._position = position + 1
        count = len(lines)
        if (
            command not in self._plain_commands
            or count > self._max_headers
            or "\r" in text
            or ("\0" in text and self._strict)
        ):
            return self._next_slowly(end)
        first: dict[str, str] = {}
        try:
            for line in lines:
                name, value = line.split(":", 1)
                first[name] = value
            if "\\" in text:
                first = unescape_all(first, self._escapes)
        except ValueError:
            # No colon, or an escape that is not defined.
            count = -1
        # The last of repeated names has won; and only a tolerant reader takes an empty name.
        if len(first) != count or "" in first:
            return self._next_slowly(end)
        start = end + 2
        announced = first.get("content-length")
        if announced is None:
            length = None
            stop = buffer.find(b"\0", start, start + self._max_body + 1)
        elif len(announced) <= self._certain_digits and announced.isdigit() and announced.isascii():
            length = int(announced)
            stop = start + length
        else:
            return self._next_slowly(end)
        frame = _new(Frame)
        frame.command = command
        frame.headers = headers = _new(Headers)
        headers.first = first
        headers.repeated = None
        if 0 <= stop < len(buffer) and not buffer[stop]:
            frame.body = buffer[start:stop]
            self._position = stop + 1
            return frame
        frame.body = b""
        self._unfinished, self._length, self._position = frame, length, start
        return self._next_slowly(end)

    def _next_slowly(self, blank_line: int) -> Frame | None:
        """Return the next frame where none is proven good and whole: go on by what is there, and try again.

        `blank_line` is where the head at the position ends, or -1 when it does not, or not soon.
        """
        try:
            while True:
                if self._position < len(self._buffer):
                    if self._unfinished is not None:
                        frame = self._read_body(self._buffer, self._position)
                    else:
                        frame = self._read_unproven(blank_line)
                        if frame is None and self._position < len(self._buffer):
                            return self.next_frame()
                elif self._incoming:
                    incoming, self._incoming = self._incoming, b""
                    octets = incoming if type(incoming) is bytes else bytes(incoming)
                    if self._unfinished is not None:
                        frame = self._read_body(octets, 0)
                    elif (whole := self._partial.extend(octets)) is not None:
                        self._buffer, self._position = whole, 0
                        return self.next_frame()
                    else:
                        break
                else:
                    break
                if frame is not None:
                    return frame
            self._buffer, self._position = b"", 0
            if self._error is not None:
                raise self._error.with_traceback(None)
            if self._eof and self.pending:
                raise self._incomplete()
            return None
        except RemoteProtocolError as error:
            self._error = error
            self._incoming = self._buffer = self._partial.octets = b""
            self._position = self._held = 0
            self._unfinished = self._body = None
            raise

    def _read_unproven(self, blank_line: int) -> Frame | None:
        """Read EOLs, and a head that is not whole or not proven good; return its frame if that is whole."""
        buffer = self._buffer
        if buffer[self._position] in b"\r\n":
            self._skip_eols()
            if blank_line >= 0 or self._position == len(self._buffer):
                return None
        position = self._position
        if blank_line < 0 and len(buffer) - position <= self._provable:
            rest = buffer[position:]
            head = None if self._partial.is_certain(rest) else examine(buffer, position, self._grammar)
        else:
            rest = b""
            head = examine(buffer, position, self._grammar)
        if head is None:
            self._partial.octets = rest or buffer[position:]
            self._buffer, self._position = b"", 0
            return None
        headers = head.headers
        self._unfinished = Frame(head.command, headers)
        self._length = content_length(headers, self._limits) if "content-length" in headers else None
        return self._read_body(buffer, head.end)

    def _read_body(self, octets: bytes, start: int) -> Frame | None:
        """Move octets into the body of the unfinished frame; return that if it is whole now."""
        frame, length, held = self._unfinished, self._length, self._held
        assert frame is not None, "only asked inside a body"
        if length is None:
            end = octets.find(b"\0", start, start + self._max_body - held + 1)
            if end < 0 and held + len(octets) - start > self._max_body:
                message = (
                    f"a body of more than {self._max_body} octets (Limits.max_body), and no NUL that ends it"
                )
                raise RemoteProtocolError(Fault.LIMIT_BODY, message, receipt=frame.headers.get("receipt"))
        else:
            end = start + length - held
        body = self._body
        if 0 <= end < len(octets):
            if octets[end]:
                raise _missing_nul(octets[end : end + 1], length, frame.headers)
            part = octets[start:end]
            if body is None:
                frame.body += part
            else:
                body.write(part)
                frame.body = body.getvalue()
                self._body = None
            self._buffer, self._position = octets, end + 1
            self._held, self._unfinished = 0, None
            return frame
        part = octets[start:]
        self._held = held + len(part)
        if start:
            self._buffer, self._position = b"", 0
        if body is not None:
            body.write(part)
        elif not frame.body:
            frame.body = part
        else:
            # A third piece: from here on there may be many.
            self._body = body = BytesIO()
            body.write(frame.body)
            body.write(part)
            frame.body = b""
        return None

    def _skip_eols(self) -> None:
        """Count the EOLs at the position, and go behind them."""
        buffer, position = self._buffer, self._position
        size = len(buffer)
        while position < size:
            octet = buffer[position]
            if octet == _LF:
                position += 1
                self._heartbeats += 1
                while buffer.startswith(_LINE_FEEDS, position):
                    position += len(_LINE_FEEDS)
                    self._heartbeats += len(_LINE_FEEDS)
            elif octet != _CR:
                break
            elif self._crlf and position + 1 == size:
                # Whether it begins an EOL shows with the next octet.
                self._buffer, self._position, self._partial.octets = b"", 0, b"\r"
                return
            elif self._crlf and buffer[position + 1] == _LF:
                position += 2
                self._heartbeats += 1
            else:
                hint = (
                    "it must be followed by LF"
                    if self._crlf
                    else "this version of STOMP ends lines with LF alone"
                )
                raise RemoteProtocolError(Fault.MALFORMED_COMMAND, f"a CR between frames: {hint}")
        self._position = position

    def _incomplete(self) -> RemoteProtocolError:
        frame = self._unfinished
        where = "the head of a frame" if frame is None else f"the body of {frame.command}"
        return RemoteProtocolError(
            Fault.INCOMPLETE_FRAME,
            f"the stream ended inside {where}, after {self.unread} octets of it",
            receipt=None if frame is None else frame.headers.get("receipt"),
        )


def _missing_nul(octet: bytes, length: int | None, headers: Headers) -> RemoteProtocolError:
    message = (
        f"{excerpt(octet)} where the NUL behind a body of {length} octets must be: content-length is wrong"
    )
    return RemoteProtocolError(Fault.MISSING_NUL, message, receipt=headers.get("receipt"))
