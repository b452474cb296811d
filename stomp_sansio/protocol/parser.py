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
from .frames import Frame, proven_frame
from .header_block import Grammar, content_length, examine, unescape
from .headers import Headers
from .limits import Limits
from .versions import Version

__all__ = ["FrameParser"]

_LF, _CR = 10, 13
_EOL_OCTETS = (_LF, _CR)
_PLAIN_COMMANDS = tuple(command for command in COMMANDS if command not in HANDSHAKE)
_LINE_FEEDS = b"\n" * 1024


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
        "_begun",
        "_body",
        "_buffer",
        "_chunks",
        "_command",
        "_eof",
        "_error",
        "_errors",
        "_escapes",
        "_grammar",
        "_head_bound",
        "_headers",
        "_heartbeats",
        "_length",
        "_limits",
        "_max_body",
        "_max_headers",
        "_line_start",
        "_lines",
        "_partial",
        "_plain_commands",
        "_position",
        "_provable",
        "_resting",
        "_scanned",
        "_strict",
        "_version",
        "_waiting",
    )

    def __init__(
        self, version: Version | None = Version.V1_2, limits: Limits | None = None, *, tolerant: bool = False
    ) -> None:
        """Make a parser for one stream.

        `version` is the negotiated version, or None when nothing is negotiated yet: then lines may end in CR
        LF and nothing is unescaped.
        """
        self._limits = limits if limits is not None else Limits()
        self._strict = not tolerant
        self._errors = "replace" if tolerant else "strict"
        self._max_headers, self._max_body = self._limits.max_headers, self._limits.max_body
        longest = self._limits.max_command_line
        self._plain_commands = frozenset(command for command in _PLAIN_COMMANDS if len(command) <= longest)
        self._provable = min(self._limits.max_line, self._limits.max_header_block)
        self._head_bound = self._limits.max_command_line + self._limits.max_header_block + 4
        # What came and was not looked at yet, and how many octets of it there are.
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._buffer = b""
        self._position = 0
        # The head of a frame that is not whole, and how far it was searched: a trickle costs no second look.
        self._partial = bytearray()
        self._scanned = self._line_start = self._lines = 0
        # The body of a frame that is not whole: its first octets, or all of them once they are in pieces.
        self._begun = b""
        self._body: BytesIO | None = None
        self._command = ""
        self._headers: Headers | None = None
        self._length: int | None = None
        # Whether the buffer holds nothing but the beginning of a head.
        self._resting = False
        self._heartbeats = 0
        self._eof = False
        self._error: RemoteProtocolError | None = None
        self.version = version

    @property
    def version(self) -> Version | None:
        """The version by which the next frame is read. Set it as soon as the hand-shake has decided it."""
        return self._version

    @version.setter
    def version(self, version: Version | None) -> None:
        self._version = version
        self._grammar = Grammar(version, self._limits, not self._strict)
        self._escapes = None if version is None else version.rules.unescapes
        self._scanned = self._line_start = self._lines = 0

    @property
    def heartbeats(self) -> int:
        """How many EOLs were seen between frames so far: STOMP 1.2, "Heart-beating"."""
        return self._heartbeats

    @property
    def unread(self) -> int:
        """Octets that were received and are not part of a returned frame yet."""
        body = len(self._begun) if self._body is None else self._body.tell()
        return body + len(self._buffer) - self._position + len(self._partial) + self._waiting

    @property
    def pending(self) -> bool:
        """Whether the stream is inside a frame, or behind a CR that may begin an EOL. Call `next_frame` first
        until it says None.
        """
        return self._headers is not None or self.unread > 0

    def receive_data(self, data: bytes) -> None:
        """Buffer octets of the stream. Never raises for what they are; call `next_frame` next."""
        if data and self._error is None and not self._eof:
            self._chunks.append(data if type(data) is bytes else bytes(data))
            self._waiting += len(data)

    def receive_eof(self) -> None:
        """Note that the stream has ended; call `next_frame` next. What comes later is ignored."""
        self._eof = True

    def next_frame(self) -> Frame | None:
        """Return the next frame, or None when more octets are needed.

        Raises:
            RemoteProtocolError: the peer broke a rule of framing. All good frames before it were returned
                first. The stream cannot be resynchronised: asked again, the parser raises the same error.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            # What waits in the buffer goes first, and only its rest is joined with what came: so a backlog is
            # copied once.
            while True:
                if self._position < len(self._buffer) and not self._resting:
                    frame = self._frame_in_buffer()
                    if frame is not None:
                        return frame
                if not self._chunks:
                    break
                if self._headers is None:
                    self._take_chunks()
                elif (frame := self._continue_body()) is not None:
                    return frame
            if self._eof and self.pending:
                raise self._incomplete()
            return None
        except RemoteProtocolError as error:
            self._error = error
            self._chunks.clear()
            self._partial.clear()
            self._buffer, self._position, self._waiting = b"", 0, 0
            self._begun, self._body, self._headers = b"", None, None
            raise

    def _incomplete(self) -> RemoteProtocolError:
        headers = self._headers
        where = "the head of a frame" if headers is None else f"the body of {self._command}"
        return RemoteProtocolError(
            Fault.INCOMPLETE_FRAME,
            f"the stream ended inside {where}, after {self.unread} octets of it",
            receipt=None if headers is None else headers.get("receipt"),
        )

    def _frame_in_buffer(self) -> Frame | None:
        """Return the next frame of the buffer, or None when it holds no whole one and was put aside."""
        buffer, position = self._buffer, self._position
        octet = buffer[position]
        if octet <= _CR:
            if octet == _LF and position + 1 < len(buffer) and buffer[position + 1] > _CR:
                # Many servers put one EOL behind each frame.
                self._heartbeats += 1
                position += 1
            elif octet in _EOL_OCTETS:
                position = self._skip_eols(buffer, position)
                if position < 0:
                    return None
        end = buffer.find(b"\n\n", position, position + self._head_bound)
        if end < 0:
            bound = position + self._head_bound
            # To look for one octet takes a fraction of the time that three take, and mostly there is none.
            if buffer.find(b"\r", position, bound) >= 0 and buffer.find(b"\n\r\n", position, bound) >= 0:
                return self._odd_frame(buffer, position)
            self._wait_for_head(buffer, position)
            return None
        # From here to the end every check proves the frame good, or hands it over to be explained.
        escapes = self._escapes
        if not escapes or end - position > self._provable:
            return self._odd_frame(buffer, position)
        try:
            text = buffer[position:end].decode("utf-8", self._errors)
        except UnicodeDecodeError:
            # Explained outside of the handler: the context of an error would hold the octets themselves.
            text = ""
        lines = text.split("\n")
        command = lines[0]
        del lines[0]
        if (
            command not in self._plain_commands
            or len(lines) > self._max_headers
            or "\r" in text
            or (self._strict and "\0" in text)
        ):
            return self._odd_frame(buffer, position)
        first: dict[str, str] = {}
        try:
            if "\\" in text:
                for line in lines:
                    name, value = line.split(":", 1)
                    if "\\" in line:
                        if "\\" in name:
                            name = unescape(name, escapes)
                        first[name] = unescape(value, escapes)
                    else:
                        first[name] = value
            else:
                for line in lines:
                    name, value = line.split(":", 1)
                    first[name] = value
        except ValueError:
            # No colon, or an escape that is not defined.
            return self._odd_frame(buffer, position)
        # The last of repeated names won: then, and for names that only a tolerant reader takes, look again.
        if len(first) != len(lines) or "" in first:
            return self._odd_frame(buffer, position)
        start = end + 2
        announced = first.get("content-length")
        if announced is None:
            length = None
            stop = buffer.find(b"\0", start, start + self._max_body + 1)
        elif announced.isdigit() and announced.isascii() and len(announced) < 10:
            length = int(announced)
            stop = start + length
        else:
            return self._frame(command, Headers.adopt(first), buffer, start)
        if length is not None and length > self._max_body:
            return self._frame(command, Headers.adopt(first), buffer, start)
        if not 0 <= stop < len(buffer):
            self._begin_body(command, Headers.adopt(first), length, buffer[start:])
            return None
        if buffer[stop]:
            return self._frame(command, Headers.adopt(first), buffer, start)
        self._position = stop + 1
        return proven_frame(command, first, buffer[start:stop])

    def _odd_frame(self, buffer: bytes, position: int) -> Frame | None:
        """Return the frame at `position`, whose whole head is not proven good; None if its body is cut."""
        head = examine(buffer, position, self._grammar)
        assert head is not None, "a blank line has come: the head is good, or refused"
        return self._frame(head.command, head.headers, buffer, head.end)

    def _wait_for_head(self, buffer: bytes, position: int) -> None:
        """Keep the head that begins at `position` until its end comes."""
        rest = buffer[position:]
        # Most of what came were whole frames: then to look at this rest again costs little, and it only has
        # to be good so far. Of a trickle every octet is looked at once.
        if len(rest) < position and self._good_so_far(rest):
            self._buffer, self._position, self._resting = rest, 0, True
            return
        self._partial += rest
        self._buffer, self._position = b"", 0
        # If a blank line has come, it is farther away than a head may reach, and a fault lies before it.
        self._scan_partial()

    def _good_so_far(self, rest: bytes) -> bool:
        """Tell whether nothing can be wrong yet with the beginning of a head; when in doubt, not."""
        line_end = rest.find(b"\n")
        if line_end < 0:
            return len(rest) <= self._limits.max_command_line and b"\0" not in rest
        return (
            len(rest) <= self._provable
            and rest[:line_end].decode("latin-1") in self._plain_commands
            and rest.count(b"\n") <= self._max_headers
            and not (self._strict and b"\0" in rest)
        )

    def _frame(self, command: str, headers: Headers, buffer: bytes, start: int) -> Frame | None:
        """Return the frame whose body begins at `start`, or None while that body is not whole."""
        if "content-length" in headers:
            length = content_length(headers, self._limits)
        else:
            length = None
        if length is None:
            end = buffer.find(b"\0", start, start + self._limits.max_body + 1)
        else:
            end = start + length
        if 0 <= end < len(buffer):
            if buffer[end]:
                raise _missing_nul(buffer[end : end + 1], length, headers)
            self._buffer, self._position = buffer, end + 1
            return Frame(command, headers, buffer[start:end])
        self._begin_body(command, headers, length, buffer[start:])
        return None

    def _begin_body(self, command: str, headers: Headers, length: int | None, octets: bytes) -> None:
        """Collect a body from its first octets on: no more of it has come."""
        if length is None and len(octets) > self._max_body:
            raise self._too_large(headers)
        self._command, self._headers, self._length, self._begun = command, headers, length, octets
        self._buffer, self._position = b"", 0

    def _continue_body(self) -> Frame | None:
        """Move octets from the chunks into the body until it is whole or they are used up."""
        body, headers, length = self._body, self._headers, self._length
        assert headers is not None, "only asked inside a body"
        held = len(self._begun) if body is None else body.tell()
        for index, chunk in enumerate(self._chunks):
            self._waiting -= len(chunk)
            if length is None:
                end = chunk.find(b"\0", 0, self._max_body - held + 1)
                if end < 0 and held + len(chunk) > self._max_body:
                    raise self._too_large(headers)
            else:
                end = length - held if length - held < len(chunk) else -1
            if end < 0:
                # Most bodies end in the next chunk; only for those that do not, a file pays.
                if body is None:
                    body = self._body = BytesIO()
                    body.write(self._begun)
                    self._begun = b""
                body.write(chunk)
                held += len(chunk)
                continue
            if chunk[end]:
                raise _missing_nul(chunk[end : end + 1], length, headers)
            if body is None:
                octets = self._begun + chunk[:end]
                self._begun = b""
            else:
                body.write(chunk[:end])
                octets = body.getvalue()
            self._buffer, self._position = chunk, end + 1
            del self._chunks[: index + 1]
            self._body = self._headers = None
            return Frame(self._command, headers, octets)
        self._chunks.clear()
        return None

    def _too_large(self, headers: Headers) -> RemoteProtocolError:
        message = f"a body of more than {self._max_body} octets (Limits.max_body), and no NUL that ends it"
        return RemoteProtocolError(Fault.LIMIT_BODY, message, receipt=headers.get("receipt"))

    def _take_chunks(self) -> None:
        """Put what came behind what was left over, as one run of octets."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._waiting = 0
        if self._partial:
            self._partial += data
            if not self._scan_partial():
                return
            data = bytes(self._partial)
            self._partial.clear()
            self._scanned = self._line_start = self._lines = 0
        elif self._position < len(self._buffer):
            data = self._buffer[self._position :] + data
            self._resting = False
        self._buffer, self._position = data, 0

    def _skip_eols(self, buffer: bytes, position: int) -> int:
        """Count the EOLs at `position`; return where a frame begins, or -1 when none does yet."""
        size = len(buffer)
        crlf = self._version is None or self._version.rules.crlf
        while position < size:
            octet = buffer[position]
            if octet == _LF:
                if buffer.startswith(_LINE_FEEDS, position):
                    self._heartbeats += len(_LINE_FEEDS)
                    position += len(_LINE_FEEDS)
                else:
                    self._heartbeats += 1
                    position += 1
            elif octet != _CR or (crlf and position + 1 == size):
                break
            elif crlf and buffer[position + 1] == _LF:
                self._heartbeats += 1
                position += 2
            else:
                hint = (
                    "it must be followed by LF" if crlf else "this version of STOMP ends lines with LF alone"
                )
                raise RemoteProtocolError(Fault.MALFORMED_COMMAND, f"a CR between frames: {hint}")
        self._buffer, self._position = buffer, position
        if position == size:
            self._buffer, self._position = b"", 0
            return -1
        return -1 if buffer[position] == _CR else position

    def _scan_partial(self) -> bool:
        """Look once at the new octets of an unfinished head; return whether its blank line seems to have
        come.

        Raises:
            RemoteProtocolError: something is certain to be wrong already.
        """
        partial, limits = self._partial, self._limits
        size, scanned = len(partial), self._scanned
        # A blank line may have begun two octets before the new ones.
        begin = scanned - 2 if scanned > 2 else 0
        blank = partial.find(b"\n\n", begin)
        if blank < 0 <= partial.find(b"\r", begin):
            blank = partial.find(b"\n\r\n", begin)
        if blank >= 0:
            if blank > self._provable:
                # Nearly as large as it may be, or larger: a head that is refused is not copied first.
                examine(partial, 0, self._grammar)
            self._scanned = size
            return True
        lines = self._lines + partial.count(b"\n", scanned)
        if lines == 0:
            suspicious = size > limits.max_command_line or partial.find(b"\0", scanned) >= 0
        else:
            suspicious = (
                size - self._line_start > limits.max_line
                or size > limits.max_header_block
                or lines > limits.max_headers + 1
                or (
                    self._lines == 0
                    and partial[: partial.find(b"\n")].decode("latin-1") not in self._plain_commands
                )
                or (self._strict and partial.find(b"\0", scanned) >= 0)
            )
        self._scanned = size
        if lines > self._lines:
            self._lines = lines
            self._line_start = partial.rfind(b"\n") + 1
        if suspicious:
            examine(partial, 0, self._grammar)
        return False


def _missing_nul(octet: bytes, length: int | None, headers: Headers) -> RemoteProtocolError:
    message = (
        f"{excerpt(octet)} where the NUL behind a body of {length} octets must be: content-length is wrong"
    )
    return RemoteProtocolError(Fault.MISSING_NUL, message, receipt=headers.get("receipt"))
