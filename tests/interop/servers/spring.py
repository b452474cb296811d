"""A Spring Boot application from Maven, with Spring's simple broker or a relay to RabbitMQ.

This file must not know what is asked of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

from stomp_sansio.protocol.versions import Version

from .installing import CACHE, download, programs
from .process import HOST, Process, free_ports, is_open
from .rabbitmq import RabbitMQ
from .server import NO_JMS, Door, NotInstalled, Say, Server, Traits

__all__ = ["Spring", "SpringRelay"]

_SOURCE = Path(__file__).resolve().parent / "spring"
_BUILD = CACHE / "spring"
_JAR = _BUILD / "target" / "stomp-interop.jar"

_TOMCAT = "Tomcat takes 8 KiB in one WebSocket message unless the application says more: split_above=8192"


class Spring(Server):
    """The application with the simple broker, which lives in its memory."""

    name = "Spring"
    traits = Traits(
        versions=(Version.V1_1, Version.V1_2),
        profile="spring",
        split_above=8192,
        lacks={
            "receipts": "the simple broker answers no receipt but DISCONNECT's",
            "whole-frame": _TOMCAT,
        },
        leaves_out={
            **dict.fromkeys(
                ("queues", "ack-auto", "ack-client", "ack-client-individual", "nack", "drain", "redelivery"),
                "the simple broker keeps nothing: every destination is a topic, and an ACK is ignored",
            ),
            **dict.fromkeys(
                ("commit", "abort", "transactional-ack"), "the simple broker ignores transactions"
            ),
            **dict.fromkeys(
                ("durable", "expiry", "priority", "delayed", "dead-letters"),
                "the simple broker keeps nothing",
            ),
            "wrong-login": "the simple broker asks for no login: an application refuses the HTTP request",
            "request": "there are no temporary destinations: an application answers to user destinations",
            "wrong-vhost": "there are no virtual hosts",
            "vhosts": "there are no virtual hosts",
            "error-frame": "needs a receipt to be told apart",
            **NO_JMS,
        },
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.version()
        (self.port,) = free_ports(1)

    @classmethod
    def install(cls, say: Say) -> None:
        """Build the application with Maven, in a copy of its folder."""
        programs({"mvn": "maven", "javac": "default-jdk-headless"}, say)
        sources = sorted(path for path in _SOURCE.rglob("*") if path.is_file())
        copies = [_BUILD / path.relative_to(_SOURCE) for path in sources]
        same = all(
            copy.exists() and copy.read_bytes() == path.read_bytes()
            for path, copy in zip(sources, copies, strict=True)
        )
        if same and _JAR.exists():
            return
        say("building a Spring Boot application with mvn in .interop/")
        _JAR.unlink(missing_ok=True)
        for path, copy in zip(sources, copies, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        download(["mvn", "-q", "-B", "-DskipTests", "package"], say, cwd=_BUILD)

    @classmethod
    def version(cls) -> str:
        """Return the version of Spring Boot."""
        if not _JAR.exists():
            raise NotInstalled("the application is not built in .interop/")
        if shutil.which("java") is None:
            raise NotInstalled("there is no java here")
        root = ElementTree.parse(_SOURCE / "pom.xml").getroot()  # our own file
        return root.findtext("{*}parent/{*}version", "?")

    def start(self) -> None:
        """Start the application."""
        self._run()

    def _run(self, *settings: str) -> None:
        self.process = Process(
            "spring",
            [
                "java",
                "-Xmx1G",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-jar",
                str(_JAR),
                f"--server.port={self.port}",
                f"--server.address={HOST}",
                *settings,
            ],
            folder=self.folder,
        )
        self.process.wait_for(lambda: is_open(self.port))

    @property
    def doors(self) -> tuple[Door, ...]:
        """Raw WebSocket, and each transport of SockJS alone."""
        at = f"{HOST}:{self.port}"
        return (
            Door("ws", f"ws://{at}/raw", self.port),
            Door("websocket", f"http://{at}/sockjs", self.port, ("websocket",), text_only=True),
            Door("xhr-streaming", f"http://{at}/sockjs", self.port, ("xhr-streaming",), text_only=True),
            Door("xhr-polling", f"http://{at}/sockjs", self.port, ("xhr-polling",), text_only=True),
        )


class SpringRelay(Spring):
    """The application with a RabbitMQ of its own behind it."""

    name = "Spring with a relay"
    traits = Traits(
        versions=(Version.V1_1, Version.V1_2),
        profile="rabbitmq",
        split_above=8192,
        bad_destination="/queue/a/b",
        lacks={
            "selector": RabbitMQ.traits.lacks["selector"],
            "whole-frame": _TOMCAT,
        },
        uneven={
            "xhr-polling": "another session's end was written into its answer, which Tomcat had recycled",
        },
        leaves_out={
            "wrong-login": "the application names the login",
            "wrong-vhost": "the application names the virtual host",
            "vhosts": "the application names the virtual host",
            **NO_JMS,
        },
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.broker = RabbitMQ(self.folder / "broker")

    @classmethod
    def install(cls, say: Say) -> None:
        """Install both."""
        RabbitMQ.install(say)
        super().install(say)

    def start(self) -> None:
        """Start the broker, then the application."""
        if self.broker.process is None or not self.broker.process.runs:
            self.broker.start()
        self._run(f"--interop.relay-port={self.broker.tcp}")
        assert self.process is not None, "it was started"
        process = self.process
        process.wait_for(lambda: process.said("available=true"))

    def stop(self) -> None:
        """End both."""
        super().stop()
        self.broker.stop()
