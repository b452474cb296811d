"""The driver without a loop: it moves octets, and keeps time, for one machine, one step at a time.

What lives here knows sockets, TLS contexts and the clock, and of STOMP nothing.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from stomp_sansio.client.whole import INTERRUPTED, Whole
from stomp_sansio.driver import CHUNK, DriverCore, EventT, StreamCore
from stomp_sansio.machine import Machine, OpenStream, StreamLoss, TCPAddress
from stomp_sansio.tls import TLSMaker

__all__ = ["Driver"]

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)
_FOREVER = float("inf")

# Seconds that an address may be silent before the next one is tried, if there is one.
_PATIENCE = 2.0


class _Stream(StreamCore):
    def __init__(self, driver: Driver[Any], wish: OpenStream) -> None:
        super().__init__(driver, wish.stream)
        self.wish = wish
        self.addresses: list[tuple[int, Any]] | None = None
        """Families and addresses that were not tried yet; None before the name was resolved."""
        self.sock: socket.socket | None = None
        self.up = False
        """Whether the socket is connected."""
        self.watched = 0
        """What the socket is being watched for."""
        self.give_up = _FOREVER
        self.unwritten = b""
        self.was_cut = False
        self._woken = driver.woken

    def wake(self) -> None:
        self._woken[self] = None

    def cut(self) -> None:
        self.was_cut = True
        self.wake()

    @property
    def interest(self) -> int:
        """What the socket is to be watched for."""
        if not self.up:
            return _WRITE
        return _READ * (self.wants_read and not self.ended) | _WRITE * bool(self.unwritten)


class Driver(DriverCore[EventT, _Stream]):
    """Runs one machine, by `step`, which alone touches sockets.

    Any thread may command the machine under `lock`, and then calls `kick` or `write`; the one that steps,
    `turn`.
    """

    def __init__(
        self,
        machine: Machine[EventT],
        on_event: Callable[[EventT], object],
        *,
        ssl_context: ssl.SSLContext | None = None,
        sock: socket.socket | None = None,
    ) -> None:
        """`sock` answers the machine's first wish for a stream."""
        super().__init__(machine, on_event, TLSMaker(ssl, ssl_context))
        self.lock = threading.RLock()
        self.woken: dict[_Stream, None] = {}
        """Streams to look at."""
        self._injected = sock
        self._selector = selectors.DefaultSelector()
        # A step that waits in one thread is woken from others by an octet.
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._ear, _READ)
        self.whole = Whole(self.kick)
        self._rung = False
        # When the step that waits comes back by itself.
        self._until = -_FOREVER

    def _mend(self) -> None:
        """Cut every stream if an interruption has left it unknown what was written."""
        if self.whole.broken:
            for stream in list(self.streams.values()):
                self._end(stream, StreamLoss.RESET, INTERRUPTED)
            self.whole.broken = False

    def close(self) -> None:
        """Cut every stream that is left, and let go of everything. No step follows."""
        with self.lock:
            for stream in list(self.streams.values()):
                stream.cut()
            self.turn()
            self._rung = True  # nobody rings a bell that is gone
            for resource in (self._selector, self._bell, self._ear):
                resource.close()

    def kick(self) -> None:
        """Make a step that waits come back: the machine wishes something. Never waits."""
        if not self._rung:
            self._rung = True
            self._bell.send(b"!")

    def write(self) -> None:
        """Carry out what the machine wishes now if it is no more than to write something that can be written
        without waiting; leave everything else to the thread that steps. Never waits.
        """
        self.drain()
        while self.woken:
            stream = next(iter(self.woken))
            if not self._is_served(stream):
                break
            del self.woken[stream]
            self.drain_again()
        if self.woken or self.next_instant() < self._until:
            self.kick()

    def _is_served(self, stream: _Stream) -> bool:
        """Write what a stream has; return whether that is all that there was to do."""
        if stream.sock is None or not stream.up or stream.was_cut or self.whole.broken:
            return False
        try:
            self._flush(stream.sock, stream)
        except OSError:
            return False
        return not stream.done and stream.watched == stream.interest

    def _flush(self, sock: socket.socket, stream: _Stream) -> None:
        while octets := stream.unwritten or stream.data_to_send(time.monotonic()):
            stream.unwritten = octets
            stream.unwritten = octets[sock.send(octets) :]
            if stream.dry and not stream.unwritten:
                break

    def step(self, timeout: float | None) -> None:
        """Wait until something is due, no longer than some seconds, and do it. One thread at a time may."""
        for stream in list(self.streams.values()):
            if stream.addresses is None:
                self._resolve(stream)
        with self.lock, self.whole:
            # What was commanded meanwhile has rung the bell, or was carried out.
            instant = self.next_instant()
            for stream in self.streams.values():
                self._watch(stream, stream.interest)
                instant = min(instant, -_FOREVER if stream.addresses is None else stream.give_up)
            self._until = instant
        # The system would take offence at some weeks.
        wait = min(max(instant - time.monotonic(), 0.0), 1e6 if timeout is None else timeout)
        ready = self._selector.select(wait)
        with self.lock, self.whole:
            self._mend()
            for key, events in ready:
                if key.data is None:
                    self._ear.recv(CHUNK)
                    self._rung = False
                else:
                    self._ready(key.data, events)
            now = time.monotonic()
            for stream in list(self.streams.values()):
                if stream.give_up <= now:
                    self._try_next(stream, "it did not answer")
            if self.next_instant() <= now:
                self.due(now)
            self.turn()

    def turn(self) -> None:
        """Carry out what the machine wishes now, as far as that needs no waiting."""
        self._mend()
        self.drain()
        while self.woken:
            stream, _ = self.woken.popitem()
            if stream.id in self.streams:
                self._look(stream)
                self.drain_again()

    def _look(self, stream: _Stream) -> None:
        """Write and end as the machine wishes."""
        if stream.was_cut:
            self._end(stream)
        elif stream.sock is not None and stream.up:
            try:
                self._flush(stream.sock, stream)
                if stream.done:
                    self._end(stream)
            except BlockingIOError:
                pass
            except OSError as error:
                self._end(stream, StreamLoss.RESET, str(error))

    def _ready(self, stream: _Stream, events: int) -> None:
        if stream.sock is None:
            return
        if events & _WRITE:
            stream.wake()
        if not stream.up:
            if code := stream.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._try_next(stream, os.strerror(code))
            else:
                self._come_up(stream)
        elif events & _READ:
            try:
                data = stream.sock.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError as error:
                return self._end(stream, StreamLoss.RESET, str(error))
            if data:
                stream.receive_data(data, time.monotonic())
            else:
                stream.receive_eof(time.monotonic())

    def _end(self, stream: _Stream, why: StreamLoss = StreamLoss.CLOSED, detail: str = "") -> None:
        self._let_go(stream)
        self.lose(stream, time.monotonic(), why, detail)

    # Watching

    def _watch(self, stream: _Stream, interest: int) -> None:
        if stream.sock is not None and stream.watched != interest:
            if stream.watched:
                self._selector.unregister(stream.sock)
            if interest:
                self._selector.register(stream.sock, interest, stream)
            stream.watched = interest

    def _let_go(self, stream: _Stream) -> None:
        if stream.sock is not None:
            # Whether it is there is not certain after an interruption.
            with suppress(KeyError, ValueError):
                self._selector.unregister(stream.sock)
            stream.watched = 0
            stream.sock.close()
            stream.sock = None

    # Opening

    def open(self, wish: OpenStream) -> _Stream:
        """Begin to make a stream, in the next step."""
        stream = _Stream(self, wish)
        stream.wake()
        if self._injected is not None:
            # It is connected, and so is writable at once.
            stream.addresses, stream.sock, self._injected = [], self._injected, None
            stream.sock.setblocking(False)
        return stream

    def _resolve(self, stream: _Stream) -> None:
        """Find out where to connect to: all that may block, and nobody is locked out meanwhile."""
        address, why, detail = stream.wish.address, StreamLoss.UNRESOLVED, "the name has no address"
        found: list[tuple[int, Any]] = []
        try:
            if isinstance(address, TCPAddress):
                entries = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
                found = [(entry[0], entry[4]) for entry in entries]
            else:
                found = [(socket.AF_UNIX, address.path)]
        except (OSError, UnicodeError) as error:
            detail = str(error)
        with self.lock, self.whole:
            stream.addresses = found
            self._try_next(stream, detail, why)
            self.turn()

    def _try_next(self, stream: _Stream, detail: str, why: StreamLoss = StreamLoss.REFUSED) -> None:
        """Connect to the next address; `detail` is what became of the last one."""
        self._let_go(stream)
        stream.give_up = _FOREVER
        while stream.addresses:
            family, where = stream.addresses.pop(0)
            try:
                stream.sock = socket.socket(family, socket.SOCK_STREAM)
                stream.sock.setblocking(False)
                code = stream.sock.connect_ex(where)
            except OSError as error:
                detail, why = str(error), StreamLoss.REFUSED
            else:
                if code in _UNDER_WAY:
                    stream.give_up = time.monotonic() + _PATIENCE if stream.addresses else _FOREVER
                    return
                detail, why = os.strerror(code), StreamLoss.REFUSED
            self._let_go(stream)
        self._end(stream, why, detail)

    def _come_up(self, stream: _Stream) -> None:
        assert stream.sock is not None, "it is connected"
        if stream.sock.family in (socket.AF_INET, socket.AF_INET6):
            stream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.up, stream.give_up = True, _FOREVER
        stream.connected(time.monotonic(), stream.wish.tls)
        stream.wake()
