"""A canary in every place where a credential can stand: no log, repr, error or traceback ever sings of it."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from stomp_sansio import Disconnect
from stomp_sansio.client.public import Backoff, Credentials
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import OddServer

CANARY = "cAn4rY-7f3a"


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


class Ears:
    """Everything that people could read."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self.texts: list[str] = []
        caplog.set_level(logging.DEBUG)

    def hear(self, *things: Any) -> None:
        for thing in things:
            self.texts += [repr(thing), str(thing)]
            if hasattr(thing, "__dict__"):
                self.texts.append(repr(vars(thing)))
            if isinstance(thing, BaseException):
                self.texts += traceback.format_exception(thing)

    def heard(self) -> list[str]:
        texts = [*self.texts, self._caplog.text, *(str(record.__dict__) for record in self._caplog.records)]
        return [text for text in texts if CANARY in text]


@pytest.fixture
def ears(caplog):
    return Ears(caplog)


SECRETS: dict[str, Any] = {
    "login": "ada",
    "passcode": CANARY,
    "connect_headers": {"authorization": f"Bearer {CANARY}", "x-auth-token": CANARY},
    "additional_headers": {"Authorization": f"Bearer {CANARY}", "Cookie": f"session={CANARY}"},
}


async def fail(colour: Colour, ears: Ears, url: str, **keywords: Any) -> None:
    """Try to connect, and listen to what is said about it."""
    try:
        connecting = colour.connect(url, **{**SECRETS, "proxy": None, **keywords})
        ears.hear(connecting, getattr(connecting, "bare", connecting))
        await connecting.__aenter__()
    except (OSError, ValueError, Exception) as error:
        ears.hear(error)
    else:
        raise AssertionError("it is connected")


@pytest.mark.parametrize("url", ["stomp://{}", "ws://{}/stomp", "http://{}/stomp"])
def test_a_connection_that_works(colour, server, ears, url):
    async def scenario() -> None:
        where = url.format(f"ada:{CANARY}@127.0.0.1:{server.port}")
        connecting = colour.connect(where, proxy=None, reconnect=Backoff(initial=0.01), **SECRETS)
        async with connecting as client:
            life = client.lifecycle()
            ticket = client.send_soon("/queue/a", "x", headers={"token": CANARY})
            async with client.subscribe("/queue/a", headers={"x-secret": CANARY}) as messages:
                message = await messages.receive()
                assert message.headers["token"] == CANARY
                ears.hear(message, message.headers, messages)
            await colour.in_thread(server.drop_all)
            ears.hear(connecting, client, ticket, await anext(life))
            await client.wait_ready()
            ears.hear(await anext(life))
        assert server.saw(Disconnect)

    colour.run(scenario)
    assert ears.heard() == []


@pytest.mark.parametrize("url", ["stomp://{}", "ws://{}/stomp", "http://{}/stomp"])
def test_a_login_that_is_refused_by_a_server_that_echoes_it(colour, server, ears, url):
    server.broker.users = {}
    where = url.format(f"127.0.0.1:{server.port}")
    colour.run(fail, colour, ears, where)
    assert ears.texts
    assert ears.heard() == []


def test_an_error_that_quotes_the_passcode(colour, ears):
    answer = f"ERROR\nmessage:bad passcode {CANARY}\n\nada, {CANARY} is wrong\0".encode()

    async def scenario() -> None:
        with OddServer(answer) as server:
            await fail(colour, ears, f"stomp://127.0.0.1:{server.port}")

    colour.run(scenario)
    assert ears.heard() == []


@pytest.mark.parametrize("status", [401, 403, 407, 500])
@pytest.mark.parametrize("url", ["ws://{}/stomp", "http://{}/stomp"])
def test_an_http_request_that_is_refused(colour, ears, status, url):
    body = f"Authorization: Bearer {CANARY}".encode()
    answer = (
        f"HTTP/1.1 {status} {CANARY}\r\nWWW-Authenticate: {CANARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def scenario() -> None:
        with OddServer(answer.encode() + body) as server:
            await fail(colour, ears, url.format(f"127.0.0.1:{server.port}"))

    colour.run(scenario)
    assert ears.heard() == []


def test_a_proxy_that_refuses(colour, ears):
    async def scenario() -> None:
        with OddServer(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as proxy:
            where = f"http://ada:{CANARY}@127.0.0.1:{proxy.port}"
            await fail(colour, ears, "ws://example.org/stomp", proxy=where)

    colour.run(scenario)
    assert ears.heard() == []


@pytest.mark.parametrize(
    "url",
    [
        f"stomp://ada:{CANARY}@127.0.0.1:1",
        f"ws://ada:{CANARY}@127.0.0.1:1/stomp?token={CANARY}",
        f"http://ada:{CANARY}@127.0.0.1:1/stomp?access_token={CANARY}",
        f"stomp://ada:{CANARY}@:61613",
        f"ftp://ada:{CANARY}@example.org",
        f"stomp://ada:{CANARY}@example.org:port",
        f"failover:(stomp://ada:{CANARY}@127.0.0.1:1",
    ],
)
def test_a_url_that_leads_nowhere(colour, ears, url):
    colour.run(fail, colour, ears, url)
    assert ears.heard() == []


@pytest.mark.parametrize(
    "keywords",
    [
        {"passcode": f"{CANARY}\n"},
        {"connect_headers": {"authorization": f"{CANARY}\0"}},
        {"additional_headers": {"Cookie": f"{CANARY}\r\n"}},
        {"proxy": f"socks5://ada:{CANARY}@127.0.0.1:1"},
    ],
)
def test_a_secret_that_cannot_be_sent(colour, ears, keywords):
    async def scenario() -> None:
        await fail(colour, ears, "ws://127.0.0.1:1/stomp", **keywords)

    colour.run(scenario)
    assert ears.heard() == []


def test_credentials_from_a_hook(colour, server, ears):
    server.broker.users = {"ada": CANARY}

    async def hook() -> Credentials:
        credentials = Credentials("ada", CANARY, {"authorization": CANARY}, {"Cookie": CANARY})
        ears.hear(credentials)
        return credentials

    async def scenario() -> None:
        async with colour.connect(
            f"ws://127.0.0.1:{server.port}/stomp", proxy=None, credentials=hook
        ) as client:
            ears.hear(client)
            server.broker.users = {}
            life = client.lifecycle()
            await colour.in_thread(server.drop_all)
            ears.hear(*[event async for event in life])

    colour.run(scenario)
    assert ears.heard() == []


def test_the_canary_can_be_heard_at_all(ears):
    logging.getLogger("stomp_trio").debug("passcode=%s", CANARY)
    ears.hear(ValueError(CANARY))
    assert len(ears.heard()) >= 3
