"""A refusal in HTTP: one sentence for people, then the end of the stream.

What lives here needs no state of an exchange, so that it can answer what was no request at all; it must not
know why.
"""

from __future__ import annotations

from http import HTTPStatus

__all__ = ["plain_answer"]


def plain_answer(status: HTTPStatus, sentence: str) -> bytes:
    """Return the octets of an answer with a sentence as its body; close the stream behind it."""
    body = (sentence + "\n").encode("utf-8", "replace")
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET")
    if status in (HTTPStatus.UPGRADE_REQUIRED, HTTPStatus.BAD_REQUEST):
        # RFC 6455, section 4.4: the versions that would do.
        lines.append("Sec-WebSocket-Version: 13")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
