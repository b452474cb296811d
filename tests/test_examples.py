"""The examples do what they say."""

from __future__ import annotations

import pytest
import trio

import stomp_trio
from examples.small_server import SmallServer
from stomp_trio._driver import Driver


@pytest.mark.parametrize(("listener", "url"), [(0, "stomp://127.0.0.1:{}"), (1, "ws://127.0.0.1:{}/stomp")])
def test_the_small_server_passes_messages_on(listener: int, url: str) -> None:
    server = SmallServer()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listeners = [await trio.open_tcp_listeners(0, host="127.0.0.1") for _ in range(2)]
            driver: Driver[None] = Driver(server, lambda event: None)
            nursery.start_soon(driver.run)
            nursery.start_soon(driver.serve, [one for (one,) in listeners])
            port = listeners[listener][0].socket.getsockname()[1]
            async with (
                stomp_trio.connect(url.format(port), reconnect=None) as client,
                client.subscribe("/topic/tea", ack="client-individual") as messages,
            ):
                await client.send("/topic/tea", "Ceylon, heiß", headers={"x": "y"}, receipt=True)
                message = await messages.receive()
                assert (message.text, message.headers["x"]) == ("Ceylon, heiß", "y")
                await message.ack(receipt=True)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert server.acknowledged == 1
