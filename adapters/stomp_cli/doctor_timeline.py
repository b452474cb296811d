"""How long each step of a connection took, read from a capture of it.

A function of records. This file must not know who captured them, nor why a connection failed.
"""

from __future__ import annotations

from collections.abc import Iterable

from stomp_sansio.capture import Kind, Record
from stomp_sansio.errors import RemoteProtocolError
from stomp_sansio.links.info import SockJSInfo, parse_info
from stomp_sansio.machine import StreamId
from stomp_sansio.protocol.limits import Limits

__all__ = ["Timeline", "timeline"]


class Timeline:
    """The steps of one connection, in seconds, by their names: proxy, tls, info, upgrade."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self.carries = 0.0
        """When STOMP could flow."""
        self.tls: str | None = None
        """The version of TLS inside a proxy's tunnel."""
        self.subprotocol: str | None = None
        self.info: SockJSInfo | None = None


def timeline(records: Iterable[Record]) -> Timeline:
    """Return what records say about the way to a connection. What is not there was not reached."""
    found = Timeline()
    waiting: dict[StreamId | None, tuple[str, float]] = {}
    answers: dict[StreamId | None, bytes] = {}
    for record in records:
        match record.kind:
            case Kind.OPENED:
                found.carries = record.time
            case Kind.START_TLS:
                waiting[record.stream] = ("tls", record.time)
            case Kind.TLS:
                _, since = waiting.pop(record.stream, ("", record.time))
                found.took["tls"], found.tls = record.time - since, record.about or None
                found.carries = record.time
            case Kind.OUT if step := _asked(record.octets):
                waiting[record.stream] = (step, record.time)
                answers[record.stream] = b""
            case Kind.IN if record.stream in answers:
                answers[record.stream] += record.octets
                if record.stream in waiting:
                    step, since = waiting.pop(record.stream)
                    if step not in found.took:
                        found.took[step] = record.time - since
                        found.carries = record.time
                    _read(found, step, answers[record.stream])
                elif found.info is None and "info" in found.took:
                    # A body may come behind its head.
                    _read(found, "info", answers[record.stream])
            case _:
                pass
    return found


def _asked(octets: bytes) -> str | None:
    """Return which step a request begins; None for what is no request of HTTP, or belongs to no step."""
    line = octets.partition(b"\r\n")[0]
    method, _, rest = line.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if not version.startswith(b"HTTP/1."):
        return None
    path = target.partition(b"?")[0]
    match method:
        case b"CONNECT":
            return "proxy"
        case b"GET":
            return "info" if path.endswith(b"/info") else "upgrade"
        case _:
            return "upgrade" if path.endswith((b"/xhr", b"/xhr_streaming")) else None


def _read(found: Timeline, step: str, answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    if step == "upgrade":
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"sec-websocket-protocol":
                found.subprotocol = value.strip().decode("latin-1")
    elif step == "info" and b"{" in body and b"}" in body:
        # Whatever frames the body: the document is one object.
        document = body[body.index(b"{") : body.rindex(b"}") + 1]
        try:
            found.info = parse_info(200, document, Limits.client())
        except RemoteProtocolError:
            pass  # then the link has failed there, and says why
