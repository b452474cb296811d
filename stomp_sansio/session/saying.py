"""How something is said, and whether it can be, found out before there is a connection to say it on.

This file must not know when it is said, nor what is done with the answer.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import LocalProtocolError, Misuse
from ..protocol.connection import Connection
from ..protocol.encoder import encode
from ..protocol.engine import extra_headers
from ..protocol.frames import Frame
from ..protocol.headers import HeaderPairs
from ..protocol.versions import Version
from .options import Credentials, Target
from .subscription import Subscription

__all__ = ["check_carried", "check_send", "check_subscribe", "say_connect", "with_content_type"]


def say_connect(connection: Connection, credentials: Credentials, target: Target) -> None:
    """Send CONNECT, as who we are everywhere, or else as who we are at this server."""
    ours = credentials.login is not None or credentials.passcode is not None
    connection.connect(
        host=target.vhost,
        login=credentials.login if ours else target.login,
        passcode=credentials.passcode if ours else target.passcode,
        headers=credentials.connect_headers,
    )


def check_send(
    version: Version, destination: str, body: bytes, headers: HeaderPairs, *, content_length: bool
) -> None:
    """Make sure that a SEND can be represented in a version.

    Raises:
        LocalProtocolError: it cannot. The caller is to blame.
    """
    own = ("destination", destination)
    pairs = [own, *extra_headers(headers, "destination", "transaction", "receipt")]
    encode(Frame("SEND", pairs, body), version, content_length=content_length)


def check_carried(carries: Callable[[bytes], bool], destination: str, body: bytes) -> None:
    """Make sure that a body can be carried, whatever transport comes.

    Raises:
        LocalProtocolError: it cannot. The caller is to blame.
    """
    if not carries(body):
        raise LocalProtocolError(
            Misuse.NOT_UTF8,
            f"SEND to {destination!r}: SockJS carries text, and this body is no UTF-8: encode it",
        )


def check_subscribe(version: Version, subscription: Subscription) -> None:
    """Make sure that a SUBSCRIBE can be represented in a version.

    Raises:
        LocalProtocolError: it cannot. The caller is to blame.
    """
    own = (("id", subscription.id), ("destination", subscription.destination))
    pairs = [*own, *extra_headers(subscription.headers, "id", "destination", "ack", "receipt")]
    encode(Frame("SUBSCRIBE", pairs), version)


def with_content_type(headers: HeaderPairs, content_type: str | None) -> HeaderPairs:
    """Return headers that name the type of the content as well, if there is one.

    Raises:
        LocalProtocolError: they name one already. The caller is to blame.
    """
    if content_type is None:
        return headers
    return [("content-type", content_type), *extra_headers(headers, "content-type")]
