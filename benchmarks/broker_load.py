"""Many clients of a broker, as cheap as they can be: raw sockets, frames encoded before, NULs counted.

So what is measured is the broker. This file must not know which broker it is, nor how time is taken.
"""

from __future__ import annotations

import errno
import re
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

__all__ = ["Crowd", "Framing", "Missing", "frame", "in_websocket", "plain", "settlements"]

HOST = "127.0.0.1"
_PATIENCE = 60.0

Framing = Callable[[bytes], bytes]
"""Puts one STOMP frame into what carries it."""


class Missing(Exception):
    """What should have come did not, or the broker ended a connection."""


def frame(command: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a frame; an underscore in a name stands for a hyphen."""
    lines = [command, *(f"{name.replace('_', '-')}:{value}" for name, value in headers.items())]
    return "\n".join(lines).encode() + b"\n\n" + body + b"\0"


def plain(octets: bytes) -> bytes:
    """Leave a frame as it is."""
    return octets


def in_websocket(octets: bytes) -> bytes:
    """Put a frame into a text message of a client, whose masking key is 0: what goes through unchanged."""
    length = len(octets)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + octets


_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: v12.stomp, v11.stomp, v10.stomp\r\n\r\n"
)


class Crowd:
    """Connections to one port, each of which counts the frames that it gets. Use it as a context manager."""

    def __init__(
        self, port: int, framing: Framing, path: str = "", *, version: str = "1.2", at_a_time: int = 64
    ) -> None:
        """Say CONNECT in a version, on so many connections at a time while they are opened."""
        self._port = port
        self._framing = framing
        self._path = path
        self._at_a_time = at_a_time
        self._connect = frame("CONNECT", accept_version=version, host="/", heart_beat="0,0")
        self._selector = selectors.DefaultSelector()
        self._buffer = bytearray(1 << 18)
        self._view = memoryview(self._buffer)
        self.sockets: list[socket.socket] = []
        self.heard: list[int] = []
        """Frames that each has got: NULs, of which no body here has one."""

    def open(self, count: int) -> None:
        """Connect so many more clients, and return when each is let in.

        Raises:
            Missing: one was not.
        """
        first = len(self.sockets)
        waiting = iter(range(first, first + count))
        hello = _UPGRADE.format(path=self._path).encode() if self._path else b""
        opening = 0
        begun: dict[int, bytes] = {}
        opened = 0
        end = time.monotonic() + _PATIENCE
        while opened < count:
            while opening < self._at_a_time and (index := next(waiting, None)) is not None:
                sock = socket.socket()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets.append(sock)
                self.heard.append(0)
                if (code := sock.connect_ex((HOST, self._port))) not in (0, errno.EINPROGRESS):
                    raise Missing(f"connecting failed: {errno.errorcode.get(code, code)}")
                self._selector.register(sock, selectors.EVENT_WRITE, index)
                opening += 1
            for key, mask in self._selector.select(1.0):
                sock, index = self.sockets[key.data], key.data
                if mask & selectors.EVENT_WRITE:
                    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        raise Missing(f"connecting failed: {errno.errorcode.get(code, code)}")
                    sock.send(hello or self._framing(self._connect))
                    begun[index] = b""
                    self._selector.modify(sock, selectors.EVENT_READ, index)
                    continue
                begun[index] += self._receive(sock)
                if hello and b"\r\n\r\n" in begun[index] and not begun[index].startswith(b"-"):
                    if b" 101 " not in begun[index][:20]:
                        raise Missing(f"refused: {begun[index][:60]!r}")
                    begun[index] = b"-"
                    sock.send(self._framing(self._connect))
                elif b"\0" in begun[index]:
                    if b"CONNECTED" not in begun[index]:
                        raise Missing(f"refused: {begun[index][:60]!r}")
                    del begun[index]
                    opening -= 1
                    opened += 1
            if time.monotonic() > end:
                raise Missing(f"{opened} of {count} connections in {_PATIENCE:g} s")

    def _receive(self, sock: socket.socket) -> bytes:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Missing(f"a connection broke: {error.strerror}") from None
        if not data:
            raise Missing("the broker ended a connection")
        return data

    def say(self, index: int, octets: bytes) -> None:
        """Write a frame, or several that were put into what carries them, waiting if need be."""
        sock = self.sockets[index]
        sock.settimeout(_PATIENCE)
        try:
            sock.sendall(octets)
        except OSError as error:
            raise Missing(f"a connection broke: {error.strerror}") from None
        finally:
            sock.setblocking(False)

    def say_all(self, octets: bytes) -> None:
        """Write the same frame on every connection."""
        for index in range(len(self.sockets)):
            self.say(index, octets)

    def hear(self, total: int, seconds: float = _PATIENCE) -> None:
        """Return when so many frames more have come, on all connections together.

        Raises:
            Missing: they have not come in time, or a connection ended.
        """
        end = time.monotonic() + seconds
        buffer, view, sockets, heard = self._buffer, self._view, self.sockets, self.heard
        while total > 0:
            for key, _ in self._selector.select(0.5):
                index = key.data
                try:
                    size = sockets[index].recv_into(view)
                except OSError as error:
                    raise Missing(f"a connection broke: {error.strerror}") from None
                if not size:
                    raise Missing("the broker ended a connection")
                found = buffer.count(b"\0", 0, size)
                heard[index] += found
                total -= found
            if total > 0 and time.monotonic() > end:
                raise Missing(f"{total} frames have not come in {seconds:g} s")

    def read(self, index: int) -> bytes:
        """Return what comes next on one connection, from the start of a frame to the end of one.

        Raises:
            Missing: nothing came in time, or the connection ended.
        """
        sock = self.sockets[index]
        sock.settimeout(_PATIENCE)
        try:
            data = sock.recv(262_144)
            while data and not data.endswith((b"\0", b"\0\n")):
                data += (more := sock.recv(262_144))
                if not more:
                    break
        except OSError as error:
            raise Missing(f"a connection broke: {error}") from None
        finally:
            sock.setblocking(False)
        if not data.endswith((b"\0", b"\0\n")):
            raise Missing("the broker ended a connection")
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._selector.close()
        for sock in self.sockets:
            sock.close()


def settlements(data: bytes, version: str) -> Sequence[bytes]:
    """Return the ids by which the messages in these octets are acknowledged."""
    name = b"ack" if version == "1.2" else b"message-id"
    return re.findall(rb"\n" + name + rb":([^\n]*)", data)
