"""The first steps of a connection, each taken alone: a name looked up, a port called, a hand in TLS shaken.

What lives here knows sockets; it must not know STOMP, nor what becomes of a failure.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass

__all__ = ["Found", "look_up", "reach", "shake_hands"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a step has found, and how long it took."""

    seconds: float
    detail: str


async def look_up(host: str, port: int) -> Found:
    """Look up a name.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    took = loop.time() - start
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    return Found(took, f"{host} is {', '.join(addresses)}")


async def reach(host: str, port: int) -> Found:
    """Open a connection, and close it.

    Raises:
        OSError: nobody answers.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    _, writer = await asyncio.open_connection(host, port, happy_eyeballs_delay=0.25)
    took = loop.time() - start
    peer = writer.get_extra_info("peername")
    await _hang_up(writer)
    return Found(took, f"{peer[0]} port {peer[1]} answers")


async def shake_hands(host: str, port: int, name: str, context: ssl.SSLContext | None) -> Found:
    """Open a connection in TLS, and close it; the time is that of TLS alone.

    Raises:
        OSError: nobody answers, or not in TLS, or with a certificate that is not trusted.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, protocol = await loop.create_connection(
        lambda: asyncio.StreamReaderProtocol(reader), host, port, happy_eyeballs_delay=0.25
    )
    try:
        start = loop.time()
        inside = await loop.start_tls(
            transport, protocol, context or ssl.create_default_context(), server_hostname=name
        )
        took = loop.time() - start
    except BaseException:
        transport.abort()
        raise
    assert inside is not None, "only a transport that is closing has none"
    shaken: ssl.SSLObject = inside.get_extra_info("ssl_object")
    until = (shaken.getpeercert() or {}).get("notAfter", "?")
    inside.abort()
    return Found(took, f"{shaken.version()}, a certificate for {name} until {until}")


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass  # it has answered, and that was the question
