"""A STOMP endpoint in a server on asyncio's streams: whoever subscribes to /app/time is told the time."""

import asyncio
from datetime import UTC, datetime

from stomp_sansio import Closed, ConnectRequest, ServerConnection, ServerEvent, Subscribe


def answer(connection: ServerConnection, event: ServerEvent) -> None:
    match event:
        case ConnectRequest():
            connection.accept(server="time/1.0")
        case Subscribe(id=str(id), destination="/app/time" as destination):
            connection.message(id, "1", destination, datetime.now(UTC).isoformat().encode())
        case Subscribe():
            return connection.error(f"there is no {event.destination} here", receipt_id=event.receipt)
        case Closed():
            return None
    if not isinstance(event, ConnectRequest) and event.receipt is not None:
        connection.receipt(event.receipt)


async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    now, connection = asyncio.get_running_loop().time, ServerConnection()
    while not connection.wants_close:
        try:
            async with asyncio.timeout_at(connection.next_deadline()):
                data = await reader.read(65536)
        except TimeoutError:
            connection.handle_timeout(now())
        else:
            connection.receive_data(data, now()) if data else connection.receive_eof(now())
        while (event := connection.next_event()) is not None:
            answer(connection, event)
        while octets := connection.data_to_send(now()):
            writer.write(octets)
            await writer.drain()
    writer.close()
