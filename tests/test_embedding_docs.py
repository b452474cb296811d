"""The page on embedding: its two programs talk to each other over a real socket."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "embedding.md"


def programs() -> dict[str, Any]:
    """Run the blocks of the page in one namespace, as a reader does who pastes them."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), namespace)
    return namespace


def test_the_client_of_the_page_talks_to_the_server_of_the_page() -> None:
    page = programs()
    received: list[str] = []

    async def both() -> None:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(page["serve_client"], "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        def client() -> None:
            try:
                received.append(page["listen_once"]("127.0.0.1", port))
            finally:
                loop.call_soon_threadsafe(done.set)

        thread = threading.Thread(target=client)
        thread.start()
        async with asyncio.timeout(30):
            await done.wait()
        thread.join()
        server.close()
        await server.wait_closed()

    asyncio.run(both())
    assert received == ["Darjeeling"]
