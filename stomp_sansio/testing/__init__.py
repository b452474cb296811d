"""For the tests of whoever uses this library: connections in pairs, and machines in a world without a clock.

`Pair` joins the two sides of one connection; `Network` runs any number of machines, with latency, cuts and
losses, in virtual time.
"""

from .conditions import Conditions, Cut, Path
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
    "Network",
    "Pair",
    "Path",
    "Server",
    "Wire",
]
