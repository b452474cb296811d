"""Bodies and headers: what goes comes back.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

from typing import Any

from stomp_sansio.errors import LocalProtocolError

from ..colours import Client
from ..exchange import Exchange, expect
from .registry import scenario

_WEBSOCKET = frozenset({"ws", "wss", "websocket"})


@scenario("connects in each version that the server offers, and exchanges a message in it")
async def versions(x: Exchange) -> None:
    for version in x.traits.versions:
        async with x.connect(versions=[version]) as client:
            expect(client.version is version, f"{version.value} was offered, {client.version} is spoken")
            await _round_trip(x, client, b"in one version", name=version.name)


@scenario("text, with its content-type")
async def text(x: Exchange) -> None:
    async with x.connect() as client:
        message = await _round_trip(x, client, "größer als 日本語 🎉")
        expect(message.text == "größer als 日本語 🎉", f"{message.text!r} came back")


@scenario("JSON")
async def json(x: Exchange) -> None:
    value = {"tea": "Ceylon", "cups": [1, 2], "sugar": None}
    async with x.connect() as client, client.subscribe(x.topic()) as messages:
        await x.settled(client)
        await client.send(x.topic(), json=value, receipt=x.confirms)
        message = await x.receive(messages)
        expect(message.json() == value, f"{message.body!r} came back")


@scenario("octets of every value, NULs among them; refused at once where a transport carries text only")
async def binary(x: Exchange) -> None:
    body = bytes(range(256)) * 3
    async with x.connect() as client:
        if x.door.text_only:
            try:
                await client.send(x.topic(), body)
            except LocalProtocolError:
                return
            raise AssertionError("a body that is no UTF-8 was taken for SockJS")
        # Spring puts a body into a binary WebSocket message only if it is called so.
        await _round_trip(x, client, body, content_type="application/octet-stream")


@scenario("an empty body")
async def empty(x: Exchange) -> None:
    async with x.connect() as client:
        await _round_trip(x, client, b"")


@scenario("a body of 1 MiB with NULs")
async def megabyte(x: Exchange) -> None:
    body = (b"0123456789abcde\0" * 65536)[: x.traits.largest]
    async with x.connect() as client:
        await _round_trip(x, client, body)


@scenario(
    "a frame of 48 KiB in WebSocket messages of 8 KiB each arrives whole",
    only=_WEBSOCKET,
    why_only="only WebSocket has messages",
)
async def split_frame(x: Exchange) -> None:
    async with x.connect(split_above=8192) as client:
        await _round_trip(x, client, "größe.." * 7_000)


@scenario(
    "a frame of 80 KiB in one WebSocket message, whatever the server says it takes",
    only=_WEBSOCKET,
    why_only="only WebSocket has messages",
)
async def whole_frame(x: Exchange) -> None:
    async with x.connect(split_above=None) as client:
        await _round_trip(x, client, b"0123456789abcde." * 5120)


@scenario("headers in any language")
async def unicode_headers(x: Exchange) -> None:
    await _headers_come_back(x, {"x-motto": "größer als 日本語 🎉", "x-größe": "XL"})


@scenario("headers with colons, backslashes and line ends")
async def escaped_headers(x: Exchange) -> None:
    await _headers_come_back(x, {"x-colon": "a:b::c", "x-backslash": "a\\b\\n", "x-lines": "one\ntwo"})


async def _round_trip(
    x: Exchange, client: Client, body: bytes | str, *, name: str = "a", content_type: str | None = None
) -> Any:
    octets = body.encode() if isinstance(body, str) else body
    async with client.subscribe(x.topic(name)) as messages:
        await x.settled(client)
        await x.send(client, x.topic(name), body, content_type=content_type)
        message = await x.receive(messages, 20)
        expect(message.body == octets, f"{len(octets)} octets went, {len(message.body)} others came back")
        return message


async def _headers_come_back(x: Exchange, headers: dict[str, str]) -> None:
    async with x.connect() as client, client.subscribe(x.topic()) as messages:
        await x.settled(client)
        await x.send(client, x.topic(), b"", headers=headers)
        message = await x.receive(messages)
        came = {name: message.headers.get(name) for name in headers}
        expect(came == headers, f"{came!r} came back")
