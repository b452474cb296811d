"""Our own broker, in a process of its own: every transport on one port, and the same with TLS on another.

Run as a program it is the broker; imported, it is how to start one. This file must not know what is asked of
it.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path

import trio

from stomp_sansio.broker.options import BrokerOptions

from .certificates import Certificates
from .process import HOST, Process, answers_stomp, free_ports, is_open
from .server import NO_JMS, NOT_SPRING, Door, NotInstalled, Say, Server, Traits

__all__ = ["OwnBroker"]


class OwnBroker(Server):
    """The embedded broker, with trio's adapter."""

    name = "our own broker"
    traits = Traits(
        vhost="/",
        other_vhost="/other",
        profile="rabbitmq",
        keeps=False,
        leaves_out={
            **dict.fromkeys(
                ("durable", "selector", "expiry", "priority", "delayed"),
                "it is for demos, tests and small tools",
            ),
            "dead-letters": "a message that was refused often enough goes to dead-letter.QUEUE by itself",
            **NO_JMS,
            **NOT_SPRING,
        },
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.version()
        self.certificates = Certificates(self.folder / "tls")
        self.port, self.tls = free_ports(2)

    @classmethod
    def install(cls, say: Say) -> None:
        """Do nothing: it is here."""

    @classmethod
    def version(cls) -> str:
        """Return the library's."""
        try:
            from stomp_trio import serve  # noqa: F401  # what there is to run
        except ImportError:
            raise NotInstalled("stomp_trio has no serve yet") from None
        return version_of("stomp-sansio")

    def start(self) -> None:
        """Start it."""
        program = Path(__file__).resolve()
        self.process = Process(
            "broker",
            [
                sys.executable,
                "-P",
                "-m",
                f"{__package__}.{program.stem}",
                str(self.port),
                str(self.tls),
                str(self.certificates.certificate),
                str(self.certificates.key),
            ],
            folder=self.folder,
        )
        self.process.wait_for(lambda: answers_stomp(self.port, "guest", "guest", "/") and is_open(self.tls))

    @property
    def doors(self) -> tuple[Door, ...]:
        """Plain STOMP, WebSocket and each transport of SockJS on one port; the first two with TLS as well."""
        context, at = self.certificates.client_context(), f"{HOST}:{self.port}"
        sockjs = ("websocket", "xhr-streaming", "xhr-polling")
        return (
            Door("tcp", f"stomp://{at}", self.port),
            Door("tls", f"stomps://localhost:{self.tls}", self.tls, ssl=context),
            Door("ws", f"ws://{at}/stomp/websocket", self.port),
            Door("wss", f"wss://localhost:{self.tls}/stomp/websocket", self.tls, ssl=context),
            *(Door(name, f"http://{at}/stomp", self.port, (name,), text_only=True) for name in sockjs),
        )


async def _serve(port: int, tls_port: int, certificate: str, key: str) -> None:
    from stomp_trio import serve

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    options = BrokerOptions(vhosts=("/", "/other"), heartbeat=(1.0, 1.0))
    login = {"guest": "guest"}
    async with (
        serve(HOST, port, login=login, options=options),
        serve(HOST, tls_port, ssl=context, login=login, options=options),
    ):
        await trio.sleep_forever()


def main(argv: Sequence[str]) -> None:
    """Serve until the end: PORT TLS_PORT CERTIFICATE KEY."""
    port, tls_port, certificate, key = argv
    trio.run(_serve, int(port), int(tls_port), certificate, key)


if __name__ == "__main__":
    main(sys.argv[1:])
