"""The example of docs/embedding-websockets.md runs as it stands: an ASGI server in memory, our own client on
the other end of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stomp_sansio import ClientEvent, Closed, Connected, Connection, Error, Message, Receipt
from stomp_sansio.links.link import LinkClosed, LinkData
from stomp_sansio.links.message import MessageLink
from stomp_sansio.links.subprotocols import STOMP_SUBPROTOCOLS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "embedding-websockets.md"


def application() -> Any:
    """The `app` of the only Python block."""
    (source,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(source, str(PAGE), "exec"), names)
    return names["app"]


class Browser:
    """The other end: what an ASGI server is to the application, and a STOMP client on top."""

    def __init__(self) -> None:
        self.to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.link = MessageLink()
        self.connection = Connection(heartbeat=(0, 0))
        self.events: list[ClientEvent] = []
        self.closed: LinkClosed | None = None
        self.arrived = asyncio.Event()
        self.to_application.put_nowait({"type": "websocket.connect"})

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.send":
            text = message.get("text")
            self.link.receive_message(message["bytes"] if text is None else text)
        elif message["type"] == "websocket.close":
            self.link.receive_close(message["code"], message.get("reason") or "")
        while (event := self.link.next_event()) is not None:
            if isinstance(event, LinkData):
                self.connection.receive_data(event.data, 0.0)
            elif isinstance(event, LinkClosed):
                self.closed = event
        self.events += iter(self.connection.next_event, None)
        self.arrived.set()

    def say(self) -> None:
        """Send what the STOMP client has queued."""
        while octets := self.connection.frame_to_send(0.0):
            self.link.send(octets)
        while (message := self.link.next_message()) is not None:
            key = "text" if isinstance(message, str) else "bytes"
            self.to_application.put_nowait({"type": "websocket.receive", key: message})

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.arrived.clear()
            async with asyncio.timeout(10):
                await self.arrived.wait()


def talk(script: Callable[[Browser], Any], app: Any = None) -> Browser:
    """Run an application, the one of the page unless another is given, and a script against each other, both
    to their end.
    """

    async def both() -> Browser:
        browser = Browser()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "path": "/stomp" if app is None else "/ws",
            "raw_path": b"/stomp" if app is None else b"/ws",
            "root_path": "",
            "query_string": b"",
            "scheme": "ws",
            "headers": [(b"host", b"localhost")],
            "subprotocols": list(reversed(STOMP_SUBPROTOCOLS)),
        }
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task((app or application())(scope, browser.to_application.get, browser.send))
            tasks.create_task(script(browser))
        return browser

    return asyncio.run(both())


@pytest.mark.parametrize("body", [b"hello", "grüß".encode(), b"\xff\x00\xfe", b"x" * 100_000])
def test_a_client_hears_what_it_sends_and_leaves_in_order(body: bytes) -> None:
    async def script(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.sent))
        browser.connection.connect(host="/")
        browser.say()
        await browser.until(lambda: any(isinstance(event, Connected) for event in browser.events))
        browser.connection.subscribe("/echo", id="0", receipt="subscribed")
        browser.connection.send("/elsewhere", b"nobody hears this")
        browser.connection.send("/echo", body)
        browser.say()
        await browser.until(lambda: any(isinstance(event, Message) for event in browser.events))
        browser.connection.disconnect(receipt="bye")
        browser.say()
        await browser.until(lambda: browser.closed is not None)

    browser = talk(script)
    assert browser.sent[0] == {
        "type": "websocket.accept",
        "subprotocol": "v12.stomp",
        "headers": [],
    }
    assert [type(event) for event in browser.events] == [Connected, Receipt, Message, Receipt, Closed]
    assert [event.body for event in browser.events if isinstance(event, Message)] == [body]
    assert browser.closed is not None
    assert (browser.closed.clean, browser.closed.code) == (True, 1000)


def test_a_client_that_breaks_a_rule_gets_an_error_and_the_close() -> None:
    async def script(browser: Browser) -> None:
        browser.to_application.put_nowait({"type": "websocket.receive", "text": "NONSENSE\n\n\0"})
        await browser.until(lambda: browser.closed is not None)

    browser = talk(script)
    errors = [message for message in browser.sent if message["type"] == "websocket.send"]
    assert len(errors) == 1
    assert errors[0]["text"].startswith("ERROR\n")
    assert isinstance(browser.events[0], Error)


def test_a_message_that_is_too_large_is_the_end() -> None:
    async def script(browser: Browser) -> None:
        browser.to_application.put_nowait({"type": "websocket.receive", "bytes": b"x" * (2 << 20)})
        await browser.until(lambda: browser.closed is not None)

    browser = talk(script)
    assert browser.closed is not None
    assert browser.closed.code == 1009


@pytest.mark.parametrize("code", [1000, 1006])
@pytest.mark.parametrize("half", ["", "SEND\n"])
def test_a_client_that_vanishes_ends_the_endpoint(code: int, half: str) -> None:
    async def script(browser: Browser) -> None:
        browser.connection.connect(host="/")
        browser.say()
        await browser.until(lambda: any(isinstance(event, Connected) for event in browser.events))
        browser.to_application.put_nowait({"type": "websocket.receive", "text": half})
        browser.to_application.put_nowait({"type": "websocket.disconnect", "code": code})

    browser = talk(script)
    assert [type(event) for event in browser.events] == [Connected]
