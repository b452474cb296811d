"""STOMP for trio, a thin adapter over stomp_sansio: `async with stomp_trio.connect(URL) as client`."""

from stomp_sansio.client import public
from stomp_sansio.client.awaiting import Lifecycle, Message, Subscription, Transaction
from stomp_sansio.client.public import *  # noqa: F403  # the names are listed there, once for all adapters

try:
    from .client import Client, connect
except ModuleNotFoundError as error:
    raise ImportError("stomp_trio needs trio: pip install 'stomp-sansio[trio]'") from error
from .memory import memory_broker
from .server import Server, serve

__all__ = [
    "Client",
    "Lifecycle",
    "Message",
    "Server",
    "Subscription",
    "Transaction",
    "connect",
    "memory_broker",
    "serve",
]
__all__ += public.__all__
