"""RabbitMQ from Debian: STOMP with and without TLS, Web STOMP, two virtual hosts; and members of a cluster.

This file must not know what is asked of it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from .certificates import Certificates
from .installing import apt, debian_version, run
from .process import HOST, Process, answers_stomp, free_ports, is_open
from .server import NO_JMS, NOT_SPRING, Door, Say, Server, Traits

__all__ = ["Epmd", "RabbitMQ"]

_PROGRAMS = Path("/usr/lib/rabbitmq/bin")

# Two cores and many idle nodes: no scheduler spins, and nothing but loopback hears us.
_ERLANG = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


class Epmd:
    """The name server of Erlang's nodes, our own, on a free port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        self._process = Process("epmd", ["epmd", "-port", str(self.port), "-address", HOST], folder=folder)
        self._process.wait_for(lambda: is_open(self.port))

    def stop(self) -> None:
        """End it."""
        self._process.stop(5)


class RabbitMQ(Server):
    """One node."""

    name = "RabbitMQ"
    traits = Traits(
        vhost="/",
        other_vhost="/other",
        profile="rabbitmq",
        max_unconfirmed={"ws": 200, "wss": 200},
        lacks={
            "selector": "the STOMP plugin has no selectors: every message is delivered",
        },
        leaves_out={
            **NO_JMS,
            **NOT_SPRING,
        },
    )

    def __init__(
        self,
        folder: Path,
        *,
        certificates: Certificates | None = None,
        node: str = "one",
        epmd: Epmd | None = None,
        cookie: str | None = None,
        peers: Sequence[str] = (),
    ) -> None:
        """`peers` are the names of all nodes of a cluster, which share a name server and a cookie."""
        super().__init__(folder)
        self.version()
        self.node = f"{node}@localhost"
        self.certificates = certificates or Certificates(self.folder / "tls")
        self._own_epmd = epmd is None
        self._epmd = epmd
        self._cookie = cookie or secrets.token_hex(16)
        self._peers = peers
        ports = free_ports(6)
        self.amqp, self.tcp, self.tls, self.ws, self.wss, self._distribution = ports

    @classmethod
    def install(cls, say: Say) -> None:
        """Install Debian's package."""
        apt(["rabbitmq-server"], say)

    @classmethod
    def version(cls) -> str:
        """Ask dpkg."""
        return debian_version("rabbitmq-server")

    def start(self) -> None:
        """Write the configuration and start the node."""
        self._configure()
        if self._epmd is None:
            self._epmd = Epmd(self.folder)
        self.process = Process(
            "rabbitmq",
            [str(_PROGRAMS / "rabbitmq-server")],
            folder=self.folder,
            environment=self._environment(),
        )
        self.process.wait_for(
            lambda: (
                answers_stomp(self.tcp, "guest", "guest", "/")
                and all(map(is_open, (self.tls, self.ws, self.wss)))
            )
        )

    def stop(self) -> None:
        """End the node, and its name server if that is its own."""
        super().stop()
        if self._own_epmd and self._epmd is not None:
            self._epmd.stop()
            self._epmd = None

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl and return what it printed."""
        assert self._epmd is not None, "it runs"
        settings = [f"{name}={value}" for name, value in self._environment().items()]
        return run(["env", *settings, str(_PROGRAMS / "rabbitmqctl"), "-n", self.node, *arguments])

    @property
    def doors(self) -> tuple[Door, ...]:
        """STOMP and Web STOMP, each with and without TLS."""
        context = self.certificates.client_context()
        return (
            Door("tcp", f"stomp://{HOST}:{self.tcp}", self.tcp),
            Door("tls", f"stomps://localhost:{self.tls}", self.tls, ssl=context),
            Door("ws", f"ws://{HOST}:{self.ws}/ws", self.ws),
            Door("wss", f"wss://localhost:{self.wss}/ws", self.wss, ssl=context),
        )

    def _environment(self) -> dict[str, str]:
        assert self._epmd is not None, "it runs before a node does"
        folder = self.folder
        return {
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd.port),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_USE_LONGNAME": "false",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
        }

    def _configure(self) -> None:
        folder, tls = self.folder, self.certificates
        for name in ("home", "mnesia", "log"):
            (folder / name).mkdir(exist_ok=True)
        cookie = folder / "home" / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(self._cookie)
            cookie.chmod(0o400)
        (folder / "advanced.config").write_text("[].\n")
        (folder / "enabled_plugins").write_text("[rabbitmq_stomp,rabbitmq_web_stomp].\n")
        (folder / "definitions.json").write_text(json.dumps(_definitions()))
        lines = {
            "listeners.tcp.1": f"{HOST}:{self.amqp}",
            "stomp.listeners.tcp.1": f"{HOST}:{self.tcp}",
            "stomp.listeners.ssl.1": f"{HOST}:{self.tls}",
            "web_stomp.tcp.ip": HOST,
            "web_stomp.tcp.port": str(self.ws),
            "web_stomp.ssl.ip": HOST,
            "web_stomp.ssl.port": str(self.wss),
            "load_definitions": str(folder / "definitions.json"),
            "log.console": "false",
            "disk_free_limit.absolute": "50MB",
        }
        for section in ("ssl_options", "web_stomp.ssl"):
            lines[f"{section}.cacertfile"] = str(tls.authority)
            lines[f"{section}.certfile"] = str(tls.certificate)
            lines[f"{section}.keyfile"] = str(tls.key)
        if self._peers:
            lines["cluster_formation.peer_discovery_backend"] = "classic_config"
            lines["cluster_formation.randomized_startup_delay_range.min"] = "0"
            lines["cluster_formation.randomized_startup_delay_range.max"] = "1"
            lines["cluster_partition_handling"] = "pause_minority"
            for number, peer in enumerate(self._peers, 1):
                lines[f"cluster_formation.classic_config.nodes.{number}"] = f"{peer}@localhost"
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        (folder / "rabbitmq.conf").write_text(text)


def _definitions() -> dict[str, object]:
    """Users and virtual hosts: guest may do everything, reader may only read."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [
            {"name": "guest", "password": "guest", "tags": "administrator"},
            {"name": "reader", "password": "reader", "tags": ""},
        ],
        "vhosts": [{"name": "/"}, {"name": "/other"}],
        "permissions": [
            {"user": "guest", "vhost": "/", **everything},
            {"user": "guest", "vhost": "/other", **everything},
            {"user": "reader", "vhost": "/", "configure": "", "write": "", "read": ".*"},
        ],
    }
