"""`MemoryBroker`: the embedded broker in a `Network`, for sessions to meet it in virtual time.

What lives here lets clients in and listens. It must not know who the clients are.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from ..broker.broker import Broker
from ..broker.entrance import Entrance, StreamEntrance
from ..broker.events import BrokerEvent, LoginAsked
from ..broker.options import BrokerOptions
from ..broker.statistics import Statistics
from ..links.plain import PlainLink
from ..machine import Address, TCPAddress
from ..protocol.events import ConnectRequest
from ..protocol.headers import HeaderPairs
from .network import Host, Network

__all__ = ["BROKER", "MemoryBroker"]

BROKER = TCPAddress("broker", 61613)
"""Where it listens, unless told otherwise: stomp://broker."""


class MemoryBroker:
    """A broker at an address of a network. Let others connect to it, and `run` the network.

    Nothing in it is left to chance: the same commands give the same octets.
    """

    events: list[BrokerEvent]
    """Everything that happened: who came and went, what was sent where."""

    def __init__(
        self,
        network: Network,
        address: Address = BROKER,
        *,
        login: Callable[[ConnectRequest], bool] = lambda request: True,
        options: BrokerOptions | None = None,
        entrance: Entrance | None = None,
    ) -> None:
        """Listen. `login` says who may come in; `entrance` makes peers of streams: it is plain STOMP unless
        given.
        """
        names = count(1)
        self.events = []
        self.broker = Broker(
            StreamEntrance([PlainLink.accepted]) if entrance is None else entrance,
            lambda: f"name-{next(names)}",
            options,
        )
        self._login = login
        self._host: Host[BrokerEvent] = network.add(self.broker, self._hear)
        network.listen(self._host, address)

    def send(self, destination: str, body: bytes = b"", *, headers: HeaderPairs = ()) -> None:
        """Send a message to whoever is subscribed, or to a queue.

        Raises:
            ValueError: there is no such destination, or a limit is reached. The caller is to blame.
        """
        self.broker.publish(destination, body, self._host.now, headers=headers)
        self._host.kick()

    def close(self) -> None:
        """End every connection in order, and accept none."""
        self.broker.close(self._host.now)
        self._host.kick()

    def statistics(self) -> Statistics:
        """Return what there is and what has been, in numbers."""
        return self.broker.statistics()

    def _hear(self, event: BrokerEvent) -> None:
        self.events.append(event)
        if isinstance(event, LoginAsked):
            if self._login(event.request):
                self.broker.accept(event.peer, self._host.now)
            else:
                self.broker.reject(event.peer, self._host.now)
