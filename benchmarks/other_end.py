"""The other end of `./dev bench client`, in a process: a source, a sink, and an echo.

It answers at once and keeps nothing, so that what is measured is the client. This file must not know who
measures. Run as a program it prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import socket
import sys
import threading

from stomp_sansio import Frame, FrameParser, Version, encode

__all__ = ["BLAST", "ECHO", "SINK"]

BLAST = "/blast/"
"""A subscription to this and a number gets so many messages at once."""
ECHO = "/echo"
"""For each message that is sent here one comes back, always the same."""
SINK = "/sink"
"""What is sent here is gone."""

_RECEIPT = b"\nreceipt:"
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
    """Serve one client, with next to no work for a SEND: no body here has a NUL, or looks like a header."""
    rest = echo = b""
    while data := peer.recv(262_144):
        *frames, rest = (rest + data).split(b"\0")
        answer: list[bytes] = []
        for octets in frames:
            if not octets.lstrip(b"\n").startswith(b"SEND\n"):
                echo = _answer(octets, answer) or echo
            elif b"\ndestination:/echo\n" in octets:
                answer.append(echo)
            begin = octets.find(_RECEIPT)
            if begin > 0:
                id = octets[begin + len(_RECEIPT) : octets.index(b"\n", begin + 1)]
                answer.append(b"RECEIPT\nreceipt-id:%b\n\n\0\n" % id)
        peer.sendall(b"".join(answer))


def _answer(octets: bytes, answer: list[bytes]) -> bytes:
    """Answer a frame that is no SEND; return what shall come back for each message, if it asks for that."""
    parser = FrameParser(Version.V1_2)
    parser.receive_data(octets + b"\0")
    frame = parser.next_frame()
    assert frame is not None, "it is whole"
    destination = frame.headers.get("destination", "")
    if frame.command in ("CONNECT", "STOMP"):
        answer.append(b"CONNECTED\nversion:1.2\nheart-beat:0,0\nsession:x\nserver:other-end/1\n\n\0\n")
    elif frame.command == "SUBSCRIBE" and destination.startswith(BLAST):
        total = int(destination.removeprefix(BLAST))
        answer += [_message(frame.headers["id"], destination, number, _BODY) for number in range(total)]
    elif frame.command == "SUBSCRIBE":
        return _message(frame.headers["id"], destination, 1, _BODY)
    return b""


def _listen() -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def guarded(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with peer:
                _speak(peer)
        except OSError:
            pass  # the client has gone

    def accept() -> None:
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=guarded, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


if __name__ == "__main__":
    print(_listen(), flush=True)
    sys.stdin.read()
