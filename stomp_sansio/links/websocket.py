"""STOMP over WebSocket: `WebSocketLink`, a `Link` over one stream, for clients and for streams that were
accepted.

What lives here puts a `WebSocketLayer` on a stream; it must not know frames of either protocol.

A client takes text messages that are no UTF-8 for what they are, octets of the STOMP stream: RabbitMQ sends
such unless its configuration has `web_stomp.ws_frame = binary`, and STOMP bodies may be anything. A server,
which anybody may talk to, refuses them as RFC 6455 demands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..errors import InvalidURI
from ..machine import StreamId
from ..protocol.limits import Limits
from .opening import route_to
from .origin import OriginPolicy
from .proxy import Proxy
from .stream_link import StreamLink
from .subprotocols import STOMP_SUBPROTOCOLS
from .url import Endpoint, EndpointKind
from .websocket_handshake import UpgradeRequest
from .websocket_layer import CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT, WebSocketLayer

__all__ = ["STOMP_SUBPROTOCOLS", "OriginPolicy", "UpgradeRequest", "WebSocketLayer", "WebSocketLink"]


class WebSocketLink(StreamLink):
    """A `Link` that carries STOMP in WebSocket messages. Call `start`, then drive it as any `Machine`."""

    __slots__ = ()

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        stream_ids: Iterator[StreamId],
        headers: Iterable[tuple[str, str]] = (),
        subprotocols: Sequence[str] = STOMP_SUBPROTOCOLS,
        binary: bool = False,
        split_above: int | None = None,
        masking_key: Callable[[], bytes] | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        limits: Limits | None = None,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> None:
        """Prepare a link to an endpoint with ws:// or wss://.

        `headers` go along with the upgrade request: Authorization, Cookie, Origin and the like. The server
        may choose one of the `subprotocols`, or none. A chunk goes as text if it is UTF-8, else as binary;
        always as binary if `binary`. `split_above` is for servers that take no larger messages, in octets:
        what is longer goes as several. `masking_key` returns four octets that nobody can foresee, as `lambda:
        secrets.token_bytes(4)` does; without it, wsproto masks, which is slower. `server_name` is the name
        that the certificate must carry, where it is not the URL's host. `close_timeout` is in seconds: for
        the peer's answer to our close, and for the last octets.

        Raises:
            InvalidURI: the endpoint is no WebSocket.
            LocalProtocolError: a header field cannot be sent.
            ValueError: another argument cannot be used.
        """
        if endpoint.kind is not EndpointKind.WEBSOCKET:
            raise InvalidURI(f"{endpoint} is no WebSocket: write ws:// or wss://")
        layer = WebSocketLayer.client(
            host=endpoint.authority,
            target=endpoint.request_target,
            headers=headers,
            subprotocols=subprotocols,
            binary=binary,
            split_above=split_above,
            any_text=True,
            masking_key=masking_key,
            limits=limits,
            close_timeout=close_timeout,
        )
        super().__init__(
            layer,
            next(stream_ids),
            route=route_to(endpoint, proxy=proxy, server_name=server_name),
            limits=limits,
            close_timeout=close_timeout,
        )

    @classmethod
    def accepted(
        cls,
        stream: StreamId,
        now: float,
        *,
        peer: str = "the peer",
        accept_path: Callable[[str], bool] = lambda target: True,
        origins: OriginPolicy | None = None,
        secure: bool = False,
        subprotocols: Sequence[str] = STOMP_SUBPROTOCOLS,
        binary: bool = False,
        split_above: int | None = None,
        limits: Limits | None = None,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> StreamLink:
        """Return a link on a stream that was accepted; `LinkOpened` follows once the upgrade request was
        good.

        `peer` is the address that the stream comes from, as HOST:PORT. The other keywords are those of
        `WebSocketLayer.server`.
        """
        layer = WebSocketLayer.server(
            accept_path=accept_path,
            origins=origins,
            secure=secure,
            address=peer,
            subprotocols=subprotocols,
            binary=binary,
            split_above=split_above,
            limits=limits,
            handshake_timeout=handshake_timeout,
            close_timeout=close_timeout,
        )
        return StreamLink.adopt(layer, stream, now, peer=peer, close_timeout=close_timeout)
