"""The API of StompWS, for programs that were written for it: `Stomp(host).connect()`, and so on.

What lives here is a handful of calls of `stomp_blocking`; it must not know STOMP's rules.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Unpack

from stomp_sansio.client.keywords import ConnectKeywords
from stomp_sansio.client.waiting import Client, Message, Subscription
from stomp_sansio.errors import InvalidURI, StompError
from stomp_sansio.session.errors import NotConnected

from ._runner import logger
from .client import connect

__all__ = ["Stomp"]


class Stomp:
    """A STOMP client over WebSocket, or over SockJS.

    Callbacks are called one after the other, in a thread of its own; what they raise is logged. A lost
    connection is made again, with its subscriptions.
    """

    def __init__(
        self,
        host: str,
        sockjs: bool | str = False,
        wss: bool = True,
        trace: bool = False,
        **keywords: Unpack[ConnectKeywords],
    ) -> None:
        """`host` is "hostname/endpoint", perhaps with a port. `sockjs` True means the raw WebSocket of a
        SockJS endpoint, which is at /websocket; "auto" means real SockJS, whichever of its transports works.
        `wss` False means no TLS. `trace` writes every frame to the log, and the log to standard error if it
        goes nowhere else. The keywords are those of `stomp_blocking.connect`: `login`, `passcode`, `vhost`.

        Raises:
            InvalidURI: the host cannot be used.
        """
        if "://" in host:
            raise InvalidURI(f"host is {host!r}: leave out the scheme, which sockjs= and wss= say")
        if trace:
            logger.setLevel(logging.DEBUG)
            if not logger.hasHandlers():
                logger.addHandler(logging.StreamHandler())
        scheme = f"{'http' if sockjs == 'auto' else 'ws'}{'s' if wss else ''}"
        url = f"{scheme}://{host.rstrip('/')}{'/websocket' if sockjs is True else ''}"
        self._connect = partial(connect, url, **keywords)
        self._connecting = self._connect()
        self._client: Client | None = None
        self._thread: threading.Thread | None = None
        self._subscriptions: dict[str, list[Subscription]] = {}

    def connect(self) -> None:
        """Connect to the server; return when it has accepted.

        Raises:
            ConnectError: that failed; the message says what to do.
        """
        self.disconnect()
        self._connecting = self._connect()
        self._client = client = self._connecting.__enter__()
        self._thread = threading.Thread(target=_dispatch, args=(client,), name="stompws", daemon=True)
        self._thread.start()

    def send(self, destination: str, message: str | bytes) -> None:
        """Send `message` to `destination`.

        Raises:
            NotConnected: there is no connection at this moment.
        """
        self._connected.send(destination, message)

    def subscribe(self, destination: str, callback: Callable[[str], object]) -> None:
        """Call `callback` with the body of each message that comes to `destination`, as text."""
        subscription = self._connected.consume(destination, self._handler(destination, callback), ack="auto")
        self._subscriptions.setdefault(destination, []).append(subscription)

    def unsubscribe(self, destination: str) -> None:
        """Have no callback called any more for what comes to `destination`.

        Raises:
            ValueError: nothing is subscribed to it.
        """
        if destination not in self._subscriptions:
            raise ValueError(f"nothing is subscribed to {destination!r}: call subscribe() first")
        for subscription in self._subscriptions.pop(destination):
            subscription.unsubscribe()

    def disconnect(self) -> None:
        """Say good-bye to the server, and return when that is done. Harmless when not connected."""
        if self._client is None or self._thread is None:
            return
        self._client, self._subscriptions = None, {}
        self._connecting.__exit__(None, None, None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise NotConnected("there is no connection: call connect() first")
        return self._client

    def _handler(self, destination: str, callback: Callable[[str], object]) -> Callable[[Message], None]:
        def handle(message: Message) -> None:
            # What had come before it was unsubscribed is nobody's any more.
            if destination in self._subscriptions:
                try:
                    callback(message.body.decode("utf-8", "replace"))
                except Exception:  # whatever a callback raises must not stop the others
                    logger.exception("the callback for %s raised", destination)

        return handle


def _dispatch(client: Client) -> None:
    """Call handlers until the session has ended."""
    while not client.ended:
        try:
            client.run()
        except StompError as error:  # a subscription was refused, or the session has failed
            logger.error("%s", error)
