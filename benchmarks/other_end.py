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
"""For each message that is sent here one comes back, always the same."""
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


def _only_sends(data: bytes) -> bool:
    """Tell whether these are whole messages for the echo that ask for nothing: no body here has a NUL."""
    return (
        data.startswith(b"SEND\n")
        and data.endswith(b"\0")
        and data.count(b"\0") == data.count(b"\ndestination:/echo\n")
        and b"\nreceipt:" not in data
    )


def _speak(peer: socket.socket) -> None:
    """Serve one client."""
    parser = FrameParser(Version.V1_2)
    reply = b""
    while data := peer.recv(262_144):
        if reply and not parser.pending and _only_sends(data):
            # As quick as the echo of octets: a trip there and back is the client's, but for the way.
            peer.sendall(reply * data.count(b"\0"))
            continue
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
                reply = _message(headers["id"], destination, 1, _BODY)
            elif frame.command == "SEND" and destination == ECHO:
                answer.append(reply)
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
