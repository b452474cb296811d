"""For the tests of whoever uses this library: connections in pairs, and machines in a world without a clock.

`Pair` joins the two sides of one connection; `Network` runs any number of machines, with latency, cuts and
losses, in virtual time; `MemoryBroker` is the embedded broker in there, and `memory_broker` one that clients
are joined to.
"""

from .conditions import Conditions, Cut, Path
from .memory_broker import MemoryBroker
from .memory_clients import WaitingMemoryBroker as memory_broker  # noqa: N813  # it is called like a function
from .network import Attempt, Host, Livelock, Network
from .pair import Exchanged, Pair
from .server import Server
from .wire import Wire

__all__ = [
    "Attempt",
    "Conditions",
    "Cut",
    "Exchanged",
    "Host",
    "Livelock",
    "MemoryBroker",
    "Network",
    "Pair",
    "Path",
    "Server",
    "Wire",
    "memory_broker",
]
