"""What a scenario has in hand: one way into one server, one adapter, and names that nobody else uses.

This file must not know any scenario.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from stomp_sansio.profiles import activemq, artemis, rabbitmq

from .colours import Client, Colour
from .servers.server import Door, Server

__all__ = ["Exchange", "Gate", "Scenario", "expect"]


def expect(truth: object, what: str) -> None:
    """Fail a scenario, saying what was expected.

    Raises:
        AssertionError: it is not so.
    """
    if not truth:
        raise AssertionError(what)


class Gate:
    """Lets something happen to a server that many cells share: once, when all of them have come so far."""

    def __init__(self) -> None:
        self.arrived = 0
        self.opened = False


@dataclass
class Exchange:
    """One cell of the matrix."""

    colour: Colour
    server: Server
    door: Door
    gate: Gate | None = None

    def __post_init__(self) -> None:
        self.traits = self.server.traits
        self._prefix = f"interop-{secrets.token_hex(6)}"

    @property
    def confirms(self) -> bool:
        """Whether the server answers `receipt`."""
        return "receipts" not in self.traits.lacks

    def connect(self, *, port: int | None = None, **keywords: Any) -> AbstractAsyncContextManager[Client]:
        """Connect by this cell's door, or through a proxy at `port` in front of it."""
        usual: dict[str, Any] = {
            "login": self.traits.login,
            "passcode": self.traits.passcode,
            "vhost": self.traits.vhost,
            "transports": self.door.transports,
            "ssl": self.door.ssl,
            "split_above": self.traits.split_above,
            "reconnect": None,
            "receipt_timeout": 10,
        }
        url = self.door.url if port is None else self.door.through(port)
        return self.colour.connect(url, **(usual | keywords))

    def topic(self, name: str = "a") -> str:
        """Name a topic of this cell."""
        return f"{self.traits.topic}{self._prefix}-topic-{name}"

    def queue(self, name: str = "a") -> str:
        """Name a queue of this cell."""
        return f"{self.traits.queue}{self._prefix}-queue-{name}"

    def name(self, what: str) -> str:
        """Name anything else of this cell."""
        return f"{self._prefix}-{what}"

    async def send(self, client: Client, destination: str, body: bytes | str = b"", **keywords: Any) -> None:
        """Send, and wait for the confirmation where there is one."""
        await client.send(destination, body, receipt=self.confirms, **keywords)

    async def settled(self, client: Client) -> None:
        """Wait until the server has processed what this client has said."""
        if self.confirms:
            await client.send(self.topic("settled"), b"", receipt=True)
        else:
            await self.colour.sleep(0.5)

    async def receive(self, subscription: Any, seconds: float = 8) -> Any:
        """Take the next message."""
        return await self.colour.receive(subscription, seconds)

    async def bodies(self, subscription: Any, count: int) -> list[bytes]:
        """Take some messages; return their bodies."""
        return [(await self.receive(subscription)).body for _ in range(count)]

    async def nothing(self, subscription: Any, seconds: float = 0.5) -> None:
        """Expect that no message comes for some time."""
        try:
            message = await self.colour.receive(subscription, seconds)
        except TimeoutError:
            return
        raise AssertionError(f"a message that should not come: {message.body[:60]!r}")

    @property
    def persistent(self) -> dict[str, str]:
        """What SEND says of a message that is to survive a restart, where the server has a word for it."""
        match self.traits.profile:
            case "rabbitmq":
                return rabbitmq.send(persistent=True)
            case "activemq":
                return activemq.send(persistent=True)
            case "artemis":
                return artemis.send(persistent=True)
            case _:
                return {}

    def prefetch(self, count: int) -> dict[str, str]:
        """Let several messages come before the first ACK, where a server would send one, or all there are."""
        match self.traits.profile:
            case "rabbitmq":
                return rabbitmq.subscribe(prefetch=count)
            case "activemq":
                return activemq.subscribe(prefetch=count)
            case _:
                return {}

    async def pass_gate(self) -> None:
        """Say that this cell has come so far, and wait until what all wait for has happened."""
        assert self.gate is not None, "the scenario is one for all cells at once"
        self.gate.arrived += 1
        while not self.gate.opened:
            await self.colour.sleep(0.1)


@dataclass(frozen=True)
class Scenario:
    """Something that is tried in every cell."""

    name: str
    """What the matrix calls it."""
    what: str
    """The same for people."""
    play: Callable[[Exchange], Any]
    idles: bool = False
    """Whether it waits most of its time, so that all cells do it side by side."""
    event: str | None = None
    """What happens to the server in the middle, once for all cells: "restart"."""
    seconds: float = 45
    """How long it may take."""
    only: frozenset[str] = frozenset()
    """The transports over which it makes sense; empty for all."""
    why_only: str = ""
    """What other transports lack."""
