"""ActiveMQ Artemis from its distribution on Maven: STOMP with and without TLS, and over WebSocket.

This file must not know what is asked of it.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from .certificates import STORE_PASSWORD, Certificates
from .installing import CACHE, maven, programs
from .process import HOST, Process, answers_stomp, free_ports, is_open
from .server import NOT_SPRING, Door, NotInstalled, Say, Server, Traits

__all__ = ["Artemis"]

_VERSION = "2.40.0"
_HOME = CACHE / f"apache-artemis-{_VERSION}"


class Artemis(Server):
    """One broker."""

    name = "ActiveMQ Artemis"
    traits = Traits(
        profile="artemis",
        split_above=65536,
        bad_destination="",
        bad_headers={"priority": "high"},
        lacks={
            "wrong-vhost": "the host header is not compared with anything: there is one virtual host",
            "text-or-bytes": "each MESSAGE has its length: which body is text, only receivers with JMS see",
            **dict.fromkeys(
                ("whole-frame@ws", "whole-frame@wss"),
                "a WebSocket message may have 64 KiB unless the acceptor says more: split_above=65536",
            ),
            "nack": "a NACK discards the message: it is neither delivered again nor a dead letter",
            "transactional-ack": "its manual says so: an ACK is never part of a transaction",
        },
        leaves_out={
            "vhosts": "there is one virtual host",
            "dead-letters": "where refused messages go is the server's setting: no header's business",
            **NOT_SPRING,
        },
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.version()
        self.certificates = Certificates(self.folder / "tls")
        self.tcp, self.tls = free_ports(2)

    @classmethod
    def install(cls, say: Say) -> None:
        """Fetch the distribution and unpack it."""
        programs({"mvn": "maven", "java": "default-jre-headless"}, say)
        if _HOME.exists():
            return
        maven(f"org.apache.activemq:apache-artemis:{_VERSION}:tar.gz:bin", CACHE / "downloads", say)
        unpacked = CACHE / "unpacking"
        with tarfile.open(CACHE / "downloads" / f"apache-artemis-{_VERSION}-bin.tar.gz") as archive:
            archive.extractall(unpacked, filter="data")
        (unpacked / _HOME.name).rename(_HOME)
        unpacked.rmdir()

    @classmethod
    def version(cls) -> str:
        """Return the version that we fetch."""
        if not _HOME.exists():
            raise NotInstalled("its distribution is not in .interop/")
        if shutil.which("java") is None:
            raise NotInstalled("there is no java here")
        return _VERSION

    def start(self) -> None:
        """Write the configuration and start the broker."""
        settings = self.folder / "etc"
        settings.mkdir(exist_ok=True)
        for name, text in self._configuration().items():
            (settings / name).write_text(text)
        places = {
            "artemis.home": _HOME,
            "artemis.instance": self.folder,
            "data.dir": self.folder / "data",
            "java.security.auth.login.config": settings / "login.config",
            "log4j2.configurationFile": f"file:{settings / 'log4j2.properties'}",
        }
        self.process = Process(
            "artemis",
            [
                "java",
                "-Xms128M",
                "-Xmx512M",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
                *(f"-D{name}={place}" for name, place in places.items()),
                "-classpath",
                str(_HOME / "lib" / "artemis-boot.jar"),
                "org.apache.activemq.artemis.boot.Artemis",
                "run",
            ],
            folder=self.folder,
            environment={"ARTEMIS_INSTANCE_ETC": str(settings)},
        )
        self.process.wait_for(
            lambda: answers_stomp(self.tcp, "guest", "guest", "localhost") and is_open(self.tls)
        )

    @property
    def doors(self) -> tuple[Door, ...]:
        """STOMP and WebSocket on one port, and the same with TLS on another."""
        context = self.certificates.client_context()
        return (
            Door("tcp", f"stomp://{HOST}:{self.tcp}", self.tcp),
            Door("tls", f"stomps://localhost:{self.tls}", self.tls, ssl=context),
            Door("ws", f"ws://{HOST}:{self.tcp}/stomp", self.tcp),
            Door("wss", f"wss://localhost:{self.tls}/stomp", self.tls, ssl=context),
        )

    def _configuration(self) -> dict[str, str]:
        secure = (
            f"sslEnabled=true;keyStorePath={self.certificates.store};keyStoreType=PKCS12;"
            f"keyStorePassword={STORE_PASSWORD}"
        )
        # Names that begin so are topics or queues even for a client that does not say which it means.
        stomp = "protocols=STOMP;anycastPrefix=/queue/;multicastPrefix=/topic/"
        data = self.folder / "data"
        return {
            "broker.xml": f"""<configuration xmlns="urn:activemq">
  <core xmlns="urn:activemq:core">
    <name>interop</name>
    <persistence-enabled>true</persistence-enabled>
    <journal-type>NIO</journal-type>
    <paging-directory>{data}/paging</paging-directory>
    <bindings-directory>{data}/bindings</bindings-directory>
    <journal-directory>{data}/journal</journal-directory>
    <large-messages-directory>{data}/large</large-messages-directory>
    <journal-file-size>10M</journal-file-size>
    <journal-buffer-timeout>2000000</journal-buffer-timeout>
    <acceptors>
      <acceptor name="plain">tcp://{HOST}:{self.tcp}?{stomp}</acceptor>
      <acceptor name="secure">tcp://{HOST}:{self.tls}?{stomp};{secure}</acceptor>
    </acceptors>
    <security-settings>
      <security-setting match="#">
        {"".join(f'<permission type="{kind}" roles="amq"/>' for kind in _PERMISSIONS)}
      </security-setting>
    </security-settings>
    <address-settings>
      <address-setting match="#">
        <dead-letter-address>DLQ</dead-letter-address>
        <redelivery-delay>0</redelivery-delay>
        <max-delivery-attempts>10</max-delivery-attempts>
        <max-size-bytes>-1</max-size-bytes>
        <address-full-policy>PAGE</address-full-policy>
      </address-setting>
    </address-settings>
    <addresses>
      <address name="DLQ"><anycast><queue name="DLQ"/></anycast></address>
    </addresses>
  </core>
</configuration>
""",
            "bootstrap.xml": f"""<broker xmlns="http://activemq.apache.org/schema">
  <jaas-security domain="activemq"/>
  <server configuration="file:{self.folder}/etc/broker.xml"/>
</broker>
""",
            "management.xml": '<management-context xmlns="http://activemq.apache.org/schema"/>\n',
            "login.config": """activemq {
  org.apache.activemq.artemis.spi.core.security.jaas.PropertiesLoginModule required
    org.apache.activemq.jaas.properties.user="users.properties"
    org.apache.activemq.jaas.properties.role="roles.properties";
};
""",
            "users.properties": "guest = guest\n",
            "roles.properties": "amq = guest\n",
            "log4j2.properties": """rootLogger = WARN, console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c %m%n
""",
        }


_PERMISSIONS = (
    "createAddress",
    "deleteAddress",
    "createDurableQueue",
    "deleteDurableQueue",
    "createNonDurableQueue",
    "deleteNonDurableQueue",
    "send",
    "consume",
    "browse",
    "manage",
)
