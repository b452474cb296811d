"""sockjs-node in front of RabbitMQ: real SockJS, with each of its transports forced.

This file must not know what is asked of it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .installing import CACHE, download, programs
from .process import HOST, Process, answers_stomp, free_ports, is_open
from .rabbitmq import RabbitMQ
from .server import Door, NotInstalled, Say, Server, Traits

__all__ = ["SockJSNode"]

_SOURCE = Path(__file__).resolve().parent / "sockjs_node"
_HOME = CACHE / "sockjs-node"
_FILES = ("package.json", "package-lock.json", "bridge.mjs")


class SockJSNode(Server):
    """The bridge, and a RabbitMQ of its own behind it."""

    name = "sockjs-node"
    traits = Traits(
        vhost="/",
        other_vhost="/other",
        profile="rabbitmq",
        lacks={
            "selector": RabbitMQ.traits.lacks["selector"],
            "binary@ws": "the bridge passes on text, as SockJS does",
        },
        leaves_out=RabbitMQ.traits.leaves_out,
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.version()
        self.broker = RabbitMQ(self.folder / "broker")
        (self.port,) = free_ports(1)

    @classmethod
    def install(cls, say: Say) -> None:
        """Install what the lock file names, beside a copy of the bridge."""
        RabbitMQ.install(say)
        programs({"node": "nodejs", "npm": "npm"}, say)
        _HOME.mkdir(parents=True, exist_ok=True)
        fresh = _HOME / "node_modules" / "sockjs" / "package.json"
        same = all(
            (_HOME / name).exists() and (_HOME / name).read_bytes() == (_SOURCE / name).read_bytes()
            for name in _FILES
        )
        if same and fresh.exists():
            return
        say("installing sockjs with npm ci into .interop/")
        for name in _FILES:
            shutil.copy(_SOURCE / name, _HOME / name)
        download(["npm", "ci", "--no-audit", "--no-fund"], say, cwd=_HOME)

    @classmethod
    def version(cls) -> str:
        """Read it from the installed package."""
        RabbitMQ.version()
        if shutil.which("node") is None:
            raise NotInstalled("there is no node here")
        try:
            package = json.loads((_HOME / "node_modules" / "sockjs" / "package.json").read_text())
        except OSError:
            raise NotInstalled("sockjs is not in .interop/") from None
        return str(package["version"])

    def start(self) -> None:
        """Start the broker, then the bridge."""
        if self.broker.process is None or not self.broker.process.runs:
            self.broker.start()
        self.process = Process(
            "bridge",
            ["node", str(_HOME / "bridge.mjs"), str(self.port), str(self.broker.tcp)],
            folder=self.folder,
        )
        self.process.wait_for(lambda: is_open(self.port))
        assert answers_stomp(self.broker.tcp, "guest", "guest", "/"), "the broker was started"

    def stop(self) -> None:
        """End both."""
        super().stop()
        self.broker.stop()

    @property
    def doors(self) -> tuple[Door, ...]:
        """Each transport of SockJS alone, the endpoint without WebSocket, and raw WebSocket."""
        at = f"{HOST}:{self.port}"
        return (
            Door("websocket", f"http://{at}/stomp", self.port, ("websocket",), text_only=True),
            Door("xhr-streaming", f"http://{at}/stomp", self.port, ("xhr-streaming",), text_only=True),
            Door("xhr-polling", f"http://{at}/stomp", self.port, ("xhr-polling",), text_only=True),
            Door("fallback", f"http://{at}/no-websocket", self.port, text_only=True),
            Door("recycling", f"http://{at}/recycling", self.port, ("xhr-streaming",), text_only=True),
            Door("ws", f"ws://{at}/stomp/websocket", self.port),
        )
