"""ActiveMQ Classic from Debian: STOMP with and without TLS, and over WebSocket with what Maven has for it.

This file must not know what is asked of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.sax.saxutils import quoteattr

from .certificates import STORE_PASSWORD, Certificates
from .installing import CACHE, apt, debian_version, download, programs
from .process import HOST, Process, answers_stomp, free_ports, is_open
from .server import NOT_SPRING, Door, NotInstalled, Say, Server, Traits

__all__ = ["ActiveMQ"]

_HOME = Path("/usr/share/activemq")
_WEBSOCKET_POM = Path(__file__).resolve().parent / "activemq_websocket" / "pom.xml"
_WEBSOCKET = CACHE / "activemq-websocket"
_LOGGING = (Path("/usr/share/java/slf4j-jdk14.jar"), Path("/usr/share/java/slf4j-simple.jar"))

# They want each other, and one logging library too many.
_UNWANTED = ("log4j-1.2", "slf4j-log4j12", "shiro-")


class ActiveMQ(Server):
    """One broker."""

    name = "ActiveMQ Classic"
    traits = Traits(
        profile="activemq",
        refused="/queue/ActiveMQ.DLQ",
        bad_selector="((",
        lacks={
            "wrong-vhost": "the host header is ignored: there is one virtual host",
            **dict.fromkeys(("binary@ws", "binary@wss"), "a binary WebSocket message is not answered"),
            "split-frame": "it reads one frame of each WebSocket message, and that must be whole",
        },
        leaves_out={
            "vhosts": "there is one virtual host",
            "dead-letters": "where refused messages go is the server's setting: see nack",
            **NOT_SPRING,
        },
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.version()
        self.certificates = Certificates(self.folder / "tls")
        self.tcp, self.tls, self.ws, self.wss = free_ports(4)

    @classmethod
    def install(cls, say: Say) -> None:
        """Install Debian's package, and from Maven, if that can be had, what it leaves out."""
        apt(["activemq", "libslf4j-java"], say)
        if _websocket_jars():
            return
        try:
            programs({"mvn": "maven"}, say)
            say("fetching what ActiveMQ needs for WebSocket with mvn")
            groups = "org.eclipse.jetty,org.eclipse.jetty.websocket,javax.servlet"
            copy = ["mvn", "-q", "-B", "-f", str(_WEBSOCKET_POM), "dependency:copy-dependencies"]
            download([*copy, f"-DoutputDirectory={_WEBSOCKET}", f"-DincludeGroupIds={groups}"], say)
            download([*copy, f"-DoutputDirectory={_WEBSOCKET}", "-DincludeArtifactIds=activemq-http"], say)
        except NotInstalled as why:
            shutil.rmtree(_WEBSOCKET, ignore_errors=True)
            say(f"ActiveMQ goes without WebSocket: {why}")

    @classmethod
    def version(cls) -> str:
        """Ask dpkg."""
        version = debian_version("activemq")
        if not (_HOME / "lib" / "activemq-stomp.jar").exists():
            raise NotInstalled("Debian's package activemq holds no activemq-stomp.jar here")
        return version

    def start(self) -> None:
        """Write the configuration and start the broker."""
        folder = self.folder
        configuration = folder / "activemq.xml"
        configuration.write_text(self._configuration())
        places = {
            "activemq.home": _HOME,
            "activemq.base": folder,
            "activemq.conf": folder,
            "activemq.data": folder / "data",
            "java.io.tmpdir": folder,
        }
        self.process = Process(
            "activemq",
            [
                "java",
                "-Xms64M",
                "-Xmx384M",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                *(f"-D{name}={place}" for name, place in places.items()),
                "-classpath",
                ":".join(map(str, _jars())),
                "org.apache.activemq.console.Main",
                "start",
                f"xbean:file:{configuration}",
            ],
            folder=folder,
        )
        ports = [door.port for door in self.doors]
        self.process.wait_for(
            lambda: answers_stomp(self.tcp, "guest", "guest", "localhost") and all(map(is_open, ports))
        )

    @property
    def doors(self) -> tuple[Door, ...]:
        """STOMP with and without TLS, and the same over WebSocket if that is there."""
        context = self.certificates.client_context()
        plain = (
            Door("tcp", f"stomp://{HOST}:{self.tcp}", self.tcp),
            Door("tls", f"stomps://localhost:{self.tls}", self.tls, ssl=context),
        )
        if not _websocket_jars():
            return plain
        return (
            *plain,
            Door("ws", f"ws://{HOST}:{self.ws}/", self.ws),
            Door("wss", f"wss://localhost:{self.wss}/", self.wss, ssl=context),
        )

    def _configuration(self) -> str:
        store = quoteattr(f"file:{self.certificates.store}")
        password = quoteattr(STORE_PASSWORD)
        websocket = ""
        if _websocket_jars():
            # A WebSocket message may have 64 KiB by default.
            limit = "?websocket.maxTextMessageSize=2097152"
            websocket = (
                f'<transportConnector name="ws" uri="ws://{HOST}:{self.ws}{limit}"/>'
                f'<transportConnector name="wss" uri="wss://{HOST}:{self.wss}{limit}"/>'
            )
        return f"""<beans xmlns="http://www.springframework.org/schema/beans"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.springframework.org/schema/beans
      http://www.springframework.org/schema/beans/spring-beans.xsd
      http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="interop" useJmx="false"
      schedulerSupport="true" dataDirectory={quoteattr(str(self.folder / "data"))}>
    <destinationPolicy>
      <policyMap>
        <policyEntries>
          <policyEntry queue="&gt;" producerFlowControl="false" prioritizedMessages="true"/>
        </policyEntries>
      </policyMap>
    </destinationPolicy>
    <persistenceAdapter>
      <kahaDB directory={quoteattr(str(self.folder / "data" / "messages"))} journalMaxFileLength="8mb"/>
    </persistenceAdapter>
    <plugins>
      <simpleAuthenticationPlugin>
        <users><authenticationUser username="guest" password="guest" groups="users,admins"/></users>
      </simpleAuthenticationPlugin>
    </plugins>
    <sslContext>
      <sslContext keyStore={store} keyStoreType="PKCS12" keyStorePassword={password}/>
    </sslContext>
    <systemUsage>
      <systemUsage>
        <memoryUsage><memoryUsage limit="128 mb"/></memoryUsage>
        <storeUsage><storeUsage limit="1 gb"/></storeUsage>
        <tempUsage><tempUsage limit="256 mb"/></tempUsage>
      </systemUsage>
    </systemUsage>
    <transportConnectors>
      <transportConnector name="stomp" uri="stomp://{HOST}:{self.tcp}"/>
      <transportConnector name="stomps" uri="stomp+ssl://{HOST}:{self.tls}"/>
      {websocket}
    </transportConnectors>
  </broker>
</beans>
"""


def _websocket_jars() -> list[Path]:
    return sorted(_WEBSOCKET.glob("*.jar"))


def _jars() -> list[Path]:
    jars = [
        jar
        for folder in (_HOME / "lib", _HOME / "lib" / "optional")
        for jar in sorted(folder.glob("*.jar"))
        if not jar.name.startswith(_UNWANTED)
    ]
    jars += _websocket_jars()
    return [*jars, *[jar for jar in _LOGGING if jar.exists()][:1]]
