"""`memory_broker`: the embedded broker without sockets, for tests under a clock of its own.

What lives here is a name; it must not know what a broker does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._runner import logger

if TYPE_CHECKING:
    from stomp_sansio.testing.memory_clients import WaitingMemoryBroker

__all__ = ["memory_broker"]


def memory_broker(**keywords: Any) -> WaitingMemoryBroker:
    """Return a broker in memory that is empty: `with broker.connect() as client` joins a client to it.

    `login(request)` says who may come in, `options` are those of a broker, and `conditions` says how
    connections fare, as that of `stomp_sansio.testing.Network`. Time passes while somebody waits, and by
    `broker.run(seconds)`; it is not the world's.
    """
    # Imported here: who needs no broker pays nothing for it.
    from stomp_sansio.testing.memory_clients import WaitingMemoryBroker

    return WaitingMemoryBroker(logger, **keywords)
