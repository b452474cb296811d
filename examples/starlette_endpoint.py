"""A STOMP endpoint in a Starlette application: whoever subscribes to /app/time is told the time."""

import time

import anyio
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from examples.asyncio_endpoint import answer
from stomp_sansio import Limits, ServerConnection
from stomp_sansio.links.link import LinkData
from stomp_sansio.links.message import MessageLink
from stomp_sansio.links.subprotocols import choose_subprotocol


async def stomp(websocket: WebSocket) -> None:
    await websocket.accept(choose_subprotocol(websocket.scope["subprotocols"]))
    link, connection = MessageLink(limits=Limits.server()), ServerConnection()
    while link.is_open and not connection.wants_close:
        deadline = connection.next_deadline()
        with anyio.move_on_after(None if deadline is None else deadline - time.monotonic()):
            message = await websocket.receive()
            if message["type"] == "websocket.receive":
                text = message.get("text")
                link.receive_message(message["bytes"] if text is None else text)
            else:
                link.receive_close(message.get("code"))
        while (said := link.next_event()) is not None:
            if isinstance(said, LinkData):
                connection.receive_data(said.data, time.monotonic())
        connection.handle_timeout(time.monotonic())
        while (event := connection.next_event()) is not None:
            answer(connection, event)
        while octets := connection.frame_to_send(time.monotonic()):
            if link.is_open:
                link.send(octets)
        while (reply := link.next_message()) is not None:
            await (websocket.send_text(reply) if isinstance(reply, str) else websocket.send_bytes(reply))
    if link.is_open or link.close_wish is not None:
        await websocket.close(*(link.close_wish or (1000, "")))


app = Starlette(routes=[WebSocketRoute("/ws", stomp)])
