"""The driver for trio: it carries out what a machine wishes, and tells it what happens.

What lives here knows sockets, TLS and the clock, and of STOMP nothing: only `Machine`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Generic, TypeVar

import trio

from stomp_sansio.machine import (
    CloseStream,
    Machine,
    OpenStream,
    StartTLS,
    StreamAction,
    StreamId,
    StreamLoss,
    TCPAddress,
    TLSInfo,
    TLSWish,
)

__all__ = ["Driver"]

EventT = TypeVar("EventT")

_CHUNK = 65536


class _Stream:
    """One byte stream, its one reader and its one writer."""

    def __init__(self, id: StreamId) -> None:
        self.id = id
        self.transport: trio.abc.Stream | None = None
        self.scope = trio.CancelScope()
        self.reading = trio.CancelScope()
        self.changed = trio.Event()
        self.closing = False
        self.tls: TLSWish | None = None

    def wake(self) -> None:
        self.changed.set()


class Driver(Generic[EventT]):
    """Runs one machine in a nursery of the caller's. Call `kick` after every command to the machine."""

    def __init__(
        self,
        machine: Machine[EventT],
        nursery: trio.Nursery,
        on_event: Callable[[EventT], None],
        *,
        ssl_context: ssl.SSLContext | None = None,
        stream: trio.abc.Stream | None = None,
    ) -> None:
        self._machine = machine
        self._nursery = nursery
        self._on_event = on_event
        self._ssl_context = ssl_context
        self._injected = stream
        self._streams: dict[StreamId, _Stream] = {}
        self._accepted = 0
        self._armed = float("inf")
        self._rearm = trio.Event()
        self._kicking = False
        self.finished = trio.Event()
        """Set when the machine has finished."""
        nursery.start_soon(self._keep_time)

    def kick(self) -> None:
        """Carry out what the machine wishes now. Never waits."""
        machine = self._machine
        if self._kicking:
            # An event's receiver gave the machine a command: the loop below goes round once more.
            return
        self._kicking = True
        try:
            while True:
                if (action := machine.next_action()) is not None:
                    self._act(action)
                elif (event := machine.next_event()) is not None:
                    self._on_event(event)
                else:
                    break
        finally:
            self._kicking = False
        for id in machine.changed_streams():
            if (stream := self._streams.get(id)) is not None:
                stream.wake()
        if machine.finished:
            self.finished.set()
        deadline = machine.next_deadline()
        if deadline is not None and deadline < self._armed:
            self._armed = deadline
            self._rearm.set()

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Accept streams until cancelled."""
        async with trio.open_nursery() as nursery:
            for index, listener in enumerate(listeners):
                nursery.start_soon(self._listen, nursery, index, listener)

    async def _listen(self, nursery: trio.Nursery, index: int, listener: trio.SocketListener) -> None:
        async def handle(transport: trio.SocketStream) -> None:
            # The machine names the streams that it opens from 1 on; these are ours.
            self._accepted += 1
            stream = _Stream(StreamId(-self._accepted))
            self._streams[stream.id] = stream
            stream.transport = transport
            peer = transport.socket.getpeername()
            why, detail = StreamLoss.CLOSED, ""
            with stream.scope:
                if self._ssl_context is not None:
                    stream.transport = trio.SSLStream(
                        transport, self._ssl_context, server_side=True, https_compatible=True
                    )
                self._machine.stream_accepted(stream.id, index, str(peer), trio.current_time())
                self.kick()
                why, detail = await self._exchange(stream)
            await self._lose(stream, why, detail)

        await trio.serve_listeners(handle, [listener], handler_nursery=nursery)

    def _act(self, action: StreamAction) -> None:
        match action:
            case OpenStream():
                stream = self._streams[action.stream] = _Stream(action.stream)
                self._nursery.start_soon(self._run, stream, action)
            case StartTLS():
                stream = self._streams[action.stream]
                stream.tls = action.tls
                stream.reading.cancel()
                stream.wake()
            case CloseStream():
                stream = self._streams[action.stream]
                stream.closing = True
                if action.abort or stream.transport is None:
                    stream.scope.cancel()
                stream.wake()

    async def _run(self, stream: _Stream, wish: OpenStream) -> None:
        why, detail = StreamLoss.CLOSED, ""
        with stream.scope:
            try:
                stream.transport = await self._open(wish)
            except (OSError, trio.BrokenResourceError) as error:
                why, detail = _loss(error), str(error.__cause__ or error)
            else:
                self._machine.stream_opened(stream.id, trio.current_time())
                self.kick()
                why, detail = await self._exchange(stream)
        await self._lose(stream, why, detail)

    async def _lose(self, stream: _Stream, why: StreamLoss, detail: str) -> None:
        if stream.transport is not None:
            # A transport is closed even while we are being cancelled, and never waited for.
            with trio.CancelScope(shield=True) as scope:
                scope.cancel()
                await trio.aclose_forcefully(stream.transport)
        del self._streams[stream.id]
        self._machine.stream_lost(stream.id, why, trio.current_time(), detail)
        self.kick()

    async def _open(self, wish: OpenStream) -> trio.abc.Stream:
        if self._injected is not None:
            transport, self._injected = self._injected, None
        elif isinstance(wish.address, TCPAddress):
            transport = await trio.open_tcp_stream(wish.address.host, wish.address.port)
        else:
            transport = await trio.open_unix_socket(wish.address.path)
        return transport if wish.tls is None else await self._wrap(transport, wish.tls)

    async def _wrap(self, transport: trio.abc.Stream, wish: TLSWish) -> trio.abc.Stream:
        context = self._ssl_context or ssl.create_default_context()
        # Only a close_notify tells the end of a stream from a cut: `https_compatible` would hide the
        # difference.
        wrapped = trio.SSLStream(transport, context, server_hostname=wish.server_name, https_compatible=False)
        try:
            await wrapped.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(transport)
            raise
        return wrapped

    async def _exchange(self, stream: _Stream) -> tuple[StreamLoss, str]:
        """Read and write until the stream ends; return why it did."""
        lost: list[tuple[StreamLoss, str]] = []
        while not lost:
            async with trio.open_nursery() as nursery:
                stream.reading = trio.CancelScope()
                nursery.start_soon(self._read, stream, lost, nursery.cancel_scope)
                nursery.start_soon(self._write, stream, lost, nursery.cancel_scope)
            if stream.tls is not None and not lost:
                wish, stream.tls = stream.tls, None
                assert stream.transport is not None, "it was open"
                try:
                    stream.transport = await self._wrap(stream.transport, wish)
                except (OSError, trio.BrokenResourceError) as error:
                    return _loss(error), str(error.__cause__ or error)
                self._machine.tls_started(stream.id, TLSInfo(), trio.current_time())
                self.kick()
        return lost[0]

    async def _read(
        self, stream: _Stream, lost: list[tuple[StreamLoss, str]], both: trio.CancelScope
    ) -> None:
        transport, machine = stream.transport, self._machine
        assert transport is not None, "it is open"
        with stream.reading:
            while True:
                while not machine.wants_read(stream.id):
                    await self._change(stream)
                try:
                    data = await transport.receive_some(_CHUNK)
                except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                    lost.append((_loss(error), str(error.__cause__ or error)))
                    both.cancel()
                    return
                if not data:
                    machine.receive_eof(stream.id, trio.current_time())
                    self.kick()
                    return
                machine.receive_data(stream.id, bytes(data), trio.current_time())
                self.kick()

    async def _write(
        self, stream: _Stream, lost: list[tuple[StreamLoss, str]], both: trio.CancelScope
    ) -> None:
        transport, machine = stream.transport, self._machine
        assert transport is not None, "it is open"
        while True:
            data = machine.data_to_send(stream.id, trio.current_time(), _CHUNK)
            if data:
                self.kick()
                try:
                    await transport.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                    lost.append((_loss(error), str(error.__cause__ or error)))
                    both.cancel()
                    return
            elif stream.closing:
                # In TLS the closing alert says that nothing was cut off.
                stream.reading.cancel()
                with trio.move_on_after(1):
                    await transport.aclose()
                lost.append((StreamLoss.CLOSED, ""))
                both.cancel()
                return
            elif stream.tls is not None:
                return
            else:
                await self._change(stream)

    async def _change(self, stream: _Stream) -> None:
        """Wait until the machine has changed its mind about the stream."""
        if stream.changed.is_set():
            stream.changed = trio.Event()
        await stream.changed.wait()

    async def _keep_time(self) -> None:
        machine = self._machine
        while True:
            self._rearm = trio.Event()
            deadline = machine.next_deadline()
            self._armed = float("inf") if deadline is None else deadline
            with trio.move_on_at(self._armed):
                await self._rearm.wait()
            now = trio.current_time()
            if self._armed <= now:
                machine.handle_timeout(now)
                self.kick()


def _loss(error: BaseException) -> StreamLoss:
    """Return what an exception of the operating system or of TLS means."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return StreamLoss.CERTIFICATE_REFUSED
        if isinstance(cause, ssl.SSLEOFError):
            return StreamLoss.TRUNCATED
        if isinstance(cause, ssl.SSLError):
            return StreamLoss.TLS_FAILED
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, trio.socket.gaierror):
        return StreamLoss.UNRESOLVED
    if isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError | ConnectionResetError):
        return StreamLoss.RESET
    return StreamLoss.REFUSED
