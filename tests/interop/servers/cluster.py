"""Three nodes of RabbitMQ on one machine, one cluster: what to start, in which order, and how to lose one.

This file must not know what is asked of it.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .certificates import Certificates
from .rabbitmq import Epmd, RabbitMQ
from .server import Door

__all__ = ["Cluster"]

_NAMES = ("one", "two", "three")


class Cluster:
    """Three nodes that share a name server, a cookie and certificates."""

    def __init__(self, folder: Path) -> None:
        """Choose ports; nothing runs yet but the name server.

        Raises:
            NotInstalled: there is no RabbitMQ here.
        """
        RabbitMQ.version()
        folder.mkdir(parents=True, exist_ok=True)
        self._epmd = Epmd(folder)
        certificates, cookie = Certificates(folder / "tls"), secrets.token_hex(16)
        self.nodes = [
            RabbitMQ(
                folder / name,
                certificates=certificates,
                node=name,
                epmd=self._epmd,
                cookie=cookie,
                peers=_NAMES,
            )
            for name in _NAMES
        ]

    def start(self) -> None:
        """Start the first node, then the others at the same time: each joins the one that is there.

        Raises:
            DidNotStart: a node did not come up.
        """
        first, *others = self.nodes
        first.start()
        with ThreadPoolExecutor(len(others)) as pool:
            for started in [pool.submit(node.start) for node in others]:
                started.result()

    def stop(self) -> None:
        """End all nodes at the same time, then the name server."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            for stopped in [pool.submit(node.stop) for node in self.nodes]:
                stopped.result()
        self._epmd.stop()

    @property
    def doors(self) -> list[Door]:
        """The plain door of each node, in order."""
        return [node.doors[0] for node in self.nodes]

    def members(self) -> int:
        """Return how many nodes the first one sees running, itself among them."""
        names = self.nodes[0].control("eval", "length(rabbit_nodes:all_running()).")
        return int(names.split()[-1])
