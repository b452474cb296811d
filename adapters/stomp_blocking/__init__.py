"""STOMP for threads, a thin adapter over stomp_sansio: `with stomp_blocking.connect(URL) as client`."""

from stomp_sansio.client import public
from stomp_sansio.client.public import *  # noqa: F403  # the names are listed there, once for all adapters
from stomp_sansio.client.waiting import Client, Lifecycle, Message, Subscription, Transaction

from .client import connect
from .memory import memory_broker

__all__ = ["Client", "Lifecycle", "Message", "Subscription", "Transaction", "connect", "memory_broker"]
__all__ += public.__all__
