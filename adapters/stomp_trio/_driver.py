"""The driver for trio: it moves octets, and keeps time, for one machine.

What lives here knows sockets, TLS contexts and the clock, and of STOMP nothing.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio
from trio.lowlevel import enable_ki_protection

from stomp_sansio.driver import CHUNK, LINGER, LINGER_OCTETS, DriverCore, EventT, StreamCore, written_address
from stomp_sansio.machine import Machine, OpenStream, StreamId, StreamLoss, TCPAddress
from stomp_sansio.tls import TLSMaker

__all__ = ["Driver"]


class _Stream(StreamCore):
    def __init__(self, driver: Driver[Any], id: StreamId) -> None:
        super().__init__(driver, id)
        self.scope = trio.CancelScope()
        self.sock: socket.socket | None = None
        """The transport's own socket, if it has one: for what can be written without waiting."""
        self.idle = False
        """Whether the task that writes waits for something to write: only then may others write."""
        self.rest = b""
        """What was to be written and could not be without waiting."""
        self.paused = False
        """Whether the task that reads waits until it may."""
        self._woken = driver.woken
        self._changed = trio.Event()

    def wake(self) -> None:
        # A kick follows everything that may wake a stream.
        self._woken[self] = None

    def cut(self) -> None:
        self.scope.cancel()

    def look(self, now: float) -> None:
        """Write what can be written without waiting. The tasks do the rest."""
        if self.sock is not None and self.idle:
            while data := self.data_to_send(now):
                try:
                    self.rest = data[self.sock.send(data) :]
                except OSError:
                    # It would have to wait, or is broken: the task that writes will see.
                    self.rest = data
                if self.rest or self.dry:
                    break
            if not (self.rest or self.done or self.paused):
                return
            self.idle = False
        self._changed.set()

    async def change(self) -> None:
        """Wait until something may have changed."""
        if self._changed.is_set():
            self._changed = trio.Event()
        await self._changed.wait()


class Driver(DriverCore[EventT, _Stream]):
    """Runs one machine. Start `run` in a nursery, and call `kick` after every command to the machine.

    No task of it is ever interrupted by Ctrl-C: whoever waits is.
    """

    def __init__(
        self,
        machine: Machine[EventT],
        on_event: Callable[[EventT], object],
        *,
        ssl_context: ssl.SSLContext | None = None,
        stream: trio.abc.Stream | None = None,
    ) -> None:
        """`stream` answers the machine's first wish for one."""
        super().__init__(machine, on_event, TLSMaker(ssl, ssl_context))
        self.woken: dict[_Stream, None] = {}
        """Streams to look at."""
        self.fresh = False
        """Whether the task that runs has just been woken: what it commands first is not followed by more."""
        self._injected = stream
        self._armed = float("inf")
        self._rearm = trio.Event()
        self.finished = trio.Event()
        """Set when the machine has finished."""

    @enable_ki_protection
    async def run(self, begin: Callable[[], object] = lambda: None) -> None:
        """Call `begin`, then carry out and tell until cancelled; that ends all streams as they are."""
        async with trio.open_nursery() as self._nursery:
            begin()
            await self._keep_time()

    @enable_ki_protection
    def kick(self) -> None:
        """Carry out what the machine wishes now. Never waits."""
        woken = self.woken
        self.drain()
        while woken:
            now = trio.current_time()
            while woken:
                woken.popitem()[0].look(now)
            self.drain_again()
        if not self.streams and self.machine.finished:
            self.finished.set()
        if self.next_instant() < self._armed:
            self._rearm.set()

    def kick_soon(self) -> None:
        """Carry out what the machine wishes once whoever runs now waits; what a task commands first after it
        was woken, now: more often than not it answers, and waits again. Never waits.
        """
        if self.fresh:
            self.fresh = False
            self.kick()
        else:
            self._rearm.set()

    def open(self, wish: OpenStream) -> _Stream:
        """Begin to make a stream."""
        stream = _Stream(self, wish.stream)
        self._nursery.start_soon(self._run, stream, wish)
        return stream

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Accept streams until cancelled, beside `run`. The machine knows a listener by its place in the
        list.
        """
        async with trio.open_nursery() as nursery:
            for index, listener in enumerate(listeners):
                nursery.start_soon(self._listen, nursery, index, listener)

    async def _listen(self, nursery: trio.Nursery, index: int, listener: trio.SocketListener) -> None:
        async def handle(transport: trio.SocketStream) -> None:
            stream = _Stream(self, self.next_accepted())
            self.streams[stream.id] = stream
            stream.accepted(index, _peer(transport), trio.current_time())
            with stream.scope:
                await self._exchange(stream, transport)

        await trio.serve_listeners(handle, [listener], handler_nursery=nursery)

    @enable_ki_protection
    async def _run(self, stream: _Stream, wish: OpenStream) -> None:
        """Make a stream, and live its life."""
        why, detail = StreamLoss.CLOSED, ""
        with stream.scope:
            try:
                transport = await self._make(wish)
            except (trio.socket.gaierror, UnicodeError) as error:
                why, detail = StreamLoss.UNRESOLVED, str(error)
            except OSError as error:
                why, detail = StreamLoss.REFUSED, _root(error)
            else:
                stream.connected(trio.current_time(), wish.tls)
                return await self._exchange(stream, transport)
        self.lose(stream, trio.current_time(), why, detail)
        self.kick()

    async def _make(self, wish: OpenStream) -> trio.abc.Stream:
        if self._injected is not None:
            transport, self._injected = self._injected, None
            return transport
        if isinstance(wish.address, TCPAddress):
            return await trio.open_tcp_stream(wish.address.host, wish.address.port)
        return await trio.open_unix_socket(wish.address.path)

    @enable_ki_protection
    async def _exchange(self, stream: _Stream, transport: trio.abc.Stream) -> None:
        """Move octets until the stream ends."""
        why, detail = StreamLoss.CLOSED, ""
        if isinstance(transport, trio.SocketStream):
            stream.sock = socket.socket(fileno=transport.socket.fileno())
            stream.sock.setblocking(False)
        self.kick()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, stream, transport)
                await self._write(stream, transport)
                nursery.cancel_scope.cancel()
            if stream.lingers and isinstance(transport, trio.SocketStream):
                await _linger(transport)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as errors:
            why, detail = StreamLoss.RESET, _root(errors)
        finally:
            if stream.sock is not None:
                stream.sock.detach()
                stream.sock = None
            self.lose(stream, trio.current_time(), why, detail)
            self.kick()
            # It is closed even while we are being cancelled, and never waited for. Without the shield a
            # cancellation would take the place of what was raised.
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(transport)

    @enable_ki_protection
    async def _read(self, stream: _Stream, transport: trio.abc.Stream) -> None:
        while True:
            while not stream.wants_read:
                stream.paused = True
                await stream.change()
                stream.paused = False
            data = await self._receive(stream, transport)
            if not data:
                stream.receive_eof(trio.current_time())
                self.kick()
                return
            stream.receive_data(data, trio.current_time())
            self.kick()

    async def _receive(self, stream: _Stream, transport: trio.abc.Stream) -> bytes:
        """Wait for octets; b"" is the end. A checkpoint."""
        while stream.sock is not None:
            # More often than not there is nothing yet, and to try in vain costs as much as to read.
            await trio.lowlevel.wait_readable(stream.sock)
            try:
                return stream.sock.recv(CHUNK)
            except BlockingIOError:
                continue
        return bytes(await transport.receive_some(CHUNK))

    async def _write(self, stream: _Stream, transport: trio.abc.Stream) -> None:
        while True:
            data = stream.rest or stream.data_to_send(trio.current_time())
            if data:
                stream.rest = b""
                self.kick()
                await transport.send_all(data)
            elif stream.done:
                return
            else:
                stream.idle = True
                await stream.change()
                stream.idle = False

    async def _keep_time(self) -> None:
        while True:
            self._rearm = trio.Event()
            self._armed = self.next_instant()
            # Others come first, also when it is due already.
            with trio.move_on_at(self._armed):
                await self._rearm.wait()
            if self._armed <= (now := trio.current_time()):
                # Who was woken with us reads first: if the loop stood still, what ends a silence is there.
                await trio.lowlevel.checkpoint()
                self.due(now)
            self.kick()


def _peer(transport: trio.SocketStream) -> str:
    try:
        return written_address(transport.socket.getpeername())
    except OSError:
        # It is gone already; its stream is about to say so.
        return "somebody who is gone"


async def _linger(transport: trio.SocketStream) -> None:
    """End our half, and read on for a while: see `StreamCore.lingers`."""
    with trio.move_on_after(LINGER), suppress(trio.BrokenResourceError):
        await transport.send_eof()
        unread = LINGER_OCTETS
        while unread > 0 and (data := await transport.receive_some(CHUNK)):
            unread -= len(data)


def _root(error: BaseException) -> str:
    """Return what the operating system says: trio puts it into a group, or behind an error of its own."""
    inner: tuple[BaseException | None, ...] = getattr(error, "exceptions", (error.__cause__,))
    return str(error) if inner[0] is None else _root(inner[0])
