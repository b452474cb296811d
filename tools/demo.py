"""`./dev demo [URL]`: messages there and back, over TCP and over WebSocket, every frame printed as it passes.

Without a URL it starts a small server of its own on loopback. It exits with 0 only if what went in came out.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import trio

import stomp_trio
from examples.small_server import SmallServer
from stomp_sansio import LocalProtocolError, StompError
from stomp_trio._driver import Driver


@dataclass(frozen=True)
class Sample:
    """One message that goes there and back."""

    what: str
    body: bytes
    content_type: str
    headers: dict[str, str]


SAMPLES = (
    Sample("text", b"Hello, STOMP", "text/plain", {}),
    Sample("JSON", b'{"tea":"Ceylon","cups":2}', "application/json", {}),
    Sample("unicode", "größer als 日本語 🎉".encode(), "text/plain;charset=utf-8", {"x-motto": "é: a\\b"}),
    Sample("empty", b"", "text/plain", {}),
)


class _Frames(logging.Handler):
    """Prints the frames that the adapter logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if record.levelno == logging.DEBUG:
            self.count += 1
        print(f"    {line if len(line) <= 160 else line[:157] + '...'}", flush=True)


async def exchange(url: str, vhost: str | None) -> tuple[int, int]:
    """Send every sample to a topic and receive it again; return how many went in, and how many came out."""
    destination = f"/topic/stomp-sansio-demo-{secrets.token_hex(4)}"
    came = 0
    async with (
        stomp_trio.connect(url, vhost=vhost, receipt_timeout=5, reconnect=None) as client,
        client.subscribe(destination, ack="client-individual") as messages,
    ):
        for sample in SAMPLES:
            try:
                await client.send(
                    destination,
                    sample.body,
                    content_type=sample.content_type,
                    headers=sample.headers,
                    receipt=True,
                )
            except stomp_trio.ReceiptTimeout:
                print("    (this server confirms no SEND)", flush=True)
            with trio.fail_after(5):
                message = await messages.receive()
            try:
                await message.ack()
            except LocalProtocolError as error:
                print(f"    ({error})", flush=True)
            same = message.body == sample.body and sample.headers.items() <= dict(message.headers).items()
            came += same
            print(f"  {sample.what}: {'the same' if same else 'NOT THE SAME'} came back: {message.body!r}")
    return len(SAMPLES), came


async def run(urls: Sequence[str], vhost: str | None, frames: _Frames) -> int:
    """Exchange messages over each URL; return the exit status."""
    sent = came = 0
    for url in urls:
        print(f"{url}", flush=True)
        went, back = await exchange(url, vhost)
        sent, came = sent + went, came + back
        print()
    print(f"{sent} messages went in, {came} came out the same, {frames.count} frames and heart-beats passed")
    return 0 if sent == came else 1


async def with_server(frames: _Frames) -> int:
    """Start a server on free ports of loopback, and talk to it."""
    server = SmallServer()
    async with trio.open_nursery() as nursery:
        listeners = [await trio.open_tcp_listeners(0, host="127.0.0.1") for _ in range(2)]
        driver: Driver[None] = Driver(server, lambda event: None)
        nursery.start_soon(driver.run)
        nursery.start_soon(driver.serve, [listener for (listener,) in listeners])
        tcp, websocket = (listener.socket.getsockname()[1] for (listener,) in listeners)
        status = await run([f"stomp://127.0.0.1:{tcp}", f"ws://127.0.0.1:{websocket}/stomp"], None, frames)
        nursery.cancel_scope.cancel()
    wanted = 2 * len(SAMPLES)
    print(f"{server.acknowledged} of {wanted} messages were acknowledged")
    return status if server.acknowledged == wanted else 1


def main(argv: Sequence[str]) -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("url", nargs="?", help="a server of yours, such as stomp://guest:guest@127.0.0.1")
    parser.add_argument(
        "--vhost", help="the virtual host, where it is not the URL's: '/' for RabbitMQ over WebSocket"
    )
    arguments = parser.parse_args(argv)
    url = arguments.url
    frames = _Frames()
    logger = logging.getLogger("stomp_trio")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(frames)
    try:
        return trio.run(with_server, frames) if url is None else trio.run(run, [url], arguments.vhost, frames)
    except (StompError, OSError, trio.TooSlowError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
