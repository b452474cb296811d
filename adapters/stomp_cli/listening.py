"""Sockets that listen, or what to do where they cannot.

What lives here knows addresses; it must not know who answers there.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

__all__ = ["listening"]

_ADVICE = {
    errno.EADDRINUSE: "another program listens there: end it, or take another port (0 is any that is free)",
    errno.EACCES: "ports below 1024 are for the administrator: take another port",
    errno.EADDRNOTAVAIL: "this machine has no such address: write 127.0.0.1, or :PORT for all",
}


def listening(addresses: Iterable[tuple[str | None, int]]) -> list[socket.socket]:
    """Return a listening socket for each address of host and port; no host is every interface, and port 0
    any that is free.

    Raises:
        OSError: one of them cannot be had; the message says which, and what to do.
    """
    sockets: list[socket.socket] = []
    try:
        for host, port in addresses:
            sockets += _at(host, port)
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _at(host: str | None, port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, where in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            # All on the same port, should it be one that was free.
            at = (where[0], sockets[0].getsockname()[1] if sockets else port)
            sockets.append(socket.create_server(at, family=family, backlog=1_024))
    except OSError as error:
        for sock in sockets:
            sock.close()
        advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
        # Without its number, which tells people nothing.
        raise OSError(f"cannot listen on {host or '*'}:{port}: {advice}") from error
    return sockets
