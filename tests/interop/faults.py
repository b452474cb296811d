"""Many messages with receipts while something bad happens to a server, or to the way to it; then a count.

Published and consumed at the same time, both through the fault. This file must not know one server from
another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from stomp_sansio.profiles import rabbitmq
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.errors import MessageExpired

from .colours import Colour
from .exchange import Exchange
from .proxy import Proxy
from .servers.cluster import Cluster
from .servers.server import Door, Server

__all__ = ["FAULTS", "HEARTBEAT", "Count", "Fault", "play_cluster", "play_fault"]

HEARTBEAT = 2.0
"""Seconds, both ways: silence must be noticed within twice that and a second more."""

_WINDOW = 2000
"""How many messages may await their receipts at a time."""

_BACKOFF = Backoff(initial=0.1, cap=1.0)


@dataclass(frozen=True)
class Loss:
    """A connection that was lost."""

    when: float
    """By the clock of `time.monotonic`."""
    error: Exception
    silent_since: float | None = None
    """When the server had been heard for the last time, by the same clock; None if nobody knows."""


@dataclass
class Count:
    """What was sent, what came, and how often the connection was lost."""

    sent: int
    confirmed: int = 0
    unknown: int = 0
    """Sent, and neither confirmed nor refused: the library says so for each."""
    deliveries: int = 0
    received: set[int] = field(default_factory=set[int])
    misordered: int = 0
    """First deliveries that came behind a later one."""
    losses: list[Loss] = field(default_factory=list["Loss"])
    faults: list[float] = field(default_factory=list[float])
    """When something was done, by the same clock."""
    seconds: float = 0.0
    confirmed_numbers: set[int] = field(default_factory=set[int])

    @property
    def lost(self) -> int:
        """How many were confirmed and never came."""
        return len(self.confirmed_numbers - self.received)

    @property
    def duplicates(self) -> int:
        """How many deliveries were not the first of their message."""
        return self.deliveries - len(self.received)

    @property
    def noticed_after(self) -> float | None:
        """Seconds to the first loss that was noticed, from the first fault, or from the last octet that came
        after it.
        """
        if not self.faults:
            return None
        for loss in self.losses:
            if loss.when >= self.faults[0]:
                return loss.when - max(self.faults[0], loss.silent_since or self.faults[0])
        return None

    def __str__(self) -> str:
        noticed = self.noticed_after
        return (
            f"sent {self.sent}, confirmed {self.confirmed}, unknown {self.unknown}, lost {self.lost}, "
            f"duplicates {self.duplicates}, out of order {self.misordered}, "
            f"connections lost {len(self.losses)}"
            + (f", the first after {noticed:.1f} s" if noticed is not None else "")
            + f", {self.seconds:.0f} s"
        )


@dataclass(frozen=True)
class Fault:
    """Something that is done while messages flow."""

    name: str
    what: str
    do: Callable[[Server, Proxy, Count], None]
    reset_after: int | None = None
    """After how many octets from the server the proxy resets a connection."""
    notices: bool = False
    """Whether heart-beats alone can notice it."""


def _kill(server: Server, proxy: Proxy, count: Count) -> None:
    count.faults.append(time.monotonic())
    server.kill()
    server.start()


def _kill_for_good(server: Server, proxy: object, count: Count) -> None:
    count.faults.append(time.monotonic())
    server.kill()


def _pause(server: Server, proxy: Proxy, count: Count) -> None:
    count.faults.append(time.monotonic())
    server.pause()
    time.sleep(4 * HEARTBEAT)
    server.resume()


def _stall(server: Server, proxy: Proxy, count: Count) -> None:
    count.faults.append(time.monotonic())
    proxy.stall()
    time.sleep(4 * HEARTBEAT)
    proxy.reset()
    proxy.flow()


def _nothing(server: Server, proxy: Proxy, count: Count) -> None:
    pass


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("kill", "the server is killed (SIGKILL) and started again", _kill),
        Fault("pause", "the server is frozen for a while (SIGSTOP)", _pause, notices=True),
        Fault("reset", "a proxy resets each connection after 300,000 octets", _nothing, 300_000),
        Fault("stall", "a proxy passes nothing on for a while", _stall, notices=True),
    )
}
"""All of them, by name."""


def play_fault(
    fault: Fault, server: Server, door: Door, colour: Colour, messages: int, *, seconds: float = 300
) -> Count:
    """Send messages through a fault, consume them through it, and count.

    Raises:
        TimeoutError: not everything that was confirmed came within some seconds.
    """
    count = Count(messages)
    started = time.monotonic()
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(door.port, reset_after=fault.reset_after))
        exchange = Exchange(colour, server, door)
        culprit = threading.Thread(target=_act, args=(fault, server, proxy, count), daemon=True)
        culprit.start()

        def noted(error: Exception, ours: bool) -> bool:
            count.losses.append(Loss(time.monotonic(), error, proxy.silent_since))
            return ours

        keywords: dict[str, Any] = {
            "port": proxy.port,
            "max_unconfirmed": server.traits.max_unconfirmed.get(door.transport, _WINDOW),
            "heartbeat": (HEARTBEAT, HEARTBEAT),
            "reconnect": _BACKOFF,
            "receipt_timeout": seconds,
            "should_retry": noted,
        }

        def connect() -> Any:
            return exchange.connect(**keywords)

        _exchange(exchange, connect, exchange.queue("faults"), {}, count, seconds)
        culprit.join()
    count.seconds = time.monotonic() - started
    return count


def play_cluster(cluster: Cluster, colour: Colour, messages: int, *, seconds: float = 300) -> Count:
    """Send messages into a quorum queue and consume them, while the node that both talk to is killed.

    Raises:
        TimeoutError: not everything that was confirmed came within some seconds.
    """
    count = Count(messages)
    started = time.monotonic()
    first = cluster.nodes[0]
    exchange = Exchange(colour, first, cluster.doors[0])
    fault = Fault("node", "the node that the client talks to is killed", _kill_for_good)
    culprit = threading.Thread(target=_act, args=(fault, first, None, count), daemon=True)
    culprit.start()

    def noted(error: Exception, ours: bool) -> bool:
        count.losses.append(Loss(time.monotonic(), error))
        return ours

    def connect() -> Any:
        return colour.connect(
            [door.url for door in cluster.doors],
            login=first.traits.login,
            passcode=first.traits.passcode,
            vhost=first.traits.vhost,
            heartbeat=(HEARTBEAT, HEARTBEAT),
            reconnect=_BACKOFF,
            receipt_timeout=seconds,
            should_retry=noted,
        )

    quorum = rabbitmq.queue(kind="quorum", durable=True, auto_delete=False)
    _exchange(exchange, connect, exchange.queue("quorum"), quorum, count, seconds)
    culprit.join()
    count.seconds = time.monotonic() - started
    return count


def _exchange(
    exchange: Exchange,
    connect: Callable[[], Any],
    destination: str,
    declared: dict[str, str],
    count: Count,
    seconds: float,
) -> None:
    """Publish and consume at the same time, each by a client of its own."""

    async def publish() -> None:
        async with connect() as client:
            await _publish(client, destination, declared, count)

    async def consume() -> None:
        async with connect() as client:
            await _consume(exchange, client, destination, declared, count, seconds)

    async def both() -> None:
        await exchange.colour.within(seconds, lambda: exchange.colour.together(publish, consume))

    exchange.colour.run(both)


def _act(fault: Fault, server: Server, proxy: Any, count: Count) -> None:
    """Wait until a third is confirmed, then do it."""
    while count.confirmed < count.sent / 3:
        time.sleep(0.01)
    fault.do(server, proxy, count)


async def _publish(client: Any, destination: str, declared: dict[str, str], count: Count) -> None:
    tickets: list[tuple[int, Any]] = []
    headers = declared | {"persistent": "true"}
    for number in range(count.sent):
        ticket = client.send_soon(destination, b"%d" % number, headers=headers)
        tickets.append((number, ticket))
        if len(tickets) >= _WINDOW:
            await _settle(client, tickets[: _WINDOW // 2], count)
            del tickets[: _WINDOW // 2]
    await _settle(client, tickets, count)


async def _settle(client: Any, tickets: Sequence[tuple[int, Any]], count: Count) -> None:
    for number, ticket in tickets:
        try:
            await client.settled(ticket)
        except Exception:  # whatever it is, the message is not confirmed
            count.unknown += 1
        else:
            count.confirmed += 1
            count.confirmed_numbers.add(number)


async def _consume(
    exchange: Exchange,
    client: Any,
    destination: str,
    declared: dict[str, str],
    count: Count,
    seconds: float,
) -> None:
    """Take messages until all have come, or none does any more."""
    newest = -1
    headers = declared | exchange.prefetch(100)
    async with client.subscribe(destination, ack="client-individual", headers=headers) as messages:
        while len(count.received) < count.sent:
            # When all that can be confirmed is, what is missing will not come later than this.
            settled = count.confirmed + count.unknown == count.sent
            try:
                message = await exchange.receive(messages, 15 if settled else seconds)
            except TimeoutError:
                if settled or count.confirmed + count.unknown < count.sent:
                    return
                continue
            number = int(message.body)
            count.deliveries += 1
            if number not in count.received:
                count.received.add(number)
                if number < newest:
                    count.misordered += 1
                newest = max(newest, number)
            try:
                await message.ack()
            except MessageExpired:
                continue
