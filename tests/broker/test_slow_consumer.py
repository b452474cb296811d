"""One of 1,000 subscribers stops reading: the others get every message at the very same instant, what waits
for it never passes its limit, and it is parted with there.

In virtual time, where an instant is a number; `./dev bench broker` has the same in real time.
"""

from __future__ import annotations

import itertools

import pytest

from stomp_sansio.broker.events import BrokerEvent, ClientGone, MessageDropped
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.testing import Conditions, MemoryBroker, Network, Path
from tests.testing.echo import ADDRESS, Caller

SUBSCRIBERS = 1_000
MESSAGES = 24
BODY = 8_000
WINDOW = 16_384
"""What a connection holds by itself: a receive buffer, as that of a kernel."""
LIMIT = 65_536

HELLO = b"CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0"


class Crowd:
    """Subscribers of one topic, of whom the first may stop reading."""

    def __init__(self, *, slow: bool) -> None:
        path = Path(window=WINDOW)
        self.network = Network(conditions=lambda address, number: Conditions(there=path, back=path))
        self.broker = MemoryBroker(
            self.network, ADDRESS, options=BrokerOptions(slow_octets=LIMIT, heartbeat=(0.0, 0.0))
        )
        self.callers = [Caller(HELLO) for _ in range(SUBSCRIBERS)]
        hosts = [self.network.add(caller) for caller in self.callers]
        for host in hosts:
            host.kick()
        self.network.run(1.0)
        assert self.broker.statistics().subscriptions == SUBSCRIBERS
        if slow:
            self.callers[0].read(False)
            hosts[0].kick()
        self.largest = 0
        for number in range(MESSAGES):
            self.broker.send("/topic/a", b"%04d" % number + bytes(BODY))
            # Long enough for everybody who reads; whatever waits then, waits for the one who does not.
            self.network.run(0.25)
            self.largest = max(self.largest, self.broker.statistics().backlog)

    def arrivals(self, number: int) -> list[float]:
        """Return when octets came to a subscriber, behind CONNECTED."""
        return [instant for instant, what, _ in self.callers[number].told if what == "data"][1:]

    def bodies(self, number: int) -> list[int]:
        octets = bytes(*self.callers[number].heard.values())
        return [int(frame.partition(b"\n\n")[2][:4]) for frame in octets.split(b"\nMESSAGE\n")[1:]]

    def events(self, kind: type[BrokerEvent]) -> list[BrokerEvent]:
        return [event for event in self.broker.events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def calm() -> Crowd:
    return Crowd(slow=False)


@pytest.fixture(scope="module")
def troubled() -> Crowd:
    return Crowd(slow=True)


def test_the_others_get_every_message_at_the_same_instant(calm: Crowd, troubled: Crowd) -> None:
    assert len(calm.arrivals(1)) >= MESSAGES
    for number in range(1, SUBSCRIBERS):
        assert troubled.arrivals(number) == calm.arrivals(number)
    for number in (1, SUBSCRIBERS // 2, SUBSCRIBERS - 1):
        assert troubled.callers[number].heard == calm.callers[number].heard
    late = [max(b - a for a, b in itertools.pairwise(troubled.arrivals(n))) for n in range(1, SUBSCRIBERS)]
    assert max(late) < 0.3


def test_what_waits_for_it_never_passes_its_limit(calm: Crowd, troubled: Crowd) -> None:
    assert calm.largest == 0
    assert LIMIT - 2 * BODY < troubled.largest <= LIMIT


def test_it_is_parted_with_there(calm: Crowd, troubled: Crowd) -> None:
    assert calm.events(ClientGone) == []
    (gone,) = troubled.events(ClientGone)
    assert isinstance(gone, ClientGone)
    assert gone.reason == "it was too far behind"
    # The one message that it had no room for; then it is no subscriber any more.
    assert [type(event) for event in troubled.events(MessageDropped)] == [MessageDropped]
    assert troubled.broker.statistics().connections == SUBSCRIBERS - 1
    assert troubled.broker.statistics().backlog == 0
    assert len(troubled.bodies(0)) < MESSAGES
