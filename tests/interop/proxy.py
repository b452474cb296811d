"""A proxy between a client and a server that can do what networks do: cut, stall, reset, lose patience.

It runs in threads of its own, so that a client of any colour can be behind it. This file must not know STOMP.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

from .servers.process import HOST

__all__ = ["Proxy"]

_CHUNK = 65536


class Proxy:
    """Listens on a free port and passes octets on to a port of loopback, until told otherwise."""

    def __init__(self, target: int, *, idle: float | None = None, reset_after: int | None = None) -> None:
        """`idle` is after how many seconds of silence in both directions a connection is cut, as firewalls
        do. `reset_after` is after how many octets from the server a connection is reset.
        """
        self._target = target
        self._idle = idle
        self._reset_after = reset_after
        self._open = True
        self._flows = threading.Event()
        self._flows.set()
        self._flows_of: list[_Flow] = []
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        """How many connections were made."""
        self.cut = 0
        """How many were cut for silence, or reset for their length."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False
        self._flows.set()
        # Closing alone would not wake the thread that accepts, and the port would go on listening.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:  # not every system has a listener shut down
            pass
        self._listener.close()
        self.reset()

    def stall(self) -> None:
        """Pass nothing on, and keep every connection: what a network does that loses every packet."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass on again, what was held back first."""
        self._flows.set()

    def reset(self) -> None:
        """Reset every connection, both sides."""
        for flow in list(self._flows_of):
            flow.reset()

    @property
    def silent_since(self) -> float | None:
        """When the last octet from the server was passed on, over the connection that is silent longest, by
        the clock of `time.monotonic`; None without a connection.
        """
        return min((flow.heard_server for flow in list(self._flows_of)), default=None)

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection((HOST, self._target), 10)
            except OSError:
                _reset(client)
                continue
            threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        flow = _Flow(client, server)
        self._flows_of.append(flow)
        # One thread a direction: neither waits for the other's reader.
        back = threading.Thread(target=self._pass_on, args=(flow, server, client), daemon=True)
        back.start()
        self._pass_on(flow, client, server)
        back.join()
        self._flows_of.remove(flow)
        flow.close()

    def _pass_on(self, flow: _Flow, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        try:
            while True:
                ready, _, _ = select.select([source], [], [], 0.1)
                self._flows.wait()
                if not ready:
                    if self._idle is not None and time.monotonic() - flow.heard > self._idle:
                        self._cut(flow)
                    continue
                data = source.recv(_CHUNK)
                flow.heard = time.monotonic()
                if flow.over:
                    # What woke us is our own reset, and no end to pass on.
                    return
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                if source is flow.server:
                    flow.heard_server = flow.heard
                target.sendall(data)
                passed += len(data) if source is flow.server else 0
                if self._reset_after is not None and passed > self._reset_after:
                    self._cut(flow)
        except (OSError, ValueError):
            # ValueError: select, of a socket that was closed by a reset
            flow.reset()

    def _cut(self, flow: _Flow) -> None:
        self.cut += 1
        flow.reset()


class _Flow:
    """The two streams of one connection."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.heard = self.heard_server = time.monotonic()
        self.over = False
        for stream in (client, server):
            stream.settimeout(None)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self) -> None:
        self.over = True
        _reset(self.client)
        _reset(self.server)

    def close(self) -> None:
        self.client.close()
        self.server.close()


def _reset(stream: socket.socket) -> None:
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Wakes the thread that is in a call on it, which closing alone would not.
        stream.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    stream.close()
