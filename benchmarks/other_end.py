"""The other end of `./dev bench client`, in a process: a source, a sink, an echo of frames and one of octets.

It answers at once and keeps nothing, so that what is measured is the client. This file must not know who
measures. Run as a program it prints its two ports and serves until its standard input ends.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable

from stomp_sansio import Frame, FrameParser, Version, encode

__all__ = ["BLAST", "ECHO", "SINK"]

BLAST = "/blast/"
"""A subscription to this and a number gets so many messages at once."""
ECHO = "/echo"
"""What is sent here comes back."""
SINK = "/sink"
"""What is sent here is gone."""

_BODY = b'{"order":4711,"items":[{"sku":"tea","count":2}],"note":"' + b"x" * 142 + b'"}'


def _message(subscription: str, destination: str, number: int, body: bytes) -> bytes:
    """Return a message as RabbitMQ sends it."""
    headers = {
        "subscription": subscription,
        "destination": destination,
        "message-id": f"T_{subscription}@@session-c63I6jDlxo2PGwv-G5cFFg@@{number}",
        "redelivered": "false",
        "x-trace-id": "0123456789abcdef0123456789abcdef",
        "correlation-id": "123456789",
        "persistent": "1",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    return encode(Frame("MESSAGE", headers, body), Version.V1_2) + b"\n"


def _speak(peer: socket.socket) -> None:
    """Serve one client."""
    parser = FrameParser(Version.V1_2)
    echo = ""
    count = 0
    while data := peer.recv(262_144):
        parser.receive_data(data)
        answer: list[bytes] = []
        while (frame := parser.next_frame()) is not None:
            headers = frame.headers
            destination = headers.get("destination", "")
            if frame.command in ("CONNECT", "STOMP"):
                answer.append(
                    b"CONNECTED\nversion:1.2\nheart-beat:0,0\nsession:x\nserver:other-end/1\n\n\0\n"
                )
            elif frame.command == "SUBSCRIBE" and destination.startswith(BLAST):
                total = int(destination.removeprefix(BLAST))
                answer += [_message(headers["id"], destination, number, _BODY) for number in range(total)]
            elif frame.command == "SUBSCRIBE":
                echo = headers["id"]
            elif frame.command == "SEND" and destination == ECHO:
                count += 1
                answer.append(_message(echo, destination, count, frame.body))
            if "receipt" in headers:
                receipt = Frame("RECEIPT", {"receipt-id": headers["receipt"]})
                answer.append(encode(receipt, Version.V1_2) + b"\n")
        peer.sendall(b"".join(answer))


def _echo(peer: socket.socket) -> None:
    """Give octets back as they come."""
    while data := peer.recv(262_144):
        peer.sendall(data)


def _listen(serve: Callable[[socket.socket], None]) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def guarded(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with peer:
                serve(peer)
        except OSError:
            pass  # the client has gone

    def accept() -> None:
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=guarded, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


if __name__ == "__main__":
    print(_listen(_speak), _listen(_echo), flush=True)
    sys.stdin.read()
