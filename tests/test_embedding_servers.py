"""The page on endpoints in somebody else's server: its programs are those of examples/, and they work."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import stomp_asyncio
from examples.asyncio_endpoint import serve_client
from examples.starlette_endpoint import app
from stomp_asyncio import ConnectionClosedError
from stomp_sansio import ClientEvent, Closed, Connected, Error, Message, Receipt
from tests.links.test_embedding_websockets import Browser, talk

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "embedding-servers.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
EXAMPLES = ["asyncio_endpoint.py", "starlette_endpoint.py"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_the_programs_as_they_are(name: str) -> None:
    source = (ROOT / "examples" / name).read_text("utf-8")
    assert source in BLOCKS
    assert len([line for line in source.splitlines() if line.strip()]) < 40


def test_the_endpoint_on_streams_and_a_client_of_this_library() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(serve_client, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"stomp://127.0.0.1:{port}"
        async with stomp_asyncio.connect(url, proxy=None) as client:
            async with client.subscribe("/app/time") as messages:
                assert (await messages.receive()).text.startswith("20")
            await client.send("/app/anything", "confirmed", receipt=True)
            assert client.connected
        with pytest.raises(ConnectionClosedError, match="there is no /app/nothing here"):
            async with (
                stomp_asyncio.connect(url, proxy=None, reconnect=None) as client,
                client.subscribe("/app/nothing") as messages,
            ):
                await messages.receive()
        server.close()
        await server.wait_closed()

    asyncio.run(scenario())


def kinds(events: list[ClientEvent]) -> list[type]:
    return [type(event) for event in events]


def test_the_endpoint_in_starlette_and_a_client() -> None:
    async def script(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.sent))
        browser.connection.connect(host="/")
        browser.say()
        await browser.until(lambda: Connected in kinds(browser.events))
        browser.connection.subscribe("/app/time", id="0", receipt="subscribed")
        browser.say()
        await browser.until(lambda: Receipt in kinds(browser.events))
        browser.connection.disconnect(receipt="bye")
        browser.say()
        await browser.until(lambda: browser.closed is not None)

    browser = talk(script, app)
    assert kinds(browser.events) == [Connected, Message, Receipt, Receipt, Closed]
    assert browser.closed is not None
    assert (browser.closed.clean, browser.closed.code) == (True, 1000)


def test_the_endpoint_in_starlette_and_a_client_that_is_wrong() -> None:
    async def script(browser: Browser) -> None:
        browser.to_application.put_nowait({"type": "websocket.receive", "text": "NONSENSE\n\n\0"})
        await browser.until(lambda: browser.closed is not None)

    assert isinstance(talk(script, app).events[0], Error)


def test_the_endpoint_in_starlette_and_a_message_that_is_too_large() -> None:
    async def script(browser: Browser) -> None:
        browser.to_application.put_nowait({"type": "websocket.receive", "bytes": b"x" * (2 << 20)})
        await browser.until(lambda: browser.closed is not None)

    closed = talk(script, app).closed
    assert closed is not None
    assert closed.code == 1009


@pytest.mark.parametrize("code", [1000, 1006])
def test_the_endpoint_in_starlette_and_a_client_that_vanishes(code: int) -> None:
    async def script(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.sent))
        browser.to_application.put_nowait({"type": "websocket.disconnect", "code": code})

    assert talk(script, app).events == []


def test_a_broker_beside_a_web_server() -> None:
    names: dict[str, object] = {}
    exec(compile(BLOCKS[2], str(PAGE), "exec"), names)

    async def scenario() -> None:
        application = SimpleNamespace(state=SimpleNamespace())
        async with names["lifespan"](application):  # type: ignore[operator]
            server = application.state.stomp
            async with (
                stomp_asyncio.connect(server.urls[0], proxy=None) as client,
                client.subscribe("/topic/news") as messages,
            ):
                await client.send("/topic/other", receipt=True)
                server.send("/topic/news", b"read all about it")
                assert (await messages.receive()).text == "read all about it"

    asyncio.run(scenario())
