"""What every server is to the scenarios: how to have it, how to run it, where it listens, and what it lacks.

This file must not know any one server.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from stomp_sansio.protocol.versions import ALL_VERSIONS, Version

from .process import Process

__all__ = ["NOT_SPRING", "NO_JMS", "Door", "NotInstalled", "Say", "Server", "Traits"]

NOT_SPRING = dict.fromkeys(
    ("greeting", "user-destination", "application-answers", "wrong-origin"),
    "an application of Spring's answers there",
)
"""What only an application answers."""

NO_JMS = {"text-or-bytes": "a body is octets to it: only servers with JMS tell text from bytes"}
"""What only a server with JMS knows."""

Say = Callable[[str], None]


class NotInstalled(Exception):
    """A server cannot be had here; the message says why, in half a line."""


@dataclass(frozen=True)
class Door:
    """One way into a server."""

    transport: str
    """What the matrix calls it: tcp, tls, ws, wss, or a transport of SockJS."""
    url: str
    port: int
    """Where it listens, for a proxy in between."""
    transports: tuple[str, ...] = ("websocket", "xhr-streaming", "xhr-polling")
    """The transports of SockJS that may be used."""
    text_only: bool = False
    """Whether it is SockJS, which carries nothing but UTF-8."""
    ssl: ssl.SSLContext | None = None

    def through(self, port: int) -> str:
        """Return the URL with a proxy's port in place of the server's."""
        return self.url.replace(f":{self.port}", f":{port}", 1)


@dataclass(frozen=True)
class Traits:
    """What a server is like, for scenarios that it would be unfair to ask the same of every server."""

    login: str | None = "guest"
    passcode: str | None = "guest"
    vhost: str | None = None
    other_vhost: str | None = None
    """A second virtual host, for servers that have them."""
    versions: tuple[Version, ...] = ALL_VERSIONS
    topic: str = "/topic/"
    """What the names of topics begin with; a message for a topic reaches every subscriber."""
    queue: str = "/queue/"
    """What the names of queues begin with; a message for a queue reaches one subscriber."""
    profile: str = ""
    """The module of stomp_sansio.profiles that knows its headers."""
    refused: str | None = None
    """Where messages go that were refused; None where they are delivered again."""
    keeps: bool = True
    """Whether persistent messages survive a restart."""
    bad_destination: str = "/nowhere/a"
    """A destination that the server answers with ERROR; "" where every name is one."""
    bad_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers of SEND that the server answers with ERROR."""
    bad_selector: str | None = None
    """A selector that the server answers with ERROR, where it takes every SEND."""
    largest: int = 1024 * 1024
    """Octets of the largest body that is tried."""
    split_above: int | None = None
    """Octets of the largest WebSocket message that it takes, where that is few: clients have to split."""
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])
    """Scenarios that cannot succeed here, by name or as name@transport, and why: each is run, and must
    fail.
    """
    leaves_out: Mapping[str, str] = field(default_factory=dict[str, str])
    """Scenarios that make no sense here, by name, and why: they are not run."""

    max_unconfirmed: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many messages may await their receipts at a time, by transport, where clients have to mind that."""
    uneven: Mapping[str, str] = field(default_factory=dict[str, str])
    """Transports over which the server now and then ends a connection that did nothing wrong, and why: a
    scenario that fails so is played once more.
    """

    def why_not(self, scenario: str, transport: str) -> str | None:
        """Return why a scenario must fail over a transport, or None."""
        return self.lacks.get(scenario) or self.lacks.get(f"{scenario}@{transport}")


class Server(ABC):
    """A server on free ports, with everything that it writes in one folder."""

    name: ClassVar[str]
    """What the matrix calls it."""
    traits: ClassVar[Traits]

    def __init__(self, folder: Path) -> None:
        """Choose ports and write configuration; nothing runs yet.

        Raises:
            NotInstalled: it cannot be had here.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.process: Process | None = None

    @classmethod
    @abstractmethod
    def install(cls, say: Say) -> None:
        """Bring it onto this machine if it is not there, saying first what is done.

        Raises:
            NotInstalled: it cannot be had.
        """

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Return its version.

        Raises:
            NotInstalled: it is not here.
        """

    @abstractmethod
    def start(self) -> None:
        """Start it, on the same ports each time, and return when it answers.

        Raises:
            DidNotStart: it did not come up.
        """

    @property
    @abstractmethod
    def doors(self) -> tuple[Door, ...]:
        """All ways in."""

    def stop(self) -> None:
        """End it in order. Harmless when it does not run."""
        if self.process is not None:
            self.process.stop()

    def kill(self) -> None:
        """End it without notice; what is on disk stays."""
        assert self.process is not None, "it was started"
        self.process.kill()

    def pause(self) -> None:
        """Freeze it."""
        assert self.process is not None, "it was started"
        self.process.pause()

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None, "it was started"
        self.process.resume()
