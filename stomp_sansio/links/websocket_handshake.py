"""The opening hand-shake of WebSocket, both sides, on wsproto: RFC 6455, section 4.

What lives here guards wsproto: heads reach it one at a time, whole, counted and alone, so that its verdict
depends on no cut and no octet of the stream behind is lost. It must not know frames, nor who opened the
stream.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import TypeAlias

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.utilities import RemoteProtocolError as WSProtoError

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from ..records import record
from ..redaction import excerpt, redacted
from .extra_headers import checked_headers
from .http_answer import plain_answer
from .http_head import HeadReader, head_fields, head_status, shown_start
from .http_status import explain_refused_upgrade
from .origin import OriginPolicy
from .strangers import what_answers
from .subprotocols import choose_subprotocol

__all__ = [
    "ClientHandshake",
    "Refused",
    "ServerHandshake",
    "UpgradeRequest",
    "Upgraded",
]

_MAX_HOST = 300
"""Octets of a Host field: a DNS name has at most 253. wsproto decodes IDNA, whose cost grows faster than its
input."""


@record
class UpgradeRequest:
    """What a client asked for when it opened a WebSocket."""

    target: str
    """Path and query."""
    host: str
    origin: str | None
    subprotocols: tuple[str, ...]
    """Those offered, in the client's order."""
    headers: tuple[tuple[str, str], ...]
    """Every header field, names in lower case. Credentials among them: do not show."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}: {redacted(name, value)}" for name, value in self.headers)
        return f"UpgradeRequest(target={self.target.partition('?')[0]!r}, headers=<{shown}>)"


@record
class Upgraded:
    """The hand-shake is done: frames follow."""

    connection: WSConnection
    subprotocol: str | None
    rest: bytes
    """What followed the head: the first octets of frames."""
    response: bytes = b""
    """What the server has to write."""
    request: UpgradeRequest | None = None


@record
class Refused:
    """The hand-shake failed."""

    error: RemoteProtocolError
    status: int | None
    """The HTTP status that the server answered (client side), or answers (server side)."""
    response: bytes = b""
    """What the server has to write."""


HandshakeResult: TypeAlias = Upgraded | Refused


class ClientHandshake:
    """The client's side: gives the request, reads the answer."""

    __slots__ = ("_head", "_offered", "_octets", "_max_octets", "_ws", "request")

    request: bytes
    """What to write first."""

    def __init__(
        self,
        *,
        host: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        subprotocols: Sequence[str],
        limits: Limits,
    ) -> None:
        """Build the request; `host` is what stands in its Host field.

        Raises:
            LocalProtocolError: a header field cannot be sent.
            ValueError: the host or the target cannot stand in a request; the caller's mistake.
        """
        extra = checked_headers(headers)
        if not (target.startswith("/") and target.isascii() and target.isprintable() and " " not in target):
            raise ValueError(
                f"{target!r} is no target of a request: it begins with / and has only printable US-ASCII"
            )
        if not (host and host.isascii() and host.isprintable()) or set(host) & set(" /?#@\\"):
            raise ValueError(f"{host!r} cannot stand in a Host field: pass host or host:port")
        self._ws = WSConnection(ConnectionType.CLIENT)
        request = Request(host=host, target=target, subprotocols=list(subprotocols), extra_headers=extra)
        try:
            self.request = self._ws.send(request)
        except UnicodeError:
            # IDNA refuses labels that are empty or longer than 63 octets, among others.
            raise ValueError(
                f"{host!r} is no host name: one of its labels is empty, too long or not allowed"
            ) from None
        self._head = HeadReader(limits)
        self._offered = tuple(subprotocols)
        self._max_octets = limits.max_http_header_block
        self._octets = 0

    def receive(self, data: bytes) -> None:
        """Take in what the server sent."""
        self._head.receive(data)

    def next_result(self) -> HandshakeResult | None:
        """Return how the hand-shake ended, or None while the answer is not whole."""
        try:
            while True:
                if (start := self._head.foreign_start()) is not None:
                    return _no_response(start)
                if (head := self._head.next_head()) is None:
                    return None
                status = head_status(head)
                if status is not None and 100 <= status < 200 and status != 101:
                    # RFC 9110, section 15.2: a client must be able to skip these. wsproto would take one for
                    # a refusal.
                    self._octets += len(head)
                    if self._octets > self._max_octets:
                        return Refused(
                            RemoteProtocolError(LinkFault.LIMIT, "Too many informational responses"), status
                        )
                    continue
                return self._judge(head, status)
        except RemoteProtocolError as error:
            return Refused(error, None)

    def cut_short(self) -> Refused:
        """Return how the hand-shake ended when the stream ended in it: after `next_result` has said None."""
        start = self._head.foreign_start(ended=True)
        return _cut_short(self._head) if start is None else _no_response(start)

    def _judge(self, head: bytes, status: int | None) -> HandshakeResult:
        if status is None:
            return _no_response(head)
        fields = head_fields(head)
        if status != 101:
            location = next((value for name, value in fields if name == "location"), None)
            sentence = explain_refused_upgrade(status, location)
            return Refused(RemoteProtocolError(LinkFault.HTTP_STATUS, sentence), status)
        if head[:9] != b"HTTP/1.1 ":
            return _bad(
                "The server switched protocols in HTTP/1.0, which cannot be: a proxy may stand between"
            )
        if _is_folded(head):
            return _bad("The server's answer has a header that is folded over several lines")
        names = [name for name, _ in fields]
        for name in ("sec-websocket-accept", "sec-websocket-protocol"):
            if names.count(name) > 1:
                # RFC 6455, section 11.3.4: "MUST NOT appear more than once in an HTTP response".
                return _bad(f"The server sent more than one {name} header")
        if "sec-websocket-extensions" in names:
            return _bad(
                "The server chose a WebSocket extension, such as compression, though none was offered"
            )
        try:
            self._ws.receive_data(head)
            accepted = next(event for event in self._ws.events() if isinstance(event, AcceptConnection))
        except (WSProtoError, UnicodeError) as error:
            return _bad(_client_side_reason(str(error), fields, self._offered))
        return Upgraded(self._ws, accepted.subprotocol, self._head.take_rest())


def _client_side_reason(reason: str, fields: list[tuple[str, str]], offered: Sequence[str]) -> str:
    chosen = next((value for name, value in fields if name == "sec-websocket-protocol"), None)
    if chosen is not None and chosen not in offered:
        shown = excerpt(chosen.encode("latin-1"))[1:]
        offers = ", ".join(offered) or "none was"
        return f"The server chose the subprotocol {shown}, which was not offered ({offers})"
    if "accept token" in reason:
        return (
            "The server's Sec-WebSocket-Accept is wrong: a cache or a server that knows no WebSocket answered"
        )
    return f"The server's upgrade response is no WebSocket one: {reason}"


class ServerHandshake:
    """The server's side: reads the request, gives the answer."""

    __slots__ = ("_accept_path", "_address", "_head", "_origins", "_secure", "_subprotocols", "_ws")

    def __init__(
        self,
        *,
        subprotocols: Sequence[str],
        accept_path: Callable[[str], bool],
        origins: OriginPolicy,
        secure: bool,
        address: str | None,
        limits: Limits,
    ) -> None:
        """Take what to check a request against; `accept_path` gets the target, query included."""
        self._ws = WSConnection(ConnectionType.SERVER)
        self._head = HeadReader(limits)
        self._subprotocols = tuple(subprotocols)
        self._accept_path = accept_path
        self._origins = origins
        self._secure = secure
        self._address = address

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        self._head.receive(data)

    def next_result(self) -> HandshakeResult | None:
        """Return how the hand-shake ended, or None while the request is not whole. Write its `response` in
        any case."""
        try:
            head = self._head.next_head()
        except RemoteProtocolError as error:
            return _refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, str(error), fault=LinkFault.LIMIT)
        return None if head is None else self._judge(head)

    def cut_short(self) -> Refused:
        """Return how the hand-shake ended when the stream ended in it: after `next_result` has said None."""
        return _cut_short(self._head)

    def _judge(self, head: bytes) -> HandshakeResult:
        fields = head_fields(head)
        objection = _objection(head, fields)
        if objection is not None:
            return _refuse(HTTPStatus.BAD_REQUEST, objection)
        try:
            self._ws.receive_data(head)
            request = next(event for event in self._ws.events() if isinstance(event, Request))
        except WSProtoError as error:
            hint = error.event_hint
            status = hint.status_code if isinstance(hint, RejectConnection) else 400
            if head[:4] != b"GET " and "GET" in str(error):
                status = HTTPStatus.METHOD_NOT_ALLOWED
            return _refuse(HTTPStatus(status), f"The upgrade request is no WebSocket one: {error}")
        except UnicodeError:
            return _refuse(HTTPStatus.BAD_REQUEST, "The upgrade request has a header that is not US-ASCII")
        origin = next((value for name, value in fields if name == "origin"), None)
        wanted = UpgradeRequest(
            request.target, _host(fields), origin, tuple(request.subprotocols), tuple(fields)
        )
        if not self._accept_path(wanted.target):
            return _refuse(HTTPStatus.NOT_FOUND, "There is no WebSocket at this path")
        refusal = self._origins.refuses(origin, wanted.host, secure=self._secure, address=self._address)
        if refusal is not None:
            return _refuse(refusal.status, refusal.sentence)
        chosen = choose_subprotocol(request.subprotocols, self._subprotocols)
        response = self._ws.send(AcceptConnection(subprotocol=chosen))
        return Upgraded(self._ws, chosen, self._head.take_rest(), response, wanted)


def _host(fields: list[tuple[str, str]]) -> str:
    return next(value for name, value in fields if name == "host")


def _objection(head: bytes, fields: list[tuple[str, str]]) -> str | None:
    """Return what is wrong with a request that wsproto would accept, or stumble over."""
    if not head.partition(b"\n")[0].removesuffix(b"\r").endswith(b" HTTP/1.1"):
        return "A WebSocket needs HTTP/1.1"
    if _is_folded(head):
        return "A header is folded over several lines"
    names = [name for name, _ in fields]
    for name in ("host", "origin", "sec-websocket-key", "sec-websocket-version"):
        if names.count(name) > 1:
            return f"The header {name} came more than once"
    for name, value in fields:
        if name == "transfer-encoding" or (name == "content-length" and value.strip("0")):
            return "An upgrade request has no body"
        if name == "host" and (len(value) > _MAX_HOST or not value.isascii()):
            return "The Host header is no host name"
        if name == "sec-websocket-key" and not _is_key(value):
            return "The Sec-WebSocket-Key is not 16 octets in base64"
    return None


def _is_folded(head: bytes) -> bool:
    """Tell whether a field goes on in the next line: two readers would not see the same value (RFC 9112,
    section 5.2)."""
    return b"\n " in head or b"\n\t" in head


def _is_key(value: str) -> bool:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True)) == 16
    except ValueError:
        return False


def _cut_short(head: HeadReader) -> Refused:
    if head.pending:
        fault, sentence = LinkFault.TRUNCATED, "The stream ended in the middle of the hand-shake"
    else:
        fault, sentence = LinkFault.CLOSED_ABNORMALLY, "The stream ended before the peer began its hand-shake"
    return Refused(RemoteProtocolError(fault, sentence), None)


def _no_response(head: bytes) -> Refused:
    start = shown_start(head)
    return _bad(f"The server's answer is no HTTP/1 response: it begins with {start}; {what_answers(head)}")


def _bad(sentence: str) -> Refused:
    return Refused(RemoteProtocolError(LinkFault.BAD_HANDSHAKE, sentence), None)


def _refuse(status: HTTPStatus, sentence: str, fault: LinkFault = LinkFault.BAD_HANDSHAKE) -> Refused:
    return Refused(RemoteProtocolError(fault, sentence), status.value, plain_answer(status, sentence))
