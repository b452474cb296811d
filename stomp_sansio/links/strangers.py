"""Who else may answer on a port: other protocols by their first octets, and what to write instead.

What lives here is sentences for people; it must not know who asked, nor by which protocol.
"""

from __future__ import annotations

__all__ = ["what_answers"]

_TLS = "that is TLS: write stomps://, wss:// or https://"
_ELSEWHERE = "a broker's STOMP port is mostly 61613, or 61614 with TLS"

_BEGINNINGS = (
    (b"\x15\x03", _TLS),
    (b"\x16\x03", _TLS),
    (b"HTTP/", "that is HTTP: for WebSocket write ws:// or wss://, for SockJS http:// or https://"),
    (b"SSH-", "that is an SSH server: check host and port"),
    (b"AMQP", f"that is AMQP: {_ELSEWHERE}"),
    (b"220", "that is a mail or FTP server: check host and port"),
)


def what_answers(octets: bytes) -> str:
    """Return what a server is that begins like this, and what to do about it; for one that nobody knows, what
    to check. Some twenty octets are enough.
    """
    if octets.partition(b"\n")[0].rstrip(b"\r") in (b"CONNECTED", b"ERROR"):
        return "that is plain STOMP: write stomp:// or stomps://"
    for beginning, sentence in _BEGINNINGS:
        if octets.startswith(beginning):
            return sentence
    if b"ActiveMQ" in octets[:20]:
        return f"that is OpenWire: {_ELSEWHERE}"
    return "check host and port"
