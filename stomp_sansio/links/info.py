"""The /info document of a SockJS service (SockJS 0.3.3, "Info test"): what it offers, read strictly and
written.

What lives here is a document; it must not know how it travels.
"""

from __future__ import annotations

import json
from typing import NoReturn, cast

from ..errors import LinkFault, RemoteProtocolError
from ..protocol.limits import Limits
from ..records import record
from .sockjs_status import Outcome, judge_status, refused_request

__all__ = ["SockJSInfo", "encode_info", "parse_info"]


@record(kw_only=True)
class SockJSInfo:
    """What a SockJS service says of itself."""

    websocket: bool = True
    """Whether the websocket transport is on."""
    cookie_needed: bool = False
    """Whether a balancer needs a cookie to find the server of a session."""
    origins: tuple[str, ...] = ("*:*",)
    """Which origins may use it; browsers ignore this, and so do we."""
    entropy: int | None = None
    """A number that nobody could foresee, for clients without a random source."""
    base_url: str | None = None
    """Where the service really is, if it is elsewhere."""


def parse_info(status: int, body: bytes, limits: Limits, *, location: str | None = None) -> SockJSInfo:
    """Return what the answer to /info says.

    What is missing takes the protocol's defaults; what is unknown is ignored.

    Raises:
        RemoteProtocolError: the status refuses (`HTTP_STATUS`), the body is too large (`LIMIT`), or it is no
        such
            document (`BAD_INFO`): most likely it is no SockJS service that answered.
    """
    if judge_status("info", status) is not Outcome.OK:
        raise refused_request("info", status, location)
    if len(body) > limits.max_info_body:
        raise RemoteProtocolError(
            LinkFault.LIMIT,
            f"The answer to /info is larger than {limits.max_info_body} octets: is this a SockJS service?",
        )
    document = _object(body)
    return SockJSInfo(
        websocket=_boolean(document, "websocket", default=True),
        cookie_needed=_boolean(document, "cookie_needed", default=False),
        origins=_origins(document.get("origins", ["*:*"])),
        entropy=_entropy(document.get("entropy")),
        base_url=_base_url(document.get("base_url")),
    )


def encode_info(info: SockJSInfo) -> bytes:
    """Return the document as a server sends it."""
    document: dict[str, object] = {
        "websocket": info.websocket,
        "origins": list(info.origins),
        "cookie_needed": info.cookie_needed,
    }
    if info.entropy is not None:
        document["entropy"] = info.entropy
    if info.base_url is not None:
        document["base_url"] = info.base_url
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_refuse_constant)


def _object(body: bytes) -> dict[str, object]:
    try:
        document: object = _STRICT.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return cast("dict[str, object]", document)
    if body.lstrip()[:1] == b"<":
        _bad("it looks like HTML: perhaps a login page of the network, or the URL is no SockJS base URL")
    _bad("it is no JSON object; check the URL, and write ws:// or wss:// for a plain WebSocket")


def _boolean(document: dict[str, object], name: str, *, default: bool) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        _bad(f"{name} is neither true nor false")
    return value


def _origins(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        _bad("origins is no array of strings")
    return tuple(_string(item, "origins") for item in cast("list[object]", value))


def _entropy(value: object) -> int | None:
    if value is None or type(value) is int:
        return value
    _bad("entropy is no whole number")


def _base_url(value: object) -> str | None:
    return None if value is None else _string(value, "base_url")


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        _bad(f"{name} holds something that is no string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        _bad(f"{name} holds a lone surrogate")
    return value


def _bad(what: str) -> NoReturn:
    raise RemoteProtocolError(
        LinkFault.BAD_INFO, f"The answer to /info is not that of a SockJS service: {what}"
    ) from None
