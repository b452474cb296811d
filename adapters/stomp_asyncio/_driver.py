"""The driver for asyncio: it moves octets, and keeps time, for one machine.

What lives here knows transports, TLS contexts and the clock, and of STOMP nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, cast

from stomp_sansio.driver import LINGER, DriverCore, EventT, ReadingRoom, StreamCore, written_address
from stomp_sansio.machine import Machine, OpenStream, StreamId, StreamLoss, TCPAddress
from stomp_sansio.tls import TLSMaker

__all__ = ["Driver"]

# RFC 8305, section 8.
_EYEBALLS: dict[str, Any] = {"happy_eyeballs_delay": 0.25}


class _Stream(StreamCore, asyncio.BufferedProtocol):
    """TLS is made here and not by asyncio, which does not tell an end that was said from a cut.

    So is what is read into: asyncio would take 256 KiB from the system for each read, and give them back,
    however little comes: that takes longer than the reading.
    """

    def __init__(self, driver: Driver[Any], id: StreamId, came_up: Callable[[_Stream], None]) -> None:
        super().__init__(driver, id)
        self.task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None
        self._driver = driver
        self._came_up = came_up
        self._room = ReadingRoom()
        self._reading = self._writable = True
        self._lingering = False

    def wake(self) -> None:
        # A turn follows everything that may wake a stream, but for the transport's own doings.
        self._driver.woken[self] = None

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()
        elif self.task is not None:
            self.task.cancel()

    def look(self, now: float) -> None:
        """Read, write and end as the machine wishes."""
        transport = self.transport
        if transport is None or transport.is_closing() or self._lingering:
            return
        if self._reading is not self.wants_read:
            self._reading = not self._reading
            (transport.resume_reading if self._reading else transport.pause_reading)()
        while self._writable and (data := self.data_to_send(now)):
            transport.write(data)
            if self.dry:
                break
        if self.done and self._writable and not self._linger(transport):
            # What the transport still holds is written first.
            transport.close()

    def _linger(self, transport: asyncio.Transport) -> bool:
        """Read on for a while where that is called for; return whether it is."""
        if not self.lingers or transport.get_write_buffer_size():
            return False
        try:
            transport.write_eof()
        except OSError:  # the other side is gone
            return False
        transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER, transport.abort)
        self._lingering = True
        return True

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # It carries a stream; other loops have classes of their own for it.
        self.transport = cast("asyncio.Transport", transport)
        self._driver.told(self._came_up, self)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._room.octets

    def buffer_updated(self, nbytes: int) -> None:
        self._driver.told(self.receive_data, self._room.take(nbytes), self._driver.now())

    def eof_received(self) -> bool:
        self._driver.told(self.receive_eof, self._driver.now())
        # The machine says when it ends: there may be something left to write.
        return not self._lingering

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self.wake()
        self._driver.kick()

    def connection_lost(self, exc: Exception | None) -> None:
        why, detail = (StreamLoss.RESET, str(exc)) if exc and not self._lingering else (StreamLoss.CLOSED, "")
        self._driver.told(self._driver.lose, self, self._driver.now(), why, detail)


class Driver(DriverCore[EventT, _Stream]):
    """Runs one machine in the running loop. Call `kick` after every command to the machine."""

    def __init__(
        self,
        machine: Machine[EventT],
        on_event: Callable[[EventT], object],
        *,
        ssl_context: ssl.SSLContext | None = None,
        sock: socket.socket | None = None,
        on_failure: Callable[[], object] = lambda: None,
    ) -> None:
        """`sock` answers the machine's first wish for a stream. `on_failure` is told when nothing goes on."""
        super().__init__(machine, on_event, TLSMaker(ssl, ssl_context))
        self.woken: dict[_Stream, None] = {}
        """Streams to look at in the next turn."""
        self.finished = asyncio.Event()
        """Set when the machine has finished, or nothing goes on."""
        self._on_failure = on_failure
        self._failure: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._injected = sock
        self._scheduled = False
        self.fresh = False
        """Whether the task that runs has just been woken: what it commands first is not followed by more."""
        self._armed = float("inf")
        self._timer: asyncio.TimerHandle | None = None

    def kick(self) -> None:
        """Carry out what the machine wishes, once whoever runs now waits: so that much is written at once.

        The first command of a task that was woken is carried out now: more often than not it answers, and
        waits again.
        """
        if self.fresh:
            self.fresh = False
            self.turn()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        self.told(lambda: None)

    def told(self, tell: Callable[..., object], *arguments: object) -> None:
        """Tell the machine something, and carry out what it wishes then, for a loop that goes on whatever
        comes of it.
        """
        try:
            if self._failure is not None:
                self.check()
            tell(*arguments)
            self._turn()
        except Exception as error:  # a bug of ours: asyncio would lose the connection, again and again
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._loop.call_exception_handler({"message": "the driver has failed", "exception": error})
            self.stop()
            self.finished.set()
            self._on_failure()

    def check(self) -> None:
        """Raise if nothing goes on any more."""
        if self._failure is not None:
            raise RuntimeError("the driver has failed: nothing goes on") from self._failure

    def turn(self) -> None:
        """Carry out what the machine wishes now."""
        if self._failure is not None:
            self.check()
        try:
            self._turn()
        except Exception as error:
            self._fail(error)
            self.check()

    def _turn(self) -> None:
        woken = self.woken
        self.drain()
        while woken:
            now = self.now()
            while woken:
                woken.popitem()[0].look(now)
            # What the machine wishes after that, it wishes for all of them together.
            self.drain_again()
        if not self.streams and self.machine.finished:
            self.finished.set()
        if (instant := self.next_instant()) < self._armed:
            self._disarm()
            self._armed = instant
            self._timer = self._loop.call_at(instant, self._due)

    def stop(self) -> None:
        """Cut every stream that is left."""
        for stream in list(self.streams.values()):
            stream.cut()
        self._disarm()

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Accept streams until cancelled. The machine knows a listening socket by its place in the list."""
        servers: list[asyncio.Server] = []
        try:
            for index, sock in enumerate(sockets):
                servers.append(await self._loop.create_server(self._accepting(index), sock=sock))
            await asyncio.Event().wait()
        finally:
            for server in servers:
                server.close()
            self.stop()

    def _accepting(self, index: int) -> Callable[[], _Stream]:
        def came_up(stream: _Stream) -> None:
            assert stream.transport is not None, "it came up"
            self.streams[stream.id] = stream
            stream.accepted(index, written_address(stream.transport.get_extra_info("peername")), self.now())

        return lambda: _Stream(self, self.next_accepted(), came_up)

    def open(self, wish: OpenStream) -> _Stream:
        """Begin to make a stream."""

        def came_up(stream: _Stream) -> None:
            if stream.id in self.streams:
                stream.connected(self.now(), wish.tls)
            else:
                stream.cut()

        stream = _Stream(self, wish.stream, came_up)
        stream.task = self._loop.create_task(self._make(stream, wish))

        def made(task: asyncio.Task[None]) -> None:
            # A task that is cancelled before its first step takes none, so it could not say this itself.
            if task.cancelled():
                self.told(self.lose, stream, self.now(), StreamLoss.CLOSED, "")

        stream.task.add_done_callback(made)
        return stream

    async def _make(self, stream: _Stream, wish: OpenStream) -> None:
        loop, address = self._loop, wish.address
        try:
            if self._injected is not None:
                sock, self._injected = self._injected, None
                sock.setblocking(False)
                await loop.create_connection(lambda: stream, sock=sock)
            elif isinstance(address, TCPAddress):
                # Other loops do not know how to try several addresses at once.
                eyeballs = _EYEBALLS if isinstance(loop, asyncio.BaseEventLoop) else {}
                await loop.create_connection(lambda: stream, address.host, address.port, **eyeballs)
            else:
                await loop.create_unix_connection(lambda: stream, address.path)
            return
        except (socket.gaierror, UnicodeError) as error:
            why, detail = StreamLoss.UNRESOLVED, str(error)
        except (OSError, TypeError, ValueError) as error:
            # The last two are what asyncio says about a socket that it cannot use.
            why, detail = StreamLoss.REFUSED, str(error)
        self.told(self.lose, stream, self.now(), why, detail)

    def _due(self) -> None:
        self._disarm()
        self.told(self.due, self.now())

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed = None, float("inf")
