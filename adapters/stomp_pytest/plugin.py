"""The fixtures of the pytest plugin: `stomp_broker`, and clients in three colours.

pytest imports this in every run of whoever has the package installed, so it must not import anything heavy:
what a fixture needs is imported when a test first asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    import stomp_asyncio
    import stomp_blocking
    import stomp_trio

    from .running import RunningBroker

__all__ = [
    "ConnectAsyncio",
    "ConnectBlocking",
    "ConnectTrio",
    "stomp_asyncio_connect",
    "stomp_blocking_client",
    "stomp_blocking_connect",
    "stomp_broker",
    "stomp_trio_connect",
]


class ConnectTrio(Protocol):
    """What `stomp_trio_connect` is."""

    def __call__(self, transport: str = "tcp", **keywords: Any) -> stomp_trio.connect:
        """Return `stomp_trio.connect` to the broker of this test; see `RunningBroker.urls` for transports."""
        ...


class ConnectAsyncio(Protocol):
    """What `stomp_asyncio_connect` is."""

    def __call__(self, transport: str = "tcp", **keywords: Any) -> stomp_asyncio.connect:
        """Return `stomp_asyncio.connect` to the broker of this test; see `RunningBroker.urls` for
        transports.
        """
        ...


class ConnectBlocking(Protocol):
    """What `stomp_blocking_connect` is."""

    def __call__(self, transport: str = "tcp", **keywords: Any) -> stomp_blocking.connect:
        """Return `stomp_blocking.connect` to the broker of this test; see `RunningBroker.urls` for
        transports.
        """
        ...


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        "stomp_broker(**keywords): start the broker of this test with these keywords of serve(), such as "
        "login={'ada': 'secret'} or options=BrokerOptions(...)",
    )


@pytest.fixture(scope="session")
def _stomp_broker() -> Iterator[RunningBroker]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    from .running import RunningBroker

    with RunningBroker() as broker:
        yield broker


@pytest.fixture
def stomp_broker(request: pytest.FixtureRequest, _stomp_broker: RunningBroker) -> Iterator[RunningBroker]:
    """A STOMP broker that runs in the background of this process, empty at the beginning of each test.

    Its addresses are the same for the whole run: `stomp_broker.url` and `stomp_broker.urls`. It tells what
    was sent where, and can misbehave; see `stomp_pytest.running.RunningBroker`.
    """
    keywords: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("stomp_broker"))):
        keywords.update(marker.kwargs)
    _stomp_broker.restart(**keywords)
    yield _stomp_broker
    _stomp_broker.stop()


@pytest.fixture
def stomp_trio_connect(stomp_broker: RunningBroker) -> ConnectTrio:
    """`stomp_trio.connect` to the broker: `async with stomp_trio_connect() as client`."""
    import stomp_trio

    def connect(transport: str = "tcp", **keywords: Any) -> stomp_trio.connect:
        return stomp_trio.connect(stomp_broker.urls[transport], **stomp_broker.keywords(transport, keywords))

    return connect


@pytest.fixture
def stomp_asyncio_connect(stomp_broker: RunningBroker) -> ConnectAsyncio:
    """`stomp_asyncio.connect` to the broker: `async with stomp_asyncio_connect() as client`."""
    import stomp_asyncio

    def connect(transport: str = "tcp", **keywords: Any) -> stomp_asyncio.connect:
        return stomp_asyncio.connect(
            stomp_broker.urls[transport], **stomp_broker.keywords(transport, keywords)
        )

    return connect


@pytest.fixture
def stomp_blocking_connect(stomp_broker: RunningBroker) -> ConnectBlocking:
    """`stomp_blocking.connect` to the broker: `with stomp_blocking_connect() as client`."""
    import stomp_blocking

    def connect(transport: str = "tcp", **keywords: Any) -> stomp_blocking.connect:
        return stomp_blocking.connect(
            stomp_broker.urls[transport], **stomp_broker.keywords(transport, keywords)
        )

    return connect


@pytest.fixture
def stomp_blocking_client(stomp_blocking_connect: ConnectBlocking) -> Iterator[stomp_blocking.Client]:
    """A client that is connected to the broker, for the length of a test."""
    with stomp_blocking_connect() as client:
        yield client
