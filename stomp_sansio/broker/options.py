"""How a broker behaves: every choice, its default, and why that one.

One frozen object is passed to everything in here. This file must not know who reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..protocol.limits import KIB, MIB, Limits
from ..records import field, names_of, record

__all__ = ["BrokerOptions"]


@record(kw_only=True)
class BrokerOptions:
    """What a `Broker` is told. Times are in seconds, sizes in octets; no limit can be switched off.

    Raises:
        ValueError: one of them cannot be used.
    """

    server: str = "stomp-sansio"
    """The `server` header of CONNECTED: name and version, for people."""

    vhosts: Sequence[str] | None = None
    """The virtual hosts, each with destinations of its own: what `host` of CONNECT must name; a client that
    names none gets the first one. None: all clients share one, whatever they name, since most name the host
    that they dialled.
    """

    heartbeat: tuple[float, float] = (10.0, 10.0)
    """How often we can send something, and how often we want to hear something; 0 is never."""

    heartbeat_tolerance: float = 2.0
    """A silent client is given up after so many times the agreed interval, and one second."""

    open_timeout: float = 10.0
    """From a stream that carries octets to the answer to CONNECT: as long as clients wait."""

    slow_octets: int = 512 * KIB
    """What may wait for one client. One that is further behind is dropped, so that nobody waits for it; the
    same number as Spring's. A message of a quarter of this, or more, is not counted before it is queued.
    """

    slow_seconds: float = 10.0
    """How long octets may wait for a client; the same number as Spring's."""

    max_connections: int = 10_000

    max_queue_messages: int = 10_000
    """Messages that wait in one queue, those that await their ACK aside. SEND of one more is an error."""

    max_queue_octets: int = 64 * MIB
    """Octets that wait in one queue."""

    max_waiting_octets: int = 256 * MIB
    """Octets that wait in all queues of a virtual host, or await their ACK."""

    max_queues: int = 10_000
    """Queues of a virtual host. One that is empty, and has no subscriber, is none."""

    max_transaction_frames: int = 1_000
    """SEND, ACK and NACK frames in one transaction."""

    max_transaction_octets: int = 16 * MIB
    """Octets of the messages in all open transactions of one client."""

    prefetch: int = 1_000
    """Messages of one subscription that may await their ACK, unless it says `prefetch-count`."""

    max_nacks: int = 5
    """The NACK that moves a message to the dead letters: until then it goes to the end of its line."""

    dead_letters: str = "dead-letter."
    """In front of the name of a queue, this is the queue of its dead letters."""

    limits: Limits = field(default_factory=Limits.server)
    """What a client can make its connection hold."""

    def __post_init__(self) -> None:
        for name in names_of(self):
            value = getattr(self, name)
            if type(value) is int and value < 1:
                raise ValueError(f"BrokerOptions.{name} is {value!r}: pass a whole number of at least 1")
        for name in ("open_timeout", "slow_seconds"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(
                    f"BrokerOptions.{name} is {getattr(self, name)!r}: pass seconds, more than 0"
                )
        if self.vhosts is not None and not self.vhosts:
            raise ValueError("BrokerOptions.vhosts is empty: name one, or pass None for a single one")
        if not self.dead_letters:
            raise ValueError("BrokerOptions.dead_letters is empty: dead letters need a queue of their own")
