"""TLS fails closed, sends no credential to strangers, and tells an end that was said from a cut."""

from __future__ import annotations

import datetime
import ssl
from typing import Any

import pytest
import trustme

from stomp_sansio.client.public import Backoff, ConnectError, ConnectionClosedError, Ended, Interrupted
from stomp_sansio.links.link import Phase
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import LoopbackBroker, OddServer

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
CONNECTED = b"CONNECTED\nversion:1.2\n\n\0"


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


def serving(authority: trustme.CA, *names: str, **keywords: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **keywords).configure_cert(context)
    return context


@pytest.fixture(params=["expired", "wrong name", "unknown authority", "self-signed"])
def bad_context(request, authority):
    match request.param:
        case "expired":
            return serving(authority, "localhost", not_before=LONG_AGO, not_after=LONG_AGO)
        case "wrong name":
            return serving(authority, "example.org")
        case "unknown authority":
            return serving(trustme.CA(), "localhost")
        case _:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            alone = trustme.CA()
            # An authority's own certificate, which nobody has signed but itself.
            with alone.private_key_pem.tempfile() as key, alone.cert_pem.tempfile() as certificate:
                context.load_cert_chain(certificate, key)
            return context


@pytest.mark.parametrize(
    "url", ["stomps://localhost:{}", "wss://localhost:{}/stomp", "https://localhost:{}/stomp"]
)
def test_a_certificate_that_is_not_good_fails_closed(colour: Colour, bad_context, client_context, url):
    async def scenario() -> None:
        with OddServer(b"", ssl_context=bad_context) as server:
            where = url.format(server.port)
            with pytest.raises(ConnectError, match="the certificate of") as caught:
                async with colour.connect(
                    where,
                    ssl=client_context,
                    proxy=None,
                    login="ada",
                    passcode="secret",
                    # It may be tried as often as it likes: it fails at once.
                    retry_first=True,
                    reconnect=Backoff(initial=0.01),
                ):
                    pass
            assert caught.value.phase is Phase.TLS
        assert b"".join(server.heard) == b""

    colour.run(scenario)


def test_no_context_means_one_that_checks(colour, server_context):
    async def scenario() -> None:
        with OddServer(b"", ssl_context=server_context) as server:
            url = f"stomps://localhost:{server.port}"
            with pytest.raises(ConnectError, match="the certificate of"):
                await colour.connect(url, passcode="secret", login="ada").__aenter__()
        assert b"".join(server.heard) == b""

    colour.run(scenario)


def test_the_name_to_check_may_be_another_than_the_host(colour, authority, client_context):
    async def scenario() -> None:
        with LoopbackBroker(serving(authority, "broker.example.org")) as server:
            url = f"stomps://127.0.0.1:{server.port}"
            async with colour.connect(
                url, ssl=client_context, server_hostname="broker.example.org"
            ) as client:
                assert client.connected

    colour.run(scenario)


def test_a_client_certificate_that_is_wanted_and_missing(colour, authority, client_context):
    async def scenario() -> None:
        context = serving(authority, "localhost")
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
        with OddServer(b"", ssl_context=context) as server, pytest.raises(ConnectError) as caught:
            async with colour.connect(f"stomps://localhost:{server.port}", ssl=client_context):
                pass

        assert "certificate of yours" in str(caught.value)

    colour.run(scenario)


async def wait_for_end(client: Any) -> None:
    async with client.subscribe("/queue/a") as messages:
        await messages.receive()


@pytest.mark.parametrize("cuts", [True, False])
def test_a_stream_that_was_cut_is_told_from_one_that_ended(colour, server_context, client_context, cuts):
    async def scenario() -> None:
        with OddServer(CONNECTED, ssl_context=server_context, cuts=cuts) as server:
            url = f"stomps://localhost:{server.port}"
            async with colour.connect(url, ssl=client_context, reconnect=None) as client:
                with pytest.raises(ConnectionClosedError) as caught:
                    await wait_for_end(client)
        assert ("without its closing alert" in str(caught.value)) is cuts

    colour.run(scenario)


def test_a_hand_shake_that_is_broken_off_is_tried_again(colour, client_context):
    """A balancer without a server behind it hangs up like this: that may change."""

    async def scenario() -> None:
        with OddServer(b"") as server:
            url = f"stomps://localhost:{server.port}"
            with pytest.raises(ConnectError, match="does this port speak TLS"):
                async with colour.connect(url, ssl=client_context, should_retry=seen):
                    pass
        assert decisions == [True]

    decisions: list[bool] = []

    def seen(error: Exception, retry: bool) -> bool:
        decisions.append(retry)
        return False

    colour.run(scenario)


def test_what_is_no_tls_is_not_tried_again(colour, client_context):
    async def scenario() -> None:
        with OddServer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            url = f"stomps://localhost:{server.port}"
            with pytest.raises(ConnectError, match="check that this port speaks TLS") as caught:
                async with colour.connect(url, ssl=client_context, retry_first=True):
                    pass
            assert caught.value.phase is Phase.TLS

    colour.run(scenario)


def test_reconnecting_goes_over_tls_again(colour, secure_server, client_context):
    async def scenario() -> None:
        url = f"stomps://localhost:{secure_server.port}"
        async with colour.connect(url, ssl=client_context, reconnect=Backoff(initial=0.01)) as client:
            life = client.lifecycle()
            await colour.in_thread(secure_server.drop_all)
            assert isinstance(await anext(life), Interrupted)
            await client.wait_ready()
            await client.send("/queue/a", "x" * 1_000_000, receipt=True)
        assert isinstance([event async for event in life][-1], Ended)

    colour.run(scenario)
