"""ActiveMQ Classic from Debian: STOMP with and without TLS.

This file must not know what is asked of it.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from .certificates import STORE_PASSWORD, Certificates
from .installing import apt, debian_version
from .process import HOST, Process, answers_stomp, free_ports, is_open
from .server import NOT_SPRING, Door, NotInstalled, Say, Server, Traits

__all__ = ["ActiveMQ"]

_HOME = Path("/usr/share/activemq")
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
        self.tcp, self.tls = free_ports(2)

    @classmethod
    def install(cls, say: Say) -> None:
        """Install Debian's package."""
        apt(["activemq", "libslf4j-java"], say)

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
        self.process.wait_for(
            lambda: answers_stomp(self.tcp, "guest", "guest", "localhost") and is_open(self.tls)
        )

    @property
    def doors(self) -> tuple[Door, ...]:
        """STOMP with and without TLS; Debian leaves out what WebSocket needs."""
        return (
            Door("tcp", f"stomp://{HOST}:{self.tcp}", self.tcp),
            Door(
                "tls",
                f"stomps://localhost:{self.tls}",
                self.tls,
                ssl=self.certificates.client_context(),
            ),
        )

    def _configuration(self) -> str:
        store = quoteattr(f"file:{self.certificates.store}")
        password = quoteattr(STORE_PASSWORD)
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
    </transportConnectors>
  </broker>
</beans>
"""


def _jars() -> list[Path]:
    jars = [
        jar
        for folder in (_HOME / "lib", _HOME / "lib" / "optional")
        for jar in sorted(folder.glob("*.jar"))
        if not jar.name.startswith(_UNWANTED)
    ]
    return [*jars, *[jar for jar in _LOGGING if jar.exists()][:1]]
