"""A tunnel through an HTTP proxy: CONNECT (RFC 9110, 9.3.6), as an inner layer of one stream.

What lives here asks, reads one answer, and explains a refusal. It must not know what will flow through the
tunnel.
"""

from __future__ import annotations

from base64 import b64encode

import h11

from ..errors import LinkFault, RemoteProtocolError
from ..machine import Address, TCPAddress
from ..protocol.limits import Limits
from .http_client import ResponseHeads
from .octet_queue import OctetQueue
from .proxy import Proxy

__all__ = ["ProxyTunnel"]


class ProxyTunnel:
    """The hand-shake with a proxy.

    Write `data_to_send`, feed `receive_data`; once `established`, `take_rest`.
    """

    __slots__ = ("_error", "_heads", "_out", "established", "refused_status")

    established: bool
    """Whether the proxy has opened the tunnel: what follows is the server's."""
    refused_status: int | None
    """The status of an answer that refuses, once it has come."""

    def __init__(self, address: Address, proxy: Proxy, limits: Limits) -> None:
        """Prepare the request for a tunnel to a TCP address.

        Raises:
            TypeError: the address is no TCP address.
        """
        if not isinstance(address, TCPAddress):
            raise TypeError(f"a proxy cannot reach {address!r}: leave the proxy out")
        host = f"[{address.host}]" if ":" in address.host else address.host
        target = f"{host}:{address.port}"
        headers = [("Host", target)]
        if proxy.login is not None:
            # RFC 7617; UTF-8 is what proxies expect today.
            pair = f"{proxy.login}:{proxy.password or ''}".encode()
            headers.append(("Proxy-Authorization", f"Basic {b64encode(pair).decode('ascii')}"))
        connection = h11.Connection(h11.CLIENT, limits.max_http_header_block)
        self._out = OctetQueue()
        self._out.append(connection.send(h11.Request(method="CONNECT", target=target, headers=headers)))
        connection.send(h11.EndOfMessage())
        self._heads = ResponseHeads(connection, limits, who="The proxy", fault=LinkFault.BAD_HANDSHAKE)
        self._error: RemoteProtocolError | None = None
        self.established = False
        self.refused_status = None

    @property
    def unsent(self) -> int:
        """How many octets of the request wait to be written."""
        return len(self._out)

    def data_to_send(self, max_bytes: int) -> bytes:
        """Hand over the next octets of the request."""
        return self._out.take(max_bytes)

    def receive_data(self, data: bytes) -> None:
        """Take in octets; then look at `established`.

        Raises:
            RemoteProtocolError: the proxy refused (`HTTP_STATUS`), or what it said is no answer; the same
                error comes again when called again.
        """
        if self._error is not None:
            raise self._error
        self._heads.receive(data)
        if self.established:
            return
        try:
            response = self._heads.next_response()
            if response is not None:
                self._judge(response)
        except RemoteProtocolError as error:
            self._error = error
            raise

    def take_rest(self) -> bytes:
        """Return, and forget, the octets that came behind the answer."""
        return self._heads.take_rest()

    def _judge(self, response: h11.Response) -> None:
        if not 200 <= response.status_code < 300:
            self.refused_status = response.status_code
            raise RemoteProtocolError(LinkFault.HTTP_STATUS, _explained(response.status_code))
        if response.http_version != b"1.1":
            raise RemoteProtocolError(
                LinkFault.BAD_HANDSHAKE,
                "The proxy speaks HTTP/1.0, which knows no tunnels: use another one",
            )
        self.established = True


def _explained(status: int) -> str:
    advice = _ADVICE.get(status) or _general_advice(status)
    return f"The proxy refused the tunnel with HTTP status {status}: {advice}"


def _general_advice(status: int) -> str:
    if 300 <= status < 400:
        return "it redirects, perhaps to a login page of the network: log in there first"
    if status >= 500:
        return "the proxy, or the server behind it, failed; trying again later may help"
    return "check the proxy's rules"


_ADVICE = {
    400: "it does not understand CONNECT: is this the port of an HTTP proxy?",
    401: "it wants credentials: is this a web server, not a proxy?",
    403: "it does not allow this host and port: ask who runs it, or list the host in no_proxy",
    404: "is this the port of a web server, not of a proxy?",
    405: "it does not allow CONNECT: is this the port of a web server, not of a proxy?",
    407: "it wants other credentials: write them into the proxy's URL, http://LOGIN:PASSWORD@HOST:PORT",
    502: "it cannot reach the server: check the host name and the port",
    503: "it cannot reach the server, or is overloaded; trying again later may help",
    504: "the server did not answer the proxy in time; trying again later may help",
}
