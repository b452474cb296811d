"""What the tests of adapters share: servers on loopback, and certificates.

It must not know any adapter.
"""

import ssl

import pytest
import trustme

from tests.adapters.loopback import LoopbackBroker


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def server():
    with LoopbackBroker() as server:
        yield server


@pytest.fixture
def secure_server(server_context):
    with LoopbackBroker(server_context) as server:
        yield server
